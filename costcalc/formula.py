"""A count as a sum of products of named factors.

A `Count` gives the number, the formula in symbols and the formula with numbers, so they always agree.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

Dim: TypeAlias = int
"""A dimension, or a number computed from dimensions: an int or, in a sweep, an array with the same operators."""

Shape: TypeAlias = tuple[Dim, ...]
Shapes: TypeAlias = tuple[Shape, ...]

MAX_NUMBER = 10**30
"""The largest number that a spec may write, compute or infer."""

Factor: TypeAlias = tuple[str, Dim]
"""A symbol and its value. The symbol of a coefficient is the number itself."""

Term: TypeAlias = tuple[Factor, ...]


class CompoundSymbol(str):
    """A symbol that contains other symbols, with their values: `(K_h·K_w - 1)` can be written `(3·3 - 1)`."""

    __slots__ = ("parts",)
    parts: Term

    def __new__(cls, text: str, parts: Term) -> Self:
        """Create a symbol from a text and the value of each name in it."""
        symbol = super().__new__(cls, text)
        symbol.parts = parts
        return symbol

    def numbers(self) -> str:
        """Return the text with values in place of names.

        >>> CompoundSymbol("(K_h·K_w - 1)", (("K_h", 3), ("K_w", 3))).numbers()
        '(3·3 - 1)'
        """
        return self._with(dict(self.parts))

    def named(self, axes: Mapping[int, Sequence[str]]) -> CompoundSymbol:
        """Return the symbol with other names for axes; see `Count.named`."""
        names = {name: _named(name, axes) for name, _ in self.parts}
        return CompoundSymbol(self._with(names), tuple([(names[name], value) for name, value in self.parts]))

    def _with(self, values: Mapping[str, object]) -> str:
        from re import sub

        return sub(_NAME, lambda match: str(values.get(match[0], match[0])), self)


_NAME = r"[^\W\d_]+(?:_\w+)?'?"


class AxisSymbol(str):
    """The symbol of an axis of a tensor in the default layout, such as `H` for axis 1 of 3."""

    __slots__ = ("axis", "rank")
    rank: int
    axis: int

    def __new__(cls, name: str, rank: int, axis: int) -> Self:
        """Create a symbol from its name, the number of axes, and the index of the axis."""
        symbol = super().__new__(cls, name)
        symbol.rank, symbol.axis = rank, axis
        return symbol


def _axes(*names: str) -> tuple[str, ...]:
    return tuple([AxisSymbol(name, len(names), index) for index, name in enumerate(names)])


def _neutral(rank: int) -> tuple[str, ...]:
    return tuple([f"N_{axis}" for axis in range(1, rank + 1)])


DIM_NAMES = {1: _axes("D"), 2: _axes("T", "D"), 3: _axes("C", "H", "W"), 4: _axes("C", "D", "H", "W")}
SPACE_NAMES: dict[int, tuple[str, ...]] = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
TAP_NAMES: dict[int, tuple[str, ...]] = {1: ("K",), 2: ("K_h", "K_w"), 3: ("K_d", "K_h", "K_w")}


class Count:
    """An exact non-negative integer, as a sum of terms. A term is a product of factors."""

    __slots__ = ("_numbers", "_symbols", "_value", "terms")

    def __init__(self, terms: tuple[Term, ...]) -> None:
        self.terms = terms
        self._value: Dim | None = None
        self._symbols = self._numbers = ""
        """The texts, after their first use. Many layers of a network share a count."""

    @property
    def value(self) -> Dim:
        """The value of the sum."""
        if self._value is None:
            self._value = sum(prod([value for _, value in term]) for term in self.terms)
        return self._value

    def __add__(self, other: Count) -> Count:
        return Count(self.terms + other.terms)

    def __mul__(self, other: Count | Dim) -> Count:
        """Return the product: each term of this count times each term of the other.

        >>> (2 * product(("T", 3), ("D", 4))).symbols()
        '2·T·D'
        """
        if isinstance(other, Count):
            return Count(tuple(left + right for left in self.terms for right in other.terms))
        if type(other) is int and other in (0, 1):
            return self if other else ZERO
        return Count(tuple(((str(other), other), *term) for term in self.terms))

    __rmul__ = __mul__

    def symbols(self) -> str:
        """Return the formula in symbols: `C_out·H_out·W_out·K_h·K_w·C_in`. An empty sum is `0`.

        Coefficients come first in their term, and like terms are combined.

        >>> each = product(("C", 64), ("H", 56))
        >>> (each + 2 * each + each * 4 * product(("K", 3))).symbols()
        '3·C·H + 4·C·H·K'
        """
        self._symbols = self._symbols or self._written(lambda symbol, _: symbol)
        return self._symbols

    def numbers(self) -> str:
        """Return the formula with numbers: `32·28·28·5·5·192`."""
        self._numbers = self._numbers or self._written(_number)
        return self._numbers

    def named(self, axes: Mapping[int, Sequence[str]]) -> Count:
        """Return the count with the given names of axes, keyed by the number of axes.

        If there are no names for a number of axes, `D` and `T·D` are kept, and other axes are numbered.

        >>> each = elements((56, 56, 96))
        >>> each.symbols(), each.named({3: ("H", "W", "C")}).symbols(), each.named({}).symbols()
        ('C·H·W', 'H·W·C', 'N_1·N_2·N_3')
        """
        return Count(tuple([tuple([(_named(symbol, axes), value) for symbol, value in term]) for term in self.terms]))

    def _written(self, write: Callable[[str, Dim], str]) -> str:
        sums: dict[Term, Dim] = {}
        for term in self.terms:
            named = tuple([factor for factor in term if not factor[0].isdecimal()])
            sums[named] = sums.get(named, 0) + prod([value for symbol, value in term if symbol.isdecimal()])
        texts = []
        for named, coefficient in sums.items():
            factors = [write(symbol, value) for symbol, value in named]
            texts.append("·".join([str(coefficient), *factors] if coefficient != 1 or not factors else factors))
        return " + ".join(texts) or "0"

    def __repr__(self) -> str:
        return f"Count({self.symbols()} = {self.numbers()})"


ZERO = Count(())


def _named(symbol: str, axes: Mapping[int, Sequence[str]]) -> str:
    if isinstance(symbol, CompoundSymbol):
        return symbol.named(axes)
    if not isinstance(symbol, AxisSymbol):
        return symbol
    names = axes.get(symbol.rank)
    if names:
        return names[symbol.axis]
    return symbol if symbol.rank < 3 else _neutral(symbol.rank)[symbol.axis]


def _number(symbol: str, value: Dim) -> str:
    return symbol.numbers() if isinstance(symbol, CompoundSymbol) else str(value)


def product(*factors: Factor) -> Count:
    """Return a count of one product.

    >>> count = product(("C_out", 32), ("H", 28), ("W", 28))
    >>> count.value, count.symbols(), count.numbers()
    (25088, 'C_out·H·W', '32·28·28')
    """
    return Count((factors,))


def elements(shape: Shape, names: tuple[str, ...] | None = None) -> Count:
    """Return the number of elements of a tensor.

    >>> elements((64, 56, 56)).symbols()
    'C·H·W'
    """
    names = names or DIM_NAMES.get(len(shape)) or _axes(*_neutral(len(shape)))
    return Count((tuple(zip(names, shape, strict=True)),))


def channels_first(rank: int) -> tuple[str, ...]:
    """Return the names of axes in channels-first layout, or an empty tuple if there are more than three spatial ones.

    >>> channels_first(3), channels_first(1), channels_first(5)
    (('C', 'H', 'W'), ('C',), ())
    """
    names = ("C", *SPACE_NAMES.get(rank - 1, ()))
    return names if len(names) == rank else ()


def space(sizes: Shape, suffix: str = "") -> Term:
    """Return the spatial sizes of a tensor as factors: `H_out·W_out` for two dimensions and suffix `_out`."""
    return tuple((name + suffix, size) for name, size in zip(SPACE_NAMES[len(sizes)], sizes, strict=True))


def taps(kernel: Shape) -> Term:
    """Return the sizes of a window as factors: `K_h·K_w` for two dimensions."""
    return tuple(zip(TAP_NAMES[len(kernel)], kernel, strict=True))
