"""Errors of a check in real repositories. The status is 2, and there is no traceback."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from . import INCEPTION, NET, macs, net_macs

ROOT = os.geteuid() == 0 if hasattr(os, "geteuid") else False


def costcalc(path, *arguments, **options):
    command = [sys.executable, "-m", "costcalc", *arguments]
    return subprocess.run(command, cwd=path, capture_output=True, text=True, check=False, **options)


def unusable(done, *said):
    assert done.status == 2, done
    assert not done.out
    assert "Traceback" not in done.err
    for text in said:
        assert text in done.err, done.err


# Repositories


def test_no_git(repo, monkeypatch):
    monkeypatch.setenv("PATH", str(repo.path))
    unusable(repo.check("--base", "main"), "git is not installed", "--base analysis.json")
    assert repo.check().status == 0  # absolute limits need none


def test_not_a_repository(scratch):
    scratch.write("net.yaml", NET)
    unusable(scratch.check("net.yaml", "--max", "macs=1G", "--base", "main"), "is not in a git repository")
    assert scratch.check("net.yaml", "--max", "macs=1G").status == 0


def test_a_repository_of_another_user(repo):
    if not ROOT:
        pytest.skip("needs root, to give a folder away")
    os.chown(repo.path, 12345, 12345)
    os.chown(repo.path / ".git", 12345, 12345)
    unusable(repo.check("--base", "main"), "does not trust", "safe.directory")


def test_no_commit_yet(scratch):
    scratch.git("init", "-q")
    scratch.write("net.yaml", NET)
    unusable(scratch.check("net.yaml", "--max", "macs=1G", "--base", "HEAD"), "unknown ref HEAD")


def test_a_shallow_clone(repo, tmp_path, monkeypatch):
    for number in range(3):
        repo.commit(f"work {number}")
    repo.git("clone", "-q", "--depth", "1", "--no-single-branch", f"file://{repo.path}", str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")
    unusable(repo.check("--base", "origin/main"), "the shallow clone does not contain the merge base", "fetch-depth: 0")
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.path}", str(tmp_path / "single"))
    monkeypatch.chdir(tmp_path / "single")
    unusable(repo.check("--base", "main"), "unknown ref main", "fetch-depth: 0")
    repo.git("clone", "-q", "--no-single-branch", f"file://{repo.path}", str(tmp_path / "whole"))
    monkeypatch.chdir(tmp_path / "whole")
    assert repo.check("--base", "main").status == 0  # the remote's branch stands in for a local one


def test_a_detached_head(repo):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.git("checkout", "-q", repo.commit())
    done = repo.check("--base", "main")
    assert (done.status, "was 16 at main" in done.out) == (1, True)


def test_histories_without_a_common_commit(repo):
    repo.git("checkout", "-q", "--orphan", "other")
    repo.commit()
    unusable(repo.check("--base", "main"), "no common commit")


@pytest.mark.parametrize("ref", ["gone", "HEAD~99", "main^2", "v1.0", "refs/heads/gone", "abcdef", "0" * 40])
def test_a_missing_ref(repo, ref):
    unusable(repo.check("--base", ref), f"unknown ref {ref}")


@pytest.mark.parametrize(
    "ref",
    [
        *["-x", "--help", "--upload-pack=touch x", "--output=x", "-", "a\nb", "\x1b[31m", "x" * 2000],
        *["main..work", "main...work", "main^{tree}", "main^{commit}", "main^@", "main^!", "main:models", ":models"],
        *["HEAD^{/x}", ":/x", "HEAD^{/(.*)(.*)(.*)\\1\\2}", "main@{1}", "main@{2 days ago}", "@{-1}", "@{u}", "^main"],
        *["main~x", "main~9999999999", "main" + "~1" * 21, "a b", "a//b", "/a", "a.lock", "a?", "a*", "a[b]", "a\\b"],
    ],
)
def test_a_ref_that_is_none(repo, ref):
    unusable(repo.check(f"--base={ref}"), "is not a valid ref")
    toml = (repo.path / "costcalc.toml").read_text()
    repo.write("costcalc.toml", toml + f"[[increase]]\nmacs = 0\nagainst = {_toml(ref)}\n")
    unusable(repo.check(), "is not a valid ref", "(increase in costcalc.toml, line 6)")
    assert repo.names() == [".git", "costcalc.toml", "models"]


def _toml(text):
    return '"' + "".join(char if char.isalnum() else f"\\u{ord(char):04x}" for char in text) + '"'


def test_the_merge_base_and_not_the_tip(repo):
    repo.git("checkout", "-q", "main")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 8")
    repo.commit("main went on")
    repo.git("checkout", "-q", "work")
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[increase]]\nmacs = 0\n')
    assert repo.check("--base", "main").status == 0


# Specs


def test_a_new_spec_has_absolute_limits_only(repo):
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[increase]]\nmacs = 0\n[[budget]]\nmacs = "1G"\n')
    repo.write("models/net.yaml", NET)
    done = repo.check("--base", "main", "-o", "json")
    assert done.status == 0
    assert [each["status"] for each in done.json["specs"]] == ["unchanged", "new"]
    assert done.json["not_evaluated"] == []


def test_a_deleted_spec_is_listed(repo):
    repo.write("models/net.yaml", NET)
    (repo.path / "models/inception.yaml").unlink()
    done = repo.check("--base", "main")
    assert done.status == 0
    assert "deleted: models/inception.yaml" in done.out
    assert "models/inception.yaml: CC106 warning: the spec was deleted; it had limits at" in done.out
    assert repo.check("--base", "main", "--strict").status == 1
    last = repo.check("--base", "main", "-o", "json").json["specs"][-1]
    assert (last["status"], last["totals"], last["base_totals"]["macs"]) == ("deleted", None, macs())
    assert "deleted" not in repo.check("--base", "main", "models/net.yaml").out


@pytest.mark.parametrize("change", [None, ("r5: 16", "r5: 24")])
@pytest.mark.parametrize("committed", [True, False])
def test_a_renamed_spec_is_followed(repo, change, committed):
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[increase]]\nmacs = 0\n')
    (repo.path / "models/new").mkdir()
    (repo.path / "models/inception.yaml").rename(repo.path / "models/new/module.yaml")
    if change:
        repo.edit("models/new/module.yaml", *change)
    if committed:
        repo.commit()
    done = repo.check("--base", "main")
    assert done.status == (1 if change else 0)
    assert "renamed: models/inception.yaml -> models/new/module.yaml" in done.out
    assert "deleted" not in done.out
    assert ("models/new/module.yaml:4:39: CC103" in done.out) == bool(change)


def test_a_file_of_another_text_is_no_rename(repo):
    (repo.path / "models/inception.yaml").unlink()
    repo.write("models/net.yaml", NET)
    assert "renamed" not in repo.check("--base", "main").out


@pytest.mark.parametrize(
    "text",
    [
        "input: [192, 28, 28]\nlayers:\n  - conv: {out: 64, kernal: 3}\n",  # never was right
        "input: [192, 28, 28]\nlayers:\n  - conv: {out: 64, kernel: 300}\n",  # reads, but is no network
        "network:\n  version: 0.1\n  conv2d: [64, 3]\n",  # an older syntax
        "\x00\x01",
        "[" * 500,
    ],
)
def test_a_spec_that_was_broken_counts_as_new_with_a_warning(repo, text):
    repo.git("checkout", "-q", "main")
    repo.write("models/inception.yaml", text)
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[budget]]\nmacs = "130M"\n[[increase]]\nmacs = 0\n')
    repo.commit("broken")
    repo.git("checkout", "-q", "-B", "work")
    repo.write("models/inception.yaml", INCEPTION)
    assert repo.rules("--base", "main") == (0, [("CC001", "warning", "models/inception.yaml", None)])
    done = repo.check("--base", "main")
    assert "the spec was broken at main, so it counts as new" in done.out
    assert "(1 new)" in done.out


def test_a_spec_that_is_broken_now(repo):
    repo.edit("models/inception.yaml", "kernel: 5", "kernal: 5")
    repo.write("models/net.yaml", NET)
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[budget]]\nmacs = 1\n')
    done = repo.check("--base", "main", "--exit-zero")
    assert done.status == 2
    assert "models/inception.yaml:16:27: CC001" in done.out
    assert "did you mean kernel?" in done.out
    assert "CC102 models/net.yaml" in done.out  # the rest is told too
    assert "error: " in done.out
    assert repo.check("-o", "json").json["verdict"] == "error"


def test_a_member_of_a_family_that_is_no_network(repo):
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1G"\nset = { r5 = 0 }\n')
    done = repo.check()
    assert (done.status, "CC001" in done.out) == (2, True)


def test_a_base_with_another_configuration(repo):
    repo.git("checkout", "-q", "main")
    repo.write("costcalc.toml", "[[ budget\n")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[budget]]\nmacs = "130M"\n')
    done = repo.check("--base", "main")
    assert (done.status, "cannot read the configuration at main" in done.out) == (0, True)


def test_a_submodule(repo, tmp_path):
    inside = tmp_path / "zoo"
    inside.mkdir()
    repo.git("init", "-q", "-b", "main", cwd=inside)
    (inside / "net.yaml").write_text(NET)
    repo.git("add", "-A", cwd=inside)
    repo.git("commit", "-qm", "zoo", cwd=inside)
    repo.git("checkout", "-q", "main")
    repo.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(inside), "zoo")
    repo.write("costcalc.toml", 'specs = ["zoo/*.yaml"]\n[[increase]]\nmacs = 0\n')
    repo.commit("with a submodule")
    repo.git("checkout", "-q", "-B", "work")
    assert repo.check("--base", "main").status == 0
    repo.edit("zoo/net.yaml", "width: 16", "width: 17")
    repo.git("commit", "-qam", "wider", cwd=repo.path / "zoo")
    repo.commit("the submodule went on")
    done = repo.check("--base", "main")
    assert done.status == 1
    assert f"zoo/net.yaml:2:17: CC103 macs {net_macs(17):,} > {net_macs(16):,}" in done.out
    repo.git("submodule", "deinit", "-q", "-f", "zoo")
    unusable(repo.check("--base", "main"), "no file matches")


def test_a_bare_repository(repo, tmp_path, monkeypatch):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    repo.commit()
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    monkeypatch.chdir(tmp_path / "bare.git")
    unusable(repo.check("--base", "main"), "this folder has no costcalc.toml")
    unusable(repo.check("resnet18", "--base", "main"), "bare repository")
    done = repo.run("diff", "main:models/inception.yaml", "work:models/inception.yaml", "-o", "json")
    assert done.status == 0
    assert done.json["diffs"][0]["totals"]["macs"]["change"] == macs(24) - macs(16)


@pytest.mark.parametrize(
    "name", ["a b.yaml", "größe.yaml", "模型.yaml", "$(touch x).yaml", "-x.yaml", "a'b\"c.yaml", "%0A.yaml"]
)
def test_names_with_spaces_and_other_letters(repo, name):
    repo.git("checkout", "-q", "main")
    repo.write(f"models/{name}", NET)
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[increase]]\nmacs = 0\n')
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit(f"models/{name}", "width: 16", "width: 17")
    done = repo.check("--base", "main", "-o", "json")
    assert [(each["spec"], each["value"], each["base"]) for each in done.json["findings"]] == [
        (f"models/{name}", net_macs(17), net_macs(16))
    ]
    assert repo.check("--base", "main", f"models/{name}").status == 1
    assert repo.run("history", f"models/{name}").status == 0


def test_a_name_with_a_line_break(repo):
    repo.write("models/a\n::error::x.yaml", NET)
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[budget]]\nmacs = 1\n')
    for form in ("text", "github", "markdown", "junit"):
        done = repo.check("--base", "main", "-o", form)
        assert done.status == 1
        assert not [line for line in done.out.split("\n") if line.lstrip().startswith("::error::x")]
    repo.commit()
    assert repo.check("--base", "HEAD").status == 1


def test_a_symlink_out_of_the_repository(repo, tmp_path):
    (tmp_path / "secret.yaml").write_text("password: hunter2\n")
    (repo.path / "models/link.yaml").symlink_to("../../secret.yaml")
    unusable(repo.check(), "models/link.yaml is a symlink that leads out of the repository")
    unusable(repo.check("models/link.yaml", "--max", "macs=1"), "leads out of the repository")
    assert "hunter2" not in repo.check().err
    (repo.path / "models/link.yaml").unlink()
    (repo.path / "models/far").symlink_to(tmp_path)
    assert repo.check().status == 0  # a symlink to a folder is not looked into
    (repo.path / "costcalc.toml").unlink()
    (repo.path / "costcalc.toml").symlink_to("../secret.yaml")
    unusable(repo.check(), "costcalc.toml is a symlink that leads out of the repository")


def test_a_symlink_inside_the_repository(repo):
    repo.git("checkout", "-q", "main")
    (repo.path / "models/link.yaml").symlink_to("inception.yaml")
    (repo.path / "models/out.yaml").symlink_to("../../../etc/passwd")
    repo.commit()
    (repo.path / "models/out.yaml").unlink()
    repo.write("models/out.yaml", NET)
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 17")
    repo.write("costcalc.toml", 'specs = ["models/**/*.yaml"]\n[[increase]]\nmacs = 0\n')
    status, found = repo.rules("--base", "main")
    assert (status, [spec for rule, _, spec, _ in found if rule == "CC103"]) == (
        1,
        ["models/inception.yaml", "models/link.yaml"],
    )


def test_extending_out_of_the_folder_at_the_base(repo):
    repo.git("checkout", "-q", "main")
    repo.write("net.yaml", NET)
    repo.write("models/small.yaml", "extends: ../net.yaml\n")
    (repo.path / "models/linked.yaml").symlink_to("../net.yaml")
    repo.write("models/other.yaml", "extends: linked.yaml\n")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.write("models/small.yaml", NET)
    repo.write("models/other.yaml", NET)
    out = repo.check("--base", "main").out
    assert out.count("the spec was broken at main") == 2


def test_a_bundled_spec_that_a_file_hid(repo):
    """The spec and the bundled spec that it extends are unchanged, but a file replaced the bundled spec at the base."""
    repo.git("checkout", "-q", "main")
    repo.write("models/lenet5.yaml", NET)
    repo.write("models/small.yaml", "extends: lenet5.yaml\n")
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    (repo.path / "models/lenet5.yaml").unlink()
    done = repo.check("--base", "main", "-o", "json")
    results = {each["spec"]: each for each in done.json["specs"]}
    assert results["models/small.yaml"]["status"] == "changed"
    assert results["models/small.yaml"]["base_totals"]["macs"] == net_macs()
    assert results["models/small.yaml"]["totals"]["macs"] == 416_520  # LeNet-5's


def test_from_any_folder(repo, monkeypatch):
    repo.git("checkout", "-q", "main")
    repo.write("models/small.yaml", "extends: inception.yaml\nparams: {b1: 32}\n")
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[increase]]\nmacs = 0\n')
    repo.commit()
    repo.git("checkout", "-q", "-B", "work")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 17")
    (repo.path / "docs/deep").mkdir(parents=True)
    monkeypatch.chdir(repo.path / "docs/deep")
    names = ["../../models/inception.yaml", "../../models/small.yaml"]
    assert repo.rules("--base", "main") == (1, [("CC103", "error", name, "macs") for name in names])
    assert repo.check("--base", "main").out.startswith("../../models/inception.yaml:4:39: CC103")
    monkeypatch.chdir(repo.path.parent)
    names = ["work/models/inception.yaml", "work/models/small.yaml"]
    assert repo.rules(*names, "--base", "main") == (1, [("CC103", "error", name, "macs") for name in names])


def test_line_ends_do_not_change_a_spec(repo):
    path = repo.path / "models/inception.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert repo.check("--base", "main", "-o", "json").json["specs"][0]["status"] == "unchanged"


def test_an_object_that_is_missing(repo):
    blob = repo.git("rev-parse", "main:models/inception.yaml")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 15")
    path = repo.path / ".git/objects" / blob[:2] / blob[2:]
    path.chmod(stat.S_IWUSR)
    path.unlink()
    unusable(repo.check("--base", "main"), "git cannot read the blob", "git fsck")


def test_a_repository_with_sha256(scratch):
    scratch.git("init", "-q", "-b", "main", "--object-format=sha256")
    scratch.write("net.yaml", NET)
    scratch.write("costcalc.toml", 'specs = ["*.yaml"]\n[[increase]]\nmacs = 0\n')
    scratch.commit()
    assert scratch.check("--base", "main", "-o", "json").json["specs"][0]["status"] == "unchanged"
    scratch.edit("net.yaml", "width: 16", "width: 17")
    assert scratch.check("--base", "main").status == 1


# Nothing of a repository runs or misleads


def test_the_work_tree_and_the_repository_are_untouched(repo):
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    before = {path: path.stat().st_mtime_ns for path in repo.path.rglob("*")}
    assert repo.check("--base", "main").status == 1
    assert repo.run("history", "models/inception.yaml").status == 0
    assert repo.run("diff", "main").status == 0
    assert {path: path.stat().st_mtime_ns for path in repo.path.rglob("*")} == before


def test_a_hostile_configuration_of_git_runs_nothing(repo, tmp_path):
    trap = tmp_path / "trap"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\necho ran >> {trap}\nexit 1\n")
    script.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.askPass",
        "diff.external",
        "gpg.program",
        "diff.x.textconv",
        "diff.x.command",
        "filter.x.smudge",
        "filter.x.clean",
        "filter.x.process",
        "credential.helper",
        "uploadpack.packObjectsHook",
        "alias.cat-file",
        "alias.rev-parse",
    ):
        repo.git("config", name, f"!{script}" if name.startswith("alias") else str(script))
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "core.hooksPath", str(tmp_path))
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text("*.yaml diff=x filter=x\n")
    (repo.path / ".gitattributes").write_text("*.yaml diff=x filter=x\n")
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    assert repo.check("--base", "main").status == 1
    assert repo.run("diff", "main").status == 0
    assert repo.run("history", "models/inception.yaml").status == 0
    assert not trap.exists()


def test_the_environment_of_another_git_misleads_nobody(repo, tmp_path, monkeypatch):
    other = tmp_path / "other"
    repo.git("init", "-q", "-b", "main", str(other))
    for name, value in {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / "index"),
        "GIT_OBJECT_DIRECTORY": str(other / ".git/objects"),
        "GIT_NAMESPACE": "x",
        "GIT_EXTERNAL_DIFF": "false",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_TRACE": "1",
        "LC_ALL": "de_DE.UTF-8",
        "LANGUAGE": "de",
    }.items():
        monkeypatch.setenv(name, value)
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    done = repo.check("--base", "main")
    assert (done.status, "was 16 at main" in done.out) == (1, True)


def test_replaced_objects_are_not_believed(repo):
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[increase]]\nmacs = 0\n')
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    work = repo.commit()
    repo.git("replace", repo.git("rev-parse", "main"), work)
    assert repo.check("--base", "main").status == 1


# What a CI names


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({"GITHUB_BASE_REF": "main"}, 1),
        ({"GITHUB_BASE_REF": "gone"}, 2),
        ({"GITHUB_BASE_REF": "--help"}, 2),
        ({"GITHUB_BASE_REF": ""}, 2),  # a push names no base: nothing would be measured
        ({"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}, 1),
        ({"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "gone"}, 2),
        ({"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "gone", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "COMMIT"}, 1),
        ({"CI_MERGE_REQUEST_DIFF_BASE_SHA": "-COMMIT"}, 2),
        # In a merge queue: https://docs.github.com/en/actions/reference/events-that-trigger-workflows#merge_group
        ({"GITHUB_BASE_REF": "", "GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-7-0123abc"}, 1),
        ({"GITHUB_REF": "refs/heads/gh-readonly-queue/release/1.x/pr-7-0123abc"}, 2),
        ({"GITHUB_REF": "refs/heads/main"}, 2),
    ],
)
def test_the_base_from_the_environment(repo, monkeypatch, environment, status):
    repo.write("costcalc.toml", 'specs = ["models/*.yaml"]\n[[increase]]\nmacs = 0\n')
    repo.edit("models/inception.yaml", "r5: 16", "r5: 24")
    commit = repo.git("rev-parse", "main")
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    repo.git("branch", "-D", "main")
    for name, value in environment.items():
        monkeypatch.setenv(name, value.replace("COMMIT", commit))
    assert repo.check().status == status


@pytest.mark.parametrize(("project", "against"), [("51", "main"), ("10", "COMMIT")], ids=["the target's", "a fork's"])
def test_the_base_in_a_pipeline_of_gitlab(repo, monkeypatch, project, against):
    """In a pipeline of a fork, `origin` is the fork, whose branches may be outdated."""
    commit = repo.git("rev-parse", "main")
    repo.git("update-ref", "refs/remotes/origin/main", "main")
    monkeypatch.setenv("CI_PROJECT_ID", project)
    monkeypatch.setenv("CI_MERGE_REQUEST_PROJECT_ID", "51")
    monkeypatch.setenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
    monkeypatch.setenv("CI_MERGE_REQUEST_DIFF_BASE_SHA", commit)
    assert repo.check("-o", "json").json["base"]["ref"] == against.replace("COMMIT", commit)


# Files


@pytest.mark.skipif(ROOT, reason="root may write anywhere")
def test_a_read_only_folder(repo):
    repo.path.chmod(0o555)
    try:
        assert repo.check("--base", "main").status == 0
        unusable(repo.check("-o", "json=report.json"), "cannot write report.json")
        unusable(repo.check("-o", "json=models/../r.json"), "cannot write")
    finally:
        repo.path.chmod(0o755)


def test_a_folder_that_takes_no_file(repo):
    unusable(repo.check("-o", "json=/proc/report.json"), "cannot write /proc/report.json")
    assert repo.check("-o", "json=/proc/report.json", "--exit-zero").status == 2


def test_a_folder_that_is_not_there(repo):
    unusable(repo.check("-o", "json=gone/report.json"), "cannot write gone/report.json")


def test_a_full_disk_leaves_the_old_report(repo, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # or Python would keep modules that it compiled in part
    repo.write("report.json", "the old one")

    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    done = costcalc(repo.path, "check", "-o", "json=report.json", "-o", "sarif=second.sarif", preexec_fn=small)
    assert done.returncode == 2, done
    assert "cannot write" in done.stderr
    assert (repo.path / "report.json").read_text() == "the old one"
    assert repo.names() == [".git", "costcalc.toml", "models", "report.json"]


def test_a_full_disk_behind_standard_output(repo):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "costcalc", "check"], cwd=repo.path, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert b"cannot write" in done.stderr


def test_a_job_summary_that_cannot_be_written(repo, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(repo.path / "gone/summary.md"))
    done = repo.check()
    assert (done.status, "cannot write the job summary" in done.err) == (2, True)


def test_two_runs_at_once(repo):
    command = [sys.executable, "-m", "costcalc", "check", "--base", "main", "-o", "json=report.json"]
    runs = [subprocess.Popen(command, cwd=repo.path) for _ in range(4)]
    assert [run.wait() for run in runs] == [0] * 4
    import json

    assert json.loads((repo.path / "report.json").read_text())["verdict"] == "pass"
    assert repo.names() == [".git", "costcalc.toml", "models", "report.json"]


def test_a_closed_pipe(repo):
    command = f"{sys.executable} -m costcalc check -o json; echo $? >&2"
    done = subprocess.run(["bash", "-c", f"({command}) | true"], cwd=repo.path, capture_output=True, check=False)
    assert done.stderr.strip() in (b"141", b"0")


def test_a_submodule_that_lacks_its_commit(repo, tmp_path):
    inside = tmp_path / "zoo"
    inside.mkdir()
    repo.git("init", "-q", "-b", "main", cwd=inside)
    (inside / "net.yaml").write_text(NET)
    repo.git("add", "-A", cwd=inside)
    repo.git("commit", "-qm", "zoo", cwd=inside)
    repo.git("checkout", "-q", "main")
    repo.git("-c", "protocol.file.allow=always", "submodule", "-q", "add", str(inside), "zoo")
    repo.git("update-index", "--cacheinfo", f"160000,{'1' * 40},zoo")
    repo.git("commit", "-qm", "a commit that only somebody else has")
    repo.git("checkout", "-q", "-B", "work")
    repo.write("costcalc.toml", 'specs = ["zoo/*.yaml"]\n[[increase]]\nmacs = 0\n')
    repo.edit("zoo/net.yaml", "width: 16", "width: 17")
    unusable(repo.check("--base", "main"), "the submodule zoo does not have its commit 1111", "git submodule update")
