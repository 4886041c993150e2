"""Caffe's deploy files."""

from __future__ import annotations

from textwrap import dedent

import pytest

import costcalc
from costcalc.errors import CostcalcError

DATA = 'input: "data" input_shape { dim: 1 dim: 4 dim: 32 dim: 32 }\n'


def load(tmp_path, text):
    path = tmp_path / "deploy.prototxt"
    path.write_text(dedent(text), encoding="utf-8")
    return costcalc.load(path)


def layer(kind, more="", bottom="data", top="x", name="it"):
    bottoms = " ".join(f'bottom: "{each}"' for each in bottom.split())
    tops = " ".join(f'top: "{each}"' for each in top.split())
    return f'layer {{ name: "{name}" type: "{kind}" {bottoms} {tops} {more} }}\n'


def test_alexnet_of_2012_as_in_its_deploy_file(tmp_path):
    """Two groups, overlapping pools, the norm after the pool; the bundled spec and Krizhevsky's paper agree."""
    text = 'name: "AlexNet"\n' + layer(
        "Input", "input_param { shape: { dim: 10 dim: 3 dim: 227 dim: 227 } }", "", "data", "data"
    )
    convolutions = [(96, 11, 4, 0, 1), (256, 5, 1, 2, 2), (384, 3, 1, 1, 1), (384, 3, 1, 1, 2), (256, 3, 1, 1, 2)]
    blob = "data"
    for index, (out, kernel, stride, pad, group) in enumerate(convolutions, 1):
        given = f"num_output: {out} kernel_size: {kernel} stride: {stride} pad: {pad} group: {group}"
        text += layer("Convolution", f"convolution_param {{ {given} }}", blob, f"conv{index}", f"conv{index}")
        text += layer("ReLU", "", f"conv{index}", f"conv{index}", f"relu{index}")  # in place
        blob = f"conv{index}"
        if index in (1, 2):
            text += layer(
                "LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }", blob, f"norm{index}", f"norm{index}"
            )
            blob = f"norm{index}"
        if index in (1, 2, 5):
            pool = "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"
            text += layer("Pooling", pool, blob, f"pool{index}", f"pool{index}")
            blob = f"pool{index}"
    for index, out in ((6, 4096), (7, 4096), (8, 1000)):
        text += layer("InnerProduct", f"inner_product_param {{ num_output: {out} }}", blob, f"fc{index}", f"fc{index}")
        blob = f"fc{index}"
    text += layer("Softmax", "", blob, "prob", "prob")
    totals = costcalc.analyze(load(tmp_path, text)).totals
    bundled = costcalc.analyze("alexnet_2012").totals
    assert (totals.params, totals.macs) == (bundled.params, bundled.macs) == (60_965_224, 724_406_816)


POOLS = [
    # ceil((32 + 2p - k) / s) + 1
    ("kernel_size: 1 stride: 2", 17),  # ceil(31 / 2) + 1: the last window lies outside
    ("kernel_size: 3 stride: 2", 16),  # ceil(29 / 2) + 1
    ("kernel_size: 2 stride: 2", 16),
    ("kernel_size: 2 stride: 2 pad: 1", 17),
    ("kernel_size: 3 stride: 2 pad: 1", 17),  # ceil(31 / 2) + 1
    ("kernel_size: 2 stride: 3", 11),  # ceil(30 / 3) + 1
    ("kernel_size: 2 stride: 5", 7),
    ("kernel_size: 3 stride: 2 round_mode: FLOOR", 15),
    ("kernel_h: 3 kernel_w: 3 stride: 2 pool: AVE", 16),
]


@pytest.mark.parametrize(("given", "size"), POOLS)
def test_pools_round_up_as_caffe_does(tmp_path, given, size):
    network = load(tmp_path, DATA + layer("Pooling", f"pooling_param {{ {given} }}"))
    assert network.layers[-1].outputs == ((4, size, size),)


ONE = [
    ("Convolution", "convolution_param { num_output: 8 kernel_size: 3 bias_term: false }", (8, 30, 30), 9 * 4 * 8),
    ("Convolution", "convolution_param { num_output: 8 kernel_h: 1 kernel_w: 3 pad_w: 1 }", (8, 32, 32), 3 * 4 * 8 + 8),
    ("DepthwiseConvolution", "convolution_param { num_output: 4 kernel_size: 3 pad: 1 }", (4, 32, 32), 9 * 4 + 4),
    (
        "Deconvolution",
        "convolution_param { num_output: 2 kernel_size: 4 stride: 2 pad: 1 }",
        (2, 64, 64),
        16 * 4 * 2 + 2,
    ),
    ("InnerProduct", "inner_product_param { num_output: 10 }", (10,), 4 * 32 * 32 * 10 + 10),
    ("BatchNorm", "", (4, 32, 32), 0),
    ("Scale", "scale_param { bias_term: true }", (4, 32, 32), 8),
    ("Scale", "", (4, 32, 32), 4),
    ("PReLU", "", (4, 32, 32), 4),
    ("PReLU", "prelu_param { channel_shared: true }", (4, 32, 32), 1),
    ("ReLU", "relu_param { negative_slope: 0.1 }", (4, 32, 32), 0),
    ("Power", "power_param { scale: 0.5 shift: 1 }", (4, 32, 32), 0),
    ("Pooling", "pooling_param { pool: AVE global_pooling: true }", (4, 1, 1), 0),
    ("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }", (32, 32, 4), 0),
    ("ShuffleChannel", "shuffle_channel_param { group: 2 }", (4, 32, 32), 0),
    ("Softmax", "softmax_param { axis: 1 }", (4, 32, 32), 0),
    ("Flatten", "", (4096,), 0),
]


@pytest.mark.parametrize(("kind", "given", "shape", "params"), ONE)
def test_layers(tmp_path, kind, given, shape, params):
    network = load(tmp_path, DATA + layer(kind, given))
    assert network.layers[-1].outputs == (shape,)
    assert costcalc.analyze(network).totals.params == params


def test_joins_and_parts(tmp_path):
    text = DATA + layer("Slice", "slice_param { slice_point: 1 slice_point: 3 }", top="a b c", name="parts")
    text += layer("Concat", "", "a b", "ab", "ab") + layer(
        "Eltwise", "eltwise_param { operation: PROD }", "a c", "ac", "ac"
    )
    network = load(tmp_path, text)
    assert {name: tensor.shape for name, tensor in network.outputs.items()} == {"ab": (3, 32, 32), "ac": (1, 32, 32)}


def test_the_first_version_of_the_format(tmp_path):
    text = """
        input: "data"
        input_dim: 1 input_dim: 4 input_dim: 8 input_dim: 8
        layers { name: "fc" type: INNER_PRODUCT bottom: "data" top: "fc" inner_product_param { num_output: 3 } }
        layers { name: "loss" type: SOFTMAX_LOSS bottom: "fc" bottom: "label" }
    """
    assert costcalc.analyze(load(tmp_path, text)).totals.params == 4 * 8 * 8 * 3 + 3


MANY = layer("Convolution", "convolution_param { num_output: many kernel_size: 3 }")
FAULTS = [
    (layer("Convolution"), 1, "reads data, which no earlier layer writes"),
    (layer("Data", "", "", "data"), 1, "no counterpart of layer it of type Data"),
    (f"\n{DATA}{layer('SPP')}", 3, "no counterpart of layer it of type SPP"),
    (f"{DATA}layer {{", 2, "the text ends in the middle of a message"),
    (f"{DATA}}}", 2, "unexpected }"),
    (f'{DATA}name: "net', 2, 'unexpected "'),
    ("name: 'empty'", 1, "the network has no input of a known shape"),
    (f"{DATA}{MANY}", 2, "expected an integer, got many"),
    (f"{DATA}{layer('Pooling', 'pooling_param { pool: STOCHASTIC }')}", 2, "no counterpart of pool: STOCHASTIC"),
    ('input: "data"', 1, "each input needs one input_shape, or four input_dim"),
    ("a { " * 40, 1, "more than 30 levels of messages"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), FAULTS)
def test_faults_have_the_line_of_the_file(tmp_path, text, line, message):
    with pytest.raises(CostcalcError) as caught:
        load(tmp_path, text)
    (fault,) = caught.value.faults
    assert (fault.span.line, message in fault.message) == (line, True), fault.message
