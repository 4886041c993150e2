"""Corrects a line with characters that YAML reads in an unintended way, for the help of an error.

An expression such as `{out: max(a, b)}`, `{out: w[0]}` or `if: !last` is put in quotes. `{out:64}` gets a space. The
corrected line is used only if YAML reads it without an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import SequenceStartEvent

from costcalc.errors import Source
from costcalc.lang.yaml_error_kinds import in_flow, kind_of
from costcalc.lang.yaml_nodes import Reading, StopReading
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE = 500
"""The largest number of characters of a line that is corrected."""
MAX_CORRECTIONS = 12
MAX_STARTS = 40


LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_LISTED = re.compile(r"\A\(([^()\[\]{}\"']+)\)\Z")
"""A list in parentheses, as in Python: `(3, 3)`."""
OPENING = {"(": ")", "[": "]", "{": "}"}


class Correction(NamedTuple):
    """A corrected line, and the begin and end of the fault in the original line."""

    line: str
    start: int
    end: int
    sign: str
    """The first characters of the text that needs quotes."""


def corrected(reading: Reading, mark: Any) -> Correction | None:
    """Return the corrected line at a mark where the reading found a trap, or None."""
    line = line_at(reading.source.text, mark)
    if len(line) > LONGEST_LINE:
        return None
    around = [entry[0] for entry in reading.open if entry[0].flow_style and entry[0].start_mark.line < mark.line]
    prefix = "".join("[" if isinstance(event, SequenceStartEvent) else "{" for event in around)
    first: Correction | None = None
    for _ in range(MAX_CORRECTIONS):
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
    """Return the line at a mark, without its line break."""
    start = mark.index - mark.column
    match = LINE_BREAK.search(text, start)
    return text[start : match.start() if match else len(text)]


def _traps(reading: Reading, prefix: str, line: str) -> list[tuple[int, str]]:
    """Return the columns and kinds of the traps on a line, in order."""
    text = prefix + line
    trial = Reading(Source("", text))
    trial.anchors = dict(reading.anchors)
    try:
        trial.document()
    except MarkedYAMLError as error:
        mark: Any = error.problem_mark
        kind = kind_of(trial, error)
        # A bracket that is open at the end of the line may be closed on a later line.
        open = kind in ("flow", "content") and in_flow(trial)
        if kind == "colon":
            trial.traps.append(("colon", mark.index))
        elif not (open and mark.index >= len(text.rstrip())):
            trial.traps.append(("syntax", mark.index))
    except (StopReading, YAMLError):
        pass
    return sorted([(index - len(prefix), kind) for kind, index in trial.traps])


def _step(reading: Reading, prefix: str, line: str, column: int, kind: str) -> Correction | None:
    """Correct one trap on a line. Return None if no correction is known."""
    if kind in ("colon", "brace"):
        sign = line.find(":" if kind == "colon" else "{", column)
        value = sign + 1 if kind == "colon" else sign
        better = f"{line[:value].rstrip()}{' ' if kind == 'colon' else ': '}{line[value:]}"
        return Correction(better, column, max(column + 1, next(_ends(line, value), value)), "")
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
                return Correction(better, start, end, line[start : start + 2])
    return None


def quoted(text: str) -> str:
    """Return an expression in single or double quotes.

    >>> print(quoted("w[0]"), quoted('"a" if x'))
    "w[0]" '"a" if x'
    """
    if '"' in text or "\\" in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"'


def _starts(line: str, column: int) -> Iterator[int]:
    """Yield the columns where a value may begin, from `column` to the left."""
    count = 0
    for start in range(min(column, len(line) - 1), -1, -1):
        before = line[:start].rstrip()
        spaced = len(before) < start
        begins = not before or before[-1] in "[{," or (spaced and before[-1] in ":-?")
        if begins and not line[start].isspace() and line[start] not in ",]}#":
            yield start
            count += 1
            if count >= MAX_STARTS:
                return


def _ends(line: str, start: int) -> Iterator[int]:
    """Yield the columns where a value that begins at `start` may end: at an enclosing bracket, or with the line."""
    closing: list[str] = []
    at = start
    while at < len(line):
        char = line[at]
        if char in "\"'" and (end := line.find(char, at + 1)) > 0:
            at = end
        elif char in OPENING:
            closing.append(OPENING[char])
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
        if char in OPENING:
            closing.append(OPENING[char])
        elif char in ")]}" and (not closing or closing.pop() != char):
            return False
    return not closing


def advice(correction: Correction | None) -> str:
    """Return the help that shows the corrected line."""
    if correction is None:
        return "put the expression in quotes"
    negation = correction.sign.startswith("!") and correction.sign not in ("!!", "!<")
    return f"write {correction.line.strip()}{' (write not x for negation)' if negation else ''}"
