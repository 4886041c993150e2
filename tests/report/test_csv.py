"""CSV: raw figures, and no text that a spreadsheet would carry out."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.outline import outline
from costcalc.report.analyses import FIGURES, layers
from costcalc.report.csv import render
from costcalc.report.table_data import Column, Table, TableRow, TextCell
from report.analyses import MAP, SMALL


def test_a_network_layer_by_layer():
    rows = list(csv.reader(io.StringIO(render(layers(SMALL, outline(SMALL, full=True), FIGURES, tree=False)))))
    assert rows[0] == ["name", "op", "output", *FIGURES]
    assert rows[1] == [
        "stem", "conv", "8x32x32", str(8 * 27), str(MAP * 8 * 27), str(2 * MAP * 8 * 27), str(8 * MAP),
        "0", "0", "0", "0", "0", "0",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [layer.name for layer in SMALL.layers]


def test_a_share_is_a_plain_number():
    text = render(layers(SMALL, outline(SMALL, top=1), ("share",), tree=False))
    first, rest = [float(row["share"]) for row in csv.DictReader(io.StringIO(text))]
    assert first == MAP * 8 * 16 * 9 / SMALL.totals.macs
    assert first + rest == 1


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("-branch_1", "-branch_1"),
        ("conv_2", "conv_2"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\t=1", "\\t=1"),
    ],
)
def test_text_is_only_text(text, cell):
    table = Table((Column("name", "Name"),), (TableRow((text,)), TableRow((TextCell(text, "x"),))))
    assert list(csv.reader(io.StringIO(render(table)))) == [["name"], [cell], [cell]]


@given(st.text(max_size=20), st.integers(0, 10**40))
def test_any_text_and_figure_are_a_row_of_two(text, figure):
    table = Table(
        (Column("a", "A"), Column("b", "B", "count")), (TableRow((text, figure)), TableRow(("t", 1), "total"))
    )
    (_, row) = list(csv.reader(io.StringIO(render(table))))
    assert len(row) == 2
    assert int(row[1]) == figure
    assert row[0][:1] not in ("=", "+", "@")
