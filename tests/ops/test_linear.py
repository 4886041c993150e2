from __future__ import annotations

import pytest

from costcalc.engine import Builder
from costcalc.errors import ShapeError

from .tables import check, check_fault, fault, make, row, table

ROWS = [
    row("linear", {"out": 1000}, (2048,), (1000,), macs=2048*1000, add=1000, params=2048*1000 + 1000),
    # counted per row, not once
    row("linear", {"out": 32, "bias": False}, (5, 16), (5, 32), macs=5*16*32, params=16*32),
    row("linear", {"out": 32}, (5, 16), (5, 32), macs=5*16*32, add=5*32, params=16*32 + 32),
    row("linear", {"out": 3}, (2, 4, 5, 16), (2, 4, 5, 3), macs=2*4*5*16*3, add=2*4*5*3, params=16*3 + 3),
    row("embedding", {"vocab": 50257, "dim": 768}, (1024,), (1024, 768), params=50257*768),
    row("embedding", {"vocab": 10, "dim": 4}, (2, 3), (2, 3, 4), params=10*4),
    row("matmul", {}, [(5, 4), (4, 6)], [(5, 6)], macs=5*4*6),
    row("matmul", {"transpose_b": True}, [(5, 4), (6, 4)], [(5, 6)], macs=5*4*6),
    # with its broadcast
    row("matmul", {}, [(8, 1, 5, 4), (3, 4, 6)], [(8, 3, 5, 6)], macs=8*3*5*4*6),
    row("matmul", {}, [(7, 5, 4), (4, 6)], [(7, 5, 6)], macs=7*5*4*6),
    row("matmul", {"transpose_b": True}, [(5, 4), (7, 6, 4)], [(7, 5, 6)], macs=7*5*4*6),
]  # fmt: skip

FAULTS = [
    fault("linear", {"out": 5}, (), "at least 1 dimension, got []"),
    fault("linear", {"out": 0}, (5,), "expected an integer of at least 1, got 0"),
    fault("linear", {"out": 11.2}, (5,), "expected an integer, got 11.2", "make_divisible"),
    fault("linear", {"in_features": 5, "out": 3}, (5,), "no argument in_features", "features follow"),
    fault("linear", {"out_features": 3}, (5,), "no argument out_features", "use out instead"),
    fault("linear", {}, (5,), "linear needs out", "linear(out, bias=true"),
    fault("linear", {"out": 3, "bias": "True"}, (5,), "expected true or false, got True", "lower case"),
    fault("embedding", {"num_embeddings": 5, "dim": 3}, (5,), "no argument num_embeddings", "vocab"),
    fault("matmul", {}, [(5, 4), (5, 4)], "[5, 4] by [5, 4]: the inner axes are 4 and 5", "transpose_b"),
    # with axes before the last two, whose sizes are none of the inner ones
    fault("matmul", {}, [(9, 5, 4), (9, 5, 4)], "[9, 5, 4] by [9, 5, 4]: the inner axes are 4 and 5", "transpose_b"),
    fault("matmul", {}, [(9, 5, 4), (9, 3, 5)], "the inner axes are 4 and 3", "the last axis of the first"),
    fault("matmul", {}, [(5, 4), (3, 6)], "the inner axes are 4 and 3", "the last axis of the first"),
    fault("matmul", {}, [(2, 5, 4), (3, 4, 6)], "leading axes do not broadcast", "equal, or 1"),
    fault("matmul", {}, [(4,), (4, 6)], "matmul needs an input of at least 2 dimensions, got [4]"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


def shared(op, arguments, other, other_arguments, shape, other_shape):
    """Return the params of an op on `shape` that uses the weights of `other` on `other_shape`."""
    builder = Builder({"other": other_shape, "input": shape})
    builder.add(make(other, other_arguments), (builder.input("other"),), "other")
    builder.add(make(op, arguments), (builder.input("input"),), "layer", weights=builder.layers[0])
    return builder.layers[1].cost.params.value


@pytest.mark.parametrize(("bias", "left"), [(True, 100), (False, 0)])
def test_linear_shares_weights_of_embedding(bias, left):
    assert shared("linear", {"out": 100, "bias": bias}, "embedding", {"vocab": 100, "dim": 8}, (5, 8), (5,)) == left


@pytest.mark.parametrize(
    ("out", "features"), [(100, 4), (50, 8), (8, 100)]
)  # the last has as many numbers, the other way round
def test_linear_shares_only_weights_of_same_shape(out, features):
    with pytest.raises(ShapeError, match="cannot share the weights of an embedding of 100 vectors of 8"):
        shared("linear", {"out": out}, "embedding", {"vocab": 100, "dim": 8}, (5, features), (5,))


def test_shared_layer_has_no_params():
    assert shared("linear", {"out": 7}, "linear", {"out": 7}, (5, 3), (9, 3)) == 0


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({"out": 7}, (5, 4), "a different shape: expected 28 parameters, got 35"),
        ({"out": 8}, (5, 3), r"linear\(out=8\) cannot share the weights of linear\(out=7\)"),
        ({"out": 7, "bias": False}, (5, 3), r"linear\(out=7, bias=false\) cannot share"),
    ],
)
def test_sharing_needs_equal_weights(arguments, shape, message):
    with pytest.raises(ShapeError, match=message):
        shared("linear", arguments, "linear", {"out": 7}, shape, (5, 3))


def test_sharing_needs_weights_of_equal_shape():
    with pytest.raises(ShapeError, match="a different shape: expected 24 parameters, got 24"):
        shared("layernorm", {"axes": 2}, "layernorm", {"axes": 2}, (3, 4), (2, 6))
