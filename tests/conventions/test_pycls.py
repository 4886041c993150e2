"""The model zoo of pycls: flops, params and acts, of its file dev/model_complexity.json of 2020."""

from __future__ import annotations

from itertools import groupby
from math import log

import pytest

import costcalc
from costcalc.conventions.convention import readings

BUNDLED = {
    "resnet50": (4_089_185_256, 25_557_032, 11_315_688),
    "resnet101": (7_801_406_440, 44_549_160, 16_433_640),
    "resnet152": (11_513_627_624, 60_192_808, 22_755_816),
    "efficientnet_b0": (385_825_092, 5_288_548, 6_748_036),
}

CIFAR = {  # blocks in each stage
    "ResNet-56": (9, (125_747_850, 855_770, 544_778)),
    "ResNet-110": (18, (253_149_834, 1_730_714, 1_060_874)),
}

RESNEXT = {  # units in each stage
    "ResNeXt-50": ([3, 4, 6, 3], (4_230_480_872, 25_028_904, 14_602_216)),
    "ResNeXt-101": ([3, 4, 23, 3], (7_969_997_800, 44_177_704, 21_426_152)),
    "ResNeXt-152": ([3, 8, 36, 3], (11_709_514_728, 59_951_400, 29_855_720)),
}

REGNET = {  # depth, w_0, w_a, w_m and the width of a group: Radosavovic et al. 2020, arXiv:2003.13678
    "X-200MF": ((13, 24, 36.44, 2.49, 8), (199_040_872, 2_684_792, 2_164_056)),
    "X-400MF": ((22, 24, 24.48, 2.54, 16), (397_678_568, 5_157_512, 3_143_272)),
    "X-600MF": ((16, 48, 36.97, 2.24, 24), (600_891_112, 6_196_040, 3_975_096)),
    "X-800MF": ((16, 56, 35.73, 2.28, 16), (799_700_712, 7_259_656, 5_148_744)),
    "X-1.6GF": ((18, 80, 34.01, 2.25, 24), (1_602_850_792, 9_190_136, 7_933_512)),
    "X-3.2GF": ((25, 88, 26.31, 2.25, 48), (3_176_622_952, 15_296_552, 11_367_432)),
    "X-4.0GF": ((23, 96, 38.65, 2.43, 40), (3_964_499_816, 22_118_248, 12_201_608)),
    "X-6.4GF": ((17, 184, 60.83, 2.07, 56), (6_460_292_264, 26_209_256, 16_369_744)),
    "X-8.0GF": ((23, 80, 49.56, 2.88, 120), (7_995_133_416, 39_572_648, 14_059_688)),
    "X-12GF": ((19, 168, 73.36, 2.37, 112), (12_086_679_016, 46_106_056, 21_366_568)),
    "X-16GF": ((22, 216, 55.59, 2.1, 128), (15_940_756_456, 54_278_536, 25_515_496)),
    "X-32GF": ((23, 320, 69.86, 2.0, 168), (31_735_930_792, 107_811_560, 36_302_160)),
    "Y-200MF": ((13, 24, 36.44, 2.49, 8), (199_519_076, 3_162_996, 2_168_052)),
    "Y-400MF": ((16, 48, 27.89, 2.09, 8), (401_849_056, 4_344_144, 3_892_496)),
    "Y-600MF": ((15, 48, 32.54, 2.32, 16), (601_227_608, 6_055_160, 4_334_296)),
    "Y-800MF": ((14, 56, 38.84, 2.4, 16), (797_183_328, 6_263_168, 5_249_888)),
    "Y-1.6GF": ((27, 48, 20.71, 2.65, 24), (1_612_087_326, 11_202_430, 8_044_814)),
    "Y-3.2GF": ((21, 80, 42.63, 2.66, 24), (3_176_496_162, 19_436_338, 11_263_418)),
    "Y-4.0GF": ((22, 96, 31.41, 2.24, 64), (3_973_301_344, 20_646_656, 12_287_200)),
    "Y-6.4GF": ((25, 112, 33.22, 2.27, 72), (6_355_221_876, 30_583_252, 16_407_188)),
    "Y-8.0GF": ((17, 192, 76.82, 2.19, 56), (7_963_074_196, 39_180_068, 17_968_916)),
    "Y-12GF": ((19, 168, 73.36, 2.37, 112), (12_092_395_504, 51_822_544, 21_384_496)),
    "Y-16GF": ((18, 200, 106.23, 2.48, 112), (15_911_534_044, 83_590_140, 23_041_228)),
    "Y-32GF": ((20, 232, 115.89, 2.53, 232), (32_279_583_362, 145_046_770, 30_261_570)),
}

CIFAR_SPEC = """
input: [3, 32, 32]
defaults: {{conv: {{kernel: 3, padding: 1, bias: false, norm: batchnorm, act: relu}}}}
blocks:
  unit(width, stride):
    - residual:
        - conv: {{out: width, stride: stride}}
        - conv: {{out: width, act: none}}
      shortcut:
        - conv: {{out: width, kernel: 1, stride: stride, padding: 0, act: none}}
          if: in_channels != width
    - relu
layers:
  - conv: 16
  - unit: {{width: w, stride: 2 if i == 0 and w > 16 else 1}}
    for: {{w: [16, 32, 64]}}
    repeat: {units}
  - global_avgpool
  - flatten
  - linear: 10
"""

RESNEXT_SPEC = """
input: [3, 224, 224]
defaults: {{conv: {{bias: false, norm: batchnorm, act: relu}}}}
blocks:
  unit(width, stride):
    - residual:
        - conv: {{out: width, kernel: 1}}
        - conv: {{out: width, kernel: 3, stride: stride, padding: 1, groups: 32}}
        - conv: {{out: 2 * width, kernel: 1, act: none}}
      shortcut:
        - conv: {{out: 2 * width, kernel: 1, stride: stride, act: none}}
          if: in_channels != 2 * width
    - relu
layers:
  - conv: {{out: 64, kernel: 7, stride: 2, padding: 3}}
  - maxpool: {{kernel: 3, stride: 2, padding: 1}}
  - unit: {{width: w, stride: 2 if i == 0 and w > 128 else 1}}
    for: {{w: [128, 256, 512, 1024], n: {units}}}
    repeat: n
  - global_avgpool
  - flatten
  - linear: 1000
"""

REGNET_SPEC = """
input: [3, 224, 224]
defaults: {{conv: {{bias: false, norm: batchnorm, act: relu}}}}
blocks:
  unit(width, stride, squeezed):
    - residual:
        - conv: {{out: width, kernel: 1}}
        - conv: {{out: width, kernel: 3, stride: stride, padding: 1, groups: "width // min({group}, width)"}}
        - squeeze_excite: {{channels: squeezed}}
          if: {squeeze}
        - conv: {{out: width, kernel: 1, act: none}}
      shortcut:
        - conv: {{out: width, kernel: 1, stride: stride, act: none}}
          if: stride > 1 or in_channels != width
    - relu
layers:
  - conv: {{out: 32, kernel: 3, stride: 2, padding: 1}}
  - unit: {{width: w, stride: 2 if i == 0 else 1, squeezed: first if i == 0 else rest}}
    for: {{w: {widths}, n: {depths}, first: {first}, rest: {rest}}}
    repeat: n
  - global_avgpool
  - flatten
  - linear: 1000
"""


def regnet(name):
    """The spec of a RegNet. Its stages follow from five numbers: section 3.3 of the paper, and the widths of groups."""
    (depth, initial, slope, step, group), _ = REGNET[name]
    linear = [initial + slope * unit for unit in range(depth)]
    powers = [initial * step ** round(log(width / initial) / log(step)) for width in linear]
    stages = [(width, len(list(units))) for width, units in groupby(8 * round(width / 8) for width in powers)]
    widths = [round(width / min(group, width)) * min(group, width) for width, _ in stages]
    return REGNET_SPEC.format(
        group=group,
        squeeze=str(name.startswith("Y")).lower(),
        widths=widths,
        depths=[units for _, units in stages],
        first=[round(width / 4) for width in [32, *widths[:-1]]],
        rest=[round(width / 4) for width in widths],
    )


def figures(network):
    """flops, params and acts as pycls counts them."""
    flops, acts = (reading.total for reading in readings(network, ("pycls", "pycls-acts")))
    return flops, costcalc.analyze(network, in_bytes=False).totals.params, acts


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_networks(name):
    assert figures(costcalc.load(name)) == BUNDLED[name]


@pytest.mark.parametrize("name", CIFAR)
def test_resnets_for_cifar(name):
    units, expected = CIFAR[name]
    assert figures(costcalc.loads(CIFAR_SPEC.format(units=units))) == expected


@pytest.mark.parametrize("name", RESNEXT)
def test_resnexts(name):
    units, expected = RESNEXT[name]
    assert figures(costcalc.loads(RESNEXT_SPEC.format(units=units))) == expected


@pytest.mark.parametrize("name", REGNET)
def test_regnets(name):
    assert figures(costcalc.loads(regnet(name))) == REGNET[name][1]
