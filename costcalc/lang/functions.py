"""The operators and functions of expressions, on bools, ints, floats, tuples and words.

In a sweep, numbers may be arrays. They support Python's operators, `math.floor`, `math.ceil`, `math.trunc` and `round`
elementwise. They have a method `map(function, *others)`. The result of a comparison has `choose(then, otherwise)`.
"""

from __future__ import annotations

import math
import operator
from functools import reduce
from typing import TYPE_CHECKING, Any

from costcalc.errors import ExpressionError
from costcalc.formula import MAX_NUMBER

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LEVELS, MAX_ENTRIES = 8, 10_000
"""The largest nesting depth of lists in a value, and the largest number of entries of a nested list."""


_OUT_OF_RANGE = "result out of range: the limit is 10^30"


class Word(str):
    """A name used as a value: an op, a block or a keyword of the language."""

    __slots__ = ()


def gathered(values: tuple[Any, ...]) -> int:
    """Count the entries of a list and of the lists in it. Raises `ExpressionError` beyond the limits."""
    count, level = len(values), 1
    inside = [value for value in values if isinstance(value, tuple)]
    while inside:
        count += sum(map(len, inside))
        level += 1
        if level > MAX_LEVELS:
            raise ExpressionError("the list is nested more than {} levels deep", MAX_LEVELS)
        if count > MAX_ENTRIES:
            raise ExpressionError("the nested list has more than {:,} entries in total", MAX_ENTRIES)
        inside = [value for outer in inside for value in outer if isinstance(value, tuple)]
    return count


def is_number(value: object) -> bool:
    """Return whether a value is a number. A bool is the number 0 or 1."""
    return type(value) in (int, float, bool) or hasattr(value, "map")


def checked(value: Any) -> Any:
    """Return the value if it is within the limit. Raises `ExpressionError`."""
    if not is_number(value) or type(value) is bool or -MAX_NUMBER <= value <= MAX_NUMBER:
        return value
    raise ExpressionError(_OUT_OF_RANGE)


def truth(value: Any) -> bool:
    """Return whether a condition is true: a bool, or a number that is not 0."""
    if is_number(value):
        return bool(value)
    raise ExpressionError("expected true or false, got {}", describe(value), help="write a comparison: i > 0")


def describe(value: Any) -> str:
    """Return the description of a value for an error message."""
    if isinstance(value, tuple):
        return "a list"
    return f"the word {value}" if isinstance(value, str) else str(value)


def _arithmetic(symbol: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        if not (is_number(left) and is_number(right)):
            wrong = right if is_number(left) else left
            raise ExpressionError("{} expects numbers, got {}", symbol, describe(wrong))
        try:
            result = function(left, right)
        except ZeroDivisionError:
            raise ExpressionError("division by zero") from None
        except OverflowError:
            raise ExpressionError(_OUT_OF_RANGE) from None
        if -MAX_NUMBER <= result <= MAX_NUMBER:
            return result
        raise ExpressionError(_OUT_OF_RANGE)

    return apply


def _power(base: Any, exponent: Any) -> Any:
    if hasattr(base, "map"):
        return base.map(_power, exponent)
    if hasattr(exponent, "map"):
        return exponent.map(lambda each: _power(base, each))
    if type(base) is float or type(exponent) is float or exponent < 0:
        result = base**exponent
        if isinstance(result, complex):
            raise ExpressionError("{} ** {} is not a real number", base, exponent)
        return result
    if abs(base) > 1 and exponent * (abs(base).bit_length() - 1) > 100:
        raise ExpressionError(_OUT_OF_RANGE)
    return base**exponent


def _ordered(symbol: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def apply(left: Any, right: Any) -> Any:
        if is_number(left) and is_number(right):
            return function(left, right)
        wrong = right if is_number(left) else left
        raise ExpressionError("{} expects numbers, got {}", symbol, describe(wrong))

    return apply


def _equal(left: Any, right: Any) -> Any:
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, str) or isinstance(right, str):
        return isinstance(left, str) and isinstance(right, str) and str(left) == str(right)
    if isinstance(left, tuple) or isinstance(right, tuple):
        return False
    return left == right


def _unequal(left: Any, right: Any) -> Any:
    if is_number(left) and is_number(right):
        return left != right
    return not _equal(left, right)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": _arithmetic("+", operator.add),
    "-": _arithmetic("-", operator.sub),
    "*": _arithmetic("*", operator.mul),
    "/": _arithmetic("/", operator.truediv),
    "//": _arithmetic("//", operator.floordiv),
    "%": _arithmetic("%", operator.mod),
    "**": _arithmetic("**", _power),
    "<": _ordered("<", operator.lt),
    "<=": _ordered("<=", operator.le),
    ">": _ordered(">", operator.gt),
    ">=": _ordered(">=", operator.ge),
    "==": _equal,
    "!=": _unequal,
}


def _numbers(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(values) == 1 and isinstance(values[0], tuple):
        values = values[0]
    for value in values:
        _number(value)
    if not values:
        raise ExpressionError("an empty list has no minimum or maximum")
    return values


def _number(value: Any) -> Any:
    if not is_number(value):
        raise ExpressionError("expected a number, got {}", describe(value))
    return value


def _choose(condition: Any, then: Any, otherwise: Any) -> Any:
    if hasattr(condition, "choose"):
        return condition.choose(then, otherwise)
    return then if condition else otherwise


def _smaller(left: Any, right: Any) -> Any:
    return _choose(right < left, right, left)


def _larger(left: Any, right: Any) -> Any:
    return _choose(right > left, right, left)


def _min(*values: Any) -> Any:
    return reduce(_smaller, _numbers(values))


def _max(*values: Any) -> Any:
    return reduce(_larger, _numbers(values))


def _abs(x: Any) -> Any:
    return abs(_number(x))


def _round(x: Any) -> Any:
    return round(_number(x))


def _floor(x: Any) -> Any:
    return math.floor(_number(x))


def _ceil(x: Any) -> Any:
    return math.ceil(_number(x))


def _int(x: Any) -> Any:
    return math.trunc(_number(x))


def _sqrt(x: Any) -> Any:
    return x.map(_sqrt) if hasattr(x, "map") else math.sqrt(_number(x))


def _log2(x: Any) -> Any:
    return x.map(_log2) if hasattr(x, "map") else math.log2(_number(x))


def _len(x: Any) -> Any:
    if not isinstance(x, tuple):
        raise ExpressionError("len expects a list, got {}", describe(x))
    return len(x)


def _sum(x: Any) -> Any:
    if not isinstance(x, tuple):
        raise ExpressionError("sum expects a list, got {}", describe(x))
    return reduce(OPERATORS["+"], x, 0)


def make_divisible(x: Any, divisor: Any = 8, min_value: Any = None) -> Any:
    """Return the nearest multiple of `divisor` that is at least `min_value` and at least 90% of `x`.

    Source: Sandler et al. 2018, arXiv:1801.04381, the reference code of MobileNetV2.

    >>> [make_divisible(32 * alpha) for alpha in (0.35, 0.5, 0.75, 1.0, 1.4)]
    [16, 16, 24, 32, 48]
    """
    if not _number(divisor) > 0:
        raise ExpressionError("divisor must be positive, got {}", divisor)
    nearest = math.trunc(_number(x) + divisor / 2) // divisor * divisor
    nearest = _larger(divisor if min_value is None else _number(min_value), nearest)
    return nearest + divisor * (10 * nearest < 9 * x)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": _min,
    "max": _max,
    "abs": _abs,
    "round": _round,
    "floor": _floor,
    "ceil": _ceil,
    "int": _int,
    "sqrt": _sqrt,
    "log2": _log2,
    "len": _len,
    "sum": _sum,
    "make_divisible": make_divisible,
}
