"""Properties of every network: shapes are kept, cells sum to totals, specs have the reported cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import costcalc
from costcalc.engine import Builder
from costcalc.errors import CostcalcError
from costcalc.lang.expand import write
from costcalc.model import Totals
from costcalc.ops.base import REGISTRY
from costcalc.ops.conv import Conv, ConvTranspose, DepthwiseConv
from costcalc.ops.merge import Concat
from costcalc.ops.norm import Batchnorm
from costcalc.ops.pool import Maxpool

ALL = ("normal", "bottleneck", "separable", "grouped", "spatial")
SPECS = sorted(path.stem for path in (Path(__file__).parent.parent.parent / "specs").glob("*.yaml"))

channels = st.sampled_from([1, 3, 4, 6, 8, 12, 16, 24])
kinds = st.sampled_from(
    ["conv"] * 3 + ["reduced"] * 3 + ["separable"] * 3 + ["halves", "depthwise", "grouped", "transposed"]
)


@st.composite
def convolutions(draw, rank, plain):
    """Draw one dense convolution with a kernel above 1 if `plain`, else any convolution or cell."""
    kind = "conv" if plain else draw(kinds)
    windows = {
        "kernel": draw(st.sampled_from([3, 3, 5, 2, (3, *draw(st.tuples(*[st.integers(1, 4)] * (rank - 1))))])),
        "stride": draw(st.sampled_from([1, 1, 1, 2])),
        "padding": draw(st.one_of(st.just("same"), st.just(1), st.tuples(*[st.integers(0, 2)] * rank))),
        "dilation": draw(st.sampled_from([1, 1, 2])),
        "bias": draw(st.booleans()),
    }
    out = draw(channels)
    pointwise = Conv(out=draw(channels), kernel=1, stride=draw(st.sampled_from([1, 1, 2])), bias=draw(st.booleans()))
    if kind == "transposed":
        return [ConvTranspose(out=out, kernel=2, stride=2)]
    if kind in ("depthwise", "separable"):
        depthwise = DepthwiseConv(**windows, multiplier=draw(st.integers(1, 2)))
        return [depthwise, pointwise] if kind == "separable" else [depthwise]
    if kind == "halves":
        whole = [3] * rank
        ops = []
        for axis in draw(st.permutations(range(rank))):
            kernel = [size if axis == index else 1 for index, size in enumerate(whole)]
            ops.append(Conv(**{**windows, "out": out, "kernel": kernel}))
        return ops
    conv = Conv(out=out, groups=2 if kind == "grouped" else 1, **windows)
    return [pointwise, conv, Conv(out=draw(channels), kernel=1)] if kind == "reduced" else [conv]


@st.composite
def networks(draw, plain=False):
    """Draw a network of convolutions, norms, activations, pools and branches, in one to three dimensions."""
    rank = draw(st.integers(1, 3))
    builder = Builder({"input": (draw(channels), *draw(st.tuples(*[st.integers(6, 12)] * rank)))})
    current = builder.input("input")
    ends = []
    for number in range(draw(st.integers(1, 8))):
        step = "conv" if plain else draw(st.sampled_from(["conv"] * 6 + ["pool", "branch", "output"]))
        try:
            if step == "conv":
                for part, op in enumerate(draw(convolutions(rank, plain))):
                    host = len(builder.layers)
                    (current,) = builder.add(op, (current,), f"conv{number}_{part}")
                    for name, follower in (("norm", Batchnorm()), ("act", REGISTRY["relu"]())):
                        written = draw(st.sampled_from(["none", "argument", "layer"]))
                        if written != "none":
                            hosted = host if written == "argument" and len(builder.layers) == host + 1 else None
                            (current,) = builder.add(follower, (current,), f"{name}{number}_{part}", host=hosted)
            elif step == "pool":
                (current,) = builder.add(Maxpool(kernel=2, stride=1), (current,), f"pool{number}")
            elif step == "branch" and ends:
                other = draw(st.sampled_from(ends))
                (current,) = builder.add(Concat(), (current, other), f"concat{number}")
            ends.append(current)
        except CostcalcError:
            break
    assume(builder.layers)
    outputs = {"last": current}
    if ends and not plain and draw(st.booleans()):
        outputs["other"] = draw(st.sampled_from(ends))
    outputs = {name: tensor for name, tensor in outputs.items() if tensor.layer >= 0}
    return builder.network("random", outputs)


def total(figures):
    return Totals.of(figures)


def check(network, **options):
    comparison = costcalc.compare(network, strategies=ALL, cheapest=True, **options)
    inside = {name for row in comparison.cells for name in row.layers}
    kept = {layer.name: layer.outputs for layer in network.layers if layer.name not in inside}
    last = {row.layers[-1]: row for row in comparison.cells}
    shapes = {
        row.layers[-1]: next(a.outputs for a in network.layers if a.name == row.layers[-1]) for row in last.values()
    }
    for candidate in comparison.candidates:
        new = {layer.name: layer for layer in candidate.network.layers}
        assert len(new) == len(candidate.network.layers)
        assert {name: new[name].outputs for name in kept} == kept
        for name, tensor in network.outputs.items():
            assert candidate.network.outputs[name].shape == tensor.shape
        for row in comparison.cells:
            own = [
                layer
                for layer in candidate.network.layers
                if layer.name in row.layers or layer.name.startswith(f"{row.name}.")
            ]
            assert own[-1].outputs == shapes[row.layers[-1]]
        figures = [
            row.figures[candidate.label if candidate.label in row.figures else row.cheapest] for row in comparison.cells
        ]
        assert total([comparison.rest, *figures]).counts == candidate.analysis.totals.counts
        assert total([row.totals for row in candidate.analysis.layers]) == candidate.analysis.totals
        again = costcalc.analyze(costcalc.loads(write(candidate.network)))
        assert again.totals.counts == candidate.analysis.totals.counts
        assert list(map(len, again.layers)) == list(map(len, candidate.analysis.layers))
    cheapest = comparison.candidate("cheapest").analysis.totals.macs
    assert cheapest == min([cheapest, *[candidate.analysis.totals.macs for candidate in comparison.candidates]])
    return comparison


@given(networks())
@settings(max_examples=150)
def test_any_network(network):
    check(network, stem=True)


@pytest.mark.parametrize("name", SPECS)
def test_every_bundled_network(name):
    check(costcalc.load(name))


@given(networks(plain=True))
@settings(max_examples=100)
def test_normal_after_separable_restores_the_network(network):
    separable = costcalc.compare(network, strategies=["separable"], stem=True).candidate("separable").network
    back = costcalc.compare(separable, strategies=["normal"], stem=True).candidate("normal")
    assert back.analysis.totals.counts == costcalc.analyze(network).totals.counts


@given(
    st.integers(2, 40),
    st.integers(1, 40),
    st.tuples(st.integers(3, 20), st.integers(3, 20)),
    st.integers(2, 3),
    st.integers(1, 3),
    st.integers(0, 2),
)
@settings(max_examples=100)
def test_prediction_equals_actual_ratio(inputs, outputs, size, kernel, stride, padding):
    convolution = costcalc.strategies.Convolution(inputs, size, outputs, kernel, stride, padding)
    comparison = costcalc.compare(convolution)
    (row,) = comparison.cells
    separable = row.predictions["separable"]
    assert separable.value == pytest.approx(separable.practice, rel=1e-15)
    normal, own = (comparison.candidate(label).analysis.totals.macs for label in ("normal", "separable"))
    assert separable.theory.ratio * normal == own
    if "bottleneck" not in row.reasons:
        reduce = max(1, outputs // 2)
        saves = comparison.candidate("bottleneck").analysis.totals.macs < normal
        assert saves == (reduce <= row.predictions["bottleneck"].theory.limit)
