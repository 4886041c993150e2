"""A limit that no longer applies is a finding: after a rename, a move, or in another configuration."""

from __future__ import annotations

from datetime import date

import pytest

from costcalc.analysis import analyze
from costcalc.errors import Source, Span
from costcalc.gate.limits import INCREASED, OVER_BUDGET, OVER_EXPECT, Config, LimitScope, Requirement, Waiver, allowance
from costcalc.gate.results import WARNING
from costcalc.gate.weakened_limits import Applied, Widened, loosened_limits, widened, widened_findings
from costcalc.lang.loader import open_spec

from . import INCEPTION, NET, macs

B5 = 28 * 28 * (192 * 16 + 25 * 16 * 32)
"""The multiply-adds of the branch b5: a 1x1 convolution of 192 channels to 16, and a 5x5 one of those to 32."""


def base_with(repo, **files):
    """Commit files on main, and create the branch work."""
    repo.git("checkout", "-q", "main")
    for name, text in files.items():
        repo.write(name.replace("__", "/") + (".toml" if name.endswith("costcalc") else ".yaml"), text)
    repo.commit("limits")
    repo.git("checkout", "-q", "-B", "work")


def loosened(repo, *arguments):
    """Return the status with `--strict`, and the messages of CC106 with their specs."""
    done = repo.check("--base", "main", *arguments, "-o", "json").json
    status = repo.check("--base", "main", "--strict", *arguments).status
    return status, [(each["spec"], each["message"]) for each in done["findings"] if each["rule"] == "CC106"]


TWIN = INCEPTION.replace("name: inception", "name: twin")


@pytest.mark.parametrize(
    ("limit", "edits", "said"),
    [
        (
            f'[[budget]]\nlayer = "b5.**"\nmacs = {B5}\n',
            [("b5:\n", "wide5:\n")],
            "the budget on macs of b5.** applies to nothing in this spec, unlike at main: no layer matches b5.**",
        ),
        (
            '[[increase]]\nlayer = "b5.**"\nmacs = 0\n',
            [("b5:\n", "wide5:\n")],
            (
                "the increase against base on macs of b5.** applies to nothing in this spec, unlike at main: "
                "no layer matches b5.**"
            ),
        ),
        (
            f"[[budget]]\nset = {{ r5 = 16 }}\nmacs = {macs(16)}\n",
            [("r5: 16", "q5: 16"), ("out: r5", "out: q5")],
            (
                "the budget on macs at r5=16 applies to nothing in this spec, unlike at main: "
                "the spec does not have the params r5"
            ),
        ),
        (
            "[[increase]]\nset = { r5 = 16 }\nmacs = 0\n",
            [("r5: 16", "q5: 16"), ("out: r5", "out: q5")],
            (
                "the increase against base on macs at r5=16 applies to nothing in this spec, unlike at main: "
                "the spec does not have the params r5"
            ),
        ),
        (  # a layer that is gone costs nothing
            f'[[budget]]\nlayer = "b5.**"\nmacs = {B5}\n',
            [("        - conv: {out: b5, kernel: 5}\n", "")],
            None,
        ),
        (
            f'[[budget]]\nlayer = "b*.conv_2"\nmacs = {28 * 28 * (9 * 96 * 128 + 25 * 16 * 32)}\n',
            [("b5:\n", "wide5:\n")],
            "macs of b*.conv_2: 1 layer was renamed since main, and the limit does not match the new name",
        ),
        (f'[[budget]]\nlayer = "*5.**"\nmacs = {B5}\n', [("b5:\n", "wide5:\n")], None),
        (f'[[budget]]\nlayer = "b5.**"\nmacs = {B5}\n', [("r5: 16", "r5: 15")], None),
    ],
)
def test_a_limit_that_holds_nothing_any_more(repo, limit, edits, said):
    """Another spec, to which the limit still applies, does not hide the finding."""
    config = f'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1G"\n{limit}'
    base_with(repo, models__twin=TWIN, costcalc=config)
    for old, new in edits:
        repo.edit("models/inception.yaml", old, new)
    expected = (1, [("models/inception.yaml", said)]) if said else (0, [])
    assert loosened(repo) == expected
    assert repo.check("--base", "main").status == 0


def test_the_dearer_network_behind_a_new_name(repo):
    config = f'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1G"\n[[budget]]\nlayer = "b5.**"\nmacs = {B5}\n'
    base_with(repo, models__twin=TWIN, costcalc=config)
    repo.edit("models/inception.yaml", "b5:\n", "wide5:\n")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 64")
    done = repo.check("--base", "main", "--strict")
    assert done.status == 1
    assert "costcalc.toml:6:8: CC106 models/inception.yaml: the budget on macs of b5.** applies to nothing" in done.out


def test_layers_of_another_name_are_named(repo):
    config = 'specs = ["models/*.yaml"]\n[[budget]]\nlayer = "b*.conv_2"\nmacs = "1G"\n'
    base_with(repo, costcalc=config)
    repo.edit("models/inception.yaml", "b5:\n", "wide5:\n")
    out = repo.check("--base", "main").out
    assert "= note: b5.conv_2 is now wide5.conv_2" in out
    assert "= help: write a glob that matches the new names as well" in out


def test_a_report_as_base(scratch):
    """It has no configuration, so the current one is used."""
    scratch.write("models/inception.yaml", INCEPTION)
    scratch.write("models/twin.yaml", TWIN)
    scratch.run("analyze", "models/inception.yaml", "models/twin.yaml", "-o", "json=base.json")
    scratch.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[budget]]\nlayer = "b5.**"\nmacs = {B5}\n')
    assert scratch.check("--base", "base.json", "--strict").status == 0
    scratch.edit("models/inception.yaml", "b5:\n", "wide5:\n")
    status, found = scratch.rules("--base", "base.json", "--strict")
    assert (status, found) == (1, [("CC106", "error", "models/inception.yaml", "macs")])


LIMITS = 'specs = ["models/**/*.yaml"]\n\n[[budget]]\nmacs = "130M"\n'
NESTED = 'specs = ["**/*.yaml"]\n\n[[budget]]\nmacs = "130M"\n'
WAIVER = '\n[[waiver]]\nrule = "CC102"\nreason = "r"\n'


@pytest.mark.parametrize(
    ("nested", "said"),
    [
        (NESTED, []),
        (NESTED + WAIVER, [("models/inception.yaml", "the waiver of CC102 is new, against main (r)")]),
        (
            NESTED.replace("130M", "131M"),
            [("models/inception.yaml", "the budget on macs was changed from 130,000,000 to 131,000,000, against main")],
        ),
        (
            NESTED.replace("macs", "params").replace("130M", "1G"),
            [("models/inception.yaml", "the budget on macs of 130,000,000 was removed, against main")],
        ),
        (
            NESTED.replace('"130M"', '"130M"\nonly = "worse"'),
            [
                (
                    "models/inception.yaml",
                    "the budget on macs was changed from 130,000,000 to 130,000,000 (only if worse), against main",
                )
            ],
        ),
    ],
)
def test_a_new_configuration_below(repo, nested, said):
    """The limits of a spec are compared, in whatever file they are."""
    repo.write("models/costcalc.toml", nested)
    assert loosened(repo) == (1 if said else 0, said)


def test_a_configuration_below_that_is_removed(repo):
    base_with(repo, models__costcalc=NESTED + WAIVER, costcalc=LIMITS.replace("130M", "1G"))
    (repo.path / "models/costcalc.toml").unlink()
    said = "the budget on macs was changed from 130,000,000 to 1,000,000,000, against main"
    assert loosened(repo) == (1, [("models/inception.yaml", said)])


def test_a_new_spec_is_held_to_what_held_its_folder(repo):
    """The base is the configuration that would have applied to it at the base."""
    repo.write("models/new/big.yaml", TWIN.replace("r5: 16", "r5: 64"))
    assert repo.check("--base", "main").status == 1
    repo.write("models/new/costcalc.toml", '[[budget]]\nspec = "*.yaml"\nmacs = "1G"\n')
    said = "the budget on macs was changed from 130,000,000 to 1,000,000,000, against main"
    assert loosened(repo) == (1, [("models/new/big.yaml", said)])


def test_specs_that_a_folder_checked(repo):
    """A nested configuration is removed, and the outer one does not name its spec."""
    nested = '[[budget]]\nspec = "*.yaml"\nmacs = "130M"\n'
    base_with(repo, models__costcalc=nested, other__net=NET, costcalc=LIMITS.replace("models/**", "other"))
    (repo.path / "models/costcalc.toml").unlink()
    repo.monkeypatch.chdir(repo.path / "models")
    status, found = loosened(repo)
    assert (status, [spec for spec, _ in found]) == (1, ["inception.yaml"])
    assert "no longer names this spec, unlike at main" in found[0][1]


def test_a_waiver_of_several_specs_is_one_finding(repo):
    for number in range(5):
        repo.write(f"models/n{number}.yaml", NET)
    repo.write("costcalc.toml", LIMITS + WAIVER)
    status, found = loosened(repo)
    specs = "models/inception.yaml, models/n0.yaml, models/n1.yaml and 3 more"
    said = f"the waiver of CC102 for {specs} is new, against main (r)"
    assert (status, found) == (1, [("", said)])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('spec = "models/i*"', 'spec = "models/*"', [("models/twin.yaml", "is new")]),
        ('spec = "models/*"', 'spec = "models/i*"', []),
        ('layer = "b5.**"', "", [("", "is new")]),
        ("", 'layer = "b5.**"', []),
        ("set = { r5 = 16 }", "set = { r5 = 17 }", [("", "is new")]),
        ("set = { r5 = 16 }", "set = { r5 = 16 }", []),
        ("set = { r5 = 16 }", "", [("", "is new")]),
    ],
)
def test_a_waiver_that_reaches_farther(repo, old, new, said):
    base_with(repo, models__twin=TWIN, costcalc=LIMITS + WAIVER + old + "\n")
    repo.write("costcalc.toml", LIMITS + WAIVER + new + "\n")
    _, found = loosened(repo)
    assert [(spec, message.partition(", against")[0].rpartition(" is ")[2]) for spec, message in found] == [
        (spec, what.removeprefix("is ")) for spec, what in said
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('macs = "2%"', 'macs = "+5"', "was changed from 2% to +5"),
        ('macs = "+5"', 'macs = "2%"', "was changed from +5 to 2%"),
        ('macs = "2%"', "macs = 0", None),
        ("macs = 0", 'macs = "1%"', "was changed from 0 to 1%"),
        ('macs = "2%"', 'macs = "2%"\nagainst = "v1"', "of 2% was removed"),
        ('macs = "2%"\n[[increase]]\nmacs = "1%"', 'macs = "2%"', "was changed from 1% to 2%"),
        ('macs = "2%"\n[[increase]]\nmacs = "2%"', 'macs = "2%"', None),
    ],
)
def test_increases_that_were_loosened(repo, old, new, said):
    repo.git("tag", "v1", "main")
    config = 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1G"\n[[increase]]\n'
    base_with(repo, costcalc=config + old + "\n")
    repo.write("costcalc.toml", config + new + "\n")
    _, found = loosened(repo)
    text = f"the increase against base on macs {said}, against main"
    assert found == ([("models/inception.yaml", text)] if said else [])


def test_the_base_cannot_be_read(repo):
    base_with(repo, models__costcalc="[[budget]]\n")
    repo.write("models/costcalc.toml", NESTED)
    status, found = loosened(repo)
    assert (status, found) == (1, [("", "cannot read the configuration at main: the budget has no figure")])


# The decisions on values, without a repository.

SPAN = Span(Source("c.toml", ""), 3, 1)


def budget(limit, metric="macs", set=None, layer="", **more):
    return Requirement(rule=OVER_BUDGET, metric=metric, set=set or {}, layer=layer, limit=limit, **more)


def expect(limit):
    return Requirement(rule=OVER_EXPECT, metric="macs", set={}, limit=limit)


def increase(allowed, against="base"):
    return Requirement(rule=INCREASED, metric="macs", set={}, allowance=allowance(allowed), against=against)


@pytest.fixture(scope="module")
def network():
    return analyze(open_spec("lenet5").build({}))


@pytest.mark.parametrize(
    ("base", "now", "change"),
    [
        ([budget(10)], [budget(10)], None),
        ([budget(10)], [budget(9)], None),
        ([budget(10)], [budget(1011)], "was changed from 10 to 1,011"),
        ([budget(1010)], [], "of 1,010 was removed"),
        ([], [budget(10)], None),
        # of several limits, the strictest counts
        ([budget(10), budget(20)], [budget(20), budget(10)], None),
        ([budget(20), budget(10)], [budget(20)], "was changed from 10 to 20"),
        ([budget(20), budget(10)], [budget(15), budget(20)], "was changed from 10 to 15"),
        ([budget(10), budget(10)], [budget(20)], "was changed from 10 to 20"),
        ([budget(10), budget(10), budget(10)], [], "of 10 was removed"),
        ([budget(10), budget(20)], [], "of 10 was removed"),
        # of another figure, other params or another layer
        ([budget(10)], [budget(10, "params")], "of 10 was removed"),
        ([budget(10, set={"w": 8})], [budget(10, set={"w": 9})], "at w=8 of 10 was removed"),
        ([budget(10, layer="a")], [budget(10, layer="b")], "of a of 10 was removed"),
        (
            [budget(10, set={"w": 8}, layer="a")],
            [budget(11, set={"w": 8}, layer="a")],
            "of a at w=8 was changed from 10 to",
        ),
        ([budget(10, layer="a")], [budget(10, layer="a")], None),
        ([expect(10)], [expect(11)], "was changed from 10 to 11"),
        ([expect(10)], [budget(10)], "of 10 was removed"),
        ([increase("2%")], [increase("2%")], None),
        ([increase("2%")], [increase("1.5%")], None),
        ([increase("2%")], [increase("3%")], "was changed from 2% to 3%"),
        ([increase("2%")], [], "of 2% was removed"),
        ([increase("+5")], [increase("+6")], "was changed from +5 to +6"),
        ([increase("+5")], [increase("+5")], None),
        ([increase("+5")], [increase("+4")], None),
        # none at all is stricter than any; a part and a number are not compared
        ([increase("+5")], [increase("0")], None),
        ([increase("0")], [], "of 0 was removed"),
        ([increase("0")], [increase("+5")], "was changed from 0 to +5"),
        ([increase("2%"), increase("+5")], [increase("2%")], "was changed from +5 to 2%"),
        ([increase("2%", "v1")], [increase("2%", "v2")], "against v1"),
        ([budget(10)], [increase("0")], "of 10 was removed"),
        # a limit that fails only where the figure became worse is weaker than one that always does
        ([budget(10)], [budget(10, only_worse=True)], "was changed from 10 to 10 (only if worse)"),
        ([budget(10, only_worse=True)], [budget(10, only_worse=True)], None),
        ([budget(10, only_worse=True)], [budget(10)], None),
        ([budget(10, only_worse=True)], [budget(11)], "was changed from 10 (only if worse) to 11"),
        ([budget(10, only_worse=True), budget(10)], [budget(10, only_worse=True)], "was changed from 10 to 10 (only"),
    ],
)
def test_what_is_weaker(network, base, now, change):
    found = loosened_limits("a.yaml", *([Applied(each, network) for each in side] for side in (base, now)), "main")
    assert len(found) == (change is not None)
    if change:
        (finding,) = found
        assert change in finding.message
        assert (finding.rule, finding.severity, finding.spec) == ("CC106", WARNING, "a.yaml")


@pytest.mark.parametrize(
    ("base", "now", "held", "value", "limit"),
    [
        (budget(10), budget(11, span=SPAN), True, 11, 10),
        (budget(10), budget(11, span=SPAN), False, None, 10),  # it holds nothing: the figure is no new limit
        (budget(10), None, True, None, 10),
        (expect(10), expect(11).replace(span=SPAN), True, 11, 10),
        (increase("2%"), increase("3%").replace(span=SPAN), True, None, None),
        (increase("2%"), None, True, None, None),
    ],
)
def test_the_figures_of_a_weaker_limit(network, base, now, held, value, limit):
    after = [Applied(now, network if held else None, "gone")] if now else []
    (finding,) = loosened_limits("a.yaml", [Applied(base, network)], after, "main")
    assert ("figures" in finding.help) == (base.rule == OVER_EXPECT)
    assert (finding.value, finding.limit, finding.span) == (value, limit, SPAN if now else None)
    assert ("gone" in finding.message) == (not held)


def test_what_a_weaker_limit_is_about(network):
    old, new = budget(10, set={"w": 8}, layer="b"), budget(11, set={"w": 8}, layer="b")
    (finding,) = loosened_limits("a.yaml", [Applied(old, network)], [Applied(new, network)], "main")
    assert (finding.set, finding.at, finding.layer, finding.metric) == ({"w": 8}, "w=8", "b", "macs")
    assert finding.key == "CC106|a.yaml|CC102|macs|w=8|b|"
    (finding,) = loosened_limits("a.yaml", [Applied(increase("2%", "v1"), network)], [], "main")
    assert finding.key == "CC106|a.yaml|CC103|macs|||v1"


def test_a_limit_that_held_nothing_at_the_base_can_go(network):
    assert loosened_limits("a.yaml", [Applied(budget(10), None, "gone")], [], "main") == []


def test_each_weaker_limit_is_a_finding(network):
    old = [budget(1), expect(3), budget(5, "params"), budget(7, "flops")]
    new = [budget(2), expect(4), budget(5, "params")]
    found = loosened_limits("a.yaml", *([Applied(each, network) for each in side] for side in (old, new)), "main")
    assert [each.metric for each in found] == ["macs", "macs", "flops"]


DAY, LATER = date(2024, 5, 17), date(2024, 5, 18)


def waiver(ceiling=None, expires=None, rule=OVER_BUDGET, spec="", set=None, layer=""):
    scope = LimitScope(spec=spec, set=set or {}, layer=layer)
    return Waiver(rule=rule, scope=scope, ceiling=ceiling or {}, reason="r", expires=expires, span=SPAN)


@pytest.mark.parametrize(
    ("base", "now", "change"),
    [
        ([waiver()], waiver(), None),
        ([], waiver(), "is new"),
        ([waiver(rule=OVER_EXPECT)], waiver(), "is new"),
        ([waiver(spec="b/*")], waiver(), "is new"),
        ([waiver(spec="a/*")], waiver(), None),
        ([], waiver(spec="b/*"), None),
        ([waiver(set={"w": 8})], waiver(set={"w": 9}), "is new"),
        ([waiver(set={"w": 8})], waiver(), "is new"),
        ([waiver()], waiver(set={"w": 8}), None),
        ([waiver(layer="a")], waiver(layer="b"), "is new"),
        ([waiver(layer="a")], waiver(layer="a"), None),
        ([waiver()], waiver(layer="b"), None),
        ([waiver({"macs": 10})], waiver({"macs": 10}), None),
        ([waiver({"macs": 10})], waiver({"macs": 11}), "has a higher ceiling"),
        ([waiver({"macs": 10})], waiver(), "has a higher ceiling"),
        ([waiver()], waiver({"macs": 10}), None),
        ([waiver({"macs": 10})], waiver({"params": 9}), "has a higher ceiling"),
        ([waiver({"macs": 10, "params": 5})], waiver({"macs": 10}), None),
        ([waiver({"macs": 10})], waiver({"macs": 9, "params": 5}), "has a higher ceiling"),
        ([waiver({"macs": 10, "params": 5})], waiver({"macs": 9, "params": 6}), "has a higher ceiling"),
        ([waiver(expires=DAY)], waiver(expires=DAY), None),
        ([waiver(expires=LATER)], waiver(expires=DAY), None),
        ([waiver(expires=DAY)], waiver(expires=LATER), "expires later"),
        ([waiver(expires=DAY)], waiver(), "expires later"),
        ([waiver()], waiver(expires=DAY), None),
        # each of several waivers may stand behind a new one; no two of them together do
        ([waiver(expires=DAY), waiver(expires=LATER)], waiver(expires=LATER), None),
        ([waiver({"macs": 9}, LATER), waiver({"macs": 10}, DAY)], waiver({"macs": 10}, LATER), "has a higher ceiling"),
    ],
)
def test_what_a_waiver_is_wider_in(base, now, change):
    source = Source("c.toml", "")
    found = widened(
        "n", Config(source=source, waivers=tuple(base)), "a/x.yaml", Config(source=source, waivers=(now,)), "a/x.yaml"
    )
    assert [each.change for each in found] == ([change] if change else [])
    assert all(each.waiver is now and each.spec == "n" for each in found)


def test_without_a_configuration_at_the_base_each_waiver_is_new():
    now = Config(source=Source("c.toml", ""), waivers=(waiver(spec="b/*"), waiver(spec="a/*"), waiver()))
    found = widened("n", None, "", now, "a/x.yaml")
    assert [(each.waiver.scope.spec, each.change) for each in found] == [("a/*", "is new"), ("", "is new")]
    one, other = widened_findings(found, "main")
    assert (one.spec, one.span, one.severity, one.key) == ("n", SPAN, WARNING, "CC106|waiver|CC102|a/*|||is new")
    assert (other.rule, other.key) == ("CC106", "CC106|waiver|CC102||||is new")


@pytest.mark.parametrize(
    ("specs", "spec", "named"),
    [
        (["a"], "a", "CC102 is new"),
        (["a", "b"], "", "CC102 for a, b is new"),
        (["a", "b", "c"], "", "CC102 for a, b, c is new"),
        (["a", "b", "c", "d"], "", "CC102 for a, b, c and 1 more is new"),
    ],
)
def test_a_waiver_of_several_specs_names_them(specs, spec, named):
    one = waiver()
    (finding,) = widened_findings([Widened(one, each, "is new") for each in specs], "main")
    assert finding.spec == spec
    assert named in finding.message
