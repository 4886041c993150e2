"""The values along an axis of a sweep, written `0.25,0.5,1` or `128:224:32`, and made only as they are needed."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.errors import UsageError, suggest
from costcalc.formula import MAX_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from costcalc.lang.spec import Spec

_NUMBER = r"[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d{1,3}|[kKMGT])?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*({_NUMBER})\s*)?", re.ASCII)
_POWERS = {"k": 3, "K": 3, "M": 6, "G": 9, "T": 12}


class Steps(NamedTuple):
    """The numbers (first + i·step) / 10^digits for i from 0 to size - 1: ints where `digits` is None, else floats."""

    first: int
    step: int
    size: int
    digits: int | None

    def between(self, start: int, stop: int) -> list[Any]:
        """The numbers from one index to before another. Each float is the one nearest to the decimal number."""
        numerators = range(self.first + start * self.step, self.first + stop * self.step, self.step)
        if self.digits is None:
            return list(numerators)
        unit = 10**self.digits
        return [numerator / unit for numerator in numerators]


class Given(NamedTuple):
    """Values that were listed."""

    values: tuple[Any, ...]

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)

    def between(self, start: int, stop: int) -> list[Any]:
        """The values from one index to before another."""
        return list(self.values[start:stop])


class Axis(NamedTuple):
    """A swept name and its values, in segments."""

    name: str
    segments: tuple[Steps | Given, ...]

    @property
    def size(self) -> int:
        """The number of values."""
        return sum(segment.size for segment in self.segments)

    def between(self, start: int, stop: int) -> list[Any]:
        """The values from one index to before another, as plain ints, floats, bools, words and tuples."""
        values: list[Any] = []
        for segment in self.segments:
            size = segment.size
            if start < size and stop > 0:
                values.extend(segment.between(max(start, 0), min(stop, size)))
            start, stop = start - size, stop - size
        return values

    @property
    def dtype(self) -> str:
        """The type of numpy that holds all its values: int64, float64, bool, or text."""
        given = [value for segment in self.segments if isinstance(segment, Given) for value in segment.values]
        ends = [segment.between(at, at + 1)[0] for segment in self.segments for at in (0, segment.size - 1)]
        kinds = {type(value) for value in (*given, *ends)}
        if kinds == {bool}:
            return "?"
        if kinds <= {int, float} and all(type(value) is float or abs(value) < 2**63 for value in (*given, *ends)):
            return "<i8" if kinds == {int} else "<f8"
        return f"<U{max(32, *[len(str(value)) for value in (*given, *ends)])}"

    def value(self, index: int) -> Any:
        """The value at an index."""
        return self.between(index, index + 1)[0]


def parse_axis(name: str, text: str) -> Axis:
    """The axis that the command line's `NAME=VALUES` means. Raises `UsageError`, and `ExpressionError` for a bad value.

    >>> parse_axis("alpha", "0.25,0.5:1:0.25").between(0, 4)
    [0.25, 0.5, 0.75, 1.0]
    >>> parse_axis("resolution", "128:224:32").between(0, 9)
    [128, 160, 192, 224]
    """
    from costcalc.lang.expression import parse_value

    segments: list[Steps | Given] = []
    listed: list[Any] = []
    for item in items(text):
        found = _RANGE.fullmatch(item)
        if found is None:
            if not item.strip():
                raise UsageError("{}: a value is missing in '{}'", name, text, help="values are separated by commas")
            if ":" in item:
                raise UsageError("{}: '{}' is no range", name, item, help="a range is FROM:TO:STEP, of numbers")
            listed.append(parse_value(item))
            continue
        if listed:
            segments.append(Given(tuple(listed)))
            listed = []
        segments.append(_steps(name, item, found[1], found[2], found[3] or "1"))
    if listed:
        segments.append(Given(tuple(listed)))
    return Axis(name, tuple(segments))


def axis_of(name: str, values: Any) -> Axis:
    """An axis from Python values: any iterable, or one value. numpy's numbers become Python's, and rows lists.

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
    return Axis(name, (Given(plain),))


def check_params(spec: Spec, names: Iterable[str]) -> None:
    """Raise `UsageError` for a name that is no param of the spec, or where there is none."""
    known = f"its params: {', '.join(spec.params)}" if spec.params else "it has no params"
    for name in names:
        if name not in spec.params:
            raise UsageError("{} has no param {}", spec.name, name, help=suggest(name, spec.params, known))
    if not names:
        raise UsageError("nothing to sweep in {}", spec.name, help=f"NAME=VALUES for one or more; {known}")


def _length(values: range) -> int:
    return (values[-1] - values.start) // values.step + 1


def _plain(value: Any) -> Any:
    value = value.tolist() if hasattr(value, "tolist") else value
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def items(text: str) -> Iterator[str]:
    """The text, divided at commas outside brackets."""
    depth = start = 0
    for position, sign in enumerate(text):
        depth += (sign in "[(") - (sign in "])")
        if sign == "," and depth <= 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _decimal(text: str) -> tuple[Fraction, bool]:
    """A number exactly, and whether the language reads it as an int: without a point, or made whole by a suffix."""
    power = _POWERS.get(text[-1], 0)
    exact = Fraction(text[: -1 if power else None].replace("_", "")) * 10**power
    return exact, exact.denominator == 1 and ("." not in text or "e" in text.lower() or power > 0)


def _steps(name: str, item: str, first: str, last: str, step: str) -> Steps:
    numbers = [_decimal(text) for text in (first, last, step)]
    (start, _), (stop, _), (by, _) = numbers
    if max(abs(start), abs(stop), abs(by)) > MAX_NUMBER:
        raise UsageError("{}: a number beyond 10^30 in {}", name, item)
    if by == 0:
        raise UsageError("{}: the step of {} is 0", name, item, help="FROM:TO:STEP, as in 128:224:32")
    if (stop - start) * by < 0:
        backward = (
            "the range {1} runs backward" if by > 0 else "the range {1} is empty: its step leads away from its end"
        )
        help = f"write {last}:{first}:{step.lstrip('-')}" if by > 0 else f"write {first}:{last}:{step.lstrip('-')}"
        raise UsageError("{0}: " + backward, name, item, help=help)
    whole = all(is_int for _, is_int in numbers)
    digits = next(digits for digits in range(2000) if all(number * 10**digits % 1 == 0 for number, _ in numbers))
    scaled = [int(number * 10**digits) for number, _ in numbers]
    return Steps(scaled[0], scaled[2], (scaled[1] - scaled[0]) // scaled[2] + 1, None if whole else digits)
