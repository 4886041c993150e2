"""The bundled networks against the figures of their papers.

EXACT follows from the architectures by arithmetic; test_networks_oracle.py has PyTorch count some of them again.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import yaml

import costcalc
from costcalc.model import LARGEST

SPECS = Path(__file__).parents[2] / "specs"

UNET = sum(
    9 * sum(size * size * inner * out for size, inner, out in row)
    for row in (
        [(570, 1, 64), (568, 64, 64), (282, 64, 128), (280, 128, 128), (138, 128, 256), (136, 256, 256)],
        [(66, 256, 512), (64, 512, 512), (30, 512, 1024), (28, 1024, 1024), (54, 1024, 512), (52, 512, 512)],
        [(102, 512, 256), (100, 256, 256), (198, 256, 128), (196, 128, 128), (390, 128, 64), (388, 64, 64)],
    )
) + sum(4 * size * size * inner * inner // 2 for size, inner in ((28, 1024), (52, 512), (100, 256), (196, 128)))
UNET += 388 * 388 * 64 * 2
"""The multiply-adds of U-Net: 3x3 convolutions without padding, 2x2 transposed ones, and the 1x1 at the end."""

EXACT = [
    # C1 156, S2 12, C3 60·25 + 16, S4 32, C5 48,120, F6 10,164; MACs of C1, C3, C5, F6
    ("lenet5_1998", {}, 60_000, 28 * 28 * 25 * 6 + 10 * 10 * 25 * 60 + 400 * 120 + 120 * 84),
    ("lenet5", {}, 61_706, 416_520),
    ("alexnet", {}, 61_100_840, 714_188_480),
    ("alexnet_2012", {}, 60_965_224, 724_406_816),
    ("vgg11", {}, 132_863_336, 7_609_090_048),
    ("vgg13", {}, 133_047_848, 11_308_466_176),
    ("vgg16", {}, 138_357_544, 15_470_264_320),
    ("vgg19", {}, 143_667_240, 19_632_062_464),
    ("resnet18", {}, 11_689_512, 1_814_073_344),
    ("resnet34", {}, 21_797_672, 3_663_761_408),
    ("resnet50", {}, 25_557_032, 4_089_184_256),
    ("resnet101", {}, 44_549_160, 7_801_405_440),
    ("resnet152", {}, 60_192_808, 11_513_626_624),
    ("resnet50_v1", {}, 25_557_032, 3_857_973_248),
    ("resnet101_v1", {}, 44_549_160, 7_570_194_432),
    ("resnet152_v1", {}, 60_192_808, 11_282_415_616),
    ("inception", {}, 163_696, 128_049_152),
    (
        "inception_naive",
        {},
        192 * 64 + 64 + 3 * 3 * 192 * 128 + 128 + 5 * 5 * 192 * 32 + 32 + 192 * 32 + 32,
        308_281_344,
    ),
    ("googlenet", {}, 6_998_552, 1_582_671_872),
    ("googlenet_bn", {}, 6_624_904, 1_498_376_192),
    ("mobilenet_v1", {}, 4_231_976, 568_740_352),
    ("mobilenet_v1", {"resolution": 192}, 4_231_976, 418_121_728),
    ("mobilenet_v1", {"resolution": 160}, 4_231_976, 290_675_200),
    ("mobilenet_v1", {"resolution": 128}, 4_231_976, 186_400_768),
    ("mobilenet_v1", {"alpha": 0.75}, 2_585_560, 325_400_448),
    ("mobilenet_v1", {"alpha": 0.5}, 1_331_592, 149_497_088),
    ("mobilenet_v1", {"alpha": 0.25}, 470_072, 41_030_272),
    ("mobilenet_v1", {"middle": 0}, 2_887_976, 307_323_392),
    ("mobilenet_v2", {}, 3_504_872, 300_774_272),
    ("mobilenet_v2", {"alpha": 1.4}, 6_108_776, 582_195_824),
    ("mobilenet_v2", {"alpha": 0.75}, 2_636_424, 209_069_792),
    ("mobilenet_v2", {"alpha": 0.5}, 1_968_680, 97_131_840),
    ("mobilenet_v2", {"alpha": 0.35}, 1_677_128, 59_285_808),
    # MLPerf Tiny: parameters of Keras without the statistics of its norms, 24,908 - 1,152, 269,992 - 2,064,
    # 78,666 - 480 and 221,794 - 5,472.
    ("ds_cnn", {}, 23_756, 125 * 64 * 40 + 4 * (125 * 64 * 9 + 125 * 64 * 64) + 64 * 12),
    ("tiny_autoencoder", {}, 267_928, 2 * (640 * 128 + 3 * 128 * 128 + 128 * 8)),
    (
        "resnet8",
        {},
        78_186,
        1024 * 16 * 27 + 2 * 1024 * 16 * 144 + 256 * 32 * (144 + 288 + 16) + 64 * 64 * (288 + 576 + 32) + 640,
    ),
    ("mobilenet_v1_vww", {}, 216_322, 7_489_664),
    # Work by PyTorch's counter on torchvision's models, parameters of its table of weights.
    ("vit_b16", {}, 86_567_656, 17_563_828_224),
    ("densenet121", {}, 7_978_856, 2_834_161_664),
    ("efficientnet_b0", {}, 5_288_548, 385_814_752),
    ("mobilenet_v3_large", {}, 5_483_032, 216_589_760),
    ("convnext_tiny", {}, 28_589_128, 4_455_531_264),
    ("swin_t", {}, 28_288_354, 4_490_566_656),
    ("squeezenet1_1", {}, 1_235_496, 349_151_936),
    ("shufflenet_v2", {}, 2_278_604, 144_907_992),
    ("unet", {}, 31_030_658, UNET),
    # 28 layers of convolutions in 8.7 GFLOPs, as Ultralytics prints, and the fixed weights of the box sides.
    ("yolov8n", {}, 3_157_200, 4_371_456_000 + 8400 * 4 * 16),
    (
        "bert_base",
        {},
        109_482_240,
        12 * (128 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 128 * 128 * 768) + 768 * 768,
    ),
    (
        "gpt2",
        {},
        124_439_808,
        12 * (1024 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 1024 * 1025 // 2 * 768) + 1024 * 768 * 50257,
    ),
    (
        "llama3_8b",
        {},
        8_030_261_248,
        32 * (1024 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336) + 2 * 1024 * 1025 // 2 * 4096)
        + 1024 * 4096 * 128256,
    ),
]
NAMES = sorted({name for name, *_ in EXACT})


def analyze(name, **params):
    return costcalc.analyze(costcalc.load(name, **params))


def rows(analysis, prefix):
    """The layer of this name and those inside it."""
    found = [row for row in analysis.layers if row.name == prefix or row.name.startswith(prefix + ".")]
    assert found, f"no layer {prefix}"
    return found


def total(layers, metric):
    return sum(getattr(row.totals, metric) for row in layers)


def weights(layers):
    """Parameters without biases and norms."""
    return sum(row.totals.params - row.outputs[0][0] * bool(row.totals.add) for row in layers if row.totals.macs)


# Totals


@pytest.mark.parametrize(("name", "params", "parameters", "macs"), EXACT)
def test_totals(name, params, parameters, macs):
    totals = analyze(name, **params).totals
    assert (totals.params, totals.macs) == (parameters, macs)


def test_every_bundled_network_is_here():
    assert sorted(path.stem for path in SPECS.glob("*.yaml")) == NAMES


def test_documentation_has_these_totals():
    text = (SPECS.parent / "docs" / "networks.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
    documented = [(name, {}, int(params.replace(",", "")), int(macs.replace(",", ""))) for name, params, macs in table]
    assert documented == [row for row in EXACT if not row[1]]


@pytest.mark.parametrize("name", NAMES)
def test_expect_is_met_and_source_is_named(name):
    spec = yaml.safe_load((SPECS / f"{name}.yaml").read_text())
    entries = spec["expect"] if isinstance(spec["expect"], list) else [spec["expect"]]
    assert entries
    for entry in entries:
        analysis = analyze(name, **entry.pop("set", {}))
        assert analysis.source
        assert {metric: getattr(analysis.totals, metric) for metric in entry} == entry


@pytest.mark.parametrize("name", NAMES)
def test_rows_sum_to_totals(name):
    analysis = analyze(name)
    for metric in analysis.totals._fields:
        combine = max if metric in LARGEST else sum
        figures = [getattr(row.totals, metric) for row in analysis.layers]
        assert combine(figures) == getattr(analysis.totals, metric), metric
    operations = analysis.totals.operations
    assert analysis.totals.flops == 2 * analysis.totals.macs + sum(operations.values())
    assert analysis.totals.activations == sum(math.prod(shape) for row in analysis.layers for shape in row.outputs)


@pytest.mark.parametrize("name", NAMES)
def test_names_are_unique(name):
    names = [row.name for row in analyze(name).layers]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet_bn"])
def test_batch(name):
    network = costcalc.load(name)
    one, eight = costcalc.analyze(network).totals, costcalc.analyze(network, batch=8).totals
    assert (eight.params, eight.buffers) == (one.params, one.buffers)
    assert (eight.macs, eight.flops, eight.activations) == (8 * one.macs, 8 * one.flops, 8 * one.activations)


# Layers: name -> output, params, macs; what is not listed has no parameters and no multiply-adds

LAYERS = {
    "lenet5": {
        "C1": ((6, 28, 28), 5 * 5 * 1 * 6 + 6, 28 * 28 * 5 * 5 * 1 * 6),
        "S2": ((6, 14, 14), 0, 0),
        "C3": ((16, 10, 10), 5 * 5 * 6 * 16 + 16, 10 * 10 * 5 * 5 * 6 * 16),
        "S4": ((16, 5, 5), 0, 0),
        "C5": ((120, 1, 1), 5 * 5 * 16 * 120 + 120, 5 * 5 * 16 * 120),
        "F6": ((84,), 120 * 84 + 84, 120 * 84),
        "output": ((10,), 84 * 10 + 10, 84 * 10),
    },
    "alexnet": {
        "conv": ((64, 55, 55), 11 * 11 * 3 * 64 + 64, 55 * 55 * 11 * 11 * 3 * 64),
        "maxpool": ((64, 27, 27), 0, 0),
        "conv_2": ((192, 27, 27), 5 * 5 * 64 * 192 + 192, 27 * 27 * 5 * 5 * 64 * 192),
        "maxpool_2": ((192, 13, 13), 0, 0),
        "conv_3": ((384, 13, 13), 3 * 3 * 192 * 384 + 384, 13 * 13 * 3 * 3 * 192 * 384),
        "conv_4": ((256, 13, 13), 3 * 3 * 384 * 256 + 256, 13 * 13 * 3 * 3 * 384 * 256),
        "conv_5": ((256, 13, 13), 3 * 3 * 256 * 256 + 256, 13 * 13 * 3 * 3 * 256 * 256),
        "maxpool_3": ((256, 6, 6), 0, 0),
        "adaptive_avgpool": ((256, 6, 6), 0, 0),
        "flatten": ((9216,), 0, 0),
        "linear": ((4096,), 9216 * 4096 + 4096, 9216 * 4096),
        "linear_2": ((4096,), 4096 * 4096 + 4096, 4096 * 4096),
        "linear_3": ((1000,), 4096 * 1000 + 1000, 4096 * 1000),
    },
    "alexnet_2012": {
        "conv": ((96, 55, 55), 11 * 11 * 3 * 96 + 96, 55 * 55 * 11 * 11 * 3 * 96),
        "maxpool": ((96, 27, 27), 0, 0),
        "conv_2": ((256, 27, 27), 5 * 5 * 48 * 256 + 256, 27 * 27 * 5 * 5 * 48 * 256),
        "maxpool_2": ((256, 13, 13), 0, 0),
        "conv_3": ((384, 13, 13), 3 * 3 * 256 * 384 + 384, 13 * 13 * 3 * 3 * 256 * 384),
        "conv_4": ((384, 13, 13), 3 * 3 * 192 * 384 + 384, 13 * 13 * 3 * 3 * 192 * 384),
        "conv_5": ((256, 13, 13), 3 * 3 * 192 * 256 + 256, 13 * 13 * 3 * 3 * 192 * 256),
        "maxpool_3": ((256, 6, 6), 0, 0),
        "linear": ((4096,), 9216 * 4096 + 4096, 9216 * 4096),
        "linear_2": ((4096,), 4096 * 4096 + 4096, 4096 * 4096),
        "linear_3": ((1000,), 4096 * 1000 + 1000, 4096 * 1000),
    },
    "inception": {
        "b1.conv": ((64, 28, 28), 192 * 64 + 64, 28 * 28 * 192 * 64),
        "b3.conv": ((96, 28, 28), 192 * 96 + 96, 28 * 28 * 192 * 96),
        "b3.conv_2": ((128, 28, 28), 3 * 3 * 96 * 128 + 128, 28 * 28 * 3 * 3 * 96 * 128),
        "b5.conv": ((16, 28, 28), 192 * 16 + 16, 28 * 28 * 192 * 16),
        "b5.conv_2": ((32, 28, 28), 5 * 5 * 16 * 32 + 32, 28 * 28 * 5 * 5 * 16 * 32),
        "pool.maxpool": ((192, 28, 28), 0, 0),
        "pool.conv": ((32, 28, 28), 192 * 32 + 32, 28 * 28 * 192 * 32),
        "concat": ((64 + 128 + 32 + 32, 28, 28), 0, 0),
    },
    "inception_naive": {
        "b1.conv": ((64, 28, 28), 192 * 64 + 64, 28 * 28 * 192 * 64),
        "b3.conv": ((128, 28, 28), 3 * 3 * 192 * 128 + 128, 28 * 28 * 3 * 3 * 192 * 128),
        "b5.conv": ((32, 28, 28), 5 * 5 * 192 * 32 + 32, 28 * 28 * 5 * 5 * 192 * 32),
        "pool.conv": ((32, 28, 28), 192 * 32 + 32, 28 * 28 * 192 * 32),
        "concat": ((256, 28, 28), 0, 0),
    },
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name):
    found = {row.name: (row.outputs[0], row.totals.params, row.totals.macs) for row in analyze(name).layers}
    assert {layer: found.get(layer) for layer in LAYERS[name]} == LAYERS[name]
    assert not any(sum(figures[1:]) for layer, figures in found.items() if layer not in LAYERS[name])


def test_inception_has_fourteen_layers_each_once():
    layers = [row.name for row in analyze("inception").layers]
    convolutions = ["b1.conv", "b3.conv", "b3.conv_2", "b5.conv", "b5.conv_2", "pool.conv"]
    activations = ["b1.relu", "b3.relu", "b3.relu_2", "b5.relu", "b5.relu_2", "pool.relu"]
    assert sorted(layers) == sorted([*convolutions, *activations, "pool.maxpool", "concat"])


def test_lenet5_operations():
    totals = analyze("lenet5").totals
    maps = 6 * 28 * 28 + 16 * 10 * 10 + 120 + 84
    pooled = 6 * 14 * 14 + 16 * 5 * 5
    assert totals.operations == {
        "add": maps + 10 + 3 * pooled,  # biases; three additions for the mean of four
        "mul": 0,
        "div": pooled,
        "cmp": 0,
        "exp": maps,  # tanh
    }


def test_alexnet_2012_operations():
    totals = analyze("alexnet_2012").totals
    normed = 96 * 55 * 55 + 256 * 27 * 27
    maps = normed + 2 * 384 * 13 * 13 + 256 * 13 * 13 + 2 * 4096
    pooled = 96 * 27 * 27 + 256 * 13 * 13 + 256 * 6 * 6
    assert totals.operations == {
        "add": maps + 1000 + 5 * normed,
        "mul": 2 * normed,
        "div": normed,
        "cmp": maps + 8 * pooled,
        "exp": normed,
    }


def test_batchnorm_buffers_of_resnet50():
    stem = 64
    stages = [(mid, depth) for mid, depth in zip([64, 128, 256, 512], [3, 4, 6, 3], strict=True)]
    channels = stem + sum(depth * (mid + mid + 4 * mid) + 4 * mid for mid, depth in stages)
    assert analyze("resnet50").totals.buffers == 2 * channels


# LeNet-5 and AlexNet: figures in the text of the papers


def test_lenet5_paper():
    """LeCun et al. 1998, section II.B. Its C3 has 1,516 parameters, as it sees some maps only; here it sees all."""
    layers = {row.name: row.totals for row in analyze("lenet5").layers}
    assert {name: layers[name].params for name in ("C1", "C5", "F6")} == {"C1": 156, "C5": 48_120, "F6": 10_164}
    assert layers["C1"].macs + layers["C1"].add == 122_304  # connections, biases among them


def test_alexnet_2012_paper():
    """Krizhevsky et al. 2012, section 3.5: neurons of the layers; its 253,440 of the first is not 96 maps of 55x55."""
    layers = {row.name: math.prod(row.outputs[0]) for row in analyze("alexnet_2012").layers}
    order = ["conv_2", "conv_3", "conv_4", "conv_5", "linear", "linear_2", "linear_3"]
    assert [layers[name] for name in order] == [186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000]
    assert layers["conv"] == 290_400


# VGG


def test_vgg_table_2():
    """Simonyan and Zisserman 2014, arXiv:1409.1556, table 2: millions of parameters of A, B, C, D, E."""
    extra = Path(__file__).parent / "extra" / "vgg16_c.yaml"
    networks = ["vgg11", "vgg13", str(extra), "vgg16", "vgg19"]
    assert [round(analyze(name).totals.params / 1e6) for name in networks] == [133, 133, 134, 138, 144]


@pytest.mark.parametrize(("name", "depths"), [("vgg11", (1, 1, 2, 2, 2)), ("vgg16", (2, 2, 3, 3, 3))])
def test_vgg_stages(name, depths):
    analysis = analyze(name)
    before, size = 3, 224
    for stage, (width, depth) in enumerate(zip([64, 128, 256, 512, 512], depths, strict=True)):
        layers = rows(analysis, f"stage.{stage}")
        first, rest = 3 * 3 * before * width, (depth - 1) * 3 * 3 * width * width
        assert total(layers, "params") == first + rest + depth * width
        assert total(layers, "macs") == size * size * (first + rest)
        before, size = width, size // 2
        assert layers[-1].outputs == ((width, size, size),)


# ResNet


def test_resnet_table_1():
    """He et al. 2015, arXiv:1512.03385, table 1: 1e9 multiply-adds.

    Not as printed: 34 layers, where the paper's 3.6 is of parameter-free shortcuts (its option A); 50 layers, where
    it cuts 3.86.
    """
    billions = {name: analyze(name).totals.macs / 1e9 for name in ("resnet18", "resnet34", "resnet50_v1")}
    billions |= {name: analyze(name).totals.macs / 1e9 for name in ("resnet101_v1", "resnet152_v1")}
    assert [round(value, 1) for value in billions.values()] == [1.8, 3.7, 3.9, 7.6, 11.3]
    assert math.floor(billions["resnet50_v1"] * 10) / 10 == 3.8


def test_resnet34_with_parameter_free_shortcuts():
    analysis = analyze("resnet34")
    shortcuts = [row for row in analysis.layers if ".shortcut." in row.name]
    projections = 28 * 28 * 64 * 128 + 14 * 14 * 128 * 256 + 7 * 7 * 256 * 512
    assert total(shortcuts, "macs") == projections
    assert round((analysis.totals.macs - projections) / 1e9, 1) == 3.6


@pytest.mark.parametrize("name", ["resnet18", "resnet34"])
def test_resnet_of_basic_blocks(name):
    analysis = analyze(name)
    before, size = 64, 56
    for stage, depth in enumerate([2, 2, 2, 2] if name == "resnet18" else [3, 4, 6, 3]):
        out, layers = 64 * 2**stage, rows(analysis, f"stage.{stage}")
        size = size if stage == 0 else size // 2
        projection = 0 if stage == 0 else before * out
        kernels = 3 * 3 * before * out + (2 * depth - 1) * 3 * 3 * out * out + projection
        norms = 2 * out * (2 * depth + (stage > 0))
        assert total(layers, "macs") == size * size * kernels
        assert total(layers, "params") == kernels + norms
        assert layers[-1].outputs == ((out, size, size),)
        before = out


@pytest.mark.parametrize(("name", "v1"), [("resnet50", False), ("resnet50_v1", True)])
def test_resnet_of_bottlenecks(name, v1):
    analysis = analyze(name)
    before, size = 64, 56
    for stage, depth in enumerate([3, 4, 6, 3]):
        mid, layers = 64 * 2**stage, rows(analysis, f"stage.{stage}")
        entering, size = size, size if stage == 0 else size // 2
        first = size if v1 else entering  # where the first 1x1 convolution of the stage puts out
        reduce, widen, kernel = before * mid, mid * 4 * mid, 3 * 3 * mid * mid
        macs = first * first * reduce + size * size * (kernel + widen + before * 4 * mid)
        macs += (depth - 1) * size * size * (4 * mid * mid + kernel + widen)
        assert total(layers, "macs") == macs
        assert layers[-1].outputs == ((4 * mid, size, size),)
        before = 4 * mid


# GoogLeNet: Szegedy et al. 2014, arXiv:1409.4842, table 1

INCEPTIONS = {  # row: layer, input, size, widths; printed K of parameters, printed M of operations
    "3a": ("stage3.0", 192, 28, (64, 96, 128, 16, 32, 32), 159, 128),
    "3b": ("stage3.1", 256, 28, (128, 128, 192, 32, 96, 64), 380, 304),
    "4a": ("stage4.0", 480, 14, (192, 96, 208, 16, 48, 64), 364, 73),
    "4b": ("stage4.1", 512, 14, (160, 112, 224, 24, 64, 64), 437, 88),
    "4c": ("stage4.2", 512, 14, (128, 128, 256, 24, 64, 64), 463, 100),
    "4d": ("stage4.3", 512, 14, (112, 144, 288, 32, 64, 64), 580, 119),
    "4e": ("stage4.4", 528, 14, (256, 160, 320, 32, 128, 128), 840, 170),
    "5a": ("stage5.0", 832, 7, (256, 160, 320, 32, 128, 128), 1072, 54),
    "5b": ("stage5.1", 832, 7, (384, 192, 384, 48, 128, 128), 1388, 71),
}


@pytest.mark.parametrize(("name", "kernel"), [("googlenet", 5), ("googlenet_bn", 3)])
@pytest.mark.parametrize("row", INCEPTIONS)
def test_googlenet_modules(name, kernel, row):
    layer, before, size, (b1, r3, b3, r5, b5, pool), *_ = INCEPTIONS[row]
    layers = rows(analyze(name), layer)
    kernels = before * (b1 + r3 + r5 + pool) + 3 * 3 * r3 * b3 + kernel * kernel * r5 * b5
    channels = b1 + r3 + b3 + r5 + b5 + pool
    assert total(layers, "params") == kernels + channels * (1 if name == "googlenet" else 2)
    assert total(layers, "macs") == size * size * kernels
    assert layers[-1].outputs == ((b1 + b3 + b5 + pool, size, size),)


def test_googlenet_table_1_operations():
    """Millions per row. Not as printed: conv1, 34 for 7·7·3·64·112·112 = 118.0; 4a, 73.6 cut; 5a, 54 for 51.1."""
    analysis = analyze("googlenet")
    modules = {row: total(rows(analysis, layer), "macs") / 1e6 for row, (layer, *_) in INCEPTIONS.items()}
    printed = {row: operations for row, (*_, operations) in INCEPTIONS.items()}
    other = {row.name: row.totals.macs / 1e6 for row in analysis.layers}
    assert round(other["conv_2"] + other["conv_3"]) == 360
    assert round(other["linear"]) == 1
    assert {row: round(value) for row, value in modules.items() if row not in ("4a", "5a")} == {
        row: value for row, value in printed.items() if row not in ("4a", "5a")
    }
    assert (math.floor(modules["4a"]), round(modules["4a"], 1)) == (73, 73.6)
    assert round(modules["5a"], 1) == 51.1
    assert other["conv"] == 7 * 7 * 3 * 64 * 112 * 112 / 1e6


def test_googlenet_table_1_parameters():
    """Weights without biases in units of 1024, as printed where the paper's column is consistent with its widths.

    conv2, 3a, and the linear layer (in units of 1000) are to be had; the other modules differ by up to 8 %.
    """
    analysis = analyze("googlenet")
    layers = {row.name: [row] for row in analysis.layers}
    assert weights(layers["conv_2"] + layers["conv_3"]) == 112 * 1024
    assert weights(layers["linear"]) == 1024 * 1000
    exact = {row: weights(rows(analysis, layer)) / 1024 for row, (layer, *_) in INCEPTIONS.items()}
    assert math.floor(exact["3a"]) == 159
    for row, (*_, printed, _) in INCEPTIONS.items():
        assert exact[row] == pytest.approx(printed, rel=0.08), row


def test_googlenet_sizes():
    """Table 1, column output size: 112, 56, 28, 14, 7."""
    for name in ("googlenet", "googlenet_bn"):
        analysis = analyze(name)
        pools = [row.outputs[0] for row in analysis.layers if row.op == "maxpool" and "pool." not in row.name]
        assert pools == [(64, 56, 56), (192, 28, 28), (480, 14, 14), (832, 7, 7)]


# MobileNet: Howard et al. 2017, arXiv:1704.04861

CONV_MOBILENET = str(Path(__file__).parent / "extra" / "conv_mobilenet.yaml")


def test_mobilenet_v1_table_1():
    analysis = analyze("mobilenet_v1")
    table = [(64, 1, 1), (128, 2, 1), (128, 1, 1), (256, 2, 1), (256, 1, 1)]
    table += [(512, 2, 1), (512, 1, 5), (1024, 2, 1), (1024, 1, 1)]
    before, size = 32, 112
    for index, (out, stride, times) in enumerate(table):
        for copy in range(times):
            size //= stride
            layers = rows(analysis, f"depthwise_separable.{index}.{copy}")
            assert total(layers, "macs") == size * size * (3 * 3 * before + before * out)
            assert total(layers, "params") == 3 * 3 * before + before * out + 2 * before + 2 * out
            assert layers[-1].outputs == ((out, size, size),)
            before = out
    assert size == 7


def test_mobilenet_v1_table_2():
    """Per cent of multiply-adds and of weights by kind of layer.

    Not as printed: 3x3 convolution, 1.19 per cent of the multiply-adds for 1.91; the printed column sums to 99.29.
    """
    analysis = analyze("mobilenet_v1")
    kinds: dict[str, list] = {"pointwise": [], "depthwise": [], "linear": [], "3x3": []}
    for row in analysis.layers:
        if row.totals.macs:
            kind = "depthwise" if row.op == "depthwise_conv" else "pointwise" if "." in row.name else "3x3"
            kinds["linear" if row.op == "linear" else kind].append(row)
    every = weights(analysis.layers)
    shares = {
        kind: (
            round(100 * total(layers, "macs") / analysis.totals.macs, 2),
            round(100 * weights(layers) / every, 2),
        )
        for kind, layers in kinds.items()
    }
    assert shares == {
        "pointwise": (94.86, 74.59),
        "depthwise": (3.06, 1.06),
        "linear": (0.18, 24.33),
        "3x3": (1.91, 0.02),
    }


def test_mobilenet_v1_table_4():
    """Full convolutions: 4866 M (without the linear layer) and 29.3 M; as it is: 569 M and 4.2 M."""
    full, separable = analyze(CONV_MOBILENET).totals, analyze("mobilenet_v1").totals
    assert (full.macs, full.params) == (4_867_293_184, 29_294_088)
    assert round((full.macs - 1024 * 1000) / 1e6) == 4866
    assert round(full.params / 1e6, 1) == 29.3
    assert (round(separable.macs / 1e6), round(separable.params / 1e6, 1)) == (569, 4.2)


def test_mobilenet_v1_table_5():
    """Narrow, alpha 0.75: 325 M and 2.6 M; shallow, without five layers: 307 M and 2.9 M."""
    narrow, shallow = analyze("mobilenet_v1", alpha=0.75).totals, analyze("mobilenet_v1", middle=0).totals
    assert (round(narrow.macs / 1e6), round(narrow.params / 1e6, 1)) == (325, 2.6)
    assert (round(shallow.macs / 1e6), round(shallow.params / 1e6, 1)) == (307, 2.9)


def test_mobilenet_v1_table_6():
    """alpha 1, 0.75, 0.5, 0.25."""
    family = [analyze("mobilenet_v1", alpha=alpha).totals for alpha in (1, 0.75, 0.5, 0.25)]
    assert [round(totals.macs / 1e6) for totals in family] == [569, 325, 149, 41]
    assert [round(totals.params / 1e6, 1) for totals in family] == [4.2, 2.6, 1.3, 0.5]


def test_mobilenet_v1_table_7():
    """Resolution 224, 192, 160, 128; the paper cuts 290.7 and rounds 568.7, so one million is allowed."""
    family = [analyze("mobilenet_v1", resolution=size).totals for size in (224, 192, 160, 128)]
    assert [totals.macs / 1e6 for totals in family] == [pytest.approx(m, abs=1) for m in (569, 418, 290, 186)]
    assert [round(totals.params / 1e6, 1) for totals in family] == [4.2] * 4


def test_mobilenet_v2_table_2():
    """Sandler et al. 2018, arXiv:1801.04381."""
    analysis = analyze("mobilenet_v2")
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    before, size = 32, 112
    for index, (expand, out, times, stride) in enumerate(table):
        for copy in range(times):
            wide, small = expand * before, size // (stride if copy == 0 else 1)
            layers = rows(analysis, f"inverted_residual.{index}.{copy}")
            macs = size * size * before * wide if expand > 1 else 0
            macs += small * small * (3 * 3 * wide + wide * out)
            assert total(layers, "macs") == macs
            assert layers[-1].outputs == ((out, small, small),)
            assert any(row.op == "add" for row in layers) == (copy > 0)
            before, size = out, small
    assert (before, size) == (320, 7)
