"""Model files of Ultralytics: the parameters that its releases list."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.cli import main
from costcalc.errors import CostcalcError

YOLOV8 = """
nc: 80
scales:
  n: [0.33, 0.25, 1024]
  s: [0.33, 0.50, 1024]
  m: [0.67, 0.75, 768]
  l: [1.00, 1.00, 512]
  x: [1.00, 1.25, 512]
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 3, C2f, [128, True]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 6, C2f, [256, True]]
  - [-1, 1, Conv, [512, 3, 2]]
  - [-1, 6, C2f, [512, True]]
  - [-1, 1, Conv, [1024, 3, 2]]
  - [-1, 3, C2f, [1024, True]]
  - [-1, 1, SPPF, [1024, 5]]
head:
  - [-1, 1, nn.Upsample, [None, 2, "nearest"]]
  - [[-1, 6], 1, Concat, [1]]
  - [-1, 3, C2f, [512]]
  - [-1, 1, nn.Upsample, [None, 2, "nearest"]]
  - [[-1, 4], 1, Concat, [1]]
  - [-1, 3, C2f, [256]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [[-1, 12], 1, Concat, [1]]
  - [-1, 3, C2f, [512]]
  - [-1, 1, Conv, [512, 3, 2]]
  - [[-1, 9], 1, Concat, [1]]
  - [-1, 3, C2f, [1024]]
  - [[15, 18, 21], 1, Detect, [nc]]
"""
YOLOV5 = """
nc: 80
depth_multiple: {depth}
width_multiple: {width}
anchors:
  - [10,13, 16,30, 33,23]
  - [30,61, 62,45, 59,119]
  - [116,90, 156,198, 373,326]
backbone:
  [[-1, 1, Conv, [64, 6, 2, 2]],
   [-1, 1, Conv, [128, 3, 2]],
   [-1, 3, C3, [128]],
   [-1, 1, Conv, [256, 3, 2]],
   [-1, 6, C3, [256]],
   [-1, 1, Conv, [512, 3, 2]],
   [-1, 9, C3, [512]],
   [-1, 1, Conv, [1024, 3, 2]],
   [-1, 3, C3, [1024]],
   [-1, 1, SPPF, [1024, 5]],
  ]
head:
  [[-1, 1, Conv, [512, 1, 1]],
   [-1, 1, nn.Upsample, [None, 2, 'nearest']],
   [[-1, 6], 1, Concat, [1]],
   [-1, 3, C3, [512, False]],
   [-1, 1, Conv, [256, 1, 1]],
   [-1, 1, nn.Upsample, [None, 2, 'nearest']],
   [[-1, 4], 1, Concat, [1]],
   [-1, 3, C3, [256, False]],
   [-1, 1, Conv, [256, 3, 2]],
   [[-1, 14], 1, Concat, [1]],
   [-1, 3, C3, [512, False]],
   [-1, 1, Conv, [512, 3, 2]],
   [[-1, 10], 1, Concat, [1]],
   [-1, 3, C3, [1024, False]],
   [[17, 20, 23], 1, Detect, [nc, anchors]],
  ]
"""


def load(tmp_path, text, **params):
    path = tmp_path / "yolo.yaml"
    path.write_text(text, encoding="utf-8")
    return costcalc.load(path, **params)


@pytest.mark.parametrize(
    ("scale", "params"),
    [("n", 3_157_200), ("s", 11_166_560), ("m", 25_902_640), ("l", 43_691_520), ("x", 68_229_648)],
)
def test_yolov8(tmp_path, scale, params):
    """The parameters that `yolo` prints for each of its five models."""
    assert costcalc.analyze(load(tmp_path, YOLOV8, scale=scale)).totals.params == params


@pytest.mark.parametrize(
    ("depth", "width", "params"),
    [
        (0.33, 0.25, 1_872_157),
        (0.33, 0.50, 7_235_389),
        (0.67, 0.75, 21_190_557),
        (1.0, 1.0, 46_563_709),
        (1.33, 1.25, 86_749_405),
    ],
)
def test_yolov5(tmp_path, depth, width, params):
    """YOLOv5 n, s, m, l, x of release 6."""
    network = load(tmp_path, YOLOV5.format(depth=depth, width=width))
    assert costcalc.analyze(network).totals.params == params
    assert [tensor.shape for tensor in network.outputs.values()] == [(255, side, side) for side in (80, 40, 20)]


def test_heads_of_yolov8(tmp_path):
    anchors = 80 * 80 + 40 * 40 + 20 * 20
    outputs = load(tmp_path, YOLOV8).outputs
    assert [tensor.shape for tensor in outputs.values()] == [(1, 4, anchors), (80, anchors)]


def test_scale_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "yolov8.yaml").write_text(YOLOV8, encoding="utf-8")
    assert main(["sweep", "yolov8.yaml", "--set", "scale=n,s", "-o", "csv"]) == 0
    assert [line.split(",")[:2] for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["n", "3157200"],
        ["s", "11166560"],
    ]
    assert main(["analyze", "yolov8.yaml", "--set", "scale=q"]) == 2
    assert "error: scale: expected one of n, s, m, l, x, got q" in capsys.readouterr().err


FAULTS = [
    ("[-1, 3, C2f, [1024]]", "[-1, 3, C3k2, [1024]]", "no counterpart of C3k2"),
    ("[[-1, 9], 1, Concat, [1]]", "[[-1, 99], 1, Concat, [1]]", "entry 20 reads a later entry"),
    ("[[15, 18, 21], 1, Detect, [nc]]", "[15, Detect]", "expected [from, repeats, module, [arguments]]"),
    ("[-1, 1, SPPF, [1024, 5]]", "[-1, one, SPPF, [1024, 5]]", "from and repeats must be integers"),
    ("m: [0.67, 0.75, 768]", "m: [0.67]", "expected name: [depth, width, max_channels]"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAULTS)
def test_faults(tmp_path, old, new, message):
    before, _, after = YOLOV8.rpartition(old)
    with pytest.raises(CostcalcError) as caught:
        load(tmp_path, f"{before}{new}{after}")
    (fault,) = caught.value.faults
    assert (fault.message, fault.span.line) == (message, before.count("\n") + 1)
