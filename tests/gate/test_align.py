"""Layers keep their identity through renames, insertions and moves."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costcalc
from costcalc.analysis import analyze
from costcalc.gate.align import _increasing, _scores, align
from costcalc.model import Row, Totals

CHAIN = "input: [3, 32, 32]\nlayers:\n"
STEM = "  - conv: {out: 16, kernel: 3, padding: 1}\n"
BODY = "  - conv: {out: 32, kernel: 3, padding: 1}\n  - relu\n  - conv: {out: 64, kernel: 3, padding: 1}\n"
MIX = "  - conv: {out: 3, kernel: 1}\n    name: mix\n"
REST = "  - conv: {out: 3, kernel: 3, padding: 1}\n  - conv: {out: 3, kernel: 5, padding: 2}\n"


def rows(text):
    return analyze(costcalc.loads(text)).layers


def statuses(base, text):
    return [
        (pair.status, pair.base and pair.base.name, pair.row and pair.row.name)
        for pair in align(rows(base), rows(text))
        if pair.status != "same"
    ]


@pytest.mark.parametrize(
    ("base", "text", "expected"),
    [
        (CHAIN + STEM + BODY, CHAIN + STEM + BODY, []),
        (  # a layer put in front shifts automatic names, but changes nothing behind it
            CHAIN + BODY,
            CHAIN + "  - conv: {out: 3, kernel: 1}\n" + BODY,
            [("added", None, "conv"), ("renamed", "conv", "conv_2"), ("renamed", "conv_2", "conv_3")],
        ),
        (  # a name given to a layer
            CHAIN + STEM + BODY,
            CHAIN + STEM.rstrip("\n") + "\n    name: stem\n" + BODY,
            [("renamed", "conv", "stem"), ("renamed", "conv_2", "conv"), ("renamed", "conv_3", "conv_2")],
        ),
        (
            CHAIN + STEM + BODY,
            CHAIN + STEM + BODY + "  - dropout\n",
            [("added", None, "dropout")],
        ),
        (
            CHAIN + STEM + BODY + "  - dropout\n",
            CHAIN + STEM + BODY,
            [("removed", "dropout", None)],
        ),
        (
            CHAIN + STEM,
            CHAIN + STEM.replace("16", "24"),
            [("changed", "conv", "conv")],
        ),
        (  # another op under a name that somebody gave
            CHAIN + STEM + "  - maxpool: 2\n    name: down\n",
            CHAIN + STEM + "  - avgpool: 2\n    name: down\n",
            [("changed", "down", "down")],
        ),
        (  # moved: the 1x1 convolution keeps its figures where the shape is the same
            CHAIN + MIX + REST,
            CHAIN + REST + MIX,
            [("moved", "mix", "mix")],
        ),
        (  # moved to where its input is larger: neither removed nor added
            CHAIN + STEM + "  - maxpool: 2\n" + "  - conv: {out: 16, kernel: 3, padding: 1}\n",
            CHAIN + STEM + "  - conv: {out: 16, kernel: 3, padding: 1}\n" + "  - maxpool: 2\n",
            [("changed", "conv_2", "conv_2")],
        ),
    ],
)
def test_align(base, text, expected):
    assert statuses(base, text) == expected


def test_every_layer_once():
    base, now = analyze(costcalc.load("resnet50")).layers, analyze(costcalc.load("resnet101")).layers
    pairs = align(base, now)
    assert [pair.row.name for pair in pairs if pair.row] == [row.name for row in now]
    assert sorted(pair.base.name for pair in pairs if pair.base) == sorted(row.name for row in base)
    # 101 has 17 more units of three convolutions in its third stage, and nothing else
    added = [pair for pair in pairs if pair.status == "added" and pair.row.op == "conv"]
    assert len(added) == 17 * 3
    assert not [pair for pair in pairs if pair.status in ("removed", "moved", "renamed")]
    assert sum(pair.totals.macs - pair.base_totals.macs for pair in pairs) == 7_801_405_440 - 4_089_184_256


def test_very_long_networks_are_paired_by_name(monkeypatch):
    from costcalc.gate import align as module

    monkeypatch.setattr(module, "_MOST", 0)
    base, now = rows(CHAIN + STEM + BODY), rows(CHAIN + STEM.replace("16", "24") + BODY)
    assert [(pair.status, pair.name) for pair in align(base, now)] == [
        ("changed", "conv"),
        ("changed", "conv_2"),
        ("same", "relu"),
        ("same", "conv_3"),
    ]


def test_the_longest_order_takes_time_in_proportion():
    half = 100_000
    pairs = [(index, (index + half) % (2 * half)) for index in range(2 * half)]
    begin = process_time()
    assert _increasing(pairs) == pairs[half:]
    assert process_time() - begin < 10  # copying what stands behind each replacement took minutes


NAMES = st.sampled_from(["conv", "conv_2", "a.conv", "a.conv_2", "a.own", "b.own", "own", "conv_x"])
SHAPES = st.sampled_from([((4,),), ((8,),)])
LAYERS = st.builds(
    lambda name, op, inputs, outputs, macs: Row(name, op, 1, inputs, outputs, Totals(1, 0, 0, macs)),
    NAMES,
    st.sampled_from(["conv", "relu"]),
    SHAPES,
    SHAPES,
    st.integers(0, 1),
)


def points(base, row):
    """The score of each pair of layers."""
    given = base.name == row.name and row.name.rpartition(".")[2] not in (row.op, f"{row.op}_2")
    if base.op != row.op:
        return 4 * given
    found = 8 if given else 3 if base.name == row.name else 1
    found += 2 * (base.outputs == row.outputs) + 2 * (base.inputs == row.inputs) + 2 * (base.totals == row.totals)
    return found + (base.name.rpartition(".")[0] == row.name.rpartition(".")[0])


@given(st.lists(LAYERS, max_size=6), st.lists(LAYERS, max_size=6))
def test_what_speaks_for_each_pair(base, now):
    assert _scores(base, now) == [[points(layer, row) for row in now] for layer in base]


ONE = "  - conv: {{out: 3, kernel: 1}}\n    name: {}\n"
ACT = "  - {}:\n    name: {}\n"


def named(form, *names):
    return CHAIN + "".join(form.format(*([name] if isinstance(name, str) else name)) for name in names)


@pytest.mark.parametrize(
    ("base", "text", "expected"),
    [
        # of layers that are alike, the first is paired with the first
        (named(ONE, "x"), named(ONE, "y", "z"), [("renamed", "x", "y"), ("added", None, "z")]),
        (named(ONE, "x", "y"), named(ONE, "z"), [("renamed", "x", "z"), ("removed", "y", None)]),
        (named(ONE, "x", "y"), named(ONE, "z", "w"), [("renamed", "x", "z"), ("renamed", "y", "w")]),
        # of two that were swapped and are as large, what stood first has made way
        (
            named(ACT, ("relu", "a"), ("gelu", "b")),
            named(ACT, ("gelu", "c"), ("relu", "d")),
            [("removed", "a", None), ("renamed", "b", "c"), ("added", None, "d")],
        ),
        (CHAIN + "  - relu\n  - gelu\n", CHAIN + "  - gelu\n  - relu\n", [("moved", "relu", "relu")]),
    ],
)
def test_of_pairings_that_are_as_good(base, text, expected):
    assert statuses(base, text) == expected
