"""Exit statuses, as a shell sees them: what a tool of a CI system decides by."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LISTED = "main(['ops'])"
FAULTY = "main(['ops', 'no-such-op'])"


def test_a_command_that_did_its_work_ends_with_0(process):
    done = process(f"sys.exit({LISTED})")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"depthwise_conv" in done.stdout


def test_python_m_costcalc_is_costcalc():
    done = subprocess.run([sys.executable, "-m", "costcalc", "--version"], capture_output=True, check=True)
    assert done.stdout.startswith(b"costcalc 0.")


def test_an_interrupt_ends_with_130(process):
    done = process(
        "import os, signal\n"
        "import costcalc.cli.common as common\n"
        "common.standard_input = lambda: os.kill(os.getpid(), signal.SIGINT) or open('/nowhere')\n"
        "sys.exit(main(['analyze', '-']))"
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize(
    "command", ["['ops']", "['analyze', 'vgg11', '-o', 'json']", "['--help']", "['--version']", "['schema']"]
)
def test_a_broken_pipe_ends_with_141(process, command):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = process(f"sys.exit(main({command}))", stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_an_error_that_nobody_reads_is_still_an_error(process):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = process(f"sys.exit({FAULTY})", stderr=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stdout) in ((2, b""), (141, b""))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
@pytest.mark.parametrize("command", ["['ops']", "['--help']"])
def test_a_full_disk_ends_with_2(process, command):
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = process(f"sys.exit(main({command}))", stdout=full)
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_closed_standard_output_ends_with_2_where_something_was_to_be_written(process, tmp_path):
    closed = "import os\nos.close(1)\nsys.stdout = None\n"
    done = process(f"{closed}sys.exit({LISTED})")
    assert (done.returncode, done.stderr.partition(b"\n")[0]) == (2, b"error: standard output is closed")
    done = process(f"{closed}sys.exit(main(['ops', '-o', 'json={tmp_path}/ops.json']))")
    assert (done.returncode, done.stderr) == (0, b"")


BUG = (
    "import costcalc.catalog\n"
    "def ops(*names): raise RuntimeError('boom \\x1b[31m\\nand more')\n"
    "costcalc.catalog.ops = ops\n"
    f"sys.exit({LISTED})"
)


def test_a_bug_ends_with_3_and_one_line(process):
    done = process(BUG)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode() == (
        "costcalc: internal error: RuntimeError: boom \\x1b[31m. This is a bug: please report it, "
        "with the output of the same command with COSTCALC_TRACEBACK=1\n"
    )


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        ("MemoryError()", "out of memory"),
        ("RecursionError('maximum recursion depth exceeded')", "the input is nested too deeply"),
        ("OSError(24, 'Too many open files', 'a')", "[Errno 24] Too many open files: 'a'"),
        ("ImportError('cannot open shared object', name='numpy')", "cannot import numpy: cannot open shared object"),
    ],
)
def test_an_error_of_the_surroundings_ends_with_2(process, raised, message):
    code = f"import costcalc.catalog\ndef ops(*names): raise {raised}\ncostcalc.catalog.ops = ops\nsys.exit({LISTED})"
    done = process(code)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().startswith(f"costcalc: error: {message}")
    assert done.stderr.count(b"\n") == 1


def test_a_missing_module_of_costcalc_is_a_bug(process):
    done = process(f"sys.modules['costcalc.catalog'] = None\nsys.exit({LISTED})")
    assert (done.returncode, done.stdout) == (3, b"")


@pytest.mark.parametrize("package", ["numpy", "rich", "yaml"])
@pytest.mark.parametrize(
    "command",
    [
        ["analyze", "vgg11"],
        ["analyze", "vgg11", "--color", "always"],
        ["sweep", "mobilenet_v1", "--set", "alpha=0.5,1"],
        ["check", "vgg11"],
        ["ops"],
        ["graph", "vgg11"],
    ],
    ids=" ".join,
)
def test_a_missing_package_is_named(process, package, command):
    done = process(f"sys.modules[{package!r}] = None\nsys.exit(main({command!r}))")
    assert done.returncode in (0, 2)
    if done.returncode:
        assert f"costcalc: error: cannot import {package}: ".encode() in done.stderr


@pytest.mark.parametrize("raised", ["RuntimeError('boom')", "MemoryError()", "OSError(5, 'boom')"])
def test_an_error_is_not_written_to_standard_output(process, raised):
    code = f"import costcalc.catalog\ndef ops(*names): raise {raised}\ncostcalc.catalog.ops = ops\nsys.stderr = None\n"
    done = process(f"{code}sys.exit({LISTED})")
    assert done.returncode in (2, 3)
    assert done.stdout == b""


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
@pytest.mark.parametrize("megabytes", [18, 22, 26])
def test_little_memory_ends_with_2(process, tmp_path, megabytes):
    """A text of 15 MB is read as bytes, then decoded: the second does not fit.

    A limit that small objects reach is not tried: CPython then repeats one allocation without end, in its own code.
    """
    path = tmp_path / "large.yaml"
    path.write_text(f"input: [3]\nlayers: [relu]\n# {'x' * 15_000_000}\n")
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_AS, [used + {megabytes} * 2**20] * 2)\n"
    used = "used = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
    done = process(f"{used}{limit}sys.exit(main(['analyze', {str(path)!r}, '-o', 'json']))")
    assert done.returncode == 2
    assert done.stderr == b"costcalc: error: out of memory\n"


def test_a_bug_shows_its_traceback_when_asked(process):
    done = process(BUG, env={"COSTCALC_TRACEBACK": "1"})
    assert done.returncode == 3
    assert done.stderr.startswith(b"Traceback")
    assert b"RuntimeError" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["anlyze", "x"], "error: unknown command anlyze\n  = help: did you mean analyze?\n"),
        (["analyze"], "error: missing argument 'SPEC...'\n  = help: see costcalc analyze --help\n"),
        (["analyze", "x", "--dept", "2"], "error: unknown option --dept\n  = help: did you mean --depth?\n"),
        (["analyze", "x", "--zzz"], "error: unknown option --zzz\n  = help: see costcalc analyze --help\n"),
        (["analyze", "x", "--depth", "0"], "error: invalid value for '--depth': 0 is not in the range x>=1\n"),
        (["analyze", "x", "--depth"], "requires an argument\n  = help: see costcalc analyze --help\n"),
        (["ops", "mlp"], "error: unknown op mlp\n  = help: mlp is a block; run costcalc blocks mlp\n"),
        (["blocks", "conv"], "error: unknown block conv\n  = help: conv is an op; run costcalc ops conv\n"),
        (["explain", "CC103", "--batch", "3"], "error: CC103 is a rule and cannot be combined with --batch\n"),
        (
            ["explain", "cc103", "--set", "a=1", "--latex"],
            "error: CC103 is a rule and cannot be combined with --set or --latex\n",
        ),
        (["analyze", "x", "--color", "blue"], "'blue' is not one of"),
        (["analyze", "resnet51"], "did you mean resnet50?"),
        (["analyze", "no/such/model.yaml"], "unknown spec no/such/model.yaml"),
        (["ops", "cnv"], "error: unknown op cnv\n  = help: did you mean conv?\n"),
        (["blocks", "squeeze_exite"], "did you mean squeeze_excite?"),
        (["ops", "conv", "gelu"], "unexpected extra argument"),
        (["--verison"], "did you mean --version?"),
        ([], "Usage: costcalc [OPTIONS] COMMAND [ARGS]..."),
    ],
)
def test_a_wrong_call_ends_with_2_and_a_repair(cli, arguments, said):
    run = cli(*arguments)
    assert (run.status, run.out) == (2, "")
    assert said in run.err
    assert "Traceback" not in run.err


def test_an_argument_never_acts_on_a_terminal(cli):
    run = cli("analyze", "\x1b[31mred\x1b[0m", "--columns", "macs")
    assert run.status == 2
    assert "\x1b" not in run.err
    assert "\\x1b[31mred" in run.err
    assert "\x1b" not in cli("\x1b[31m").err
    assert "\x1b" not in cli("analyze", "--\x1b[31m").err
