"""Compare each kind of figure with each kind of limit."""

from __future__ import annotations

from fractions import Fraction

import pytest

from costcalc import run_budget
from costcalc.errors import Source
from costcalc.gate.limits import (
    INCREASED,
    OVER_BUDGET,
    OVER_EXPECT,
    Allowed,
    Budget,
    Capped,
    Config,
    Increase,
    LimitScope,
    Requirement,
    allowance,
)
from costcalc.gate.requirements import (
    CommandLineLimits,
    applies,
    command_line_requirements,
    entries,
    entry_requirements,
    judge,
    key,
    own_requirements,
)
from costcalc.gate.results import ERROR, WARNING
from costcalc.lang.loader import open_spec

SPEC = "a.yaml"


def budget(limit, **more):
    return Requirement(rule=OVER_BUDGET, metric="macs", set={}, limit=limit, **more)


def expect(limit):
    return Requirement(rule=OVER_EXPECT, metric="macs", set={}, limit=limit)


def increase(allowed, **more):
    return Requirement(rule=INCREASED, metric="macs", set={}, allowance=allowance(allowed), **more)


NEAR = Fraction(9, 10)


@pytest.mark.parametrize(
    ("requirement", "value", "base", "found"),
    [
        # severity, limit, weight: how far beyond the limit, as a part of the limit
        (budget(1000), 999, None, None),
        (budget(1000), 1000, None, None),
        (budget(1000), 1001, None, (ERROR, 1000, Fraction(1, 1000))),
        (budget(1000), 2500, 7, (ERROR, 1000, Fraction(1500, 1000))),
        (budget(0), 0, None, None),
        (budget(0), 3, None, (ERROR, 0, Fraction(3, 1))),  # of 0 there is no part: the figure itself
        (budget(2), 3, None, (ERROR, 2, Fraction(1, 2))),
        (budget(1), 3, None, (ERROR, 1, Fraction(2, 1))),
        (budget(1000, warn_at=NEAR), 899, None, None),
        (budget(1000, warn_at=NEAR), 900, None, (WARNING, 1000, Fraction(100, 1000))),
        (budget(1000, warn_at=NEAR), 1000, None, (WARNING, 1000, Fraction(0))),
        (budget(1000, warn_at=NEAR), 1001, None, (ERROR, 1000, Fraction(1, 1000))),
        (budget(1001, warn_at=NEAR), 900, None, None),  # 9/10 of 1001 are 900.9
        (budget(1001, warn_at=NEAR), 901, None, (WARNING, 1001, Fraction(100, 1001))),
        (expect(1000), 1000, None, None),
        (expect(1000), 1001, None, (ERROR, 1000, Fraction(1, 1000))),
        (expect(1000), 999, None, (ERROR, 1000, Fraction(1, 1000))),
        (expect(0), 5, None, (ERROR, 0, Fraction(5, 1))),
        (increase("0"), 1000, 1000, None),
        (increase("0"), 999, 1000, None),
        (increase("0"), 1001, 1000, (ERROR, 1000, Fraction(1, 1000))),
        (increase("2%"), 1020, 1000, None),
        (increase("2%"), 1021, 1000, (ERROR, 1020, Fraction(1, 1020))),
        (increase("2%"), 50, 49, (ERROR, 49, Fraction(1, 49))),  # 2 % of 49 are 0.98: not one more
        (increase("2%"), 51, 50, None),
        (increase("+10"), 1010, 1000, None),
        (increase("+10"), 1012, 1000, (ERROR, 1010, Fraction(2, 1010))),
        (increase("5%"), 1, 0, (ERROR, 0, Fraction(1, 1))),
    ],
)
def test_a_figure_against_a_limit(requirement, value, base, found):
    finding = judge(SPEC, requirement, value, base, "main")
    assert (finding and (finding.severity, finding.limit, finding.weight)) == found
    if finding:
        assert (finding.rule, finding.spec, finding.metric) == (requirement.rule, SPEC, "macs")
        assert (finding.value, finding.base) == (value, base)


@pytest.mark.parametrize(
    ("requirement", "value", "base", "severity", "same"),
    [
        # what is beyond a limit already at the base is told, and with only_worse is no failure
        (budget(10), 12, None, ERROR, ""),
        (budget(10), 12, 11, ERROR, ""),
        (budget(10), 12, 12, ERROR, ", as at main"),
        (budget(10), 12, 1013, ERROR, ", as at main, where it was 1,013"),
        (budget(10, only_worse=True), 12, None, ERROR, ""),
        (budget(10, only_worse=True), 12, 11, ERROR, ""),
        (budget(10, only_worse=True), 12, 12, WARNING, ", as at main"),
        (budget(10, only_worse=True), 12, 1013, WARNING, ", as at main, where it was 1,013"),
        (expect(10), 12, None, ERROR, ""),
        (expect(10), 12, 11, ERROR, ""),
        (expect(10), 12, 12, ERROR, ", as at main"),
    ],
)
def test_a_figure_that_was_beyond_the_limit_before(requirement, value, base, severity, same):
    finding = judge(SPEC, requirement, value, base, "main")
    assert finding.severity == severity
    assert finding.message.endswith(f", +2{same})")
    assert (finding.help == "this change does not make it worse") == (severity == WARNING)


@pytest.mark.parametrize(
    ("requirement", "value", "base", "numbers", "repair"),
    [
        (budget(2000), 3500, None, "3,500 > 2,000 (", "1,500"),
        (budget(2000, warn_at=NEAR), 1900, None, "1,900 is near 2,000 (", ""),
        (expect(2000), 3500, None, "3,500 is not 2,000 (", "macs: 3_500"),
        (increase("+10"), 3500, 2000, "3,500 > 2,010 (", "1,490"),  # 3500 - 2010
    ],
)
def test_the_numbers_of_a_message(requirement, value, base, numbers, repair):
    finding = judge(SPEC, requirement, value, base, "main")
    assert finding.message.startswith(f"macs {numbers}")
    assert requirement.allowance is None or "1,490 too many" in finding.message
    assert repair in finding.help
    assert bool(repair) == bool(finding.help)


@pytest.mark.parametrize(
    ("requirement", "value", "difference"),
    [(budget(2000), 3500, "+1,500"), (expect(2000), 500, "-1,500"), (expect(2000), 3500, "+1,500"),
     (budget(2000, warn_at=NEAR), 1900, "100 left")],
)  # fmt: skip
def test_the_difference_in_a_message(requirement, value, difference):
    assert f" {difference})" in judge(SPEC, requirement, value, None).message


@pytest.mark.parametrize(
    ("set", "layer", "what", "at"),
    [
        ({}, "", "macs 5 > ", ""),
        ({"width": 8}, "", "macs at width=8 5 > ", "width=8"),
        ({}, "b.**", "macs of b.** 5 > ", ""),
        ({"width": 8}, "b.**", "macs of b.** at width=8 5 > ", "width=8"),
    ],
)
def test_what_a_finding_is_about(set, layer, what, at):
    finding = judge(
        SPEC, Requirement(rule=OVER_BUDGET, metric="macs", set=set, layer=layer, limit=4, origin="x"), 5, None
    )
    assert finding.message.startswith(what)
    assert (finding.set, finding.at, finding.layer) == (set, at, layer)
    assert finding.key == f"CC102|a.yaml|{at}|{layer}|macs||x"


def test_the_key_of_an_increase_names_what_it_is_against():
    assert key(SPEC, increase("2%", against="v1", origin="x")) == "CC103|a.yaml|||macs|v1|x"
    assert key(SPEC, budget(1, against="v1")) == "CC102|a.yaml|||macs||"


@pytest.mark.parametrize(
    ("glob", "path", "holds"),
    [
        ("", "a/b.yaml", True),
        ("a/*.yaml", "a/b.yaml", True),
        ("*.yaml", "a/b.yaml", False),
        ("**/*.yaml", "a/b.yaml", True),
    ],
)
def test_the_specs_that_an_entry_is_about(glob, path, holds):
    assert applies(glob, path) is holds


SOURCE = Source("costcalc.toml", "")
BUDGET = Budget(
    scope=LimitScope(spec="a/*.yaml", set={"w": 8}, layer="b.**"),
    values={"macs": Capped(5, None), "params": Capped(6, None)},
    warn_at=NEAR,
    only_worse=True,
)
INCREASE = Increase(
    scope=LimitScope(set={"w": 9}, layer="c"), values={"flops": Allowed(allowance("2%"), None)}, against="v1"
)


def test_what_an_entry_requires():
    more = {"warn_at": NEAR, "origin": "budget in c.toml", "only_worse": True}
    assert entry_requirements(BUDGET, "c.toml") == [
        Requirement(rule=OVER_BUDGET, metric="macs", set={"w": 8}, layer="b.**", limit=5, **more),
        Requirement(rule=OVER_BUDGET, metric="params", set={"w": 8}, layer="b.**", limit=6, **more),
    ]
    more = {"allowance": allowance("2%"), "against": "v1", "origin": "increase in c.toml"}
    assert entry_requirements(INCREASE, "c.toml") == [
        Requirement(rule=INCREASED, metric="flops", set={"w": 9}, layer="c", **more)
    ]


def test_the_entries_that_apply():
    config = Config(source=SOURCE, budgets=(BUDGET,), increases=(INCREASE,))
    assert [*entries(config, "a/x.yaml")] == [BUDGET, INCREASE]
    assert [*entries(config, "b/x.yaml")] == [INCREASE]
    assert [*entries(None, "a/x.yaml")] == []


def test_entries_count_on_the_budget_of_the_run():
    steps = run_budget.RunBudget(1, 1)
    with run_budget.within(steps):
        assert len([*entries(Config(source=SOURCE, increases=(INCREASE,) * 5), "x.yaml")]) == 5
    assert steps.steps - steps.steps_left == 5 // run_budget.MATCHES_PER_STEP == 2


def test_what_the_command_line_requires():
    found = command_line_requirements(CommandLineLimits(max={"macs": 5}, increase={"params": allowance("2%")}))
    assert found == [
        Requirement(rule=OVER_BUDGET, metric="macs", set={}, limit=5, origin="--max"),
        Requirement(rule=INCREASED, metric="params", set={}, allowance=allowance("2%"), origin="--max-increase"),
    ]


def test_what_a_spec_requires_of_itself(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(
        "input: [3, 8, 8]\nparams: {width: 16}\nlayers:\n  - conv: {out: width, kernel: 1}\n"
        "expect: {macs: 3072}\nbudget: {set: {width: 8}, macs: 1536}\n"
    )
    found = own_requirements(open_spec(str(path)))
    assert [(each.rule, each.metric, each.set, each.limit, each.span.line) for each in found] == [
        (OVER_EXPECT, "macs", {}, 8 * 8 * 3 * 16, 5),
        (OVER_BUDGET, "macs", {"width": 8}, 8 * 8 * 3 * 8, 6),
    ]
