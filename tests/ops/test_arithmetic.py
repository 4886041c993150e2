from __future__ import annotations

from .tables import check, check_fault, fault, row, table

E = 64 * 7 * 5
ONE = {
    "abs": "cmp", "clip": "cmp", "neg": "add", "square": "mul", "reciprocal": "div",
    "exp": "exp", "log": "exp", "sqrt": "exp", "sin": "exp", "cos": "exp", "erf": "exp",
}  # fmt: skip
ROWS = [
    *[row(name, {}, (64, 7, 5), (64, 7, 5), **{quantity: E}) for name, quantity in ONE.items()],
    row("sub", {}, [(64, 7, 5), (64, 1, 1)], [(64, 7, 5)], add=E),
    row("div", {}, [(64, 7, 5), (7, 5)], [(64, 7, 5)], div=E),
    row("scale", {"by": 0.17}, (64, 7, 5), (64, 7, 5), mul=E),
    row("scale", {"by": 2}, (), (), mul=1),
    row("shift", {}, (64, 7, 5), (64, 7, 5), add=E, params=64),
    row("shift", {"axis": -1}, (197, 768), (197, 768), add=197*768, params=768),
    row("shift", {"by": -1}, (64, 7, 5), (64, 7, 5), add=E),
    row("l2norm", {}, (10, 64), (10, 64), add=10*64, mul=2*10*64, div=10, cmp=10, exp=10),
    row("l2norm", {"axis": 0}, (64, 7, 5), (64, 7, 5), add=E, mul=2*E, div=7*5, cmp=7*5, exp=7*5),
    row("l2norm", {}, (64,), (64,), add=64, mul=2*64, div=1, cmp=1, exp=1),
    row("glu", {}, (50, 512), (50, 256), add=50*256, mul=50*256, div=50*256, exp=50*256),
    row("glu", {"axis": 0}, (64, 7, 5), (32, 7, 5), add=32*35, mul=32*35, div=32*35, exp=32*35),
    row("rope", {}, (12, 128, 64), (12, 128, 64), add=12*128*64, mul=2*12*128*64),
    row("rope", {"fraction": 0.25}, (128, 64), (128, 64), add=128*16, mul=2*128*16),
    row("rope", {"fraction": 0}, (128, 64), (128, 64)),
]  # fmt: skip

FAULTS = [
    fault("sub", {}, [(4, 5), (3, 5)], "sub cannot broadcast [4, 5] and [3, 5]"),
    fault("scale", {"by": "x"}, (3,), "expected a number, got x"),
    fault("scale", {"by": True}, (3,), "expected a number, got true"),
    fault("shift", {"axis": 2}, (197, 768), "axis 2 is out of range"),
    fault("l2norm", {"axis": 2}, (10, 5), "axis 2 is out of range"),
    fault("glu", {}, (50, 5), "glu halves axis -1 of [50, 5], whose size is odd"),
    fault("glu", {"axis": 3}, (50, 4), "axis 3 is out of range"),
    fault("rope", {}, (64,), "at least 2 dimensions"),
    fault("rope", {}, (10, 7), "rope rotates pairs of features, got 7"),
    fault("rope", {"fraction": 0.3}, (10, 8), "fraction 0.3 of 8 features is not an integer"),
    fault("rope", {"fraction": 1.5}, (10, 8), "from 0 to 1"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)
