"""The dependencies of `pyproject.toml`, and the constraints that `.ci/run` tests with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXTRAS = ("test", "plot", "dask")
"""The extras that are installed for tests with the oldest dependencies."""
INDIRECT = {"pyparsing"}
"""Indirect dependencies that need a constraint."""


def lower_bounds() -> dict[str, str]:
    """Return the oldest allowed release of each dependency, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = project["dependencies"] + [
        requirement for extra in EXTRAS for requirement in project["optional-dependencies"][extra]
    ]
    matches = [re.match(r"([\w-]+)>=([\d.]+)", requirement) for requirement in requirements]
    assert None not in matches, "every dependency has a lower bound"
    return {match[1]: match[2] for match in matches if match}


def test_constraints_are_the_oldest_allowed_releases() -> None:
    lines = (ROOT / "tests" / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    bounds = lower_bounds()
    assert pins.keys() - INDIRECT == bounds.keys()
    for name, bound in bounds.items():
        assert re.fullmatch(rf"{re.escape(bound)}(\.0)*", pins[name]), name
