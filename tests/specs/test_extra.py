"""Networks beyond the bundled ones: attention, recurrence, segmentation, sharing, one and three dimensions.

Totals are published ones (torchvision's table of weights, the papers), or written out.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

import costcalc
from costcalc.model import LARGEST

EXTRA = Path(__file__).parent / "extra"

PARAMS = {
    "vit_b16": 86_567_656,  # torchvision, vit_b_16
    "efficientnet_b0": 5_288_548,  # torchvision
    "mobilenet_v3_large": 5_483_032,  # torchvision
    "shufflenet_v2": 2_278_604,  # torchvision, shufflenet_v2_x1_0
    "densenet121": 7_978_856,  # torchvision
    "convnext_tiny": 28_589_128,  # torchvision
    "tinyllama": 1_100_048_384,  # Zhang et al. 2024: 1.1 B; the released weights
    "gpt2": 124_439_808,  # the released weights of GPT-2 small
}

GFLOPS = {  # torchvision's table of weights; its GFLOPS are 1e9 multiply-adds
    "vit_b16": 17.56,
    "efficientnet_b0": 0.39,
    "mobilenet_v3_large": 0.22,
    "shufflenet_v2": 0.14,
    "densenet121": 2.83,
    "convnext_tiny": 4.46,
    "alexnet": 0.71,
    "vgg11": 7.61,
    "vgg13": 11.31,
    "vgg16": 15.47,
    "vgg19": 19.63,
    "resnet18": 1.81,
    "resnet34": 3.66,
    "resnet50": 4.09,
    "resnet101": 7.8,
    "resnet152": 11.51,
    "googlenet_bn": 1.5,
    "mobilenet_v2": 0.3,
}


def load(name, **params):
    path = EXTRA / f"{name}.yaml"
    return costcalc.load(str(path) if path.exists() else name, **params)


def figures(name, **params):
    totals = costcalc.analyze(load(name, **params)).totals
    return totals.params, totals.macs


@pytest.mark.parametrize("path", sorted(EXTRA.glob("*.yaml")), ids=lambda path: path.stem)
def test_spec(path):
    """Each loads, has unique names, sums to its totals, and is what it expects to be."""
    analysis = costcalc.analyze(costcalc.load(str(path)))
    names = [row.name for row in analysis.layers]
    assert len(set(names)) == len(names)
    for metric in analysis.totals._fields:
        combine = max if metric in LARGEST else sum
        figures = [getattr(row.totals, metric) for row in analysis.layers]
        assert combine(figures) == getattr(analysis.totals, metric), metric
    expected = yaml.safe_load(path.read_text()).get("expect", {})
    assert {metric: getattr(analysis.totals, metric) for metric in expected} == expected


@pytest.mark.parametrize("name", PARAMS)
def test_published_params(name):
    assert figures(name)[0] == PARAMS[name]


@pytest.mark.parametrize("name", GFLOPS)
def test_published_multiply_adds(name):
    assert round(figures(name)[1] / 1e9, 2) == GFLOPS[name]


def test_vit_b16_macs():
    tokens, dim, hidden = 14 * 14 + 1, 768, 3072
    layer = 4 * tokens * dim * dim + 2 * tokens * tokens * dim + 2 * tokens * dim * hidden
    assert figures("vit_b16")[1] == 14 * 14 * 16 * 16 * 3 * dim + 12 * layer + dim * 1000 == 17_563_828_224


def test_gpt2():
    """Causal attention counts T(T+1)/2 pairs; the tied output layer has work and no parameters."""
    vocab, length, dim = 50257, 1024, 768
    layer = 12 * dim * dim + 13 * dim  # projections, feed-forward; biases 4 + 4 + 1, norms 4
    work = length * 12 * dim * dim + 2 * (length * (length + 1) // 2) * dim
    params = vocab * dim + length * dim + 12 * layer + 2 * dim
    assert figures("gpt2") == (params, 12 * work + length * dim * vocab)


def test_tinyllama():
    """Four of 32 heads have keys and values: 256 of 2048 features."""
    vocab, length, dim, hidden, keys = 32000, 2048, 2048, 5632, 2048 * 4 // 32
    kernels = 2 * dim * dim + 2 * dim * keys + 3 * dim * hidden
    work = length * kernels + 2 * (length * (length + 1) // 2) * dim
    params = 2 * vocab * dim + 22 * (kernels + 2 * dim) + dim
    assert figures("tinyllama") == (params, 22 * work + length * dim * vocab)


def test_transformer():
    vocab, dim, hidden, source, target = 37000, 512, 2048, 100, 80
    projections, feed = 4 * (dim * dim + dim), 2 * dim * hidden + hidden + dim
    params = vocab * dim + 6 * (projections + feed + 2 * 2 * dim) + 6 * (2 * projections + feed + 3 * 2 * dim)
    encoder = source * (4 * dim * dim + 2 * dim * hidden) + 2 * source * source * dim
    own = target * 4 * dim * dim + 2 * (target * (target + 1) // 2) * dim
    cross = target * 2 * dim * dim + source * 2 * dim * dim + 2 * target * source * dim
    decoder = own + cross + target * 2 * dim * hidden
    assert figures("transformer") == (params, 6 * encoder + 6 * decoder + target * dim * vocab)


def test_lstm_classifier():
    first, second = 2 * 4 * 256 * (128 + 256), 2 * 4 * 256 * (2 * 256 + 256)
    biases = 2 * 2 * 4 * 256 * 2
    params = 20_000 * 128 + first + second + biases + 2 * 256 * 2 + 2
    assert figures("lstm_classifier") == (params, 200 * (first + second) + 2 * 256 * 2)


def test_unet():
    """Sizes as in figure 1: 572 down to 28, and 388 at the end."""
    params = macs = 0

    def conv(before, out, size, kernel=3):
        nonlocal params, macs
        params += kernel * kernel * before * out + out
        macs += size * size * kernel * kernel * before * out

    for before, out, size in [(1, 64, 570), (64, 128, 282), (128, 256, 138), (256, 512, 66), (512, 1024, 30)]:
        conv(before, out, size)
        conv(out, out, size - 2)
    for before, size in [(1024, 28), (512, 52), (256, 100), (128, 196)]:
        conv(before, before // 2, size, kernel=2)  # transposed: at the positions of its input
        conv(before, before // 2, 2 * size - 2)
        conv(before // 2, before // 2, 2 * size - 4)
    conv(64, 2, 388, kernel=1)
    network = load("unet")
    assert figures("unet") == (params, macs)
    assert [tensor.shape for tensor in network.outputs.values()] == [(2, 388, 388)]


def test_efficientnet_b0_macs():
    macs, before, size = 3 * 3 * 3 * 32 * 112 * 112, 32, 112
    table = [(1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3)]
    table += [(6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)]
    for expand, kernel, stride, out, times in table:
        for copy in range(times):
            wide, small = expand * before, size // stride if copy == 0 else size
            macs += size * size * before * wide if expand > 1 else 0
            macs += small * small * wide * (kernel * kernel + out) + 2 * wide * (before // 4)
            before, size = out, small
    assert figures("efficientnet_b0")[1] == macs + 7 * 7 * 320 * 1280 + 1280 * 1000


def test_shufflenet_v2():
    """Halves of the channels pass by; at stride 2 both branches work on all of them."""
    params = 3 * 3 * 3 * 24 + 2 * 24
    macs = 3 * 3 * 3 * 24 * 112 * 112
    before, size = 24, 56
    for width, units in [(116, 4), (232, 8), (464, 4)]:
        half, small = width // 2, size // 2
        params += (9 * before + 2 * before) + (before * half + 2 * half)
        params += (before * half + 2 * half) + (9 * half + 2 * half) + (half * half + 2 * half)
        params += (units - 1) * (2 * (half * half + 2 * half) + 9 * half + 2 * half)
        macs += small * small * (9 * before + before * half)
        macs += size * size * before * half + small * small * (9 * half + half * half)
        macs += (units - 1) * small * small * (2 * half * half + 9 * half)
        before, size = width, small
    params += 464 * 1024 + 2 * 1024 + 1024 * 1000 + 1000
    macs += 7 * 7 * 464 * 1024 + 1024 * 1000
    assert figures("shufflenet_v2") == (params, macs)


def test_densenet121():
    params, macs = 7 * 7 * 3 * 64 + 2 * 64, 112 * 112 * 7 * 7 * 3 * 64
    channels, size = 64, 56
    for stage, depth in enumerate([6, 12, 24, 16]):
        for _ in range(depth):
            params += 2 * channels + channels * 128 + 2 * 128 + 9 * 128 * 32
            macs += size * size * (channels * 128 + 9 * 128 * 32)
            channels += 32
        if stage < 3:
            params += 2 * channels + channels * channels // 2
            macs += size * size * channels * channels // 2
            channels, size = channels // 2, size // 2
    assert figures("densenet121") == (params + 2 * channels + channels * 1000 + 1000, macs + channels * 1000)


def test_convnext_tiny():
    params, macs = 4 * 4 * 3 * 96 + 96 + 2 * 96, 56 * 56 * 4 * 4 * 3 * 96
    for stage, (width, depth) in enumerate([(96, 3), (192, 3), (384, 9), (768, 3)]):
        size = 56 >> stage
        if stage:
            params += width + 2 * 2 * (width // 2) * width + width  # norm of half the width, and the bias
            macs += size * size * 2 * 2 * (width // 2) * width
        kernels = 7 * 7 * width + 2 * width * 4 * width
        params += depth * (kernels + width + 2 * width + 4 * width + width + width)  # biases, norm, layer scale
        macs += depth * size * size * kernels
    assert figures("convnext_tiny") == (params + 2 * 768 + 768 * 1000 + 1000, macs + 768 * 1000)


def test_c3d():
    params = macs = 0
    volume = [16, 112, 112]
    for before, out in [(3, 64), (64, 128), (128, 256), (256, 256), (256, 512), (512, 512), (512, 512), (512, 512)]:
        if (before, out) == (64, 128):
            volume = [16, 56, 56]
        elif (before, out) == (128, 256):
            volume = [8, 28, 28]
        elif (before, out) == (256, 512):
            volume = [4, 14, 14]
        params += 27 * before * out + out
        macs += math.prod(volume) * 27 * before * out
    macs -= 2 * (4 * 14 * 14 - 2 * 7 * 7) * 27 * 512 * 512  # the last two see a volume halved once more
    linear = 512 * 4 * 4 * 4096 + 4096 * 4096 + 4096 * 487
    assert figures("c3d") == (params + linear + 4096 + 4096 + 487, macs + linear)


def test_m5():
    sizes = [8000, 2000, 500, 125]
    kernels = [80 * 128, 3 * 128 * 128, 3 * 128 * 256, 3 * 256 * 512]
    convolutions = sum(size * kernel for size, kernel in zip(sizes, kernels, strict=True))
    params = sum(kernels) + 3 * (128 + 128 + 256 + 512) + 512 * 10 + 10  # biases and norms
    assert figures("m5") == (params, convolutions + 512 * 10)


def test_fpn():
    sides, channels = [56, 28, 14, 7], [256, 512, 1024, 2048]
    lateral = [width * 256 for width in channels]
    smooth = 3 * 3 * 256 * 256
    params = 25_557_032 - (2048 * 1000 + 1000) + sum(lateral) + 4 * 256 + 4 * (smooth + 256)
    macs = 4_089_184_256 - 2048 * 1000
    macs += sum(side * side * (kernel + smooth) for side, kernel in zip(sides, lateral, strict=True))
    assert figures("fpn") == (params, macs)
    outputs = {name: tensor.shape for name, tensor in load("fpn").outputs.items()}
    assert outputs == {f"p{level}": (256, side, side) for level, side in zip(range(2, 6), sides, strict=True)}


def test_siamese():
    """The tower counts once in parameters and twice in work."""
    table = [(10, 1, 64, 96), (7, 64, 128, 42), (4, 128, 128, 18), (4, 128, 256, 6)]
    kernels = [kernel * kernel * before * out for kernel, before, out, _ in table]
    params = sum(kernels) + 64 + 128 + 128 + 256 + 256 * 6 * 6 * 4096 + 4096 + 2 * 4096 + 1
    tower = sum(size * size * kernel for (*_, size), kernel in zip(table, kernels, strict=True)) + 256 * 6 * 6 * 4096
    assert figures("siamese") == (params, 2 * tower + 2 * 4096)
    assert costcalc.analyze(load("siamese")).inputs == {"left": (1, 105, 105), "right": (1, 105, 105)}


def test_vgg16_c():
    """Three of the 3x3 kernels of configuration D are 1x1."""
    saved = 8 * 256 * 256 + 2 * 8 * 512 * 512
    assert figures("vgg16_c")[0] == 138_357_544 - saved
