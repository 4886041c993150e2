"""Further strategies: their multiply-adds as their papers give them, theory beside practice, and their cells."""

from __future__ import annotations

from fractions import Fraction

import pytest

import costcalc
from costcalc.errors import UsageError
from costcalc.lang.expand import write
from costcalc.report.comparison import totals
from costcalc.strategies import Convolution
from costcalc.strategies.base import BUILTIN

ONE = Convolution(64, (28, 28), 128, 3, padding="same")
FIVE = Convolution(64, (28, 28), 128, 5, padding="same")
P = 28 * 28
NORMAL = 9 * 64 * 128

FORMS = [
    (ONE, "inverted", 6 * 64 * (64 + 9 + 128)),
    (ONE, "inverted:expand=3", 3 * 64 * (64 + 9 + 128)),
    (ONE, "fused", 4 * 64 * (9 * 64 + 128)),
    (ONE, "ghost", 9 * 64 * 128 // 2 + 1 * 9 * 128 // 2),
    (ONE, "ghost:ratio=4,cheap=5", 9 * 64 * 128 // 4 + 3 * 25 * 128 // 4),
    (ONE, "partial", 9 * 16 * 16 + 64 * 128),
    (ONE, "blueprint", 64 * 128 + 9 * 128),
    (ONE, "shuffle", 64 * 32 // 4 + 9 * 32 + 32 * 128 // 4),
    (ONE, "shuffle:groups=8,reduce=64", 64 * 64 // 8 + 9 * 64 + 64 * 128 // 8),
    (ONE, "svd", 9 * 64 * 64 + 64 * 128),
    (ONE, "svd:rank=10", 9 * 64 * 10 + 10 * 128),
    (ONE, "tucker", 64 * 32 + 9 * 32 * 64 + 64 * 128),
    (ONE, "tucker:rank_in=5,rank_out=7", 64 * 5 + 9 * 5 * 7 + 7 * 128),
    (ONE, "cp", 64 * (64 + 3 + 3 + 128)),
    (ONE, "heterogeneous", 9 * 64 * 128 // 4 + 3 * 64 * 128 // 4),
    (ONE, "separable:multiplier=2", 2 * (9 * 64 + 64 * 128)),
    (FIVE, "dilated", 9 * 64 * 128),
]


@pytest.mark.parametrize(("convolution", "strategy", "products"), FORMS, ids=[name for _, name, _ in FORMS])
def test_multiply_adds(convolution, strategy, products):
    comparison = costcalc.compare(convolution, strategies=[strategy])
    (candidate,) = comparison.candidates
    assert candidate.analysis.totals.macs == P * products
    assert candidate.analysis.totals.params == products
    (prediction,) = comparison.cells[0].predictions.values()
    taps = 25 if convolution is FIVE else 9
    assert prediction.theory.ratio == Fraction(products, taps * 64 * 128)
    assert prediction.practice == pytest.approx(float(prediction.theory.ratio), rel=1e-12)


@pytest.mark.parametrize(
    ("alpha", "percent"), [("1/4", 67), ("0.5", 44), ("3/4", 30)], ids=["a quarter", "half", "three quarters"]
)
def test_octave_saves_what_its_paper_prints(alpha, percent):
    """Chen et al. 2019, table 1: FLOPs of 67, 44 and 30 percent. Params are those of the normal convolution."""
    comparison = costcalc.compare(ONE, strategies=["normal", f"octave:alpha={alpha}"])
    candidate = comparison.candidates[1]
    share = Fraction(alpha)
    ratio = (1 - share) ** 2 + Fraction(1, 4) * (1 - (1 - share) ** 2)
    assert candidate.analysis.totals.macs == P * NORMAL * ratio
    assert round(100 * ratio) == percent
    assert candidate.analysis.totals.params == NORMAL
    assert comparison.cells[0].predictions["octave"].theory.ratio == ratio
    assert candidate.to_dict()["options"] == {"alpha": float(share)}


@pytest.mark.parametrize("value", ["0", "1", "2", "1/0", "-1/2", "1e-3", "a", "1/2/3", "0.1.2", "1" * 30, "½"])
def test_a_share_is_between_0_and_1(value):
    with pytest.raises(UsageError, match="octave: alpha: expected a fraction between 0 and 1"):
        costcalc.compare(ONE, strategies=[f"octave:alpha={value}"])


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        ("inverted:expand=1", "expand 1 adds no channels"),
        ("ghost:ratio=3", "ratio 3 must be above 1 and divide the 128 output channels"),
        ("partial:ratio=7", "ratio 7 must be above 1 and divide the 64 input channels"),
        ("shuffle:groups=3", "3 groups do not divide 64 channels"),
        ("heterogeneous:parts=5", "parts 5 must be above 1 and divide the 64 input and 128 output channels"),
        ("dilated:kernel=3", "the window 3×3 is not that of a kernel 3"),
        ("octave:alpha=1/3", "alpha 1/3 of 64 input and 128 output channels is not an integer"),
    ],
)
def test_what_does_not_fit_is_said(strategy, reason):
    with pytest.raises(UsageError, match=reason):
        costcalc.compare(ONE, strategies=[strategy])


@pytest.mark.parametrize(
    ("convolution", "strategy", "reason"),
    [
        (ONE._replace(padding=0), "partial", "the size changes, and some channels are left as they are"),
        (ONE._replace(stride=2), "partial", "the size changes, and some channels are left as they are"),
        (ONE._replace(size=(28, 27)), "octave", "the size 28×27 is not even"),
        (ONE._replace(size=(30, 30), stride=2), "octave", "the size 15×15 is not even"),
    ],
)
def test_sizes_that_do_not_fit_are_named(convolution, strategy, reason):
    assert costcalc.compare(convolution, strategies=[strategy]).candidates[0].reason == reason


MBCONV = ["conv", "batchnorm", "relu", "depthwise_conv", "batchnorm", "relu", "conv", "batchnorm"]
UNIT = ["conv", "batchnorm", "relu", "channel_shuffle", "depthwise_conv", "batchnorm", "conv", "batchnorm", "relu"]


@pytest.mark.parametrize(
    ("strategy", "followed"),
    [
        ("inverted", MBCONV),
        ("fused", ["conv", "batchnorm", "relu", "conv", "batchnorm"]),
        ("blueprint", ["conv", "depthwise_conv", "batchnorm", "relu"]),
        ("svd", ["conv", "conv", "batchnorm", "relu"]),
        ("cp", ["conv", "depthwise_conv", "depthwise_conv", "conv", "batchnorm", "relu"]),
        ("ghost", ["conv", "batchnorm", "relu", "depthwise_conv", "batchnorm", "relu", "concat"]),
        ("partial", ["slice", "slice", "conv", "concat", "conv", "batchnorm", "relu"]),
        ("heterogeneous", ["conv", "conv", "add", "batchnorm", "relu"]),
        ("shuffle", UNIT),
    ],
)
def test_norms_and_activations_are_where_the_paper_has_them(strategy, followed):
    network = costcalc.loads(
        "input: [64, 28, 28]\nlayers:\n- conv: {out: 128, kernel: 3, padding: same, norm: batchnorm, act: relu}\n"
    )
    (_, candidate) = costcalc.compare(network, strategies=[strategy]).candidates
    assert [layer.op.name for layer in candidate.network.layers] == followed


@pytest.mark.parametrize(
    ("network", "forms"),
    [
        ("mobilenet_v2", {"separable": 1, "inverted": 16}),
        ("efficientnet_b0", {"separable": 1, "inverted": 15}),
        ("mobilenet_v3_large", {"separable": 1, "inverted": 14}),
    ],
)
def test_inverted_residuals_are_cells_where_they_are_compared(network, forms):
    """In each paper's table of blocks, all but the first expand the channels."""
    found = [row.form for row in costcalc.compare(network, strategies=["inverted"]).cells]
    assert {form: found.count(form) for form in found} == forms
    assert {row.form for row in costcalc.compare(network).cells} == {"separable"}


def test_the_row_of_a_strategy_counts_its_cells():
    network = costcalc.loads("input: [12, 28, 28]\nlayers:\n- conv: {out: 9, kernel: 3}\n- conv: {out: 8, kernel: 3}\n")
    table = totals(costcalc.compare(network, strategies=["normal", "ghost"]))
    assert [row.cells[0] for row in table.rows] == ["as_is", "normal", "ghost · 1 of 2 cells"]


GATED = """
input: [8, 16, 16]
layers:
- conv: {out: 8, kernel: 3, padding: same, bias: false}
- batchnorm
- squeeze_excite: {channels: 2}
- relu
"""
GATE = ["global_avgpool", "conv", "relu", "conv", "sigmoid", "mul"]


def test_a_gate_between_norm_and_activation_can_be_left_out():
    """The gate of Ghost multiplies all channels; MBConv has it after the depthwise convolution alone."""
    comparison = costcalc.compare(costcalc.loads(GATED), strategies=["ghost", "inverted"])
    assert not comparison.cells[0].reasons
    ghost, inverted = ([layer.op.name for layer in one.network.layers] for one in comparison.candidates[1:])
    half = ["batchnorm", "relu"]
    assert ghost == ["conv", *half, "depthwise_conv", *half, "concat", *GATE]
    assert inverted == ["conv", *half, "depthwise_conv", "batchnorm", *GATE, "relu", "conv", "batchnorm"]


FOLLOWED = """
input: [16, 28, 28]
layers:
- conv: {out: 16, kernel: 5, padding: same, norm: batchnorm, act: relu}
"""


@pytest.mark.parametrize("text", [FOLLOWED, GATED], ids=["arguments", "gate"])
@pytest.mark.parametrize("strategy", BUILTIN)
def test_the_new_network_is_a_spec_with_the_same_counts(strategy, text):
    (_, candidate) = costcalc.compare(costcalc.loads(text), strategies=[strategy]).candidates
    again = costcalc.analyze(costcalc.loads(write(candidate.network)))
    assert again.totals.counts == candidate.analysis.totals.counts
    assert [row.totals for row in again.layers] == [row.totals for row in costcalc.analyze(candidate.network).layers]
