"""The fixture, in a separate run of pytest."""

from __future__ import annotations

import subprocess
import sys

from . import NET, net_macs

TEST = """
import pytest
from costcalc.errors import SpecError, UsageError


def test_beside(cost_of):
    assert cost_of("net.yaml").macs == {macs}
    assert cost_of("net.yaml", width=8).macs == {half}
    assert cost_of("net.yaml", batch=2, inputs={{"input": (3, 8, 8)}}).macs == 2 * {macs}


def test_bundled(cost_of):
    assert cost_of("lenet5").params == 61_706


def test_from_the_root(cost_of):
    assert cost_of("models/net.yaml").macs == {macs}


def test_faults(cost_of):
    with pytest.raises(UsageError):
        cost_of("gone.yaml")
    with pytest.raises(UsageError):
        cost_of("net.yaml", widht=1)


def test_over_budget(cost_of):
    assert cost_of("net.yaml").macs < {macs}
"""


def test_the_fixture(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for folder in ("models", "tests"):
        (tmp_path / folder / "net.yaml").write_text(NET)
    (tmp_path / "tests/test_cost.py").write_text(TEST.format(macs=net_macs(), half=net_macs(8)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    done = subprocess.run([*command, *_plugin()], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 4 passed" in done.stdout, done.stdout
    assert "test_over_budget" in done.stdout
    listed = subprocess.run(
        [*command, "--fixtures", *_plugin()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "cost_of" in listed.stdout


def _plugin():
    """Return the arguments for the plugin: none if costcalc is installed, or else its name."""
    from importlib.metadata import entry_points

    return (
        []
        if any(entry.name == "costcalc" for entry in entry_points(group="pytest11"))
        else ["-p", "costcalc.pytest_plugin"]
    )


def test_the_entry_point_is_declared():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"costcalc": "costcalc.pytest_plugin"}
