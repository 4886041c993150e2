"""Axes of tensors: kept, reordered, lost, and set again."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.graph import draw
from costcalc.layout import layouts
from costcalc.model import Tensor


def last(shape, layers):
    network = costcalc.loads(f"input: {shape}\nlayers: {layers}")
    place = len(network.layers) - 1
    return layouts(network)[network.layers[place].tensors[0]]


IMAGE, VOLUME, TOKENS = "[6, 8, 8]", "[6, 4, 8, 8]", "[10, 6]"


@pytest.mark.parametrize(
    ("shape", "layers", "axes"),
    [
        (IMAGE, "[relu]", "C H W"),
        (VOLUME, "[dropout]", "C D H W"),
        (TOKENS, "[relu]", ""),
        ("[6]", "[relu]", ""),
        ("[2, 3, 4, 5, 6]", "[relu]", ""),
        (IMAGE, "[conv: {out: 4, kernel: 3}, add: [[], [relu]]]", "C H W"),
        (TOKENS, "[conv: {out: 4, kernel: 3}, relu]", "C L"),
        (IMAGE, "[permute: [1, 2, 0]]", "H W C"),
        (IMAGE, "[permute: [-2, -1, 0], layernorm, linear: 24, gelu, scale: -1]", "H W C"),
        (IMAGE, "[permute: [1, 2, 0], permute: [2, 0, 1]]", "C H W"),
        (IMAGE, "[residual: [permute: [1, 2, 0], linear: 6, permute: [2, 0, 1]]]", "C H W"),
        (IMAGE, "[add: [[], [permute: [0, 2, 1]]]]", ""),
        (IMAGE, "[reshape: [2, 3, 64]]", ""),
        (IMAGE, "[reshape: [2, 3, 64], relu]", ""),
        (IMAGE, "[reshape: [2, 12, 16], conv: {out: 4, kernel: 1}, relu]", "C H W"),
        (IMAGE, "[reshape: [2, 12, 16], depthwise_conv: {kernel: 1}, relu]", "C H W"),
        (IMAGE, "[reshape: [2, 12, 16], conv_transpose: {out: 4, kernel: 1}, relu]", "C H W"),
        (IMAGE, "[add: [[], [reshape: [6, 8, 8]]]]", "C H W"),
        (IMAGE, "[flatten: 1]", ""),
        (IMAGE, "[flatten: -1]", "C H W"),
        (IMAGE, "[mean: [1]]", "C W"),
        (IMAGE, "[mean: {axis: -1, keepdims: true}]", "C H W"),
        (IMAGE, "[{global_avgpool: {keepdims: false}}]", "C"),
        (VOLUME, "[max: 1]", "C H W"),
        (IMAGE, "[attention: {heads: 2}]", "N T D"),
        (TOKENS, "[attention: {heads: 2}]", "T D"),
        (IMAGE, "[matmul: [[], []]]", ""),
        (TOKENS, "[{reshape: [10, 2, 3]}, batchnorm]", "C H W"),
    ],
)
def test_axes(shape, layers, axes):
    layers = layers.replace("matmul: [[], []]", "{matmul: , from: [input, input]}")
    assert last(shape, layers) == tuple(axes.split())


def test_channels_first_op_sets_the_layout():
    network = costcalc.loads("input: [96]\nlayers: [reshape: [6, 4, 4], batchnorm]")
    assert layouts(network)[Tensor(0, 0, (6, 4, 4))] == ("C", "H", "W")


CHANNELS_LAST = """
input: [3, 224, 224]
layers:
  - conv: {out: 96, kernel: 4, stride: 4}
  - permute: [1, 2, 0]
  - layernorm
  - gelu
"""


def test_formulas_after_permute():
    permute, norm, gelu = costcalc.explain(costcalc.loads(CHANNELS_LAST), "permute", "layernorm", "gelu").layers
    assert permute.counts["activations"].symbols() == "H·W·C"
    assert {name: norm.counts[name].symbols() for name in ("params", "add", "div")} == {
        "params": "2·C", "add": "4·H·W·C + H·W", "div": "2·H·W",
    }  # fmt: skip
    assert (norm.counts["params"].numbers(), norm.counts["params"].value) == ("2·96", 2 * 96)
    assert (gelu.counts["exp"].symbols(), gelu.counts["exp"].numbers()) == ("H·W·C", "56·56·96")


def test_formulas_with_unknown_axes():
    text = "input: [96]\nlayers: [reshape: [6, 4, 4], layernorm, {mean: [0, 1]}]"
    _, norm, mean = costcalc.explain(costcalc.loads(text), "**").layers
    assert norm.counts["params"].symbols() == "2·N_3"
    assert norm.counts["exp"].symbols() == "N_1·N_2"
    assert (mean.counts["add"].symbols(), mean.counts["add"].numbers()) == ("N_3·(N_1·N_2 - 1)", "4·(6·4 - 1)")


def test_picture_after_permute_and_reshape():
    boxes = draw(costcalc.loads(CHANNELS_LAST + "  - {reshape: [8, 7, 56, 96]}\n  - {flatten: 1}\n")).boxes
    assert [box.shape for box in boxes] == [
        "224x224x3", "56x56x96", "56x56x96", "56x56x96", "56x56x96", "[8, 7, 56, 96]", f"8x{7 * 56 * 96}",
    ]  # fmt: skip
