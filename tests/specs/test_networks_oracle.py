"""Bundled networks against PyTorch: the same architectures written as modules, and counted by torch's own counter.

The modules are independent of the specs: written after torchvision's, which are not needed to run them. They live on
the device `meta`, so that nothing is computed.
"""

from __future__ import annotations

import pytest

import costcalc

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

pytestmark = pytest.mark.oracle


def norm_conv(before, out, kernel, act=nn.ReLU, **arguments):
    layers = [nn.Conv2d(before, out, kernel, bias=False, **arguments), nn.BatchNorm2d(out)]
    return nn.Sequential(*layers, *([act()] if act else []))


class Bottleneck(nn.Module):
    def __init__(self, before, mid, stride, v1):
        super().__init__()
        self.body = nn.Sequential(
            norm_conv(before, mid, 1, stride=stride if v1 else 1),
            norm_conv(mid, mid, 3, stride=1 if v1 else stride, padding=1),
            norm_conv(mid, 4 * mid, 1, act=None),
        )
        same = stride == 1 and before == 4 * mid
        self.shortcut = nn.Identity() if same else norm_conv(before, 4 * mid, 1, act=None, stride=stride)

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


class Basic(nn.Module):
    def __init__(self, before, out, stride):
        super().__init__()
        self.body = nn.Sequential(
            norm_conv(before, out, 3, stride=stride, padding=1), norm_conv(out, out, 3, act=None, padding=1)
        )
        self.shortcut = nn.Identity() if stride == 1 else norm_conv(before, out, 1, act=None, stride=stride)

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet(depths, *, bottleneck=True, v1=False):
    layers, before = [norm_conv(3, 64, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1)], 64
    for stage, depth in enumerate(depths):
        for index in range(depth):
            stride = 2 if stage and not index else 1
            mid = 64 * 2**stage
            layers.append(Bottleneck(before, mid, stride, v1) if bottleneck else Basic(before, mid, stride))
            before = 4 * mid if bottleneck else mid
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1000))


def alexnet():
    layers = [nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()]
    layers += [nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1)]
    layers += [nn.ReLU(), nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.AdaptiveAvgPool2d(6)]
    linear = [nn.Linear(256 * 6 * 6, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, nn.Flatten(), *linear)


def vgg(depths):
    layers, before = [], 3
    for width, depth in zip([64, 128, 256, 512, 512], depths, strict=True):
        for _ in range(depth):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    linear = [nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*layers, nn.Flatten(), *linear)


class Inception(nn.Module):
    def __init__(self, before, b1, r3, b3, r5, b5, pool):
        super().__init__()
        self.b1 = norm_conv(before, b1, 1)
        self.b3 = nn.Sequential(norm_conv(before, r3, 1), norm_conv(r3, b3, 3, padding=1))
        self.b5 = nn.Sequential(norm_conv(before, r5, 1), norm_conv(r5, b5, 3, padding=1))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), norm_conv(before, pool, 1))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b3(x), self.b5(x), self.pool(x)], dim=1)


def googlenet_bn():
    layers = [norm_conv(3, 64, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, ceil_mode=True)]
    layers += [norm_conv(64, 64, 1), norm_conv(64, 192, 3, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True)]
    layers += [Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64)]
    layers += [nn.MaxPool2d(3, 2, ceil_mode=True)]
    layers += [Inception(480, 192, 96, 208, 16, 48, 64), Inception(512, 160, 112, 224, 24, 64, 64)]
    layers += [Inception(512, 128, 128, 256, 24, 64, 64), Inception(512, 112, 144, 288, 32, 64, 64)]
    layers += [Inception(528, 256, 160, 320, 32, 128, 128), nn.MaxPool2d(2, 2, ceil_mode=True)]
    layers += [Inception(832, 256, 160, 320, 32, 128, 128), Inception(832, 384, 192, 384, 48, 128, 128)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 1000))


def mobilenet_v1(alpha):
    table = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    before = int(alpha * 32)
    layers = [norm_conv(3, before, 3, stride=2, padding=1)]
    for width, stride in table:
        out = int(alpha * width)
        layers += [norm_conv(before, before, 3, stride=stride, padding=1, groups=before), norm_conv(before, out, 1)]
        before = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1000))


class InvertedResidual(nn.Module):
    def __init__(self, before, out, stride, expand):
        super().__init__()
        wide = before * expand
        layers = [norm_conv(before, wide, 1, nn.ReLU6)] if expand != 1 else []
        layers += [norm_conv(wide, wide, 3, nn.ReLU6, stride=stride, padding=1, groups=wide)]
        self.body = nn.Sequential(*layers, norm_conv(wide, out, 1, None))
        self.skip = stride == 1 and before == out

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


def mobilenet_v2(alpha):
    def width(channels):
        rounded = max(8, int(channels + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * channels else rounded

    before, last = width(32 * alpha), width(1280 * max(1.0, alpha))
    layers = [norm_conv(3, before, 3, nn.ReLU6, stride=2, padding=1)]
    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expand, channels, times, stride in table:
        out = width(channels * alpha)
        for index in range(times):
            layers.append(InvertedResidual(before, out, stride if index == 0 else 1, expand))
            before = out
    layers.append(norm_conv(before, last, 1, nn.ReLU6))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, 1000))


NETWORKS = [
    ("alexnet", {}, alexnet),
    ("vgg11", {}, lambda: vgg([1, 1, 2, 2, 2])),
    ("vgg16", {}, lambda: vgg([2, 2, 3, 3, 3])),
    ("resnet18", {}, lambda: resnet([2, 2, 2, 2], bottleneck=False)),
    ("resnet34", {}, lambda: resnet([3, 4, 6, 3], bottleneck=False)),
    ("resnet50", {}, lambda: resnet([3, 4, 6, 3])),
    ("resnet50_v1", {}, lambda: resnet([3, 4, 6, 3], v1=True)),
    ("resnet101", {}, lambda: resnet([3, 4, 23, 3])),
    ("googlenet_bn", {}, googlenet_bn),
    *[("mobilenet_v1", {"alpha": alpha}, lambda alpha=alpha: mobilenet_v1(alpha)) for alpha in (1.0, 0.75, 0.5, 0.25)],
    *[("mobilenet_v2", {"alpha": alpha}, lambda alpha=alpha: mobilenet_v2(alpha)) for alpha in (1.4, 1.0, 0.5, 0.35)],
]


@pytest.mark.parametrize(("name", "params", "build"), NETWORKS)
def test_pytorch_counts_the_same(name, params, build):
    """Totals; and of each convolution and linear layer, in order, the output's shape and the size of the weights."""
    with torch.device("meta"):
        model = build().eval()
        image = torch.empty(1, 3, 224, 224)
    layers = []

    def note(module, inputs, output):
        layers.append((tuple(output.shape[1:]), sum(weight.numel() for weight in module.parameters())))

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(note)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)

    analysis = costcalc.analyze(costcalc.load(name, **params))
    assert analysis.totals.params == sum(weight.numel() for weight in model.parameters())
    assert 2 * analysis.totals.macs == counter.get_total_flops()
    assert [(row.outputs[0], row.totals.params) for row in analysis.layers if row.totals.macs] == layers
    statistics = sum(module.num_features * 2 for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    assert analysis.totals.buffers == statistics
