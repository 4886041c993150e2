"""Suggestions for names of ops and arguments from PyTorch, Keras and papers."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import ArgumentError, SpecError
from costcalc.lang.builtin_blocks import builtin
from costcalc.lang.template import STRUCTURES
from costcalc.ops.base import layer_aliases, registered
from costcalc.ops.framework_aliases import BLOCKS, LISTS, RENAMED, argument_help, nearest_argument, nearest_layer

LAYERS = [*registered(), *builtin(), *STRUCTURES]


def faults(shape, layer):
    with pytest.raises(SpecError) as caught:
        costcalc.loads(f"input: {shape}\nlayers:\n  - {layer}\n")
    return [(fault.message, fault.help) for fault in caught.value.faults]


COSTLESS = "remove it: it changes no shape and no count"
ARGUMENTS = [
    ("[4, 8, 8]", "concat: {dim: 1}", "use axis instead, which counts without the batch: dim 1 is axis 0"),
    ("[4, 8, 8]", "mean: {dim: [2, 3]}", "use axis instead, which counts without the batch: dim [2, 3] is axis [1, 2]"),
    ("[4, 8, 8]", "softmax: {dim: -1}", "use axis instead, which counts without the batch: dim -1 is axis -1"),
    ("[4, 8, 8]", "softmax: {dim: 0}", "use axis instead, which counts without the batch: dim 1 is axis 0"),
    ("[4, 8, 8]", "softmax: {dim: x}", "use axis instead, which counts without the batch: dim 1 is axis 0"),
    ("[4, 8, 8]", "permute: {dims: [0, 2, 3, 1]}", "without the batch: dims [0, 2, 3, 1] is order [1, 2, 0]"),
    ("[4, 8, 8]", "flatten: {start_dim: 1}", "start instead, which counts without the batch: start_dim 1 is start 0"),
    ("[8]", "linear: {dim: 3}", "use out instead"),
    ("[4, 8]", "layernorm: {normalized_shape: 8}", "use axes: 1, the number of trailing axes; their sizes follow"),
    ("[4, 8]", "layernorm: {normalized_shape: [4, 8]}", "use axes: 2, the number of trailing axes; their sizes follow"),
    ("[4, 8]", "rmsnorm: {dim: 8}", "use axes: 1, the number of trailing axes; their sizes follow"),
    ("[4, 8, 8]", "conv: {activation: relu, out: 1, kernel: 1}", "use act instead"),
    ("[4, 8, 8]", "conv: {normalization: batchnorm, out: 1, kernel: 1}", "use norm instead"),
    ("[4, 8, 8]", "conv: {normalisation: batchnorm, out: 1, kernel: 1}", "use norm instead"),
    ("[4, 8, 8]", "conv: {use_bias: false, out: 1, kernel: 1}", "use bias instead"),
    ("[4, 8, 8]", "conv: {filters: 1, kernel: 1}", "use out instead"),
    ("[4, 8, 8]", "conv: {zzz: 1, out: 1, kernel: 1}",
     "known: out, kernel, stride, padding, dilation, groups, bias, connections, density, nm, norm, act"),
    ("[4, 8, 8]", "maxpool: {activation: relu, kernel: 2}", "write it as a separate layer after maxpool"),
    ("[4, 8, 8]", "squeeze_excite: {activation: relu}", "use act instead"),
    ("[4, 8, 8]", "leaky_relu: {negative_slope: 0.1}", COSTLESS),
    ("[4, 8]", "rnn: {nonlinearity: relu, hidden: 3}", COSTLESS),
    ("[4, 8, 8]", "groupnorm: {num_channels: 4, groups: 2}", "remove it: the channels follow from the input"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "layer", "help"), ARGUMENTS)
def test_argument_of_another_framework(shape, layer, help):
    ((message, advice),) = faults(shape, layer)
    op, argument = layer.split(": {")[0], layer.split(": ")[1].lstrip("{")
    assert message == f"{op} has no argument {argument}"
    assert help in advice


def test_value_for_op_without_arguments():
    help = f"{COSTLESS}; write - leaky_relu"
    assert faults("[4, 8, 8]", "leaky_relu: 0.1") == [("leaky_relu takes no arguments", help)]
    layer = "conv: {out: 1, kernel: 1, act: {leaky_relu: 0.1}}"
    assert faults("[4, 8, 8]", layer) == [("leaky_relu takes no arguments", help)]


def test_norm_and_act_in_python():
    for name in ("act", "norm", "activation", "norm_layer"):
        with pytest.raises(ArgumentError) as caught:
            registered()["conv"](out=1, kernel=1, **{name: "relu"})
        assert caught.value.help == "write it as a separate layer after conv"


NAMES = {
    "adaptive_avgpool": ["AdaptiveAvgPool2d"],
    "attention": ["mha", "MultiheadAttention", "self_attention"],
    "batchnorm": ["bn", "BatchNorm2d", "BatchNormalization"],
    "concat": ["cat", "Concatenate"],
    "conv": ["conv1d", "conv2d", "Conv2d", "nn.Conv3d", "convolution"],
    "conv_transpose": ["deconv", "convtranspose2d", "ConvTranspose2d", "Conv2DTranspose"],
    "depthwise_conv": ["dwconv", "depthwise", "DepthwiseConv2D"],
    "dropout": ["Dropout2d", "DropPath"],
    "gelu": ["GELU"],
    "global_avgpool": ["gap", "GlobalAveragePooling2D"],
    "group": ["Sequential"],
    "hardswish": ["hswish"],
    "inverted_residual": ["InvertedResidual", "InvertedBottleneck"],
    "mbconv": ["MBConv"],
    "layernorm": ["ln", "LayerNorm"],
    "leaky_relu": ["LeakyReLU"],
    "linear": ["dense", "fc", "Linear", "nn.Linear"],
    "lrn": ["LocalResponseNorm"],
    "lstm": ["torch.nn.LSTM"],
    "matmul": ["bmm", "mm"],
    "maxpool": ["MaxPool2d", "MaxPooling2D"],
    "mlp": ["ffn"],
    "pixel_shuffle": ["PixelShuffle"],
    "reshape": ["view", "unsqueeze"],
    "residual": ["skip_connection"],
    "silu": ["swish"],
    "softmax": ["Softmax2d"],
    "squeeze_excite": ["se", "SqueezeExcite"],
    "upsample": ["Upsample", "interpolate", "UpSampling2D"],
}


@pytest.mark.parametrize(("name", "layer"), [(name, layer) for layer, names in NAMES.items() for name in names])
def test_layer_of_another_framework(name, layer):
    assert nearest_layer(name, LAYERS, layer_aliases()) == layer
    assert faults("[4, 8, 8]", name) == [(f"unknown op or block {name}", f"did you mean {layer}?")]


TORCH = [
    "AdaptiveLogSoftmaxWithLoss", "AlphaDropout", "Bilinear", "CELU", "CosineSimilarity", "CrossMapLRN2d",
    "EmbeddingBag", "Fold", "FractionalMaxPool2d", "Hardshrink", "LPPool2d", "LogSigmoid", "MaxUnpool2d",
    "PairwiseDistance", "RReLU", "Softmin", "Softshrink", "Softsign", "Tanhshrink", "Threshold", "Unfold", "acos",
    "asin", "atan", "ceil", "cosh", "cumsum", "floor", "grid_sample", "affine_grid", "log1p", "max_unpool2d",
    "min", "pow", "prod", "round", "sign", "sinh", "softmin", "tan", "topk", "unpool", "local", "bilinear",
    "where", "sinc", "argmax", "trunc", "fmod",
]  # fmt: skip


@pytest.mark.parametrize("name", TORCH)
def test_a_layer_that_no_op_equals_is_not_answered_with_a_similar_name(name):
    assert nearest_layer(name, LAYERS, layer_aliases()) == ""
    assert faults("[4, 8, 8]", name) == [(f"unknown op or block {name}", LISTS)]


@pytest.mark.parametrize(
    "name", ["cnv", "covn", "convv", "lineer", "depthwise_cnv", "transformer_encodr", "maxpol", "relu_"]
)
def test_a_slip_of_the_pen_is_answered(name):
    assert nearest_layer(name, LAYERS, layer_aliases()) in (
        "conv", "linear", "depthwise_conv", "transformer_encoder", "maxpool", "relu",
    )  # fmt: skip


def test_suggestions_exist():
    assert set(BLOCKS.values()) <= set(LAYERS)
    aliases = [*BLOCKS, *[alias for op in registered().values() for alias in op.aliases]]
    assert len(aliases) == len(set(aliases)) > 50
    assert not {*aliases} & set(LAYERS)
    arguments = {field for op in registered().values() for field in op.fields} | {"norm", "act"}
    assert {argument for names in RENAMED.values() for argument in names} <= arguments


@pytest.mark.parametrize(
    ("name", "known", "op", "help"),
    [
        ("kernal", ["kernel"], "", "did you mean kernel?"),
        ("kernal", ["kernel"], "conv", "did you mean kernel?"),
        ("kernel_size", ["kernel"], "conv", "use kernel instead"),
        # it means the kernel, so a name that is like its own is none
        ("kernel_size", ["kernels"], "lrn", "known: kernels"),
        ("inplace", ["in_place"], "relu", "remove it: it changes no shape and no count"),
        ("slope", [], "relu", "relu takes no arguments"),
    ],
)
def test_help_for_an_argument(name, known, op, help):
    assert argument_help(name, known, op=op) == help


@pytest.mark.parametrize(
    ("name", "known", "nearest"),
    [("kernal", ["kernel"], "kernel"), ("kernel_size", ["kernels"], ""), ("inplace", ["in_place"], "")],
)
def test_the_nearest_argument(name, known, nearest):
    assert nearest_argument(name, known) == nearest
