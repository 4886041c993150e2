from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .tables import check, check_fault, fault, figures, make, row, table

ROWS = [
    # each output has the inputs that its row lists: 2 + 1 + 3 of them
    row("conv", {"out": 3, "kernel": 5, "connections": [[0, 1], [1], [0, 2, 1]]}, (3, 14, 14), (3, 10, 10),
        macs=10*10*5*5*(2 + 1 + 3), add=3*10*10, params=5*5*(2 + 1 + 3) + 3),
    # a margin of one row below and one column on the right, as TensorFlow pads 224 at stride 2
    row("conv", {"out": 8, "kernel": 3, "stride": 2, "padding": [[0, 1], [0, 1]], "bias": False}, (3, 224, 224),
        (8, 112, 112), macs=8*112*112*3*3*3, params=8*3*3*3),
    row("conv", {"out": 4, "kernel": 3, "padding": 1, "density": 0.25}, (8, 6, 6), (4, 6, 6),
        macs=6*6*(4*3*3*8 // 4), add=4*6*6, params=4*3*3*8 // 4 + 4),
    row("conv", {"out": 4, "kernel": 1, "nm": [2, 4], "bias": False}, (8, 6, 6), (4, 6, 6),
        macs=6*6*(4*8*2 // 4), params=4*8*2 // 4),
    row("conv_transpose", {"out": 4, "kernel": 3, "stride": 2, "padding": "same"}, (8, 7, 7), (4, 14, 14),
        macs=8*7*7*3*3*4, add=4*14*14, params=8*3*3*4 + 4),
    # 3x3 taps of 64 channels, each between four positions: 4 multiplications and 3 additions
    row("deform_conv", {"out": 64, "kernel": 3, "padding": 1}, (64, 64, 64), (64, 64, 64),
        macs=64*64*64*3*3*64, params=64*3*3*64 + 64, mul=4*64*9*64*64, add=3*64*9*64*64 + 64*64*64),
    # the convolution of 3x3 to 2·9 offsets and 9 masks
    row("deform_conv", {"out": 4, "kernel": 3, "padding": 1, "offsets": True, "masks": True}, (8, 6, 6), (4, 6, 6),
        macs=4*6*6*9*8 + 27*6*6*9*8, params=4*9*8 + 4 + 27*9*8 + 27, mul=5*8*9*6*6, add=3*8*9*6*6 + 4*6*6 + 27*6*6),
    row("deform_conv", {"out": 4, "kernel": 3, "bias": False, "offset_groups": 2},
        [(8, 6, 6), (2*2*9, 4, 4), (2*9, 4, 4)], [(4, 4, 4)],
        macs=4*4*4*9*8, params=4*9*8, mul=5*8*9*4*4, add=3*8*9*4*4),
    row("conv", {"out": 32, "kernel": 5, "padding": "same"}, (192, 28, 28), (32, 28, 28),
        macs=28*28*5*5*192*32, add=32*28*28, params=5*5*192*32 + 32),
    row("conv", {"out": 64, "kernel": 7, "stride": 2, "padding": 3, "bias": False}, (3, 224, 224), (64, 112, 112),
        macs=112*112*7*7*3*64, params=7*7*3*64),
    row("conv", {"out": 8, "kernel": [3, 1], "stride": [2, 1], "padding": [1, 0]}, (4, 9, 7), (8, 5, 7),
        macs=5*7*3*1*4*8, add=8*5*7, params=3*1*4*8 + 8),
    row("conv", {"out": 12, "kernel": 3, "groups": 4}, (8, 6, 6), (12, 4, 4),
        macs=4*4*3*3*(8//4)*12, add=12*4*4, params=3*3*(8//4)*12 + 12),
    row("conv", {"out": 5, "kernel": 3, "dilation": 2}, (2, 10), (5, 6),
        macs=6*3*2*5, add=5*6, params=3*2*5 + 5),
    row("conv", {"out": 5, "kernel": 3, "dilation": 2, "stride": 2, "padding": "same"}, (2, 7, 7), (5, 4, 4),
        macs=4*4*3*3*2*5, add=5*4*4, params=3*3*2*5 + 5),
    row("conv", {"out": 6, "kernel": 4, "padding": "same", "groups": 2}, (4, 5, 5), (6, 5, 5),
        macs=5*5*4*4*(4//2)*6, add=6*5*5, params=4*4*(4//2)*6 + 6),
    row("conv", {"out": 5, "kernel": 3, "padding": "valid"}, (2, 7, 7, 7), (5, 5, 5, 5),
        macs=5**3 * 3**3 * 2 * 5, add=5*5**3, params=3**3*2*5 + 5),
    # the worked example of a 3x3 over 6x6x3
    row("depthwise_conv", {"kernel": 3, "bias": False}, (3, 6, 6), (3, 4, 4), macs=4*4*3*3*3, params=3*3*3),
    row("depthwise_conv", {"kernel": 3, "multiplier": 2, "padding": 1}, (4, 8), (8, 8),
        macs=8*3*4*2, add=8*8, params=3*4*2 + 4*2),
    row("depthwise_conv", {"kernel": 3, "stride": 2, "padding": "same"}, (4, 5, 5, 5), (4, 3, 3, 3),
        macs=3**3 * 3**3 * 4, add=4*3**3, params=3**3*4 + 4),
    # counted where the input is, not at the four times as many positions of the output
    row("conv_transpose", {"out": 32, "kernel": 2, "stride": 2}, (16, 8, 8), (32, 16, 16),
        macs=8*8*2*2*16*32, add=32*16*16, params=2*2*16*32 + 32),
    row("conv_transpose", {"out": 6, "kernel": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
        (4, 5), (6, 10), macs=5*3*4*(6//2), add=6*10, params=3*4*(6//2) + 6),
    row("conv_transpose", {"out": 2, "kernel": 2, "stride": 3, "dilation": 2, "bias": False}, (3, 4, 4, 4),
        (2, 12, 12, 12), macs=4**3 * 2**3 * 3 * 2, params=2**3*3*2),
    row("conv_transpose", {"out": 2, "kernel": 3, "padding": "valid"}, (3, 4, 4), (2, 6, 6),
        macs=4*4*3*3*3*2, add=2*6*6, params=3*3*3*2 + 2),
]  # fmt: skip

FAULTS = [
    fault("conv", {"out": 3, "kernel": 1, "connections": [[0], [1]]}, (3, 4, 4), "each of 3 outputs, got 2 rows"),
    fault("conv", {"out": 1, "kernel": 1, "connections": [[3]]}, (3, 4, 4), "the input 3, but there are 3 channels"),
    fault("conv", {"out": 1, "kernel": 1, "connections": [[1, 1]]}, (3, 4, 4), "repeat one"),
    fault("conv", {"out": 1, "kernel": 1, "connections": 3}, (3, 4, 4), "a list of inputs for each output, got 3"),
    fault("conv", {"out": 4, "kernel": 1, "groups": 2, "connections": [[0]]*4}, (4, 4, 4), "no groups"),
    fault("conv", {"out": 3, "kernel": 1, "density": 0.5}, (3, 4, 4), "density 0.5 of 9 weights is not an integer"),
    fault("conv", {"out": 3, "kernel": 1, "density": 0}, (3, 4, 4), "a number above 0 and at most 1, got 0"),
    fault("conv", {"out": 3, "kernel": 1, "nm": [2, 4]}, (3, 4, 4), "cannot divide 9 weights into groups of 4"),
    fault("conv", {"out": 4, "kernel": 1, "nm": [4, 2]}, (4, 4, 4), "[n, m], n at most m, got [4, 2]"),
    fault("deform_conv", {"out": 4, "kernel": 3}, (4, 4), "needs an image"),
    fault("deform_conv", {"out": 4, "kernel": 3}, [(4, 6, 6), (9, 4, 4)], "are [9, 4, 4], expected [18, 4, 4]"),
    fault("deform_conv", {"out": 4, "kernel": 3, "offsets": True}, [(4, 6, 6), (18, 4, 4)], "makes its own offsets"),
    fault("conv", {"out": 8, "kernel": 3}, (64,), "channels and 1 to 3 spatial dimensions, got [64]", "reshape"),
    fault("conv", {"out": 8, "kernel": 3}, (1, 2, 3, 4, 5), "got [1, 2, 3, 4, 5]", "exclude the batch"),
    fault("conv", {"out": 8, "kernel": 3, "groups": 3}, (64, 8, 8), "cannot divide 64 input channels into 3 groups"),
    fault("conv", {"out": 8, "kernel": 3, "groups": 3}, (6, 8, 8), "cannot divide 8 output channels", "(..., 3)"),
    fault("conv", {"out": 8, "kernel": 7}, (3, 6, 6), "a window of 7 does not fit an input of 6 with padding 0"),
    fault("conv", {"out": 8, "kernel": 3, "dilation": 3}, (3, 6, 6), "a window of 7 does not fit", "smaller kernel"),
    fault("conv", {"out": 8, "kernel": [3, 3]}, (3, 6), "kernel has 2 values for 1 spatial dimension", "one"),
    fault("conv", {"out": 8, "kernel": 3, "stride": [1, 1, 1]}, (3, 6, 6), "stride has 3 values"),
    fault("depthwise_conv", {"kernel": 3}, (3,), "depthwise_conv needs an input of channels"),
    fault("conv_transpose", {"out": 8, "kernel": 3, "output_padding": 1}, (3, 6), "output_padding 1 must be less than"),
    fault("conv_transpose", {"out": 8, "kernel": 1, "padding": 3}, (3, 6), "expected at least 1"),
    fault("conv_transpose", {"out": 8, "kernel": 3, "groups": 2}, (3, 6), "cannot divide 3 input channels into 2"),
    fault("conv_transpose", {"out": 5, "kernel": 3, "groups": 2}, (4, 6), "cannot divide 5 output channels into 2"),
]  # fmt: skip


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


@given(
    groups=st.integers(1, 6), each=st.integers(1, 5), out=st.integers(1, 5), kernel=st.integers(1, 3),
    sizes=st.lists(st.integers(3, 9), min_size=1, max_size=3),
)  # fmt: skip
def test_grouped_cost_is_dense_cost_divided_by_groups(groups, each, out, kernel, sizes):
    arguments = {"out": out * groups, "kernel": kernel, "bias": False}
    dense = figures(make("conv", arguments), (each * groups, *sizes))
    grouped = figures(make("conv", {**arguments, "groups": groups}), (each * groups, *sizes))
    assert {name: value * groups for name, value in grouped.items()} == dense


@given(
    channels=st.integers(1, 16), multiplier=st.integers(1, 4), kernel=st.integers(1, 4), stride=st.integers(1, 3),
    sizes=st.lists(st.integers(4, 12), min_size=1, max_size=3),
)  # fmt: skip
def test_depthwise_is_conv_with_one_channel_per_group(channels, multiplier, kernel, stride, sizes):
    arguments = {"kernel": kernel, "stride": stride, "padding": "same"}
    depthwise = make("depthwise_conv", {**arguments, "multiplier": multiplier})
    grouped = make("conv", {**arguments, "out": channels * multiplier, "groups": channels})
    inputs = ((channels, *sizes),)
    assert depthwise.shape(inputs) == grouped.shape(inputs)
    assert figures(depthwise, *inputs) == figures(grouped, *inputs)


@given(
    size=st.integers(1, 40), kernel=st.integers(1, 7), stride=st.integers(1, 5), dilation=st.integers(1, 3),
    padding=st.integers(0, 6),
)  # fmt: skip
def test_transposed_restores_the_size(size, kernel, stride, dilation, padding):
    """A transposed convolution restores the input size, except for positions that the stride skips."""
    arguments = {"out": 1, "kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}
    span = dilation * (kernel - 1) + 1
    if size + 2 * padding < span:
        return
    ((_, small),) = make("conv", arguments).shape(((1, size),))
    rest = (size + 2 * padding - span) % stride
    if size - rest >= 1:
        assert make("conv_transpose", arguments).shape(((1, small),)) == ((1, size - rest),)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_formula_symbols(rank):
    op = make("conv", {"out": 32, "kernel": 5, "padding": "same", "groups": 4})
    inputs = ((192, 28, 28, 28)[: rank + 1],)
    assert (
        op.cost(inputs, op.shape(inputs)).macs.symbols()
        == {
            1: "C_out·L_out·K·C_in/g",
            2: "C_out·H_out·W_out·K_h·K_w·C_in/g",
            3: "C_out·D_out·H_out·W_out·K_d·K_h·K_w·C_in/g",
        }[rank]
    )


@pytest.mark.parametrize(
    ("multiplier", "macs", "params"),
    [
        (1, "C_in·H_out·W_out·K_h·K_w", "C_in·K_h·K_w + C_in"),
        (2, "C_in·m·H_out·W_out·K_h·K_w", "C_in·m·K_h·K_w + C_in·m"),
    ],
)
def test_multiplier_of_one_is_omitted(multiplier, macs, params):
    op, inputs = make("depthwise_conv", {"kernel": 3, "multiplier": multiplier}), ((4, 8, 8),)
    cost = op.cost(inputs, op.shape(inputs))
    assert (cost.macs.symbols(), cost.params.symbols()) == (macs, params)


@pytest.mark.parametrize(
    ("op", "arguments", "caption"),
    [
        ("conv", {"out": 8, "kernel": [3, 5]}, "3x5 (8 filters)"),
        ("conv", {"out": 1, "kernel": 3, "stride": 2, "groups": 1}, "3x3 (1 filter), /2"),
        ("conv", {"out": 8, "kernel": 3, "groups": 4}, "3x3 (8 filters, 4 groups)"),
        ("depthwise_conv", {"kernel": 3}, "3x3 depthwise"),
        ("depthwise_conv", {"kernel": 3, "multiplier": 2}, "3x3 depthwise (2 filters each)"),
        ("conv_transpose", {"out": 8, "kernel": 4, "stride": 2}, "4x4 transposed (8 filters), x2"),
    ],
)
def test_caption_has_window_and_filters(op, arguments, caption):
    assert make(op, arguments).caption(2) == caption


@pytest.mark.parametrize("op", ["conv", "depthwise_conv"])
def test_footprint_has_kernel_stride_and_dilation(op):
    out = {"out": 8} if op == "conv" else {}
    made = make(op, {**out, "kernel": [3, 5], "stride": [1, 2], "dilation": [4, 1]})
    assert made.footprint(2) == ((3, 1, 4), (5, 2, 1))
