"""What an op is: arguments, a shape rule and a cost rule; and the registry that finds ops by name."""

from __future__ import annotations

from typing import Any, ClassVar

from costcalc.errors import ArgumentError, ShapeError
from costcalc.formula import ZERO, Count, Dim, Shape, Shapes, elements
from costcalc.model import Cost
from costcalc.ops.kinds import KINDS, show
from costcalc.record import Record

REGISTRY: dict[str, type[Op]] = {}


class Op(Record):
    """A kind of layer. A subclass with a `name` is found in specs under that name:

        class PixelShuffle(Op, name="pixel_shuffle"):
            factor: Positive

            def shape(self, inputs: Shapes) -> Shapes: ...
            def cost(self, inputs: Shapes, outputs: Shapes) -> Cost: ...

    Fields are the arguments; the first is the one that a lone value sets; each annotation is a kind of `ops.kinds`, or
    that and `None`. Dimensions may be arrays, one entry per configuration of a sweep: a rule uses arithmetic,
    comparisons and `if` as on ints, and no conversion to a Python number.
    """

    name: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    """The least and the largest number of inputs; None for any."""
    followed: ClassVar[bool] = False
    """Whether `norm` and `act` may stand among the arguments: layers written after this one."""

    def __init_subclass__(cls, name: str = "") -> None:
        super().__init_subclass__()
        for field, annotation in cls.fields.items():
            if annotation.removesuffix(" | None") not in KINDS:
                raise TypeError(f"{cls.__name__}.{field}: {annotation} is no kind of argument; known: {', '.join(KINDS)}")
        if name:
            cls.name = name
            REGISTRY[name] = cls

    def __init__(self, **arguments: Any) -> None:
        for field, value in arguments.items():
            annotation = self.fields.get(field)
            if annotation is None or (value is None and annotation.endswith("None")):
                continue
            try:
                arguments[field] = KINDS[annotation.removesuffix(" | None")][0](value)
            except ArgumentError as error:
                error.argument = field
                raise
        super().__init__(**arguments)
        self.check()

    def check(self) -> None:
        """Raise `ArgumentError` where arguments exclude each other."""

    def shape(self, inputs: Shapes) -> Shapes:
        """The shapes of the outputs. Raises `ShapeError`."""
        raise NotImplementedError

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """What the op costs at these shapes."""
        raise NotImplementedError

    def own_params(self, other: Op, here: Cost, there: Cost) -> Count:
        """The params that remain its own when it uses the weights of `other`: none, where the weights are alike.

        `here` and `there` are the costs of this op and of the other. Raises `ShapeError` where weights differ.
        """
        if self != other:
            raise ShapeError("{} cannot share the weights of {}: not the same op with the same arguments", self, other)
        if here.params.value != there.params.value:
            raise ShapeError(
                "cannot share weights of another size: {:,} parameters here, {:,} there",
                here.params.value,
                there.params.value,
                help="both must see inputs of the same number of channels or features",
            )
        return ZERO

    def __str__(self) -> str:
        """The op with the arguments that differ from their defaults: `conv(out=64, kernel=3)`."""
        said = [f"{f}={show(getattr(self, f))}" for f in self.fields if self.defaults.get(f, self) != getattr(self, f)]
        return f"{self.name}({', '.join(said)})" if said else self.name


class Elementwise(Op):
    """An op that keeps the shape and does the same small arithmetic for each element.

    Shapes: any -> the same.
    """

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
    """Import what entry points of the group `costcalc.ops` name, once; importing an op registers it."""
    global _plugins_loaded
    if not _plugins_loaded:
        _plugins_loaded = True
        from importlib.metadata import entry_points

        for entry in entry_points(group="costcalc.ops"):
            entry.load()


def spread(value: Dim | Shape, rank: int, argument: str) -> Shape:
    """One value per spatial dimension, from one for all or one for each.

    >>> spread(3, 2, "kernel")
    (3, 3)
    """
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise ShapeError(
            "{} has {} values, for {} spatial dimension(s)", argument, len(value), rank, help="give one, or one for each"
        )
    return value


def spatial(inputs: Shapes, op: Op) -> tuple[Dim, Shape]:
    """Channels and spatial sizes of the first input, for an op on `[C, L]`, `[C, H, W]` or `[C, D, H, W]`."""
    shape = inputs[0]
    if not 2 <= len(shape) <= 4:
        raise ShapeError(
            "{} needs an input of channels and 1 to 3 spatial dimensions, got {}",
            op.name,
            list(shape),
            help="a vector becomes [C, 1, 1] with reshape: [-1, 1, 1]",
        )
    return shape[0], shape[1:]


def window(size: Dim, kernel: Dim, stride: Dim, padding: Dim, dilation: Dim, *, ceil: bool = False) -> Dim:
    """The number of positions of a window along one dimension. Source: PyTorch, torch.nn.Conv2d and MaxPool2d.

    >>> window(224, 7, 2, 3, 1)
    112
    >>> window(112, 3, 2, 0, 1, ceil=True)
    56
    """
    span = dilation * (kernel - 1) + 1
    room = size + 2 * padding - span
    if ceil:
        out = -(-room // stride) + 1
        if (out - 1) * stride >= size + padding:
            out = out - 1
    else:
        out = room // stride + 1
    if out < 1:
        raise ShapeError(
            "a window of {} does not fit an input of {} with padding {}",
            span,
            size,
            padding,
            help="a smaller kernel, more padding, or fewer strides before it",
        )
    return out


def axis_of(axis: Dim, rank: int, name: str = "axis") -> int:
    """An axis counted from the front. Raises `ShapeError` where the input has no such axis.

    >>> axis_of(-1, 3)
    2
    """
    if not -rank <= axis < rank:
        raise ShapeError("{} {} does not exist in an input of {} dimension(s)", name, axis, rank)
    return axis % rank

