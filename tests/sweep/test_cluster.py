"""A sweep on a real local cluster of two worker processes, one of which is killed in the middle."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from processes import PATIENCE, started

from costcalc.errors import UsageError
from costcalc.lang.loader import open_spec
from costcalc.sweep import chunks as module
from costcalc.sweep.axis import parse_axis
from costcalc.sweep.chunks import Task, boxes
from costcalc.sweep.cluster import cluster_chunks
from costcalc.sweep.recipe import Recipe
from costcalc.sweep.run import chunks

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not find_spec("distributed"), reason="needs distributed: pip install costcalc[dask]"),
]


@pytest.fixture(scope="module")
def distributed():
    """Imported late: it takes longer than most tests, and each process that collects them would import it."""
    return importlib.import_module("distributed")


@pytest.fixture(scope="module")
def cluster(distributed):
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(host="127.0.0.1", silence_logs=50, **options) as cluster:
        yield cluster


@pytest.fixture
def task(monkeypatch):
    monkeypatch.setattr(module, "POINTS", 20_000)
    axes = (parse_axis("alpha", "0.01:1.5:0.005"), parse_axis("resolution", "1:1000:1"))
    return Task(Recipe(open_spec("mobilenet_v1")), axes, ("params", "macs"))


def test_a_killed_worker_changes_nothing(cluster, task):
    expected = list(chunks(task))
    victim = next(iter(cluster.workers.values())).pid
    found = []
    for chunk in cluster_chunks(task, cluster.scheduler_address):
        found.append(chunk)
        if len(found) == 3:
            os.kill(victim, signal.SIGKILL)
    assert len(found) == len(expected) > 10
    for one, other in zip(found, expected, strict=True):
        assert one.start == other.start
        assert (one.codes == other.codes).all()
        for metric in task.metrics:
            assert (one.figures[metric] == other.figures[metric]).all()
        invalid = np.flatnonzero(one.codes)
        assert one.invalid(invalid) == other.invalid(invalid)
    assert any((chunk.codes > 0).any() for chunk in found)


def test_an_end_that_comes_early_leaves_nothing_running(distributed, cluster, task):
    stream = cluster_chunks(task, cluster.scheduler_address)
    next(stream)
    stream.close()
    with distributed.Client(cluster, set_as_default=False) as client:
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0


@pytest.fixture
def processes(distributed, tmp_path):
    """A scheduler and a worker, each a process of its own, and the scheduler's address."""
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    commands = [
        ["dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common],
        ["dask_worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path), *common],
    ]
    started = []
    try:
        for module_name, *options in commands:
            command = [sys.executable, "-m", f"distributed.cli.{module_name}", *options]
            started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        with distributed.Client(scheduler_file=str(file), set_as_default=False, timeout=60) as client:
            client.wait_for_workers(1, timeout=60)
        yield json.loads(file.read_text())["address"], *started
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("victim", "sign", "said"),
    [
        (1, signal.SIGKILL, "does not answer"),
        (1, signal.SIGSTOP, "does not answer"),
        (2, signal.SIGKILL, "has lost all its workers"),
    ],
)
def test_a_cluster_that_is_gone_is_not_waited_for(processes, task, monkeypatch, capfd, victim, sign, said):
    address = processes[0]
    monkeypatch.setattr("costcalc.sweep.cluster.PATIENCE", 3.0)
    found = []

    def run():
        for chunk in cluster_chunks(task, address):
            found.append(chunk)
            if len(found) == 2:
                processes[victim].send_signal(sign)

    with pytest.raises(UsageError, match=f"the Dask scheduler at {address} {said}"):
        run()
    assert 2 <= len(found) < len(list(boxes(task.sizes)))
    assert capfd.readouterr().err == ""


def test_no_scheduler(task, monkeypatch):
    monkeypatch.setattr("costcalc.sweep.cluster.PATIENCE", 0.5)
    with pytest.raises(UsageError, match="cannot connect to a Dask scheduler at tcp"):
        next(cluster_chunks(task, "tcp://127.0.0.1:9"))


@pytest.mark.parametrize("address", ["nonsense://x", "nonsense", "tcp://127.0.0.1", "tcp://127.0.0.1:x"])
def test_no_address(distributed, task, monkeypatch, address):
    """No client is begun: the end of one that has nowhere to go takes twenty seconds and a traceback."""
    monkeypatch.setattr(distributed, "Client", None)
    with pytest.raises(UsageError, match=f"cannot connect to a Dask scheduler at {address}"):
        next(cluster_chunks(task, address))


def test_without_distributed_it_says_what_to_install(task, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(UsageError, match="--scheduler requires distributed"):
        next(cluster_chunks(task, "tcp://127.0.0.1:8786"))


def test_the_command_line_says_the_same(cluster, capsys):
    from costcalc.cli import main

    asked = ["sweep", "mobilenet_v1", "--set", "alpha=0.01:1:0.01", "--set", "resolution=32:224:32", "-o", "csv"]
    assert main(asked) == 0
    alone = capsys.readouterr()
    assert main([*asked, "--scheduler", cluster.scheduler_address]) == 0
    assert capsys.readouterr() == alone


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_nothing_running(distributed, cluster, number, status):
    """A sweep of 10,000 times 10,000 points."""
    asked = ["sweep", "mobilenet_v1", "--set", "alpha=0.1:10.0999:0.0001", "--set", "resolution=32:10031:1"]
    with started(*asked, "-o", "csv", "--scheduler", cluster.scheduler_address) as process:
        process.stdout.readline()
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == status
    with distributed.Client(cluster, set_as_default=False) as client:
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0
