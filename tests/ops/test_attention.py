from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .tables import check, check_fault, fault, figures, make, row, table


def scores(n):
    """Scale, then softmax: mul 1; cmp 1, add 2, exp 1, div 1 for each score."""
    return {"mul": n, "cmp": n, "exp": n, "div": n}


ROWS = [
    # one token against 2,048 keys and values that are there, D = 4,096
    row("attention", {"heads": 32, "bias": False, "cache": 2048}, (1, 4096), (1, 4096),
        macs=4*4096*4096 + 2*(2048 + 1)*4096, add=2*32*2049, **scores(32*2049), params=4*4096*4096),
    # causal beside a cache: query t sees 2 + t + 1 keys
    row("attention", {"heads": 2, "bias": False, "cache": 2, "causal": True}, (7, 8), (7, 8),
        macs=4*7*8*8 + 2*sum(range(3, 10))*8, add=2*2*sum(range(3, 10)), **scores(2*sum(range(3, 10))), params=4*8*8),
    # a window of 3 keys, the query's own among them: 1, 2, 3, 3, 3, 3, 3
    row("attention", {"heads": 2, "bias": False, "window": 3}, (7, 8), (7, 8),
        macs=4*7*8*8 + 2*(1 + 2 + 5*3)*8, add=2*2*18, **scores(2*18), params=4*8*8),
    # beside a cache of 1: 2, 3, 3, 3; of 3: each sees 3
    row("attention", {"heads": 2, "bias": False, "window": 3, "cache": 1}, (4, 8), (4, 8),
        macs=4*4*8*8 + 2*(2 + 3 + 3 + 3)*8, add=2*2*11, **scores(2*11), params=4*8*8),
    row("attention", {"heads": 2, "bias": False, "window": 3, "cache": 3}, (4, 8), (4, 8),
        macs=4*4*8*8 + 2*(4*3)*8, add=2*2*12, **scores(2*12), params=4*8*8),
    # Whisper has no bias on the keys
    row("attention", {"heads": 2, "bias": ["out", "q", "v"]}, (7, 8), (7, 8),
        macs=4*7*8*8 + 2*7*7*8, add=3*7*8 + 2*2*49, **scores(2*49), params=4*8*8 + 3*8),
    # values of 3 features a head: 2·3 features go into the last projection
    row("attention", {"heads": 2, "value_dim": 3}, (7, 8), (7, 8),
        macs=2*7*8*8 + 2*7*8*6 + 2*49*(4 + 3), add=2*7*8 + 7*6 + 7*8 + 2*2*49, **scores(2*49),
        params=2*8*8 + 2*8*6 + 8 + 8 + 6 + 8),
    # Swin: (2·7 - 1)² relative positions, one scalar for each head
    row("attention", {"heads": 3, "bias_table": 169}, (49, 96), (49, 96),
        macs=4*49*96*96 + 2*49*49*96, add=4*49*96 + 2*3*49*49 + 3*49*49, **scores(3*49*49),
        params=4*96*96 + 4*96 + 169*3),
    # an encoder layer of ViT-B/16 at 224: 12 heads of 64
    row("attention", {"heads": 12}, (197, 768), (197, 768),
        macs=4*197*768*768 + 2*197*197*768, add=4*197*768 + 2*12*197*197, **scores(12*197*197),
        params=4*768*768 + 4*768),
    row("attention", {"heads": 4, "bias": False}, (10, 16), (10, 16),
        macs=4*10*16*16 + 2*10*10*16, add=2*4*10*10, **scores(4*10*10), params=4*16*16),
    # causal: query t sees keys 0 to t
    row("attention", {"heads": 4, "causal": True, "bias": False}, (10, 16), (10, 16),
        macs=4*10*16*16 + 2*sum(range(1, 11))*16, add=2*4*sum(range(1, 11)), **scores(4*sum(range(1, 11))),
        params=4*16*16),
    # grouped-query attention: 8 heads of 8 share 2 keys and values
    row("attention", {"heads": 8, "kv_heads": 2}, (10, 64), (10, 64),
        macs=2*10*64*64 + 2*10*64*(2*8) + 2*10*10*64, add=10*64 + 2*10*(2*8) + 10*64 + 2*8*10*10,
        **scores(8*10*10), params=2*64*64 + 2*64*(2*8) + 64 + 2*(2*8) + 64),
    row("attention", {"heads": 2, "head_dim": 5}, (7, 9), (7, 9),
        macs=4*7*9*(2*5) + 2*7*7*(2*5), add=3*7*(2*5) + 7*9 + 2*2*7*7, **scores(2*7*7),
        params=4*9*(2*5) + 3*(2*5) + 9),
    # a context of 11 tokens of 6 features
    row("attention", {"heads": 2}, [(7, 8), (11, 6)], [(7, 8)],
        macs=2*7*8*8 + 2*11*6*8 + 2*7*11*8, add=7*8 + 2*11*8 + 7*8 + 2*2*7*11, **scores(2*7*11),
        params=2*8*8 + 2*6*8 + 8 + 2*8 + 8),
    row("attention", {"heads": 4, "kv_heads": 1, "head_dim": 3, "bias": False}, [(7, 8), (11, 6)], [(7, 8)],
        macs=2*7*8*(4*3) + 2*11*6*3 + 2*7*11*(4*3), add=2*4*7*11, **scores(4*7*11), params=2*8*(4*3) + 2*6*3),
    # leading axes are batch
    row("attention", {"heads": 4, "bias": False}, (3, 5, 10, 16), (3, 5, 10, 16),
        macs=3*5*(4*10*16*16 + 2*10*10*16), add=3*5*2*4*10*10, **scores(3*5*4*10*10), params=4*16*16),
]  # fmt: skip

FAULTS = [
    fault("attention", {"heads": 2, "bias": ["q", "x"]}, (7, 8), "projections of q, k, v, out, got"),
    fault("attention", {"heads": 2, "bias": 1}, (7, 8), "expected true or false, got 1"),
    fault("attention", {"heads": 2, "window": 2}, [(7, 8), (9, 8)], "got 7 queries and 9 keys", "write cache"),
    fault("attention", {"heads": 5}, (10, 64), "cannot divide 64 features into 5 heads", "head_dim"),
    fault("attention", {"heads": 8, "kv_heads": 3}, (10, 64), "a divisor of heads, got 3 for 8 heads", "multi-query"),
    fault("attention", {"heads": 2}, [(2, 5, 8), (3, 5, 8)], "from [2, 5, 8] to a context of [3, 5, 8]: the leading"),
    fault("attention", {"heads": 8, "causal": True}, [(10, 64), (11, 64)], "got 10 queries and 11 keys", "not causal"),
    fault("attention", {"heads": 8}, [(2, 10, 64), (3, 10, 64)], "a context of [3, 10, 64]: the leading axes differ"),
    fault("attention", {"heads": 8}, (64,), "attention needs an input [T, D], steps and features, got [64]", "flatten"),
    fault("attention", {"heads": 8}, [(10, 64), (64,)], "got [64]"),
    fault("attention", {}, (10, 64), "attention needs heads", "attention(heads, kv_heads=heads"),
    fault("attention", {"num_heads": 8}, (10, 64), "no argument num_heads", "use heads instead"),
    fault("attention", {"heads": 8, "embed_dim": 64}, (10, 64), "no argument embed_dim", "features follow"),
]  # fmt: skip


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


def test_context():
    assert make("attention", {"heads": 1}).arity == (1, 2)


@given(
    heads=st.integers(1, 6), size=st.integers(1, 5), length=st.integers(1, 9), causal=st.booleans(), bias=st.booleans()
)
def test_explicit_defaults_cost_the_same(heads, size, length, causal, bias):
    shape = (length, heads * size)
    arguments = {"heads": heads, "causal": causal, "bias": bias}
    plain = figures(make("attention", arguments), shape)
    assert figures(make("attention", {**arguments, "kv_heads": heads, "head_dim": size}), shape) == plain
    assert figures(make("attention", arguments), shape, shape) == plain


@given(heads=st.integers(1, 6), size=st.integers(1, 5), length=st.integers(1, 9))
def test_twice_causal_is_full_plus_diagonal(heads, size, length):
    shape = (length, heads * size)
    full, half = (figures(make("attention", {"heads": heads, "causal": causal}), shape) for causal in (False, True))
    assert 2 * half["exp"] == full["exp"] + heads * length


@pytest.mark.parametrize(
    ("arguments", "inputs", "symbols"),
    [
        ({}, [(10, 64)], "4·T·D·h·d + 2·T·T·h·d"),
        ({"causal": True}, [(10, 64)], "4·T·D·h·d + 2·T·(T + 1)/2·h·d"),
        ({"kv_heads": 2}, [(10, 64)], "2·T·D·h·d + 2·T·D·g·d + 2·T·T·h·d"),
        ({}, [(10, 64), (20, 48)], "2·T·D·h·d + 2·L·D'·h·d + 2·T·L·h·d"),
        ({}, [(3, 10, 64)], "4·N·T·D·h·d + 2·N·T·T·h·d"),
    ],
)
def test_formula_symbols(arguments, inputs, symbols):
    op = make("attention", {"heads": 8, **arguments})
    assert op.cost(tuple(inputs), op.shape(tuple(inputs))).macs.symbols() == symbols
