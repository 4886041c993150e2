"""Real git repositories in temporary folders, and the command line on them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import NamedTuple

import pytest

from costcalc.cli import main

from . import INCEPTION


class Result(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Scratch:
    """A folder, with or without a repository, and the command line in it."""

    def __init__(self, path, monkeypatch, capfd):
        self.path = path
        self.capfd = capfd
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(path)

    def names(self):
        return sorted(path.name for path in self.path.iterdir())

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def edit(self, name, old, new):
        text = (self.path / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def git(self, *arguments, cwd=None):
        return run_git(cwd or self.path, *arguments)

    def commit(self, message="a commit"):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments):
        self.capfd.readouterr()
        status = main([*arguments])
        return Result(status, *self.capfd.readouterr())

    def check(self, *arguments):
        return self.run("check", *arguments)

    def rules(self, *arguments):
        """The rule, severity, spec and metric of each finding, and the status."""
        done = self.check(*arguments, "-o", "json")
        if not done.out:
            return done.status, done.err
        return done.status, [(f["rule"], f["severity"], f["spec"], f["metric"]) for f in done.json["findings"]]


def run_git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, env=identity())
    return done.stdout.strip()


def identity():
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ALLOW_PROTOCOL": "file",
    }


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch):
    """Remove the environment of a CI and the configuration of git."""
    for name in [*os.environ]:
        if name.startswith(("GITHUB_", "CI_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def scratch(tmp_path, monkeypatch, capfd):
    """An empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Scratch(folder, monkeypatch, capfd)


@pytest.fixture(scope="session")
def first_commit(tmp_path_factory):
    """The folder that each `repo` is copied from, as creating it takes five runs of git."""
    folder = tmp_path_factory.mktemp("first_commit") / "work"
    (folder / "models").mkdir(parents=True)
    (folder / "models/inception.yaml").write_text(INCEPTION, encoding="utf-8")
    config = 'specs = ["models/**/*.yaml"]\n\n[[budget]]\nmacs = "130M"\n'
    (folder / "costcalc.toml").write_text(config, encoding="utf-8")
    run_git(folder, "init", "-q", "-b", "main", "--template=")
    run_git(folder, "add", "-A")
    run_git(folder, "commit", "-q", "-m", "first")
    run_git(folder, "checkout", "-q", "-b", "work")
    return folder


@pytest.fixture
def repo(scratch, first_commit):
    """A repository with one spec and one budget, on the branch `work` that left `main` at the first commit."""
    shutil.copytree(first_commit, scratch.path, symlinks=True, dirs_exist_ok=True)
    return scratch
