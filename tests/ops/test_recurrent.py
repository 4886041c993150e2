from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .tables import check, check_fault, fault, figures, make, row, table

ROWS = [
    # Keras has one bias per gate: its summaries say 131,584, 4,457,472, 396 and 24,768
    row("lstm", {"hidden": 128, "biases": 1}, (5, 128), (5, 128), macs=5*4*128*(128 + 128),
        add=5*128*(16 - 4), mul=5*128*3, div=5*128*3, exp=5*128*5, params=4*128*(128 + 128 + 1)),
    row("gru", {"hidden": 64, "biases": 1}, (5, 64), (5, 64), macs=5*3*64*(64 + 64),
        add=5*64*(13 - 3), mul=5*64*3, div=5*64*2, exp=5*64*3, params=3*64*(64 + 64 + 1)),
    # a state of 3 features, projected from 8
    row("lstm", {"hidden": 8, "projection": 3}, (5, 6), (5, 3), macs=5*(4*8*(6 + 3) + 8*3),
        add=5*8*16, mul=5*8*3, div=5*8*3, exp=5*8*5, params=4*8*(6 + 3 + 2) + 8*3),
    row("lstm", {"hidden": 32}, (5, 16), (5, 32),
        macs=5*4*32*(16 + 32), add=16*5*32, mul=3*5*32, div=3*5*32, exp=5*5*32, params=4*32*(16 + 32 + 2)),
    row("lstm", {"hidden": 32, "bias": False}, (5, 16), (5, 32),
        macs=5*4*32*(16 + 32), add=(16 - 2*4)*5*32, mul=3*5*32, div=3*5*32, exp=5*5*32, params=4*32*(16 + 32)),
    row("gru", {"hidden": 32}, (5, 16), (5, 32),
        macs=5*3*32*(16 + 32), add=13*5*32, mul=3*5*32, div=2*5*32, exp=3*5*32, params=3*32*(16 + 32 + 2)),
    row("gru", {"hidden": 32, "bias": False}, (5, 16), (5, 32),
        macs=5*3*32*(16 + 32), add=(13 - 2*3)*5*32, mul=3*5*32, div=2*5*32, exp=3*5*32, params=3*32*(16 + 32)),
    row("rnn", {"hidden": 32}, (5, 16), (5, 32),
        macs=5*32*(16 + 32), add=3*5*32, exp=5*32, params=32*(16 + 32 + 2)),
    row("rnn", {"hidden": 32, "bias": False}, (5, 16), (5, 32),
        macs=5*32*(16 + 32), add=(3 - 2)*5*32, exp=5*32, params=32*(16 + 32)),
    # the second layer takes both directions of the first
    row("lstm", {"hidden": 8, "layers": 3, "bidirectional": True}, (5, 16), (5, 2*8),
        macs=2*5*4*8*(16 + 8) + 2*2*5*4*8*(16 + 8), add=16*3*2*5*8, mul=3*3*2*5*8, div=3*3*2*5*8, exp=5*3*2*5*8,
        params=2*4*8*(16 + 8 + 2) + 2*2*4*8*(2*8 + 8 + 2)),
    row("gru", {"hidden": 8, "layers": 2}, (5, 3), (5, 8),
        macs=5*3*8*(3 + 8) + 5*3*8*(8 + 8), add=13*2*5*8, mul=3*2*5*8, div=2*2*5*8, exp=3*2*5*8,
        params=3*8*(3 + 8 + 2) + 3*8*(8 + 8 + 2)),
    # leading axes are batch
    row("rnn", {"hidden": 4, "bidirectional": True}, (2, 3, 5, 6), (2, 3, 5, 2*4),
        macs=2*3*5 * 2*4*(6 + 4), add=3*2*3*5*2*4, exp=2*3*5*2*4, params=2*4*(6 + 4 + 2)),
]  # fmt: skip

FAULTS = [
    fault("lstm", {"hidden": 8, "biases": 3}, (5, 6), "expected 1 or 2, got 3", "as in Keras"),
    fault("lstm", {"hidden": 8}, (16,), "lstm needs an input [T, D], steps and features, got [16]", "embedding"),
    fault("gru", {"hidden_size": 8}, (5, 16), "gru has no argument hidden_size", "use hidden instead"),
    fault("rnn", {"hidden": 8, "num_layers": 2}, (5, 16), "no argument num_layers", "use layers instead"),
    fault("lstm", {"hidden": 8, "batch_first": True}, (5, 16), "no argument batch_first", "changes no shape"),
    fault("lstm", {"hidden": 8, "layers": 0}, (5, 16), "expected an integer of at least 1, got 0"),
    fault("lstm", {"hidden": 8, "bidirectional": 1}, (5, 16), "expected true or false, got 1"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


@given(
    name=st.sampled_from(["lstm", "gru", "rnn"]), hidden=st.integers(1, 9), layers=st.integers(1, 4),
    both=st.booleans(), bias=st.booleans(), length=st.integers(1, 9), features=st.integers(1, 9),
)  # fmt: skip
def test_layers_equal_stacked_single_layers(name, hidden, layers, both, bias, length, features):
    arguments = {"hidden": hidden, "bidirectional": both, "bias": bias}
    stacked = figures(make(name, {**arguments, "layers": layers}), (length, features))
    total = dict.fromkeys(stacked, 0)
    single = make(name, arguments)
    shape = (length, features)
    for _ in range(layers):
        for quantity, value in figures(single, shape).items():
            total[quantity] += value
        (shape,) = single.shape((shape,))
    assert stacked == total


@pytest.mark.parametrize(
    ("name", "arguments", "symbols"),
    [
        ("lstm", {}, "T·gates·h·(D + h)"),
        ("rnn", {"bidirectional": True}, "2·T·h·(D + h)"),
        ("gru", {"layers": 2}, "T·gates·h·(D + h) + T·(layers - 1)·gates·h·(h + h)"),
    ],
)
def test_formula_symbols(name, arguments, symbols):
    op = make(name, {"hidden": 8, **arguments})
    assert op.cost(((5, 4),), op.shape(((5, 4),))).macs.symbols() == symbols


@pytest.mark.parametrize(("layers", "factors"), [(1, "T·h"), (2, "T·layers·h")])
def test_a_single_layer_is_not_a_factor(layers, factors):
    op = make("rnn", {"hidden": 8, "layers": layers})
    assert op.cost(((5, 4),), op.shape(((5, 4),))).exp.symbols() == factors
