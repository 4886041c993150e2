"""The types of op arguments. The annotation of an op's field names its argument type.

An argument type converts a value from a spec or a caller to the value that the op stores. The conversion raises
`ArgumentError`, whose message is shown after the argument's name, as in `out: expected an integer, got 1.5`. An op can
register further types in its own module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from costcalc.errors import ArgumentError, CostcalcError
from costcalc.formula import Dim, Shape
from costcalc.notation import show
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Positive: TypeAlias = Dim
Natural: TypeAlias = Dim
Integer: TypeAlias = Dim
Flag: TypeAlias = bool
Probability: TypeAlias = float
Number: TypeAlias = float
Sizes: TypeAlias = Dim | Shape
Margins: TypeAlias = Dim | Shape
Padding: TypeAlias = Dim | tuple[Dim | tuple[Dim, Dim], ...] | str
Integers: TypeAlias = Dim | Shape
Extents: TypeAlias = Shape
Axes: TypeAlias = int | Literal["all"]
Amounts: TypeAlias = Dim | tuple[tuple[Dim, Dim], ...]

NEAR = 1e-9
MAX_RANK = 8
"""The largest number of dimensions of a tensor, and of values in a list with one value per dimension."""
MAX_LIST = 4096
"""The largest number of values in any other list."""


def kind(value: Any) -> type:
    """Return the type of a value. For an array of a sweep, this is the type of its elements."""
    result: type = getattr(value, "kind", type(value))
    return result


def integer(value: Any) -> Dim:
    """Convert an int, or a float within a relative 1e-9 of one (24.000000000000004 is 24)."""
    number = kind(value)
    if number is int:
        return value  # type: ignore[no-any-return]
    if number is float:
        if abs(value) < 1e300 and abs(value - round(value)) <= NEAR * abs(value):
            near: int = round(value)
            return near
        raise ArgumentError(
            "expected an integer, got {}", value, help="write round(...), floor(...) or make_divisible(...)"
        )
    if number is not bool:
        from numbers import Integral

        if isinstance(value, Integral):  # numpy's
            return int(value)
    raise ArgumentError("expected an integer, got {}", show(value))


def _at_least(least: int) -> Callable[[Any], Dim]:
    def convert(value: Any) -> Dim:
        number = integer(value)
        if number < least:
            raise ArgumentError("expected an integer of at least {1}, got {0}", number, least)
        return number

    return convert


positive = _at_least(1)
natural = _at_least(0)


def listed(values: tuple[Any, ...] | list[Any], convert: Callable[[Any], Dim], most: int) -> Shape:
    """Convert a list of 1 to `most` values."""
    if not 0 < len(values) <= most:
        raise ArgumentError("expected a list of 1 to {} values, got {}", most, len(values))
    return tuple(map(convert, values))


def _each(convert: Callable[[Any], Dim]) -> Callable[[Any], Dim | Shape]:
    def convert_all(value: Any) -> Dim | Shape:
        return listed(value, convert, MAX_RANK) if isinstance(value, (tuple, list)) else convert(value)

    return convert_all


sizes = _each(positive)
margins = _each(natural)
integers = _each(integer)


def extents(value: Any) -> Shape:
    """Convert a list of positive integers. A single integer is a list of one."""
    return listed(value if isinstance(value, (tuple, list)) else (value,), positive, MAX_LIST)


def flag(value: Any) -> bool:
    """Convert `true` or `false`."""
    if kind(value) is bool:
        return bool(value)
    help = "write true and false in lower case" if str(value).lower() in ("true", "false") else ""
    raise ArgumentError("expected true or false, got {}", show(value), help=help)


def probability(value: Any) -> float:
    """Convert a number from 0 to 1."""
    if kind(value) not in (int, float):
        raise ArgumentError("expected a number from 0 to 1, got {}", show(value))
    if not 0 <= value <= 1:
        raise ArgumentError("expected a number from 0 to 1, got {}", value)
    return value  # type: ignore[no-any-return]


def number(value: Any) -> float:
    """Convert a number."""
    if kind(value) not in (int, float):
        raise ArgumentError("expected a number, got {}", show(value))
    return value  # type: ignore[no-any-return]


def padding(value: Any) -> Padding:
    """Convert margins, `same` or `valid`."""
    if isinstance(value, str):
        if value in ("same", "valid"):
            return str(value)
        raise ArgumentError("expected a number, one per spatial dimension, same or valid, got {}", show(value))
    return _margins(value)


def _margins(value: Any) -> Padding:
    """Convert one number, or for each spatial dimension a number or a pair `[before, after]`."""
    if isinstance(value, (tuple, list)) and any(isinstance(entry, (tuple, list)) for entry in value):
        return amounts(value)
    return margins(value)


def axes(value: Any) -> Axes:
    """Convert a number of trailing axes, or `all`."""
    if isinstance(value, str):
        if value == "all":
            return "all"
        raise ArgumentError("expected an integer, or all, got {}", show(value))
    if isinstance(value, (tuple, list)):
        help = f"write axes: {len(value)}, the number of trailing axes; axes is not a list of sizes"
        raise ArgumentError("expected an integer, or all, got {}", show(value), help=help)
    return positive(value)


def amounts(value: Any) -> Amounts:
    """Convert one number for all sides, or a pair for each spatial dimension."""
    if not isinstance(value, (tuple, list)):
        return natural(value)
    pairs = [tuple(map(natural, pair)) if isinstance(pair, (tuple, list)) else () for pair in value]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise ArgumentError(
            "expected a number, or a pair [before, after] for each spatial dimension, got {}",
            show(value),
            help="for example, [[1, 1], [0, 2]] is 1 above, 1 below, 0 on the left and 2 on the right",
        )
    return tuple((pair[0], pair[1]) for pair in pairs)


_INTEGER: dict[str, object] = {"type": "integer"}
_NATURAL: dict[str, object] = {"type": "integer", "minimum": 0}
_POSITIVE: dict[str, object] = {"type": "integer", "minimum": 1}


def _or_list(item: dict[str, object], *others: dict[str, object]) -> dict[str, object]:
    several = {"type": "array", "items": {"anyOf": [item, {"type": "string"}]}, "minItems": 1}
    return {"anyOf": [item, several, *others]}


class ArgumentType(NamedTuple):
    """A type of argument."""

    convert: Callable[[Any], Any]
    """Converts a value to the one that the op stores. Raises `ArgumentError`."""
    takes: str
    """A description of the accepted values."""
    schema: dict[str, object]
    """The JSON Schema of the accepted values. An expression is always accepted, too."""
    words: tuple[str, ...] = ()
    """The keywords that the type accepts, such as `same`. In a spec they are not expressions."""
    own_words: tuple[str, ...] = ()
    """Keywords that are words in the values of this type only, such as `q`."""
    literal: bool = False
    """Whether a text is a literal value and not an expression, such as the equation of einsum."""


ARGUMENT_TYPES: dict[str, ArgumentType] = {}
"""The argument types by name, as used in annotations of fields."""
WORDS: set[str] = set()
"""The keywords of all argument types."""


def register(name: str, added: ArgumentType) -> None:
    """Register an argument type. Raises `CostcalcError` if another type has the name."""
    if ARGUMENT_TYPES.setdefault(name, added) != added:
        raise CostcalcError("argument type {} is already registered", name)
    WORDS.update(added.words)


def type_of(annotation: str) -> ArgumentType:
    """Return the argument type of an annotation: `Positive`, or `Positive | None`."""
    return ARGUMENT_TYPES[annotation.removesuffix(" | None")]


def one_of(*words: str) -> ArgumentType:
    """Return an argument type that accepts some keywords."""

    def convert(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return str(value)
        raise ArgumentError("expected one of {}, got {}", ", ".join(words), show(value))

    return ArgumentType(convert, ", ".join(words), {"enum": list(words)}, words)


_PADDING_WORDS: dict[str, object] = {"enum": ["same", "valid"]}
_PAIRS: dict[str, object] = {
    "type": "array",
    "items": {"type": "array", "minItems": 2, "maxItems": 2},
    "minItems": 1,
}

for _name, _type in {
    "Positive": ArgumentType(positive, "integer ≥ 1", _POSITIVE),
    "Natural": ArgumentType(natural, "integer ≥ 0", _NATURAL),
    "Integer": ArgumentType(integer, "integer", _INTEGER),
    "Flag": ArgumentType(flag, "true or false", {"type": "boolean"}),
    "Number": ArgumentType(number, "number", {"type": "number"}),
    "Probability": ArgumentType(probability, "number from 0 to 1", {"type": "number", "minimum": 0, "maximum": 1}),
    "Sizes": ArgumentType(sizes, "integer ≥ 1, or one per spatial dimension", _or_list(_POSITIVE)),
    "Margins": ArgumentType(margins, "integer ≥ 0, or one per spatial dimension", _or_list(_NATURAL)),
    "Padding": ArgumentType(
        padding,
        "integer ≥ 0, one per spatial dimension, or a pair [before, after] per spatial dimension; same; valid",
        _or_list(_NATURAL, _PADDING_WORDS, _PAIRS),
        ("same", "valid"),
    ),
    "Integers": ArgumentType(integers, "integer, or a list of them", _or_list(_INTEGER)),
    "Extents": ArgumentType(extents, "list of integers ≥ 1", _or_list(_POSITIVE)),
    "Axes": ArgumentType(axes, "integer ≥ 1, or all", _POSITIVE, ("all",)),
    "Amounts": ArgumentType(amounts, "integer ≥ 0, or a pair per spatial dimension", {"anyOf": [_NATURAL, _PAIRS]}),
}.items():
    register(_name, _type)
