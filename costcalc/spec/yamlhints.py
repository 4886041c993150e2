"""What YAML stumbles over, in the words of the language, and the line as it would be right.

YAML's own signs break expressions: `{out: max(a, b)}`, `{out: w[0]}`, `{out:64}`, `if: !last`. Such a line is mended by
putting quotes around the expression, or a space after the colon, and shown only if it then reads without a fault.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from costcalc.errors import Fault, Source, Span
from costcalc.spec.files import place
from costcalc.spec.reader import Reading, StopReading

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE = 500
"""Longer lines are not mended."""
_LONGEST_KEY = 1_024
"""YAML's own limit for a key without a question mark."""
MAX_MENDS = 12
MAX_STARTS = 40

LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
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
_LISTED = re.compile(r"\A\(([^()\[\]{}\"']+)\)\Z")
"""A list as other languages write it: `(3, 3)`."""
_OPENING = {"(": ")", "[": "]", "{": "}"}
_FREE_TEXT = ("description", "source", "name", "note")


class Mend(NamedTuple):
    """A line as it would be right, and where on the written line the fault begins and ends."""

    line: str
    start: int
    end: int
    sign: str
    """How the text begins that wants quotes."""


def explain(reading: Reading, error: Exception) -> Fault:
    """The fault that an error of the parser stands for."""
    source = reading.source
    odd = _UNPRINTABLE.search(source.text)
    if odd is not None:
        help = "in double quotes YAML writes it as an escape" if ord(odd[0]) < 0xD800 else ""
        message = f"the character U+{ord(odd[0]):04X} cannot stand in a spec"
        return Fault(message, Span(source, *place(source.text, odd.start())), (), help)
    mark: Any = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    context = str(getattr(error, "context", None) or "")
    start: Any = getattr(error, "context_mark", None) or mark
    return _Stumble(reading, problem, context, mark, start).fault()


def mended(reading: Reading, mark: Any) -> Mend | None:
    """The line of a place, at which the reading has just met a trap, as it would be right."""
    line = line_at(reading.source.text, mark)
    if len(line) > LONGEST_LINE:
        return None
    around = [entry[0] for entry in reading.open if entry[0].flow_style and entry[0].start_mark.line < mark.line]
    prefix = "".join("[" if isinstance(event, yaml.SequenceStartEvent) else "{" for event in around)
    first: Mend | None = None
    for _ in range(MAX_MENDS):
        traps = _traps(reading, prefix, line)
        if not traps:
            return first
        step = _step(reading, prefix, line, *traps[0])
        if step is None:
            return None
        line = step.line
        first = first._replace(line=line) if first else step
    return None


def line_at(text: str, mark: Any) -> str:
    """The line of a place, without its end."""
    start = mark.index - mark.column
    match = LINE_BREAK.search(text, start)
    return text[start : match.start() if match else len(text)]


def _traps(reading: Reading, prefix: str, line: str) -> list[tuple[int, str]]:
    """What YAML takes on a line otherwise than it was meant: columns and kinds, in order."""
    text = prefix + line
    trial = Reading(Source("", text), advise=False)
    trial.anchors = dict(reading.anchors)
    try:
        trial.document()
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        # At its end the line may leave open what later lines close.
        open = "flow" in str(getattr(error, "context", None))
        if mark is not None and "unexpected ':'" in str(getattr(error, "problem", None)):
            trial.traps.append(("colon", mark.index))
        elif mark is not None and not (open and mark.index >= len(text.rstrip())):
            trial.traps.append(("syntax", mark.index))
    except StopReading:
        pass
    return sorted([(index - len(prefix), kind) for kind, index in trial.traps])


def _step(reading: Reading, prefix: str, line: str, column: int, kind: str) -> Mend | None:
    """One trap less on a line."""
    if kind in ("colon", "brace"):
        sign = line.find(":" if kind == "colon" else "{", column)
        value = sign + 1 if kind == "colon" else sign
        better = f"{line[:value].rstrip()}{' ' if kind == 'colon' else ': '}{line[value:]}"
        return Mend(better, column, max(column + 1, next(_ends(line, value), value)), "")
    for start in _starts(line, column) if kind == "syntax" else (column,):
        for end in _ends(line, start):
            if not line[:start].strip() and re.search(r":\s", line[start:end]):
                continue  # a key and its value, not an expression
            text = _LISTED.sub(r"[\1]", line[start:end])
            text = quoted(text) if text == line[start:end] else text
            better = f"{line[:start]}{text}{line[end:]}"
            done = start + len(text)
            left = _traps(reading, prefix, better) if end >= column else [(start, kind)]
            if not any(start <= at < done or (at < start and what == "syntax") for at, what in left):
                return Mend(better, start, end, line[start : start + 2])
    return None


def quoted(text: str) -> str:
    """An expression in the quotes that suit it.

    >>> print(quoted("w[0]"), quoted('"a" if x'))
    "w[0]" '"a" if x'
    """
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def _starts(line: str, column: int) -> Iterator[int]:
    """Where a value may begin on a line, from a column to the left."""
    found = 0
    for start in range(min(column, len(line) - 1), -1, -1):
        before = line[:start].rstrip()
        spaced = len(before) < start
        begins = not before or before[-1] in "[{," or (spaced and before[-1] in ":-?")
        if begins and not line[start].isspace() and line[start] not in ",]}#":
            yield start
            found += 1
            if found >= MAX_STARTS:
                return


def _ends(line: str, start: int) -> Iterator[int]:
    """Where a value that begins at a column may end: at a sign of braces or brackets around it, or with the line."""
    closing: list[str] = []
    at = start
    while at < len(line):
        char = line[at]
        if char in "\"'" and (end := line.find(char, at + 1)) > 0:
            at = end
        elif char in _OPENING:
            closing.append(_OPENING[char])
        elif closing and char == closing[-1]:
            closing.pop()
        elif (char in ",]}" and not closing) or (char == "#" and line[at - 1 : at].isspace()):
            break
        at += 1
    inner = len(line[:at].rstrip())
    comment = re.search(r"\s#", line[start:])
    outer = len(line[: start + comment.start() if comment else len(line)].rstrip())
    if not closing and inner > start:
        yield inner
    if outer not in (inner, start) and _balanced(line[start:outer]):
        yield outer


def _balanced(text: str) -> bool:
    closing: list[str] = []
    for char in text:
        if char in _OPENING:
            closing.append(_OPENING[char])
        elif char in ")]}" and (not closing or closing.pop() != char):
            return False
    return not closing


class _Stumble:
    """A place where the parser stopped, and what it said."""

    def __init__(self, reading: Reading, problem: str, context: str, mark: Any, start: Any) -> None:
        self.reading, self.source, self.text = reading, reading.source, reading.source.text
        self.problem, self.context, self.mark, self.start = problem, context, mark, start
        self.char = self.text[mark.index : mark.index + 1]
        self.line = line_at(self.text, mark)
        self.ended = not self.text[mark.index :].strip()

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
        for sign, message, help in _SAID:
            if sign in f"{self.context}: {self.problem}":
                return self.at(self.start if self.ended else self.mark, message, help)
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
        match = re.search("(?m)^%", self.text) if re.search("directive|document|YAML", self.problem) else None
        if match is None:
            return None
        span = Span(self.source, *place(self.text, match.start()))
        return Fault("a line that begins with % is a directive of YAML", span, (), "remove the line")

    def escape(self) -> Fault | None:
        if "quoted" not in self.context or not re.search("escape|hexadecimal|hexdecimal", self.problem):
            return None
        back = self.text.rfind("\\", self.mark.index - self.mark.column, self.mark.index + 1)
        span = Span(self.source, self.mark.line + 1, back - (self.mark.index - self.mark.column) + 1, 2)
        help = r"write \\ for a backslash, or use single quotes"
        return Fault(f"{self.text[back : back + 2]} is no escape of a text in double quotes", span, (), help)

    def unclosed(self) -> Fault | None:
        if "quoted scalar" in self.context and ("end of stream" in self.problem or "document" in self.problem):
            quote = self.text[self.start.index]
            return self.at(self.start, f"the text that begins with {quote} has no end", f"close it with {quote}")
        if self.ended and "flow" in self.context:
            event = next((entry[0] for entry in reversed(self.reading.open) if entry[0].flow_style), None)
            if event is not None:
                mark = event.start_mark
                sign = "[" if isinstance(event, yaml.SequenceStartEvent) else "{"
                return self.at(mark, f"the {sign} is never closed", f"close it with {_OPENING[sign]}")
        return None

    def stray(self) -> Fault | None:
        if self.char not in ("]", "}"):
            return None
        if "flow" not in self.context:
            return self.at(self.mark, f"this {self.char} closes nothing", "remove it, or open what it closes")
        opening = self.text[self.start.index : self.start.index + 1]
        if opening in _OPENING:
            note = f"the {opening} stands at line {self.start.line + 1}, column {self.start.column + 1}"
            return self.at(self.mark, f"{self.char} where {_OPENING[opening]} was expected", note=note)
        return None

    def above(self) -> str:
        """The line above, as far as it is short enough to be looked at."""
        begin = self.mark.index - self.mark.column
        return "".join(LINE_BREAK.split(self.text[max(0, begin - LONGEST_LINE) : begin])[-2:-1])

    def colon(self) -> Fault | None:
        """`out:64` on a line of its own, which YAML joins to the next line or takes for a key without a colon."""
        if "mapping values" not in self.problem and "expected ':'" not in self.problem:
            return None
        number = self.start.line if "expected ':'" in self.problem else self.mark.line - 1
        written = line_at(self.text, self.start) if "expected ':'" in self.problem else self.above()
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
        if "mapping values" in self.problem:
            return self.inner_map()
        if "content" in self.problem and self.char in ",:":
            what = "key" if self.char == ":" else "value"
            return self.at(self.mark, f"a {what} is missing before this {self.char}")
        mend = mended(self.reading, self.mark)
        if mend is None:
            return None
        if "unexpected ':'" in self.problem:
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
        if "block mapping" in self.context or "block collection" in self.context:
            what, column = ("keys", "key") if "mapping" in self.context else ("items", "item")
            note = f"the {what} around it begin at line {self.start.line + 1}, column {self.start.column + 1}"
            if self.mark.column != self.start.column:
                help = f"the {what} of one {'map' if what == 'keys' else 'list'} begin in the same column"
            else:
                help = "each begins with a dash and a space" if what == "items" else "each has a colon and a space"
            return self.at(self.mark, f"expected another {column}, or the end of what is around it", help, note=note)
        if "flow" in self.context and self.start.index < self.mark.index:
            opening = self.text[self.start.index : self.start.index + 1]
            note = f"inside the {opening} of line {self.start.line + 1}, column {self.start.column + 1}"
            if opening in _OPENING and "content" not in self.problem:
                return self.at(self.mark, f"expected a comma or {_OPENING[opening]}", note=note)
        if "content" in self.problem:
            return self.at(self.mark, "a value is missing before this")
        return self.at(self.mark, f"this is not YAML: {self.problem}")


_SAID = (
    ("document start", "the document has already ended above", "a spec is one map from its first line to its last"),
    ("directive", "a line that begins with % is a directive of YAML", "put the text in quotes"),
    ("expected ':'", "a key without a colon", "a key ends with a colon and a space"),
    ("sequence entries", "a list cannot begin here", "put its first item on a line of its own"),
    ("mapping keys", "a key cannot begin here", "put it on a line of its own"),
    ("block scalar", "a block of text begins with | or > and nothing after it", "put the text in quotes"),
    ("tag", "tags are not part of the language", "put the text in quotes"),
    ("cannot start any token", "a value cannot begin with this sign", "put the text in quotes"),
    ("anchor", "an anchor is & and a name of letters and digits", "put the text in quotes"),
    ("alias", "an alias is * and a name of letters and digits", "put the text in quotes"),
)
"""What the parsers say, and what that means; the first that fits."""


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


def advice(mend: Mend | None) -> str:
    """The line as it would be right."""
    if mend is None:
        return "put the expression in quotes"
    negation = mend.sign.startswith("!") and mend.sign not in ("!!", "!<")
    return f"write {mend.line.strip()}{' (negation is written not x)' if negation else ''}"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
