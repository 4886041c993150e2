"""The cost of a spec through its commits."""

from __future__ import annotations

import csv
import io

import pytest

from . import INCEPTION, NET, macs, net_macs


def events(scratch, *arguments):
    document = scratch.run("history", *arguments, "-o", "json").json
    return [(each["subject"], each["path"], each["totals"] and each["totals"]["macs"]) for each in document["commits"]]


def test_every_commit_that_changed_it(repo):
    for r5 in (24, 20):
        repo.write("models/inception.yaml", INCEPTION.replace("r5: 16", f"r5: {r5}"))
        repo.commit(f"r5 {r5}")
        repo.write("other.txt", f"{r5}")
        repo.commit("elsewhere")
    path = "models/inception.yaml"
    expected = [("r5 20", path, macs(20)), ("r5 24", path, macs(24)), ("first", path, macs(16))]
    assert events(repo, path) == expected
    assert events(repo, path, "--since", "main") == expected[:2]
    rows = list(csv.DictReader(io.StringIO(repo.run("history", path, "-o", "csv").out)))
    assert [(row["subject"], int(row["macs"])) for row in rows] == [(name, value) for name, _, value in expected]
    table = repo.run("history", path).out
    assert f"{macs(20) - macs(24):+,}" in table
    assert f"{macs(24) - macs(16):+,}" in table


def test_what_it_extends(repo):
    repo.write("models/small.yaml", "extends: inception.yaml\nparams: {b1: 32}\n")
    repo.commit("small")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.commit("the parent")
    one = 28 * 28 * 192 * 32  # half of the branch of 1x1
    path = "models/small.yaml"
    assert events(repo, path) == [
        ("the parent", path, macs(24) - one),
        ("small", path, macs(16) - one),  # before it, the parent alone was there
    ]


def test_what_it_extends_changes_before_a_rename(repo):
    """Commits before a rename that changed only the parent belong to the earlier path."""
    repo.write("models/small.yaml", "extends: inception.yaml\nparams: {b1: 32}\n")
    repo.commit("small")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.commit("the parent")
    repo.git("mv", "models/small.yaml", "models/tiny.yaml")
    repo.commit("another name")
    one = 28 * 28 * 192 * 32
    expected = [
        ("another name", "models/tiny.yaml", macs(24) - one),
        ("the parent", "models/small.yaml", macs(24) - one),
        ("small", "models/small.yaml", macs(16) - one),
    ]
    assert events(repo, "models/tiny.yaml") == expected


def test_the_oldest_commit_of_a_shallow_clone_is_not_the_end_of_a_spec(repo, tmp_path, monkeypatch):
    repo.write("other.yaml", "input: [3]\nlayers: [relu]\n")
    repo.commit("another")
    repo.write("models/small.yaml", "extends: inception.yaml\nparams: {b1: 32}\n")
    repo.commit("small")
    repo.git("clone", "-q", "--depth", "2", f"file://{repo.path}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    path = "models/small.yaml"
    assert [subject for subject, *_ in events(repo, path)] == ["small"]


def test_renames(repo):
    repo.git("mv", "models/inception.yaml", "models/module.yaml")
    repo.commit("another name")
    repo.edit("models/module.yaml", "r5: 16", "r5: 24")
    repo.commit("wider")
    assert events(repo, "models/module.yaml") == [
        ("wider", "models/module.yaml", macs(24)),
        ("another name", "models/module.yaml", macs(16)),
        ("first", "models/inception.yaml", macs(16)),
    ]


def test_broken_and_deleted_in_between(repo):
    path = "models/inception.yaml"
    repo.edit(path, "kernel: 5", "kernal: 5")
    repo.commit("broken")
    (repo.path / path).unlink()
    repo.commit("gone")
    repo.write(path, INCEPTION)
    repo.commit("back")
    done = repo.run("history", path, "-o", "json")
    assert [(each["subject"], each["reason"]) for each in done.json["commits"]] == [
        ("back", None),
        ("gone", "deleted"),
        ("broken", "conv has no argument kernal"),
        ("first", None),
    ]
    assert done.status == 0


def test_each_content_is_analysed_once(repo, monkeypatch):

    seen = []
    from costcalc.gate import analysis_cache

    analyze = analysis_cache.analyze
    monkeypatch.setattr(analysis_cache, "analyze", lambda *args, **options: seen.append(1) or analyze(*args, **options))
    for r5 in (24, 16, 24, 16):
        repo.write("models/inception.yaml", INCEPTION.replace("r5: 16", f"r5: {r5}"))
        repo.commit(f"r5 {r5}")
    assert len(events(repo, "models/inception.yaml")) == 5
    assert len(seen) == 2


def test_params(scratch):
    scratch.git("init", "-q")
    scratch.write("net.yaml", NET)
    scratch.commit("net")
    assert events(scratch, "net.yaml", "--set", "width=8") == [("net", "net.yaml", net_macs(8))]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.yaml"], "no commit changed gone.yaml"),
        (["models/inception.yaml", "--since", "gone"], "unknown ref gone"),
        (["models/inception.yaml", "--since=-x"], "is not a valid ref"),
        (["models/inception.yaml", "--since", "HEAD"], "no commit since HEAD changed"),
    ],
)
def test_usage(repo, arguments, said):
    done = repo.run("history", *arguments)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_no_repository(scratch):
    scratch.write("net.yaml", NET)
    assert scratch.run("history", "net.yaml").status == 2


def test_hostile_subjects(repo):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.commit("\x1b[31m::error::x <b> @you\nbody")
    for form in ("table", "csv", "markdown", "json"):
        done = repo.run("history", "models/inception.yaml", "-o", form)
        assert "\x1b" not in done.out
        assert "<b>" not in done.out or form in ("table", "json", "csv")


def test_a_shallow_clone_says_so(repo, tmp_path, monkeypatch):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.commit("wider")
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    done = repo.run("history", "models/inception.yaml")
    assert done.status == 0
    assert "the clone is shallow" in done.out
