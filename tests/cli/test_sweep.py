"""`sweep`: what it writes in each format, what it refuses, and how it ends when it is interrupted."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bounds import cpu_time_below
from processes import PATIENCE, started

LINEAR = """
params: {a: 1, b: 1}
input: [3, b, b]
layers:
  - conv: {out: a, kernel: 3, padding: 1, bias: false}
  - conv: {out: 12, kernel: 1, groups: 3}
"""


def params(a):
    return a * 3 * 9 + a // 3 * 12 + 12


def macs(a, b):
    return b * b * (a * 3 * 9 + a // 3 * 12)


@pytest.fixture
def two(spec):
    return spec(LINEAR)


MATRIX = """\
model: MACs
6 points: a 3 × b 2

a \\ b       1       2
────────────────────
    3      93     372
    4 invalid invalid
    6     186     744

2 points are invalid; first error: conv_2: cannot divide 4 input channels into 3 groups
"""


def test_two_axes_and_one_figure_are_a_matrix(cli, two):
    status, out, err = cli("sweep", two, "--set", "a=3,4,6", "--set", "b=1:2", "--columns", "macs")
    lines = [line.split() for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert lines[3] == ["a", "\\", "b", "1", "2"]
    assert lines[5:8] == [["3", "93", "372"], ["4", "invalid", "invalid"], ["6", "186", "744"]]
    assert [macs(3, 1), macs(3, 2), macs(6, 1), macs(6, 2)] == [93, 372, 186, 744]
    assert "2 points are invalid; first error: " in out


def test_rows_of_a_table_end_at_fifty(cli, two):
    out = cli("sweep", two, "--set", "a=3:1800:3").out
    assert out.count("\n") == 2 + 1 + 2 + 50 + 2
    assert "and 550 more rows; write all of them with -o csv" in out


def test_a_matrix_ends_at_fifty_rows_and_twenty_columns(cli, two):
    out = cli("sweep", two, "--set", "a=3:300:3", "--set", "b=1:60", "--columns", "macs").out
    assert "and 50 more rows and 40 more columns; write all points with -o csv" in out


def test_csv_is_the_contract(cli, two):
    status, out, err = cli("sweep", two, "--set", "a=3,4.0,6", "--set", "b=2", "-o", "csv")
    rows = list(csv.reader(io.StringIO(out)))
    assert rows[0] == ["a", "b", "params", "buffers", "macs", "flops", "activations", "invalid"]
    assert rows[1][:5] == ["3", "2", str(params(3)), "0", str(macs(3, 2))]
    assert rows[1][5:] == [str(2 * macs(3, 2) + 12 * 4), str(3 * 4 + 12 * 4), ""]
    assert rows[2] == ["4.0", "2", "", "", "", "", "", rows[2][7]]
    assert "cannot divide 4 input channels into 3 groups" in rows[2][7]
    assert status == 0
    assert err.startswith("1 of 3 points are invalid: ")


def test_json_is_the_contract(cli, two):
    document = json.loads(cli("sweep", two, "--set", "a=3,4", "--set", "b=1,2", "-o", "json").out)
    rows = document.pop("rows")
    assert document == {
        "format": "costcalc.sweep/1", "network": "model", "batch": 1, "inputs": {}, "axes": {"a": [3, 4], "b": [1, 2]},
        "points": 4, "matching": 2, "invalid": 2,
    }  # fmt: skip
    assert [row["macs"] for row in rows] == [macs(3, 1), macs(3, 2), None, None]
    assert rows[0]["invalid"] is None
    assert "divide" in rows[3]["invalid"]


def test_npz_has_the_shape_of_the_grid(cli, two, tmp_path):
    cli("sweep", two, "--set", "a=3,4,6", "--set", "b=1:4", "-o", f"npz={tmp_path / 'x.npz'}")
    with np.load(tmp_path / "x.npz") as archive:
        found = dict(archive)
    assert found["macs"].tolist() == [[-1 if a == 4 else macs(a, b) for b in range(1, 5)] for a in (3, 4, 6)]
    assert found["invalid"].tolist() == [[False] * 4, [True] * 4, [False] * 4]
    assert found["b"].tolist() == [1, 2, 3, 4]


def test_npz_of_chosen_points_is_columns(cli, two, tmp_path):
    cli("sweep", two, "--set", "a=3,4,6", "--set", "b=1:4", "--where", "b > 2", "-o", f"npz={tmp_path / 'x.npz'}")
    with np.load(tmp_path / "x.npz") as archive:
        found = dict(archive)
    assert found["position"].tolist() == [2, 3, 10, 11]
    assert found["a"].tolist() == [3, 3, 6, 6]


def test_npz_refuses_what_it_cannot_hold(cli, two, tmp_path):
    run = cli("sweep", two, "--set", "b=10G", "--set", "a=3", "-o", f"npz={tmp_path / 'x.npz'}")
    assert run.status == 2
    assert "cannot write macs to npz: a value is above 2^63" in run.err
    assert list(tmp_path.glob("*.npz")) == list(tmp_path.glob(".costcalc*")) == []


def test_lists_words_and_hostile_names_in_csv(cli, spec):
    path = spec("params: {c: [1], act: relu}\ninput: [3]\nlayers: [{linear: {out: sum(c), act: act}}]")
    out = cli("sweep", path, "--set", "c=[1,2],[3]", "--set", "act=relu,gelu", "-o", "csv", "--columns", "params").out
    assert list(csv.reader(io.StringIO(out)))[1:] == [
        [value, act, "12", ""] for value in ("[1, 2]", "[3]") for act in ("relu", "gelu")
    ]


@pytest.mark.parametrize("form", ["png", "svg"])
@pytest.mark.parametrize("arguments", [
    ["--set", "a=3:30:3"],
    ["--set", "a=3:30:3", "--set", "b=1:9"],
    ["--set", "a=3:30:1", "--set", "b=1:9", "--columns", "macs,params"],
    ["--set", "a=3:30:3", "--set", "b=1:9", "--pareto=macs,-a"],
    ["--set", "a=4"],
    ["--set", "a=3:30:3", "--where", "a > 100"],
])  # fmt: skip
def test_pictures(cli, two, tmp_path, form, arguments):
    pytest.importorskip("matplotlib")
    path = tmp_path / f"x.{form}"
    assert cli("sweep", two, *arguments, "-o", f"{form}={path}").status == 0
    assert path.read_bytes().startswith(b"\x89PNG" if form == "png" else b"<?xml")


def test_a_picture_is_the_same_twice(cli, two, tmp_path):
    pytest.importorskip("matplotlib")
    files = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for file in files:
        cli("sweep", two, "--set", "a=3:30:3", "-o", f"svg={file}")
    assert files[0].read_bytes() == files[1].read_bytes()


def test_without_matplotlib_a_picture_says_what_to_install(cli, two, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run = cli("sweep", two, "--set", "a=3,6", "-o", f"png={tmp_path / 'x.png'}")
    assert run.status == 2
    assert "png requires matplotlib" in run.err
    assert "costcalc[plot]" in run.err


def test_a_condition_that_nothing_satisfies_is_fine_and_said(cli, two):
    run = cli("sweep", two, "--set", "a=3,6", "--where", "macs < 3")
    assert run.status == 0
    assert "no point satisfies macs < 3" in run.out
    run = cli("sweep", two, "--set", "a=3,6", "--where", "macs < 3", "-o", "csv")
    assert (run.status, run.out.count("\n"), run.err) == (0, 1, "no point satisfies macs < 3\n")


def test_the_widest_under_a_budget(cli):
    run = cli(
        "sweep", "mobilenet_v1", "--set", "alpha=0.25,0.5,0.75,1", "--set", "resolution=128:224:32",
        "--where", "macs <= 300M and params < 4M", "--best", "alpha", "--top", "1", "-o", "csv", "--columns", "macs",
    )  # fmt: skip
    assert run.out.splitlines()[1] == "0.75,128,106770432,"


def test_the_cheapest_first(cli, two):
    run = cli("sweep", two, "--set", "a=9,3,6", "--best=-macs", "-o", "csv", "--columns", "macs")
    assert [line.split(",")[0] for line in run.out.splitlines()[1:]] == ["3", "6", "9"]


def test_counting_evaluates_nothing(cli, spec):
    path = spec("params: {a: 1}\ninput: [3]\nlayers: [{linear: {out: a / 0}}]")
    run = cli("sweep", path, "--set", "a=0:1:1e-15", "--count")
    assert run == (0, "1,000,000,000,000,001 points: a 1,000,000,000,000,001\n", "")


@pytest.mark.parametrize(("arguments", "message"), [
    (["--set", "a=1:1000000", "--set", "b=1:1e9"], "1,000,000,000,000,000 points would take about"),
    (["--set", "c=1"], "unknown param c of model"),
    (["--set", "a=5:1:2"], "the range 5:1:2 is empty: it ends below its start"),
    (["--set", "a=1:5:0"], "the step of 1:5:0 must not be 0"),
    (["--set", "a="], "a: missing value in"),
    (["--set", "a"], "expected NAME=VALUE"),
    ([], "expected values of at least one param of model"),
    (["--set", "a=1", "--where", "mcas < 3"], "did you mean macs?"),
    (["--set", "a=1", "--where", "macs < "], "unexpected end of the expression"),
    (["--set", "a=1", "--top", "3"], "--top requires --best"),
    (["--set", "a=1", "--columns", "mac"], "unknown column mac"),
    (["--set", "a=1,2", "--pareto", "macs", "-o", "png=x.png"], "a scatter plot requires two columns, got macs"),
    (["--set", "a=3:3000000:1", "-o", "png=x.png"], "a picture can have at most 1,000,000 points, got"),
    (["--set", "a=1", "--scheduler", "nowhere"], "scheduler"),
])  # fmt: skip
def test_bad_input(cli, two, arguments, message):
    run = cli("sweep", two, *arguments)
    assert run.status == 2
    assert message in run.err


def test_max_points_is_a_limit_of_choice(cli, two):
    assert "the limit is 3" in cli("sweep", two, "--set", "a=3,6,9,12", "--max-points", "3").err
    assert cli("sweep", two, "--set", "a=3,6,9,12", "--max-points", "4").status == 0


def test_batch_and_input(cli, two):
    run = cli("sweep", two, "--set", "a=3", "--input", "3x5x7", "--batch", "10", "-o", "csv", "--columns", "macs")
    assert run.out.splitlines()[1] == f"3,{10 * 5 * 7 * (3 * 27 + 12)},"


def test_a_file_is_whole_or_as_it_was(cli, two, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("before")
    assert cli("sweep", two, "--set", "a=3,6", "--where", "1 / (a - 6) > 0", "-o", f"csv={path}").status == 2
    assert path.read_text() == "before"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model.yaml", "x.csv"]
    assert cli("sweep", two, "--set", "a=3,6", "-o", f"csv={path}").status == 0
    assert path.read_text().count("\n") == 3


@pytest.mark.parametrize("step", [1_000_000, 90_000, 10_000])
def test_a_refused_grid_of_long_networks_is_not_evaluated(cli, spec, step):
    path = spec("params: {n: 3}\ninput: [3]\nlayers:\n- linear: 3\n  repeat: n\n")
    with cpu_time_below(10):  # 0.6 to 1.5 seconds; a hundred networks of 100,000 layers would take 100 seconds
        run = cli("sweep", path, "--set", f"n=1:1e30:{step}")
    assert (run.status, run.out) == (2, "")
    assert "points would take about" in run.err


LONG = ["sweep", "mobilenet_v1", "--set", "alpha=0.1:10.0999:0.0001", "--set", "resolution=32:10031:1"]


def test_an_interrupt_leaves_whole_lines_and_says_so():
    with started(*LONG, "-o", "csv") as process:
        head = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=PATIENCE)
    out = head + rest
    assert process.returncode == 130
    assert "interrupted after" in err
    assert "of 1,000,000,000 points" in err
    assert out.endswith("\n")
    assert {line.count(",") for line in out.splitlines()} == {7}


def test_an_interrupt_leaves_the_best_so_far():
    with started(*LONG, "--best=-macs", "--top", "2", before=SEEN) as process:
        assert process.stderr.readline() == "seen\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "interrupted after" in out
    assert "interrupted after" in err


SEEN = """\
import costcalc.cli.sinks as sinks
see = sinks.Sinks.see
def told(self, chunk, positions):
    see(self, chunk, positions)
    print("seen", file=sys.stderr, flush=True)
    sinks.Sinks.see = see
sinks.Sinks.see = told
"""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_bar_appears_after_a_second_on_a_terminal():
    master, slave = os.openpty()
    with started(*LONG, "--best=-macs", "--top", "1", stderr=slave) as process:
        os.close(slave)
        shown = b""
        while b"/s" not in shown and (part := os.read(master, 4096)):
            shown += part
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    os.close(master)
    assert b"points" in shown
    assert b"/s" in shown


@pytest.mark.parametrize("arguments", [
    ["--set", "a=1:2000", "--set", "b=1:2000", "--best=-macs"],
    ["--set", "a=1:1000000", "-o", "csv"],
    ["--set", "b=1000000000:1001000000", "--best=macs"],
])  # fmt: skip
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_memory_is_bounded_however_large_the_grid(two, tmp_path, arguments):
    code = (
        "import sys; from costcalc.cli import main; sys.stdout = open(sys.argv.pop(), 'w');"
        f"status = main({['sweep', str(two), *arguments]!r});"
        "print(*[line for line in open('/proc/self/status') if line.startswith('VmHWM')], file=sys.stderr);"
        "sys.exit(status)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True)
    assert int(done.stderr.split()[-2]) * 1024 < 300e6
