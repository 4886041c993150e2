"""A line that YAML's own signs break, as it would be right.

An expression such as `{out: max(a, b)}`, `{out: w[0]}` or `if: !last` is put in quotes, `{out:64}` gets its space. What
comes out is shown only if it then reads without a fault.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from costcalc.errors import Source
from costcalc.lang.reader import Reading, StopReading

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE = 500
"""Longer lines are not mended."""
MAX_MENDS = 12
MAX_STARTS = 40


LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_LISTED = re.compile(r"\A\(([^()\[\]{}\"']+)\)\Z")
"""A list as other languages write it: `(3, 3)`."""
OPENING = {"(": ")", "[": "]", "{": "}"}


class Mend(NamedTuple):
    """A line as it would be right, and where on the written line the fault begins and ends."""

    line: str
    start: int
    end: int
    sign: str
    """How the text begins that wants quotes."""


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
    except yaml.MarkedYAMLError as error:
        from costcalc.lang.yaml_errors import in_flow, kind_of

        mark: Any = error.problem_mark
        kind = kind_of(trial, error)
        # At its end the line may leave open what later lines close.
        open = kind in ("flow", "content") and in_flow(trial)
        if kind == "colon":
            trial.traps.append(("colon", mark.index))
        elif not (open and mark.index >= len(text.rstrip())):
            trial.traps.append(("syntax", mark.index))
    except (StopReading, yaml.YAMLError):
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


def advice(mend: Mend | None) -> str:
    """The line as it would be right."""
    if mend is None:
        return "put the expression in quotes"
    negation = mend.sign.startswith("!") and mend.sign not in ("!!", "!<")
    return f"write {mend.line.strip()}{' (negation is written not x)' if negation else ''}"
