"""What ops tell of positions and axes: receptive fields, captions and the names of axes follow from it."""

from __future__ import annotations

import pytest

from .tables import make

SAME = ((1, 1, 1), (1, 1, 1))
"""Kernel, stride and dilation of an op that takes each position by itself, for two spatial dimensions."""


@pytest.mark.parametrize(
    ("op", "arguments", "footprint"),
    [
        ("identity", {}, SAME),
        ("relu", {}, SAME),
        ("add", {}, SAME),
        ("mul", {}, SAME),
        ("scale", {}, SAME),
        ("parameter", {"shape": 8}, SAME),
        ("batchnorm", {}, SAME),
        ("instancenorm", {}, SAME),
        ("groupnorm", {"groups": 2}, SAME),
        ("lrn", {}, SAME),
        ("pad", {"amount": 1}, SAME),
        ("crop", {"amount": 1}, SAME),
        ("channel_shuffle", {"groups": 2}, SAME),
        # along the channels, which are axis 0, and -3 beside two spatial ones
        ("concat", {}, SAME),
        ("concat", {"axis": -3}, SAME),
        ("concat", {"axis": 1}, None),
        ("concat", {"axis": -1}, None),
        ("split", {"parts": 2}, SAME),
        ("split", {"parts": 2, "axis": -3}, SAME),
        ("split", {"parts": 2, "axis": 2}, None),
        ("slice", {"axis": 0}, SAME),
        ("slice", {"axis": -3}, SAME),
        ("slice", {"axis": -2}, None),
        ("softmax", {"axis": 0}, SAME),
        ("softmax", {"axis": -3}, SAME),
        ("softmax", {}, None),
        ("maxpool", {"kernel": [3, 5], "stride": [1, 2], "dilation": [4, 1]}, ((3, 1, 4), (5, 2, 1))),
        ("maxpool", {"kernel": [3, 5]}, ((3, 3, 1), (5, 5, 1))),
        ("avgpool", {"kernel": 2, "stride": 1}, ((2, 1, 1), (2, 1, 1))),
        ("pixel_unshuffle", {"factor": 2}, ((2, 2, 1), (2, 2, 1))),
        ("permute", {"order": [0, 2, 1]}, None),
        ("reshape", {"shape": -1}, None),
        ("attention", {"heads": 2}, None),
        ("lstm", {"hidden": 8}, None),
    ],
)
def test_footprint(op, arguments, footprint):
    assert make(op, arguments).footprint(2) == footprint


@pytest.mark.parametrize(
    ("op", "arguments", "axes", "rank", "layout"),
    [
        ("relu", {}, ("X", "Y"), 2, ("X", "Y")),
        ("relu", {}, ("X", "Y"), 3, ()),
        ("add", {}, ("X", "Y"), 2, ("X", "Y")),
        ("concat", {}, ("X", "Y"), 2, ("X", "Y")),
        ("batchnorm", {}, (), 3, ("C", "H", "W")),
        ("instancenorm", {}, (), 3, ("C", "H", "W")),
        ("groupnorm", {"groups": 2}, (), 3, ("C", "H", "W")),
        ("lrn", {}, (), 3, ("C", "H", "W")),
        ("maxpool", {"kernel": 2}, (), 3, ("C", "H", "W")),
        ("pad", {"amount": 1}, (), 3, ("C", "H", "W")),
        ("crop", {"amount": 1}, (), 3, ("C", "H", "W")),
        ("channel_shuffle", {"groups": 2}, (), 3, ("C", "H", "W")),
        ("attention", {"heads": 2}, (), 2, ("T", "D")),
        ("concat_token", {}, (), 2, ("T", "D")),
        ("lstm", {"hidden": 8}, (), 2, ("T", "D")),
        ("rnn", {"hidden": 8}, ("X", "Y"), 2, ("T", "D")),
        ("permute", {"order": [2, 0, 1]}, ("X", "Y", "Z"), 3, ("Z", "X", "Y")),
        ("permute", {"order": [-1, 0, 1]}, ("X", "Y", "Z"), 3, ("Z", "X", "Y")),
        ("permute", {"order": [1, 0]}, (), 2, ()),
        ("reshape", {"shape": [2, 3]}, ("X", "Y"), 2, ()),
        ("matmul", {}, ("X", "Y"), 2, ()),
        ("mean", {"axis": 0}, ("X", "Y", "Z"), 2, ("Y", "Z")),
        ("mean", {"axis": -1}, ("X", "Y", "Z"), 2, ("X", "Y")),
        ("max", {"axis": [1, -1]}, ("X", "Y", "Z"), 1, ("X",)),
        ("sum", {"axis": [0], "keepdims": True}, ("X", "Y", "Z"), 3, ("X", "Y", "Z")),
        ("sum", {"axis": [0]}, (), 2, ()),
    ],
)
def test_layout(op, arguments, axes, rank, layout):
    assert make(op, arguments).layout(axes, rank) == layout


@pytest.mark.parametrize(
    ("op", "arguments", "caption"),
    [
        ("relu", {}, "relu"),
        ("groupnorm", {"groups": 2}, "groupnorm(groups=2)"),
        ("maxpool", {"kernel": 3, "stride": 2}, "3x3 maxpool, /2"),
        ("attention", {"heads": 2}, "attention(heads=2)"),
    ],
)
def test_caption(op, arguments, caption):
    assert make(op, arguments).caption(2) == caption
