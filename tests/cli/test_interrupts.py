"""SIGINT, SIGTERM and SIGHUP: the exit status, and what is left behind: no file, no process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess

import numpy as np
import pytest
from processes import ENDING, PATIENCE, alive, started, until

from .conftest import SMALL

STATUS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
LONG = ["sweep", "mobilenet_v1", "--set", "alpha=0.1:10.0999:0.0001", "--set", "resolution=32:10031:1"]
"""10,000 times 10,000 points: hours."""

signals = pytest.mark.parametrize(("number", "status"), STATUS, ids=lambda each: getattr(each, "name", each))


def ended(process):
    """The status of a process that was sent a signal, and what it wrote."""
    out, err = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in err
    return process.returncode, out, err


def grown(path, size=1 << 16):
    """A temporary file in a folder, once it has so many bytes."""
    return next((each for each in path.glob(".costcalc-*.tmp") if each.stat().st_size > size), None)


READY = """\
import costcalc.cli.common as common
def standard_input():
    print('ready', file=sys.stderr, flush=True)
    return read()
read, common.standard_input = common.standard_input, standard_input
"""


@signals
def test_a_command_that_waits_for_its_input(number, status):
    with started("analyze", "-", stdin=subprocess.PIPE, before=READY) as process:
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        assert ended(process) == (status, "", "")


@signals
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_sweep_ends_in_order(tmp_path, number, status, form):
    path = tmp_path / f"x.{form}"
    with started(*LONG, "-o", f"{form}={path}") as process:
        until(lambda: grown(tmp_path))
        process.send_signal(number)
        found, out, err = ended(process)
    assert (found, out) == (status, "")
    assert "interrupted after" in err
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    text = path.read_text()
    if form == "json":
        document = json.loads(text)
        assert document["partial"] is True
        assert len(document["rows"]) == document["seen"] < document["points"]
    else:
        assert text.endswith("\n")
        assert {line.count(",") for line in text.splitlines()} == {7}


@signals
def test_an_archive_leaves_no_folder_of_arrays(tmp_path, number, status):
    arrays = tmp_path / "arrays"
    arrays.mkdir()
    path = tmp_path / "x.npz"
    with started(*LONG, "-o", f"npz={path}", env={**os.environ, "TMPDIR": str(arrays)}) as process:
        until(lambda: [each for each in arrays.glob("*/*") if each.stat().st_size > 1 << 16])
        process.send_signal(number)
        assert ended(process)[0] == status
    with np.load(path) as archive:
        assert len(archive["macs"]) > 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["arrays", "x.npz"]
    assert list(arrays.iterdir()) == []


@signals
def test_a_second_signal_ends_at_once_and_leaves_the_old_file(tmp_path, number, status):
    """The first one is not answered: the evaluation stands in for a long one."""
    path = tmp_path / "x.csv"
    path.write_text("old")
    stuck = (
        "import time, costcalc.sweep.run as run\n"
        "def slow(*_):\n"
        "    print('ready', file=sys.stderr, flush=True)\n"
        "    while True:\n"
        "        time.sleep(0.01)\n"
        "run.evaluate = slow"
    )
    with started(*LONG, "-o", f"csv={path}", before=stuck) as process:
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.5)
        process.send_signal(number)
        assert ended(process) == (status, "", "")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["x.csv"]


@pytest.mark.parametrize("ignored", ENDING, ids=lambda each: each.name)
def test_an_ignored_signal_stays_ignored(ignored):
    """`nohup` starts a command with SIGHUP ignored, a shell's `&` with SIGINT."""
    other = signal.SIGINT if ignored == signal.SIGTERM else signal.SIGTERM
    with started(*LONG, "-o", "csv", ignored=[ignored]) as process:
        process.stdout.readline()
        process.send_signal(ignored)
        for _ in range(200_000):  # rows of several chunks: more than what was on its way when the signal came
            assert process.stdout.readline().count(",") == 7
        process.send_signal(other)
        status, _, err = ended(process)
    assert status == 128 + other
    assert "interrupted after" in err


SLOW_GIT = """\
#!/bin/sh
case "$*" in
*{slow}*) sleep 0.5; echo $$ >> {log}; exec sleep 600 ;;
*) exec {git} "$@" ;;
esac
"""


@signals
@pytest.mark.parametrize("slow", ["rev-parse", "cat-file"])
def test_git_is_ended(tmp_path, number, status, slow):
    """A git that never answers, asked once or all the time; it says so when the call that started it has returned."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "net.yaml").write_text(SMALL)
    somebody = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run(["git", *somebody, *command], cwd=work, check=True)
    tools, log = tmp_path / "bin", tmp_path / "log"
    tools.mkdir()
    (tools / "git").write_text(SLOW_GIT.format(slow=slow, log=log, git=shutil.which("git")))
    (tools / "git").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    arguments = ["check", "net.yaml", "--max-increase", "macs=0", "--base", "main", "-o", "json=report.json"]
    with started(*arguments, cwd=work, env=environment) as process:
        until(lambda: log.exists() and log.read_text().endswith("\n"))
        git = int(log.read_text())
        assert alive(git)
        process.send_signal(number)
        assert ended(process) == (status, "", "")
        assert not alive(git)
    assert sorted(each.name for each in work.iterdir()) == [".git", "net.yaml"]
