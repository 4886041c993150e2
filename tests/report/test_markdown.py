"""Markdown in which text from a spec is nothing but text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.outline import outline
from costcalc.report.analyses import layers
from costcalc.report.markdown import escape, render
from costcalc.report.table_data import Column, Paragraph, Remark, Table, TableRow, TextCell
from costcalc.report.text import visible
from report.analyses import SMALL

LOOK = """\
### small: A network as small as it can be.

Nobody 2026, table 1

input 3×32×32 · batch 1 · width=8 · depths=\\[1, 2\\] · wide=false

| layer | op | output | params | MACs | share |
| --- | --- | --- | ---: | ---: | ---: |
| stem | conv · batchnorm · relu | 8×32×32 | 232 | 221,184 | 13.2% |
| unit.0.body.conv | conv | 16×32×32 | 144 | 131,072 | 7.8% |
| unit.0.body.conv\\_2 | conv | 8×32×32 | 1,160 | 1,179,648 | 70.2% |
| unit.0.shortcut.conv | conv | 8×32×32 | 72 | 65,536 | 3.9% |
| unit.0.add | add | 8×32×32 | 0 | 0 |  |
| head.linear | linear | 8×32×10 | 330 | 81,920 | 4.9% |
| **total** | **8 layers** |  | **1,938** | **1,679,360** | **100%** |

3,426,816 FLOPs · 68,096 activations · 0 buffers

norm and act share their layer's row; --full lists them
"""


def test_a_network():
    assert render(layers(SMALL, outline(SMALL), tree=False)) == LOOK


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("conv_2", r"conv\_2"),
        ("plain text, 1512.03385 (2015)", r"plain text, 1512.03385 \(2015\)"),
        ("a | b", r"a \| b"),
        ("`code`", r"\`code\`"),
        ("<b>x</b> &amp;", r"\<b\>x\</b\> \&amp;"),
        ("[x](y) ![z](w)", r"\[x\]\(y\) \!\[z\]\(w\)"),
        ("*x* ~~y~~ __z__ $w$", r"\*x\* \~\~y\~\~ \_\_z\_\_ \$w\$"),
        ("a\\|b", r"a\\\|b"),
        ("# title", r"\# title"),
        ("- item", "-\u200b item"),
        ("1. item", "1\u200b. item"),
        ("one\ntwo\r\nthree", r"one\\ntwo\\r\\nthree"),
        ("\x1b[31m", r"\\x1b\[31m"),
        ("http://x.y", "http:/\u200b/x.y"),
        ("www.x.y", "www\u200b.x.y"),
        ("@user a@b.c", "@\u200buser a@\u200bb.c"),
        ("see #12", "see \\#\u200b12"),
        ("", ""),
    ],
)
def test_escape(text, escaped):
    assert escape(text) == escaped


def test_a_paragraph_is_one_line_and_a_remark_is_one_too():
    table = Table((Column("a", "A"),), (), notes=("", Paragraph(("Source: x", "        y")), Remark("b | c", "a")))
    assert render(table) == "| A |\n| --- |\n\nSource: x y\n\nb \\| c\n"


@given(st.text(alphabet=st.sampled_from("ab `*_{}[]()<>#|~&$!\\@:/.w1-+=^\n\r\t\x1b'\""), max_size=40))
def test_no_text_leaves_its_cell(text):
    table = Table(
        (Column("a", "A"), Column("b", "B")), (TableRow((text, TextCell(text, ""))), TableRow((text, text), "total"))
    )
    lines = render(table).splitlines()
    assert len(lines) == 4
    for line in lines:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3
        bare = re.sub(r"\\[\\`*_{}\[\]()<>#|~&$!^]", " ", line)
        assert not re.search(r"[`<>\[\]&$~]|://|www\.|@\w", bare)


@given(st.text(alphabet=st.sampled_from("ab `*_{}[]()<>#|~&$!\\@:/.w1-+=^;\n\t\x1b'\""), max_size=40))
def test_a_renderer_shows_the_text_and_nothing_else(text):
    """A cell, a title and a paragraph have one inline of text, which reads as the text does."""
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])
    said = " ".join(visible(f"x {text} x").split())
    table = Table((Column("a", "A"),), (TableRow((said,)),), (said, said))
    tokens = parser.parse(render(table))
    assert [token.type for token in tokens if token.nesting == 1] == [
        *["heading_open", "paragraph_open", "table_open", "thead_open", "tr_open", "th_open"],
        *["tbody_open", "tr_open", "td_open"],
    ]
    for token in (one for one in tokens if one.type == "inline" and one.content != "A"):
        assert {child.type for child in token.children} <= {"text", "text_special"}
        assert "".join(child.content for child in token.children).replace("\u200b", "") == said


def test_headings_of_groups_and_bars_are_left_out():
    table = Table(
        (Column("a", "A"), Column("n", "N", "count"), Column("bar", "", "bar")),
        (TableRow(("group", None, None), "heading"), TableRow(("x", 1000, 0.5))),
    )
    assert render(table) == "| A | N |\n| --- | ---: |\n| x | 1,000 |\n"
