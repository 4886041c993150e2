"""JSON documents: each item of a list on a line of its own, so that a diff of two reports reads well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.report.formats import Medium, Report


def write(report: Report, _: Medium) -> str:
    """Write a report's document as JSON."""
    return render(report.document())


def render(document: Mapping[str, object]) -> str:
    """The text of a document. It is ASCII whatever the document holds, so no text in it reaches a terminal raw.

    An iterator stands for a list of objects, of which one at a time is in memory.
    """
    return "".join([*_pieces(document, ""), "\n"])


def _pieces(value: object, indent: str) -> Iterator[str]:
    """An object that holds lists of objects, a line for each member; anything else in one line, by the C encoder."""
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
    return isinstance(value, Iterator) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
