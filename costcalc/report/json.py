"""JSON documents. Each item of a list is on its own line, so that diffs of two reports are readable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from costcalc.report.formats import joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.report.formats import Medium, Report

PLAIN = frozenset({str, int, float, bool, type(None), dict})
"""The types of values that are not lists."""


def write(report: Report, _: Medium) -> Iterator[str]:
    """Return a report's document as JSON. An iterator in it is written as a list of objects, one at a time."""
    return joined(chain(_pieces(report.document(), ""), ["\n"]))


def render(document: Mapping[str, object]) -> str:
    """Return the text of a document in ASCII, so that no text in it can control a terminal."""
    return "".join([*_pieces(document, ""), "\n"])


def _pieces(value: object, indent: str) -> Iterator[str]:
    """Write an object that contains lists of objects with one line per member, and other values on one line."""
    deeper = indent + "  "
    if isinstance(value, dict) and any(map(_is_list, value.values())):
        before = "{\n"
        for key, member in value.items():
            yield f"{before}{deeper}{json.dumps(key)}: "
            yield from _pieces(member, deeper)
            before = ",\n"
        yield f"\n{indent}}}"
    elif _is_list(value):
        assert isinstance(value, list | Iterator)
        before = "[\n"
        for item in value:
            yield before + deeper
            yield from _pieces(item, deeper)
            before = ",\n"
        yield f"\n{indent}]" if before == ",\n" else "[]"
    else:
        yield json.dumps(value)


def _is_list(value: object) -> bool:
    """Return whether a value is a list of objects, or an iterator over them."""
    if type(value) in PLAIN:  # looking for an iterator takes ten times as long
        return False
    return isinstance(value, Iterator) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
