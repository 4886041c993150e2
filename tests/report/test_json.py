"""JSON: the same value, a line for each item, and ASCII whatever it holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.report.json import render

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=5))
def test_a_document_reads_back_and_is_ascii(document):
    text = render(document)
    assert json.loads(text) == document
    assert text.isascii()
    assert text.endswith("\n")
    assert all(sign.isprintable() for sign in text.replace("\n", ""))


def test_items_have_lines():
    assert render({"a": 1, "layers": [{"x": [1, 2], "y": []}, {"z": "\x1b"}], "b": {"c": [{}]}}) == (
        "{\n"
        '  "a": 1,\n'
        '  "layers": [\n'
        '    {"x": [1, 2], "y": []},\n'
        '    {"z": "\\u001b"}\n'
        "  ],\n"
        '  "b": {\n'
        '    "c": [\n'
        "      {}\n"
        "    ]\n"
        "  }\n"
        "}\n"
    )


def test_figures_stay_exact_however_large():
    assert json.loads(render({"macs": 10**40 + 1}))["macs"] == 10**40 + 1


@pytest.mark.parametrize("rows", [[], [{"a": 1}], [{"a": [1, 2]}, {"a": [{"b": "x"}], "c": None}, {}]])
def test_an_iterator_is_written_as_its_list(rows):
    document = {"format": "x/1", "totals": {"macs": 1}, "rows": rows, "empty": []}
    written = render({**document, "rows": iter(rows)})
    assert json.loads(written) == document
    if rows:
        assert written == render(document)


def test_objects_of_lists_have_a_line_each():
    document = {"format": "x/1", "rows": [{"a": [1]}, {"b": [{"c": 2}]}]}
    assert render(document).splitlines() == [
        "{",
        '  "format": "x/1",',
        '  "rows": [',
        '    {"a": [1]},',
        "    {",
        '      "b": [',
        '        {"c": 2}',
        "      ]",
        "    }",
        "  ]",
        "}",
    ]
