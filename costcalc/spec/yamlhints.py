"""What a YAML parser stumbled over, in the words of the language, with the line as it would be right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from costcalc.errors import Fault, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.errors import Source

_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def explain(source: Source, error: Exception, open: Sequence[Any]) -> Fault:
    """The fault that an error of the parser stands for; `open` are the events of the collections around it."""
    match = _UNPRINTABLE.search(source.text)
    if match is not None:
        before = _BREAK.split(source.text[: match.start()])
        span = Span(source, len(before), len(before[-1]) + 1)
        return Fault(f"the character U+{ord(match[0]):04X} cannot stand in a spec", span)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    return Fault(f"not YAML: {problem}", Span(source, mark.line + 1, mark.column + 1) if mark else None)
