"""The network as a graph: tensors that layers write and read, and parameters with an identity."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

import costcalc

SPECS = sorted((Path(__file__).parents[1] / "specs").glob("*.yaml"))


def parameters(layer):
    return [(each.shape, each.tensors, each.learned) for each in layer.parameters]


def test_parameters_are_the_tensors_of_a_layer():
    network = costcalc.loads("input: [3, 8, 8]\nlayers: [{conv: {out: 6, kernel: 5, norm: batchnorm}}, {linear: 4}]")
    conv, norm, linear = network.layers
    assert parameters(conv) == [((6, 5, 5, 3), 1, True), ((6,), 1, True)]
    assert parameters(norm) == [((6,), 2, True), ((6,), 2, False)], "factors and offsets; means and variances"
    assert parameters(linear) == [((4, 4), 1, True), ((4,), 1, True)]


def test_layers_read_the_tensors_that_others_write():
    network = costcalc.loads("input: [8, 4, 4]\nlayers: [{split: {parts: 2}}, concat, relu]")
    split, concat, relu = network.layers
    assert concat.inputs == split.tensors
    assert [(tensor.layer, tensor.port, tensor.shape) for tensor in split.tensors] == [
        (0, 0, (4, 4, 4)),
        (0, 1, (4, 4, 4)),
    ]
    assert relu.inputs == concat.tensors
    assert tuple(network.outputs.values()) == relu.tensors
    assert split.outputs == ((4, 4, 4), (4, 4, 4))


TIED = """
input: [5]
layers:
  - embedding: {vocab: 100, dim: 8}
    name: words
  - linear: 100
    name: head
    share: words
  - embedding: {vocab: 100, dim: 8}
    share: words
    from: input
  - linear: 100
    share: head
"""


def test_a_shared_weight_is_the_same_parameter():
    words, head, again, tied = (network := costcalc.loads(TIED)).layers
    assert head.parameters[0] is again.parameters[0] is words.parameters[0]
    assert tied.parameters == head.parameters, "a layer shares all of another one: the words and the offset"
    assert network.shared() == {1: 0, 2: 0, 3: 1}
    assert [layer.cost.params.value for layer in network.layers] == [100 * 8, 100, 0, 0]
    rows = costcalc.analyze(network).layers
    assert [row.shared for row in rows] == ["", "words", "words", "head"]


def test_equal_layers_have_parameters_of_their_own():
    """Also where a block's layers are copied instead of built again."""
    text = "input: [8]\nblocks: {pair: [{linear: 8, name: a}, {linear: 8, share: a}]}\nlayers: [{pair: , repeat: 3}]"
    network = costcalc.loads(text)
    weights = [layer.parameters[0] for layer in network.layers]
    assert [weights.index(weight) for weight in weights] == [0, 0, 2, 2, 4, 4]
    assert network.shared() == {1: 0, 3: 2, 5: 4}


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_parameters_sum_to_the_totals(spec):
    """Each parameter counts once, whatever the number of layers that use it."""
    network = costcalc.load(spec)
    stored = {each for layer in network.layers for each in layer.parameters}
    for learned, metric in ((True, "params"), (False, "buffers")):
        sizes = [each.tensors * prod(each.shape) for each in stored if each.learned is learned]
        assert sum(sizes) == getattr(costcalc.analyze(network).totals, metric)
