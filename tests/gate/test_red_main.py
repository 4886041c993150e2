"""A limit that is exceeded at the base, how much of a limit is used, and when a comment is begun."""

from __future__ import annotations

import datetime

import pytest

from . import INCEPTION, NET, macs, net_macs

OVER = macs(16) - 120_000_000
ONLY = 'only = "worse"\n'
AS_AT_MAIN = f"macs {macs(16):,} > 120,000,000 (budget in costcalc.toml, +{OVER:,}, as at main)"


@pytest.fixture
def red(repo):
    """A repository whose main exceeds its budget of 120M: it has 128,049,152."""
    repo.git("checkout", "-q", "main")

    def make(extra=""):
        repo.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "120M"\n{extra}')
        repo.commit("red")
        repo.git("checkout", "-q", "-B", "work")
        return repo

    return make


@pytest.mark.parametrize(
    ("extra", "r5", "status", "severity", "said"),
    [
        ("", 16, 1, "error", ", as at main)"),
        (ONLY, 16, 0, "warning", ", as at main)"),
        ("", 15, 1, "error", f", as at main, where it was {macs(16):,})"),
        (ONLY, 15, 0, "warning", f", as at main, where it was {macs(16):,})"),
        ("", 17, 1, "error", f"(budget in costcalc.toml, +{macs(17) - 120_000_000:,})"),
        (ONLY, 17, 1, "error", f"(budget in costcalc.toml, +{macs(17) - 120_000_000:,})"),
    ],
)
def test_a_budget_that_is_exceeded_at_the_base(red, extra, r5, status, severity, said):
    assert macs(15) > 120_000_000
    repo = red(extra)
    repo.write("README.md", "x\n")
    repo.edit("models/inception.yaml", "r5: 16", f"r5: {r5}")
    done = repo.check("--base", "main")
    assert (done.status, said in done.out) == (status, True), done.out
    assert repo.rules("--base", "main") == (status, [("CC102", severity, "models/inception.yaml", "macs")])
    assert repo.check("--base", "main", "--strict").status == status


def test_only_worse_without_a_base_is_a_plain_budget(red):
    """Without a base, and for a new spec."""
    repo = red(ONLY)
    assert repo.check().status == 1
    repo.write("models/new.yaml", INCEPTION.replace("name: inception", "name: other").replace("b1: 64", "b1: 65"))
    assert repo.check("--base", "main", "models/new.yaml").status == 1


def test_expect_that_does_not_hold_at_the_base(repo):
    repo.git("checkout", "-q", "main")
    repo.write("models/inception.yaml", INCEPTION + "expect: {macs: 1}\n")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    assert (
        f"macs {macs():,} is not 1 (expect of the spec, +{macs() - 1:,}, as at main)"
        in repo.check("--base", "main").out
    )
    repo.edit("models/inception.yaml", "r5: 16", "r5: 17")
    assert "as at main" not in repo.check("--base", "main").out


@pytest.mark.parametrize(
    ("text", "said"),
    [('only = "better"', "only must be 'worse'"), ("only = true", "only must be 'worse'")],
)
def test_only(red, text, said):
    done = red(f"{text}\n").check()
    assert (done.status, said in done.err, 'help: write only = "worse"' in done.err) == (2, True, True), done.err


# Usage


LIMITS = 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "130M"\n'


@pytest.mark.parametrize(
    ("limits", "r5", "rows"),
    [
        ("", 16, []),
        ("", 17, [f"macs {macs(17):,} of 130,000,000 (99.1%), +0.6%"]),
        ("", 15, [f"macs {macs(15):,} of 130,000,000 (97.9%), -0.6%"]),
        (
            '[[increase]]\nmacs = "2%"\n',
            17,
            [
                f"macs {macs(17):,} of 130,000,000 (99.1%), +0.6%",
                f"macs {macs(17):,} of 130,610,135 (98.6%, increase in costcalc.toml), +0.6%",
            ],
        ),
        (
            '[[budget]]\nlayer = "b1.**"\nmacs = "10M"\n[[budget]]\nset = { r5 = 8 }\nmacs = "1G"\n',
            17,
            [
                f"macs {macs(17):,} of 130,000,000 (99.1%), +0.6%",
                f"macs of b1.** {28 * 28 * 192 * 64:,} of 10,000,000 (96.3%), as before",
                f"macs at r5=8 {macs(8):,} of 1,000,000,000 (12.2%), as before",
            ],
        ),
    ],
)
def test_a_passing_check_shows_how_much_of_each_limit_is_used(repo, limits, r5, rows):
    repo.git("checkout", "-q", "main")
    repo.write("costcalc.toml", LIMITS + limits)
    repo.write("models/net.yaml", NET)  # it does not change: it has no row
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/inception.yaml", "r5: 16", f"r5: {r5}")
    done = repo.check("--base", "main")
    assert done.status == 0
    assert done.out.splitlines()[:-1] == [f"models/inception.yaml: {row}" for row in rows]
    markdown = repo.check("--base", "main", "-o", "markdown").out
    assert markdown.count("| used |") == bool(rows)
    document = repo.check("--base", "main", "-o", "json").json
    assert [(each["spec"], each["value"]) for each in document["usage"]] == [
        ("models/inception.yaml", int(row.partition(" of ")[0].rpartition(" ")[2].replace(",", "")))
        if " of b1" not in row
        else ("models/inception.yaml", 28 * 28 * 192 * 64)
        for row in rows
    ]


def test_usage_of_a_new_spec(repo):
    repo.write("models/net.yaml", NET)
    assert f"models/net.yaml: macs {net_macs():,} of 130,000,000 (<0.1%), new\n" in repo.check("--base", "main").out


# Comments


@pytest.mark.parametrize(
    ("above", "edit", "wanted"),
    [
        ("", ("r5: 16", "r5: 16"), False),
        ("", ("r5: 16", "r5: 17"), True),
        ("", ("name: inception", "name: another"), True),  # changed, though no figure did
        ("0.6%", ("r5: 16", "r5: 17"), True),  # 777,728 of 128,049,152 are 0.6074%
        ("0.7%", ("r5: 16", "r5: 17"), False),
        ("0.7%", ("r5: 16", "r5: 15"), False),
        ("0.6%", ("r5: 16", "r5: 15"), True),
        ("0.1%", ("name: inception", "name: another"), False),
        ("50%", ("r5: 16", "r5: 24"), True),  # it fails
        ("50%", ("kernel: 5", "kernal: 5"), True),  # it is broken
    ],
)
def test_thresholds_of_the_comment(repo, above, edit, wanted):
    repo.git("checkout", "-q", "main")
    comment = f'[comment]\nabove = "{above}"\n' if above else ""
    repo.write("costcalc.toml", LIMITS + comment)
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/inception.yaml", *edit)
    assert repo.check("--base", "main", "-o", "json").json["comment"] is wanted


def test_the_threshold_is_reached_by_that_much_exactly(repo):
    """28*28*(192 + 25*32) = 777,728 more of 128,049,152 are 777728/128049152 = 31/5104: 0.607366771...%."""
    repo.git("checkout", "-q", "main")
    for above, wanted in (("0.607366771%", True), ("0.607366772%", False)):
        repo.write("costcalc.toml", f'{LIMITS}[comment]\nabove = "{above}"\n')
        repo.git("checkout", "-q", "-B", "work")
        repo.edit("models/inception.yaml", "r5: 16", "r5: 17")
        assert repo.check("--base", "main", "-o", "json").json["comment"] is wanted
        repo.edit("models/inception.yaml", "r5: 17", "r5: 16")


def test_warnings_that_are_not_of_this_change_begin_no_comment(red):
    repo = red(ONLY + '[[waiver]]\nrule = "CC103"\nreason = "r"\n[[increase]]\nmacs = "1%"\n')
    document = repo.check("--base", "main", "-o", "json").json
    assert [each["rule"] for each in document["findings"]] == ["CC102", "CC105"]
    assert document["comment"] is False
    repo.edit("costcalc.toml", "120M", "121M")
    assert repo.check("--base", "main", "-o", "json").json["comment"] is True  # the limit was loosened


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[comment]\nabove = 0.1\n", "expected a percentage"),
        ("[comment]\nbelow = '1%'\n", "unknown key below"),
        ("comment = 3\n", "expected a table"),
        ("[[comment]]\nabove = '1%'\n", "expected a table"),
    ],
)
def test_faults_of_the_threshold(repo, text, said):
    repo.write("costcalc.toml", f"{text}[[budget]]\nspec = 'models/*.yaml'\nmacs = 1\n")
    done = repo.check()
    assert (done.status, said in done.err) == (2, True), done.err


# Waivers


@pytest.mark.parametrize(
    ("day", "said"),
    [(datetime.date(2027, 3, 30), ""), (datetime.date(2027, 3, 31), ""), (datetime.date(2027, 4, 1), "expired")],
)
def test_a_waiver_holds_on_its_last_day(day, said):
    from costcalc.errors import Source
    from costcalc.gate.config import parse
    from costcalc.gate.results import ERROR, Finding
    from costcalc.gate.waivers import accepts, apply, stale

    config = parse(Source("costcalc.toml", '[[waiver]]\nrule = "CC102"\nreason = "r"\nexpires = 2027-03-31\n'))
    (waiver,) = config.waivers
    finding = Finding(rule="CC102", severity=ERROR, spec="net.yaml", message="over", metric="macs", value=2)
    assert accepts(waiver, finding, day) is not bool(said)
    assert apply(finding, [waiver], "net.yaml", day)[1] is not bool(said)
    found = stale(waiver, True, day)
    assert said in (found.message if found else "")
    assert bool(found) is bool(said)


@pytest.mark.parametrize(
    ("values", "about"),
    [("{ r5 = 24 }", True), ("{ r5 = 25 }", False), ("{ r5 = 24, b5 = 32 }", False), ("{ b5 = 24 }", False)],
)
def test_a_waiver_of_one_member_of_a_family(repo, values, about):
    repo.write(
        "costcalc.toml",
        f'{LIMITS}[[budget]]\nset = {{ r5 = 24 }}\nmacs = "130M"\n'
        f'[[waiver]]\nrule = "CC102"\nset = {values}\nreason = "r"\n',
    )
    done = repo.check()
    assert (done.status, "CC105" in done.out) == (0 if about else 1, not about)


def test_the_largest_findings_stand_first(repo):
    """Errors come before warnings, then the largest excess relative to the limit."""
    repo.write("models/net.yaml", NET)
    repo.write(
        "costcalc.toml",
        'specs = ["models/*.yaml"]\n'
        f'[[budget]]\nspec = "models/inception.yaml"\nmacs = {macs() - 1000}\nparams = "163.697k"\nwarn_at = "50%"\n'
        f'[[budget]]\nspec = "models/net.yaml"\nmacs = {net_macs() - 1000}\n',
    )
    from costcalc.gate.check import Request, check

    outcome = check(Request(today=datetime.date(2027, 1, 1)))
    assert [(each.severity, each.spec, each.metric) for each in outcome.largest] == [
        ("error", "models/net.yaml", "macs"),  # 1,000 of 26,648
        ("error", "models/inception.yaml", "macs"),  # 1,000 of 128,048,152
        ("warning", "models/inception.yaml", "params"),
    ]
    from fractions import Fraction

    assert [each.weight for each in outcome.largest] == [
        Fraction(1000, net_macs() - 1000),
        Fraction(1000, macs() - 1000),
        Fraction(1, 163_697),
    ]


# Examples of the rules


@pytest.mark.parametrize("rule", ["CC001", "CC101", "CC102", "CC103", "CC105", "CC106"])
def test_the_example_of_a_rule_is_what_a_check_says(repo, rule):
    """Each is about a convolution whose width changed from 16 to 24: 8*8 positions, 9 taps, 3 channels, the width."""
    from costcalc.gate.rules import RULES

    assert (net_macs(16), net_macs(24), 27_648 * 102 // 100, 41_472 - 28_200) == (27_648, 41_472, 28_200, 13_272)
    repo.git("checkout", "-q", "main")
    (repo.path / "models/inception.yaml").unlink()
    repo.write("net.yaml", NET)
    config = 'specs = ["*.yaml"]\n\n[[budget]]\nmacs = "30k"\n\n[[increase]]\nmacs = "2%"\n'
    repo.write("costcalc.toml", config)
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    code, _, finding = RULES[rule].example.rpartition("\n\n")
    repo.edit("net.yaml", "width: 16", "width: 24")
    if rule == "CC001":
        repo.write("net.yaml", (repo.path / "net.yaml").read_text().partition("layers")[0] + code + "\n")
    elif rule == "CC101":
        repo.write("net.yaml", (repo.path / "net.yaml").read_text() + code + "\n")
    elif rule == "CC105":
        repo.write("costcalc.toml", f"{config}\n{code}\n")
    elif rule == "CC106":
        repo.write("costcalc.toml", config.replace('[[budget]]\nmacs = "30k"', code))
    assert code in "\n".join(path.read_text() for path in (repo.path / "net.yaml", repo.path / "costcalc.toml"))
    assert finding in repo.check("--base", "main").out.splitlines()
