"""Whether networks fit devices: memory, bounds by hand, devices as files, and their errors."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

import costcalc
from costcalc.analysis import analyze
from costcalc.cli import main
from costcalc.errors import SpecError, UsageError
from costcalc.fit.device import WIDER, Device, bundled, open_device
from costcalc.fit.verdict import judge
from costcalc.model import PLAIN, Execution
from costcalc.number_formats import BITS, formats

TOY = Device("toy", memory=1000, storage=2000, bandwidth=100, peak={"fp32": 1000, "int8": 4000})
TEXT = """
input: [3, 4, 4]
layers:
  - conv: {out: 2, kernel: 1, bias: false, norm: batchnorm, act: relu}
  - flatten
  - linear: {out: 10, bias: false}
"""


def verdict(device=TOY, execution=PLAIN, text=TEXT):
    network = costcalc.loads(text)
    return judge(network, analyze(network, execution=execution), device)


def test_bounds_by_hand():
    found = verdict()
    conv, flatten, linear = found.steps
    # 96 multiply-adds; 32 of mul, add and cmp each; 48 numbers read, 32 written, 6 + 4 + 4 weights.
    assert conv.seconds == max(Fraction(2 * 96 + 3 * 32, 1000), Fraction(4 * (48 + 32 + 14), 100)) == Fraction(376, 100)
    assert flatten.seconds == 0
    assert linear.seconds == Fraction(4 * (32 + 10 + 320), 100)
    assert (conv.by, linear.by) == ("traffic", "traffic")
    assert found.seconds == conv.seconds + linear.seconds
    assert found.decides == "linear"
    fast = verdict(TOY._replace(bandwidth=10**9))
    assert [step.by for step in fast.steps] == ["compute", "traffic", "compute"]
    assert fast.seconds == Fraction(2 * 96 + 3 * 32 + 2 * 320, 1000)


def test_memory_by_hand():
    found = verdict()
    assert (found.weights, found.tensors) == (4 * (6 + 8 + 320), 4 * (48 + 32))
    assert (found.spare_storage, found.spare_memory, found.fits) == (2000 - 1336, 1000 - 320, True)
    small = verdict(TOY._replace(memory=319))
    assert (small.fits, small.spare_memory, small.decides) == (False, -1, "conv")
    assert not verdict(TOY._replace(storage=1335)).fits
    shared = verdict(TOY._replace(storage=None, memory=1336 + 320))
    assert (shared.fits, shared.spare_memory, shared.spare_storage) == (True, 0, None)
    assert not verdict(TOY._replace(storage=None, memory=1336 + 319)).fits


def test_numbers_are_computed_in_the_next_format_that_a_device_has():
    found = verdict(execution=Execution(formats("int4")))
    assert {step.format for step in found.steps} == {"int8"}
    with pytest.raises(UsageError, match="toy has no rate for fp64"):
        verdict(execution=Execution(formats("fp64")))
    for name, others in WIDER.items():
        assert name in BITS
        assert all(BITS[other] >= BITS[name] for other in others)
    assert WIDER.keys() == BITS.keys()


@pytest.mark.parametrize("name", bundled())
def test_bundled_devices(name):
    device = open_device(name)
    assert device.source
    assert device.name != name
    assert set(device.peak) <= set(BITS)
    assert device.memory > 0 < device.bandwidth


def test_microcontrollers(capsys):
    """In int8, the networks of MLPerf Tiny fit 320 KB of SRAM and 1 MB of flash. MobileNetV2 at 224 does not."""
    tiny = ["ds_cnn", "tiny_autoencoder", "resnet8", "mobilenet_v1_vww"]
    options = ["--device", "stm32f746", "--dtype", "int8", "--exit-code"]
    assert main(["fit", *tiny, *options]) == 0
    assert "no " not in capsys.readouterr().out
    assert main(["fit", *tiny, "mobilenet_v2", *options]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mobilenet_v2")]
    assert line.split()[1:6] == ["no", "3,538,984", "-2,490,408", "1,505,280", "-1,177,600"]


def test_json_and_csv(capsys):
    assert main(["fit", "ds_cnn", "--device", "nrf52840", "--dtype", "int8", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (entry,) = document["verdicts"]
    assert document["format"] == "costcalc.fit/1"
    assert (entry["fits"], entry["weight_bytes"], entry["arena_bytes"]) == (True, 23_756 + 1_152, 16_000)
    assert (entry["memory_bytes"], entry["spare_memory_bytes"]) == (256 * 1024, 256 * 1024 - 16_000)
    assert len(entry["steps"]) == 13
    assert main(["fit", "ds_cnn", "resnet8", "--device", "nrf52840", "--device", "a100", "-o", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("network,device,fits,weight_bytes")


def test_without_a_device_all_bundled_ones_are_compared(capsys):
    assert main(["fit", "resnet8", "--dtype", "int8", "-o", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == [open_device(name).name for name in bundled()]


OWN = "name: mine\nmemory: 256Ki\nbandwidth: 1G\npeak: {int8: 2G}\n"


def test_devices_without_a_rate_for_the_format_are_left_out_and_named(capsys):
    """An NPU that has int8 and int16 alone: with fp32, the others are compared. If it is asked for, it is an error."""
    assert main(["fit", "ds_cnn", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["left_out"] == ["i.MX 93 NPU has no rate for fp32"]
    compared = {verdict["device"] for verdict in document["verdicts"]}
    assert len(compared) == len(bundled()) - 1
    assert "i.MX 93 NPU" not in compared
    assert main(["fit", "ds_cnn"]) == 0
    assert "left out: i.MX 93 NPU has no rate for fp32\n" in capsys.readouterr().out
    npu = next(name for name in bundled() if open_device(name).name == "i.MX 93 NPU")
    assert main(["fit", "ds_cnn", "--device", npu]) == 2
    assert "i.MX 93 NPU has no rate for fp32" in capsys.readouterr().err


def test_a_device_of_ones_own(tmp_path):
    (tmp_path / "mine.yaml").write_text(OWN)
    assert open_device(str(tmp_path / "mine.yaml")) == Device("mine", 256 * 1024, None, 10**9, {"int8": 2 * 10**9})


WRONG = {
    "memory: 1k\nbandwidth: 1G\n": (1, "the key peak is missing"),
    "memory: 1k\nbandwith: 1G\npeak: {int8: 1}": (2, "unknown key bandwith"),
    "memory: lots\nbandwidth: 1G\npeak: {int8: 1}": (1, "expected a whole number of at least 1, got lots"),
    "memory: 0\nbandwidth: 1G\npeak: {int8: 1}": (1, "expected a whole number of at least 1, got 0"),
    "memory: 1\nbandwidth: 1G\npeak: {int7: 1}": (3, "unknown number format int7"),
    "memory: 1\nbandwidth: 1G\npeak: 7": (3, "peak must be a mapping of formats to rates"),
    "[1]": (1, "a device must be a mapping"),
}


@pytest.mark.parametrize("text", WRONG)
def test_wrong_devices(text, tmp_path):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        open_device(str(tmp_path / "mine.yaml"))
    assert (caught.value.faults[0].span.line, caught.value.faults[0].message) == WRONG[text]
    assert len(caught.value.faults) == (2 if "bandwith" in text else 1)


def test_an_unknown_device():
    with pytest.raises(UsageError) as caught:
        open_device("stm32f74")
    assert caught.value.help == "did you mean stm32f746?"


@pytest.mark.parametrize("arguments", [["fit"], ["fit", "ds_cnn", "--device", "x"]])
def test_usage(arguments):
    assert main(arguments) == 2


def test_one_network_is_drawn(capsys):
    assert main(["fit", "ds_cnn", "resnet8", "--device", "a100", "-o", "png"]) == 2
    assert "draws one network" in capsys.readouterr().err


def test_a_roofline(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "roof.svg"
    assert main(["fit", "resnet18", "--device", "a100", "--dtype", "fp16", "-o", f"svg={path}"]) == 0
    assert "<svg" in path.read_text()
