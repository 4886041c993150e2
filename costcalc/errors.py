"""One hierarchy of errors. A fault is data; `costcalc.report.faults` turns it into text.

A rule raises what is wrong with the values it sees. The engine adds the layer, the spec adds the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Source(NamedTuple):
    """A text that faults can point into: its name as the user knows it, the text, and whether costcalc brought it."""

    name: str
    text: str
    bundled: bool = False


class Span(NamedTuple):
    """A place in a source: line and column count from 1, length in characters."""

    source: Source
    line: int
    column: int
    length: int = 1

    def at(self, offset: int, length: int) -> Span:
        """The part of this place that begins `offset` characters further on the same line."""
        return Span(self.source, self.line, self.column + offset, length)


class Fault(NamedTuple):
    """What is wrong, where, what was seen there, and the usual repair."""

    message: str
    span: Span | None = None
    notes: tuple[str, ...] = ()
    help: str = ""
    severity: str = "error"


class CostcalcError(Exception):
    """Something a person can repair. Exit status 2.

    The message is a template and its values, as in `CostcalcError("{} is not {}", 3, 4)`, so that a sweep, where a
    value is one per configuration, can write the text of each. The template is a literal of the program: a text from
    outside is always one of the values. `note` and `help` are finished texts, in which braces mean nothing.
    """

    def __init__(self, message: str, *values: object, note: str = "", help: str = "") -> None:
        super().__init__(message, *values)
        self.message = message
        self.values = values
        self.note = note
        self.help = help

    def fault(self, span: Span | None = None, *notes: str) -> Fault:
        """This error as data, at a place."""
        said = tuple(note for note in (self.note, *notes) if note)
        return Fault(fill(self.message, self.values), span, said, self.help)

    def __str__(self) -> str:
        return fill(self.message, self.values)


class ShapeError(CostcalcError):
    """Shapes that an op cannot take, or that do not fit each other."""


class ArgumentError(CostcalcError):
    """A value that an argument of an op cannot take."""

    argument = ""


class ExpressionError(CostcalcError):
    """A fault inside an expression, with its place in the expression's text."""

    offset = 0
    length = 1


class UsageError(CostcalcError):
    """A call that cannot be carried out: an unknown spec, an unreadable file, options that exclude each other."""


class SpecError(CostcalcError):
    """Faults of a spec, all that were found at once, and the network as far as it could be built.

    `cause` is the error of the rule behind the first fault, where there is one.
    """

    cause: CostcalcError | None = None

    def __init__(self, faults: Iterable[Fault], partial: Any = None) -> None:
        self.faults = tuple(faults)
        self.partial = partial
        super().__init__("{}", "\n".join(map(brief, self.faults)))

    def fault(self, span: Span | None = None, *notes: str) -> Fault:
        """The first fault."""
        return self.faults[0]


def fill(template: str, values: Sequence[object]) -> str:
    """The template with its values in it. Only `{}`, `{:,}`, `{0}` and `{0:,}` are places for values.

    Other braces are text, and so are all braces of the values.

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
    """A number of things.

    >>> counted(1, "value"), counted(3, "value")
    ('1 value', '3 values')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def brief(fault: Fault) -> str:
    """A fault in one line: `FILE:LINE:COL: error: MESSAGE`."""
    place = f"{fault.span.source.name}:{fault.span.line}:{fault.span.column}: " if fault.span else ""
    return f"{place}{fault.severity}: {fault.message}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that `name` was probably meant to be, or an empty string.

    >>> nearest("kernal", ["out", "kernel", "stride"])
    'kernel'
    >>> nearest("zzz", ["out", "kernel"])
    ''
    """
    from difflib import get_close_matches
    from itertools import islice

    names = list(islice(known, 2000))
    folded = {candidate.lower(): candidate for candidate in reversed(names)}
    found = get_close_matches(name[:100].lower(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else ""


def suggest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A line of help: the nearest known name, or else all of them where they are few.

    >>> suggest("kernal", ["out", "kernel"])
    'did you mean kernel?'
    >>> suggest("zzz", ["out", "kernel"])
    'known: out, kernel'
    """
    names = list(known)
    found = nearest(name, names)
    if found:
        return f"did you mean {found}?"
    if otherwise:
        return otherwise
    return f"known: {', '.join(names)}" if 0 < len(names) <= 24 else ""
