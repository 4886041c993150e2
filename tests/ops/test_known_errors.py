"""Known errors of tools that count network cost, with the correct figures."""

from __future__ import annotations

from math import prod

import pytest

from costcalc.analysis import analyze
from costcalc.engine import Builder

from .tables import figures, make


class Network:
    """A network under construction. `add("conv", {...})` reads the previous output, or the given inputs."""

    def __init__(self, *shape):
        self.builder = Builder({"input": shape})
        self.last = self.builder.input("input")

    def add(self, name, arguments=None, inputs=None, share=None):
        index = len(self.builder.layers)
        weights = None if share is None else self.builder.layers[share]
        outputs = self.builder.add(
            make(name, arguments or {}), inputs or (self.last,), f"{name}_{index}", weights=weights
        )
        self.last = outputs[0]
        return self.last

    def analyze(self, **options):
        return analyze(self.builder.network("net", {"output": self.last}), **options)


def test_transposed_convolution_counts_input_positions():
    found = figures(make("conv_transpose", {"out": 32, "kernel": 2, "stride": 2}), (16, 8, 8))
    assert found["macs"] == 8 * 8 * 2 * 2 * 16 * 32 == 131_072


def test_linear_counts_every_row():
    assert figures(make("linear", {"out": 32}), (5, 16))["macs"] == 5 * 16 * 32 == 2_560


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "macs", "params"),
    [
        ("linear", {"out": 8}, (5, 8), 5 * 8 * 8, 8 * 8 + 8),
        ("conv", {"out": 4, "kernel": 3, "padding": 1}, (4, 6, 6), 6 * 6 * 3 * 3 * 4 * 4, 3 * 3 * 4 * 4 + 4),
    ],
)
def test_shared_weights_count_params_once(name, arguments, shape, macs, params):
    net = Network(*shape)
    net.add(name, arguments)
    net.add(name, arguments, share=0)
    totals = net.analyze().totals
    assert (totals.macs, totals.params) == (2 * macs, params)


def test_shared_statistics_count_buffers_once():
    net = Network(4, 6, 6)
    net.add("batchnorm")
    net.add("batchnorm", share=0)
    totals = net.analyze().totals
    assert (totals.params, totals.buffers, totals.mul) == (2 * 4, 2 * 4, 2 * 4 * 6 * 6)


def test_attention_counts_both_products():
    """ViT-B/16 at 224, Dosovitskiy et al. 2020, arXiv:2010.11929."""
    net = Network(3, 224, 224)
    net.add("conv", {"out": 768, "kernel": 16, "stride": 16})
    net.add("flatten", {"start": 1})
    net.add("permute", {"order": [1, 0]})
    net.add("concat_token")
    net.add("parameter", {"shape": [197, 768]})
    for _ in range(12):
        before = net.last
        net.add("layernorm")
        net.add("attention", {"heads": 12})
        before = net.add("add", inputs=(before, net.last))
        net.add("layernorm")
        net.add("linear", {"out": 3072})
        net.add("gelu")
        net.add("linear", {"out": 768})
        net.add("add", inputs=(before, net.last))
    net.add("layernorm")
    net.add("slice", {"axis": 0, "stop": 1})
    net.add("flatten")
    net.add("linear", {"out": 1000})
    found = net.analyze()
    assert (found.totals.macs, found.totals.params) == (17_563_828_224, 86_567_656)
    products = sum(2 * 197 * 197 * 768 for _ in range(12))
    assert found.totals.macs == products + (
        14 * 14 * 16 * 16 * 3 * 768 + 12 * 197 * 768 * (4 * 768 + 2 * 3072) + 768 * 1000
    )


def test_relu_and_residual_addition_count_once():
    net = Network(64, 56, 56)
    start = net.last
    net.add("conv", {"out": 64, "kernel": 3, "padding": 1, "bias": False})
    net.add("add", inputs=(start, net.last))
    net.add("relu")
    totals = net.analyze().totals
    assert (totals.cmp, totals.add) == (64 * 56 * 56, 64 * 56 * 56)
    assert totals.flops == 2 * 56 * 56 * 3 * 3 * 64 * 64 + 64 * 56 * 56 + 64 * 56 * 56


def test_matrix_product_counts_broadcast_axes():
    assert figures(make("matmul", {}), (8, 1, 5, 4), (3, 4, 6)) == {"macs": 8 * 3 * 5 * 4 * 6}


@pytest.mark.parametrize(
    ("arguments", "size", "out"),
    [
        ({"kernel": 3, "dilation": 2, "groups": 2}, 7, 7),
        ({"kernel": 4, "dilation": 3, "groups": 4}, 7, 7),
        ({"kernel": 4, "stride": 2, "dilation": 3, "groups": 4}, 7, 4),
        ({"kernel": 2, "stride": 3}, 8, 3),
    ],
)
def test_same_padding_of_grouped_and_dilated_convolutions(arguments, size, out):
    op = make("conv", {"out": 8, "padding": "same", **arguments})
    assert op.shape(((4, size, size),)) == ((8, out, out),)
    taps = arguments["kernel"] ** 2
    assert figures(op, (4, size, size))["macs"] == out * out * taps * (4 // arguments.get("groups", 1)) * 8


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "out"),
    [(112, 3, 2, 0, 56), (5, 2, 3, 1, 2), (6, 2, 3, 1, 3), (7, 3, 2, 1, 4), (1, 1, 5, 0, 1), (4, 2, 3, 0, 2)],
)
def test_pooling_windows_in_ceil_mode(size, kernel, stride, padding, out):
    op = make("maxpool", {"kernel": kernel, "stride": stride, "padding": padding, "ceil": True})
    assert op.shape(((1, size),)) == ((1, out),)


def test_depthwise_is_not_counted_as_dense():
    shape, arguments = (32, 9, 9), {"kernel": 3, "padding": 1, "bias": False}
    depthwise = figures(make("depthwise_conv", arguments), shape)
    dense = figures(make("conv", {**arguments, "out": 32}), shape)
    assert depthwise == {"macs": 9 * 9 * 3 * 3 * 32, "params": 3 * 3 * 32}
    assert dense == {"macs": 9 * 9 * 3 * 3 * 32 * 32, "params": 3 * 3 * 32 * 32}


def test_nothing_overflows():
    """Counts above 2^31, 2^63 and 2^64, and above the integers that a float represents exactly."""
    side, channels = 10**9 + 7, 10**6 + 3
    net = Network(channels, side, side)
    net.add("conv", {"out": channels, "kernel": 3, "padding": 1})
    totals = net.analyze(batch=10**6).totals
    assert totals.macs == 10**6 * side * side * 9 * channels * channels
    assert totals.activations == 10**6 * channels * side * side


@pytest.mark.parametrize("batch", [1, 7])
def test_rows_sum_to_the_totals(batch):
    net = Network(3, 20, 20)
    net.add("conv", {"out": 8, "kernel": 3})
    net.add("batchnorm")
    net.add("relu")
    first, second = net.builder.add(make("split", {"parts": 2}), (net.last,), "split")
    net.add("mul", inputs=(first, second))
    net.add("upsample", {"mode": "bilinear"})
    net.add("global_avgpool", {"keepdims": False})
    net.add("softmax")
    found = net.analyze(batch=batch)
    assert found.totals.counts == tuple(map(sum, zip(*(row.totals.counts for row in found.layers), strict=True)))
    assert found.totals.params == 3 * 3 * 3 * 8 + 8 + 2 * 8
    assert found.totals.activations == batch * sum(prod(shape) for row in found.layers for shape in row.outputs)
