"""Targets of PyTorch on the command line. What they count is compared with PyTorch in tests/oracle."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from costcalc.errors import UsageError
from costcalc.pytorch import is_target


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("torchvision.models:resnet50", True),
        ("net.py:Net", True),
        ("models/net.py:nets.small", True),
        ("net:make", True),
        ("net.yaml", False),
        ("-", False),
        ("C:/nets/net.yaml", False),
        ("C:net", False),
        ("a b:c", False),
        ("net.py:", False),
        (":net", False),
    ],
)
def test_what_is_a_target(name, target):
    assert is_target(name) is target


def test_a_file_with_a_colon_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net:small").write_text("")
    assert not is_target("net:small")


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_without_pytorch(cli):
    done = cli("analyze", "net.py:Net", "--input", "3x8x8")
    assert (done.status, done.err) == (2, "error: net.py:Net needs PyTorch\n  = help: pip install torch\n")
    assert "torch" not in sys.modules


@pytest.mark.parametrize("command", ["sweep", "check"])
def test_commands_that_take_specs_only(cli, command):
    options = ["--set", "a=1"] if command == "sweep" else ["--max", "macs=1"]
    done = cli(command, "net.py:Net", *options)
    assert done.status == 2
    assert "net.py:Net" in done.err


def test_inputs_have_number_formats():
    from costcalc.cli.common import _inputs

    inputs = _inputs(None, None, ["3x8x8", "4", "ids=128:int64"])
    assert inputs == {"input": (3, 8, 8), "input_2": (4,), "ids": (128,)}
    assert inputs["ids"].dtype == "int64"
    with pytest.raises(UsageError):
        _inputs(None, None, ["ids=int64"])
