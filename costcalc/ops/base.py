"""What an op is: arguments, a shape rule and a cost rule; and the registry that finds ops by name."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

from costcalc.errors import ArgumentError, CostcalcError, ShapeError
from costcalc.formula import ZERO, Count, Dim, Shape, Shapes, channels_first, elements
from costcalc.model import Cost
from costcalc.ops.argument_types import ARGUMENT_TYPES, show, type_of
from costcalc.record import Record

REGISTRY: dict[str, type[Op]] = {}
Window: TypeAlias = tuple[tuple[Dim, Dim, Dim], ...]
"""Kernel, stride and dilation in each spatial dimension."""

RULES = frozenset({"shape", "cost"})
"""The methods that an argument may share its name with."""


class Op(Record):
    """A kind of layer. A subclass with a `name` is found in specs under that name:

        class PixelShuffle(Op, name="pixel_shuffle"):
            factor: Positive

            def shape(self, inputs: Shapes) -> Shapes: ...
            def cost(self, inputs: Shapes, outputs: Shapes) -> Cost: ...

    Fields are the arguments; the first is the one that a lone value sets. Each annotation names a type of
    `ops.argument_types`, with `| None` where the argument may be left open. An argument with the name of a rule is
    declared with an underscore behind it (`shape_`). Dimensions may be arrays, one entry per configuration of a sweep:
    a rule uses arithmetic, comparisons and `if` as on ints, and no conversion to a Python number.
    """

    name: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    """The least and the largest number of inputs; None for any."""
    followed: ClassVar[bool] = False
    """Whether `norm` and `act` may stand among the arguments: layers written after this one."""
    _hash: ClassVar[int]
    """Kept with each op: a builder looks its ops up at every layer."""
    role: ClassVar[Literal["", "norm", "act"]] = ""
    """What the op is to a layer before it: its norm, its activation, or neither."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Its names in other frameworks and in papers, in small letters without signs: they answer an unknown name."""
    implied: ClassVar[dict[str, str]] = {}
    """What the default of an argument follows from, in words, where it is no constant."""

    pointwise: ClassVar[bool] = False
    """Whether an output position sees of the input only the same position."""
    channels_first: ClassVar[bool] = False
    """Whether it takes the first axis for the channels and the others for space, of input and output."""

    def __init_subclass__(cls, name: str = "") -> None:
        super().__init_subclass__()
        cls.fields = {field.removesuffix("_"): kind for field, kind in cls.fields.items()}
        for field, annotation in cls.fields.items():
            if not isinstance(annotation, str):
                raise TypeError(f"{cls.__name__}.{field}: its module needs `from __future__ import annotations`")
            if annotation.removesuffix(" | None") not in ARGUMENT_TYPES:
                raise TypeError(
                    f"{cls.__name__}.{field}: unknown argument type {annotation}; known: {', '.join(ARGUMENT_TYPES)}"
                )
        if name:
            there = REGISTRY.get(name)
            if there and (there.__module__, there.__qualname__) != (cls.__module__, cls.__qualname__):
                raise CostcalcError(
                    "{} would replace the op {}, which {} defines", cls.__module__, name, there.__module__
                )
            cls.name = name
            REGISTRY[name] = cls

    def __init__(self, **arguments: Any) -> None:
        if not arguments.keys() <= self.fields.keys() or not self.fields.keys() <= {*arguments, *self.defaults}:
            from costcalc.ops.framework_aliases import misfit

            raise misfit(type(self), arguments)
        for field, value in arguments.items():
            annotation = self.fields[field]
            if value is None and annotation.endswith("None"):
                continue
            try:
                arguments[field] = type_of(annotation).convert(value)
            except ArgumentError as error:
                error.argument = field
                raise
        super().__init__(**arguments)
        for field in self.fields.keys() & RULES:
            self.__dict__[f"{field}_"] = self.__dict__.pop(field)
        self.check()
        self.__dict__["_hash"] = hash((type(self), *self.arguments.values()))

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments by name, in order."""
        return {field: self.__dict__[f"{field}_" if field in RULES else field] for field in self.fields}

    def check(self) -> None:
        """Raise `ArgumentError` where arguments exclude each other."""

    def shape(self, inputs: Shapes) -> Shapes:
        """The shapes of the outputs. Raises `ShapeError`."""
        raise NotImplementedError

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """What the op costs at these shapes."""
        raise NotImplementedError

    def footprint(self, rank: int) -> Window | None:
        """What an output position sees of so many spatial dimensions; None where it sees everything, or has no place.

        The statistics that a norm takes of its input do not count.
        """
        return ((1, 1, 1),) * rank if self.pointwise else None

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """What the axes of an output are, where those of the input are `axes`; an empty tuple where that is not known.

        An op that keeps the number of axes and not their order says so here, or they are shown under wrong names.
        """
        if self.channels_first:
            return channels_first(rank)
        return axes if len(axes) == rank else ()

    def caption(self, rank: int) -> str:
        """The op in a few words, for a picture: `3x3 maxpool, /2` on two dimensions, `attention(heads=12)`."""
        window = self.footprint(rank)
        return windowed(window, self.name) if window and set(window) != {(1, 1, 1)} else str(self)

    def own_params(self, other: Op, here: Cost, there: Cost) -> Count:
        """The params that remain its own when it uses the weights of `other`: none, where the weights are alike.

        `here` and `there` are the costs of this op and of the other. Raises `ShapeError` where weights differ.
        """
        if self != other:
            raise ShapeError("{} cannot share the weights of {}: not the same op with the same arguments", self, other)
        if _weights(here) != _weights(there):
            raise ShapeError(
                "cannot share weights of another shape: {:,} parameters here, {:,} there",
                here.params.value,
                there.params.value,
                help="both must see inputs of the same number of channels or features",
            )
        return ZERO

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"

    def __str__(self) -> str:
        """The op with the arguments that differ from their defaults: `conv(out=64, kernel=3)`."""
        said = [
            f"{name}={show(value)}" for name, value in self.arguments.items() if self.defaults.get(name, self) != value
        ]
        return f"{self.name}({', '.join(said)})" if said else self.name


def across_channels(axis: Dim, rank: int) -> Window | None:
    """The footprint of an op along one axis: a single position, where this is the axis of channels."""
    return ((1, 1, 1),) * rank if axis in (0, -1 - rank) else None


def windowed(window: Window, what: str, by: str = "/") -> str:
    """What is done with a window, in a few words; its strides divide the size, or else `by` says what they do.

    >>> windowed(((7, 2, 1), (7, 2, 1)), "(64 filters)"), windowed(((3, 1, 2), (1, 1, 1)), "maxpool")
    ('7x7 (64 filters), /2', '3x1 maxpool, dilation 2x1')
    """
    kernel, stride, dilation = zip(*window, strict=True)
    more = [f", {said}{_times(sizes)}" for said, sizes in ((by, stride), ("dilation ", dilation)) if set(sizes) != {1}]
    return f"{'x'.join(map(str, kernel))} {what}{''.join(more)}"


def _times(sizes: Shape) -> str:
    return "x".join(map(str, sizes if len(set(sizes)) > 1 else sizes[:1]))


def _weights(cost: Cost) -> list[list[Dim]]:
    return [[value for _, value in term] for term in cost.params.terms]


class Elementwise(Op):
    """An op that keeps the shape and does the same small arithmetic for each element.

    Shapes: any -> the same.
    """

    role: ClassVar[Literal["", "norm", "act"]] = "act"
    pointwise: ClassVar[bool] = True
    per_element: ClassVar[dict[str, int]] = {}
    """Operations per element, by class."""

    def shape(self, inputs: Shapes) -> Shapes:
        """The input's own."""
        return inputs

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """`per_element`, times the elements."""
        each = elements(outputs[0])
        return Cost(**{quantity: each * times for quantity, times in self.per_element.items()})


def registered() -> dict[str, type[Op]]:
    """Every op by name: costcalc's own, and those that installed packages bring (entry point group `costcalc.ops`)."""
    load_plugins()
    return dict(sorted(REGISTRY.items()))


def find(name: str) -> type[Op] | None:
    """The op of this name. Plugins are looked for only when costcalc itself has none of the name."""
    if name not in REGISTRY:
        load_plugins()
    return REGISTRY.get(name)


_plugins_loaded = False


def load_plugins() -> None:
    """Import what entry points of the group `costcalc.ops` name, once; importing an op registers it.

    Raises `CostcalcError` where an entry point cannot be loaded, or would replace an op that is there already.
    """
    global _plugins_loaded
    if _plugins_loaded:
        return
    from importlib.metadata import entry_points

    for entry in entry_points(group="costcalc.ops"):
        try:
            entry.load()
        except (Exception, SystemExit) as error:
            raise CostcalcError(
                "the ops of the installed package {} cannot be loaded: {}: {}",
                entry.dist.name if entry.dist else entry.value,
                type(error).__name__,
                error,
                note=f"entry point {entry.name} = {entry.value}, group costcalc.ops",
                help="repair or uninstall that package",
            ) from error
    _plugins_loaded = True


def signature(op: type[Op]) -> str:
    """How an op is written, with its defaults.

    >>> signature(REGISTRY["linear"])
    'linear(out, bias=true, norm=none, act=none)'
    """
    arguments = []
    for field in op.fields:
        default = op.implied.get(field) or (show(op.defaults[field]) if field in op.defaults else "")
        arguments.append(f"{field}={default}" if default else field)
    if op.followed:
        arguments += ["norm=none", "act=none"]
    return f"{op.name}({', '.join(arguments)})"


def summary(op: type[Op]) -> str:
    """What an op does, in one line: the first of its docstring."""
    return (op.__doc__ or "").strip().partition("\n")[0]


def wrong(argument: str, message: str, *values: object, help: str = "") -> ArgumentError:
    """An error about one argument of an op."""
    error = ArgumentError(message, *values, help=help)
    error.argument = argument
    return error
