"""The exceptions of costcalc, and faults: error messages as data, which `costcalc.report.faults` formats.

A rule raises an error about its values. The engine adds the layer, and the spec adds the location.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Source(NamedTuple):
    """The text of a spec: its name in messages, the text, and whether it is bundled with costcalc."""

    name: str
    text: str
    bundled: bool = False


class Span(NamedTuple):
    """A location in a source: line and column, counted from 1, and the length in characters."""

    source: Source
    line: int
    column: int
    length: int = 1

    def at(self, offset: int, length: int) -> Span:
        """Return the span of `length` characters that begins `offset` characters after this one, on the same line."""
        return Span(self.source, self.line, self.column + offset, length)


class Fault(NamedTuple):
    """An error or a warning: the message, its location, notes, and the usual repair."""

    message: str
    span: Span | None = None
    notes: tuple[str, ...] = ()
    help: str = ""
    severity: str = "error"


class CostcalcError(Exception):
    """An error that the user can repair. The exit status is 2.

    The message is a template with values, as in `CostcalcError("{} is not {}", 3, 4)`. A sweep has one value per
    configuration, and formats the message for each. The template is always a literal: text from outside is passed as
    a value. `note` and `help` are plain text, without templates.
    """

    def __init__(self, message: str, *values: object, note: str = "", help: str = "") -> None:
        super().__init__(message, *values)
        self.message = message
        self.values = values
        self.note = note
        self.help = help

    def fault(self, span: Span | None = None, *notes: str) -> Fault:
        """Return this error as a fault at a location."""
        notes = tuple(note for note in (self.note, *notes) if note)
        return Fault(fill(self.message, self.values), span, notes, self.help)

    def __str__(self) -> str:
        return fill(self.message, self.values)


class ShapeError(CostcalcError):
    """The input shapes are invalid for an op, or incompatible with each other."""


class ArgumentError(CostcalcError):
    """The value of an argument of an op is invalid."""

    argument = ""


class ExpressionError(CostcalcError):
    """An expression is invalid. `offset` and `length` locate the error in the text of the expression."""

    offset = 0
    length = 1


class UsageError(CostcalcError):
    """A command or call is invalid: unknown spec, unreadable file, conflicting options."""


class SpecError(CostcalcError):
    """A spec has faults. All that were found are reported, with the network up to the first, if it was being built.

    `cause` is the error that the first fault was made from, if any.
    """

    cause: CostcalcError | None = None

    def __init__(self, faults: Iterable[Fault], partial: Any = None) -> None:
        self.faults = tuple(faults)
        self.partial = partial
        super().__init__("{}", "\n".join(map(brief, self.faults)))

    def fault(self, span: Span | None = None, *notes: str) -> Fault:
        """Return the first fault."""
        return self.faults[0]


def fill(template: str, values: Sequence[object]) -> str:
    """Return a template with its values filled in. Only `{}`, `{:,}`, `{0}` and `{0:,}` are placeholders.

    Other braces are text. Braces in values are text, too.

    >>> fill("{} of {:,} in {1}: {out: 64}", (3, 1000))
    '3 of 1,000 in 1000: {out: 64}'
    >>> fill("unknown name {}", ("{9}{0:>99}",))
    'unknown name {9}{0:>99}'
    """
    if "{" not in template or not values:
        return template
    import re

    position = iter(range(len(values)))

    def place(match: re.Match[str]) -> str:
        index = int(match[1]) if match[1] else next(position)
        return format(values[index], match[2] or "")

    return re.sub(r"\{(\d?)(?::(,))?\}", place, template)


def counted(number: int, noun: str) -> str:
    """Return a number with a noun in singular or plural.

    >>> counted(1, "value"), counted(3, "value")
    ('1 value', '3 values')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def brief(fault: Fault) -> str:
    """Return a fault as one line: `FILE:LINE:COL: error: MESSAGE`."""
    location = f"{fault.span.source.name}:{fault.span.line}:{fault.span.column}: " if fault.span else ""
    return f"{location}{fault.severity}: {fault.message}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name most similar to `name`, or an empty string if none is similar.

    >>> nearest("kernal", ["out", "kernel", "stride"])
    'kernel'
    >>> nearest("zzz", ["out", "kernel"])
    ''
    """
    from difflib import get_close_matches
    from itertools import islice

    names = list(islice(known, 2000))
    folded = {candidate.lower(): candidate for candidate in reversed(names)}
    matches = get_close_matches(name[:100].lower(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else ""


def suggest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return help for an unknown name: the nearest known name, else `otherwise`, else all known names if few.

    >>> suggest("kernal", ["out", "kernel"])
    'did you mean kernel?'
    >>> suggest("zzz", ["out", "kernel"])
    'known: out, kernel'
    """
    names = list(known)
    match = nearest(name, names)
    if match:
        return f"did you mean {match}?"
    if otherwise:
        return otherwise
    return f"known: {', '.join(names)}" if 0 < len(names) <= 24 else ""
