"""A count as a sum of products of named factors.

One object gives the number, the formula in symbols and the formula with numbers, so an explanation cannot differ from
the count that it explains.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Self

Dim: TypeAlias = int
"""A dimension, or a number made of dimensions: an int. In a sweep, an array of ints that answers the same operators."""

Shape: TypeAlias = tuple[Dim, ...]
Shapes: TypeAlias = tuple[Shape, ...]

MAX_NUMBER = 10**30
"""The largest number that a spec may write, compute or infer."""

Factor: TypeAlias = tuple[str, Dim]
"""A symbol and its value. A number by itself, a coefficient, is a factor whose symbol is that number."""

Term: TypeAlias = tuple[Factor, ...]


class CompoundSymbol(str):
    """A symbol made of others, which knows their values: `(K_h·K_w - 1)` can be written `(3·3 - 1)`."""

    __slots__ = ("parts",)
    parts: Term

    def __new__(cls, text: str, parts: Term) -> Self:
        """The text, and a value for each name in it."""
        symbol = super().__new__(cls, text)
        symbol.parts = parts
        return symbol

    def numbers(self) -> str:
        """The text with the values in place of the names.

        >>> CompoundSymbol("(K_h·K_w - 1)", (("K_h", 3), ("K_w", 3))).numbers()
        '(3·3 - 1)'
        """
        return self._with(dict(self.parts))

    def named(self, axes: Mapping[int, Sequence[str]]) -> CompoundSymbol:
        """The same with other names for axes, as in `Count.named`."""
        names = {name: _named(name, axes) for name, _ in self.parts}
        return CompoundSymbol(self._with(names), tuple([(names[name], value) for name, value in self.parts]))

    def _with(self, known: Mapping[str, object]) -> str:
        from re import sub

        return sub(_NAME, lambda found: str(known.get(found[0], found[0])), self)


_NAME = r"[^\W\d_]+(?:_\w+)?'?"


class AxisSymbol(str):
    """The symbol of a tensor's axis, after its place where the tensor has the usual layout: `H`, axis 1 of 3."""

    __slots__ = ("place", "rank")
    rank: int
    place: int

    def __new__(cls, name: str, rank: int, place: int) -> Self:
        """A name, the number of the tensor's axes, and which of them it is."""
        symbol = super().__new__(cls, name)
        symbol.rank, symbol.place = rank, place
        return symbol


def _axes(*names: str) -> tuple[str, ...]:
    return tuple([AxisSymbol(name, len(names), place) for place, name in enumerate(names)])


def _neutral(rank: int) -> tuple[str, ...]:
    return tuple([f"N_{axis}" for axis in range(1, rank + 1)])


DIM_NAMES = {1: _axes("D"), 2: _axes("T", "D"), 3: _axes("C", "H", "W"), 4: _axes("C", "D", "H", "W")}
SPACE_NAMES: dict[int, tuple[str, ...]] = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
TAP_NAMES: dict[int, tuple[str, ...]] = {1: ("K",), 2: ("K_h", "K_w"), 3: ("K_d", "K_h", "K_w")}


class Count:
    """An exact non-negative integer that knows how it came about: a sum of terms, a term a product of factors."""

    __slots__ = ("_numbers", "_symbols", "_value", "terms")

    def __init__(self, terms: tuple[Term, ...]) -> None:
        self.terms = terms
        self._value: Dim | None = None
        self._symbols = self._numbers = ""
        """The texts, once they are asked for: many layers of a network have the same count."""

    @property
    def value(self) -> Dim:
        """The number."""
        if self._value is None:
            self._value = sum(prod([value for _, value in term]) for term in self.terms)
        return self._value

    def __add__(self, other: Count) -> Count:
        return Count(self.terms + other.terms)

    def __mul__(self, other: Count | Dim) -> Count:
        """Every term of this one with every term of the other.

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
        """The formula in symbols: `C_out·H_out·W_out·K_h·K_w·C_in`. An empty sum is `0`.

        As one writes it: a coefficient leads its term, and like terms are one.

        >>> each = product(("C", 64), ("H", 56))
        >>> (each + 2 * each + each * 4 * product(("K", 3))).symbols()
        '3·C·H + 4·C·H·K'
        """
        self._symbols = self._symbols or self._written(lambda symbol, _: symbol)
        return self._symbols

    def numbers(self) -> str:
        """The same formula with the numbers in place of the symbols: `32·28·28·5·5·192`."""
        self._numbers = self._numbers or self._written(_number)
        return self._numbers

    def named(self, axes: Mapping[int, Sequence[str]]) -> Count:
        """The same with other names for the axes of tensors, by the number of these.

        Where none are given, vectors `D` and tokens `T·D` keep theirs, and others have neutral ones.

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
        return names[symbol.place]
    return symbol if symbol.rank < 3 else _neutral(symbol.rank)[symbol.place]


def _number(symbol: str, value: Dim) -> str:
    return symbol.numbers() if isinstance(symbol, CompoundSymbol) else str(value)


def product(*factors: Factor) -> Count:
    """One product.

    >>> count = product(("C_out", 32), ("H", 28), ("W", 28))
    >>> count.value, count.symbols(), count.numbers()
    (25088, 'C_out·H·W', '32·28·28')
    """
    return Count((factors,))


def elements(shape: Shape, names: tuple[str, ...] | None = None) -> Count:
    """The number of elements of a tensor.

    >>> elements((64, 56, 56)).symbols()
    'C·H·W'
    """
    names = names or DIM_NAMES.get(len(shape)) or _axes(*_neutral(len(shape)))
    return Count((tuple(zip(names, shape, strict=True)),))


def channels_first(rank: int) -> tuple[str, ...]:
    """The names of so many axes, the channels' before those of space; none where these are more than three.

    >>> channels_first(3), channels_first(1), channels_first(5)
    (('C', 'H', 'W'), ('C',), ())
    """
    names = ("C", *SPACE_NAMES.get(rank - 1, ()))
    return names if len(names) == rank else ()


def space(sizes: Shape, suffix: str = "") -> Term:
    """The spatial positions of a tensor as factors: `H_out·W_out` for two dimensions and suffix `_out`."""
    return tuple((name + suffix, size) for name, size in zip(SPACE_NAMES[len(sizes)], sizes, strict=True))


def taps(kernel: Shape) -> Term:
    """The taps of a window as factors: `K_h·K_w` for two dimensions."""
    return tuple(zip(TAP_NAMES[len(kernel)], kernel, strict=True))
