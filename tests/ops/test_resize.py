from __future__ import annotations

import pytest

from .tables import check, check_fault, fault, row, table

ROWS = [
    row("upsample", {}, (8, 7, 5), (8, 14, 10)),
    row("upsample", {"scale": 3}, (8, 7), (8, 21)),
    row("upsample", {"size": 9}, (8, 7, 5, 3), (8, 9, 9, 9)),
    row("upsample", {"scale": [2, 3]}, (8, 7, 5), (8, 14, 15)),
    row("upsample", {"size": [9, 4], "mode": "bilinear"}, (8, 7, 5), (8, 9, 4), mul=4*8*9*4, add=3*8*9*4),
    row("upsample", {"mode": "linear"}, (8, 7), (8, 14), mul=2*8*14, add=8*14),
    row("upsample", {"mode": "trilinear"}, (8, 2, 3, 4), (8, 4, 6, 8), mul=8*8*4*6*8, add=7*8*4*6*8),
    row("upsample", {"mode": "bicubic"}, (8, 7, 5), (8, 14, 10), mul=16*8*14*10, add=15*8*14*10),
]  # fmt: skip

FAULTS = [
    fault(
        "upsample", {"scale": 2, "size": 8}, (8, 7, 5), "expected either scale or size, got both", "to double the size"
    ),
    fault(
        "upsample",
        {"mode": "bilinear"},
        (8, 7),
        "bilinear interpolates 2 spatial dimensions, got 1 in [8, 7]",
        "linear",
    ),
    fault("upsample", {"mode": "linear"}, (8, 7, 5), "got 2 in [8, 7, 5]", "write mode: bilinear or mode: nearest"),
    fault("upsample", {"mode": "bicubic"}, (8, 7, 5, 3), "got 3 in", "mode: trilinear"),
    fault("upsample", {"mode": "cubic"}, (8, 7), "expected one of nearest, linear, bilinear, trilinear, bicubic"),
    fault("upsample", {"scale": 1.5}, (8, 7), "expected an integer, got 1.5"),
    fault("upsample", {"scale_factor": 2}, (8, 7), "no argument scale_factor", "use scale instead"),
    fault("upsample", {"size": [9, 4]}, (8, 7), "size has 2 values for 1"),
    fault("upsample", {}, (8,), "upsample needs an input of channels"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


@pytest.mark.parametrize("mode", ["linear", "bicubic"])
def test_mode_for_other_rank_suggests_a_valid_mode(mode):
    check_fault(fault("upsample", {"mode": mode}, (8, 2, 3, 4), mode, "write mode: trilinear or mode: nearest"))
