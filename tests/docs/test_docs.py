"""The documentation's examples are run: what a page shows is what a reader gets."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import costcalc

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WALKED = {"gate.md"}
"""Pages whose commands are one story, with a test of their own."""


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """The fenced blocks of a language, with their lines."""
    text = page.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start()) + 1, m[2]) for m in FENCE.finditer(text) if m[1] == language]


def commands(block: str) -> list[tuple[str, str]]:
    """Each command of a console block, with the output shown below it."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def matches(shown: str, real: str) -> bool:
    """Whether the output is as shown; a line of three dots stands for any lines."""
    lines = [r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + r"\s*\n" for line in shown.splitlines()]
    return re.fullmatch("".join(lines) + r"\s*", real.rstrip("\n") + "\n") is not None


def cases(language: str, pages: list[Path]) -> list[object]:
    return [
        pytest.param(page, block, id=f"{page.name}:{line}") for page in pages for line, block in blocks(page, language)
    ]


@pytest.mark.parametrize(("page", "block"), cases("console", [page for page in PAGES if page.name not in WALKED]))
def test_commands_print_what_the_page_shows(page: Path, block: str, tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "GITLAB_", "CI"))
    }
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment.pop("FORCE_COLOR", None)
    assert commands(block), "a console block begins its commands with `$ `"
    for command, shown in commands(block):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert matches(shown, done.stdout), f"$ {command}\n{done.stdout}"


@pytest.mark.parametrize(
    ("page", "block"), [c for c in cases("yaml", PAGES) if "layers:" in c.values[1] or "extends:" in c.values[1]]
)
def test_specs_load(page: Path, block: str) -> None:
    if not re.search(r"^(input|extends):", block, re.MULTILINE):
        pytest.skip("a part of a spec")
    from costcalc.errors import Source
    from costcalc.lang.loader import open_spec

    spec = open_spec(Source(f"{page.name}.yaml", block))
    totals = costcalc.analyze(spec.build()).totals
    for limit in spec.expect:
        assert {name: getattr(totals, name) for name in limit.values} == {n: v for n, (v, _) in limit.values.items()}


@pytest.mark.parametrize(("page", "block"), cases("python", PAGES))
def test_python_runs(page: Path, block: str) -> None:
    if ">>>" not in block:
        pytest.skip("a part of a program")
    import doctest

    test = doctest.DocTestParser().get_doctest(block, {}, page.name, str(page), 0)
    assert doctest.DocTestRunner(verbose=False).run(test).failed == 0
