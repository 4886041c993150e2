"""Where reports go: formats, whole files, terminals and colour."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys

import pytest
from processes import PATIENCE

from costcalc.cli import output
from costcalc.cli.output import write_files
from costcalc.errors import UsageError

from .conftest import SMALL


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (["-o", "jsn"], "unknown format jsn\n  = help: did you mean json?"),
        (["-o", "json="], "-o json=: expected a path\n  = help: write -o json=PATH, or -o json for standard output"),
        (
            ["-o", "json", "-o", "table"],
            "more than one format for standard output\n  = help: write one of them to a file: -o FORMAT=PATH",
        ),
        (["-o", "json", "-o", "json"], "more than one format for standard output"),
        (["-o", "json=x", "-o", "csv=x"], "more than one format for x"),
        (["-o", "json=/no/such/folder/x"], "cannot write /no/such/folder/x: No such file or directory"),
    ],
)
def test_an_output_that_cannot_be(cli, small, outputs, said):
    run = cli("analyze", small, *outputs)
    assert (run.status, run.out) == (2, "")
    assert f"error: {said}" in run.err


def test_one_run_writes_several_formats(cli, small, tmp_path):
    run = cli("analyze", small, "-o", "table", "-o", f"json={tmp_path}/a.json", "-o", f"markdown={tmp_path}/a.md")
    assert run.status == 0
    assert run.out.startswith("model\n")
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["network"] == "model"
    assert (tmp_path / "a.md").read_text("utf-8").startswith("### model\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "a.md", "model.yaml"]


def test_a_hyphen_is_standard_output(cli, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert json.loads(cli("analyze", small, "-o", "json=-").out)["network"] == "model"
    assert "more than one format for standard output" in cli("analyze", small, "-o", "json=-", "-o", "table").err
    assert [path.name for path in tmp_path.iterdir()] == ["model.yaml"]


@pytest.mark.parametrize("command", ["analyze", "expand", "compare", "graph", "explain", "diff"])
def test_a_spec_that_is_read_is_not_replaced(cli, spec, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    base = spec(SMALL, "base.yaml")
    spec("extends: base.yaml\n", "child.yaml")
    (tmp_path / "link.yaml").symlink_to("base.yaml")
    form = {"expand": "spec", "graph": "dot"}.get(command, "csv")
    for read, written in (("base.yaml", "./base.yaml"), ("child.yaml", "base.yaml"), ("base.yaml", "link.yaml")):
        if command == "diff" and read == "child.yaml":
            continue
        run = cli(command, read, *["lenet5"] * (command == "diff"), "-o", f"{form}={written}")
        assert (run.status, run.out) == (2, "")
        assert f"error: -o {form}={written} would overwrite the input " in run.err
    assert base.read_text("utf-8") == SMALL


def test_a_file_named_as_a_bundled_spec_or_a_layer_is_not_one(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "C1").write_text("old")
    assert cli("explain", "lenet5", "C1", "-o", "csv=C1").status == 0
    assert (tmp_path / "C1").read_text("utf-8").startswith("name,")
    assert cli("analyze", "lenet5", "-o", "json=lenet5.json").status == 0


@pytest.mark.parametrize("command", ["analyze", "diff", "check"])
def test_standard_input_is_given_once(cli, command):
    run = cli(command, "-", "-", stdin=SMALL.encode())
    assert (run.status, run.out, run.err) == (2, "", "error: standard input (-) is given more than once\n")


def test_without_standard_output_nothing_is_printed(cli, small, tmp_path):
    assert cli("analyze", small, "-o", f"csv={tmp_path}/a.csv")[:2] == (0, "")


def test_a_table_in_a_file_has_no_colour_and_any_width(cli, small, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    cli("analyze", small, "--color", "always", "-o", f"table={tmp_path}/a.txt")
    text = (tmp_path / "a.txt").read_text("utf-8")
    assert "\x1b" not in text
    assert "██████████" in text


def test_nothing_is_written_when_the_spec_is_wrong(cli, spec, tmp_path):
    run = cli("analyze", spec("input: [3, 8, 8]\nlayers: [cnv: 3]\n"), "-o", f"json={tmp_path}/a.json")
    assert run.status == 2
    assert [path.name for path in tmp_path.iterdir()] == ["model.yaml"]


def test_files_are_replaced_whole_and_keep_their_mode(tmp_path):
    path = tmp_path / "report"
    path.write_text("old")
    path.chmod(0o640)
    write_files({str(path): "new × \ud800"})
    assert path.read_bytes() == "new × \\ud800".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]


def test_a_new_file_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_files({str(tmp_path / "new"): b"\0"})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_what_is_no_regular_file_is_written_to():
    write_files({"/dev/null": "text"})
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)  # noqa: PTH116


@pytest.mark.parametrize("failing", ["fsync", "interrupt"])
def test_a_failure_while_writing_leaves_every_old_file(tmp_path, monkeypatch, failing):
    old = {name: tmp_path / name for name in ("a", "b")}
    for path in old.values():
        path.write_text("old")
    calls = []

    def fsync(_descriptor):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt if failing == "interrupt" else OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt if failing == "interrupt" else UsageError):
        write_files({str(path): "new" for path in old.values()})
    assert [path.read_text() for path in old.values()] == ["old", "old"]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "b"]


def test_a_disk_that_fills_up_leaves_the_old_file(process, tmp_path, small):
    path = tmp_path / "a.json"
    path.write_text("old")
    done = process(
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        f"sys.exit(main(['analyze', {str(small)!r}, '-o', 'json={path}']))",
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 2
    assert f"cannot write {path}: File too large".encode() in done.stderr
    assert path.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.json", "model.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_file_that_may_not_be_written_stays(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(0o400)
    with pytest.raises(UsageError, match="Permission denied"):
        write_files({str(path): "new"})
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("env", "arguments", "colored"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": ""}, [], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, [], True),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
    ],
)
def test_colour_is_the_option_then_no_color_then_force_color(cli, small, monkeypatch, env, arguments, colored):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in cli("analyze", small, *arguments).out) is colored
    assert ("\x1b[" in cli("ops", "cnv", *arguments).err) is colored


def on_terminal(columns, *arguments, env=None):
    """What a command writes to a terminal of so many columns."""
    fcntl, pty, termios = (pytest.importorskip(name) for name in ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, columns.to_bytes(2, sys.byteorder).rjust(4, b"\0") + bytes(4))
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    process = subprocess.Popen(
        [sys.executable, "-m", "costcalc", *arguments],
        stdout=theirs,
        stderr=theirs,
        env={**known, "TERM": "xterm", **(env or {})},
    )
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 65536):
            parts.append(part)
    except OSError:
        pass  # how a terminal says that nobody writes to it any more
    os.close(ours)
    process.wait(timeout=PATIENCE)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [60, 100, 200])
@pytest.mark.parametrize("network", ["resnet50", "mobilenet_v2", "googlenet_bn"])
def test_a_table_fits_its_terminal(columns, network):
    text = on_terminal(columns, "analyze", network)
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert plain != text
    assert max(map(len, plain.splitlines())) <= columns
    for column in ("layer", "op", "output", "params", "MACs"):
        assert column in plain
    assert columns == 100 or ("█" in plain) == (columns == 200)


def test_no_color_and_columns_hold_on_a_terminal():
    text = on_terminal(200, "analyze", "inception", env={"NO_COLOR": "1", "COLUMNS": "60"})
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 60


def test_columns_of_nothing_are_none_said():
    assert on_terminal(100, "specs", env={"COLUMNS": "0"}) == on_terminal(100, "specs")


TABLES = [
    *(["analyze", name] for name in ("resnet50", "vgg16", "mobilenet_v2", "googlenet")),
    ["analyze", "resnet50", "vgg16", "mobilenet_v2"],
    ["specs"],
    ["ops"],
    *(["ops", name] for name in ("conv", "attention", "relu6", "maxpool")),
    ["blocks"],
    *(["compare", name] for name in ("inception", "vgg16", "mobilenet_v1")),
    ["compare", "--channels", "192", "--size", "28", "--out", "32", "--kernel", "5"],
    *(["explain", name] for name in ("lenet5", "resnet50")),
    ["explain", "inception", "b5.*"],
    ["diff", "resnet18", "resnet34"],
]


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
@pytest.mark.parametrize("command", TABLES, ids=" ".join)
def test_every_table_fits_and_every_name_in_it_is_whole(cli, monkeypatch, columns, command):
    monkeypatch.setattr(output, "_columns", lambda _: columns)
    narrow = cli(*command).out
    monkeypatch.setattr(output, "_columns", lambda _: None)
    wide = cli(*command).out
    assert max(map(len, narrow.splitlines())) <= columns
    assert all(line == line.rstrip() for line in narrow.splitlines())
    assert not narrow.endswith("\n\n")
    names = {line.split()[0] for line in wide.splitlines() if line.split()}
    names = {name for name in names if re.fullmatch(r"[\w.]+\.conv(_\d)?|\w*conv|\w*pool|\w+_v\d|resnet\w+", name)}
    assert names <= set(narrow.split())


def test_a_narrow_catalog_keeps_its_texts(cli, monkeypatch):
    monkeypatch.setattr(output, "_columns", lambda _: 80)
    said = " ".join(cli("ops").out.split())
    assert "out, kernel, stride=1," in said
    assert "Rectified linear unit, max(0," in said
    assert "arXiv:1409.1556, table 1" in " ".join(cli("specs").out.split())
    assert "A depthwise convolution," in cli("blocks").out
    assert "# arXiv:1706.03762, section 3.3).\nmlp(hidden" in cli("blocks", "mlp").out


@pytest.mark.parametrize(
    ("encoding", "formula", "rule"),
    [
        ("ascii", "C_out*H_out*W_out*K_h*K_w*C_in = 6*28*28*5*5*1 = 117,600", "1x32x32 -> 6x28x28 | receptive"),
        ("latin-1", "C_out·H_out·W_out·K_h·K_w·C_in = 6·28·28·5·5·1 = 117,600", "1×32×32 -> 6×28×28 · receptive"),
        ("cp1252", "C_out·H_out·W_out·K_h·K_w·C_in = 6·28·28·5·5·1 = 117,600", "1×32×32 -> 6×28×28 · receptive"),
    ],
)
def test_a_formula_is_true_in_every_encoding(process, encoding, formula, rule):
    done = process("sys.exit(main(['explain', 'lenet5', 'C1']))", env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    assert formula in done.stdout.decode(encoding)
    assert rule in done.stdout.decode(encoding)


def test_a_stream_of_ascii_gets_ascii(process):
    done = process("sys.exit(main(['analyze', 'inception']))", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert b"conv | relu  64x28x28" in done.stdout
    assert b"##########" in done.stdout
    assert b"------" in done.stdout
