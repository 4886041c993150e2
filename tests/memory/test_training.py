"""The cost of a step of training: figures of autograd on torchvision's models, and small networks by hand."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import UsageError
from costcalc.model import Execution
from costcalc.number_formats import formats

SAVED = {  # of a batch of 2 in fp32, by torch.autograd.graph.saved_tensors_hooks
    "alexnet": 7_482_368,
    "vgg16": 146_710_528,
    "resnet18": 44_398_080,
    "resnet50": 172_031_488,
    "squeezenet1_1": 42_139_456,
    "shufflenet_v2": 40_834_640,
    "densenet121": 261_057_280,
    "googlenet_bn": 96_400_000,
}


@pytest.mark.parametrize("name", SAVED)
def test_what_autograd_keeps(name):
    assert costcalc.analyze(name, batch=2, optimizer="adam").totals.saved_bytes == SAVED[name]


def test_work_of_resnet50():
    # Three times the forward pass, without the gradient of the image.
    found = costcalc.analyze("resnet50", batch=2, optimizer="sgd").totals
    assert found.training_macs == 2 * (3 * 4_089_184_256 - 118_013_952) == 24_299_077_632


def trained(text, optimizer="sgd", execution=None, batch=1):
    return costcalc.analyze(costcalc.loads(text), optimizer=optimizer, execution=execution, batch=batch)


WORK = {
    "input: [8]\nlayers: [{linear: 4}, {linear: 2}]": [2 * 32, 3 * 8],
    "input: [8]\nlayers: [flatten, relu, {linear: 4}]": [0, 0, 2 * 32],  # nothing before it has weights
    "input: {a: [2, 3], b: [3, 4]}\nlayers: [{matmul: , from: [a, b]}]": [24],
    "input: {a: [2, 3], b: [3, 4]}\nlayers: [{linear: 3, from: a}, {matmul: , from: [linear, b]}]": [2 * 18, 2 * 24],
    "input: [2, 3]\nlayers: [{linear: 3, name: q}, {linear: 3, name: k, from: input}, "
    "{matmul: {transpose_b: true}, from: [q, k]}]": [2 * 18, 2 * 18, 3 * 12],
}


@pytest.mark.parametrize("text", WORK)
def test_work(text):
    assert [row.totals.training_macs for row in trained(text).layers] == WORK[text]
    assert [row.totals.training_macs for row in trained(text, batch=5).layers] == [5 * work for work in WORK[text]]


KEPT = {
    # The input of each linear layer. The sigmoid keeps its output, which is the input of the second.
    "input: [8]\nlayers: [{linear: 4}, sigmoid, {linear: 2}]": [8 * 4, 4 * 4, 0],
    # GELU keeps its input.
    "input: [8]\nlayers: [{linear: 4}, gelu, {linear: 2}]": [8 * 4, 4 * 4, 4 * 4],
    "input: [8]\nlayers: [relu, {linear: 4}]": [0, 8 * 4],  # nothing in front of the first weight needs a gradient
    "input: [3, 4, 4]\nlayers: [{conv: {out: 2, kernel: 1, norm: batchnorm}}]": [
        48 * 4,
        32 * 4 + 2 * 8,
    ],
    "input: [3, 4, 4]\nlayers: [{conv: {out: 2, kernel: 1}}, {maxpool: 2}]": [48 * 4, 32 * 4 + 8 * 8],
    "input: [8]\nlayers: [{linear: 4}, {dropout: 0.5}, {linear: 2}]": [8 * 4, 4 * 4, 4 * 4],
    "input: [5, 8]\nlayers: [{linear: 8}, layernorm]": [40 * 4, 40 * 4 + 5 * 8],
    "input: [5, 8]\nlayers: [{linear: 8}, {attention: {heads: 2}}]": [40 * 4, 40 * 4 + 4 * 40 * 4 + 4 * 5 * 2],
    "input: [8]\nlayers: [{linear: 8}, {add: , from: [linear, input]}]": [8 * 4, 0],
    "input: [8]\nlayers: [{linear: 8}, {mul: , from: [linear, input]}]": [8 * 4, 8 * 4],
}


@pytest.mark.parametrize("text", KEPT)
def test_what_is_kept(text):
    assert [row.totals.saved_bytes for row in trained(text).layers] == KEPT[text]


@pytest.mark.parametrize(
    ("optimizer", "dtype", "bytes"),
    [
        ("sgd", "fp32", 8), ("momentum", "fp32", 12), ("adam", "fp32", 16),
        ("sgd", "bf16", 8), ("momentum", "fp16", 12), ("adam", "fp16", 16),
        ("adam", "fp64", 32),
    ],
)  # fmt: skip
def test_state(optimizer, dtype, bytes):
    found = trained("input: [8]\nlayers: [{linear: 4}]", optimizer, Execution(formats(dtype)))
    assert found.totals.state_bytes == 36 * bytes


def test_weights_that_are_shared_have_one_state():
    found = trained("input: [8]\nlayers: [{linear: 8, name: a}, {linear: 8, share: a}]", "adam")
    assert [row.totals.state_bytes for row in found.layers] == [72 * 16, 0]


def test_an_unknown_optimizer():
    with pytest.raises(UsageError, match="unknown optimizer adamm"):
        costcalc.analyze("lenet5", optimizer="adamm")
