"""Lines of layers: with norm and act, folded, sorted, cut. Their sums are always the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.analyses import MACS, MAP, SMALL, analysis, row

from costcalc.errors import UsageError
from costcalc.outline import outline, sort_key


def shown(lines):
    return [("  " * line.level + line.label, " ".join(line.ops)) for line in lines]


def test_norm_and_act_are_on_the_line_of_their_layer():
    first = outline(SMALL)[0]
    assert first.ops == ("conv", "batchnorm", "relu")
    assert first.totals.params == 8 * 27 + 2 * 8
    assert first.totals.layers == 3
    assert first.totals.flops == 2 * MAP * 8 * 27 + 3 * 8 * MAP
    assert first.share == MAP * 8 * 27 / MACS


def test_tree_has_headings_for_groups_and_one_label_for_a_chain():
    assert shown(outline(SMALL)) == [
        ("stem", "conv batchnorm relu"),
        ("unit.0", ""),
        ("  body", ""),
        ("    conv", "conv"),
        ("    conv_2", "conv"),
        ("  shortcut.conv", "conv"),
        ("  add", "add"),
        ("head.linear", "linear"),
    ]


def test_copies_have_separate_headings():
    names = ("stem", "stage.0.0.body.conv", "stage.0.0.body.conv_2", "stage.0.0.add", "stage.0.1.conv", "stage.0.1.add",
             "stage.1.0.conv", "unit.conv.0", "unit.conv.1", "unit.pool")  # fmt: skip
    rows = [row(name, name.rpartition(".")[2], (1,), macs=1) for name in names]
    assert [text for text, _ in shown(outline(analysis(*rows)))] == [
        "stem",
        "stage.0.0",
        "  body",
        "    conv",
        "    conv_2",
        "  add",
        "stage.0.1",
        "  conv",
        "  add",
        "stage.1.0.conv",
        "unit",
        "  conv.0",
        "  conv.1",
        "  pool",
    ]


def test_last_lines_of_a_long_tree():
    lines = outline(SMALL, last=2)
    assert [(line.label, line.others) for line in lines] == [
        ("4 lines before", 4), ("unit.0.add", 0), ("head.linear", 0)
    ]  # fmt: skip
    assert lines[0].totals.macs == MACS - 8 * 32 * 32 * 10
    assert outline(SMALL, last=3) == outline(SMALL)


def test_full_has_one_line_per_layer():
    assert shown(outline(SMALL, full=True))[:3] == [("stem", "conv"), ("batchnorm", "batchnorm"), ("relu", "relu")]


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (1, [("stem", 3), ("unit", 4), ("head", 1)]),
        (2, [("stem", 3), ("unit.0", 4), ("head.linear", 1)]),
        (3, [("stem", 3), ("unit.0.body", 2), ("unit.0.shortcut", 1), ("unit.0.add", 1), ("head.linear", 1)]),
        (9, [("stem", 3), *[(f"unit.0.{name}", 1) for name in ("body.conv", "body.conv_2", "shortcut.conv", "add")],
             ("head.linear", 1)]),
    ],
)  # fmt: skip
def test_depth_sums_layers_below(depth, expected):
    lines = [line for line in outline(SMALL, depth=depth) if line.totals]
    assert [(line.name, line.totals.layers) for line in lines] == expected


def test_output_and_op_of_a_folded_group():
    lines = outline(SMALL, depth=1)
    assert lines[1].outputs == ((8, 32, 32),)
    assert lines[1].ops == ()
    assert lines[2].ops == ("linear",)


def test_sort_is_descending_and_stable():
    names = [line.name for line in outline(SMALL, sort="add")]
    assert names == [
        "unit.0.body.conv",
        "stem",
        "unit.0.body.conv_2",
        "unit.0.shortcut.conv",
        "unit.0.add",
        "head.linear",
    ]
    assert [line.name for line in outline(SMALL, sort="name")] == sorted(names)
    assert outline(SMALL, sort="share")[0].name == "unit.0.body.conv_2"


def test_top_keeps_the_largest_and_sums_the_others():
    lines = outline(SMALL, top=1)
    assert [line.name for line in lines] == ["unit.0.body.conv_2", ""]
    assert lines[1].others == 5
    assert lines[1].totals.macs == MACS - MAP * 8 * 16 * 9
    assert lines[1].share == (MACS - MAP * 8 * 16 * 9) / MACS
    assert len(outline(SMALL, top=6)) == 6


def test_unknown_sort_key():
    with pytest.raises(UsageError) as caught:
        sort_key("parms")
    assert caught.value.fault().help == "did you mean params?"


def test_a_network_without_macs_has_no_shares():
    assert [line.share for line in outline(analysis(row("relu", "relu", (3, 4), cmp=12)))] == [0.0]


def test_an_empty_network_has_no_lines():
    assert outline(analysis(row("x", "relu", (1,)))._replace(layers=())) == []


NAMES = st.lists(st.sampled_from(["a", "b", "0", "conv_2"]), min_size=1, max_size=5).map(".".join)


@st.composite
def analyses(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=12))
    rows = []
    for index, name in enumerate(names):
        hosts = [at for at in range(index) if rows[at].host is None]
        host = draw(st.none() | st.sampled_from(hosts)) if hosts else None
        rows.append(row(name, "conv", (2, 3), params=draw(st.integers(0, 9)), macs=draw(st.integers(0, 9)), host=host))
    return analysis(*rows)


@given(
    analyses(),
    st.booleans(),
    st.none() | st.integers(1, 4),
    st.sampled_from(["", "macs", "params", "name", "op", "output"]),
    st.none() | st.integers(1, 4),
)
def test_lines_sum_to_the_totals_in_every_arrangement(analysis, full, depth, sort, top):
    lines = outline(analysis, full=full, depth=depth, sort=sort, top=top)
    sums = [sum(figures) for figures in zip(*[line.totals for line in lines if line.totals], strict=True)]
    assert sums == list(analysis.totals)


@given(analyses(), st.booleans())
def test_headings_and_label_form_the_name(analysis, full):
    open_labels: list[str] = []
    lines = list(outline(analysis, full=full))
    assert lines or not analysis.layers
    for line in lines:
        open_labels[line.level :] = [line.label]
        assert ".".join(open_labels) == line.name
        assert not line.label.isdecimal() or line.label == line.name
