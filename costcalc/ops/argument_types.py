"""The types of ops' arguments. A field of an op names its type by its annotation.

A type brings a function from a value, as a spec or a caller gives it, to the value that the op keeps. It raises
`ArgumentError` with a message that continues "out: ". An op that needs a type of its own registers it in its own file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from costcalc.errors import ArgumentError, CostcalcError
from costcalc.formula import Dim, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

Positive: TypeAlias = Dim
Natural: TypeAlias = Dim
Integer: TypeAlias = Dim
Flag: TypeAlias = bool
Probability: TypeAlias = float
Sizes: TypeAlias = Dim | Shape
Margins: TypeAlias = Dim | Shape
Padding: TypeAlias = Dim | Shape | str
ExplicitPadding: TypeAlias = Dim | Shape | str
Integers: TypeAlias = Dim | Shape
Extents: TypeAlias = Shape
Axes: TypeAlias = int | Literal["all"]
Amounts: TypeAlias = Dim | tuple[tuple[Dim, Dim], ...]

NEAR = 1e-9
MAX_RANK = 8
"""The dimensions that a tensor may have; so a list of one value per dimension is bounded too."""
MAX_LIST = 4096
"""The values that any list may have."""
SHOWN, LONG = 32, 200
"""The values of a list, and the characters of a text, that an error shows."""


def kind(value: Any) -> type:
    """The type of a value; of an array of numbers, as a sweep has them, the type of each."""
    found: type = getattr(value, "kind", type(value))
    return found


def integer(value: Any) -> Dim:
    """An int, from an int or from a float within 1e-9 relative of one (24.000000000000004 is 24)."""
    number = kind(value)
    if number is int:
        return value  # type: ignore[no-any-return]
    if number is float:
        if abs(value) < 1e300 and abs(value - round(value)) <= NEAR * abs(value):
            near: int = round(value)
            return near
        raise ArgumentError(
            "expected an integer, got {}", value, help="round(...), floor(...) or make_divisible(...) gives one"
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
    """A list of one value or more."""
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
    """A list of positive integers; one by itself is a list of one."""
    return listed(value if isinstance(value, (tuple, list)) else (value,), positive, MAX_LIST)


def flag(value: Any) -> bool:
    """`true` or `false`."""
    if kind(value) is bool:
        return bool(value)
    help = "true and false are written in small letters" if str(value).lower() in ("true", "false") else ""
    raise ArgumentError("expected true or false, got {}", show(value), help=help)


def probability(value: Any) -> float:
    """A number from 0 to 1."""
    if kind(value) not in (int, float):
        raise ArgumentError("expected a number from 0 to 1, got {}", show(value))
    if not 0 <= value <= 1:
        raise ArgumentError("expected a number from 0 to 1, got {}", value)
    return value  # type: ignore[no-any-return]


def padding(value: Any) -> Padding:
    """Margins, `same` or `valid`."""
    if isinstance(value, str):
        if value in ("same", "valid"):
            return str(value)
        raise ArgumentError("expected a number, one per spatial dimension, same or valid, got {}", show(value))
    return margins(value)


def explicit_padding(value: Any) -> ExplicitPadding:
    """Margins, or `valid`. No `same`: sizes that a stride multiplies have no one size to be the same as."""
    if isinstance(value, str):
        if value == "valid":
            return "valid"
        raise ArgumentError(
            "expected a number, one per spatial dimension, or valid, got {}",
            show(value),
            help="at stride 2, padding: (kernel - 1) // 2 and output_padding: kernel % 2 double the size",
        )
    return margins(value)


def axes(value: Any) -> Axes:
    """How many trailing axes, or `all`."""
    if isinstance(value, str):
        if value == "all":
            return "all"
        raise ArgumentError("expected an integer, or all, got {}", show(value))
    if isinstance(value, (tuple, list)):
        help = f"axes counts axes from the back and not features: {len(value)} of them"
        raise ArgumentError("expected an integer, or all, got {}", show(value), help=help)
    return positive(value)


def amounts(value: Any) -> Amounts:
    """A number for every spatial side, or a pair for each spatial dimension."""
    if not isinstance(value, (tuple, list)):
        return natural(value)
    pairs = [tuple(map(natural, pair)) if isinstance(pair, (tuple, list)) else () for pair in value]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise ArgumentError(
            "expected a number, or a pair [before, after] for each spatial dimension, got {}",
            show(value),
            help="[[1, 1], [0, 2]] is 1 above and below, none on the left, 2 on the right",
        )
    return tuple((pair[0], pair[1]) for pair in pairs)


def show(value: object) -> str:
    """A value as a spec would write it; a long one is cut.

    >>> show([3, [True, "same"]])
    '[3, [true, same]]'
    """
    if kind(value) is bool:
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join([*map(show, value[:SHOWN]), *['...'] * (len(value) > SHOWN)])}]"
    if value is None:
        return "nothing"
    text = str(value)
    return text if len(text) <= LONG else f"{text[:LONG]}..."


_INTEGER: dict[str, object] = {"type": "integer"}
_NATURAL: dict[str, object] = {"type": "integer", "minimum": 0}
_POSITIVE: dict[str, object] = {"type": "integer", "minimum": 1}


def _or_list(item: dict[str, object], *others: dict[str, object]) -> dict[str, object]:
    several = {"type": "array", "items": {"anyOf": [item, {"type": "string"}]}, "minItems": 1}
    return {"anyOf": [item, several, *others]}


class ArgumentType(NamedTuple):
    """What an argument takes."""

    convert: Callable[[Any], Any]
    """From a value to the one that the op keeps. Raises `ArgumentError`."""
    takes: str
    """The values it takes, in words."""
    schema: dict[str, object]
    """Their JSON Schema. An expression is always allowed too."""
    words: tuple[str, ...] = ()
    """Words among the values, such as `same`. In a spec a bare word stands for itself."""
    literal: bool = False
    """Whether a text is the value itself and not an expression, as einsum's equation."""


ARGUMENT_TYPES: dict[str, ArgumentType] = {}
"""Every type by the name that fields use as their annotation."""
WORDS: set[str] = set()
"""The words of all types."""


def register(name: str, added: ArgumentType) -> None:
    """Add a type of argument. Raises `CostcalcError` where another type has the name."""
    if ARGUMENT_TYPES.setdefault(name, added) != added:
        raise CostcalcError("there is an argument type {} already", name)
    WORDS.update(added.words)


def type_of(annotation: str) -> ArgumentType:
    """The type that a field's annotation names: `Positive`, or `Positive | None`."""
    return ARGUMENT_TYPES[annotation.removesuffix(" | None")]


def one_of(*words: str) -> ArgumentType:
    """A type that takes one of some words."""

    def convert(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return str(value)
        raise ArgumentError("expected one of {}, got {}", ", ".join(words), show(value))

    return ArgumentType(convert, ", ".join(words), {"enum": list(words)}, words)


_PADDING_WORDS: dict[str, object] = {"enum": ["same", "valid"]}
_PAIRS: dict[str, object] = {"type": "array", "items": {"type": "array", "minItems": 2, "maxItems": 2}}

for _name, _type in {
    "Positive": ArgumentType(positive, "integer ≥ 1", _POSITIVE),
    "Natural": ArgumentType(natural, "integer ≥ 0", _NATURAL),
    "Integer": ArgumentType(integer, "integer", _INTEGER),
    "Flag": ArgumentType(flag, "true or false", {"type": "boolean"}),
    "Probability": ArgumentType(probability, "number from 0 to 1", {"type": "number", "minimum": 0, "maximum": 1}),
    "Sizes": ArgumentType(sizes, "integer ≥ 1, or one per spatial dimension", _or_list(_POSITIVE)),
    "Margins": ArgumentType(margins, "integer ≥ 0, or one per spatial dimension", _or_list(_NATURAL)),
    "Padding": ArgumentType(
        padding,
        "integer ≥ 0, or one per spatial dimension; same; valid",
        _or_list(_NATURAL, _PADDING_WORDS),
        ("same", "valid"),
    ),
    "ExplicitPadding": ArgumentType(
        explicit_padding,
        "integer ≥ 0, or one per spatial dimension; valid",
        _or_list(_NATURAL, {"enum": ["valid"]}),
        ("valid",),
    ),
    "Integers": ArgumentType(integers, "integer, or a list of them", _or_list(_INTEGER)),
    "Extents": ArgumentType(extents, "list of integers ≥ 1", _or_list(_POSITIVE)),
    "Axes": ArgumentType(axes, "integer ≥ 1, or all", _POSITIVE, ("all",)),
    "Amounts": ArgumentType(amounts, "integer ≥ 0, or a pair per spatial dimension", {"anyOf": [_NATURAL, _PAIRS]}),
}.items():
    register(_name, _type)
