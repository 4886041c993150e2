from __future__ import annotations

from math import gcd, prod

import pytest
from bounds import cpu_time_below
from hypothesis import given
from hypothesis import strategies as st

from .tables import check, check_fault, fault, figures, make, row, table

ROWS = [
    row("maxpool", {"kernel": 3, "stride": 2, "padding": 1}, (64, 112, 112), (64, 56, 56), cmp=(3*3 - 1)*64*56*56),
    row("maxpool", {"kernel": 2}, (8, 7), (8, 3), cmp=(2 - 1)*8*3),
    row("maxpool", {"kernel": [2, 3]}, (8, 7, 9), (8, 3, 3), cmp=(2*3 - 1)*8*3*3),
    row("maxpool", {"kernel": 3, "stride": 1, "dilation": 2}, (8, 7, 9, 5), (8, 3, 5, 1), cmp=(3**3 - 1)*8*3*5*1),
    row("maxpool", {"kernel": 1}, (8, 7), (8, 7)),
    # GoogLeNet's pools: 112 -> 56 with ceil; the last window overhangs and counts in full
    row("maxpool", {"kernel": 3, "stride": 2, "ceil": True}, (64, 112, 112), (64, 56, 56), cmp=(3*3 - 1)*64*56*56),
    row("maxpool", {"kernel": 3, "stride": 2}, (64, 112, 112), (64, 55, 55), cmp=(3*3 - 1)*64*55*55),
    # ceil((5 + 2 - 2) / 3) + 1 = 3, but the third would begin at 6 >= 5 + 1
    row("maxpool", {"kernel": 2, "stride": 3, "padding": 1, "ceil": True}, (1, 5), (1, 2), cmp=(2 - 1)*2),
    row("maxpool", {"kernel": 3, "stride": 2, "padding": "same"}, (8, 7, 8), (8, 4, 4), cmp=(3*3 - 1)*8*4*4),
    row("maxpool", {"kernel": 3, "stride": 1, "padding": "valid"}, (8, 7, 7), (8, 5, 5), cmp=(3*3 - 1)*8*5*5),
    row("avgpool", {"kernel": 2}, (6, 28, 28), (6, 14, 14), add=(2*2 - 1)*6*14*14, div=6*14*14),
    row("avgpool", {"kernel": 5, "stride": 3}, (528, 14, 14), (528, 4, 4), add=(5*5 - 1)*528*4*4, div=528*4*4),
    row("avgpool", {"kernel": 3, "stride": 2, "padding": 1}, (2, 5, 5, 5), (2, 3, 3, 3),
        add=(3**3 - 1)*2*3**3, div=2*3**3),
    row("global_avgpool", {}, (512, 7, 7), (512, 1, 1), add=(7*7 - 1)*512, div=512),
    row("global_avgpool", {"keepdims": False}, (512, 7, 7), (512,), add=(7*7 - 1)*512, div=512),
    row("global_avgpool", {}, (512, 9), (512, 1), add=(9 - 1)*512, div=512),
    row("global_maxpool", {}, (8, 2, 3, 4), (8, 1, 1, 1), cmp=(2*3*4 - 1)*8),
    row("global_maxpool", {"keepdims": False}, (8, 1, 1), (8,)),
    row("adaptive_avgpool", {"out": 1}, (512, 7, 7), (512, 1, 1), add=(7*7 - 1)*512, div=512),
    row("adaptive_avgpool", {"out": [6, 3]}, (4, 12, 12), (4, 6, 3), add=(2*4 - 1)*4*6*3, div=4*6*3),
    # windows of 2, 3, 2 in each of the dimensions
    row("adaptive_avgpool", {"out": 3}, (4, 5, 5), (4, 3, 3), add=4*((2 + 3 + 2)*(2 + 3 + 2) - 3*3), div=4*3*3),
    row("adaptive_maxpool", {"out": 3}, (4, 5), (4, 3), cmp=4*((2 - 1) + (3 - 1) + (2 - 1))),
    # more windows than positions: 0-1, 0-1, 0-2, 1-2, 1-2 of 2, and every position once of 5
    row("adaptive_maxpool", {"out": 5}, (1, 2, 5), (1, 5, 5), cmp=(1 + 1 + 2 + 1 + 1)*(1*5) - 5*5),
]  # fmt: skip

FAULTS = [
    fault("maxpool", {"kernel": 7}, (8, 5, 5), "a window of 7 does not fit an input of 5", "smaller kernel"),
    fault("maxpool", {"kernel": [3, 3], "padding": [1, 1, 1]}, (8, 5, 5), "padding has 3 values for 2 spatial dim"),
    fault("maxpool", {"kernel": 3, "padding": 2}, (8, 5), "half of the kernel, got 2 for a kernel of 3", "// 2"),
    fault("maxpool", {"kernel": [5, 3], "padding": 2}, (8, 5, 5), "got 2 for a kernel of 3"),
    fault("maxpool", {"kernel": 3, "padding": 2, "dilation": 2}, (8, 9), "got 2 for a kernel of 3"),
    fault("avgpool", {"kernel": 3, "padding": [1, 2]}, (8, 5, 5), "got 2 for a kernel of 3"),
    fault("avgpool", {"kernel": 3, "dilation": 2}, (8, 5, 5), "avgpool has no argument dilation"),
    fault("maxpool", {"kernel_size": 3}, (8, 5, 5), "no argument kernel_size", "use kernel instead"),
    fault("maxpool", {"kernel": 3, "ceil_mode": True}, (8, 5, 5), "no argument ceil_mode", "use ceil instead"),
    fault("maxpool", {"kernel": [2, 2]}, (8, 5), "kernel has 2 values for 1 spatial dimension"),
    fault("maxpool", {"kernel": 2, "padding": "full"}, (8, 5), "same or valid, got full"),
    fault("maxpool", {"kernel": 2}, (8,), "maxpool needs an input of channels"),
    fault("global_avgpool", {}, (512,), "global_avgpool needs an input of channels and 1 to 3", "reshape"),
    fault("adaptive_avgpool", {"output_size": 7}, (5, 8, 8), "no argument output_size", "use out instead"),
    fault("adaptive_avgpool", {"out": [1, 1]}, (5, 8), "out has 2 values for 1"),
    fault("adaptive_maxpool", {"out": 0}, (5, 8), "at least 1, got 0"),
]  # fmt: skip


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


def test_error_names_argument_out_of_range():
    assert check_fault(fault("maxpool", {"kernel": 3, "padding": 2}, (8, 5), "half")).argument == "padding"


@given(size=st.integers(1, 300), out=st.integers(1, 300))
def test_adaptive_windows_match_closed_form(size, out):
    """PyTorch's window i spans floor(i·size/out) to ceil((i+1)·size/out)."""
    spans = [-(-(i + 1) * size // out) - i * size // out for i in range(out)]
    assert sum(spans) == size + out - gcd(size, out)
    assert figures(make("adaptive_maxpool", {"out": out}), (3, size)).get("cmp", 0) == 3 * (sum(spans) - out)


@given(sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3), data=st.data())
def test_adaptive_cost_is_sum_over_windows(sizes, data):
    out = [data.draw(st.integers(1, 12)) for _ in sizes]
    windows = [1]
    for size, count in zip(sizes, out, strict=True):
        spans = [-(-(i + 1) * size // count) - i * size // count for i in range(count)]
        windows = [taps * span for taps in windows for span in spans]
    found = figures(make("adaptive_avgpool", {"out": out}), (2, *sizes))
    assert found.get("add", 0) == 2 * sum(taps - 1 for taps in windows)
    assert found["div"] == 2 * prod(out)


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3), data=st.data())
def test_adaptive_equals_plain_pool_if_sizes_divide(sizes, data):
    kernel = [data.draw(st.integers(1, 4)) for _ in sizes]
    shape = (2, *(size * taps for size, taps in zip(sizes, kernel, strict=True)))
    for kind in ("avgpool", "maxpool"):
        plain, adaptive = make(kind, {"kernel": kernel}), make(f"adaptive_{kind}", {"out": sizes})
        assert plain.shape((shape,)) == adaptive.shape((shape,))
        assert figures(plain, shape) == figures(adaptive, shape)


def test_large_adaptive_pool_is_fast():
    with cpu_time_below(0.1):
        found = figures(make("adaptive_avgpool", {"out": 10**9 + 7}), (3, 10**12, 10**12))
    assert found["div"] == 3 * (10**9 + 7) ** 2
    assert found["add"] == 3 * ((10**12 + 10**9 + 7 - 1) ** 2 - (10**9 + 7) ** 2)


@pytest.mark.parametrize(
    ("name", "arguments", "symbols"),
    [
        ("maxpool", {"kernel": 3}, "C·H_out·W_out·(K_h·K_w - 1)"),
        ("global_maxpool", {}, "C·(H·W - 1)"),
        (
            "adaptive_maxpool",
            {"out": 3},
            "C·((H_in + H_out - gcd(H_in, H_out))·(W_in + W_out - gcd(W_in, W_out)) - H_out·W_out)",
        ),
    ],
)
def test_formula_symbols(name, arguments, symbols):
    op, inputs = make(name, arguments), ((8, 12, 12),)
    assert op.cost(inputs, op.shape(inputs)).cmp.symbols() == symbols
