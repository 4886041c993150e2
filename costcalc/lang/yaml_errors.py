"""Explains what the YAML parser refuses, in the terms of the spec language. Imported only when it refuses something.

What PyYAML says of an error differs between its two parsers and between releases, and so do its limits. So nothing
here reads its texts: an error is known by its class, its two places, and the text that stands there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from costcalc.errors import Fault, Source, Span
from costcalc.lang.files import place
from costcalc.lang.reader import MAX_DEPTH, Reading, StopReading
from costcalc.lang.yaml_fixes import LINE_BREAK, LONGEST_LINE, OPENING, advice, line_at, mended

if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    Kind: TypeAlias = Literal[
        "alias", "anchor", "block text", "colon", "content", "directive", "document", "flow", "item", "key", "list",
        "map", "no colon", "quotes", "sign", "tag", "value",
    ]  # fmt: skip

_LONGEST_KEY = 1_024
"""YAML's own limit for a key without a question mark."""
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_COLON = re.compile(r"(\s*(?:- +)*)([A-Za-z_][\w-]*):([^\s:].*)")
_BRACES = re.compile(r"(\s*(?:- +)*)([A-Za-z_][\w-]*)(:?) *([\[{].*)")
_TWO_ENTRIES = re.compile(r"([^\s,:{}]+) +([A-Za-z_]\w*: .*)")
"""Two entries of a map without a comma between them: `64 kernel: 3`."""
_ENTRIES = re.compile(r"(\s*(?:- +)?[A-Za-z_]\w*:) +([^\s,:{}\[\]]+(?:, *[A-Za-z_]\w*: +[^,:]+)+)")
"""Arguments without braces: `linear: 10, bias: false`."""
_NO_COLON = re.compile(r"(\s*(?:- +)?)([A-Za-z_]\w*)( +[\[{\"'\w].*)")
"""A key without a colon: `input [3, 8, 8]`."""
_INNER_MAP = re.compile(r"(\s*(?:- +)*[\w-]+: +)([a-z_][\w-]*: .*)")
_FREE_TEXT = ("description", "source", "name", "note")


def explain(reading: Reading, error: Exception) -> Fault:
    """The fault that an error of the parser stands for."""
    source = reading.source
    odd = _UNPRINTABLE.search(source.text)
    if odd is not None:
        help = "in double quotes YAML writes it as an escape" if ord(odd[0]) < 0xD800 else ""
        message = f"the character U+{ord(odd[0]):04X} cannot stand in a spec"
        return Fault(message, Span(source, *place(source.text, odd.start())), (), help)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Fault("this is not YAML", Span(source, 1, 1))
    return too_deep(reading, error.problem_mark) or _Refused(reading, error).fault()


def too_deep(reading: Reading, mark: Any) -> Fault | None:
    """The fault of nesting too deep, where a limit of the parser's own hid it.

    libyaml counts brackets while it looks ahead, before it gives the event of the first. What stands before the place
    where it gave up is below its limit, so reading that much again finds where the limit of the language is passed.
    """
    text = reading.source.text[: mark.index]
    inner = text[reading.open[-1][0].start_mark.index :] if reading.open else text
    if len(reading.open) + sum(map(inner.count, "[{")) <= MAX_DEPTH:
        return None
    trial = Reading(Source(reading.source.name, text), advise=False)
    try:
        trial.document()
    except StopReading:
        span = trial.faults[-1].span
        return trial.faults[-1]._replace(span=span and span._replace(source=reading.source))
    except yaml.YAMLError:
        pass
    return None


def kind_of(reading: Reading, error: yaml.MarkedYAMLError) -> Kind:
    """What an error is about. `context_mark` is where the thing begins that could not be read, `problem_mark` where
    reading it stopped.
    """
    text = reading.source.text
    mark: Any = error.problem_mark
    start: Any = error.context_mark
    first = "" if start is None else text[start.index : start.index + 1]
    char = text[mark.index : mark.index + 1]
    if isinstance(error, yaml.scanner.ScannerError):
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
    """Whether the reading stands inside brackets or braces."""
    return bool(reading.open) and bool(reading.open[-1][0].flow_style)


def _closed(text: str, start: int, end: int) -> bool:
    """Whether a quoted text that begins at a place ends before another: then it is a key."""
    match = _QUOTED.match(text, start, end)
    return match is not None


class _Refused:
    """A place where the parser stopped, and what kind of error it is."""

    def __init__(self, reading: Reading, error: Any) -> None:
        self.reading, self.source, self.text = reading, reading.source, reading.source.text
        self.kind = kind_of(reading, error)
        self.mark: Any = error.problem_mark
        self.start: Any = error.context_mark or self.mark
        self.char = self.text[self.mark.index : self.mark.index + 1]
        self.line = line_at(self.text, self.mark)
        self.ended = not self.text[self.mark.index :].strip()

    def fault(self) -> Fault:
        """The first explanation that fits."""
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
            return Fault("a tab cannot indent a line", span, (), "indent with spaces")
        if self.char == "\t":
            return self.at(self.mark, "a tab cannot stand here", "write a space")
        return None

    def directive(self) -> Fault | None:
        match = re.search("(?m)^%", self.text) if self.kind in ("directive", "document") else None
        if match is None:
            return None
        span = Span(self.source, *place(self.text, match.start()))
        return Fault("a line that begins with % is a directive of YAML", span, (), "remove the line")

    def escape(self) -> Fault | None:
        if self.kind != "quotes" or self.endless():
            return None
        back = self.text.rfind("\\", self.mark.index - self.mark.column, self.mark.index + 1)
        span = Span(self.source, self.mark.line + 1, back - (self.mark.index - self.mark.column) + 1, 2)
        help = r"write \\ for a backslash, or use single quotes"
        return Fault(f"{self.text[back : back + 2]} is no escape of a text in double quotes", span, (), help)

    def endless(self) -> bool:
        """Whether a quoted text goes on to the end of the document."""
        return self.ended or (self.mark.column == 0 and self.text.startswith(("---", "..."), self.mark.index))

    def unclosed(self) -> Fault | None:
        if self.kind == "quotes" and self.endless():
            quote = self.text[self.start.index]
            return self.at(self.start, f"the text that begins with {quote} has no end", f"close it with {quote}")
        if self.ended and self.flow():
            event = next((entry[0] for entry in reversed(self.reading.open) if entry[0].flow_style), None)
            if event is not None:
                mark = event.start_mark
                sign = "[" if isinstance(event, yaml.SequenceStartEvent) else "{"
                return self.at(mark, f"the {sign} is never closed", f"close it with {OPENING[sign]}")
        return None

    def stray(self) -> Fault | None:
        if self.char not in ("]", "}"):
            return None
        if not self.flow():
            return self.at(self.mark, f"this {self.char} closes nothing", "remove it, or open what it closes")
        opening = self.text[self.start.index : self.start.index + 1]
        if opening in OPENING:
            note = f"the {opening} stands at line {self.start.line + 1}, column {self.start.column + 1}"
            return self.at(self.mark, f"{self.char} where {OPENING[opening]} was expected", note=note)
        return None

    def above(self) -> str:
        """The line above, as far as it is short enough to be looked at."""
        begin = self.mark.index - self.mark.column
        return "".join(LINE_BREAK.split(self.text[max(0, begin - LONGEST_LINE) : begin])[-2:-1])

    def colon(self) -> Fault | None:
        """`out:64` on a line of its own, which YAML joins to the next line or takes for a key without a colon."""
        if self.kind not in ("value", "no colon"):
            return None
        number = self.start.line if self.kind == "no colon" else self.mark.line - 1
        written = line_at(self.text, self.start) if self.kind == "no colon" else self.above()
        if match := _COLON.fullmatch(written):
            span = Span(self.source, number + 1, match.start(2) + 1, match.end(2) + 1 - match.start(2))
            help = f"write {match[1].lstrip()}{match[2]}: {match[3].rstrip()}"
            return Fault(f"a space is missing after {match[2]}:", span, (), help)
        if self.mark.column > _LONGEST_KEY:
            return self.at(self.mark, f"a key of more than {_LONGEST_KEY:,} characters", "put the text in quotes")
        if match := _BRACES.fullmatch(self.line):
            span = Span(self.source, self.mark.line + 1, match.start(2) + 1, len(match[2]))
            help = f"write {match[1].lstrip()}{match[2]}: {match[4].rstrip()}"
            message = f"a {'space' if match[3] else 'colon'} is missing after {match[2]}{match[3]}"
            return Fault(message, span, (), help)
        return None

    def expression(self) -> Fault | None:
        """A value that YAML's own signs break, where quotes mend it."""
        if self.kind == "value":
            return self.inner_map()
        if self.kind == "content" and self.char in ",:":
            what = "key" if self.char == ":" else "value"
            return self.at(self.mark, f"a {what} is missing before this {self.char}")
        mend = mended(self.reading, self.mark)
        if mend is None:
            return None
        if self.kind == "colon":
            key = self.text[self.start.index : self.mark.index + 1]
            return self.at(self.start, f"a space is missing after {key}", advice(mend), len(key))
        text = self.line[mend.start : mend.end]
        span = Span(self.source, self.mark.line + 1, mend.start + 1, mend.end - mend.start)
        if match := _TWO_ENTRIES.fullmatch(text):
            line = f"{self.line[: mend.start]}{match[1]}, {match[2]}{self.line[mend.end :]}"
            return Fault(f"a comma is missing after {match[1]}", span, (), f"write {line.strip()}")
        return Fault(broken(text), span, (), advice(mend))

    def inner_map(self) -> Fault | None:
        """`conv: out: 64`, or a text with a colon in it."""
        if match := _ENTRIES.fullmatch(self.line):
            help = f"arguments stand in braces, each with its name: {match[1].lstrip()} {{NAME: {match[2].rstrip()}}}"
            return self.at(self.mark, "a second colon in one value", help)
        match = _INNER_MAP.fullmatch(self.line)
        if match is not None and not match[1].strip(" -").startswith(_FREE_TEXT):
            help = f"put the inner one in braces: {match[1].lstrip()}{{{match[2].rstrip()}}}"
            return self.at(self.mark, "a second colon in one value", help)
        mend = mended(self.reading, self.mark)
        if mend is not None:
            return self.at(self.mark, "a second colon in one value", advice(mend))
        if re.search(r":\s", self.line[: self.mark.column]):
            return self.at(self.mark, "a second colon in one value", "put the text in quotes")
        if match := _NO_COLON.fullmatch(self.above()):
            span = Span(self.source, self.mark.line, match.start(2) + 1, len(match[2]))
            help = f"write {match[1].lstrip()}{match[2]}:{match[3].rstrip()}"
            return Fault(f"a colon is missing after {match[2]}", span, (), help)
        help = "indent it as its neighbours are, or end the key above with a colon"
        message = "YAML takes this line as a part of the one above"
        return Fault(message, Span(self.source, self.mark.line + 1, _indent(self.line) + 1), (), help)

    def misplaced(self) -> Fault:
        if self.kind in ("map", "list"):
            what, column = ("keys", "key") if self.kind == "map" else ("items", "item")
            note = f"the {what} around it begin at line {self.start.line + 1}, column {self.start.column + 1}"
            if self.mark.column != self.start.column:
                help = f"the {what} of one {self.kind} begin in the same column"
            else:
                help = "each begins with a dash and a space" if what == "items" else "each has a colon and a space"
            return self.at(self.mark, f"expected another {column}, or the end of what is around it", help, note=note)
        if self.kind == "flow" and self.start.index < self.mark.index:
            opening = self.text[self.start.index]
            note = f"inside the {opening} of line {self.start.line + 1}, column {self.start.column + 1}"
            return self.at(self.mark, f"expected a comma or {OPENING[opening]}", note=note)
        return self.at(self.mark, "a value is missing before this")

    def flow(self) -> bool:
        """Whether the parser stopped inside brackets or braces."""
        return self.kind in ("flow", "content") and in_flow(self.reading)


_TOKENS: dict[str, Kind] = {
    '"': "quotes", "'": "quotes", "%": "directive", "&": "anchor", "*": "alias", "!": "tag", "|": "block text",
    ">": "block text",
}  # fmt: skip
"""What a token is, by its first character."""
_UNEXPECTED: dict[str, Kind] = {"-": "item", "?": "key", ":": "value"}
"""What begins at a place where none may stand, by its sign."""
_ITEM = re.compile(r"-(?=\s|\Z)")
_QUOTED = re.compile(r"""\"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'""", re.DOTALL)
_MEANINGS: dict[Kind, tuple[str, str]] = {
    "document": ("the document has already ended above", "a spec is one map from its first line to its last"),
    "directive": ("a line that begins with % is a directive of YAML", "put the text in quotes"),
    "no colon": ("a key without a colon", "a key ends with a colon and a space"),
    "item": ("a list cannot begin here", "put its first item on a line of its own"),
    "key": ("a key cannot begin here", "put it on a line of its own"),
    "block text": ("a block of text begins with | or > and nothing after it", "put the text in quotes"),
    "tag": ("tags are not part of the language", "put the text in quotes"),
    "sign": ("a value cannot begin with this sign", "put the text in quotes"),
    "anchor": ("an anchor is & and a name of letters and digits", "put the text in quotes"),
    "alias": ("an alias is * and a name of letters and digits", "put the text in quotes"),
}
"""What is wrong, and the repair, of the kinds that need nothing but their place."""


def broken(expression: str) -> str:
    """What is wrong with a value that only quotes make whole."""
    sign = expression[:1]
    if sign in "%@`":
        return f"a value cannot begin with {sign} in YAML"
    means = _SIGNS.get(sign)
    return f"a value that begins with {sign} is {means} to YAML" if means else f"YAML's own signs break {expression}"


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
