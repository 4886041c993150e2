"""`Lanes` are numbers of many configurations, with the operators of an int, a float or a bool.

Rules and expressions are written for plain numbers and run on `Lanes` unchanged. Each entry is bit for bit equal to
the result of plain Python for its configuration: ints are exact, and floats are those of Python. When a decision of
Python (`if`, `range`, an index) differs between configurations, `Diverged` is raised with their division, and
`costcalc.sweep.partition` divides them and starts again with each part.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from costcalc.record import NamedTuple
from costcalc.sweep.session import Array, Diverged, MemoryLimit, Session, entry_at

if TYPE_CHECKING:
    from collections.abc import Callable

INT64 = 2**63 - 1
EXACT = 2**53
"""Up to here every int is a float, and float arithmetic on ints rounds once, as Python's does."""

_BYTES_OF_AN_OBJECT = 48


class Operand(NamedTuple):
    """An operand of arithmetic: `Lanes` or a plain number."""

    data: Any
    bound: Any
    kind: type


def _both(function: Callable[[Any, Any], Any]) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return an operator, and its reflected version with swapped operands."""
    return lambda self, other: function(self, other), lambda self, other: function(other, self)


class Lanes:
    """A number for each configuration. `data` has a dimension per axis, of size 1 if it does not depend on the axis.

    The dtype is bool, int64, float64, or object for ints beyond int64. `bound` is an upper bound of absolute values.
    """

    __slots__ = ("bound", "data", "session")
    __array_ufunc__ = None

    def __init__(self, data: Array, bound: float, session: Session) -> None:
        self.data = data
        self.bound = bound
        self.session = session
        session.used += _bytes(data)
        if session.used > session.limit:
            raise MemoryLimit

    def __del__(self) -> None:
        self.session.used -= _bytes(self.data)

    @property
    def kind(self) -> type:
        """The type of the numbers: bool, int or float."""
        return _KINDS[self.data.dtype.kind]

    def tight(self) -> Any:
        """Calculate the exact bound from the data, and return it."""
        if self.data.dtype.kind == "O":
            self.bound = max(map(abs, self.data.flat))
        else:
            self.bound = np.abs(self.data).max().item()
        return self.bound

    def uniform(self) -> bool:
        """Return whether all configurations have the same number."""
        return bool((self.data == self.data.flat[0]).all())

    def scalar(self) -> Any:
        """Return the number if all configurations have the same. Raises `Diverged` otherwise."""
        if self.uniform():
            return entry_at(self.data, (0,) * self.data.ndim)
        raise Diverged(self.data)

    def map(self, function: Callable[..., Any], *others: Any) -> Any:
        """Apply a function to each entry, with the entries of other arguments."""
        return pointwise(function, self, *others)

    def choose(self, then: Any, otherwise: Any) -> Any:
        """Return `then if self else otherwise` for each configuration."""
        one, other = _operand(then), _operand(otherwise)
        if one is None or other is None or one.kind is not other.kind or one.kind is bool:
            raise Diverged(self.data)
        one, other = _alike(one), _alike(other)
        data = np.where(self.data, one.data, other.data)
        return Lanes(data, max(one.bound, other.bound), self.session)

    def gcd(self, other: Any) -> Any:
        """Return the greatest common divisor."""
        return pointwise(math.gcd, self, other)

    # Decisions.

    def __bool__(self) -> bool:
        truth = self.data != 0
        if truth.all():
            return True
        if truth.any():
            raise Diverged(truth)
        return False

    def __index__(self) -> int:
        if self.kind is float:
            raise TypeError("'float' object cannot be interpreted as an integer")
        return int(self.scalar())

    def __int__(self) -> int:
        return int(self.scalar())

    def __float__(self) -> float:
        return float(self.scalar())

    # Texts. Numbers that differ become placeholders, which are filled for each configuration.

    def __format__(self, spec: str) -> str:
        if self.uniform():
            return format(self.scalar(), spec)
        return self.session.hole(self.data, spec)

    def __str__(self) -> str:
        return format(self, "")

    __repr__ = __str__

    # Arithmetic and comparisons.

    __add__, __radd__ = _both(lambda left, right: _sum_or_product(left, right, operator.add))
    __sub__, __rsub__ = _both(lambda left, right: _sum_or_product(left, right, operator.sub))
    __mul__, __rmul__ = _both(lambda left, right: _sum_or_product(left, right, operator.mul))
    __truediv__, __rtruediv__ = _both(lambda left, right: _quotient(left, right, operator.truediv))
    __floordiv__, __rfloordiv__ = _both(lambda left, right: _quotient(left, right, operator.floordiv))
    __mod__, __rmod__ = _both(lambda left, right: _quotient(left, right, operator.mod))
    __pow__, __rpow__ = _both(lambda left, right: _power(left, right))
    __divmod__, __rdivmod__ = _both(lambda left, right: (left // right, left % right))
    __lt__, __gt__ = _both(lambda left, right: _compare(left, right, operator.lt))
    __le__, __ge__ = _both(lambda left, right: _compare(left, right, operator.le))

    def __eq__(self, other: object) -> Any:
        return True if other is self else _compare(self, other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return False if other is self else _compare(self, other, operator.ne)

    def __neg__(self) -> Any:
        return 0 - self if self.kind is bool else Lanes(-self.data, self.bound, self.session)

    def __pos__(self) -> Any:
        return 0 + self if self.kind is bool else self

    def __abs__(self) -> Any:
        return 0 + self if self.kind is bool else Lanes(np.abs(self.data), self.bound, self.session)

    def __round__(self, digits: int | None = None) -> Any:
        return _whole(self, np.rint, round) if digits is None else pointwise(round, self, digits)

    def __floor__(self) -> Any:
        return _whole(self, np.floor, math.floor)

    def __ceil__(self) -> Any:
        return _whole(self, np.ceil, math.ceil)

    def __trunc__(self) -> Any:
        return _whole(self, np.trunc, math.trunc)

    __hash__ = object.__hash__
    """Hashes by identity, so that `Lanes` can be keys."""


_KINDS: dict[str, type] = {"b": bool, "i": int, "O": int, "f": float}


def along(column: Array, chosen: Array, shape: tuple[int, ...], session: Session) -> Any:
    """Return values of a column as `Lanes` of a shape, or as a plain value if all are equal."""
    present = np.flatnonzero(np.bincount(chosen, minlength=len(column)))
    values = column[present].tolist()
    if all(value == values[0] for value in values):
        return values[0]
    floating = type(values[0]) is float
    exact = floating or max(map(abs, values)) <= INT64
    table = np.zeros(len(column), np.float64 if floating else np.int64 if exact else object)
    table[present] = values
    return Lanes(table[chosen].reshape(shape), max(map(abs, values)), session)


def as_lanes(data: Array, session: Session) -> Lanes:
    """Return `Lanes` of an array of int64, float64, or ints of any size as objects."""
    return Lanes(data, max(map(abs, data.flat)) if data.dtype.kind == "O" else np.abs(data).max().item(), session)


def pointwise(function: Callable[..., Any], *operands: Any) -> Any:
    """Apply a function of plain numbers entry by entry.

    Raises `Diverged` if entries differ in their errors or in the types of their results.
    """

    def attempt(*values: Any) -> Any:
        try:
            return function(*values)
        except Exception as error:
            return error  # raised below, if all entries have the same

    session = next(operand.session for operand in operands if isinstance(operand, Lanes))
    entries = [operand.data if isinstance(operand, Lanes) else operand for operand in operands]
    results = np.frompyfunc(attempt, len(entries), 1)(*entries)
    kinds = set(map(type, results.flat))
    if len(kinds) > 1:
        raise Diverged(_named(results, lambda result: type(result).__name__))
    kind = kinds.pop()
    if kind is int:
        return _ints(results, session)
    if kind is float:
        return Lanes(results.astype(np.float64), math.inf, session)
    if kind is bool:
        return _truth(results.astype(bool), session)
    if issubclass(kind, Exception):
        messages = _named(results, str)
        if (messages != messages.flat[0]).any():
            raise Diverged(messages)
        raise results.flat[0]
    raise TypeError(f"a sweep does not support results of type {kind.__name__}")


def _named(results: Array, name: Callable[[Any], str]) -> Array:
    names: Array = np.frompyfunc(name, 1, 1)(results).astype(str)
    return names


def _bytes(data: Array) -> int:
    return data.nbytes if data.dtype.kind != "O" else _BYTES_OF_AN_OBJECT * data.size


def _operand(value: Any) -> Operand | None:
    """Return a number as an operand, or None for other values."""
    if isinstance(value, Lanes):
        return Operand(value.data, value.bound, _KINDS[value.data.dtype.kind])
    if type(value) in (int, float, bool):
        return Operand(value, abs(value), type(value))
    return None


def _numeric(value: Any) -> Operand | None:
    """Return a number as an operand, with bools as ints."""
    operand = _operand(value)
    if operand is None or operand.kind is not bool:
        return operand
    if isinstance(value, Lanes):
        return Operand(operand.data * np.int64(1), 1, int)
    return Operand(int(value), int(value), int)


def _alike(operand: Operand) -> Operand:
    """Convert a plain int beyond int64 to an object array."""
    if operand.kind is int and not isinstance(operand.data, np.ndarray) and operand.bound > INT64:
        return operand._replace(data=np.array(operand.data, object))
    return operand


def _floats(operand: Operand) -> Any:
    """Convert an operand to floats, each int rounded once. Return None for ints that only Python can convert."""
    if operand.kind is float:
        return operand.data
    if isinstance(operand.data, np.ndarray):
        return None if operand.data.dtype.kind == "O" else operand.data.astype(np.float64)
    return float(operand.data)


def _objects(data: Any) -> Any:
    return data.astype(object) if isinstance(data, np.ndarray) else data


def _ints(results: Array, session: Session) -> Lanes:
    """Return ints of any size as `Lanes`, in int64 if they fit."""
    bound = max(map(abs, results.flat))
    return Lanes(results.astype(np.int64) if bound <= INT64 else results, bound, session)


def _truth(mask: Array, session: Session) -> Any:
    """Return a mask as `Lanes`, or as a bool if all entries are equal."""
    if mask.all():
        return True
    return Lanes(mask, 1, session) if mask.any() else False


def _session(left: Any, right: Any) -> Session:
    session: Session = left.session if isinstance(left, Lanes) else right.session
    return session


def _sum_or_product(left: Any, right: Any, function: Callable[[Any, Any], Any]) -> Any:
    one, other = _numeric(left), _numeric(right)
    if one is None or other is None:
        return NotImplemented
    session = _session(left, right)
    bounds = operator.mul if function is operator.mul else operator.add
    if one.kind is float or other.kind is float:
        first, second = _floats(one), _floats(other)
        if first is None or second is None:
            return pointwise(function, left, right)
        return Lanes(function(first, second), bounds(_float(one.bound), _float(other.bound)), session)
    neutral = 1 if function is operator.mul else 0
    if one.data is left and left == neutral and function is not operator.sub:
        return right
    if other.data is right and right == neutral:
        return left
    bound = bounds(one.bound, other.bound)
    if bound > INT64:
        bound = bounds(*[value.tight() if isinstance(value, Lanes) else abs(value) for value in (left, right)])
    if bound > INT64 or max(one.bound, other.bound) > INT64:
        return _ints(function(_objects(one.data), _objects(other.data)), session)
    return Lanes(function(one.data, other.data), bound, session)


def _float(bound: float) -> float:
    try:
        return float(bound)
    except OverflowError:
        return math.inf


def _quotient(left: Any, right: Any, function: Callable[[Any, Any], Any]) -> Any:
    one, other = _numeric(left), _numeric(right)
    if one is None or other is None:
        return NotImplemented
    if not bool(right != 0):
        raise ZeroDivisionError("division by zero")
    session = _session(left, right)
    floating = one.kind is float or other.kind is float
    if function is operator.truediv:
        first, second = _floats(one), _floats(other)
        if first is None or second is None or (not floating and max(one.bound, other.bound) > EXACT):
            return pointwise(function, left, right)
        plain = not isinstance(right, Lanes)
        return Lanes(first / second, _float(one.bound) / abs(second) if plain else math.inf, session)
    if floating:
        return pointwise(function, left, right)
    if max(one.bound, other.bound) > INT64:
        return _ints(function(_objects(one.data), _objects(other.data)), session)
    if function is operator.mod:
        bound = other.bound
    else:
        bound = one.bound if isinstance(right, Lanes) else one.bound // other.bound + 1
    return Lanes(function(one.data, other.data), bound, session)


def _power(left: Any, right: Any) -> Any:
    base, exponent = _numeric(left), _numeric(right)
    if base is None or exponent is None:
        return NotImplemented
    few = type(right) is int and 0 <= right <= 64 and base.kind is int
    if few and base.bound**right <= INT64 and base.data.dtype.kind != "O":
        return Lanes(base.data**right, base.bound**right, _session(left, right))
    return pointwise(operator.pow, left, right)


def _whole(value: Lanes, rounding: Callable[[Array], Array], exactly: Callable[[float], int]) -> Any:
    if value.kind is not float:
        return +value
    bound = value.bound if value.bound < EXACT else value.tight()
    if not bound < EXACT:
        return pointwise(exactly, value)
    return Lanes(rounding(value.data).astype(np.int64), int(bound) + 1, value.session)


def _compare(left: Any, right: Any, function: Callable[[Any, Any], Any]) -> Any:
    one, other = _numeric(left), _numeric(right)
    if one is None or other is None:
        return NotImplemented
    for operand, grid in ((other, left), (one, right)):
        if not isinstance(operand.data, np.ndarray) and isinstance(grid, Lanes):
            if grid.bound == math.inf:
                grid.tight()
            if operand.bound > grid.bound:  # above or below all entries, and so is 0
                return function(0, right) if grid is left else function(left, 0)
    if one.kind is not other.kind and (one if one.kind is int else other).bound > EXACT:
        return pointwise(function, left, right)
    if max(one.bound, other.bound) > INT64 and one.kind is int:
        return _truth(function(_objects(one.data), _objects(other.data)), _session(left, right))
    return _truth(function(one.data, other.data), _session(left, right))
