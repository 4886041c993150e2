"""Figures of papers and textbook examples, as arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest

import costcalc
from costcalc.strategies import Convolution

PROBLEM = Convolution(192, (28, 28), 32, 5, padding="same")
"""Szegedy et al. 2014: a 5×5 convolution on the Inception module's input."""
IMAGE = Convolution(3, (6, 6), 5, 3)
"""Howard et al. 2017, as a textbook example."""

P = 28 * 28


@pytest.mark.parametrize(
    ("convolution", "strategy", "layers"),
    [
        (PROBLEM, "normal", [P * 32 * 5 * 5 * 192]),
        (PROBLEM, "bottleneck:reduce=16", [P * 16 * 192, P * 32 * 5 * 5 * 16]),
        (PROBLEM, "bottleneck", [P * 16 * 192, P * 32 * 5 * 5 * 16]),
        (PROBLEM, "separable", [P * 5 * 5 * 192, P * 192 * 32]),
        (PROBLEM, "grouped", [P * 32 * 5 * 5 * 192 // 4]),
        (PROBLEM, "grouped:groups=16", [P * 32 * 5 * 5 * 192 // 16]),
        (PROBLEM, "spatial", [P * 32 * 5 * 192, P * 32 * 5 * 32]),
        (IMAGE, "normal", [(3 * 3 * 3) * (4 * 4) * 5]),
        (IMAGE, "separable", [(3 * 3) * (4 * 4) * 3, 3 * (4 * 4) * 5]),
        (IMAGE, "bottleneck", [6 * 6 * 3 * 2, 4 * 4 * 5 * 3 * 3 * 2]),
        (IMAGE, "spatial", [5 * (4 * 6) * 3 * 3, 5 * (4 * 4) * 3 * 5]),
        (Convolution(8, (100,), 4, 9, padding=4), "separable", [100 * 9 * 8, 100 * 8 * 4]),
        (Convolution(8, (100,), 4, 9, 2, "same"), "bottleneck", [100 * 8 * 2, 50 * 9 * 2 * 4]),
        (Convolution(8, (4, 8, 8), 6, 3, padding=1), "separable", [256 * 27 * 8, 256 * 8 * 6]),
        (Convolution(8, (4, 8, 8), 6, 3, padding=1), "spatial", [256 * 6 * 3 * 8, 256 * 6 * 3 * 6, 256 * 6 * 3 * 6]),
        (Convolution(8, (8, 16), 4, (3, 5), (1, 2), (1, 2)), "separable", [8 * 8 * 15 * 8, 8 * 8 * 8 * 4]),
    ],
)
def test_a_convolution(convolution, strategy, layers):
    (candidate,) = costcalc.compare(convolution, strategies=[strategy]).candidates
    assert [row.totals.macs for row in candidate.analysis.layers] == layers
    normal = costcalc.compare(convolution, strategies=["normal"]).candidates[0].analysis.totals.macs
    assert candidate.macs_ratio == sum(layers) / normal


def test_textbook_numbers():
    def macs(convolution, strategy):
        return costcalc.compare(convolution, strategies=[strategy]).candidates[0].analysis.totals.macs

    assert macs(PROBLEM, "normal") == 120_422_400
    assert macs(PROBLEM, "bottleneck:reduce=16") == 2_408_448 + 10_035_200 == 12_443_648
    assert macs(PROBLEM, "separable") == 3_763_200 + 4_816_896 == 8_580_096
    assert macs(IMAGE, "normal") == 2160
    assert macs(IMAGE, "separable") == 432 + 240 == 672


ELSE_OF_3A = P * 192 * 64 + P * 192 * 32
"""The branches of Inception 3a that have no kernel above 1."""


@pytest.mark.parametrize(
    ("network", "strategy", "macs", "params"),
    [
        ("mobilenet_v1", "as_is", 568_740_352, 4_231_976),
        ("mobilenet_v1", "separable", 568_740_352, 4_231_976),
        ("mobilenet_v1", "normal", 4_867_293_184, 29_294_088),
        ("inception", "as_is", 128_049_152, 163_696),
        ("inception", "bottleneck", 128_049_152, 163_696),
        ("inception", "normal", ELSE_OF_3A + P * 9 * 192 * 128 + P * 25 * 192 * 32, 393_472),
        ("inception", "separable", ELSE_OF_3A + P * 192 * (9 + 128) + P * 192 * (25 + 32), None),
        ("inception_naive", "bottleneck", ELSE_OF_3A + P * 64 * (192 + 9 * 128) + P * 16 * (192 + 25 * 32), None),
        ("vgg16", "normal", 15_470_264_320, 138_357_544),
        ("resnet18", "normal", 1_814_073_344, 11_689_512),
        ("resnet50", "as_is", 4_089_184_256, 25_557_032),
        ("googlenet", "bottleneck", 1_582_671_872, 6_998_552),
        ("mobilenet_v2", "separable", 300_774_272, 3_504_872),
    ],
)
def test_a_network(network, strategy, macs, params):
    totals = costcalc.compare(network).candidate(strategy).analysis.totals
    assert totals.macs == macs
    assert params is None or totals.params == params
    if network == "inception" and strategy in ("normal", "separable"):
        assert macs == {"normal": 308_281_344, "separable": 43_653_120}[strategy]


def test_inception_without_its_reductions_is_the_naive_module():
    normal = costcalc.compare("inception").candidate("normal").analysis
    assert normal.totals.counts == costcalc.analyze("inception_naive").totals.counts


def test_vgg16_separable():
    cells = [(64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56), (256, 256, 56), (256, 256, 56)]
    cells += [(256, 512, 28), (512, 512, 28), (512, 512, 28), (512, 512, 14), (512, 512, 14), (512, 512, 14)]
    stem, linear = 224 * 224 * 9 * 3 * 64, 512 * 7 * 7 * 4096 + 4096 * 4096 + 4096 * 1000
    separable = sum(size * size * channels * (9 + out) for channels, out, size in cells)
    comparison = costcalc.compare("vgg16")
    assert comparison.candidate("separable").analysis.totals.macs == stem + linear + separable
    assert comparison.rest.macs == stem + linear
    stemless = costcalc.compare("vgg16", stem=True)
    assert stemless.candidate("separable").analysis.totals.macs == 224 * 224 * 3 * (9 + 64) + linear + separable


def test_resnet50_normal():
    """The expansion is part of the cell. Projections and the first block's 64→64 and 64→256 are not."""
    size, full = 56, 2 * 56 * 56 * 9 * 256 * 256
    for width, blocks in ((128, 4), (256, 6), (512, 3)):
        size //= 2
        full += size * size * 9 * 4 * width * (2 * width + (blocks - 1) * 4 * width)
    comparison = costcalc.compare("resnet50")
    first = next(row for row in comparison.cells if row.form == "normal")
    assert (first.name, first.figures["as_is"].macs) == ("stage.0.0.body.conv_2", 56 * 56 * 9 * 64 * 64)
    normal = comparison.candidate("normal").analysis.totals.macs
    assert normal == comparison.rest.macs + first.figures["normal"].macs + full


@pytest.mark.parametrize(
    ("convolution", "ratio"),
    [(PROBLEM, Fraction(1, 32) + Fraction(1, 25)), (IMAGE, Fraction(1, 5) + Fraction(1, 9))],
)
def test_predicted_and_actual_ratio(convolution, ratio):
    (row,) = costcalc.compare(convolution).cells
    prediction = row.predictions["separable"]
    assert prediction.theory.ratio == ratio
    assert prediction.value == prediction.practice == float(ratio)


@pytest.mark.parametrize(
    "convolution",
    [
        PROBLEM,
        IMAGE,
        Convolution(64, (56, 56), 64, 3, 2, 1),
        Convolution(2, (5,), 3, 5),
        Convolution(9, (4, 4, 4), 7, 3),
    ],
)
def test_largest_reduce_that_saves_macs(convolution):
    def ratio(reduce):
        strategy = f"bottleneck:reduce={reduce}"
        return costcalc.compare(convolution, strategies=[strategy]).candidates[0].macs_ratio

    (row,) = costcalc.compare(convolution).cells
    limit = row.predictions["bottleneck"].theory.limit
    assert limit is not None
    assert limit < convolution.channels
    if limit:
        assert ratio(limit) < 1
    if limit + 1 < convolution.channels:
        assert ratio(limit + 1) >= 1


def test_batch_multiplies_macs_but_not_params():
    one, eight = costcalc.compare("inception"), costcalc.compare("inception", batch=8)
    for candidate, other in zip(one.candidates, eight.candidates, strict=True):
        assert other.analysis.totals.macs == 8 * candidate.analysis.totals.macs
        assert other.analysis.totals.params == candidate.analysis.totals.params
        assert other.macs_ratio == candidate.macs_ratio
    assert [row.predictions for row in one.cells] == [row.predictions for row in eight.cells]


def test_cheapest_form_of_each_cell():
    comparison = costcalc.compare("googlenet", cheapest=True)
    best = sum(min(figures.macs for figures in row.figures.values()) for row in comparison.cells)
    assert comparison.candidate("cheapest").analysis.totals.macs == comparison.rest.macs + best
    row = next(row for row in comparison.cells if row.name == "stage4.0.b5.conv_2")
    assert row.figures["bottleneck"].macs == 14 * 14 * 16 * (480 + 25 * 48)
    assert row.figures["separable"].macs == 14 * 14 * 480 * (25 + 48)
    assert row.cheapest == "bottleneck"
    assert costcalc.compare("googlenet", strategies=["normal"], cheapest=True).cells[1].cheapest == "as_is"
