"""Explains errors of the YAML parser in the terms of the spec language. It is imported only after an error.

The messages and limits of PyYAML differ between its two parsers and between releases. Therefore, this module ignores
the messages. It classifies an error by its class, its two marks, and the text at these marks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import SequenceStartEvent

from costcalc.errors import Fault, Source, Span
from costcalc.lang.files import place
from costcalc.lang.yaml_error_kinds import in_flow, kind_of
from costcalc.lang.yaml_fixes import LINE_BREAK, LONGEST_LINE, OPENING, advice, corrected, line_at
from costcalc.lang.yaml_nodes import MAX_DEPTH, Reading, StopReading

if TYPE_CHECKING:
    from costcalc.lang.yaml_error_kinds import Kind

_LONGEST_KEY = 1_024
"""YAML's limit for a key without a question mark."""
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_COLON = re.compile(r"(\s*(?:- +)*)([A-Za-z_][\w-]*):([^\s:].*)")
_BRACES = re.compile(r"(\s*(?:- +)*)([A-Za-z_][\w-]*)(:?) *([\[{].*)")
_TWO_ENTRIES = re.compile(r"([^\s,:{}]+) +([A-Za-z_]\w*: .*)")
"""Two entries of a mapping without a comma between them: `64 kernel: 3`."""
_ENTRIES = re.compile(r"(\s*(?:- +)?[A-Za-z_]\w*:) +([^\s,:{}\[\]]+(?:, *[A-Za-z_]\w*: +[^,:]+)+)")
"""Arguments without braces: `linear: 10, bias: false`."""
_NO_COLON = re.compile(r"(\s*(?:- +)?)([A-Za-z_]\w*)( +[\[{\"'\w].*)")
"""A key without a colon: `input [3, 8, 8]`."""
_INNER_MAP = re.compile(r"(\s*(?:- +)*[\w-]+: +)([a-z_][\w-]*: .*)")
_FREE_TEXT = ("description", "source", "name", "note")


def explain(reading: Reading, error: Exception) -> Fault:
    """Return the fault for an error of the parser."""
    source = reading.source
    odd = _UNPRINTABLE.search(source.text)
    if odd is not None:
        help = "write it as an escape in double quotes" if ord(odd[0]) < 0xD800 else ""
        message = f"invalid character U+{ord(odd[0]):04X}"
        return Fault(message, Span(source, *place(source.text, odd.start())), (), help)
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Fault("invalid YAML", Span(source, 1, 1))
    return too_deep(reading, error.problem_mark) or _Refused(reading, error).fault()


def too_deep(reading: Reading, mark: Any) -> Fault | None:
    """Return the fault of nesting too deep if the parser stopped at its own limit instead, else None.

    libyaml counts brackets while it looks ahead, before it returns the event of the first. The text up to the mark is
    within its limit. Reading this text again finds where the limit of the language is exceeded.
    """
    text = reading.source.text[: mark.index]
    inner = text[reading.open[-1][0].start_mark.index :] if reading.open else text
    if len(reading.open) + sum(map(inner.count, "[{")) <= MAX_DEPTH:
        return None
    trial = Reading(Source(reading.source.name, text))
    try:
        trial.document()
    except StopReading:
        span = trial.faults[-1].span
        return trial.faults[-1]._replace(span=span and span._replace(source=reading.source))
    except YAMLError:
        pass
    return None


class _Refused:
    """An error of the parser, with its kind and the text around it."""

    def __init__(self, reading: Reading, error: Any) -> None:
        self.reading, self.source, self.text = reading, reading.source, reading.source.text
        self.kind = kind_of(reading, error)
        self.mark: Any = error.problem_mark
        self.start: Any = error.context_mark or self.mark
        self.char = self.text[self.mark.index : self.mark.index + 1]
        self.line = line_at(self.text, self.mark)
        self.ended = not self.text[self.mark.index :].strip()

    def fault(self) -> Fault:
        """Return the first explanation that applies."""
        for explanation in (
            self.tab,
            self.directive,
            self.escape,
            self.unclosed,
            self.stray,
            self.colon,
            self.expression,
        ):
            fault = explanation()
            if fault is not None:
                return fault
        if self.kind in _MEANINGS:
            return self.at(self.start if self.ended else self.mark, *_MEANINGS[self.kind])
        return self.misplaced()

    def at(self, mark: Any, message: str, help: str = "", length: int = 1, note: str = "") -> Fault:
        return Fault(message, Span(self.source, mark.line + 1, mark.column + 1, length), (note,) if note else (), help)

    def tab(self) -> Fault | None:
        indent = self.line[: len(self.line) - len(self.line.lstrip())]
        if "\t" in indent and self.mark.column <= len(indent):
            span = Span(self.source, self.mark.line + 1, indent.index("\t") + 1)
            return Fault("unexpected tab in the indentation", span, (), "indent with spaces")
        if self.char == "\t":
            return self.at(self.mark, "unexpected tab", "use a space")
        return None

    def directive(self) -> Fault | None:
        match = re.search("(?m)^%", self.text) if self.kind in ("directive", "document") else None
        if match is None:
            return None
        span = Span(self.source, *place(self.text, match.start()))
        return Fault("a line that begins with % is a YAML directive", span, (), "remove the line")

    def escape(self) -> Fault | None:
        if self.kind != "quotes" or self.endless():
            return None
        back = self.text.rfind("\\", self.mark.index - self.mark.column, self.mark.index + 1)
        span = Span(self.source, self.mark.line + 1, back - (self.mark.index - self.mark.column) + 1, 2)
        help = r"write \\ for a backslash, or use single quotes"
        return Fault(f"invalid escape {self.text[back : back + 2]} in double quotes", span, (), help)

    def endless(self) -> bool:
        """Return whether a quoted text continues to the end of the document."""
        return self.ended or (self.mark.column == 0 and self.text.startswith(("---", "..."), self.mark.index))

    def unclosed(self) -> Fault | None:
        if self.kind == "quotes" and self.endless():
            quote = self.text[self.start.index]
            return self.at(self.start, f"{quote} was never closed", f"close it with {quote}")
        if self.ended and self.flow():
            event = next((entry[0] for entry in reversed(self.reading.open) if entry[0].flow_style), None)
            if event is not None:
                mark = event.start_mark
                sign = "[" if isinstance(event, SequenceStartEvent) else "{"
                return self.at(mark, f"{sign} was never closed", f"close it with {OPENING[sign]}")
        return None

    def stray(self) -> Fault | None:
        if self.char not in ("]", "}"):
            return None
        if not self.flow():
            return self.at(self.mark, f"unmatched {self.char}", "remove it, or add the opening bracket")
        opening = self.text[self.start.index : self.start.index + 1]
        if opening in OPENING:
            note = f"the {opening} is at line {self.start.line + 1}, column {self.start.column + 1}"
            return self.at(self.mark, f"expected {OPENING[opening]}, got {self.char}", note=note)
        return None

    def above(self) -> str:
        """Return the line above, limited in length."""
        begin = self.mark.index - self.mark.column
        return "".join(LINE_BREAK.split(self.text[max(0, begin - LONGEST_LINE) : begin])[-2:-1])

    def colon(self) -> Fault | None:
        """Explain `out:64` on a separate line, which YAML reads as a part of the next line or as an incomplete key."""
        if self.kind not in ("value", "no colon"):
            return None
        number = self.start.line if self.kind == "no colon" else self.mark.line - 1
        written = line_at(self.text, self.start) if self.kind == "no colon" else self.above()
        if match := _COLON.fullmatch(written):
            span = Span(self.source, number + 1, match.start(2) + 1, match.end(2) + 1 - match.start(2))
            help = f"write {match[1].lstrip()}{match[2]}: {match[3].rstrip()}"
            return Fault(f"a space is missing after {match[2]}:", span, (), help)
        if self.mark.column > _LONGEST_KEY:
            return self.at(self.mark, f"key too long: more than {_LONGEST_KEY:,} characters", "put the text in quotes")
        if match := _BRACES.fullmatch(self.line):
            span = Span(self.source, self.mark.line + 1, match.start(2) + 1, len(match[2]))
            help = f"write {match[1].lstrip()}{match[2]}: {match[4].rstrip()}"
            message = f"a {'space' if match[3] else 'colon'} is missing after {match[2]}{match[3]}"
            return Fault(message, span, (), help)
        return None

    def expression(self) -> Fault | None:
        """Explain a value that YAML cannot read without quotes."""
        if self.kind == "value":
            return self.inner_map()
        if self.kind == "content" and self.char in ",:":
            what = "key" if self.char == ":" else "value"
            return self.at(self.mark, f"a {what} is missing before {self.char}")
        correction = corrected(self.reading, self.mark)
        if correction is None:
            return None
        if self.kind == "colon":
            key = self.text[self.start.index : self.mark.index + 1]
            return self.at(self.start, f"a space is missing after {key}", advice(correction), len(key))
        text = self.line[correction.start : correction.end]
        span = Span(self.source, self.mark.line + 1, correction.start + 1, correction.end - correction.start)
        if match := _TWO_ENTRIES.fullmatch(text):
            line = f"{self.line[: correction.start]}{match[1]}, {match[2]}{self.line[correction.end :]}"
            return Fault(f"a comma is missing after {match[1]}", span, (), f"write {line.strip()}")
        return Fault(broken(text), span, (), advice(correction))

    def inner_map(self) -> Fault | None:
        """Explain `conv: out: 64`, or a text that contains a colon."""
        if match := _ENTRIES.fullmatch(self.line):
            help = f"write arguments in braces, each with its name: {match[1].lstrip()} {{NAME: {match[2].rstrip()}}}"
            return self.at(self.mark, _SECOND_COLON, help)
        match = _INNER_MAP.fullmatch(self.line)
        if match is not None and not match[1].strip(" -").startswith(_FREE_TEXT):
            help = f"write the inner mapping in braces: {match[1].lstrip()}{{{match[2].rstrip()}}}"
            return self.at(self.mark, _SECOND_COLON, help)
        correction = corrected(self.reading, self.mark)
        if correction is not None:
            return self.at(self.mark, _SECOND_COLON, advice(correction))
        if re.search(r":\s", self.line[: self.mark.column]):
            return self.at(self.mark, _SECOND_COLON, "put the text in quotes")
        if match := _NO_COLON.fullmatch(self.above()):
            span = Span(self.source, self.mark.line, match.start(2) + 1, len(match[2]))
            help = f"write {match[1].lstrip()}{match[2]}:{match[3].rstrip()}"
            return Fault(f"a colon is missing after {match[2]}", span, (), help)
        help = "indent it like the other lines, or end the key above with a colon"
        message = "YAML reads this line as a part of the line above"
        return Fault(message, Span(self.source, self.mark.line + 1, _indent(self.line) + 1), (), help)

    def misplaced(self) -> Fault:
        if self.kind in ("map", "list"):
            part, whole = ("key", "mapping") if self.kind == "map" else ("item", "list")
            note = f"the {whole} begins at line {self.start.line + 1}, column {self.start.column + 1}"
            if self.mark.column != self.start.column:
                help = f"begin all {part}s of a {whole} in the same column"
            elif part == "item":
                help = "begin each item with a dash and a space"
            else:
                help = "write a colon and a space after each key"
            return self.at(self.mark, f"expected another {part}, or the end of the {whole}", help, note=note)
        if self.kind == "flow" and self.start.index < self.mark.index:
            opening = self.text[self.start.index]
            note = f"inside the {opening} of line {self.start.line + 1}, column {self.start.column + 1}"
            return self.at(self.mark, f"expected a comma or {OPENING[opening]}", note=note)
        return self.at(self.mark, "a value is missing")

    def flow(self) -> bool:
        """Return whether the parser stopped inside brackets or braces."""
        return self.kind in ("flow", "content") and in_flow(self.reading)


_MEANINGS: dict[Kind, tuple[str, str]] = {
    "document": ("unexpected text after the end of the document", "write the spec as one mapping"),
    "directive": ("a line that begins with % is a YAML directive", "put the text in quotes"),
    "no colon": ("a colon is missing after a key", "end the key with a colon and a space"),
    "item": ("unexpected list item", "write the first item on a new line"),
    "key": ("unexpected key", "write the key on a new line"),
    "block text": ("unexpected text after | or >", "put the text in quotes"),
    "tag": ("tags are not supported", "put the text in quotes"),
    "sign": ("a value cannot begin with this character", "put the text in quotes"),
    "anchor": ("expected an anchor: & and a name of letters and digits", "put the text in quotes"),
    "alias": ("expected an alias: * and a name of letters and digits", "put the text in quotes"),
}
"""Messages and help for the kinds that need no further analysis."""
_SECOND_COLON = "unexpected second colon in a value"


def broken(expression: str) -> str:
    """Return the message for a value that needs quotes."""
    sign = expression[:1]
    if sign in "%@`":
        return f"a value cannot begin with {sign} in YAML"
    means = _SIGNS.get(sign)
    if means:
        return f"YAML reads a value that begins with {sign} as {means}"
    return f"YAML cannot read {expression} without quotes"


_SIGNS = {
    "*": "an alias",
    "&": "an anchor",
    "!": "a tag",
    "|": "a block of text",
    ">": "a block of text",
    "-": "an item of a list",
    "?": "a key",
}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
