"""Tables as text: widths, colours, and no text that a terminal would obey."""

from __future__ import annotations

import re

import pytest
from bounds import cpu_time_below
from hypothesis import given
from hypothesis import strategies as st

from costcalc.report.table import BAR, draw, fit, render, wrap
from costcalc.report.table_data import Column, Paragraph, Remark, Table, TableRow, TextCell
from costcalc.report.text import columns

COLUMNS = (
    Column("name", "name", shortens=1),
    Column("note", "note", yields=3),
    Column("count", "count", "count"),
    Column("ratio", "ratio", "ratio", yields=2),
    Column("bar", "", "bar", yields=1),
)
GRID = Table(
    COLUMNS,
    (
        TableRow((TextCell("a group", "a"), None, None, None, None), "heading"),
        TableRow((TextCell("first", "1st"), "层 of two", 1234567, 0.5, 1.0)),
        TableRow((TextCell("second", "2nd"), "", 0, 12.3456, 0.3)),
        TableRow((TextCell("all", "all"), None, 1234567, None, None), "total"),
    ),
    ("A title", "a fact · another fact"),
    ("", "a note that is long · b"),
)


def test_texts_stand_left_and_numbers_right():
    assert render(GRID) == (
        "A title\n"
        "a fact · another fact\n"
        "\n"
        "name    note           count  ratio\n"
        "───────────────────────────────────────────────\n"
        "a group\n"
        "first   层 of two  1,234,567    0.5  ██████████\n"
        "second                     0   12.3  ███\n"
        "───────────────────────────────────────────────\n"
        "all                1,234,567\n"
        "\n"
        "a note that is long · b\n"
    )


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (47, ["name", "note", "count", "ratio", ""]),
        (41, ["name", "note", "count", "ratio", ""]),
        (40, ["name", "note", "count", "ratio"]),
        (30, ["name", "note", "count", "ratio"]),
        (29, ["name", "note", "count"]),
        (24, ["name", "note", "count"]),
        (23, ["name", "count"]),
        (5, ["name", "count"]),
    ],
)
def test_a_narrow_terminal_gives_up_columns_in_their_order(width, shown):
    assert [column.title for column in fit(GRID, width).columns] == shown


def test_lines_are_broken_between_facts_then_between_words():
    lines = render(GRID, width=12).splitlines()
    assert lines[:3] == ["A title", "a fact", "another fact"]
    assert lines[-3:] == ["", "a note that", "is long · b"]


ARTICLE = Table(
    (Column("name", "name"), Column("what", "what it does", wraps=10), Column("how", "how", wraps=8)),
    (
        TableRow(("a group of a long name", None, None), "heading"),
        TableRow(("first", "adds two numbers and keeps the sum", "a, b, carry=0")),
        TableRow(("second", "stops", "")),
    ),
    notes=(
        "",
        Paragraph(("Source: a paper, which has", "        a title", "and a year.")),
        Paragraph(("short",)),
        Remark("how is what it takes · in brackets", "how"),
        Remark("no such column", "gone"),
    ),
)


def test_long_texts_are_broken_within_their_columns():
    assert render(ARTICLE, width=40) == (
        "name    what it does       how\n"
        "────────────────────────────────────────\n"
        "a group of a long name\n"
        "first   adds two numbers   a, b, carry=0\n"
        "        and keeps the sum\n"
        "second  stops\n"
        "\n"
        "Source: a paper, which has\n"
        "        a title\n"
        "and a year.\n"
        "short\n"
        "how is what it takes · in brackets\n"
    )


def test_narrow_enough_every_column_that_wraps_has_its_least_width_and_the_others_stay_whole():
    assert render(ARTICLE, width=24) == (
        "name   what it does how\n"
        "───────────────────────────\n"
        "a group of a long name\n"
        "first  adds two     a, b,\n"
        "       numbers and  carry=0\n"
        "       keeps the\n"
        "       sum\n"
        "second stops\n"
        "\n"
        "Source: a paper, which\n"
        "        has a title and\n"
        "        a year.\n"
        "short\n"
        "how is what it takes\n"
        "  in brackets\n"
    )


def test_a_word_is_broken_where_a_name_or_a_list_may_be():
    assert wrap("stage.0.body.conv_2", 8) == ["stage.0.", "body.", "conv_2"]
    assert wrap("abcdefgh", 4) == ["abcdefgh"]
    assert wrap("a · bb · cc dd", 6, margin=1) == ["a · bb", " cc dd"]


def test_a_rest_and_a_total_reach_across_an_empty_cell():
    columns = (Column("a", "a"), Column("b", "b"), Column("c", "c", "count"))
    rest = TableRow(("everything else", None, 5), "rest")
    table = Table(
        columns, (TableRow(("first", "one of many", 1)), rest, TableRow(("total", "7 of 7 or of more", 6), "total"))
    )
    assert render(table) == (
        "a      b                  c\n"
        "───────────────────────────\n"
        "first  one of many        1\n"
        "everything else           5\n"
        "───────────────────────────\n"
        "total  7 of 7 or of more  6\n"
    )
    (_, _, first, *_) = render(Table(columns, (TableRow(("x", "y", 1)), rest))).splitlines()
    assert first == "x             y  1"
    assert render(Table(columns, (TableRow(("x", "y", 1)), TableRow(("abc", "", 1))))).splitlines()[-1] == "abc     1"


def test_titles_are_broken_before_anything_is_given_up():
    columns = (Column("a", "a", "count"), Column("b", "reduce saves to", "count"), Column("c", "c", yields=2))
    table = Table(columns, (TableRow((1, 22, "text")),))
    assert render(table, width=20) == "   reduce\n    saves\na      to  c\n───────────────\n1      22  text\n"
    assert render(table, width=8) == "  reduce\n   saves\na     to\n────────\n1     22\n"


def test_counts_are_shortened_where_their_column_says_so():
    table = Table((Column("a", "a", "count", shortens=1),), (TableRow((123456789,)),))
    assert render(table, width=11).splitlines()[-1] == "123,456,789"
    assert render(table, width=10).splitlines()[-1] == "123M"


def test_no_empty_line_ends_a_table_whose_remarks_are_hidden():
    table = Table((Column("a", "a"),), (TableRow(("x",)),), notes=("", Remark("about b", "b")))
    assert render(table) == "a\n─\nx\n"


def test_a_coloured_line_has_no_space_at_its_end():
    assert not re.search(r" (\x1b\[\d*m)*$", render(GRID, color=True), re.MULTILINE)


def test_nothing_is_cut_in_a_pipe():
    long = "word " * 400
    table = Table((Column("name", "name"),), (TableRow((long,)),), (long,), (long,))
    assert render(table).count("word") == 3 * 400
    assert "…" not in render(table)


def test_colour_changes_nothing_but_colour():
    colored = render(GRID, color=True)
    assert "\x1b[2ma group" in colored
    assert "\x1b[36m██████████\x1b[0m" in colored
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", colored).splitlines()]
    assert lines == render(GRID).splitlines()


def test_tables_stand_below_each_other():
    assert render(GRID, GRID) == render(GRID) + "\n" + render(GRID)


def test_a_table_without_lines_is_its_head():
    assert render(Table(COLUMNS, ())).splitlines()[0].split() == ["name", "note", "count", "ratio"]


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "a\rb\nc",
    "\u202eabc",
    "[bold]x[/bold]",
    "[link=https://example.com]x[/link]",
    ":smiley:",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("color", [False, True])
def test_text_is_only_text(text, color):
    table = Table((Column("name", "name"),), (TableRow((text,)), TableRow((text,), "total")), (text, text), (text,))
    rendered = re.sub(r"\x1b\[[\d;]*m", "", render(table, color=color)) if color else render(table)
    assert all(sign.isprintable() for sign in rendered.replace("\n", ""))
    assert len(rendered.splitlines()) == 9
    if text.isprintable():
        assert rendered.count(text) == 5


@given(st.text(max_size=30), st.integers(0, 10**40), st.floats(0, 1), st.none() | st.integers(1, 200))
def test_any_cell_makes_lines_of_one_width(text, count, part, width):
    table = Table(COLUMNS, (TableRow((text, text, count, part, part)), TableRow((text, None, 0, None, None), "total")))
    lines = ["".join(run for run, _ in line) for line in draw(table, width)]
    assert len({columns(line) if "█" not in line else None for line in lines} - {None}) <= 3
    assert all(sign.isprintable() for line in lines for sign in line)


def test_a_bar_is_as_long_as_its_part():
    table = Table((Column("bar", "", "bar"),), tuple([TableRow((eighth / 80,)) for eighth in range(81)]))
    lines = ["".join(text for text, _ in line).rstrip() for line in draw(table)][2:]
    assert lines[:10] == ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█", "█▏"]
    assert lines[-1] == "█" * BAR


def test_a_hundred_thousand_lines_take_seconds():
    table = Table(COLUMNS, (TableRow(("layer", "conv", 10**6, 0.1, 0.1)),) * 100_000)
    with cpu_time_below(10):
        text = render(table, width=100)
    assert text.count("\nlayer") == 100_000
