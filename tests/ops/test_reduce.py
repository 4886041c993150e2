from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from .tables import check, check_fault, fault, figures, make, row, table

ROWS = [
    row("mean", {"axis": 0}, (197, 768), (768,), add=(197 - 1)*768, div=768),
    row("mean", {"axis": [1, 2]}, (64, 7, 5), (64,), add=(7*5 - 1)*64, div=64),
    row("mean", {"axis": [-1, 1], "keepdims": True}, (64, 7, 5), (64, 1, 1), add=(7*5 - 1)*64, div=64),
    row("sum", {"axis": -1}, (64, 7, 5), (64, 7), add=(5 - 1)*64*7),
    row("sum", {"axis": 0}, (10,), (), add=10 - 1),
    row("sum", {"axis": [0, 1, 2], "keepdims": True}, (4, 7, 5), (1, 1, 1), add=4*7*5 - 1),
    row("max", {"axis": 1}, (64, 7), (64,), cmp=(7 - 1)*64),
    row("max", {"axis": 1}, (64, 1, 3), (64, 3)),
]  # fmt: skip

FAULTS = [
    fault("mean", {"axis": 2}, (197, 768), "axis 2 is out of range for an input of 2 dimensions", "without the batch"),
    fault("sum", {"axis": [0, -2]}, (197, 768), "axis [0, -2] names axis 0 of [197, 768] twice"),
    fault("max", {}, (5,), "max needs axis", "max(axis, keepdims=false)"),
    fault("max", {"axis": []}, (5,), "expected a list of 1 to 8 values, got 0"),
    fault("mean", {"dim": 0}, (5,), "no argument dim", "use axis instead"),
    fault("mean", {"axis": 0, "keepdim": True}, (5,), "no argument keepdim", "use keepdims instead"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


@given(channels=st.integers(1, 9), sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3), keepdims=st.booleans())
def test_reduction_over_space_equals_global_pool(channels, sizes, keepdims):
    shape, axes = (channels, *sizes), list(range(1, len(sizes) + 1))
    for reduction, pool in (("mean", "global_avgpool"), ("max", "global_maxpool")):
        one, other = make(reduction, {"axis": axes, "keepdims": keepdims}), make(pool, {"keepdims": keepdims})
        assert one.shape((shape,)) == other.shape((shape,))
        assert figures(one, shape) == figures(other, shape)
