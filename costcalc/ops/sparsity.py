"""Sparse weights: the share of the weights of a layer that is stored and multiplied."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from costcalc.errors import ArgumentError, ShapeError
from costcalc.formula import CompoundSymbol
from costcalc.notation import show
from costcalc.ops.argument_types import ArgumentType, integer, kind, positive, register

if TYPE_CHECKING:
    from costcalc.formula import Dim, Term

Share: TypeAlias = float
Pair: TypeAlias = tuple[int, int]


def stored(weights: Term, density: Share, nm: Pair | None) -> Term:
    """Return the weights that are stored, as factors. Raises `ShapeError` if their number is not an integer.

    >>> stored((("D_in", 16), ("D_out", 8)), 0.25, None)
    (('(density·D_in·D_out)', 32),)
    >>> stored((("D_in", 16), ("D_out", 8)), 1, (2, 4))
    (('(D_in·D_out·n/m)', 64),)
    """
    if density == 1 and nm is None:
        return weights
    total = prod([size for _, size in weights])
    factors = "·".join(symbol for symbol, _ in weights)
    if nm is None:
        share: Term = (("density", density),)  # type: ignore[assignment]
        return ((CompoundSymbol(f"(density·{factors})", (*share, *weights)), _portion(total, density)),)
    if total % nm[1] != 0:
        raise ShapeError("cannot divide {} weights into groups of {}", total, nm[1])
    symbol = CompoundSymbol(f"({factors}·n/m)", (*weights, ("n", nm[0]), ("m", nm[1])))
    return ((symbol, total * nm[0] // nm[1]),)


def _portion(total: Dim, density: Share) -> Dim:
    """Return an exact share of a number of weights. A decimal fraction such as 0.1 is one tenth."""
    if type(total) is int and type(density) in (int, float):
        from fractions import Fraction

        number = total * Fraction(repr(density))
        if number.denominator == 1:
            return int(number)
    else:  # arrays of a sweep
        try:
            return integer(density * total)
        except ArgumentError:
            pass
    raise ShapeError("density {} of {} weights is not an integer", density, total, help="write a fraction: 3 / 8")


def _share(value: Any) -> float:
    """Convert a number above 0 and at most 1."""
    if kind(value) not in (int, float):
        raise ArgumentError("expected a number above 0 and at most 1, got {}", show(value))
    if not 0 < value <= 1:
        raise ArgumentError("expected a number above 0 and at most 1, got {}", value)
    return value  # type: ignore[no-any-return]


def _pair(value: Any) -> Pair:
    pair = tuple(map(positive, value)) if isinstance(value, (tuple, list)) else ()
    if len(pair) != 2 or pair[0] > pair[1]:
        help = "nm: [2, 4] keeps 2 of every 4 weights"
        raise ArgumentError("expected a list of two integers [n, m], n at most m, got {}", show(value), help=help)
    return pair[0], pair[1]


_SCHEMA: dict[str, object] = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
register("Share", ArgumentType(_share, "number above 0 and at most 1", _SCHEMA))
register("Pair", ArgumentType(_pair, "two integers [n, m]", {"type": "array", "minItems": 2, "maxItems": 2}))
