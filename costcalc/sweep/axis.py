"""The axes of a sweep, written `0.25,0.5,1` or `128:224:32`. Values of ranges are calculated when needed."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costcalc.errors import UsageError, suggest
from costcalc.formula import MAX_NUMBER
from costcalc.notation import SI_POWERS
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costcalc.lang.spec import Spec

_NUMBER = r"[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d{1,3}|[kKMGT])?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*({_NUMBER})\s*)?", re.ASCII)


class Steps(NamedTuple):
    """The numbers (first + i·step) / 10^digits for i from 0 to size - 1: ints if `digits` is None, floats otherwise."""

    first: int
    step: int
    size: int
    digits: int | None

    def between(self, start: int, stop: int) -> list[Any]:
        """Return the numbers from index `start` up to `stop`. Each float is the nearest to the decimal number."""
        numerators = range(self.first + start * self.step, self.first + stop * self.step, self.step)
        if self.digits is None:
            return list(numerators)
        unit = 10**self.digits
        return [numerator / unit for numerator in numerators]


class ListedValues(NamedTuple):
    """A list of values."""

    values: tuple[Any, ...]

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)

    def between(self, start: int, stop: int) -> list[Any]:
        """Return the values from index `start` up to `stop`."""
        return list(self.values[start:stop])


class Axis(NamedTuple):
    """The name of a param and its values, in segments."""

    name: str
    segments: tuple[Steps | ListedValues, ...]

    @property
    def size(self) -> int:
        """The number of values."""
        return sum(segment.size for segment in self.segments)

    def between(self, start: int, stop: int) -> list[Any]:
        """Return the values from index `start` up to `stop`, as ints, floats, bools, words and tuples."""
        values: list[Any] = []
        for segment in self.segments:
            size = segment.size
            if start < size and stop > 0:
                values.extend(segment.between(max(start, 0), min(stop, size)))
            start, stop = start - size, stop - size
        return values

    @property
    def dtype(self) -> str:
        """The dtype for all values: int64, float64, bool, or text."""
        given = [value for segment in self.segments if isinstance(segment, ListedValues) for value in segment.values]
        ends = [segment.between(at, at + 1)[0] for segment in self.segments for at in (0, segment.size - 1)]
        kinds = {type(value) for value in (*given, *ends)}
        if kinds == {bool}:
            return "?"
        if kinds <= {int, float} and all(type(value) is float or abs(value) < 2**63 for value in (*given, *ends)):
            return "<i8" if kinds == {int} else "<f8"
        return f"<U{max(32, *[len(str(value)) for value in (*given, *ends)])}"

    def value(self, index: int) -> Any:
        """Return the value at an index."""
        return self.between(index, index + 1)[0]


def parse_axis(name: str, text: str) -> Axis:
    """Parse an axis `NAME=VALUES`. Raises `UsageError`, or `ExpressionError` for an invalid value.

    >>> parse_axis("alpha", "0.25,0.5:1:0.25").between(0, 4)
    [0.25, 0.5, 0.75, 1.0]
    >>> parse_axis("resolution", "128:224:32").between(0, 9)
    [128, 160, 192, 224]
    """
    from costcalc.lang.expression import parse_value

    segments: list[Steps | ListedValues] = []
    listed: list[Any] = []
    for item in items(text):
        match = _RANGE.fullmatch(item)
        if match is None:
            if not item.strip():
                raise UsageError("{}: missing value in '{}'", name, text, help="separate values by commas")
            if ":" in item:
                raise UsageError("{}: expected a range, got '{}'", name, item, help="write numbers as FROM:TO:STEP")
            listed.append(parse_value(item))
            continue
        if listed:
            segments.append(ListedValues(tuple(listed)))
            listed = []
        segments.append(_steps(name, item, match[1], match[2], match[3] or "1"))
    if listed:
        segments.append(ListedValues(tuple(listed)))
    return Axis(name, tuple(segments))


def axis_of(name: str, values: Any) -> Axis:
    """Return an axis of Python values: an iterable or one value. Values of numpy are converted to those of Python.

    >>> axis_of("resolution", range(128, 225, 32)).between(0, 4)
    [128, 160, 192, 224]
    """
    if isinstance(values, range):
        if not values:
            raise UsageError("{}: no values", name)
        return Axis(name, (Steps(values.start, values.step, _length(values), None),))
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, (str, bool, int, float)) or not hasattr(values, "__iter__"):
        values = [values]
    plain = tuple(map(_plain, values))
    if not plain:
        raise UsageError("{}: no values", name)
    return Axis(name, (ListedValues(plain),))


def check_params(spec: Spec, names: Iterable[str]) -> None:
    """Raise `UsageError` for a name that is not a param of the spec, or if there are no names."""
    known = f"known: {', '.join(spec.params)}" if spec.params else "the spec has no params"
    for name in names:
        if name not in spec.params:
            raise UsageError("unknown param {} of {}", name, spec.name, help=suggest(name, spec.params, known))
    if not names:
        raise UsageError("expected values of at least one param of {}", spec.name, help=known)


def _length(values: range) -> int:
    return (values[-1] - values.start) // values.step + 1


def _plain(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def items(text: str) -> Iterator[str]:
    """Split a text at commas outside brackets."""
    depth = start = 0
    for position, sign in enumerate(text):
        depth += (sign in "[(") - (sign in "])")
        if sign == "," and depth <= 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _decimal(text: str) -> tuple[Fraction, bool]:
    """Return the exact value of a number, and whether it is an int: without a point, or whole with a suffix."""
    power = SI_POWERS.get(text[-1], 0)
    exact = Fraction(text[: -1 if power else None].replace("_", "")) * 10**power
    return exact, exact.denominator == 1 and ("." not in text or "e" in text.lower() or power > 0)


def _steps(name: str, item: str, first: str, last: str, step: str) -> Steps:
    numbers = [_decimal(text) for text in (first, last, step)]
    (start, _), (stop, _), (by, _) = numbers
    if max(abs(start), abs(stop), abs(by)) > MAX_NUMBER:
        raise UsageError("{}: a number in {} is above 10^30", name, item)
    if by == 0:
        raise UsageError("{}: the step of {} must not be 0", name, item, help="write FROM:TO:STEP, such as 128:224:32")
    if (stop - start) * by < 0:
        backward = (
            "the range {1} is empty: it ends below its start"
            if by > 0
            else "the range {1} is empty: its step is negative, but it ends above its start"
        )
        help = f"write {last}:{first}:{step.lstrip('-')}" if by > 0 else f"write {first}:{last}:{step.lstrip('-')}"
        raise UsageError("{0}: " + backward, name, item, help=help)
    whole = all(is_int for _, is_int in numbers)
    digits = next(digits for digits in range(2000) if all(number * 10**digits % 1 == 0 for number, _ in numbers))
    scaled = [int(number * 10**digits) for number, _ in numbers]
    return Steps(scaled[0], scaled[2], (scaled[1] - scaled[0]) // scaled[2] + 1, None if whole else digits)
