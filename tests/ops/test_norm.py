from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from .tables import check, check_fault, fault, figures, make, row, table

E = 64 * 7 * 5
ROWS = [
    row("batchnorm", {"axis": -1}, (196, 256), (196, 256), mul=196*256, add=196*256, params=2*256, buffers=2*256),
    row("batchnorm", {"bias": False, "buffers": False}, (8, 4, 4), (8, 4, 4), mul=128, add=128, params=8),
    row("layernorm", {"axis": 0}, (96, 7, 7), (96, 7, 7), add=4*96*49 + 49, mul=3*96*49, div=2*49, exp=49, params=2*96),
    row("layernorm", {"bias": False}, (5, 8), (5, 8), add=3*40 + 5, mul=3*40, div=2*5, exp=5, params=8),
    row("rmsnorm", {"axis": 0}, (96, 7, 7), (96, 7, 7), add=96*49 + 49, mul=3*96*49, div=49, exp=49, params=96),
    row("groupnorm", {"groups": 2, "bias": False}, (8, 5), (8, 5), add=3*40 + 2, mul=3*40, div=4, exp=2, params=8),
    row("batchnorm", {}, (64, 7, 5), (64, 7, 5), mul=E, add=E, params=2*64, buffers=2*64),
    row("batchnorm", {"affine": False}, (64, 7, 5), (64, 7, 5), mul=E, add=E, buffers=2*64),
    row("batchnorm", {}, (64,), (64,), mul=64, add=64, params=2*64, buffers=2*64),
    row("batchnorm", {}, (3, 2, 4, 5), (3, 2, 4, 5), mul=3*2*4*5, add=3*2*4*5, params=2*3, buffers=2*3),
    row("instancenorm", {}, (64, 7, 5), (64, 7, 5), add=3*E + 64, mul=2*E, div=2*64, exp=64),
    row("instancenorm", {"affine": True}, (64, 9), (64, 9),
        add=(3 + 1)*64*9 + 64, mul=(2 + 1)*64*9, div=2*64, exp=64, params=2*64),
    row("groupnorm", {"groups": 32}, (64, 7, 5), (64, 7, 5),
        add=(3 + 1)*E + 32, mul=(2 + 1)*E, div=2*32, exp=32, params=2*64),
    row("groupnorm", {"groups": 1, "affine": False}, (64,), (64,), add=3*64 + 1, mul=2*64, div=2, exp=1),
    row("layernorm", {}, (197, 768), (197, 768),
        add=(3 + 1)*197*768 + 197, mul=(2 + 1)*197*768, div=2*197, exp=197, params=2*768),
    row("layernorm", {"affine": False}, (768,), (768,), add=3*768 + 1, mul=2*768, div=2, exp=1),
    row("layernorm", {"axes": "all"}, (64, 7, 5), (64, 7, 5),
        add=(3 + 1)*E + 1, mul=(2 + 1)*E, div=2, exp=1, params=2*64*7*5),
    row("layernorm", {"axes": 2}, (64, 7, 5), (64, 7, 5),
        add=(3 + 1)*E + 64, mul=(2 + 1)*E, div=2*64, exp=64, params=2*7*5),
    row("rmsnorm", {}, (197, 768), (197, 768),
        add=197*768 + 197, mul=(2 + 1)*197*768, div=197, exp=197, params=768),
    row("rmsnorm", {"axes": "all", "affine": False}, (6, 8), (6, 8), add=6*8 + 1, mul=2*6*8, div=1, exp=1),
    row("lrn", {}, (96, 55, 55), (96, 55, 55), mul=2*96*55*55, add=5*96*55*55, exp=96*55*55, div=96*55*55),
    row("lrn", {"size": 3}, (96, 5), (96, 5), mul=2*96*5, add=3*96*5, exp=96*5, div=96*5),
]  # fmt: skip

FAULTS = [
    fault("layernorm", {"axis": 0, "axes": 2}, (5, 8), "expected either axes or axis, got both"),
    fault("layernorm", {"axis": 2}, (5, 8), "axis 2 is out of range"),
    fault("batchnorm", {}, (), "batchnorm needs an input of channels and at most 3 spatial dimensions, got []"),
    fault("batchnorm", {}, (1, 2, 3, 4, 5), "got [1, 2, 3, 4, 5]"),
    fault("batchnorm", {"num_features": 64}, (64,), "no argument num_features", "channels follow from the input"),
    fault("batchnorm", {"eps": 1e-5}, (64,), "no argument eps", "changes no shape and no count"),
    fault("instancenorm", {}, (64,), "instancenorm needs an input of channels and 1 to 3 spatial dimensions, got [64]"),
    fault("groupnorm", {"groups": 3}, (64, 7, 7), "cannot divide 64 channels into 3 groups", "make_divisible(..., 3)"),
    fault("groupnorm", {"groups": 2}, (), "groupnorm needs an input of at least 1 dimension, got []"),
    fault("groupnorm", {}, (64, 7, 7), "groupnorm needs groups"),
    fault("groupnorm", {"num_groups": 4}, (64, 7, 7), "no argument num_groups", "use groups instead"),
    fault(
        "layernorm",
        {"axes": 768},
        (197, 768),
        "layernorm over the last 768 axes needs as many in its input, got 2",
        "not their sizes",
    ),
    fault("layernorm", {"normalized_shape": 768}, (197, 768), "no argument normalized_shape", "axes"),
    fault("layernorm", {"axes": [7, 5]}, (64, 7, 5), "integer, or all, got [7, 5]", "write axes: 2"),
    fault("layernorm", {"axes": "some"}, (197, 768), "got some"),
    fault("rmsnorm", {}, (), "at least 1 dimension"),
    fault("lrn", {}, (10,), "lrn needs an input of channels"),
]


@table(ROWS)
def test_cost(row):
    check(row)


@table(FAULTS)
def test_fault(row):
    check_fault(row)


@given(channels=st.integers(1, 12), sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3))
def test_groupnorm_equals_instancenorm_and_layernorm_at_its_limits(channels, sizes):
    """One group per channel is instance normalisation; one group has the arithmetic of layer normalisation."""
    shape = (channels, *sizes)
    per_channel, together = (make("groupnorm", {"groups": groups}) for groups in (channels, 1))
    assert figures(per_channel, shape) == figures(make("instancenorm", {"affine": True}), shape)
    layer = figures(make("layernorm", {"axes": "all"}), shape)
    assert {**figures(together, shape), "params": 0} == {**layer, "params": 0}
