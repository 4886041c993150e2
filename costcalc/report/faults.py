"""Faults as text: the location, the message, the source line with a caret, notes and help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costcalc.report.text import columns, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.errors import Fault, Source, Span

_LONGEST = 160
"""The maximum width of a source line, in columns, if the width of the terminal is unknown."""
_NARROWEST = 20
_MOST_CHARACTERS = 1_000
"""The maximum length of a message in characters: a key of a spec may have millions."""
_TAB = "    "
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""The line ends of YAML."""

_BREAKS = "\n\r\x85\u2028\u2029"
_STRIDE = 2**16

_SEVERITY = {"error": "1;31", "warning": "1;33"}
_GUTTER = "1;34"
_BOLD = "1"


def render(faults: Iterable[Fault], *, color: bool = False, width: int | None = None) -> str:
    r"""Write each fault with its source line and a caret, its notes and its help. Control characters are escaped.

    >>> from costcalc.errors import Fault, Source, Span
    >>> place = Span(Source("x.yaml", "layers:\n  - conv: {out: 64, kernal: 3}"), 2, 21, 6)
    >>> print(render([Fault("unknown argument kernal of conv", place, ("conv_1",), "did you mean kernel?")]), end="")
    x.yaml:2:21: error: unknown argument kernal of conv
       |
     2 |   - conv: {out: 64, kernal: 3}
       |                     ^^^^^^
       = note: conv_1
       = help: did you mean kernel?
    """
    lines = _Lines()
    return "\n".join([_fault(fault, lines, color, width) for fault in faults])


def excerpt(span: Span, label: str = "", *, color: bool = False, width: int | None = None, style: str = "1;31") -> str:
    """Return the source line of a span, with a caret below it and a label after the caret."""
    return "".join([f"{line}\n" for line in _excerpt(span, _Lines(), label, color, width, style)])


def _fault(fault: Fault, lines: _Lines, color: bool, width: int | None) -> str:
    style = _SEVERITY.get(fault.severity, _BOLD)
    message = f"{_paint(fault.severity, style, color)}: {_paint(_short(fault.message), _BOLD, color)}"
    span, rows, margin = fault.span, [message], "  "
    if span is not None:
        name = _short(span.source.name)
        # A name like a workflow command of a CI system would be escaped, and no longer be a path.
        name = f"./{name}" if name.startswith(("::", "##")) else name
        rows = [f"{_paint(f'{name}:{span.line}:{span.column}', _BOLD, color)}: {message}"]
        margin = " " * (len(str(span.line)) + 2)
        rows += _excerpt(span, lines, "", color, width, style)
    for kind, texts in (("note", fault.notes), ("help", (fault.help,))):
        rows += [
            f"{margin}{_paint('=', _GUTTER, color)} {_paint(kind, _BOLD, color)}: {_short(text)}"
            for text in texts
            if text
        ]
    return "".join([f"{row}\n" for row in rows])


def _excerpt(span: Span, lines: _Lines, label: str, color: bool, width: int | None, style: str) -> list[str]:
    line = lines.line(span.source, span.line)
    if line is None:
        return []
    number = str(span.line)
    margin = " " * (len(number) + 2)
    room = max(_NARROWEST, width - len(margin) - 2) if width else _LONGEST
    before, marked, after = _window(line, span.column - 1, span.length, room)
    bar = _paint("|", _GUTTER, color)
    caret = _paint("^" * max(1, columns(marked)), style, color)
    beside = f" {_paint(_short(label), style, color)}" if label else ""
    return [
        f"{margin}{bar}",
        f" {_paint(number, _GUTTER, color)} {bar} {before}{marked}{after}".rstrip(),
        f"{margin}{bar} {' ' * columns(before)}{caret}{beside}",
    ]


def _window(line: str, start: int, length: int, room: int) -> tuple[str, str, str]:
    """Return the printable text before, at and after a span, in at most `room` columns."""
    start = min(start, len(line))
    end = min(start + max(0, length), len(line))
    before = [_shown(char) for char in line[max(0, start - room) : start]]
    marked = [_shown(char) for char in line[start : min(end, start + room)]]
    after = [_shown(char) for char in line[end : end + room]]
    whole = start <= room and end - start <= room and len(line) - end <= room
    if whole and columns("".join(before + marked + after)) <= room:
        return "".join(before), "".join(marked), "".join(after)
    place = _fit(marked, room * 2 // 3)
    cut = len(place) < end - start
    left = _fit(before[::-1], (room - columns("".join(place))) // 2)[::-1]
    right = [] if cut else _fit(after, room - columns("".join(left + place)) - 2)
    return (
        ("…" if len(left) < start else "") + "".join(left),
        "".join(place),
        "".join(right) + ("…" if cut or len(right) < len(line) - end else ""),
    )


def _fit(parts: list[str], room: int) -> list[str]:
    """Return the first parts that fit."""
    for index, part in enumerate(parts):
        room -= columns(part)
        if room < 0:
            return parts[:index]
    return parts


def _short(text: str) -> str:
    return visible(text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…")


def _shown(char: str) -> str:
    return _TAB if char == "\t" else visible(char)


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color and text else text


class _Lines:
    """Finds lines by number. It continues from the last line, so that many faults of a long text take one pass."""

    def __init__(self) -> None:
        self.text = ""
        self.number = 1
        self.start = 0
        """The position where counting continues. Its line is `number`."""

    def line(self, source: Source, number: int) -> str | None:
        """Return a line without its end, or None if the text has no such line."""
        text = source.text
        if text is not self.text or number <= self.number:
            self.text, self.number, self.start = text, 1, 0
        if not text:
            return None
        end = self.start
        while self.start < len(text):
            end = min(self.start + _STRIDE, len(text))
            end += text.startswith("\n", end)  # a line end of two characters stays whole
            counts = [text.count(sign, self.start, end) for sign in _BREAKS]
            passed = sum(counts) - text.count("\r\n", self.start, end)
            if self.number + passed >= number:
                break
            self.start, self.number = end, self.number + passed
        start, current = self.start, self.number
        for match in _BREAK.finditer(text, self.start):
            if current == number:
                return text[start : match.start()]
            current, start = current + 1, match.end()
        return text[start:] if current == number else None
