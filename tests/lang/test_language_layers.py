"""Items of a list of layers: syntax, inputs, copies, conditions, and named values."""

from __future__ import annotations

import pytest

from costcalc.errors import SpecError

from .language import fault, load, params, paths, shape, spec, wiring

WRITTEN = {
    "- relu": "relu",
    "- relu:": "relu",
    "- relu: {}": "relu",
    "- linear: 1000": "linear(out=1000)",
    "- linear: 10 ** 3": "linear(out=1000)",
    "- linear: {out: 1000}": "linear(out=1000)",
    "- reshape: [32, 32]": "reshape(shape=[32, 32])",
    "- reshape: [2 * 16, -1]": "reshape(shape=[32, -1])",
    "- permute: [2, 1, 0]": "permute(order=[2, 1, 0])",
    "- conv: {out: 64, kernel: 7, stride: 2}": "conv(out=64, kernel=7, stride=2)",
    "- conv: {out: 64, kernel: [3, 1]}": "conv(out=64, kernel=[3, 1])",
    "- {conv: {out: 64, kernel: 7}, note: a stem}": "conv(out=64, kernel=7)",
    "- flatten\n  note: 7": "flatten",
    "- note: first\n  flatten:": "flatten",
}


@pytest.mark.parametrize(("layer", "op"), WRITTEN.items())
def test_ways_to_write_a_layer(layer, op):
    assert str(load(layer.replace("\n  note: 7", ":\n  note: 7")).layers[-1].op) == op


FROM = {
    "the layer before, the first of all the input": ("[relu, gelu]", ["relu < input", "gelu < relu"]),
    "another layer's": (
        "[{relu: , name: a}, gelu, {tanh: , from: a}]",
        ["a < input", "gelu < a", "tanh < a"],
    ),
    "the network's input": ("[relu, {gelu: , from: input}]", ["relu < input", "gelu < input"]),
    "prev, which may stand among others": (
        "[{relu: , name: a}, gelu, {add: , from: [prev, a, input]}]",
        ["a < input", "gelu < a", "add < gelu a input"],
    ),
    "prev of the first layer": ("[{add: , from: [prev, input]}]", ["add < input input"]),
    "several for an op of several": (
        "[relu, gelu, {add: , from: [relu, gelu]}]",
        ["relu < input", "gelu < relu", "add < relu gelu"],
    ),
    "a list of one": ("[relu, gelu, {tanh: , from: [relu]}]", ["relu < input", "gelu < relu", "tanh < relu"]),
    "a segment that came by itself": (
        "[relu, relu, gelu, {add: , from: [relu_2, gelu]}]",
        ["relu < input", "relu_2 < relu", "gelu < relu_2", "add < relu_2 gelu"],
    ),
    "a join that came by itself": (
        "[{residual: [relu]}, {residual: [relu]}, {add: , from: [add, add_2]}]",
        [
            "body.relu < input",
            "add < body.relu input",
            "body_2.relu < add",
            "add_2 < body_2.relu add",
            "add_3 < add add_2",
        ],
    ),
    "a residual without an addition joins nothing: its last layer is not a name outside": (
        "[relu, {residual: [gelu, relu], skip: false}, {add: , from: [prev, relu]}]",
        ["relu < input", "body.gelu < relu", "body.relu < body.gelu", "add < body.relu relu"],
    ),
    "a structure of nothing has no name": (
        "[relu, {residual: [], skip: false}, gelu]",
        ["relu < input", "gelu < relu"],
    ),
    "a group is its output": (
        "[{group: [relu, gelu]}, tanh, {add: , from: [group, prev]}]",
        ["group.relu < input", "group.gelu < group.relu", "tanh < group.gelu", "add < group.gelu tanh"],
    ),
    "a block is its output": (
        "[unit, tanh, {add: , from: [unit, prev]}]",
        ["unit.relu < input", "unit.gelu < unit.relu", "tanh < unit.gelu", "add < unit.gelu tanh"],
    ),
    "a structure is its output": (
        "[{concat: [[relu], [gelu]], name: both}, tanh, {relu: , from: both}]",
        [
            "both.branch0.relu < input",
            "both.branch1.gelu < input",
            "both.concat < both.branch0.relu both.branch1.gelu",
            "tanh < both.concat",
            "relu < both.concat",
        ],
    ),
    "a repeated layer is its last copy's; copies have numbers": (
        "[{relu: , repeat: 3}, {add: , from: [relu, relu.0, relu.2]}]",
        ["relu.0 < input", "relu.1 < relu.0", "relu.2 < relu.1", "add < relu.2 relu.0 relu.2"],
    ),
    "copies of for and of repeat": (
        "[{relu: , for: {n: [1, 2]}, repeat: n, name: r}, {add: , from: [r, r.0, r.1.0]}]",
        ["r.0.0 < input", "r.1.0 < r.0.0", "r.1.1 < r.1.0", "add < r.1.1 r.0.0 r.1.0"],
    ),
    "the copies of a group and of a block": (
        "[{group: [relu, gelu], repeat: 2}, {unit: , for: {a: [1, 2]}}, {add: , from: [group.0, unit.0]}]",
        [
            "group.0.relu < input",
            "group.0.gelu < group.0.relu",
            "group.1.relu < group.0.gelu",
            "group.1.gelu < group.1.relu",
            "unit.0.relu < group.1.gelu",
            "unit.0.gelu < unit.0.relu",
            "unit.1.relu < unit.0.gelu",
            "unit.1.gelu < unit.1.relu",
            "add < group.0.gelu unit.0.gelu",
        ],
    ),
    "one of several outputs": (
        "[split: 2, {relu: , from: split.1}, {add: , from: [prev, split.0]}]",
        ["split < input", "relu < split.1", "add < relu split.0"],
    ),
    "one of several outputs of the previous layer": (
        "[split: 2, {relu: , from: prev.1}, {split: 2, name: s}, {add: , from: [prev.1, prev.0]}]",
        ["split < input", "relu < split.1", "s < relu", "add < s.1 s.0"],
    ),
    "all of several outputs for add, mul and concat": (
        "[split: 2, add, {mul: , from: split}, {concat: , from: [split, add]}]",
        ["split < input", "add < split.0 split.1", "mul < split.0 split.1", "concat < split.0 split.1 add"],
    ),
    "one output has a number too": (
        "[relu, gelu, {tanh: , from: relu.0}]",
        ["relu < input", "gelu < relu", "tanh < relu"],
    ),
    "a layer after its norm and act": (
        "[{conv: {out: 4, kernel: 1, norm: batchnorm, act: relu}, name: c}, {add: , from: [c, batchnorm, relu]}]",
        ["c < input", "batchnorm < c", "relu < batchnorm", "add < relu batchnorm relu"],
    ),
    "a name of a list around this one": (
        "[{relu: , name: a}, {group: [{concat: [[gelu], [{tanh: , from: a}]]}]}]",
        [
            "a < input",
            "group.branch0.gelu < a",
            "group.branch1.tanh < a",
            "group.concat < group.branch0.gelu group.branch1.tanh",
        ],
    ),
    "the own list before those around it": (
        "[{relu: , name: a}, {group: [{gelu: , name: a}, tanh, {add: , from: [a, prev]}]}, {tanh: , from: a}]",
        ["a < input", "group.a < a", "group.tanh < group.a", "group.add < group.a group.tanh", "tanh < a"],
    ),
    "input of a group is the network's": (
        "[relu, {group: [gelu, {add: , from: [prev, input]}]}]",
        ["relu < input", "group.gelu < relu", "group.add < group.gelu input"],
    ),
    "input of a block is the block's own": (
        "[relu, inner]",
        ["relu < input", "inner.gelu < relu", "inner.add < inner.gelu relu"],
    ),
    "a block of several inputs": (
        "[{relu: , name: a}, {gelu: , name: b}, {pair: , from: [a, b]}]",
        ["a < input", "b < a", "pair.add < a b", "pair.tanh < b"],
    ),
    "a structure of branches takes what from gives it": (
        "[relu, gelu, {add: {a: [tanh], b: []}, from: relu}]",
        ["relu < input", "gelu < relu", "a.tanh < relu", "add < a.tanh relu"],
    ),
    "the first copy": (
        "[{relu: , name: a}, gelu, {tanh: , from: a, repeat: 2}]",
        ["a < input", "gelu < a", "tanh.0 < a", "tanh.1 < tanh.0"],
    ),
    "the first copy of a table": (
        "[{relu: , name: a}, gelu, {tanh: , from: a, for: {b: [1, 2]}}]",
        ["a < input", "gelu < a", "tanh.0 < a", "tanh.1 < tanh.0"],
    ),
    "no copy passes on the layer before": (
        "[{relu: , name: a}, gelu, {tanh: , from: a, repeat: 0}, sigmoid]",
        ["a < input", "gelu < a", "sigmoid < gelu"],
    ),
    "a layer that is left out is the layer before": (
        "[{relu: , name: a}, gelu, {tanh: , name: t, from: a, if: false}, sigmoid, {add: , from: [t, a]}]",
        ["a < input", "gelu < a", "sigmoid < gelu", "add < gelu a"],
    ),
    "of two layers on the same input, if keeps one": (
        "[{relu: , name: a}, {tanh: , from: a, if: true}, {gelu: , from: a, if: false}, sigmoid]",
        ["a < input", "tanh < a", "sigmoid < tanh"],
    ),
    "a later layer of the same name, in another list": (
        "[{group: [{relu: , name: a}]}, {group: [{gelu: , name: a}, {tanh: , from: a}]}]",
        ["group.a < input", "group_2.a < group.a", "group_2.tanh < group_2.a"],
    ),
}

BLOCKS = """
blocks:
  unit: [relu, gelu]
  inner: [gelu, {add: , from: [prev, input]}]
  pair: [{add: , from: input}, {tanh: , from: input.1}]
"""


@pytest.mark.parametrize(("layers", "expected"), FROM.values(), ids=FROM)
def test_from(layers, expected):
    assert wiring(load(layers, head=BLOCKS)) == expected


UNSEEN = {
    "below": "[{relu: , from: a}, {relu: , name: a}]",
    "itself": "[{relu: , name: a, from: a}]",
    "inside a group": "[{group: [{relu: , name: a}]}, {relu: , from: a}]",
    "in another branch": "[{concat: [[{relu: , name: a}], [{relu: , from: a}]]}]",
    "past the boundary of a block": "[{relu: , name: a}, outer]",
    "inside a block": "[{has: , name: h}, {relu: , from: a}]",
    "in a later copy": "[{group: [{relu: , from: b.0}, {relu: , name: a}], repeat: 2}]",
}


@pytest.mark.parametrize("layers", UNSEEN.values(), ids=UNSEEN)
def test_a_name_must_be_visible_and_defined_before_its_use(layers):
    found = fault(spec(layers, head="blocks: {outer: [{relu: , from: a}], has: [{relu: , name: a}]}\n"))
    assert found.message.startswith("layer ")
    assert found.message.endswith(" is not defined before this one")


NO_OUTPUT = {
    "[relu, {gelu: , from: relu.1}]": "relu.1: relu has 1 output",
    "[split: 2, {gelu: , from: split.2}]": "split.2: split has 2 outputs",
    "[{relu: , repeat: 2}, {gelu: , from: relu.2}]": "relu.2: relu has 2 copies",
    "[{relu: , repeat: 2}, {gelu: , from: relu.x}]": "relu.x: relu has 2 copies",
    "[{relu: , repeat: 2}, {gelu: , from: relu.0.1}]": "relu.0.1: relu.0 has 1 output",
    "[{relu: , for: {n: [2]}, repeat: n}, {gelu: , from: relu.0.2}]": "relu.0.2: relu.0 has 2 copies",
    "[{linear: {out: 4, act: relu}, name: a}, {gelu: , from: a.relu}]": "a.relu: a has 1 output",
    "[{relu: , name: a, for: {n: [1, 2]}, repeat: n}, {gelu: , from: a.2}]": "a.2: a has 2 rows",
}


@pytest.mark.parametrize(("layers", "message"), NO_OUTPUT.items())
def test_unknown_numbers_of_copies_and_outputs(layers, message):
    assert fault(spec(layers)).message == f"{'unknown name ' + message}, numbered from 0"


ALL_OUTPUTS = {
    "[split: 2, relu]": "relu",
    "[split: 2, {conv: {out: 4, kernel: 1}}]": "conv",
    "[split: 2, {relu: , from: split}]": "relu",
    "[split: 2, {residual: [add]}]": "residual",
    "[split: 4, {matmul: , from: [split, split.0]}]": "matmul",
}


@pytest.mark.parametrize(("layers", "op"), ALL_OUTPUTS.items())
def test_several_outputs_are_an_error_for_a_layer_with_one_input(layers, op):
    found = fault(spec(layers))
    assert found.message.startswith(f"{op} cannot take all ")
    assert "NAME.0" in found.help


def test_outputs_of_a_copy():
    network = load("[{group: [split: 2], repeat: 1}, {relu: , from: group.0.1}]")
    assert wiring(network) == ["group.0.split < input", "relu < group.0.split.1"]


COPIES = {
    "wired one after another": ("[{linear: 5, repeat: 2}]", ["linear.0 < input", "linear.1 < linear.0"], [16, 8, 5]),
    "i counts from 0": ("[{linear: 5 + i, repeat: 3}]", ["linear.0 < input", "linear.1 < linear.0",
        "linear.2 < linear.1"], [16, 8, 7]),
    "none": ("[{linear: 5, repeat: 0}, relu]", ["relu < input"], [16, 8, 8]),
    "an expression": ("[{relu: , repeat: in_channels // 8}]", ["relu.0 < input", "relu.1 < relu.0"], [16, 8, 8]),
    "columns": (
        "[{linear: w + 10 * b, for: {w: [1, 2], b: [3, 4]}}]",
        ["linear.0 < input", "linear.1 < linear.0"],
        [16, 8, 42],
    ),
    "a column that is an expression": ("[{linear: w, for: {w: widths}}]", ["linear.0 < input", "linear.1 < linear.0"],
        [16, 8, 6]),
    "a column of words": ("[{a: , for: {a: [relu, gelu]}}]".replace("{a: ,", "{conv: {out: 4, kernel: 1, act: a},"),
        ["conv.0 < input", "relu.0 < conv.0", "conv.1 < relu.0", "gelu.1 < conv.1"], [4, 8, 8]),
    "a table with a header row": (
        """
        - linear: c * t
          for:
            - [t, c]
            - [1, 16]
            - [6, 24]
        """,
        ["linear.0 < input", "linear.1 < linear.0"],
        [16, 8, 144],
    ),
    "expressions in a table": ("[{linear: w, for: [[w], [in_features + 1], [in_features + 1], [row]]}]",
        ["linear.0 < input", "linear.1 < linear.0", "linear.2 < linear.1"], [16, 8, 2]),
    "a table of no rows": ("[{linear: w, for: [[w]]}, relu]", ["relu < input"], [16, 8, 8]),
    "columns of no values": ("[{linear: w, for: {w: []}}, relu]", ["relu < input"], [16, 8, 8]),
    "with both, for is outside; row counts it, and i counts repeat": (
        "[{linear: 100 * w + 10 * row + i + 1, for: {w: [1, 2], n: [1, 2]}, repeat: n}]",
        ["linear.0.0 < input", "linear.1.0 < linear.0.0", "linear.1.1 < linear.1.0"],
        [16, 8, 212],
    ),
    "columns count what repeat sees": ("[{relu: , for: {n: [0, 1]}, repeat: n + row}]",
        ["relu.1.0 < input", "relu.1.1 < relu.1.0"], [16, 8, 8]),
    "alone, for is counted by i too": ("[{linear: 10 * i + row + 1, for: {w: [7, 7]}}]",
        ["linear.0 < input", "linear.1 < linear.0"], [16, 8, 12]),
    "a group sees the loop variables around it": (
        "[{group: [{linear: w + i}, {group: [{linear: w + i, repeat: 2}]}], for: {w: [10]}, repeat: 2}]",
        ["group.0.0.linear < input", "group.0.0.group.linear.0 < group.0.0.linear",
         "group.0.0.group.linear.1 < group.0.0.group.linear.0", "group.0.1.linear < group.0.0.group.linear.1",
         "group.0.1.group.linear.0 < group.0.1.linear", "group.0.1.group.linear.1 < group.0.1.group.linear.0"],
        [16, 8, 11],
    ),
    "if is evaluated for each copy, and sees i, row and the columns": (
        "[{linear: 1 + i, for: {w: [5, 6]}, repeat: 2, if: w == 6 and row == 1 and i > 0}]",
        ["linear.1.1 < input"],
        [16, 8, 2],
    ),
    "if sees what enters each copy": ("[{linear: in_features // 2, repeat: 9, if: in_features > 2}]",
        ["linear.0 < input", "linear.1 < linear.0"], [16, 8, 2]),
    "each copy sees the one before": ("[{linear: in_features + 1, repeat: 3}]",
        ["linear.0 < input", "linear.1 < linear.0", "linear.2 < linear.1"], [16, 8, 11]),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "expected", "output"), COPIES.values(), ids=COPIES)
def test_copies(layers, expected, output):
    network = load(layers, head="params: {widths: [5, 6]}\n")
    assert wiring(network) == expected
    assert shape(network) == output


@pytest.mark.parametrize(
    ("condition", "left"),
    [("true", 1), ("false", 0), ("1", 1), ("0", 0), ("in_channels == 16", 1), ("not in_channels", 0), ("0.5", 1)],
)
def test_if(condition, left):
    assert len(load(f"[{{relu: , if: {condition}}}]").layers) == left


def test_a_note_has_no_effect():
    assert paths(load("[{relu: , note: 'any: text {'}, {relu: , note: 3}, {relu: , note: false}]")) == [
        "relu", "relu_2", "relu_3"
    ]  # fmt: skip


LET = {
    "below, in the same list": ("[let: {c: in_channels}, {linear: c}, {linear: 2 * c}]", [16, 8, 32]),
    "inside the items below": ("[let: {c: 5}, {group: [{add: [[{linear: c}], [{linear: 1}]]}]}]", [16, 8, 5]),
    "of the tensor that enters there": ("[{linear: 3}, let: {c: in_features}, {linear: 7}, {linear: c + 1}]",
        [16, 8, 4]),
    "the later one": ("[let: {c: 1}, let: {c: c + 1}, {linear: c}]", [16, 8, 2]),
    "earlier ones in one item": ("[let: {c: 2, d: c * 3}, {linear: d}]", [16, 8, 6]),
    "not outside its list": ("[let: {c: 2}, {group: [let: {c: 9}, {linear: c}]}, {linear: c}]", [16, 8, 2]),
    "over a param": ("[let: {w: 2}, {linear: w}]", [16, 8, 2]),
    "of a copy": ("[{group: [let: {c: in_features + i}, {linear: c}], repeat: 3}]", [16, 8, 11]),
    "a list": ("[let: {c: [4, 5]}, {linear: 'c[1]'}]", [16, 8, 5]),
    "over a loop variable": ("[{group: [let: {i: 9}, {linear: i}], repeat: 1}]", [16, 8, 9]),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "output"), LET.values(), ids=LET)
def test_let(layers, output):
    assert shape(load(layers, head="params: {w: 7}\n")) == output


def test_a_layer_in_let_keeps_its_scope():
    network = load("[let: {g: 4}, let: {n: {groupnorm: g}}, let: {g: 8}, {conv: {out: 8, kernel: 1, norm: n}}]")
    assert str(network.layers[-1].op) == "groupnorm(groups=4)"


SHARED = {
    "a layer": ("[{linear: 8, name: a}, {linear: 8, share: a}]", 8*8 + 8),
    "more than once": ("[{linear: 8, name: a}, {linear: 8, share: a}, {linear: 8, share: linear}]", 8*8 + 8),
    "a layer with its norm": (
        ("[{conv: {out: 16, kernel: 1, norm: batchnorm}, name: a}, relu, "
        "{conv: {out: 16, kernel: 1, norm: batchnorm}, share: a}]"),
        16*16 + 16 + 2*16,
    ),
    "a block": ("[{unit: 8, name: a}, relu, {unit: 8, share: a}]", 2 * (8*8 + 8)),
    "a block, the argument as its default": ("[{unit: 8, name: a}, {unit: , share: a}]", 2 * (8*8 + 8)),
    "a group": ("[{group: [linear: 8, relu, linear: 8], name: a}, {group: [linear: 8, relu, linear: 8], share: a}]",
        2 * (8*8 + 8)),
    "a repeated layer, copy by copy": ("[{linear: 8, repeat: 3, name: a}, {linear: 8, repeat: 3, share: a}]",
        3 * (8*8 + 8)),
    "copy by copy, where they differ": (
        "[{linear: 8 + i, repeat: 2, name: a}, linear: 8, {linear: 8 + i, repeat: 2, share: a}]",
        8*8 + 8 + 8*9 + 9 + 9*8 + 8,
    ),
    "one copy": ("[{linear: 8, repeat: 2, name: a}, {linear: 8, share: a.1}]", 2 * (8*8 + 8)),
    "one layer in every copy": ("[{linear: 8, name: a}, {linear: 8, repeat: 3, share: a}]", 8*8 + 8),
    "a layer in every copy of a table": ("[{linear: 8, name: a}, {linear: 8, for: {x: [1, 2]}, share: a}]", 8*8 + 8),
    "repeated blocks": ("[{unit: 8, repeat: 2, name: a}, {unit: 8, repeat: 2, share: a}]", 4 * (8*8 + 8)),
    "what is shared inside": (
        ("[{group: [{linear: 8, name: x}, {linear: 8, share: x}], name: a}, "
        "{group: [{linear: 8, name: x}, {linear: 8, share: x}], share: a}]"),
        8*8 + 8,
    ),
    "a residual": ("[{residual: [linear: 8], name: a}, {residual: [linear: 8], share: a}]", 8*8 + 8),
    "a layer around the list": ("[{linear: 8, name: a}, {group: [{linear: 8, share: a}]}]", 8*8 + 8),
    "with buffers only": ("[{batchnorm: {affine: false}, name: a}, {batchnorm: {affine: false}, share: a}]", 0),
    "at another size": ("[{conv: {out: 16, kernel: 3}, name: a}, {conv: {out: 16, kernel: 3}, share: a}]",
        16*9*16 + 16),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "count"), SHARED.values(), ids=SHARED)
def test_share(layers, count):
    network = load(layers, head="blocks: {'unit(n=8)': [linear: n, relu, linear: n]}\n")
    assert params(network) == count
    written = load(layers.replace("share", "note"), head="blocks: {'unit(n=8)': [linear: n, relu, linear: n]}\n")
    assert [layer.cost.macs.value for layer in network.layers] == [layer.cost.macs.value for layer in written.layers]


TIED = {
    "the table": ("{linear: {out: 50, bias: false}, share: e}", 50*8),
    "and a bias of its own": ("{linear: 50, share: e}", 50*8 + 50),
}  # fmt: skip


@pytest.mark.parametrize(("layer", "count"), TIED.values(), ids=TIED)
def test_a_linear_on_an_embedding_of_the_transposed_shape(layer, count):
    network = load(f"[{{embedding: {{vocab: 50, dim: 8}}, name: e}}, {layer}]", "[5]")
    assert params(network) == count
    assert network.layers[-1].cost.macs.value == 5*8*50  # fmt: skip


NOT_SHARED = {
    "another op": ("[{conv: {out: 16, kernel: 1}, name: a}, {linear: 8, share: a}]", "op and arguments must match"),
    "another argument": ("[{linear: 8, name: a}, {linear: 9, share: a}]", "op and arguments must match"),
    "another argument that has no weights": (
        "[{conv: {out: 16, kernel: 1}, name: a}, {conv: {out: 16, kernel: 1, stride: 2}, share: a}]",
        "op and arguments must match",
    ),
    "another input": ("[{linear: 4, name: a}, {linear: 4, share: a}]", "cannot share weights of a different shape"),
    "an embedding of another shape": ("[{embedding: {vocab: 50, dim: 8}, name: a}, {linear: 51, share: a}]",
        "cannot share the weights of an embedding"),
    "more": ("[{group: [linear: 8, linear: 8], name: a}, {linear: 8, share: a}]", "a has more weights than"),
    "fewer": ("[{linear: 8, name: a}, {group: [linear: 8, linear: 8], share: a}]",
        "the shared layers have no weights for linear"),
    "a norm more": ("[{linear: {out: 8, norm: layernorm}, name: a}, {linear: 8, share: a}]", "a has more weights than"),
    "all copies": ("[{linear: 8, repeat: 2, name: a}, {linear: 8, share: a}]", "a has more weights than"),
    "a copy that there is not": ("[{linear: 8, repeat: 2, name: a}, {linear: 8, repeat: 3, share: a}]",
        "unknown name a.2"),
    "no weights": ("[{relu: , name: a}, {relu: , share: a}]", "a has no weights to share"),
    "a layer left out": ("[{linear: 8, name: a, if: false}, {linear: 8, share: a}]",
        "a is left out by its if, and has no weights to share"),
    "a layer below": ("[{linear: 8, share: a}, {linear: 8, name: a}]", "layer a is not defined before this one"),
    "another block of the same layers": ("[{unit: 8, name: a}, {other: 8, share: a}]",
        "cannot share a: it is not a other with the same arguments"),
    "the same block, another argument": ("[{unit: 8, name: a}, {unit: {n: 8, act: gelu}, share: a}]",
        "cannot share a: it is not a unit with the same arguments"),
    "a group of the same layers as a block": ("[{group: [linear: 8, relu], name: a}, {unit: 8, share: a}]",
        "cannot share a: it is not a unit with the same arguments"),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "message"), NOT_SHARED.values(), ids=NOT_SHARED)
def test_weights_that_cannot_be_shared(layers, message):
    blocks = "blocks: {'unit(n, act=relu)': [linear: {out: n, act: act}], 'other(n)': [linear: n, relu]}\n"
    assert message in fault(spec(layers, "[16, 8]" if "embedding" not in layers else "[8]", blocks)).message


def test_a_layer_left_out_shares_nothing():
    assert params(load("[{linear: 8, name: a}, {linear: 8, share: a, if: false}]")) == 8*8 + 8  # fmt: skip


INPUTS = "{left: [3, 4], right: [5, 4]}"


def test_several_inputs_are_names():
    network = load("[{linear: 2, from: left}, {linear: 2, from: right}, {matmul: {transpose_b: true}, "
                   "from: [linear, linear_2]}]", INPUTS)  # fmt: skip
    assert wiring(network) == ["linear < left", "linear_2 < right", "matmul < linear linear_2"]
    assert shape(network) == [3, 5]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("[linear: 2]", "linear needs from: the network has several inputs"),
        ("[{group: [relu]}]", "relu needs from: the network has several inputs"),
        ("[{residual: [relu]}]", "residual needs from: the network has several inputs"),
        ("[{linear: 2, from: input}]", "layer input is not defined before this one"),
        ("[{linear: 2, from: prev}]", "linear needs from: the network has several inputs"),
        ("[{linear: in_channels}]", "in_channels has no value without an input tensor"),
    ],
)
def test_several_inputs_need_a_from(layers, message):
    assert fault(spec(layers, INPUTS)).message == message


def test_a_single_input_may_have_a_name():
    network = load("[relu, {add: , from: [prev, image, input]}]", "{image: [3, 4]}")
    assert wiring(network) == ["relu < image", "add < relu image image"]


def test_one_of_several_inputs_may_be_called_input():
    assert wiring(load("[{relu: , from: input}]", "{input: [3, 4], other: [3, 4]}")) == ["relu < input"]


def test_an_input_does_not_hide_a_layer_of_an_inner_list():
    network = load("[{relu: , from: a}, {group: [{relu: , name: a}, {gelu: , from: a}]}]", "{a: [3], b: [3]}")
    assert wiring(network) == ["relu < a", "group.a < relu", "gelu < group.a".replace("gelu", "group.gelu")]


def test_a_fault_has_the_network_up_to_it():
    with pytest.raises(SpecError) as error:
        load("[relu, {linear: 4}, {conv: {out: 3, kernel: 9}}]")
    assert paths(error.value.partial) == ["relu", "linear"]
