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
    return _value(document, "") + "\n"


def _value(value: object, indent: str) -> str:
    """An object that holds lists of objects, a line for each member; anything else in one line, by the C encoder."""
    deeper = indent + "  "
    if isinstance(value, dict) and any(map(_is_list, value.values())):
        members = [f"{deeper}{json.dumps(key)}: {_value(member, deeper)}" for key, member in value.items()]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if _is_list(value):
        assert isinstance(value, list | Iterator)
        items = [f"{deeper}{_value(item, deeper)}" for item in value]
        return "[\n" + ",\n".join(items) + f"\n{indent}]" if items else "[]"
    return json.dumps(value)


def _is_list(value: object) -> bool:
    return isinstance(value, Iterator) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
