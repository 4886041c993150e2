"""Differences of two specs, and of a project to a ref."""

from __future__ import annotations

import io

import pytest

from costcalc.cli import main

from . import INCEPTION, NET, macs, net_macs


def statuses(document):
    return [(layer["base_name"], layer["name"], layer["status"]) for layer in document["layers"]]


def test_two_files(scratch):
    scratch.write("a.yaml", INCEPTION)
    scratch.write("b.yaml", INCEPTION.replace("r5: 16", "r5: 24"))
    (document,) = scratch.run("diff", "a.yaml", "b.yaml", "-o", "json").json["diffs"]
    assert (document["base"], document["spec"], document["status"]) == ("a.yaml", "b.yaml", "changed")
    assert document["totals"]["macs"] == {"base": macs(16), "value": macs(24), "change": macs(24) - macs(16)}
    assert statuses(document) == [
        ("b5.conv", "b5.conv", "changed"),
        ("b5.relu", "b5.relu", "changed"),
        ("b5.conv_2", "b5.conv_2", "changed"),
    ]
    (group,) = document["groups"]
    assert (group["name"], group["macs"]["change"]) == ("b5", macs(24) - macs(16))


def test_table(scratch):
    scratch.write("a.yaml", INCEPTION)
    scratch.write("b.yaml", INCEPTION.replace("r5: 16", "r5: 24"))
    done = scratch.run("diff", "a.yaml", "b.yaml")
    assert done.status == 0
    lines = [line.split() for line in done.out.split("\n")]
    assert lines[6][:7] == ["b5.conv_2", "conv", "changed", "12,832", "19,232", "+6,400", "+49.9%"]
    assert lines[6][7:] == ["10,035,200", "15,052,800", "+5,017,600", "+50.0%"]
    stat = scratch.run("diff", "a.yaml", "b.yaml", "--stat").out
    assert [line.split()[0] for line in stat.split("\n")[4:8]] == ["b1", "b3", "b5", "pool"]


def test_nothing_reads_as_a_hundred_percent(scratch):
    """An inserted layer shifts default names, and a group is renamed: only one layer is added."""
    scratch.write("a.yaml", INCEPTION)
    text = INCEPTION.replace("layers:\n", "layers:\n  - conv: {out: 192, kernel: 1}\n").replace(
        "      b5:", "      five:"
    )
    scratch.write("b.yaml", text)
    (document,) = scratch.run("diff", "a.yaml", "b.yaml", "-o", "json").json["diffs"]
    found = statuses(document)
    assert [entry for entry in found if entry[2] != "renamed"] == [(None, "conv", "added"), (None, "relu", "added")]
    assert ("b5.conv_2", "five.conv_2", "renamed") in found
    assert document["totals"]["macs"]["change"] == 28 * 28 * 192 * 192


@pytest.mark.parametrize(
    ("change", "status"),
    [(("", ""), 0), (("r5: 16", "r5: 17"), 1), (("b5:\n", "five:\n"), 0), (("name: inception", "name: other"), 0)],
)
def test_exit_code(scratch, change, status):
    scratch.write("a.yaml", INCEPTION)
    scratch.write("b.yaml", INCEPTION.replace(*change))
    assert scratch.run("diff", "a.yaml", "b.yaml", "--exit-code").status == status
    assert scratch.run("diff", "a.yaml", "b.yaml").status == 0


def test_refs_paths_and_bundled_names(repo):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.commit()
    repo.edit("models/inception.yaml", "r5: 24", "r5: 32")
    for base, now, change in (
        ("main:models/inception.yaml", "work:models/inception.yaml", macs(24) - macs(16)),
        ("main:models/inception.yaml", "models/inception.yaml", macs(32) - macs(16)),
        ("HEAD:./models/inception.yaml", "models/inception.yaml", macs(32) - macs(24)),
        ("inception", "models/inception.yaml", macs(32) - macs(16)),
    ):
        (document,) = repo.run("diff", base, now, "-o", "json").json["diffs"]
        assert document["totals"]["macs"]["change"] == change
    repo.monkeypatch.chdir(repo.path / "models")
    done = repo.run("diff", "main:./inception.yaml", "inception.yaml", "-o", "json")
    assert done.json["diffs"][0]["totals"]["macs"]["change"] == macs(32) - macs(16)


@pytest.mark.parametrize(
    ("sides", "said"),
    [
        (["main:models/gone.yaml", "inception"], "models/gone.yaml does not exist at main"),
        (["gone:models/inception.yaml", "inception"], "unknown ref gone"),
        (["--", "-x:models/inception.yaml", "inception"], "is not a valid ref"),
        (["main:", "inception"], "has no path"),
        (["main:../../etc/passwd", "inception"], "does not exist at main"),
        (["gone.yaml", "inception"], "cannot read gone.yaml: file not found"),
        (["a", "b", "c"], "expected two specs or one ref, got 3 arguments"),
        (["gone"], "unknown ref gone"),
        ([], "missing argument"),
        (["inception", "resnet18", "--set", "nothing=1"], "unknown param nothing of"),
    ],
)
def test_usage(repo, sides, said):
    done = repo.run("diff", *sides)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_a_project_at_a_ref(repo):
    repo.git("checkout", "-q", "main")
    repo.write("models/net.yaml", NET)
    repo.write("models/old.yaml", NET.replace("16", "8"))
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/net.yaml", "width: 16", "width: 17")
    (repo.path / "models/old.yaml").unlink()
    repo.write("models/more.yaml", "extends: lenet5.yaml\n")
    done = repo.run("diff", "main", "-o", "json")
    found = {each["spec"] or each["base"]: each for each in done.json["diffs"]}
    assert {name: each["status"] for name, each in found.items()} == {
        "models/inception.yaml": "unchanged",
        "models/net.yaml": "changed",
        "models/more.yaml": "new",
        "models/old.yaml": "deleted",
    }
    assert found["models/net.yaml"]["totals"]["macs"]["change"] == net_macs(17) - net_macs(16)
    assert found["models/old.yaml"]["totals"]["macs"] == {"base": net_macs(8), "value": None, "change": -net_macs(8)}
    stat = repo.run("diff", "main", "--stat").out
    assert [line.split()[1] for line in stat.split("\n")[2:6]] == ["unchanged", "new", "changed", "deleted"]
    assert repo.run("diff", "main", "--exit-code").status == 1
    markdown = repo.run("diff", "main", "-o", "markdown").out
    assert "models/net.yaml" in markdown


def test_params_and_batch(scratch):
    scratch.write("a.yaml", NET)
    scratch.write("b.yaml", NET.replace("kernel: 3, padding: 1", "kernel: 1"))
    done = scratch.run("diff", "a.yaml", "b.yaml", "--set", "width=8", "--batch", "2", "-o", "json")
    assert done.json["diffs"][0]["totals"]["macs"] == {
        "base": 2 * net_macs(8),
        "value": 2 * 8 * 8 * 3 * 8,
        "change": 2 * 8 * 8 * 3 * 8 - 2 * net_macs(8),
    }


@pytest.mark.parametrize(("sides", "change"), [(("-", "lenet5"), "- -> lenet5"), (("lenet5", "-"), "lenet5 -> -")])
def test_a_side_may_be_standard_input(monkeypatch, capsys, sides, change):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"extends: lenet5\nparams: {classes: 11}\n")))
    assert main(["diff", *sides, "--exit-code"]) == 1
    out = capsys.readouterr().out
    assert out.startswith(change)
    assert f"{'+' if sides[1] == '-' else '-'}{84 + 1}" in out  # a class has 84 weights and a bias
