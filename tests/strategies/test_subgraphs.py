"""Cells that are not chains: gates between parts, and strategies with branches."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import CostcalcError
from costcalc.lang.expand import write
from costcalc.ops.conv import Conv, DepthwiseConv
from costcalc.ops.merge import Concat
from costcalc.strategies import CellPart, Choice, Strategy

GATED = """
input: [16, 8, 8]
layers:
  - depthwise_conv: {kernel: 3, padding: 1, bias: false, act: relu}
  - squeeze_excite: {channels: 4}
  - conv: {out: 24, kernel: 1, bias: false}
"""
GATE = 16 * 4 + 4 * 16
"""The multiply-adds of the two 1×1 convolutions of the gate, at one position."""


def compare(text, *strategies):
    return costcalc.compare(costcalc.loads(text), strategies=strategies)


@pytest.mark.parametrize(
    ("strategy", "macs"),
    [
        ("as_is", 64 * 16 * 9 + GATE + 64 * 16 * 24),
        ("separable", 64 * 16 * 9 + GATE + 64 * 16 * 24),
        ("normal", 64 * 16 * 9 * 24),  # a single convolution has no gate
        ("bottleneck:reduce=8", 64 * 16 * 8 + (8 * 4 + 4 * 8) + 64 * 8 * 9 * 24),  # a gate of the 8 channels
        ("grouped:groups=8", 64 * 16 * 9 * 24 // 8),
    ],
)
def test_gate_between_parts_belongs_to_the_first(strategy, macs):
    found = compare(GATED, strategy) if strategy != "as_is" else compare(GATED)
    (cell,) = found.cells
    assert cell.form == "separable"
    assert cell.figures[strategy.partition(":")[0]].macs == macs


def test_names_of_a_moved_gate():
    network = compare(GATED, "bottleneck:reduce=8").candidates[1].network
    assert [(layer.name, str(layer.op), layer.outputs[0][0]) for layer in network.layers] == [
        ("depthwise_conv.reduce", "conv(out=8, kernel=1, bias=false)", 8),
        ("depthwise_conv.relu", "relu", 8),
        ("depthwise_conv.global_avgpool", "global_avgpool", 8),
        ("depthwise_conv.conv_2", "conv(out=4, kernel=1)", 4),
        ("depthwise_conv.relu_2", "relu", 4),
        ("depthwise_conv.conv_3", "conv(out=8, kernel=1)", 8),
        ("depthwise_conv.sigmoid", "sigmoid", 8),
        ("depthwise_conv.mul", "mul", 8),
        ("depthwise_conv.conv", "conv(out=24, kernel=3, padding=1, bias=false)", 24),
    ]


def test_gate_after_the_last_part_is_kept():
    """In SENet the gate follows the expansion of a bottleneck."""
    text = """
input: [32, 8, 8]
layers:
  - conv: {out: 8, kernel: 1, bias: false}
  - conv: {out: 8, kernel: 3, padding: 1, bias: false}
  - conv: {out: 32, kernel: 1, bias: false}
  - squeeze_excite: {channels: 2}
"""
    (cell,) = compare(text, "normal").cells
    assert cell.form == "bottleneck"
    assert cell.figures["normal"].macs == 64 * 32 * 9 * 32 + 32 * 2 + 2 * 32


@pytest.mark.parametrize(
    "between",
    [
        "mul: [[], [conv: {out: 16, kernel: 3, padding: 1}, sigmoid]]",  # not a gate: its kernel is above 1
        "mul: [[], [sigmoid], [{conv: {out: 16, kernel: 1}, from: input}]]",  # reads another tensor
        "add: [[], [global_avgpool]]",
        "mul: [[global_avgpool], [global_avgpool]]",
    ],
)
def test_other_subgraphs_separate_cells(between):
    layers = ["depthwise_conv: {kernel: 3, padding: 1}", between, "conv: {out: 24, kernel: 1}"]
    text = "input: [16, 8, 8]\nlayers:\n" + "".join(f"  - {layer}\n" for layer in layers)
    assert compare(text, "normal").cells[0].form == "depthwise"


@pytest.mark.parametrize("network", ["efficientnet_b0", "mobilenet_v3_large"])
def test_every_depthwise_convolution_is_in_a_cell(network):
    found = costcalc.compare(network, strategies=["normal", "separable"])
    assert {cell.form for cell in found.cells} == {"separable"}
    assert found.candidate("separable").analysis.totals == found.candidate("as_is").analysis.totals
    whole = sum(cell.figures["normal"].macs for cell in found.cells) + found.rest.macs
    assert found.candidate("normal").analysis.totals.macs == whole


def test_first_cell_of_efficientnet():
    """32 input channels at 112×112, a gate of 8 channels, 16 output channels."""
    found = costcalc.compare("efficientnet_b0", strategies=["normal"])
    cell = found.cells[0]
    assert cell.figures["as_is"].macs == 112 * 112 * 32 * 9 + 32 * 8 + 8 * 32 + 112 * 112 * 32 * 16
    assert cell.figures["normal"].macs == 112 * 112 * 32 * 9 * 16


def write_ghost(cell, options):
    """Half of the channels by a convolution, the others by a depthwise 3×3 (Han et al. 2020, arXiv:1911.11907)."""
    half = cell.out // 2
    primary = Conv(out=half, kernel=cell.kernel, stride=cell.stride, padding=cell.padding, bias=False)
    return {
        "primary": CellPart(primary, finish=cell.last),
        "cheap": CellPart(DepthwiseConv(kernel=3, padding=1, bias=False), finish=cell.last),
        "concat": CellPart(Concat(), ("primary", "cheap"), finish=cell.last._replace(followers=())),
    }


ghost = Strategy("ghost", "Half of the channels by a depthwise convolution.", write_ghost)


def test_strategy_with_branches():
    text = "input: [16, 8, 8]\nlayers:\n  - conv: {out: 32, kernel: 3, padding: 1, bias: false, norm: batchnorm}\n"
    found = compare(text, Choice(ghost))
    network = found.candidates[1].network
    assert [(layer.name, layer.outputs[0][0]) for layer in network.layers] == [
        ("conv.primary", 16),
        ("conv.batchnorm", 16),
        ("conv.cheap", 16),
        ("conv.batchnorm_2", 16),
        ("conv.concat", 32),
    ]
    totals = found.candidates[1].analysis.totals
    assert totals.macs == 64 * 16 * 9 * 16 + 64 * 9 * 16
    assert totals.params == 16 * 9 * 16 + 9 * 16 + 2 * 2 * 16
    assert costcalc.analyze(costcalc.loads(write(network))).totals.macs == totals.macs


def test_part_with_unknown_input():
    wrong = ghost._replace(write=lambda cell, _: {"a": CellPart(Conv(out=cell.out, kernel=1), ("b",)), "c": Concat()})
    with pytest.raises(CostcalcError, match=r"conv\.a: unknown input b; expected the name of an earlier part"):
        compare("input: [8, 4, 4]\nlayers:\n  - conv: {out: 8, kernel: 3}\n", Choice(wrong))
