"""Networks written as short specs: the same layers, and the structure that a person would see."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.lang.library import bundled
from costcalc.lang.rollup import NOTE, rolled


def load(layers, shape="[16, 8, 8]", head=""):
    return costcalc.loads(f"{head}input: {shape}\nlayers:\n{layers}")


def items(text):
    """The lines after `layers:`."""
    return text.partition("layers:\n")[2]


LINES = {
    "googlenet": 70,
    "googlenet_bn": 70,
    "mobilenet_v3_large": 65,
    "efficientnet_b0": 50,
    "swin_t": 110,
    "unet": 60,
}
BRANCHING = ("bert_base", "gpt2", "shufflenet_v2", "yolov8n")
"""Networks whose tensors skip over several blocks, or that share weights. They stay a list of layers."""


@pytest.mark.parametrize("name", bundled())
def test_bundled_networks_are_rolled_up(name):
    """Flat as it comes from elsewhere, each is short again and has the same figures."""
    from costcalc.lang.expand import write

    network = costcalc.loads(write(costcalc.load(name)))
    text, readable = rolled(network)
    assert readable is (name not in BRANCHING)
    assert costcalc.analyze(costcalc.loads(text)).totals.counts == costcalc.analyze(network).totals.counts
    assert name in BRANCHING or len(text.splitlines()) <= LINES.get(name, 40)


def test_resnet_152_is_as_short_as_resnet_50():
    lines = [len(rolled(costcalc.load(name))[0].splitlines()) for name in ("resnet50", "resnet152")]
    assert lines[0] == lines[1] <= 45


GROUP = """\
  - group:
      - conv: {out: out, kernel: 3, padding: 1, norm: batchnorm, act: relu}
      - maxpool: {kernel: 2}
      - conv: {out: 2 * out, kernel: 1}
      - relu
    for:
      - [out]
      - [8]
      - [12]
      - [16]
"""
FORMS = {
    "equal neighbours": (
        "  - {conv: {out: 16, kernel: 3, padding: 1, act: relu}, repeat: 4}\n",
        "  - conv: {out: 16, kernel: 3, padding: 1, act: relu}\n    repeat: 4\n",
    ),
    "an op without arguments": ("  - relu:\n    repeat: 3\n", "  - relu:\n    repeat: 3\n"),
    "a residual": (
        "  - residual: [conv: {out: 16, kernel: 1}, conv: {out: 16, kernel: 1}]\n",
        "  - residual: [conv: {out: 16, kernel: 1}, conv: {out: 16, kernel: 1}]\n",
    ),
    "a shortcut": (
        "  - residual: [conv: {out: 8, kernel: 3}, relu]\n    shortcut: [conv: {out: 8, kernel: 3}]\n",
        "  - residual: [conv: {out: 8, kernel: 3}, relu]\n    shortcut: [conv: {out: 8, kernel: 3}]\n",
    ),
    "branches": (
        "  - concat: [[conv: {out: 8, kernel: 1}], [relu], []]\n",
        "  - concat:\n      b0: [conv: {out: 8, kernel: 1}]\n      b1: [relu]\n      b2: []\n",
    ),
    "a gate": ("  - squeeze_excite: 4\n", "  - squeeze_excite: {channels: 4}\n"),
    "numbers in a table": (
        "".join(
            f"  - conv: {{out: {out}, kernel: 3, padding: 1, norm: batchnorm, act: relu}}\n  - maxpool: 2\n"
            f"  - conv: {{out: {2 * out}, kernel: 1}}\n  - relu\n" for out in (8, 12, 16)
        ),
        GROUP,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "expected"), FORMS.values(), ids=FORMS)
def test_forms(layers, expected):
    network = load(layers)
    text, readable = rolled(network)
    assert readable
    assert items(text) == expected


@pytest.mark.parametrize(
    "layers", ["  - {relu: , repeat: 4000}\n", "".join(f"  - {{linear: {8 + n}, repeat: 3}}\n" for n in range(300))]
)
def test_long_series_take_seconds(layers):
    """The search is quadratic, so it is bounded: more is written as it is."""
    network = costcalc.loads(f"input: [8]\nlayers:\n{layers}")
    text, _ = rolled(network)
    assert costcalc.analyze(costcalc.loads(text)).totals == costcalc.analyze(network).totals


FLAT = {
    "two inputs": "input: {a: [4], b: [4]}\nlayers:\n  - add:\n    from: [a, b]\n",
    "two outputs": "input: [4]\nlayers:\n  - {relu: , name: x}\n  - tanh\noutput: [x, tanh]\n",
    "shared weights": "input: [4]\nlayers:\n  - {linear: 4, name: x}\n  - {linear: 4, share: x}\n",
    "an output of several": "input: [4]\nlayers:\n  - {split: 2, name: x}\n  - concat:\n    from: [x.1, x.0]\n",
    "paths that cross": (
        "input: [4]\nlayers:\n  - {relu: , name: a}\n  - {tanh: , name: b, from: a}\n"
        "  - {sigmoid: , name: c, from: a}\n"
        "  - {add: , name: d, from: [b, c]}\n  - {add: , name: e, from: [d, b]}\n"
    ),
}


@pytest.mark.parametrize("text", FLAT.values(), ids=FLAT)
def test_what_is_no_series_is_written_flat_and_says_so(text):
    network = costcalc.loads(text)
    written, readable = rolled(network)
    assert not readable
    assert written.startswith(NOTE)
    assert costcalc.analyze(costcalc.loads(written)).totals == costcalc.analyze(network).totals


def test_the_command(tmp_path, monkeypatch, capsys):
    from costcalc.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["import", "resnet18", "-o", "spec=net.yaml"]) == 0
    assert main(["diff", "resnet18", "net.yaml"]) == 0
    assert "unknown command" not in capsys.readouterr().err
    totals = [costcalc.analyze(name).totals for name in ("resnet18", "net.yaml")]
    assert totals[0] == totals[1]
    (tmp_path / "two.yaml").write_text(FLAT["two inputs"])
    assert main(["import", "two.yaml"]) == 0
    output = capsys.readouterr()
    assert "warning: two.yaml is not a series of layers and branches" in output.err
    assert output.out.startswith(NOTE)
