"""Bytes of networks: those of papers and of real interpreters, and those of small networks by hand."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.model import PLAIN, Execution
from costcalc.number_formats import formats

INT8 = Execution(formats("int8"))
TORCH = Execution(eager=True, in_place="activations")


def totals(source, execution=PLAIN, batch=1):
    network = costcalc.loads(source) if ":" in source else costcalc.load(source)
    return costcalc.analyze(network, execution=execution, batch=batch).totals


PEAKS = {
    # The peak of torchvision's model while it runs, without parameters and without the network's own input.
    ("vgg16", TORCH): 2 * 64 * 224 * 224 * 4,
    ("resnet18", TORCH): 2 * 64 * 112 * 112 * 4,
    # A block holds its input while its last norm runs: 64 + 3 · 256 channels of 56×56.
    ("resnet50", TORCH): (64 + 3 * 256) * 56 * 56 * 4,
    ("mobilenet_v2", INT8): (96 * 112 * 112 + 96 * 56 * 56),
    ("mobilenet_v2", INT8._replace(in_place="all")): (16 + 96) * 112 * 112,
}


@pytest.mark.parametrize(("spec", "execution"), PEAKS, ids=str)
def test_peaks(spec, execution):
    assert totals(spec, execution).peak_bytes == PEAKS[spec, execution]


ARENAS = {  # the arena that the interpreter of TensorFlow Lite for Microcontrollers takes
    ("ds_cnn", ()): (2_656_768, 16_000, 16_000),
    ("tiny_autoencoder", ()): (264_192, 768, 768),
    ("mobilenet_v1_vww", (("channels", 1),)): (7_157_888, 55_296, 55_296),
}


@pytest.mark.parametrize("network", ARENAS)
def test_arenas(network):
    name, params = network
    found = costcalc.analyze(costcalc.load(name, **dict(params)), execution=INT8).totals
    assert (found.macs, found.peak_bytes, found.arena_bytes) == ARENAS[network]


def test_conv_activations():
    # Radosavovic et al. 2020, arXiv:2003.13678: 11.1M of ResNet-50.
    assert totals("resnet50").conv_activations == 11_113_984


@pytest.mark.parametrize(("dtype", "gbops"), [("fp32", 3951), ("int8", 247)])
def test_bops_of_resnet50(dtype, gbops):
    """Yao et al. 2020 (HAWQ-V3), README: 3951 and 247 GBOPS at 32 and 8 bits."""
    assert round(totals("resnet50_v1", Execution(formats(dtype))).bops / 10**9) == gbops


@pytest.mark.parametrize(("dtype", "gbops"), [("fp32", 1858), ("int8", 116)])
def test_bops_of_resnet18(dtype, gbops):
    assert round(totals("resnet18", Execution(formats(dtype))).bops / 10**9) == gbops


@pytest.mark.parametrize(("name", "first", "gbops"), [("resnet18", 118_013_952, 34), ("resnet50_v1", 118_013_952, 67)])
def test_bops_with_the_first_and_last_layer_at_8_bits(name, first, gbops):
    text = costcalc.load(name)
    layers = [
        layer._replace(formats=formats("int8")) if layer.name in ("conv", "linear") else layer for layer in text.layers
    ]
    network = text._replace(layers=tuple(layers))
    found = costcalc.analyze(network, execution=Execution(formats("int4"))).totals
    last = 512 * 1000 if name == "resnet18" else 2048 * 1000
    assert found.bops == 16 * (found.macs - first - last) + 64 * (first + last)
    assert found.bops // 10**9 == gbops  # the README cuts 34.7


SMALL = """
input: [3, 8, 8]
layers:
  - conv: {out: 4, kernel: 3, padding: 1, norm: batchnorm, act: relu}
  - flatten
  - linear: 10
"""


def test_traffic_and_weights_by_hand():
    found = costcalc.analyze(costcalc.loads(SMALL))
    conv, norm, relu, flatten, linear = (row.totals for row in found.layers)
    assert conv.weight_bytes == (4 * 27 + 4) * 4
    assert norm.weight_bytes == (2 * 4 + 2 * 4) * 4
    assert linear.weight_bytes == (256 * 10 + 10) * 4
    # Within the step of the convolution, only its input is read, and only the output of relu is written.
    assert conv.traffic_bytes == 3 * 64 * 4 + conv.weight_bytes
    assert norm.traffic_bytes == norm.weight_bytes
    assert relu.traffic_bytes == 4 * 64 * 4
    assert flatten.traffic_bytes == 0
    assert linear.traffic_bytes == 256 * 4 + linear.weight_bytes + 10 * 4
    assert conv.peak_bytes == norm.peak_bytes == (3 * 64 + 4 * 64) * 4
    assert linear.peak_bytes == (256 + 10) * 4
    assert found.totals.intensity == found.totals.flops / found.totals.traffic_bytes
    eager = costcalc.analyze(costcalc.loads(SMALL), execution=Execution(eager=True))
    assert [row.totals.peak_bytes for row in eager.layers] == [1792, 2048, 2048, 1024, 1064]
    assert eager.layers[1].totals.traffic_bytes == norm.weight_bytes + 2 * 4 * 64 * 4


def test_batch_multiplies_tensors_and_not_weights():
    one, eight = totals(SMALL), totals(SMALL, batch=8)
    assert eight.weight_bytes == one.weight_bytes
    assert eight.peak_bytes == 8 * one.peak_bytes
    assert eight.traffic_bytes == 8 * (one.traffic_bytes - one.weight_bytes) + one.weight_bytes


def test_weights_below_a_byte_are_rounded_up_for_each_tensor():
    found = totals("input: [3]\nlayers: [{linear: 3}]", Execution(formats("int4")))
    assert found.weight_bytes == 5 + 2  # 9 and 3 numbers of 4 bits
    assert found.peak_bytes == 2 + 2


def test_weights_that_are_shared_are_stored_once_and_read_twice():
    found = costcalc.analyze(costcalc.loads("input: [8]\nlayers: [{linear: 8, name: a}, {linear: 8, share: a}]"))
    first, second = (row.totals for row in found.layers)
    assert (first.weight_bytes, second.weight_bytes) == ((64 + 8) * 4, 0)
    assert second.traffic_bytes == (8 + 8 + 64 + 8) * 4 == first.traffic_bytes


def test_a_lookup_reads_the_rows_that_it_needs():
    network = costcalc.loads("input: [16]\nlayers: [{embedding: {vocab: 1000, dim: 8}}]")
    (row,) = costcalc.analyze(network).layers
    assert row.totals.traffic_bytes == 16 * 4 + 16 * 8 * 4 + 16 * 8 * 4
    many = costcalc.analyze(network, batch=100).layers[0]
    assert many.totals.traffic_bytes == 100 * (16 * 4 + 16 * 8 * 4) + 1000 * 8 * 4
    half = costcalc.analyze(network, execution=Execution(formats("fp16"))).layers[0]
    assert half.totals.traffic_bytes == 16 * 4 + 2 * 16 * 8 * 2  # the indices are still int32


def test_a_token_reads_the_experts_that_it_goes_to():
    text = "input: [T, 8]\nparams: {T: 1}\nlayers: [{moe: [{linear: {out: 8, bias: false}}], experts: 4, active: 2}]"
    one = costcalc.analyze(costcalc.loads(text.replace("input: [T, 8]\nparams: {T: 1}", "input: [1, 8]"))).layers
    many = costcalc.analyze(costcalc.loads(text.replace("input: [T, 8]\nparams: {T: 1}", "input: [9, 8]"))).layers
    (single,) = (row.totals for row in one if row.op == "linear" and row.totals.params == 4 * 64)
    (several,) = (row.totals for row in many if row.op == "linear" and row.totals.params == 4 * 64)
    assert single.traffic_bytes == (2 * 8 + 2 * 8 + 2 * 64) * 4
    assert several.traffic_bytes == (18 * 8 + 18 * 8 + 4 * 64) * 4


def test_products_of_activations_have_the_bits_of_activations():
    mixed = Execution(formats("weights=int4,activations=fp16"))
    found = totals("input: [10, 8]\nlayers: [{attention: {heads: 2, bias: false}}]", mixed)
    assert found.macs == 4 * 10 * 64 + 2 * 100 * 8
    assert found.bops == 4 * 10 * 64 * 4 * 16 + 2 * 100 * 8 * 16 * 16
    product = totals("input: {a: [2, 3], b: [3, 4]}\nlayers: [{matmul: , from: [a, b]}]", mixed)
    assert product.bops == 24 * 16 * 16


FORMS = {
    "input: [8]\ndtype: int8\nlayers: [{linear: 8}]": (64 + 8, 16),
    "input: [8]\ndtype: {weights: int4}\nlayers: [{linear: 8}]": (32 + 4, 64),
    "input: [8]\nlayers: [{linear: 8, dtype: int8}]": (64 + 8, 8 * 4 + 8),
    "input: [8]\nlayers: [{linear: {out: 8, dtype: int8}}]": (64 + 8, 8 * 4 + 8),
    "input: [8]\ndtype: fp16\nlayers: [{linear: 8, dtype: {weights: int8}}]": (64 + 8, 32),
    "input: [8]\nlayers: [{group: [{linear: 8}], dtype: int8}]": (64 + 8, 8 * 4 + 8),
    "input: [8]\nlayers: [{group: [{linear: {out: 8, dtype: fp64}}], dtype: int8}]": (8 * 72, 8 * 4 + 64),
}


@pytest.mark.parametrize("text", FORMS)
def test_formats_in_a_spec(text):
    found = totals(text)
    assert (found.weight_bytes, found.peak_bytes) == FORMS[text]


def test_the_command_line_replaces_the_formats_of_a_spec_and_not_those_of_a_layer():
    text = "input: [8]\ndtype: int8\nlayers: [{linear: 8}, {linear: {out: 8, dtype: fp16}}]"
    assert totals(text, Execution(formats("fp64"))).weight_bytes == 72 * 8 + 72 * 2


def test_equal_blocks_with_other_formats_are_not_copies():
    text = "input: [8]\nblocks: {unit: [linear: 8]}\nlayers: [unit, {unit: , dtype: int8}, unit]"
    rows = costcalc.analyze(costcalc.loads(text)).layers
    assert [row.totals.weight_bytes for row in rows] == [72 * 4, 72, 72 * 4]


ERRORS = {
    "dtype: int7": ("unknown number format int7", "did you mean int8?"),
    "dtype: float16": ("unknown number format float16", "did you mean fp16?"),
    "dtype: {weight: int8}": ("weight has no number format", "did you mean weights?"),
    "dtype: weights=int8,weights=int4": ("weights is given twice", ""),
    "dtype: [int8]": ("unknown number format a list", ""),
}


@pytest.mark.parametrize("text", ERRORS)
def test_wrong_formats(text):
    message, help = ERRORS[text]
    with pytest.raises(costcalc.errors.SpecError) as caught:
        costcalc.loads(f"input: [8]\n{text}\nlayers: [relu]")
    (fault,) = caught.value.faults
    assert (fault.message, fault.span.line) == (message, 2)
    assert fault.help.startswith(help)


def test_a_norm_has_the_formats_of_its_layer():
    with pytest.raises(costcalc.errors.SpecError, match="batchnorm has the number formats of the layer before it"):
        costcalc.loads("input: [3, 8, 8]\nlayers: [{conv: {out: 8, kernel: 1, norm: {batchnorm: {dtype: int8}}}}]")
