"""Walks the page about the gate from top to bottom, in a repository of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/gate.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w./-]+\.\w+)`:\n\n$")
"""A paragraph that ends with the name of a file: the block below is its content."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are those of a POSIX shell")


def steadied(text: str) -> str:
    """A text in which ids of commits and days read as those of the page, and a rule is as long as any."""
    text = re.sub(r"\b[0-9a-f]{10}\b", "0123456789", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d\b", "2027-01-01", text)
    return re.sub(r"─+", "─", text)


def matches(shown: str, real: str) -> bool:
    """Whether the output is as shown; a line of three dots stands for any lines."""
    lines = [r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + r"\s*\n" for line in shown.splitlines()]
    return re.fullmatch("".join(lines) + r"\s*", real.rstrip("\n") + "\n") is not None


def test_the_walk(tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITHUB_", "CI"))},
        **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=tmp_path, env=environment, check=True)
    ran = []
    for block in FENCE.finditer(PAGE):
        language, text = block.groups()
        named = NAMED.search(PAGE[: block.start()])
        if named:
            path = tmp_path / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif language == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                done = subprocess.run(
                    ["bash", "-c", command],
                    cwd=tmp_path,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                assert matches(steadied(shown), steadied(done.stdout)), f"$ {command}\n{done.stdout}"
                ran.append((command, done.returncode))
    assert (tmp_path / ".github/workflows/cost.yml").exists()
    assert [(command, status) for command, status in ran if status] == [("costcalc check --base main", 1)]


@pytest.mark.parametrize("text", [text for language, text in FENCE.findall(PAGE) if language == "toml"])
def test_configurations_are_read(text):
    from costcalc.errors import Source
    from costcalc.gate.config import parse

    assert tomllib.loads(text)
    config = parse(Source("costcalc.toml", text))
    assert config.budgets or config.matches


def test_rules_are_those_that_there_are():
    from costcalc.gate.rules import RULES

    assert re.findall(r"^\| (CC\d+) \|", PAGE, re.MULTILINE) == list(RULES)


def test_formats_and_options_are_those_that_there_are():
    from costcalc.cli.check import check

    options = {name for parameter in check.params for name in parameter.opts if name.startswith("--")}
    page = re.sub(r"^```sh\n.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL)
    told = set(re.findall(r"`[^`]*?(--[a-z][a-z-]+)", page)) - {"--stat", "--exit-code"}
    assert told <= options
    assert {"--base", "--max", "--max-increase", "--exit-zero", "--strict", "--init", "--ratchet"} <= told
