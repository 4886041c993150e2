"""Recognition of cells and their forms, and the norms, activations, biases and names of new cells."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import UsageError
from costcalc.strategies.rewrite import Rewriter

ALL = ["normal", "bottleneck", "separable", "grouped", "spatial"]


def network(layers, shape="[16, 8, 8]", **more):
    extra = "".join(f"{key}: {value}\n" for key, value in more.items())
    return costcalc.loads(f"input: {shape}\n{extra}layers:\n" + "".join(f"  - {line}\n" for line in layers))


def cells(layers, shape="[16, 8, 8]", strategies=ALL, **more):
    return costcalc.compare(network(layers, shape, **more), strategies=strategies).cells


PLAIN = "conv: {out: 32, kernel: 3, padding: 1}"
REDUCE = "conv: {out: 8, kernel: 1}"
DEPTHWISE = "depthwise_conv: {kernel: 3, padding: 1}"
POINTWISE = "conv: {out: 24, kernel: 1}"


@pytest.mark.parametrize(
    ("layers", "forms"),
    [
        ([PLAIN], {"conv": "normal"}),
        ([POINTWISE], {}),
        (["conv: {out: 4, kernel: [3, 1]}"], {"conv": "normal"}),
        ([REDUCE, PLAIN], {"conv_2": "bottleneck"}),
        ([REDUCE, "batchnorm", "relu", PLAIN], {"conv_2": "bottleneck"}),
        ([REDUCE, "relu", "batchnorm", PLAIN], {"conv_2": "bottleneck"}),
        ([REDUCE, "dropout", PLAIN], {"conv_2": "normal"}),
        ([REDUCE, "lrn", PLAIN], {"conv_2": "normal"}),
        (["conv: {out: 16, kernel: 1}", PLAIN], {"conv_2": "normal"}),
        (["conv: {out: 8, kernel: 1, padding: 1}", PLAIN], {"conv_2": "normal"}),
        (["conv: {out: 8, kernel: 1, groups: 2}", PLAIN], {"conv_2": "normal"}),
        ([REDUCE, "conv: {out: 32, kernel: 3, groups: 2}"], {"conv_2": "bottleneck"}),
        ([DEPTHWISE, POINTWISE], {"depthwise_conv": "separable"}),
        (["depthwise_conv: {kernel: 3, multiplier: 2}", POINTWISE], {"depthwise_conv": "separable"}),
        (["conv: {out: 16, kernel: 3, groups: 16}", POINTWISE], {"conv": "separable"}),
        ([DEPTHWISE], {"depthwise_conv": "depthwise"}),
        ([DEPTHWISE, "dropout", POINTWISE], {"depthwise_conv": "depthwise"}),
        ([DEPTHWISE, "conv: {out: 16, kernel: 1, groups: 2}"], {"depthwise_conv": "depthwise"}),
        ([DEPTHWISE, POINTWISE, PLAIN], {"depthwise_conv": "separable", "conv_2": "normal"}),
        (["conv: {out: 16, kernel: 3, groups: 4}"], {"conv": "grouped"}),
        (["conv: {out: 8, kernel: [3, 1]}", "conv: {out: 8, kernel: [1, 3]}"], {"conv": "spatial"}),
        (["conv: {out: 8, kernel: [1, 3]}", "relu", "conv: {out: 8, kernel: [3, 1]}"], {"conv": "spatial"}),
        (["conv: {out: 8, kernel: [3, 1]}", "conv: {out: 8, kernel: [1, 5]}"], {"conv": "normal", "conv_2": "normal"}),
        (["conv: {out: 8, kernel: [3, 1]}", "conv: {out: 8, kernel: [3, 1]}"], {"conv": "normal", "conv_2": "normal"}),
        (["conv_transpose: {out: 8, kernel: 2, stride: 2}"], {"conv_transpose": "transposed"}),
        (["conv_transpose: {out: 8, kernel: 1}"], {}),
        ([PLAIN, POINTWISE], {"conv": "normal"}),
        ([REDUCE, PLAIN, "conv: {out: 64, kernel: 1}"], {"conv_2": "bottleneck"}),
    ],
)
def test_forms(layers, forms):
    assert {row.name: row.form for row in cells(layers)} == forms


@pytest.mark.parametrize(
    "spread", [["conv: {out: 8, kernel: 1}"], ["conv: {out: 8, kernel: 1, norm: batchnorm}", "relu"]]
)
def test_expansion_is_part_of_the_cell(spread):
    (row,) = cells([*spread, PLAIN, "conv: {out: 64, kernel: 1}"])
    assert row.layers[-1] == "conv_3"
    (row,) = cells([*spread, PLAIN, "conv: {out: 32, kernel: 1}"])
    assert row.layers[-1] == "conv_2"


def test_layers_with_other_readers_are_not_part_of_a_cell():
    (row,) = cells([REDUCE, PLAIN, "conv: {out: 4, kernel: 1}\n    from: conv", "concat:\n    from: [conv_2, conv_3]"])
    assert (row.form, row.layers) == ("normal", ("conv_2",))
    (row,) = cells([REDUCE, PLAIN], output="[conv, conv_2]")
    assert (row.form, row.layers) == ("normal", ("conv_2",))
    (row,) = cells([DEPTHWISE, "add: [[], [conv: {out: 16, kernel: 1}]]"])
    assert row.form == "depthwise"
    (row,) = cells(
        ["conv: {out: 16, kernel: 3, padding: 1, norm: batchnorm, act: relu}", "add:\n    from: [batchnorm, prev]"]
    )
    assert row.layers == ("conv", "batchnorm")


@pytest.mark.parametrize(
    ("shape", "stems"),
    [("[3, 8, 8]", ("conv",)), ("[4, 8, 8]", ("conv",)), ("[5, 8, 8]", ())],
)
def test_stem(shape, stems):
    built = network([PLAIN, PLAIN], shape)
    assert costcalc.compare(built).stem == stems
    assert len(costcalc.compare(built).cells) == 2 - len(stems)
    whole = costcalc.compare(built, stem=True)
    assert (whole.stem, len(whole.cells)) == ((), 2)


@pytest.mark.parametrize(
    ("layers", "reasons"),
    [
        ([DEPTHWISE], dict.fromkeys(ALL, "the output does not go to a 1×1 convolution alone")),
        (["conv_transpose: {out: 8, kernel: 2}"], dict.fromkeys(ALL, "a transposed convolution")),
        (["conv: {out: 32, kernel: 3}"], {"bottleneck": "reduce 16 must be less than the 16 input channels"}),
        (["conv: {out: 8, kernel: 2}"], {"spatial": "the kernel 2×2 is even"}),
        (["conv: {out: 8, kernel: [3, 4]}"], {"spatial": "the kernel 3×4 is even"}),
        (["conv: {out: 8, kernel: [3, 1]}"], {"spatial": "the kernel 3×1 is above 1 in one dimension only"}),
        (["conv: {out: 6, kernel: 3}"], {"grouped": "cannot divide 6 output channels into 4 groups"}),
        (
            [
                PLAIN,
                "conv: {out: 32, kernel: 3, padding: 1}\n    from: input\n    share: conv",
                "add:\n    from: [conv, conv_2]",
            ],
            dict.fromkeys(ALL[1:], "shares its weights with conv_2"),  # normal is what it is
        ),
    ],
)
def test_reasons(layers, reasons):
    row = cells(layers)[0]
    assert row.reasons == reasons
    assert all(row.figures[label] == row.figures["as_is"] for label in reasons)


def test_reason_norm_groups_do_not_divide():
    (row,) = cells(["conv: {out: 8, kernel: 3, norm: {groupnorm: 8}}"], strategies=["bottleneck"])
    assert row.reasons == {"bottleneck": "cannot divide 4 channels into 8 groups"}


def test_reason_output_shape_changes():
    """28 → 13 with the stride on the reduction, 28 → 14 in one convolution with the same padding."""
    layers = ["conv: {out: 8, kernel: 1, stride: 2}", "conv: {out: 8, kernel: 2}"]
    (row,) = cells(layers, "[16, 28, 28]", ["normal"])
    assert row.reasons == {"normal": "expected an output [8, 13, 13], got [8, 14, 14]"}


def ops(layers, strategy, shape="[16, 8, 8]", **more):
    """Return the names and ops of the rewritten network."""
    comparison = costcalc.compare(network(layers, shape, **more), strategies=[strategy])
    candidate = comparison.candidates[1]
    return [(layer.name, str(layer.op)) for layer in candidate.network.layers]


def test_new_convolutions_keep_bias_norm_and_act():
    assert ops(["conv: {out: 32, kernel: 3, bias: false, norm: batchnorm, act: relu}"], "separable") == [
        ("conv.depthwise", "depthwise_conv(kernel=3, bias=false)"),
        ("conv.batchnorm", "batchnorm"),
        ("conv.relu", "relu"),
        ("conv.pointwise", "conv(out=32, kernel=1, bias=false)"),
        ("batchnorm", "batchnorm"),
        ("relu", "relu"),
    ]
    assert ops([PLAIN], "bottleneck:reduce=2") == [
        ("conv.reduce", "conv(out=2, kernel=1)"),
        ("conv.conv", "conv(out=32, kernel=3, padding=1)"),
    ]


def test_inner_and_last_layers_keep_their_position():
    """The cell of MobileNetV2 has a norm and relu6 inside, and only a norm at the end."""
    layers = [
        "depthwise_conv: {kernel: 3, padding: 1, bias: false, norm: batchnorm, act: relu6}",
        "conv: {out: 24, kernel: 1, norm: batchnorm}",
    ]
    assert ops(layers, "normal") == [
        ("depthwise_conv", "conv(out=24, kernel=3, padding=1)"),
        ("batchnorm_2", "batchnorm"),
    ]
    assert ops(layers, "bottleneck:reduce=4") == [
        ("depthwise_conv.reduce", "conv(out=4, kernel=1, bias=false)"),
        ("depthwise_conv.batchnorm", "batchnorm"),
        ("depthwise_conv.relu6", "relu6"),
        ("depthwise_conv.conv", "conv(out=24, kernel=3, padding=1)"),
        ("batchnorm_2", "batchnorm"),
    ]


def test_norm_and_act_as_layers_equal_arguments():
    written = ops(["conv: {out: 32, kernel: 3, norm: batchnorm, act: relu}"], "separable")
    assert ops(["conv: {out: 32, kernel: 3}", "batchnorm", "relu"], "separable") == written
    assert [name for name, _ in ops(["conv: {out: 32, kernel: 3}", "relu", "softmax"], "separable")] == [
        "conv.depthwise",
        "conv.relu",
        "conv.pointwise",
        "relu",
        "softmax",
    ]


@pytest.mark.parametrize(
    ("strategy", "written"),
    [
        ("normal", ["conv(out=8, kernel=3, stride=2, padding=2, dilation=2)"]),
        ("grouped", ["conv(out=8, kernel=3, stride=2, padding=2, dilation=2, groups=4)"]),
        ("bottleneck", ["conv(out=4, kernel=1)", "conv(out=8, kernel=3, stride=2, padding=2, dilation=2)"]),
        (
            "separable",
            ["depthwise_conv(kernel=3, stride=2, padding=2, dilation=2)", "conv(out=8, kernel=1)"],
        ),
        (
            "spatial",
            [
                "conv(out=8, kernel=[3, 1], stride=[2, 1], padding=[2, 0], dilation=[2, 1])",
                "conv(out=8, kernel=[1, 3], stride=[1, 2], padding=[0, 2], dilation=[1, 2])",
            ],
        ),
    ],
)
def test_kernel_keeps_stride_padding_and_dilation(strategy, written):
    layers = ["conv: {out: 8, kernel: 3, stride: 2, padding: 2, dilation: 2}"]
    assert [op for _, op in ops(layers, strategy)] == written


def test_stride_of_reduction_is_stride_of_cell():
    """ResNet as published, with the stride on the first 1×1."""
    layers = ["conv: {out: 8, kernel: 1, stride: 2}", PLAIN, "conv: {out: 64, kernel: 1}"]
    assert ops(layers, "normal") == [("conv_2", "conv(out=64, kernel=3, stride=2, padding=1)")]
    assert ops(layers, "bottleneck") == [
        ("conv", "conv(out=8, kernel=1, stride=2)"),
        ("conv_2", "conv(out=32, kernel=3, padding=1)"),
        ("conv_3", "conv(out=64, kernel=1)"),
    ]


def test_padding_same_is_kept():
    layers = ["conv: {out: 8, kernel: 4, stride: 2, padding: same}"]
    assert [op for _, op in ops(layers, "separable", "[16, 7, 7]")] == [
        "depthwise_conv(kernel=4, stride=2, padding=same)",
        "conv(out=8, kernel=1)",
    ]


def test_spatial_cell_becomes_one_kernel():
    layers = [
        "conv: {out: 8, kernel: [5, 1], stride: [2, 1], padding: [2, 0], act: relu}",
        "conv: {out: 12, kernel: [1, 5], padding: [0, 2], bias: false}",
    ]
    assert ops(layers, "normal") == [("conv", "conv(out=12, kernel=5, stride=[2, 1], padding=2, bias=false)")]


def test_cell_keeps_its_form_unless_an_option_differs():
    layers = ["conv: {out: 8, kernel: 1}", PLAIN]
    as_it_is = [("conv", "conv(out=8, kernel=1)"), ("conv_2", "conv(out=32, kernel=3, padding=1)")]
    assert ops(layers, "bottleneck") == as_it_is
    assert ops(layers, "bottleneck:reduce=8") == as_it_is
    assert ops(layers, "bottleneck:reduce=2")[0] == ("conv_2.reduce", "conv(out=2, kernel=1)")
    grouped = ["conv: {out: 16, kernel: 3, groups: 2}"]
    assert ops(grouped, "grouped") == [("conv", "conv(out=16, kernel=3, groups=2)")]
    assert ops(grouped, "grouped:groups=8") == [("conv", "conv(out=16, kernel=3, groups=8)")]


def test_new_names_are_unique():
    built = network([PLAIN, "conv: {out: 8, kernel: 3}"])
    first, second = built.layers
    odd = built._replace(layers=(first, second._replace(name="conv.depthwise")))
    rewritten = costcalc.compare(odd, strategies=["separable"]).candidates[1].network
    names = [layer.name for layer in rewritten.layers]
    assert len(set(names)) == len(names) == 4


def test_glob_restricts_cells():
    comparison = costcalc.compare("inception", layer="b5.**")
    assert [row.name for row in comparison.cells] == ["b5.conv_2"]
    whole = costcalc.compare("inception")
    assert comparison.cells[0] == whole.cells[1]
    saved = 28 * 28 * 16 * (192 + 25 * 32) - 28 * 28 * 192 * (25 + 32)
    assert comparison.candidate("separable").analysis.totals.macs == 128_049_152 - saved


@pytest.mark.parametrize(
    ("glob", "message", "help"),
    [
        ("b6.**", "no layer matches b6.**", "** matches any number of segments"),
        ("b5", "no layer matches b5", "write b5.** for the layers below it"),
        ("b5.cunv_2", "no layer matches b5.cunv_2", "did you mean b5.conv_2?"),
        ("b1.**", "no cell contains a layer that matches b1.**", "cells are convolutions with a kernel above 1"),
    ],
)
def test_glob_without_match(glob, message, help):
    with pytest.raises(UsageError) as caught:
        costcalc.compare("inception", layer=glob)
    assert (str(caught.value), caught.value.fault().help) == (message, help)


def test_glob_that_matches_only_the_stem():
    with pytest.raises(UsageError) as caught:
        costcalc.compare("vgg16", layer="stage.0.conv.0")
    assert "--stem" in caught.value.help


def test_network_without_convolutions_is_unchanged():
    comparison = costcalc.compare(network(["linear: 4"], "[16]"))
    assert comparison.cells == ()
    assert {candidate.macs_ratio for candidate in comparison.candidates} == {1.0}


@pytest.mark.parametrize(
    ("layers", "shape", "forms"),
    [
        # a stem is a convolution on an input of at most 4 channels
        ([PLAIN], "[4, 8, 8]", {}),
        ([PLAIN], "[5, 8, 8]", {"conv": "normal"}),
        # the input, and not the output of the first layer
        (["identity", PLAIN], "[4, 8, 8]", {"conv": "normal"}),
        # one dimension cannot be split
        (["conv: {out: 8, kernel: 3}"], "[16, 8]", {"conv": "normal"}),
        # three dimensions take three convolutions
        (
            [f"conv: {{out: 8, kernel: {kernel}}}" for kernel in ("[3, 1, 1]", "[1, 3, 1]", "[1, 1, 3]")],
            "[16, 8, 8, 8]",
            {"conv": "spatial"},
        ),
        (
            [f"conv: {{out: 8, kernel: {kernel}}}" for kernel in ("[3, 1, 1]", "[1, 3, 1]")],
            "[16, 8, 8, 8]",
            {"conv": "normal", "conv_2": "normal"},
        ),
        # one of them is long in two dimensions, or works on groups
        (
            ["conv: {out: 8, kernel: [3, 3]}", "conv: {out: 8, kernel: [1, 3]}"],
            "[16, 8, 8]",
            {"conv": "normal", "conv_2": "normal"},
        ),
        (
            ["conv: {out: 8, kernel: [3, 1], groups: 2}", "conv: {out: 8, kernel: [1, 3]}"],
            "[16, 8, 8]",
            {"conv": "grouped", "conv_2": "normal"},
        ),
    ],
)
def test_forms_of_other_shapes(layers, shape, forms):
    assert {row.name: row.form for row in cells(layers, shape)} == forms


def test_spatial_cells_keep_stride_and_padding_per_dimension():
    """A kernel of 3×1×3 becomes 3×1×1 and 1×1×3. The stride 2 of the dimension of size 1 is on the last one."""
    layer = "conv: {out: 5, kernel: [3, 1, 3], stride: [1, 2, 1], padding: [1, 0, 1], bias: false}"
    candidate = costcalc.compare(network([layer], "[6, 8, 8, 8]"), strategies=["spatial"]).candidate("spatial")
    first, second = candidate.analysis.layers
    assert (first.name, first.outputs) == ("conv.conv_3x1x1", ((5, 8, 8, 8),))
    assert (second.name, second.outputs) == ("conv.conv_1x1x3", ((5, 8, 4, 8),))
    assert first.totals.macs == 5 * 8 * 8 * 8 * 3 * 6
    assert second.totals.macs == 5 * 8 * 4 * 8 * 3 * 5


def test_new_layer_has_a_unique_name():
    rewriter = Rewriter(network(["relu", "relu", "gelu"]))
    assert rewriter.unique("relu", set()) == "relu_3"
    assert rewriter.unique("relu", {"relu"}) == "relu"
    assert rewriter.unique("silu", set()) == "silu"
