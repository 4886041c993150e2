"""Attempts of a pull request to hide an increase. Each is a finding or an error."""

from __future__ import annotations

import json
import os
import subprocess
import tracemalloc
from pathlib import Path

import pytest

from costcalc import analyze, load
from costcalc.gate import analysis_cache, git, git_snapshot
from costcalc.gate import renames as following

from . import INCEPTION, NET, macs, net_macs

DEARER = INCEPTION.replace("r5: 16", "r5: 24")
FLOW = """\
{name: inception, input: [192, 28, 28], layers: [{concat: {b1: [{conv: {out: 64, kernel: 1, padding: same, act: relu}}],
b3: [{conv: {out: 96, kernel: 1, padding: same, act: relu}}, {conv: {out: 128, kernel: 3, padding: same, act: relu}}],
b5: [{conv: {out: 24, kernel: 1, padding: same, act: relu}}, {conv: {out: 32, kernel: 5, padding: same, act: relu}}],
pool: [{maxpool: {kernel: 3, stride: 1, padding: 1}}, {conv: {out: 32, kernel: 1, padding: same, act: relu}}]}}]}
"""
"""DEARER, written without params and defaults: no line is the same."""


@pytest.fixture
def gated(repo):
    """`main` allows no increase; the branch `work` starts from it."""
    repo.git("checkout", "-q", "main")
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[increase]]\nmacs = 0\n')
    repo.commit("no increase")
    repo.git("checkout", "-q", "-B", "work")
    return repo


def unusable(done, *said):
    assert done.status == 2, done
    assert not done.out
    assert "Traceback" not in done.err
    for text in said:
        assert text in done.err, done.err


def findings(repo, *arguments):
    """Return the status of a strict check, and the rules and specs of its findings."""
    status, found = repo.rules("--base", "main", "--strict", *arguments)
    return status, [(rule, spec) for rule, _, spec, _ in found] if isinstance(found, list) else found


# Which repository


@pytest.mark.parametrize("worktree", [".", "..", None])
def test_an_embedded_bare_repository_is_not_the_base(gated, tmp_path, monkeypatch, worktree):
    main = gated.git("rev-parse", "main")
    gated.write("models/inception.yaml", DEARER)
    gated.git("checkout", "-q", "--orphan", "evil")
    gated.commit("a base with the dearer network")
    gated.git("clone", "-q", "--bare", "--branch", "evil", str(gated.path), str(tmp_path / "bare"))
    gated.git("update-ref", "refs/heads/main", "evil", cwd=tmp_path / "bare")
    gated.git("checkout", "-q", "-f", "work")
    gated.write("models/inception.yaml", DEARER)
    for path in (tmp_path / "bare").iterdir():
        path.rename(gated.path / "models" / path.name)
    if worktree:
        with (gated.path / "models/config").open("a") as stream:
            stream.write(f"[core]\nbare = false\nworktree = {worktree}\n")
    monkeypatch.chdir(gated.path / "models")
    done = gated.check("--base", "main", "-o", "json")
    assert (done.status, done.json["base"]["commit"]) == (1, main)
    assert [(each["rule"], each["base"]) for each in done.json["findings"]] == [("CC103", macs())]
    history = gated.run("history", "inception.yaml", "-o", "json").json["commits"]
    assert [each["totals"]["macs"] for each in history] == [macs()]


def test_a_folder_with_a_git_that_is_none(gated, monkeypatch):
    """git passes over an empty .git and takes the repository above; configurations would be looked for below it."""
    (gated.path / "models/.git").mkdir()
    monkeypatch.chdir(gated.path / "models")
    unusable(
        gated.check("inception.yaml", "--max", "macs=1G", "--base", "main"),
        "contains a .git, but git uses the repository",
    )


def test_a_work_tree_elsewhere(gated, tmp_path):
    gated.git("config", "core.worktree", str(tmp_path))
    unusable(gated.check("--base", "main"), "contains a .git, but git uses the repository", "core.worktree")


def test_a_linked_work_tree(gated, tmp_path, monkeypatch):
    gated.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    (tmp_path / "linked/models/inception.yaml").write_text(DEARER)
    monkeypatch.chdir(tmp_path / "linked")
    assert findings(gated) == (1, [("CC103", "models/inception.yaml")])


def test_a_folder_that_became_a_submodule(gated, tmp_path, monkeypatch):
    """The base would be `main` of the submodule, which is part of the pull request."""
    evil = tmp_path / "evil"
    evil.mkdir()
    gated.git("init", "-q", "-b", "main", cwd=evil)
    (evil / "inception.yaml").write_text(DEARER)
    (evil / "costcalc.toml").write_text('specs = ["*.yaml"]\n[[increase]]\nmacs = 0\n')
    gated.git("add", "-A", cwd=evil)
    gated.git("commit", "-qm", "evil", cwd=evil)
    gated.git("rm", "-rq", "models")
    gated.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(evil), "models")
    gated.commit("models is a submodule")
    monkeypatch.chdir(gated.path / "models")
    unusable(gated.check("--base", "main"), "is a repository, but it was a folder of")


def test_the_base_of_a_ci_is_not_that_of_a_submodule(gated, tmp_path, monkeypatch):
    """A pull request can change the origin of the submodule of the working folder."""
    inside = tmp_path / "zoo"
    inside.mkdir()
    gated.git("init", "-q", "-b", "main", cwd=inside)
    (inside / "net.yaml").write_text(NET)
    (inside / "costcalc.toml").write_text('specs = ["*.yaml"]\n[[increase]]\nmacs = 0\n')
    gated.git("add", "-A", cwd=inside)
    gated.git("commit", "-qm", "zoo", cwd=inside)
    gated.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(inside), "zoo")
    gated.commit("with a submodule")
    gated.git("update-ref", "refs/remotes/origin/main", "main")
    monkeypatch.chdir(gated.path / "zoo")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    unusable(gated.check(), "zoo is a submodule, and main, which the CI names", "or give --base")
    assert gated.check("--base", "main").status == 0
    gated.git("update-ref", "-d", "refs/remotes/origin/main")
    gated.git("branch", "-m", "main", "trunk")
    assert gated.check().status == 0  # the CI of the submodule itself, in a folder of an unrelated repository


def test_a_submodule_that_went(gated, tmp_path):
    inside = tmp_path / "zoo"
    inside.mkdir()
    gated.git("init", "-q", "-b", "main", cwd=inside)
    (inside / "net.yaml").write_text(NET)
    gated.git("add", "-A", cwd=inside)
    gated.git("commit", "-qm", "zoo", cwd=inside)
    gated.git("checkout", "-q", "main")
    gated.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(inside), "models/zoo")
    gated.commit("with a submodule")
    gated.git("checkout", "-q", "-B", "work")
    assert findings(gated) == (0, [])
    (gated.path / "models/zoo/net.yaml").unlink()
    assert findings(gated) == (1, [("CC106", "models/zoo/net.yaml")])
    gated.git("checkout", "-q", "-f", "work")
    gated.git("submodule", "deinit", "-q", "-f", "models/zoo")
    assert findings(gated) == (0, [])  # not checked out, neither at main nor here
    gated.git("rm", "-q", "--cached", "models/zoo")
    gated.write("models/zoo/README", "")
    gated.commit("no submodule any more")
    assert findings(gated) == (1, [("CC106", "models/zoo")])


@pytest.mark.parametrize("inner", ["", "/.git"])
def test_a_symlink_to_a_folder_outside(gated, tmp_path, inner):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "inception.yaml").write_text(INCEPTION)
    if inner:
        gated.git("init", "-q", "-b", "main", cwd=outside)
        gated.git("add", "-A", cwd=outside)
        gated.git("commit", "-qm", "outside", cwd=outside)
    (gated.path / "far").symlink_to(outside)
    unusable(gated.check("far/inception.yaml", "--base", "main"), "far/inception.yaml is reached by a symlink")
    gated.write("costcalc.toml", 'specs = ["far/*.yaml"]\n[[increase]]\nmacs = 0\n')
    unusable(gated.check("--base", "main"), "far/inception.yaml is reached by a symlink that leads out")


# Which spec is compared with which


def commented(text):
    return "".join(f"{line}  # {number}\n" for number, line in enumerate(text.splitlines()))


@pytest.mark.parametrize(
    "text",
    [DEARER, DEARER.replace("\n", "\r\n"), commented(DEARER), DEARER.replace("  ", "    "), FLOW],
    ids=["one line", "line ends", "comments", "indentation", "written otherwise"],
)
def test_a_rename_is_followed(gated, text):
    (gated.path / "models/inception.yaml").unlink()
    (gated.path / "models/other.yaml").write_bytes(text.encode())
    done = gated.check("--base", "main", "-o", "json")
    assert done.status == 1
    assert [(each["rule"], each["value"], each["base"]) for each in done.json["findings"]] == [
        ("CC103", macs(24), macs(16))
    ]
    gated.commit("another name")
    events = gated.run("history", "models/other.yaml", "-o", "json").json["commits"]
    assert [(each["path"], each["totals"]["macs"]) for each in events] == [
        ("models/other.yaml", macs(24)),
        ("models/inception.yaml", macs(16)),
    ]


@pytest.mark.parametrize("glob", ["models/**/*.yaml", "**/*.yaml"])
@pytest.mark.parametrize("committed", [True, False])
def test_a_folder_that_moved_behind_a_symlink(gated, glob, committed):
    gated.git("checkout", "-q", "main")
    gated.write("costcalc.toml", f'specs = ["{glob}"]\n[[increase]]\nmacs = 0\n')
    gated.commit("globs")
    gated.git("checkout", "-q", "-B", "work")
    (gated.path / "models").rename(gated.path / "nets")
    (gated.path / "models").symlink_to("nets")
    gated.write("nets/inception.yaml", commented(DEARER))
    if committed:
        gated.commit("moved")
    name = "models/inception.yaml" if glob.startswith("models") else "nets/inception.yaml"
    assert findings(gated) == (1, [("CC103", name)])


def test_a_symlink_that_leads_elsewhere_now(gated):
    """The target of the symlink is unchanged, but the spec with its name is not."""
    gated.git("checkout", "-q", "main")
    gated.write("small/net.yaml", NET)
    gated.write("large/net.yaml", NET.replace("width: 16", "width: 64"))
    (gated.path / "models/size").symlink_to("../small")
    (gated.path / "models/net.yaml").symlink_to("../small/net.yaml")
    gated.write("costcalc.toml", 'specs = ["models/size/*.yaml", "models/*.yaml"]\n[[increase]]\nmacs = 0\n')
    gated.commit("two sizes")
    gated.git("checkout", "-q", "-B", "work")
    assert findings(gated) == (0, [])
    for name, target in (("size", "../large"), ("net.yaml", "../large/net.yaml")):
        (gated.path / "models" / name).unlink()
        (gated.path / "models" / name).symlink_to(target)
    assert findings(gated) == (1, [("CC103", "models/net.yaml"), ("CC103", "models/size/net.yaml")])


def numbered(number, width=0):
    layers = f"  - conv: {{out: {width or number + 1}, kernel: 3}}\n  - conv: {{out: {number + 5}, kernel: 1}}\n"
    return f"input: [3, 8, 8]\nlayers:\n{layers}"


def test_many_moves(gated):
    """More than git detects by default. Every line is changed, and one network costs more."""
    gated.git("checkout", "-q", "main")
    for number in range(520):
        gated.write(f"models/old/{number}.yaml", numbered(number))
    gated.commit("many")
    gated.git("checkout", "-q", "-B", "work")
    (gated.path / "models/old").rename(gated.path / "models/new")
    for number in range(520):
        gated.write(f"models/new/{number}.yaml", commented(numbered(number, 600 if number == 9 else 0)))
    assert findings(gated) == (1, [("CC103", "models/new/9.yaml")])


def test_following_is_linear_in_what_it_builds(gated, monkeypatch):
    gated.git("checkout", "-q", "main")
    for number in range(300):
        gated.write(f"models/old/{number}.yaml", numbered(number))
    gated.commit("many")
    gated.git("checkout", "-q", "-B", "work")
    gated.git("rm", "-rq", "models/old")
    for number in range(25):
        gated.write(f"models/new/{number}.yaml", f"input: [{number + 7}]\nlayers: [linear: {number + 3}, relu]\n")
    built = []
    analyze = analysis_cache.analyze
    monkeypatch.setattr(analysis_cache, "analyze", lambda *given, **named: built.append(1) or analyze(*given, **named))
    status, found = findings(gated)
    assert (status, len(found)) == (1, 300)  # each that went
    assert len(built) <= 326


def test_large_new_files_are_not_read(gated):
    for number in range(12):
        path = gated.path / f"models/{number}.yaml"
        path.touch()
        os.truncate(path, 90 * 2**20)
    tracemalloc.start()
    try:
        done = gated.check("--base", "main")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (done.status, done.out.count("larger than 16 MiB")) == (2, 12)
    assert peak < 90 * 2**20


@pytest.mark.parametrize(
    ("place", "note"),
    [
        ("models/inception.yml", "HEAD has the same file at models/inception.yml, which is not checked"),
        ("models/.old/inception.yaml", "HEAD has the same file at models/.old/inception.yaml"),
        ("other/inception.yaml", "HEAD has the same file at other/inception.yaml"),
        (None, "the spec was deleted; it had limits at main"),
    ],
)
def test_a_spec_that_no_glob_names_any_more(gated, place, note):
    gated.write("models/net.yaml", NET)
    gated.git("mv", "models/inception.yaml", "kept.txt")
    if place:
        (gated.path / place).parent.mkdir(exist_ok=True)
        gated.git("mv", "kept.txt", place)
    else:
        gated.git("rm", "-qf", "kept.txt")
    gated.commit("moved")
    done = gated.check("--base", "main")
    assert (done.status, note in done.out) == (0, True), done.out
    assert findings(gated) == (1, [("CC106", "models/inception.yaml")])


def test_a_sparse_checkout(gated):
    gated.git("checkout", "-q", "main")
    gated.write("models/small/net.yaml", NET)
    gated.commit("two folders")
    gated.git("checkout", "-q", "-B", "work")
    gated.git("sparse-checkout", "set", "--no-cone", "/costcalc.toml", "/models/small/")
    assert "as in a sparse checkout" in gated.check("--base", "main").out
    assert findings(gated) == (1, [("CC106", "models/inception.yaml")])


def test_a_spec_without_limits_may_go(gated):
    gated.git("checkout", "-q", "main")
    gated.write("models/net.yaml", NET)
    gated.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[increase]]\nspec = "models/inc*.yaml"\nmacs = 0\n')
    gated.commit("limits for one")
    gated.git("checkout", "-q", "-B", "work")
    (gated.path / "models/net.yaml").unlink()
    assert findings(gated) == (0, [])
    assert "deleted: models/net.yaml" in gated.check("--base", "main").out
    assert findings(gated, "--max", "macs=1G") == (1, [("CC106", "models/net.yaml")])


def test_a_nearer_configuration_that_names_fewer(gated, monkeypatch):
    """In the working folder. At the base, the configuration above applied to it."""
    gated.git("checkout", "-q", "main")
    gated.write("models/net.yaml", NET)
    gated.commit("two")
    gated.git("checkout", "-q", "-B", "work")
    gated.write("models/costcalc.toml", 'specs = ["net.yaml"]\n[[increase]]\nmacs = 0\n')
    monkeypatch.chdir(gated.path / "models")
    assert findings(gated) == (1, [("CC106", "inception.yaml")])


def test_hidden_folders_are_looked_into_neither_now_nor_then(gated):
    gated.git("checkout", "-q", "main")
    gated.write("models/.cache/net.yaml", NET)
    gated.commit("hidden")
    gated.git("checkout", "-q", "-B", "work")
    assert findings(gated) == (0, [])


# A path is a path


def test_a_file_that_went_is_no_bundled_network(gated):
    gated.git("mv", "models/inception.yaml", "inception.yaml")
    gated.commit("at the root")
    gated.git("mv", "inception.yaml", "module.yaml")
    for name in ("inception.yaml", "./inception.yaml", "models/inception"):
        unusable(gated.check(name, "--max", "macs=1G"), f"cannot read {name}: file not found")
    unusable(gated.run("diff", "inception.yaml", "module.yaml"), "inception, without the suffix")
    unusable(
        gated.check("inception.yaml", "--max", "macs=1G"),
        "write inception, without the suffix, for the bundled network",
    )
    (gated.path / "inception.yaml").mkdir()
    unusable(gated.check("inception.yaml", "--max", "macs=1G"), "expected a spec, got the folder inception.yaml")
    unusable(gated.run("diff", "inception.yaml", "module.yaml"), "expected a spec, got the folder inception.yaml")
    assert gated.run("analyze", "lenet5.yaml").status == 0  # elsewhere it stays as it was


def test_a_bundled_network_is_said_to_be_one(gated):
    done = gated.check("inception", "--max", "macs=1G", "-o", "text", "-o", "json=report.json")
    assert (done.status, "bundled with costcalc: inception.yaml" in done.out) == (0, True)
    assert [each["bundled"] for each in json.loads((gated.path / "report.json").read_text())["specs"]] == [True]
    done = gated.check("inception", "--max", "macs=1G", "-o", "markdown")
    assert "inception.yaml (bundled with costcalc)" in done.out


def test_a_bundled_network_in_the_place_of_a_file(gated):
    gated.git("checkout", "-q", "main")
    gated.write("inception", DEARER)
    gated.commit("a file without a suffix")
    gated.git("checkout", "-q", "-B", "work")
    assert gated.check("inception", "--max", "macs=1G", "--base", "main").status == 0
    (gated.path / "inception").unlink()
    unusable(gated.check("inception", "--max", "macs=1G", "--base", "main"), "inception was a file at main")


# A base without git


def report(scratch, *specs):
    assert scratch.run("analyze", *specs, "-o", "json=base.json").status == 0


@pytest.mark.parametrize("text", [DEARER, FLOW], ids=["one line", "written otherwise"])
@pytest.mark.parametrize("name", ["inception.yaml", "module.yaml"])
def test_another_name_in_a_report(scratch, text, name):
    scratch.write("inception.yaml", INCEPTION)
    report(scratch, "inception.yaml")
    (scratch.path / "inception.yaml").unlink()
    scratch.write(name, text.replace("name: inception", "name: module"))
    done = scratch.check(name, "--base", "base.json", "--max-increase", "macs=0", "-o", "json")
    assert (done.status, done.json["findings"][0]["base"]) == (1, macs())


def test_what_a_report_holds_and_nothing_is_compared_with(scratch):
    scratch.write("small.yaml", NET)
    scratch.write("large.yaml", "name: large\n" + NET.replace("width: 16", "width: 64"))
    report(scratch, "small.yaml", "large.yaml")
    arguments = ("small.yaml", "large.yaml", "--base", "base.json", "--max-increase", "macs=0", "--strict")
    assert scratch.rules(*arguments) == (0, [])
    scratch.write("small.yaml", "name: large\n" + NET.replace("width: 16", "width: 60"))
    assert scratch.rules(*arguments) == (1, [("CC106", "error", "", None)])
    assert "no spec is compared with small of base.json" in scratch.check(*arguments).out


# Refs


def test_a_branch_comes_before_a_tag_of_its_name(gated):
    gated.write("models/inception.yaml", DEARER)
    gated.commit("dearer")
    gated.git("tag", "main")
    done = gated.check("--base", "main")
    assert (done.status, "main is a branch and a tag: using the branch" in done.err) == (1, True)
    assert gated.check("--base", "refs/tags/main").status == 0


def test_names_of_commits(gated):
    commit = gated.git("rev-parse", "main")
    gated.git("tag", "-a", "v1.0", "-m", "a release", "main")
    gated.git("update-ref", "refs/remotes/origin/next", "main")
    gated.git("update-ref", "refs/pull/7/head", "main")
    gated.git("fetch", "-q", ".", "main")
    gated.commit("work goes on")
    for ref in (
        "main",
        "heads/main",
        "v1.0",
        "next",
        "origin/next",
        "pull/7/head",
        "refs/tags/v1.0",
        "HEAD~",
        "HEAD~1",
    ):
        assert gated.check("--base", ref, "-o", "json").json["base"]["commit"] == commit
    for ref in ("HEAD^", "HEAD^1", "@~1", "FETCH_HEAD", commit, commit[:8]):
        assert gated.check("--base", ref, "-o", "json").json["base"]["commit"] == commit


def test_a_search_through_messages_is_not_a_ref(gated):
    """git would look for it with an expression that takes it a minute."""
    gated.git("commit", "-q", "--allow-empty", "-m", "a" * 40)
    expression = "HEAD^{/" + "(.*)" * 8 + r"\\1\\2}"
    gated.write("costcalc.toml", f'specs = ["models/*.yaml"]\n[[increase]]\nmacs = 0\nagainst = "{expression}"\n')
    unusable(gated.check("--base", "main"), "is not a valid ref", "costcalc.toml, line 3")


# Objects


def hash_object(repo, kind, content):
    command = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
    return (
        subprocess.run(command, cwd=repo.path, input=content, capture_output=True, check=True).stdout.decode().strip()
    )


def against(repo, commit):
    repo.git("update-ref", "refs/heads/odd", commit)
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[increase]]\nmacs = 0\nagainst = "odd"\n')
    return repo.check()


def test_a_commit_without_a_committer(gated):
    tree = gated.git("rev-parse", "main^{tree}")
    commit = hash_object(gated, "commit", f"tree {tree}\n\nno author either\n".encode())
    assert against(gated, commit).status == 0
    gated.write("models/inception.yaml", DEARER)
    assert against(gated, commit).status == 1
    gated.git("checkout", "-q", "-f", "--detach", "odd")
    events = gated.run("history", "models/inception.yaml", "-o", "json")
    assert (events.status, events.json["commits"][0]["date"]) == (0, "1970-01-01T00:00:00+00:00")


@pytest.mark.parametrize(
    "content",
    [
        b"100644 a.yaml",
        b"100644 a.yaml\0short",
        b"100644a.yaml\0" + bytes(20),
        b"x a.yaml\0" + bytes(20),
        b"100644 \0" + bytes(20),
        b"40000 ..\0" + bytes(20),
        b"100644 a/b\0" + bytes(20),
        b"100644 a\0" + bytes(20) + b"100644 a\0" + bytes(20),
        b"\xff",
    ],
)
def test_a_malformed_tree(gated, content):
    tree = hash_object(gated, "tree", content)
    who = "x <x@example.org> 1700000000 +0000"
    commit = hash_object(gated, "commit", f"tree {tree}\nauthor {who}\ncommitter {who}\n\nodd\n".encode())
    unusable(against(gated, commit), "malformed", "git fsck")


@pytest.mark.parametrize("glob", ["models/**/*.yaml", "**/*.yaml"])
def test_a_tree_that_holds_itself_many_times(gated, glob, monkeypatch):
    """10 entries on each of 12 levels: a hundred bytes each, 10^12 paths."""
    monkeypatch.setattr(git_snapshot, "MAX_ENTRIES", 2_000)
    id, mode = gated.git("rev-parse", "main:models/inception.yaml"), "100644"
    for _ in range(12):
        content = b"".join(f"{mode} {name}.yaml\0".encode() + bytes.fromhex(id) for name in "abcdefghij")
        id, mode = hash_object(gated, "tree", content), "40000"
    top = gated.git("rev-parse", "main:costcalc.toml")
    content = b"100644 costcalc.toml\0" + bytes.fromhex(top) + b"40000 models\0" + bytes.fromhex(id)
    tree = hash_object(gated, "tree", content)
    commit = hash_object(gated, "commit", f"tree {tree}\nparent {gated.git('rev-parse', 'main')}\n\nbomb\n".encode())
    gated.write("models/new.yaml", NET)
    unusable(against(gated, commit), "more than 2,000 entries")
    gated.git("update-ref", "refs/heads/main", commit)
    gated.git("checkout", "-q", "-b", "next")
    gated.git("update-ref", "refs/heads/next", commit)
    gated.write("costcalc.toml", f'specs = ["{glob}"]\n[[increase]]\nmacs = 0\n')
    unusable(gated.check("--base", "main"), "cannot list the files")


def test_a_blob_that_is_too_large(gated):
    """Neither its content nor the rest of the output is read."""
    blob = hash_object(gated, "blob", bytes(64 * 2**20))
    gated.git("update-index", "--cacheinfo", f"100644,{blob},models/inception.yaml")
    gated.git("commit", "-qm", "large")
    tracemalloc.start()
    try:
        done = against(gated, "HEAD")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (done.status, peak < 32 * 2**20) == (0, True)  # it was no spec there, so this one counts as new


# Nothing is fetched


@pytest.fixture
def partial(gated, tmp_path, monkeypatch):
    """A partial clone with everything of HEAD, and no blob of `main` that differs."""
    gated.write("models/inception.yaml", DEARER)
    gated.commit("dearer")
    gated.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    url = f"file://{gated.path}"
    gated.git("clone", "-q", "--filter=blob:none", "--branch", "work", url, str(clone))
    monkeypatch.chdir(clone)
    gated.path = clone
    return gated


GUARDS = {"option": "protocol.allow=never", "protocol": "GIT_ALLOW_PROTOCOL", "lazy": "GIT_NO_LAZY_FETCH"}


def without(monkeypatch, *guards):
    """Take some of the guards away from git."""
    for guard in guards:
        if "=" in GUARDS[guard]:
            at = git._OPTIONS.index(GUARDS[guard])
            monkeypatch.setattr(git, "_OPTIONS", (*git._OPTIONS[: at - 1], *git._OPTIONS[at + 1 :]))
        else:
            monkeypatch.delitem(git._SET, GUARDS[guard])


@pytest.mark.parametrize("kept", [[*GUARDS], ["option"], ["protocol"]])
def test_a_partial_clone_fetches_nothing(partial, monkeypatch, kept):
    """With all guards, and with each of the older guards alone."""
    without(monkeypatch, *[guard for guard in GUARDS if guard not in kept])
    unusable(partial.check("--base", "origin/main"), "partial clone", "without --filter")
    assert "missing" in missing(partial)
    unusable(partial.run("history", "models/inception.yaml"), "partial clone")
    assert "missing" in missing(partial)


def test_without_any_guard_it_would_fetch(partial, monkeypatch):
    """Without guards, the test above fails."""
    without(monkeypatch, *GUARDS)
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "file")
    assert partial.check("--base", "origin/main").status == 1
    assert "missing" not in missing(partial)


def test_a_repository_that_allows_protocols_fetches_nothing(partial):
    for name in ("protocol.allow", "protocol.file.allow", "protocol.ext.allow"):
        partial.git("config", name, "always")
    unusable(partial.check("--base", "origin/main"), "partial clone")
    assert "missing" in missing(partial)


def missing(repo):
    """Return the output of git for the spec of the base, without fetching it."""
    id = repo.git("-c", "protocol.allow=never", "rev-parse", "origin/main:models/inception.yaml")
    command = ["git", "cat-file", "--batch-check"]
    environment = {**os.environ, "GIT_ALLOW_PROTOCOL": "", "GIT_NO_LAZY_FETCH": "1"}
    done = subprocess.run(
        command, cwd=repo.path, input=f"{id}\n", capture_output=True, text=True, check=False, env=environment
    )
    return done.stdout + (done.stderr and "missing")


def test_the_guards_are_set(gated, monkeypatch):
    seen = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **how: seen.append((command, how)) or run(command, **how))
    assert gated.check("--base", "main").status == 0
    asked = [(command, how["env"]) for command, how in seen if Path(command[0]).name == "git"]
    assert asked
    for command, environment in asked:
        assert {"protocol.allow=never", "safe.bareRepository=explicit", "core.fsmonitor=false"} <= set(command)
        assert (environment["GIT_ALLOW_PROTOCOL"], environment["GIT_NO_LAZY_FETCH"]) == ("", "1")
        assert environment["GIT_GRAFT_FILE"] == os.devnull


def test_grafts_are_not_believed(gated):
    """A graft would make HEAD a child of a commit with the dearer network."""
    gated.write("models/inception.yaml", DEARER)
    work = gated.commit("dearer")
    (gated.path / ".git/info").mkdir(exist_ok=True)
    Path(gated.path / ".git/info/grafts").write_text(f"{gated.git('rev-parse', 'main')} {work}\n{work}\n")
    assert gated.check("--base", "main").status == 1


def test_alternates_are_read(gated, tmp_path, monkeypatch):
    gated.write("models/inception.yaml", DEARER)
    gated.commit("dearer")
    gated.git("clone", "-q", "--shared", "--branch", "work", str(gated.path), str(tmp_path / "shared"))
    monkeypatch.chdir(tmp_path / "shared")
    done = gated.check("--base", "main", "-o", "json")
    assert (done.status, done.json["findings"][0]["base"], net_macs()) == (1, macs(), 27_648)


def test_a_configuration_in_pyproject(gated):
    """At the root of the repository, now and at the base."""
    gated.git("checkout", "-q", "main")
    gated.git("rm", "-q", "costcalc.toml")
    toml = '[project]\nname = "x"\n[tool.costcalc]\nspecs = ["models/*.yaml"]\n[[tool.costcalc.increase]]\nmacs = 0\n'
    gated.write("pyproject.toml", toml)
    gated.commit("pyproject")
    gated.git("checkout", "-q", "-B", "work")
    gated.edit("pyproject.toml", '"x"', '"y"')
    assert findings(gated) == (0, [])
    gated.edit("pyproject.toml", "macs = 0", 'macs = "2%"')
    assert findings(gated) == (1, [("CC106", "models/inception.yaml")])


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github", "gitlab", "junit", "sarif"])
def test_a_deleted_spec_of_any_name(gated, form):
    gated.git("checkout", "-q", "main")
    for name in (b"models/\xff.yaml", b"models/\x1b[31m.yaml", b"models/a\n::error::x.yaml", b"models/main:x.yaml"):
        (Path(os.fsdecode(os.fsencode(gated.path) + b"/" + name))).write_text(NET)
    gated.commit("names")
    gated.git("checkout", "-q", "-B", "work")
    gated.git("rm", "-q", "models/*.yaml")
    gated.write("models/other.yaml", "input: [3]\nlayers: [relu]\n")
    done = gated.check("--base", "main", "-o", form, "--strict")
    assert (done.status, done.err) == (1, "")
    assert "\x1b[31m" not in done.out
    assert not [line for line in done.out.split("\n") if line.startswith("::error::x")]


@pytest.mark.parametrize("filtered", ["tree:0", "blob:none"])
def test_any_partial_clone(gated, tmp_path, monkeypatch, filtered):
    gated.write("models/inception.yaml", DEARER)
    gated.commit("dearer")
    gated.git("config", "uploadpack.allowFilter", "true")
    gated.git(
        "clone", "-q", f"--filter={filtered}", "--branch", "work", f"file://{gated.path}", str(tmp_path / "clone")
    )
    monkeypatch.chdir(tmp_path / "clone")
    unusable(gated.check("--base", "origin/main"), "without --filter")
    unusable(gated.run("history", "models/inception.yaml"), "without --filter")
    unusable(gated.run("diff", "origin/main"), "without --filter")
    unusable(gated.run("diff", "origin/main:models/inception.yaml", "models/inception.yaml"), "without --filter")


@pytest.mark.parametrize("kind", ["folder", "repository"])
def test_a_configuration_outside_of_the_repository(gated, tmp_path, kind):
    """A pull request cannot change it, and it applies to the specs that it names."""
    (tmp_path / "ci").mkdir()
    if kind == "repository":
        gated.git("init", "-q", cwd=tmp_path / "ci")
    (tmp_path / "ci/cost.toml").write_text('specs = ["models/*.yaml"]\n[[increase]]\nmacs = 0\n')
    arguments = ("--config", "../ci/cost.toml")
    assert findings(gated, *arguments) == (0, [])
    gated.write("models/net.yaml", NET)
    gated.git("mv", "models/inception.yaml", "models/inception.yml")
    assert findings(gated, *arguments) == (1, [("CC106", "models/inception.yaml")])


def test_git_of_the_folder_is_not_run(gated, monkeypatch):
    """If PATH contains a relative folder, or the system searches the working folder first."""
    trap = gated.write("git", "#!/bin/sh\ntouch ran\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", os.environ["PATH"]]))
    assert gated.check("--base", "main").status == 0
    assert not (gated.path / "ran").exists()


def test_a_branch_that_ends_in_head_is_a_branch(gated):
    gated.git("branch", "NEXT_HEAD", "main")
    gated.write("models/inception.yaml", DEARER)
    gated.commit("dearer")
    gated.git("tag", "NEXT_HEAD")
    assert gated.check("--base", "NEXT_HEAD").status == 1


def test_few_trees_are_kept(gated, monkeypatch):
    """The result does not depend on their number."""
    gated.git("checkout", "-q", "main")
    for number in range(9):
        gated.write(f"models/{number}/{number}/net.yaml", numbered(number))
    gated.commit("folders")
    gated.git("checkout", "-q", "-B", "work")
    gated.write("models/8/8/net.yaml", numbered(8, 20))
    gated.git("rm", "-rq", "models/7")
    monkeypatch.setattr(git, "MAX_CACHED", 3)
    with git.Repository.open(Path.cwd()) as repository:
        snapshot = git_snapshot.Snapshot.open(repository, gated.git("rev-parse", "main"))
        assert len(list(snapshot.files("models"))) == 10
        assert sum(map(len, repository._trees.values())) <= 3
    assert findings(gated) == (1, [("CC103", "models/8/8/net.yaml"), ("CC106", "models/7/7/net.yaml")])


def side(path, lines=(), network=None):
    return following.File(path=path, ids=(), text=lambda: "\n".join(lines), analysis=lambda: network)


NETWORK = analyze(load("lenet5"))


@pytest.mark.parametrize(
    ("bound", "value", "found"),
    [
        (None, 0, {"new": "old"}),
        ("MAX_STEPS", 2, {}),  # three lines in common
        ("MAX_STEPS", 3, {"new": "old"}),
        ("MAX_COMPARED", 0, {}),
        ("MAX_COMPARED", 1, {"new": "old"}),
        ("ALIKE", 0.8, {}),  # three lines of four, of the same length
        ("ALIKE", 0.75, {"new": "old"}),
    ],
)
def test_bounds_of_what_is_alike(monkeypatch, bound, value, found):
    if bound:
        monkeypatch.setattr(following, bound, value)
    old, new = side("old", ["a", "b", "c"]), side("new", ["a", "b", "c", "d"])
    assert following.renames([old], [new]) == found


@pytest.mark.parametrize(("most", "found"), [(0, {}), (1, {}), (100, {"new": "old"})])
def test_bounds_of_what_is_built(monkeypatch, most, found):
    monkeypatch.setattr(following, "MAX_LAYERS", most)
    old, new = side("old", ["a"], NETWORK), side("new", ["b"], NETWORK)
    assert following.renames([old], [new]) == found


def test_files_of_the_same_name_are_matched_first():
    old = [side(f"old/{name}.yaml", ["x"]) for name in "abc"]
    new = [side(f"new/{name}.yaml", ["x"]) for name in "dcb"]
    assert following.renames(old, new) == {
        "new/b.yaml": "old/b.yaml",
        "new/c.yaml": "old/c.yaml",
        "new/d.yaml": "old/a.yaml",
    }
