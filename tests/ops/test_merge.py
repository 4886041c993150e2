from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.engine import Builder, LimitError

from .tables import check, check_fault, fault, figures, make, row, table

ROWS = [
    row("add", {}, [(64, 56, 56)] * 2, [(64, 56, 56)], add=64*56*56),
    row("add", {}, [(64, 56, 56)] * 4, [(64, 56, 56)], add=3*64*56*56),
    row("add", {}, [(64, 1, 1), (56, 1), (56,)], [(64, 56, 56)], add=2*64*56*56),
    row("mul", {}, [(64, 56, 56), (64, 1, 1)], [(64, 56, 56)], mul=64*56*56),
    row("mul", {}, [(1,), (197, 768), (768,)], [(197, 768)], mul=2*197*768),
    row("concat", {}, [(64, 28, 28), (128, 28, 28), (32, 28, 28), (32, 28, 28)], [(64 + 128 + 32 + 32, 28, 28)]),
    row("concat", {"axis": -1}, [(5, 3), (5, 4)], [(5, 3 + 4)]),
    row("concat", {}, [(5, 3)], [(5, 3)]),
    row("scale", {}, (96, 56, 56), (96, 56, 56), mul=96*56*56, params=96),
    row("scale", {"axis": -1}, (197, 768), (197, 768), mul=197*768, params=768),
    row("parameter", {"shape": [197, 768]}, (197, 768), (197, 768), add=197*768, params=197*768),
    row("parameter", {"shape": 768}, (197, 768), (197, 768), add=197*768, params=768),
    row("parameter", {"shape": [64, 1, 1]}, (64, 7, 7), (64, 7, 7), add=64*7*7, params=64),
    row("parameter", {"shape": [100, 8]}, (1, 8), (100, 8), add=100*8, params=100*8),
    row("concat_token", {}, (196, 768), (197, 768), params=768),
    row("concat_token", {"count": 4}, (2, 196, 768), (2, 200, 768), params=4*768),
]  # fmt: skip

FAULTS = [
    fault(
        "add", {}, [(64, 56, 56), (256, 56, 56)], "cannot broadcast [64, 56, 56] and [256, 56, 56]", "1x1 convolution"
    ),
    fault("add", {}, [(64, 56, 56), (64, 28, 28)], "[64, 56, 56] and [64, 28, 28]", "the same strides"),
    fault("mul", {}, [(64, 56, 56), (64,)], "mul cannot broadcast [64, 56, 56] and [64]", "keepdims"),
    fault("concat", {}, [(64, 28, 28), (64, 14, 14)], "cannot concatenate [64, 28, 28] and [64, 14, 14]", "strides"),
    fault("concat", {}, [(64, 28, 28), (64, 28)], "cannot concatenate [64, 28, 28] and [64, 28]"),
    fault("concat", {"axis": 3}, [(64, 28, 28)] * 2, "axis 3 is out of range"),
    fault("concat", {"dim": 1}, [(64, 28)] * 2, "no argument dim", "use axis instead"),
    fault("scale", {"axis": 2}, (197, 768), "axis 2 is out of range"),
    fault("parameter", {"shape": [196, 768]}, (197, 768), "parameter cannot broadcast [197, 768] and [196, 768]"),
    fault("parameter", {"shape": [0, 768]}, (197, 768), "expected an integer of at least 1, got 0"),
    fault("parameter", {"shape": []}, (197, 768), "expected a list of 1 to 4096 values, got 0"),
    fault("concat_token", {}, (768,), "concat_token needs an input [T, D], steps and features, got [768]"),
    fault("concat_token", {"count": 0}, (5, 768), "at least 1"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


@pytest.mark.parametrize(("name", "arity"), [("add", (2, None)), ("mul", (2, None)), ("concat", (1, None))])
def test_takes_several_inputs(name, arity):
    assert make(name, {}).arity == arity


@given(shape=st.lists(st.integers(1, 9), max_size=4), data=st.data())
def test_order_of_inputs_does_not_matter(shape, data):
    parts = [
        tuple(data.draw(st.sampled_from([size, 1])) for size in shape) for _ in range(data.draw(st.integers(2, 4)))
    ]
    turned = data.draw(st.permutations(parts))
    add = make("add", {})
    assert add.shape(tuple(parts)) == add.shape(tuple(turned))
    assert figures(add, *parts) == figures(add, *turned)


def test_largest_dimension():
    builder = Builder({"a": (10**30,), "b": (1,)})
    (kept,) = builder.add(make("identity", {}), (builder.input("a"),), "kept")
    assert kept.shape == (10**30,)
    with pytest.raises(LimitError, match=r"a dimension is larger than 10\^30"):
        builder.add(make("concat", {}), (kept, builder.input("b")), "concat")
