"""In a folder that somebody else filled, nothing is imported from it, and no file of the CI is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import SMALL

HOSTILE = "import sys\nsys.stderr.write('hostile\\n')\nraise SystemExit(99)\n"
MODULES = (
    "click",
    "yaml",
    "numpy",
    "rich",
    "matplotlib",
    "distributed",
    "jsonschema",
    "evil",
    "difflib",
    "csv",
    "tomllib",
)
COMMANDS = [
    ["analyze", "model.yaml"],
    ["analyze", "model.yaml", "-o", "json"],
    ["analyze", "model.yaml", "-o", "csv"],
    ["ops"],
    ["ops", "evil"],
    ["compare", "model.yaml", "--strategy", "evil"],
    ["check", "model.yaml", "--max", "macs=1G"],
    ["sweep", "model.yaml", "--set", "width=1,2"],
    ["sweep", "model.yaml", "--set", "width=1,2", "-o", "png=a.png"],
]
STARTED = {
    "costcalc": [sys.executable, "-c", "import sys; del sys.path[0]; from costcalc.cli import main; sys.exit(main())"],
    "python -m": [sys.executable, "-m", "costcalc"],
    "python -P -m": [sys.executable, "-P", "-m", "costcalc"],
}


@pytest.fixture
def folder(tmp_path):
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    info = tmp_path / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[costcalc.ops]\nevil = evil\n[costcalc.strategies]\nevil = evil:evil\n")
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nbackend: module://evil\n")
    (tmp_path / "model.yaml").write_text(SMALL)
    return tmp_path


@pytest.mark.parametrize("how", STARTED)
def test_nothing_is_imported_from_the_working_folder(folder, how):
    pytest.importorskip("matplotlib")
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("PYTHONPATH", None)
    (folder / "latex").write_text(f"#!/bin/sh\ntouch {folder}/ran\nexit 1\n")
    (folder / "latex").chmod(0o755)
    for command in COMMANDS:
        done = subprocess.run(
            [*STARTED[how], *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert "hostile" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert done.returncode == (2 if "evil" in command else 0), (command, done.stderr)
    assert not (folder / "ran").exists()


def test_the_command_s_own_script_leaves_the_folder_out(folder):
    script = Path(sys.executable).parent / "costcalc"
    if not script.exists():
        pytest.skip("costcalc is not installed here")
    shutil.copy(folder / "evil.py", folder / "costcalc.py")
    done = subprocess.run([script, "--version"], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_file_of_the_runner_is_written(cli, folder, tmp_path, monkeypatch, command):
    """The summary is written by `check` alone, and by nothing else."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    files = [tmp_path / name for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE")]
    for file in [*files, tmp_path / "GITHUB_STEP_SUMMARY"]:
        file.write_text("")
        monkeypatch.setenv(file.name, str(file))
    assert cli(*command).status == (2 if "evil" in command else 0)
    assert [file.read_text() for file in files] == [""] * len(files)
    assert bool((tmp_path / "GITHUB_STEP_SUMMARY").read_text()) is (command[0] == "check")
