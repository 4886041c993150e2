"""Sums by index, recurrences, learned tensors, and the ops that only move data."""

from __future__ import annotations

from .tables import check, check_fault, fault, row, table

ROWS = [
    row("einsum", {"equation": "bhtd,bhsd->bhts"}, [(2, 3, 4, 5), (2, 3, 6, 5)], [(2, 3, 4, 6)], macs=2*3*4*5*6),
    row("einsum", {"equation": "ij, jk -> ik"}, [(2, 3), (3, 4)], [(2, 4)], macs=2*3*4),
    # from left to right: i·j·k, then i·k·l
    row("einsum", {"equation": "ij,jk,kl->il"}, [(2, 3), (3, 4), (4, 5)], [(2, 5)], macs=2*3*4 + 2*4*5),
    # each column sums two values with one addition
    row("einsum", {"equation": "ij->j"}, (2, 3), (3,), add=3),
    row("einsum", {"equation": "ij->ji"}, (2, 3), (3, 2)),
    row("einsum", {"equation": "ii->"}, (3, 3), (), add=2),
    row("selective_scan", {"state": 16}, (10, 32), (10, 32),
        macs=2*10*32*16 + 10*32, mul=2*10*32*16 + 10*32, exp=10*32*16),
    row("selective_scan", {"state": 4, "skip": False}, [(10, 32), (10, 32), (10, 4), (10, 4), (32, 4)], [(10, 32)],
        macs=2*10*32*4, mul=2*10*32*4 + 10*32, exp=10*32*4),
    row("weight", {"shape": [1536, 16]}, [], [(1536, 16)], params=1536*16),
    row("parameter", {"shape": [512, 768], "take": 128}, (128, 768), (128, 768), params=512*768, add=128*768),
    row("linear", {"out": 5, "axis": 0}, (8, 6), (5, 6), macs=8*5*6, add=5*6, params=8*5 + 5),
    row("linear", {"out": 4, "density": 0.1, "bias": False}, (3, 50), (3, 4), macs=3*(50*4 // 10), params=50*4 // 10),
    row("expand", {"shape": [8, -1, 64]}, (5, 1), (8, 5, 64)),
    row("tile", {"times": [1, 3]}, (2, 4), (2, 12)),
    row("roll", {"shift": [-3, 3], "axis": [1, 2]}, (96, 56, 56), (96, 56, 56)),
    row("gather", {"count": 10}, (100, 64), (10, 64)),
    row("gather", {"axis": 1}, [(100, 64), (5, 2)], [(100, 5, 2)]),
    row("pad", {"amount": [[1, 2], [0, 3]], "mode": "reflect"}, (3, 8, 8), (3, 11, 11)),
    row("scale", {"axis": -1}, (196, 768), (196, 768), mul=196*768, params=768),
    row("prelu", {"per_channel": True, "axis": -1}, (196, 768), (196, 768), mul=196*768, cmp=196*768, params=768),
    # the mean of 196 steps, for each feature
    row("global_avgpool", {"axis": -1}, (196, 768), (1, 768), add=195*768, div=768),
    row("global_maxpool", {"axis": -1, "keepdims": False}, (196, 768), (768,), cmp=195*768),
]  # fmt: skip

FAULTS = [
    fault("einsum", {"equation": "ij,jk"}, [(2, 3), (3, 4)], "expected an equation, got ij,jk", "bhtd,bhsd->bhts"),
    fault("einsum", {"equation": "ij->k"}, (2, 3), "the index k of the output must stand in an input"),
    fault("einsum", {"equation": "ij,jk->ik"}, (2, 3), "has 2 inputs, got 1"),
    fault("einsum", {"equation": "ij,jk->ik"}, [(2, 3), (4, 5)], "the index j has the sizes 3 and 4"),
    fault("einsum", {"equation": "ijk->i"}, (2, 3), "the indices ijk do not fit [2, 3]: expected 3 axes"),
    fault("selective_scan", {"state": 4}, [(10, 8), (10, 9)], "delta of selective_scan is [10, 9], expected [10, 8]"),
    fault("parameter", {"shape": [4, 8], "take": 5}, (5, 8), "expected at most 4 rows, got 5"),
    fault("parameter", {"shape": [512, 768]}, (128, 768), "cannot broadcast",
        "write take: 128 for the first 128 of 512"),
    fault("expand", {"shape": [3, 4]}, (2, 4), "cannot expand [2, 4] to [3, 4]", "only axes of size 1"),
    fault("expand", {"shape": [-1, 4]}, (4,), "cannot expand [4] to [-1, 4]"),
    fault("tile", {"times": 2}, (2, 4), "times has 1 value for 2 dimensions"),
    fault("roll", {"shift": 1, "axis": 2}, (2, 4), "axis 2 is out of range"),
    fault("gather", {}, (2, 4), "needs either count or a second input"),
]  # fmt: skip


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)
