"""A dearer network does not pass because a limit stopped holding it: after a rename, a move, another configuration."""

from __future__ import annotations

import pytest

from . import INCEPTION, NET, macs

B5 = 28 * 28 * (192 * 16 + 25 * 16 * 32)
"""The multiply-adds of the branch b5: a 1x1 convolution of 192 channels to 16, and a 5x5 one of those to 32."""


def base_with(repo, **files):
    """A commit on main with these files, and the branch work on top of it."""
    repo.git("checkout", "-q", "main")
    for name, text in files.items():
        repo.write(name.replace("__", "/") + (".toml" if name.endswith("costcalc") else ".yaml"), text)
    repo.commit("limits")
    repo.git("checkout", "-q", "-B", "work")


def loosened(repo, *arguments):
    """The messages of CC106 by their spec, and the status with `--strict`."""
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
            "the budget on macs of b5.** holds nothing in this spec, as it did at main: no layer matches b5.**",
        ),
        (
            '[[increase]]\nlayer = "b5.**"\nmacs = 0\n',
            [("b5:\n", "wide5:\n")],
            (
                "the increase against base on macs of b5.** holds nothing in this spec, as it did at main: "
                "no layer matches b5.**"
            ),
        ),
        (
            f"[[budget]]\nset = {{ r5 = 16 }}\nmacs = {macs(16)}\n",
            [("r5: 16", "q5: 16"), ("out: r5", "out: q5")],
            (
                "the budget on macs at r5=16 holds nothing in this spec, as it did at main: the spec does not have the "
                "params r5"
            ),
        ),
        (
            "[[increase]]\nset = { r5 = 16 }\nmacs = 0\n",
            [("r5: 16", "q5: 16"), ("out: r5", "out: q5")],
            (
                "the increase against base on macs at r5=16 holds nothing in this spec, as it did at main: "
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
            "macs of b*.conv_2: 1 layer that the limit held at main has another name, which it does not match",
        ),
        (f'[[budget]]\nlayer = "*5.**"\nmacs = {B5}\n', [("b5:\n", "wide5:\n")], None),
        (f'[[budget]]\nlayer = "b5.**"\nmacs = {B5}\n', [("r5: 16", "r5: 15")], None),
    ],
)
def test_a_limit_that_holds_nothing_any_more(repo, limit, edits, said):
    """Another spec, in which the limit still holds, does not hide it."""
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
    assert "costcalc.toml:6:8: CC106 models/inception.yaml: the budget on macs of b5.** holds nothing" in done.out


def test_layers_of_another_name_are_named(repo):
    config = 'specs = ["models/*.yaml"]\n[[budget]]\nlayer = "b*.conv_2"\nmacs = "1G"\n'
    base_with(repo, costcalc=config)
    repo.edit("models/inception.yaml", "b5:\n", "wide5:\n")
    out = repo.check("--base", "main").out
    assert "= note: b5.conv_2 is wide5.conv_2 now" in out
    assert "= help: let the limit match the new names as well" in out


def test_a_report_as_base(scratch):
    """It has no configuration; the one of today stands in for it."""
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
            [("models/inception.yaml", "the budget on macs went from 130,000,000 to 131,000,000, against main")],
        ),
        (
            NESTED.replace("macs", "params").replace("130M", "1G"),
            [("models/inception.yaml", "the budget on macs of 130,000,000 was dropped, against main")],
        ),
        (
            NESTED.replace('"130M"', '"130M"\nonly = "worse"'),
            [
                (
                    "models/inception.yaml",
                    "the budget on macs went from 130,000,000 to 130,000,000 (only where worse), against main",
                )
            ],
        ),
    ],
)
def test_a_new_configuration_below(repo, nested, said):
    """What is in force for a spec is compared, wherever it is written."""
    repo.write("models/costcalc.toml", nested)
    assert loosened(repo) == (1 if said else 0, said)


def test_a_configuration_below_that_is_removed(repo):
    base_with(repo, models__costcalc=NESTED + WAIVER, costcalc=LIMITS.replace("130M", "1G"))
    (repo.path / "models/costcalc.toml").unlink()
    said = "the budget on macs went from 130,000,000 to 1,000,000,000, against main"
    assert loosened(repo) == (1, [("models/inception.yaml", said)])


def test_a_new_spec_is_held_to_what_held_its_folder(repo):
    """What a configuration at the base would have required of it; a new one beside it does not pass unseen."""
    repo.write("models/new/big.yaml", TWIN.replace("r5: 16", "r5: 64"))
    assert repo.check("--base", "main").status == 1
    repo.write("models/new/costcalc.toml", '[[budget]]\nspec = "*.yaml"\nmacs = "1G"\n')
    said = "the budget on macs went from 130,000,000 to 1,000,000,000, against main"
    assert loosened(repo) == (1, [("models/new/big.yaml", said)])


def test_specs_that_a_folder_checked(repo):
    """A configuration below is removed; the one above does not name the spec that it named."""
    nested = '[[budget]]\nspec = "*.yaml"\nmacs = "130M"\n'
    base_with(repo, models__costcalc=nested, other__net=NET, costcalc=LIMITS.replace("models/**", "other"))
    (repo.path / "models/costcalc.toml").unlink()
    repo.monkeypatch.chdir(repo.path / "models")
    status, found = loosened(repo)
    assert (status, [spec for spec, _ in found]) == (1, ["inception.yaml"])
    assert "does not name it as a spec any more, as it did at main" in found[0][1]


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
        ('macs = "2%"', 'macs = "+5"', "went from 2% to +5"),
        ('macs = "+5"', 'macs = "2%"', "went from +5 to 2%"),
        ('macs = "2%"', "macs = 0", None),
        ("macs = 0", 'macs = "1%"', "went from 0 to 1%"),
        ('macs = "2%"', 'macs = "2%"\nagainst = "v1"', "of 2% was dropped"),
        ('macs = "2%"\n[[increase]]\nmacs = "1%"', 'macs = "2%"', "went from 1% to 2%"),
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
    assert (status, found) == (1, [("", "the configuration at main cannot be read: a budget without a figure")])
