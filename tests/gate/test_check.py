"""The requirements, findings and messages of `costcalc check`."""

from __future__ import annotations

import pytest

from . import INCEPTION, NET, macs, net_macs

BASE, NOW = macs(16), macs(24)


def test_the_example(repo):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    done = repo.check("--base", "main")
    assert done.status == 1
    assert (BASE, NOW) == (128_049_152, 134_270_976)
    assert done.out.startswith(
        "models/inception.yaml:4:39: CC102 macs 134,270,976 > 130,000,000 (budget in costcalc.toml, +4,270,976)\n"
        "   |\n"
        " 4 | params: {b1: 64, r3: 96, b3: 128, r5: 24, b5: 32, pool: 32}\n"
        "   |                                       ^^ was 16 at main\n"
        "   = note: b5.conv_2 +5,017,600 (81%), b5.conv +1,204,224 (19%)\n"
        "   = help: r5 = 18 is the largest that fits\n"
        "\n"
        "fail: 1 error in 1 spec (1 changed), against main ("
    )
    assert macs(18) <= 130_000_000 < macs(19)


def test_json(repo):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.write("models/net.yaml", NET)
    commit = repo.git("rev-parse", "main")
    done = repo.check("--base", "main", "-o", "json")
    document = done.json
    assert document["format"] == "costcalc.check/1"
    assert document["verdict"] == "fail"
    assert document["base"] == {"ref": "main", "commit": commit}
    (finding,) = document["findings"]
    assert {key: finding[key] for key in ("rule", "severity", "spec", "set", "layer", "metric")} == {
        "rule": "CC102",
        "severity": "error",
        "spec": "models/inception.yaml",
        "set": {},
        "layer": None,
        "metric": "macs",
    }
    assert (finding["value"], finding["limit"], finding["base"]) == (NOW, 130_000_000, BASE)
    assert (finding["line"], finding["column"]) == (4, 39)
    assert finding["causes"] == [
        {"layer": "b5.conv_2", "base": 28 * 28 * 25 * 16 * 32, "value": 28 * 28 * 25 * 24 * 32},
        {"layer": "b5.conv", "base": 28 * 28 * 192 * 16, "value": 28 * 28 * 192 * 24},
    ]
    first, second = document["specs"]
    assert (first["spec"], first["status"]) == ("models/inception.yaml", "changed")
    assert first["totals"]["macs"] == NOW
    assert first["base_totals"]["macs"] == BASE
    assert (second["spec"], second["status"], second["base_totals"]) == ("models/net.yaml", "new", None)


@pytest.mark.parametrize(
    ("limit", "status"),
    [(BASE, 0), (BASE - 1, 1), (BASE + 1, 0), ('"128049152"', 0), ('"128.049152M"', 0), ("128049152.0", 0)],
)
def test_reaching_a_budget_passes_and_passing_it_fails(repo, limit, status):
    repo.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[budget]]\nmacs = {limit}\n')
    assert repo.check().status == status


@pytest.mark.parametrize(
    ("allowed", "r5", "status"),
    [
        ("0", 16, 0),
        ("0", 17, 1),
        ("0", 15, 0),
        ('"+777728"', 17, 0),  # one more channel: 28*28*(192 + 25*32) = 777,728
        ('"+777727"', 17, 1),
        ('"+777.728k"', 17, 0),
        ('"0.6073667%"', 17, 1),  # of 128,049,152: 777,727.9...
        ('"0.6073668%"', 17, 0),
        ('"5%"', 24, 0),
        ('"4%"', 24, 1),
    ],
)
def test_increase_is_exact(repo, allowed, r5, status):
    assert 28 * 28 * (192 + 25 * 32) == 777_728 == macs(17) - macs(16)
    repo.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[increase]]\nmacs = {allowed}\n')
    repo.edit("models/inception.yaml", "r5: 16", f"r5: {r5}")
    done = repo.check("--base", "main")
    assert done.status == status
    assert ("CC103" in done.out) == bool(status)


def test_expect_holds_in_both_directions(repo):
    for figure, status in ((BASE, 0), (BASE + 1, 1), (BASE - 1, 1)):
        repo.write("models/inception.yaml", INCEPTION + f"expect: {{macs: {figure}}}\n")
        done = repo.check()
        assert (done.status, "CC101" in done.out) == (status, bool(status))
    assert f"write macs: {BASE:_}" in done.out
    assert "models/inception.yaml:20:16: CC101" in done.out


def test_expect_and_budget_of_a_family(repo):
    repo.write("costcalc.toml", 'specs = ["models/net.yaml"]\n')
    repo.write(
        "models/net.yaml",
        NET
        + f"expect: [{{macs: {net_macs(16)}}}, {{set: {{width: 8}}, macs: {net_macs(8)}}}]\n"
        + f"budget: [{{macs: {net_macs(16)}}}, {{set: {{width: 32}}, macs: {net_macs(32) - 1}}}]\n",
    )
    done = repo.check("-o", "json")
    assert done.status == 1
    (finding,) = done.json["findings"]
    assert (finding["rule"], finding["set"], finding["value"]) == ("CC102", {"width": 32}, net_macs(32))
    assert "macs at width=32 55,296 > 55,295 (budget of the spec, +1)" in finding["message"]


def test_a_family_in_the_configuration(repo):
    repo.write("models/net.yaml", NET)
    toml = 'specs = ["models/*.yaml"]\n[[budget]]\nset = {{ width = {} }}\nmacs = {}\n'
    repo.write("costcalc.toml", toml.format(8, net_macs(8)))
    assert repo.check().status == 0  # inception has no width: the entry is not about it
    repo.write("costcalc.toml", toml.format(9, net_macs(9) - 1))
    assert repo.rules() == (1, [("CC102", "error", "models/net.yaml", "macs")])


def test_a_budget_on_layers(repo):
    b5 = 28 * 28 * (192 * 16 + 25 * 16 * 32)
    toml = 'specs = ["models/*.yaml"]\n[[budget]]\nlayer = "b5.**"\nmacs = {}\n'
    repo.write("costcalc.toml", toml.format(b5))
    assert repo.check().status == 0
    repo.edit("models/inception.yaml", "b1: 64", "b1: 640")  # dearer, but elsewhere
    assert repo.check("--base", "main").status == 0
    repo.edit("models/inception.yaml", "r5: 16", "r5: 17")
    done = repo.check("--base", "main")
    assert done.status == 1
    assert f"macs of b5.** {b5 + 777_728:,} > {b5:,}" in done.out
    assert "b1.conv" not in done.out
    assert "^^ was 16 at main" in done.out


def test_every_failure_is_reported(repo):
    repo.write(
        "costcalc.toml",
        'specs = ["models/*.yaml"]\n[[budget]]\nmacs = 1\nparams = 1\nflops = 1\nlayers = 1\nactivations = 1\n'
        "[[increase]]\nmacs = 0\nparams = 0\n",
    )
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.write("models/inception.yaml", (repo.path / "models/inception.yaml").read_text() + "expect: {params: 1}\n")
    status, found = repo.rules("--base", "main")
    assert status == 1
    spec = "models/inception.yaml"
    assert found == [
        ("CC101", "error", spec, "params"),
        *[("CC102", "error", spec, metric) for metric in ("layers", "params", "macs", "flops", "activations")],
        *[("CC103", "error", spec, metric) for metric in ("params", "macs")],
    ]


def test_warn_at(repo):
    for at, status, severity in (("98.49%", 0, "warning"), ("98.6%", 0, None), ("100%", 0, None)):
        repo.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "130M"\nwarn_at = "{at}"\n')
        found = repo.rules()
        expected = [("CC102", severity, "models/inception.yaml", "macs")] if severity else []
        assert found == (status, expected)  # 128,049,152 of 130,000,000 are 98.499 %
    repo.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[budget]]\nmacs = {BASE}\nwarn_at = "100%"\n')
    assert repo.rules() == (0, [("CC102", "warning", "models/inception.yaml", "macs")])
    assert repo.check("--strict").status == 0


def test_limits_on_the_command_line(scratch):
    scratch.write("net.yaml", NET)
    assert scratch.check("net.yaml", "--max", f"macs={net_macs()}").status == 0
    done = scratch.check("net.yaml", "--max", f"macs={net_macs() - 1}", "--max", "params=1G")
    assert done.status == 1
    assert "net.yaml:4:5: CC102 macs 27,648 > 27,647 (--max, +1)" in done.out
    assert scratch.check("net.yaml", "--max", "macs=1", "--exit-zero").status == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--max", "mac=1"], "did you mean macs?"),
        (["--max", "macs"], "expected METRIC=VALUE"),
        (["--max", "macs=many"], "expected a whole number"),
        (["--max", "macs=-1"], "expected a whole number"),
        (["--max", "macs=0.5"], "expected a whole number"),
        (["--max", "macs=1", "--max", "macs=2"], "given twice"),
        (["--max-increase", "macs=x%"], "expected a percentage"),
        (["--max-increase", "macs=-2%"], "expected a percentage"),
        (["--config", "gone.toml"], "gone.toml: file not found"),
        (["--base", "gone.json"], "cannot read gone.json: file not found"),
        (["gone.yaml"], "cannot read gone.yaml: file not found"),
    ],
)
def test_usage(scratch, arguments, said):
    scratch.write("net.yaml", NET)
    done = scratch.check("net.yaml", *arguments)
    assert done.status == 2
    assert said in done.err
    assert not done.out


def test_a_check_that_measured_nothing_never_passes(scratch):
    done = scratch.check()
    assert (done.status, "no costcalc.toml" in done.err) == (2, True)
    scratch.write("net.yaml", NET)
    done = scratch.check("net.yaml")
    assert (done.status, "no limit applies to" in done.err, "--init" in done.err) == (2, True, True)
    assert scratch.check("net.yaml", "--exit-zero").status == 2
    scratch.write("costcalc.toml", 'specs = ["models/*.yaml"]\n')
    done = scratch.check()
    assert (done.status, "no file matches" in done.err) == (2, True)
    scratch.write("costcalc.toml", 'specs = ["*.yaml"]\n[[increase]]\nmacs = 0\n')
    done = scratch.check()
    assert (done.status, "there is no base" in done.err) == (2, True)


def test_without_a_base_increases_are_not_evaluated(repo):
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1G"\n[[increase]]\nmacs = 0\n')
    done = repo.check()
    assert done.status == 0
    assert "not evaluated: CC103 models/inception.yaml macs" in done.out
    assert "1 not evaluated" in done.out
    assert repo.check("--strict").status == 1
    assert repo.check("-o", "json").json["not_evaluated"] == [
        {
            "rule": "CC103",
            "spec": "models/inception.yaml",
            "metric": "macs",
            "reason": "increase in costcalc.toml: there is no base to compare with",
        }
    ]


@pytest.mark.parametrize(
    ("toml", "place", "said"),
    [
        ('[[budget]]\nmasc = "1M"\n', "2:1", "unknown key masc"),
        ('[[bugdet]]\nmacs = "1M"\n', "1:1", "unknown key bugdet"),
        ("[budget]\nmacs = 1\n", "1:1", "begin each with [[budget]]"),
        ("[[budget]]\nspec = 'x.yaml'\n", "1:1", "the budget has no figure"),
        ("[[budget]]\nmacs = '1X'\n", "2:8", "expected a whole number"),
        ("[[budget]]\nmacs = -1\n", "2:8", "expected a whole number"),
        ("[[budget]]\nmacs = true\n", "2:8", "expected a whole number"),
        ("[[budget]]\nmacs = 1\nwarn_at = 0.9\n", "3:11", "expected a percentage"),
        ("[[budget]]\nmacs = 1\nspec = '../x.yaml'\n", "3:8", "leads out of the folder"),
        ("[[increase]]\nmacs = '2%%'\n", "2:8", "expected a percentage"),
        ("[[increase]]\nmacs = 0\nagainst = 3\n", "3:11", "against must be a string"),
        ("[[waiver]]\nrule = 'CC102'\n", "1:1", "the waiver has no reason"),
        ("[[waiver]]\nrule = 'CC106'\nreason = 'x'\n", "2:8", "CC106 cannot be waived"),
        ("[[waiver]]\nrule = 'CC102'\nreason = 'x'\nexpires = 'soon'\n", "4:11", "expected a date"),
        ("[[waiver]]\nrule = 'CC102'\nreason = 'x'\nceiling = { mcas = 1 }\n", "4:13", "did you mean macs?"),
        ("specs = 3\n", "1:9", "specs must be a list of globs"),
        ("specs = ['/etc/*.yaml']\n", "1:10", "leads out of the folder"),
        ("specs = [\n", "2:1", "invalid TOML"),
        ("[[budget]]\nspec = 'gone.yaml'\nmacs = 1\n", "2:8", "no spec matches gone.yaml"),
        ("[[budget]]\nlayer = 'b9.**'\nmacs = 1\n", "2:9", "no layer matches b9.**"),
        ("[[budget]]\nset = { widht = 1 }\nmacs = 1\n", "2:7", "unknown param widht"),
    ],
)
def test_faults_of_a_configuration(scratch, toml, place, said):
    scratch.write("net.yaml", NET)
    scratch.write("costcalc.toml", "specs = ['*.yaml']\n".join(["", toml]) if "specs" not in toml else toml)
    line, _, column = place.partition(":")
    shift = 0 if "specs" in toml else 1
    done = scratch.check()
    assert done.status == 2, done.out
    assert f"costcalc.toml:{int(line) + shift}:{column}: error: " in done.err
    assert said in done.err


@pytest.mark.parametrize(
    ("layers", "help"),
    [
        ("{group: [relu, relu], name: front}, tanh", "the layers are front.**, tanh; costcalc analyze net.yaml lists"),
        (", ".join(f"{{relu: , name: l{number}}}" for number in range(13)), "= help: costcalc analyze net.yaml lists"),
        ("{group: [relu], name: stm}", "did you mean stm.**?"),
    ],
)
def test_a_budget_on_a_group_that_was_renamed(scratch, layers, help):
    scratch.write("net.yaml", f"input: [3]\nlayers: [{layers}]\n")
    scratch.write("costcalc.toml", "specs = ['*.yaml']\n[[budget]]\nlayer = 'stem.**'\nmacs = 1\n")
    done = scratch.check()
    assert done.status == 2
    assert "costcalc.toml:3:9: error: no layer matches stem.**" in done.err
    assert help in done.err


def test_pyproject_and_the_nearest_configuration(repo):
    (repo.path / "costcalc.toml").unlink()
    repo.write("pyproject.toml", '[tool.costcalc]\nspecs = ["**/*.yaml"]\n[[tool.costcalc.budget]]\nmacs = "1G"\n')
    assert repo.check().status == 0
    repo.write("models/costcalc.toml", '[[budget]]\nspec = "*.yaml"\nmacs = 1\n')
    done = repo.check()
    assert (done.status, "budget in models/costcalc.toml" in done.out) == (1, True)
    repo.write("costcalc.toml", "specs = ['**/*.yaml']\n")
    done = repo.check()
    assert (done.status, "has two configurations" in done.err) == (2, True)
    (repo.path / "pyproject.toml").write_text("[tool.other]\nname = 'costcalc'\n")
    assert repo.check().status == 1
    repo.monkeypatch.chdir(repo.path / "models")
    done = repo.check()
    assert (done.status, done.out.split("\n")[0][:22]) == (1, "costcalc.toml:3:8: CC1")


def test_no_configuration_from_above_the_repository(repo):
    (repo.path / "costcalc.toml").unlink()
    (repo.path.parent / "costcalc.toml").write_text("[[budget]]\nmacs = 1\n")
    done = repo.check("models/inception.yaml")
    assert (done.status, "no limit applies to" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("waiver", "status", "said"),
    [
        ("ceiling = { macs = '140M' }", 0, "waived: "),
        ("ceiling = { macs = 134270976 }", 0, "waived: "),
        ("ceiling = { macs = 134270975 }", 1, "waived only up to 134,270,975 in costcalc.toml:"),
        ("ceiling = { params = '1G' }", 1, "CC105 warning"),
        ("expires = 2099-01-01", 0, "waived: "),
        ("expires = 2020-01-01", 1, "expired on 2020-01-01"),
        ("spec = 'models/i*.yaml'", 0, "waived: "),
        ("spec = 'other/*.yaml'", 1, "matches nothing"),
    ],
)
def test_waivers(repo, waiver, status, said):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    toml = (repo.path / "costcalc.toml").read_text()
    repo.write("costcalc.toml", f'{toml}[[waiver]]\nrule = "CC102"\nreason = "teacher network, #90"\n{waiver}\n')
    done = repo.check("--base", "main")
    assert (done.status, said in done.out) == (status, True), done.out


def test_a_stale_waiver_fails_when_strict(repo):
    toml = (repo.path / "costcalc.toml").read_text()
    repo.write("costcalc.toml", f'{toml}[[waiver]]\nrule = "CC102"\nreason = "r"\n')
    assert repo.rules() == (0, [("CC105", "warning", "", None)])
    assert repo.rules("--strict") == (1, [("CC105", "error", "", None)])


def test_a_waiver_of_what_is_unknown_is_not_stale(repo):
    """Without a base, or in a broken spec, it is unknown whether a waiver matches anything."""
    toml = (repo.path / "costcalc.toml").read_text()
    waiver = '[[waiver]]\nrule = "CC103"\nreason = "r"\n'
    repo.write("costcalc.toml", f"{toml}[[increase]]\nmacs = 0\n{waiver}")
    repo.commit("limits")
    repo.git("branch", "-f", "main")
    assert repo.rules() == (0, [])
    assert repo.rules("--base", "main") == (0, [("CC105", "warning", "", None)])
    repo.edit("models/inception.yaml", "r5: 16", "r5: 18")
    assert repo.rules("--base", "main") == (0, [])
    repo.edit("models/inception.yaml", "layers:", "layers: {")
    assert [rule for rule, *_ in repo.rules("--base", "main")[1]] == ["CC001"]


def test_waivers_are_judged_against_all_configured_specs(repo):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.write("models/net.yaml", NET)
    toml = (repo.path / "costcalc.toml").read_text()
    repo.write("costcalc.toml", f'{toml}[[waiver]]\nrule = "CC102"\nreason = "r"\nspec = "models/inception.yaml"\n')
    assert repo.rules("models/net.yaml") == (0, [])  # the waiver is about a spec that is not being checked


def test_entries_are_judged_against_all_configured_specs(repo):
    repo.write("models/net.yaml", NET)
    repo.write(
        "costcalc.toml",
        'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1G"\n[[budget]]\nlayer = "b5.**"\nmacs = "1G"\n',
    )
    assert repo.rules("models/net.yaml") == (0, [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'macs = "130M"',
            'macs = "131M"',
            "the budget on macs was changed from 130,000,000 to 131,000,000, against main",
        ),
        ('[[budget]]\nmacs = "130M"', '[[budget]]\nparams = "1G"', "the budget on macs of 130,000,000 was removed"),
        ('macs = "130M"', 'macs = "129M"', None),
        ("[[budget]]", '[[waiver]]\nrule = "CC102"\nreason = "r"\n[[budget]]', "the waiver of CC102 is new"),
        ("[[budget]]", '[[budget]]\nspec = "models/*"', None),
    ],
)
def test_loosened_limits(repo, old, new, said):
    repo.edit("costcalc.toml", old, new)
    status, found = repo.rules("--base", "main")
    assert (status, [rule for rule, *_ in found if rule == "CC106"]) == (0, ["CC106"] if said else [])
    assert repo.check("--base", "main", "--strict").status == (1 if said else 0)
    assert (said or "pass") in repo.check("--base", "main").out


def test_loosened_in_the_spec_and_of_increases(repo):
    repo.write("models/inception.yaml", INCEPTION + "budget: {macs: 129M}\n")
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[increase]]\nmacs = "1%"\nparams = 0\n')
    repo.git("checkout", "-q", "main")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/inception.yaml", "129M", "130M")
    repo.edit("costcalc.toml", '"1%"\nparams = 0', '"2%"\nparams = "+5"')
    out = repo.check("--base", "main").out
    assert "the budget on macs was changed from 129,000,000 to 130,000,000" in out
    assert "models/inception.yaml:20:16: CC106 warning" in out
    assert "the increase against base on macs was changed from 1% to 2%" in out
    assert "the increase against base on params was changed from 0 to +5" in out


def test_against_a_ref_of_its_own(repo):
    repo.git("tag", "v1.0", "main")
    for r5 in (17, 18):
        repo.edit("models/inception.yaml", f"r5: {r5 - 1}", f"r5: {r5}")
        repo.commit()
    repo.git("branch", "-f", "main", "HEAD~1")
    repo.write(
        "costcalc.toml",
        'specs = ["models/*.yaml"]\n[[increase]]\nmacs = "1%"\n[[increase]]\nagainst = "v1.0"\nmacs = "1%"\n',
    )
    done = repo.check("--base", "main")
    assert done.status == 1
    assert "1% over 128,049,152 at v1.0" in done.out
    assert "was 16 at v1.0" in done.out
    assert "at main" not in done.out.split("fail:")[0]
    assert repo.check().status == 1  # the slow drift is found without any base


def test_a_file_as_base(scratch):
    scratch.write("inception.yaml", INCEPTION)
    scratch.run("analyze", "inception.yaml", "-o", "json=base.json")
    scratch.edit("inception.yaml", "r5: 16", "r5: 24")
    done = scratch.check("inception.yaml", "--base", "base.json", "--max-increase", "macs=2%")
    assert done.status == 1
    assert "2% over 128,049,152 at base.json" in done.out
    assert "b5.conv_2 +5,017,600 (81%)" in done.out
    assert done.out.startswith("inception.yaml:")
    assert scratch.check("inception.yaml", "--base", "base.json", "--max-increase", "macs=5%").status == 0
    document = scratch.check("inception.yaml", "--base", "base.json", "--max-increase", "macs=5%", "-o", "json").json
    assert document["base"] == {"file": "base.json"}
    assert document["specs"][0]["status"] == "changed"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"format": "costcalc.analysis/2"}', '{"format": "costcalc.analysis/1"}', "[" * 100_000],
)
def test_a_file_that_is_no_base(scratch, text):
    scratch.write("net.yaml", NET)
    scratch.write("base.json", text)
    done = scratch.check("net.yaml", "--base", "base.json", "--max", "macs=1G")
    assert (done.status, done.out) == (2, "")
    assert "base.json" in done.err


def test_several_changes_point_at_the_dearest(repo):
    repo.edit("models/inception.yaml", "r5: 16, b5: 32", "r5: 17, b5: 64")
    out = repo.check("--base", "main").out
    assert "models/inception.yaml:4:47: CC102" in out
    assert "was 32 at main" in out
    assert "largest that fits" not in out  # two values changed: no one of them is the repair


def test_an_argument_that_changed(repo):
    repo.edit("models/inception.yaml", "{out: b5, kernel: 5}", "{out: b5, kernel: 7}")
    out = repo.check("--base", "main").out
    assert "models/inception.yaml:16:35: CC102" in out
    assert "^ was 5 at main" in out
    # with 6 the convolution takes 11·16·32 more a pixel: 128,049,152 + 4,415,488 is above 130M
    assert "kernel = 5 is the largest that fits" in out


def test_a_layer_that_was_added(repo):
    repo.write("models/inception.yaml", INCEPTION + "  - conv: {out: 256, kernel: 3}\n")
    out = repo.check("--base", "main").out
    assert "models/inception.yaml:20:5: CC102" in out
    assert "conv +462,422,016 (new, 100%)" in out
    assert 28 * 28 * 9 * 256 * 256 == 462_422_016


def test_a_value_that_became_smaller_and_dearer(repo):
    text = "input: [3, 64, 64]\nlayers:\n  - conv: {out: 8, kernel: 3, stride: 4, bias: false}\n"
    repo.write("costcalc.toml", 'specs = ["models/s.yaml"]\n[[budget]]\nmacs = "120k"\n')
    repo.write("models/s.yaml", text)
    repo.git("checkout", "-q", "main")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/s.yaml", "stride: 4", "stride: 1")
    done = repo.check("--base", "main")
    # positions: (64 - 3) // stride + 1, squared, times 9*3*8 = 216
    assert (31**2 * 216, 21**2 * 216) == (207_576, 95_256)
    assert "stride = 3 is the smallest that fits" in done.out


def test_help_with_a_decimal(repo):
    text = (
        "params: {alpha: 1.0}\ninput: [3, 8, 8]\nlayers:\n  - conv: {out: round(100 * alpha), kernel: 1, bias: false}\n"
    )
    repo.write("costcalc.toml", f'specs = ["models/s.yaml"]\n[[budget]]\nmacs = {8 * 8 * 3 * 113}\n')
    repo.write("models/s.yaml", text)
    repo.git("checkout", "-q", "main")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/s.yaml", "alpha: 1.0", "alpha: 1.25")
    assert "alpha = 1.13 is the largest that fits" in repo.check("--base", "main").out


def test_an_extended_spec_that_changed(repo):
    repo.write("models/small.yaml", "extends: inception.yaml\nparams: {b1: 32}\n")
    repo.git("checkout", "-q", "main")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 40")
    done = repo.check("--base", "main", "-o", "json")
    assert [(each["spec"], each["status"]) for each in done.json["specs"]] == [
        ("models/inception.yaml", "changed"),
        ("models/small.yaml", "changed"),
    ]
    places = {(finding["spec"], finding["file"], finding["line"]) for finding in done.json["findings"]}
    assert places == {
        ("models/inception.yaml", "models/inception.yaml", 4),
        ("models/small.yaml", "models/inception.yaml", 4),
    }


def test_bundled_specs_hold_their_own_totals(scratch):
    done = scratch.check("resnet50", "inception")
    assert done.status == 0
    assert "pass: 2 specs" in done.out


def test_standard_input(scratch, monkeypatch):
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(NET.encode())))
    done = scratch.check("-", "--max", "macs=1")
    assert done.status == 1
    assert done.out.startswith("<stdin>:4:5: CC102")


def test_init(scratch):
    scratch.write("models/a.yaml", NET)
    scratch.write("models/b.yaml", NET)
    scratch.write("ci.yaml", "on: push\n")
    scratch.write('odd "name".yaml', NET)
    done = scratch.check("--init")
    assert done.status == 0
    assert "budgets for 3 specs" in done.err
    assert 'specs = ["models/**/*.yaml", "odd \\"name\\".yaml"]' in (scratch.path / "costcalc.toml").read_text()
    assert scratch.check().status == 0
    done = scratch.check("--init")
    assert (done.status, "already" in done.err) == (2, True)
    scratch.edit("models/a.yaml", "width: 16", "width: 17")
    assert scratch.check().status == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--init", "--config", "x.toml"], "--init and --config exclude each other"),
        (["--init", "--max", "macs=1"], "--init and --max exclude each other"),
        (["--init", "--strict", "-o", "json"], "exclude each other"),
        (["--init", "../a.yaml"], "../a.yaml is not below the working folder"),
        (["--init", "m/../../a.yaml"], "is not below the working folder"),
        (["--init", "/a.yaml"], "/a.yaml is not below the working folder"),
        (["--init", "gone.yaml"], "cannot read gone.yaml: file not found"),
        (["--init", "empty"], "this folder contains no spec"),
    ],
)
def test_init_refuses(scratch, arguments, said):
    scratch.write("m/a.yaml", NET)
    scratch.write("empty/other.yaml", "on: push\n")
    (scratch.path.parent / "a.yaml").write_text(NET)
    done = scratch.check(*arguments)
    assert (done.status, said in done.err) == (2, True), done.err
    assert not (scratch.path / "costcalc.toml").exists()


@pytest.mark.parametrize("name", ["broken.yaml", "models/broken.yml", "models/deep/broken.yaml"])
@pytest.mark.parametrize(
    "text", ["layers: [conv]\n", "input: [3, 8, 8]\nlayers:\n  - conv: {out: 3, kernel: 9}\n", "extends: gone.yaml\n"]
)
def test_init_with_a_broken_spec(scratch, name, text):
    """It is not left out."""
    scratch.write("models/a.yaml", NET)
    scratch.write(name, text)
    done = scratch.check("--init")
    assert (done.status, done.out) == (2, "")
    assert f"{name}:" in done.err
    assert "error:" in done.err
    assert "costcalc check --init SPEC... uses only the specs that it names" in done.err
    assert not (scratch.path / "costcalc.toml").exists()
    assert scratch.check("--init", "models/a.yaml").status == 0
    assert scratch.check().status == 0


@pytest.mark.parametrize(
    ("specs", "others", "globs"),
    [
        (["models/a.yaml"], [], ["models/**/*.yaml"]),
        (["models/a.yaml", "models/x/b.yaml"], ["ci.yaml"], ["models/**/*.yaml"]),
        (["models/a.yaml", "models/x/b.yaml"], ["models/ci.yaml"], ["models/a.yaml", "models/x/**/*.yaml"]),
        (["models/a.yaml", "models/b.yml"], ["models/ci.yml"], ["models/**/*.yaml", "models/b.yml"]),
        (["a.yaml", "b.yaml"], [], ["a.yaml", "b.yaml"]),
        (["models/a.yaml"], [".github/x.yaml", "models/.hidden/y.yaml"], ["models/**/*.yaml"]),
        (["one/a.yaml", "two/b.yaml"], ["two/x/ci.yaml"], ["one/**/*.yaml", "two/b.yaml"]),
    ],
)
def test_init_writes_globs_of_folders(scratch, specs, others, globs):
    for name in specs:
        scratch.write(name, NET)
    for name in others:
        scratch.write(name, "on: push\njobs:\n  x:\n    extends: .y\n    layers: 3\n")
    assert scratch.check("--init").status == 0
    import tomllib

    document = tomllib.loads((scratch.path / "costcalc.toml").read_text())
    assert document["specs"] == globs
    assert [budget["spec"] for budget in document["budget"]] == sorted(specs)
    assert f"pass: {len(specs)} spec" in scratch.check().out


@pytest.mark.parametrize(
    "name", ["a*b.yaml", "a**.yaml", "[x].yaml", "a'b.yaml", 'a"b.yaml', "a\\b.yaml", "ä é.yaml", "a\x7f\t.yaml"]
)
def test_init_writes_nothing_that_a_check_refuses(scratch, name):
    scratch.write(f"models/{name}", NET)
    scratch.write("models/ci.yaml", "on: push\n")
    assert scratch.check("--init").status == 0
    assert scratch.check().status == 0


def test_init_above_another_configuration(scratch):
    """The nearest configuration applies to a spec, so a check would reject a budget for it in another one."""
    scratch.write("models/a.yaml", NET)
    scratch.write("other/b.yaml", NET)
    scratch.write("other/costcalc.toml", '[[budget]]\nspec = "*.yaml"\nmacs = "1G"\n')
    assert scratch.check("--init").status == 0
    assert "other/b.yaml" not in (scratch.path / "costcalc.toml").read_text()
    assert "pass: 2 specs" in scratch.check().out


@pytest.mark.parametrize(
    ("config", "arguments", "specs"),
    [
        ("", ["models"], ["models/a.yaml", "models/x/b.yaml"]),
        ("", ["models/"], ["models/a.yaml", "models/x/b.yaml"]),
        ("", ["models/x"], ["models/x/b.yaml"]),
        ("", ["."], ["models/a.yaml", "models/x/b.yaml", "other/c.yaml"]),
        ("", ["models/x", "models/x/b.yaml", "other"], ["models/x/b.yaml", "other/c.yaml"]),
        ('specs = ["models/*.yaml"]\n', ["models"], ["models/a.yaml"]),  # what the configuration names there
        ('specs = ["models/*.yaml"]\n', ["other"], ["other/c.yaml"]),  # it names none there
    ],
)
def test_a_folder(scratch, config, arguments, specs):
    for name in ("models/a.yaml", "models/x/b.yaml", "other/c.yaml"):
        scratch.write(name, NET)
    scratch.write("models/ci.yml", "on: push\n")
    scratch.write("empty/ci.yml", "on: push\n")
    if config:
        scratch.write("costcalc.toml", config)
    done = scratch.check(*arguments, "--max", "macs=1G", "-o", "json")
    assert (done.status, [each["spec"] for each in done.json["specs"]]) == (0, specs)
    done = scratch.check("empty", "--max", "macs=1G")
    assert (done.status, "the folder empty contains no spec" in done.err) == (2, True)


def test_a_folder_with_a_broken_spec(scratch):
    scratch.write("models/a.yaml", NET)
    scratch.write("models/b.yaml", "layers: [conv]\n")
    done = scratch.check("models", "--max", "macs=1G")
    assert (done.status, "models/b.yaml:1:" in done.out) == (2, True)


@pytest.mark.parametrize("allowed", ["2", "500k", "0.5M", "+", "", "-2"])
def test_an_increase_needs_a_unit(scratch, allowed):
    """2 may be meant as 2%, and as 2."""
    scratch.write("net.yaml", NET)
    done = scratch.check("net.yaml", "--max", "macs=1G", "--max-increase", f"macs={allowed}")
    assert (done.status, done.out) == (2, "")
    assert f"--max-increase macs={allowed}: " in done.err
    if allowed[:1].isdigit():
        assert f'help: write "{allowed}%" or "+{allowed}"' in done.err
    scratch.write("costcalc.toml", f'specs = ["*.yaml"]\n[[increase]]\nmacs = "{allowed}"\n')
    done = scratch.check()
    assert (done.status, "costcalc.toml:3:8: error: " in done.err) == (2, True)


TABLE = """input: [3, 8, 8]
layers:
  - conv: {out: c, kernel: k, padding: same, bias: false}
    for:
      - [c, k]
      - [16, 1]
      - [16, 1]
"""
COLUMNS = TABLE.replace("      - [c, k]\n      - [16, 1]\n      - [16, 1]\n", "      c: [16, 16]\n      k: [1, 1]\n")
FIRST, SECOND = 64 * 3 * 16, 64 * 16 * 16
"""The multiply-adds of the two 1x1 convolutions on 8x8 pixels."""


@pytest.mark.parametrize("table", [TABLE, COLUMNS])
@pytest.mark.parametrize(
    ("row", "fits"),
    [
        (1, 17),  # 64*(3*17 + 17*16) = 64*323
        (2, 17),  # 64*(3*16 + 16*17) = 64*320; 18 are 64*336
    ],
)
def test_a_repair_names_the_column_of_a_table(repo, table, row, fits):
    base = table
    cells = {TABLE: "[16, 1]", COLUMNS: "16"}[table]
    parts = table.split(cells)
    now = parts[0] + cells.replace("16", "24" if row == 1 else "16") + parts[1]
    now += cells.replace("16", "24" if row == 2 else "16") + parts[2]
    repo.write("costcalc.toml", f'specs = ["models/t.yaml"]\n[[budget]]\nmacs = {64 * 323}\n')
    repo.write("models/t.yaml", base)
    repo.git("checkout", "-q", "main")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.write("models/t.yaml", now)
    done = repo.check("--base", "main")
    assert (FIRST + SECOND, done.status) == (64 * 304, 1)
    assert f"= help: c = {fits} in row {row} of for is the largest that fits" in done.out, done.out


def test_a_row_that_is_added_to_a_table(repo):
    """The rows below it are unchanged."""
    repo.write("costcalc.toml", 'specs = ["models/t.yaml"]\n[[budget]]\nmacs = 1\n')
    repo.write(
        "models/t.yaml", TABLE.replace("      - [16, 1]\n      - [16, 1]\n", "      - [4, 1]\n      - [16, 1]\n")
    )
    repo.git("checkout", "-q", "main")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.write(
        "models/t.yaml",
        TABLE.replace("      - [16, 1]\n      - [16, 1]\n", "      - [4, 1]\n      - [8, 1]\n      - [24, 1]\n"),
    )
    out = repo.check("--base", "main").out
    assert "models/t.yaml:8:10: CC102" in out
    assert "^^ was 16 at main" in out


def test_init_beside_a_pyproject(scratch):
    """Two configurations in one folder are an error of every later check."""
    scratch.write("a.yaml", NET)
    scratch.write("pyproject.toml", '[tool.costcalc]\nspecs = ["a.yaml"]\n')
    done = scratch.check("--init")
    assert (done.status, "the configuration pyproject.toml exists already" in done.err) == (2, True)
    scratch.write("pyproject.toml", "[tool.other]\n")
    assert scratch.check("--init").status == 0
    assert scratch.check().status == 0


def test_init_without_specs(scratch):
    assert scratch.check("--init").status == 2
    assert not (scratch.path / "costcalc.toml").exists()


def test_a_spec_that_is_not_named_any_more(repo):
    repo.write("other/net.yaml", NET)
    repo.edit("costcalc.toml", "models/**/*.yaml", "other/*.yaml")
    done = repo.check("--base", "main")
    assert done.status == 0
    assert (
        "costcalc.toml:1:9: CC106 warning: models/inception.yaml: costcalc.toml no longer names this spec" in done.out
    )
    assert repo.check("--base", "main", "--strict").status == 1


def test_a_configuration_that_is_named(repo, tmp_path):
    """It applies to every spec, with globs relative to the working folder. Its base is its own version."""
    repo.git("checkout", "-q", "main")
    repo.write("ci/limits.toml", 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = 128049152\n')
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    assert repo.check("--config", "ci/limits.toml", "--base", "main").status == 0
    repo.edit("ci/limits.toml", "128049152", "128049153")
    status, found = repo.rules("--config", "ci/limits.toml", "--base", "main")
    assert (status, [rule for rule, *_ in found]) == (0, ["CC106"])
    (tmp_path / "outside.toml").write_text('specs = ["models/*.yaml"]\n[[budget]]\nmacs = 1\n')
    done = repo.check("--config", str(tmp_path / "outside.toml"), "--base", "main")
    assert (done.status, "CC102" in done.out) == (1, True)


def test_warnings_of_the_reader_are_told(repo):
    repo.edit("models/inception.yaml", "b1: 64", "b1: 064")
    done = repo.check()
    assert (done.status, "064 is read as the decimal number 64" in done.err) == (0, True)


def test_a_file_as_base_of_a_family(scratch):
    spec = NET + f"budget: {{set: {{width: 8}}, macs: {net_macs(8)}}}\n"
    scratch.write("net.yaml", spec)
    scratch.run("analyze", "net.yaml", "--set", "width=8", "-o", "json=small.json")
    scratch.run("analyze", "net.yaml", "inception", "-o", "json=both.json")
    scratch.write("net.yaml", spec.replace("kernel: 3", "kernel: 5").replace("padding: 1", "padding: 2"))
    toml = 'specs = ["*.yaml"]\n[[increase]]\nset = { width = 8 }\nmacs = 0\n'
    scratch.write("costcalc.toml", toml)
    status, found = scratch.rules("--base", "small.json")
    assert (status, [rule for rule, *_ in found]) == (1, ["CC102", "CC103"])
    done = scratch.check("--base", "both.json")  # that file has the network, but not at these params
    assert "not evaluated: CC103 net.yaml macs: increase in costcalc.toml: figures for these params" in done.out
    assert scratch.check("--base", "both.json", "--strict").status == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ceiling": "{ macs = 3 }"}, "has a higher ceiling"),
        ({"ceiling": "{ macs = 1 }"}, None),
        ({"ceiling": "{ macs = 2, params = 1 }"}, "has a higher ceiling"),
        ({"ceiling": None}, "has a higher ceiling"),
        ({"expires": "2099-02-01"}, "expires later"),
        ({"expires": "2098-01-01"}, None),
        ({"expires": None}, "expires later"),
        ({"reason": '"another"'}, None),
        ({"spec": '"models/i*"'}, None),  # of fewer specs: it accepts no more than before
    ],
)
def test_waivers_that_were_loosened(repo, change, said):
    toml = (repo.path / "costcalc.toml").read_text()

    def waiver(**changed):
        keys = {"rule": '"CC102"', "reason": '"r"', "ceiling": "{ macs = 2 }", "expires": "2099-01-01", **changed}
        lines = [f"{key} = {value}\n" for key, value in keys.items() if value is not None]
        repo.write("costcalc.toml", f"{toml}[[waiver]]\n{''.join(lines)}")

    repo.git("checkout", "-q", "main")
    waiver()
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    waiver(**change)
    out = repo.check("--base", "main").out
    assert ("CC106" in out) == bool(said)
    assert (said or "pass") in out


def test_what_the_base_has_no_figures_for(repo):
    repo.write("models/net.yaml", NET.replace("params: {width: 16}", "params: {width: 16, depth: 1}"))
    repo.git("checkout", "-q", "main")
    repo.write("models/net.yaml", NET)
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    text = (
        NET.replace("params: {width: 16}", "params: {width: 16, depth: 1}") + "  - group: [conv: {out: 3, kernel: 1}]\n"
    )
    repo.write("models/net.yaml", text)
    entries = ["set = { depth = 2 }", 'layer = "group.**"', "set = { width = 0 }"]
    for entry, reason in zip(
        entries, ["figures for these params are missing", "no layer matches group.**", None], strict=True
    ):
        repo.write(
            "costcalc.toml", f'specs = ["models/net.yaml"]\n[[budget]]\nmacs = "1G"\n[[increase]]\n{entry}\nmacs = 0\n'
        )
        done = repo.check("--base", "main")
        if reason:
            assert (done.status, f"{reason} at main" in done.out) == (0, True)
        else:
            assert (done.status, "CC001" in done.out) == (2, True)
