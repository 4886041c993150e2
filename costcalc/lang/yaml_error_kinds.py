"""Kinds of errors of the YAML parser. The messages of PyYAML are not used: they differ between parsers and releases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from yaml.scanner import ScannerError

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from yaml.error import MarkedYAMLError

    from costcalc.lang.yaml_nodes import Reading

    Kind: TypeAlias = Literal[
        "alias", "anchor", "block text", "colon", "content", "directive", "document", "flow", "item", "key", "list",
        "map", "no colon", "quotes", "sign", "tag", "value",
    ]  # fmt: skip

_TOKENS: dict[str, Kind] = {
    '"': "quotes", "'": "quotes", "%": "directive", "&": "anchor", "*": "alias", "!": "tag", "|": "block text",
    ">": "block text",
}  # fmt: skip
"""The kinds of tokens, by their first character."""
_UNEXPECTED: dict[str, Kind] = {"-": "item", "?": "key", ":": "value"}
"""The kinds of misplaced collections, by their indicator."""
_ITEM = re.compile(r"-(?=\s|\Z)")
_QUOTED = re.compile(r"""\"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""", re.DOTALL)


def kind_of(reading: Reading, error: MarkedYAMLError) -> Kind:
    """Classify an error.

    `context_mark` is the begin of the token or collection that could not be read, `problem_mark` the position of the
    error.
    """
    text = reading.source.text
    mark: Any = error.problem_mark
    start: Any = error.context_mark
    first = "" if start is None else text[start.index : start.index + 1]
    char = text[mark.index : mark.index + 1]
    if isinstance(error, ScannerError):
        if start is None:
            return _UNEXPECTED.get(char, "sign")
        if first in _TOKENS and not (first in "\"'" and _closed(text, start.index, mark.index)):
            return _TOKENS[first]
        if start.index == mark.index:
            return "sign"
        return "colon" if char == ":" else "no colon"
    if start is None:
        return "document"
    if char == "!":
        return "tag"
    if start.index == mark.index or first in ("&", "!"):
        return "content"
    if first in ("[", "{") and in_flow(reading):
        return "flow"
    return "list" if _ITEM.match(text, start.index) else "map"


def in_flow(reading: Reading) -> bool:
    """Return whether the reading is inside brackets or braces."""
    return bool(reading.open) and bool(reading.open[-1][0].flow_style)


def _closed(text: str, start: int, end: int) -> bool:
    """Return whether a quoted text that begins at `start` ends before `end`. Then it is a key."""
    match = _QUOTED.match(text, start, end)
    return match is not None
