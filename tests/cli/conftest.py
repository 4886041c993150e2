"""How the command line is run in tests: in this process, or as a process of its own where its end is the matter."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import NamedTuple

import pytest
from processes import PATIENCE

from costcalc.cli import main


class Run(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def cli(capsys, monkeypatch):
    """Run a command in this process; `stdin` is what it reads."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COSTCALC_TRACEBACK", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main([str(argument) for argument in arguments])
        return Run(status, *capsys.readouterr())

    return run


@pytest.fixture
def process():
    """Run Python code that has `main` in a process of its own."""

    def run(code, *, env=None, **options):
        known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        return subprocess.run(
            [sys.executable, "-c", f"import sys\nfrom costcalc.cli import main\n{code}"],
            env={**known, **(env or {})},
            timeout=PATIENCE,
            check=False,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    return run


@pytest.fixture
def spec(tmp_path):
    """Write a spec to a file, and give its path."""

    def write(text, name="model.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


SMALL = """\
params: {width: 8}
input: [3, 8, 8]
layers:
  - conv: {out: width, kernel: 3, padding: 1, act: relu}
    name: stem
  - flatten
  - linear: 10
"""
"""conv: 64 positions of 8 channels of 27 products; linear: 512 times 10."""


@pytest.fixture
def small(spec):
    return spec(SMALL)
