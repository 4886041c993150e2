"""The base class of ops, with arguments, a shape rule and a cost rule, and the registry of ops by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from costcalc import plugins
from costcalc.cost import Cost
from costcalc.errors import ArgumentError, CostcalcError, ShapeError
from costcalc.formula import Dim, Shape, Shapes, channels_first, elements
from costcalc.notation import show, written
from costcalc.ops.argument_types import ARGUMENT_TYPES, type_of
from costcalc.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

REGISTRY: dict[str, type[Op]] = {}
Window: TypeAlias = tuple[tuple[Dim, Dim, Dim], ...]
"""Kernel, stride and dilation in each spatial dimension."""

RULES = frozenset({"shape", "cost"})
"""The methods whose names an argument may have, too."""


class Op(Record):
    """A kind of layer. Specs refer to a subclass by its `name`:

        class PixelShuffle(Op, name="pixel_shuffle"):
            factor: Positive

            def shape(self, inputs: Shapes) -> Shapes: ...
            def cost(self, inputs: Shapes, outputs: Shapes) -> Cost: ...

    The fields are the arguments of the op. A single value in a spec sets the first. Each annotation names a type of
    `ops.argument_types`, followed by `| None` if the argument is optional. An argument with the name of a rule is
    declared with a trailing underscore (`shape_`). Dimensions may be arrays, with one entry per configuration of a
    sweep: a rule may use arithmetic, comparisons and `if`, but must not convert a dimension to a Python number.
    """

    name: ClassVar[str] = ""
    arity: ClassVar[tuple[int, int | None]] = (1, 1)
    """The smallest and the largest number of inputs. None means no limit."""
    followed: ClassVar[bool] = False
    """Whether the op accepts the arguments `norm` and `act`, which add layers after it."""
    _hash: ClassVar[int]
    """The stored hash. A builder hashes the op of every layer."""
    reads_axes: ClassVar[bool] = False
    """Whether the op depends on the names of the axes of its input; see `on`."""
    role: ClassVar[Literal["", "norm", "act"]] = ""
    """Whether the op is a norm, an activation, or neither."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Names in other frameworks and papers, in lower case without punctuation, for suggestions on unknown names."""
    implied: ClassVar[dict[str, str]] = {}
    """A description of the default of an argument, if it is not a constant."""

    pointwise: ClassVar[bool] = False
    """Whether an output position depends only on the same position of the input."""
    channels_first: ClassVar[bool] = False
    """Whether the first axis of input and output is channels, and the other axes are spatial."""
    convolution: ClassVar[bool] = False
    """Whether the op is a convolution, whose outputs `conv_activations` counts."""
    reads_indices: ClassVar[bool] = False
    """Whether the inputs are indices, whose number format is not that of activations."""
    saves: ClassVar[Literal["", "inputs", "outputs"]] = ""
    """The tensors that a framework keeps for the backward pass, of an op without multiply-adds."""
    in_place: ClassVar[Literal["", "activations", "all"]] = ""
    """Whether the output may be written over an input: as most PyTorch models do, as a compiler can, or never."""

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
            other = REGISTRY.get(name)
            if other and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
                raise CostcalcError(
                    "{} cannot define the op {}: {} already defines it", cls.__module__, name, other.__module__
                )
            cls.name = name
            REGISTRY[name] = cls

    def __init__(self, **arguments: Any) -> None:
        if not arguments.keys() <= self.fields.keys() or not self.fields.keys() <= {*arguments, *self.defaults}:
            raise call_error(type(self), arguments)
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
        """The arguments by name, in order of definition."""
        return {field: self.__dict__[f"{field}_" if field in RULES else field] for field in self.fields}

    def check(self) -> None:
        """Raise `ArgumentError` if arguments cannot be combined."""

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shapes of the outputs. Raises `ShapeError`."""
        raise NotImplementedError

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Return the cost of the op at these shapes."""
        raise NotImplementedError

    def active_params(self, params: Dim) -> Dim:
        """Return how many of its parameters an example uses: all, unless the op has experts."""
        return params

    def read_params(self, inputs: Shapes, params: Dim, batch: int) -> Dim:
        """Return how many of its parameters the op reads for a batch of these inputs."""
        return params

    def product_macs(self, inputs: Shapes, outputs: Shapes) -> Dim:
        """Return how many of its multiply-adds multiply two activations, of an op that has parameters."""
        return 0

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes that a framework keeps for the backward pass, besides tensors."""
        return 0

    def saved_numbers(self, inputs: Shapes, outputs: Shapes) -> Dim:
        """Return how many intermediate results of an example a framework keeps for the backward pass."""
        return 0

    def is_view(self, inputs: Shapes, *, training: bool = False) -> bool:
        """Return whether the outputs are the stored input in another shape, or parts of it."""
        return False

    def footprint(self, rank: int) -> Window | None:
        """Return the window of the input that an output position depends on, for `rank` spatial dimensions.

        Return None if a position depends on the whole input, or has no position in the input. The statistics of a norm
        do not count.
        """
        return ((1, 1, 1),) * rank if self.pointwise else None

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the names of the output's axes, given those of the input, or an empty tuple if they are unknown.

        An op that reorders axes without changing their number must override this.
        """
        if self.channels_first:
            return channels_first(rank)
        return axes if len(axes) == rank else ()

    def after(self, host: Op) -> Op:
        """Return the op as the `norm` or `act` argument of another one, whose axes it may follow."""
        return self

    def on(self, axes: tuple[str, ...]) -> Op:
        """Return the op for an input with axes of these names, if `reads_axes`."""
        return self

    def features_axis(self) -> int | None:
        """Return the axis that the op takes for channels or features: 0 or -1.

        None if it names its axes itself, or treats all of them alike.
        """
        return 0 if self.channels_first else None

    def caption(self, rank: int) -> str:
        """Return the label of the op in a picture: `3x3 maxpool, /2` for rank 2, `attention(heads=12)`."""
        window = self.footprint(rank)
        return windowed(window, self.name) if window and set(window) != {(1, 1, 1)} else str(self)

    def shared_parameters(self, other: Op, cost: Cost, other_cost: Cost) -> int:
        """Return how many parameters, from the first, this op has in common with `other`, whose weights it uses.

        Parameters are the terms of `cost.params`, then those of `cost.buffers`. `cost` and `other_cost` are the costs
        of the two ops. Raises `ShapeError` if the weights differ.
        """
        if self != other:
            raise ShapeError("{} cannot share the weights of {}: op and arguments must match", self, other)
        if _weights(cost) != _weights(other_cost):
            raise ShapeError(
                "cannot share weights of a different shape: expected {1:,} parameters, got {0:,}",
                cost.params.value,
                other_cost.params.value,
                help="both inputs must have the same number of channels or features",
            )
        return len(cost.params.terms) + len(cost.buffers.terms)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"

    def __str__(self) -> str:
        """Return the op with the arguments that differ from their defaults: `conv(out=64, kernel=3)`."""
        arguments = [
            f"{name}={show(value)}" for name, value in self.arguments.items() if self.defaults.get(name, self) != value
        ]
        return f"{self.name}({', '.join(arguments)})" if arguments else self.name


def across_channels(axis: Dim, rank: int) -> Window | None:
    """Return the footprint of an op along one axis: one position for the channel axis, else None."""
    return ((1, 1, 1),) * rank if axis in (0, -1 - rank) else None


def windowed(window: Window, what: str, by: str = "/") -> str:
    """Return the label of an op with a window. `by` is the sign before its strides.

    >>> windowed(((7, 2, 1), (7, 2, 1)), "(64 filters)"), windowed(((3, 1, 2), (1, 1, 1)), "maxpool")
    ('7x7 (64 filters), /2', '3x1 maxpool, dilation 2x1')
    """
    kernel, stride, dilation = zip(*window, strict=True)
    more = [
        f", {prefix}{_times(sizes)}" for prefix, sizes in ((by, stride), ("dilation ", dilation)) if set(sizes) != {1}
    ]
    return f"{'x'.join(map(str, kernel))} {what}{''.join(more)}"


def _times(sizes: Shape) -> str:
    return "x".join(map(str, sizes if len(set(sizes)) > 1 else sizes[:1]))


def _weights(cost: Cost) -> list[list[Dim]]:
    return [[value for _, value in term] for term in cost.params.terms]


class Elementwise(Op):
    """An op that keeps the shape and does the same arithmetic for each element.

    Shapes: any -> the same.
    """

    pointwise: ClassVar[bool] = True
    in_place: ClassVar[Literal["", "activations", "all"]] = "all"
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    per_element: ClassVar[dict[str, int]] = {}
    """Operations per element, by class."""

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        return inputs

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count `per_element` for each element."""
        each = elements(outputs[0])
        return Cost(**{quantity: each * times for quantity, times in self.per_element.items()})


def registered() -> dict[str, type[Op]]:
    """Return all ops by name: those of costcalc, and those of installed packages (entry points `costcalc.ops`)."""
    load_plugins()
    return dict(sorted(REGISTRY.items()))


def find(name: str) -> type[Op] | None:
    """Return the op of this name, or None. Plugins are loaded only if costcalc has no such op."""
    if name not in REGISTRY:
        load_plugins()
    return REGISTRY.get(name)


_plugins_loaded = False


def load_plugins() -> None:
    """Load the entry points of the group `costcalc.ops`, once. Importing an op registers it.

    Raises `CostcalcError` if an entry point cannot be loaded, or defines an op whose name is taken.
    """
    global _plugins_loaded
    if not _plugins_loaded:
        for _ in plugins.load("costcalc.ops", "the ops"):
            pass
        _plugins_loaded = True


def signature(op: type[Op]) -> str:
    """Return the signature of an op, with its defaults.

    >>> signature(REGISTRY["matmul"]), signature(REGISTRY["embedding"])
    ('matmul(transpose_b=false)', 'embedding(vocab, dim)')
    """
    arguments = []
    for field in op.fields:
        default = op.implied.get(field) or (written(op.defaults[field]) if field in op.defaults else "")
        arguments.append(f"{field}={default}" if default else field)
    if op.followed:
        arguments += ["norm=none", "act=none"]
    return f"{op.name}({', '.join(arguments)})"


def summary(op: type[Op]) -> str:
    """Return the first line of an op's docstring."""
    return (op.__doc__ or "").strip().partition("\n")[0]


def call_error(op: type[Op], arguments: Mapping[str, object]) -> ArgumentError:
    """Return the error for a call with an unknown argument, or else with missing ones.

    >>> error = call_error(REGISTRY["conv"], {"out": 64, "kernel_size": 3})
    >>> str(error), error.help
    ('conv has no argument kernel_size', 'use kernel instead')
    """
    from costcalc.ops.framework_aliases import argument_help

    for name, value in arguments.items():
        if name not in op.fields:
            help = argument_help(name, op.fields, value, op.name)
            return argument_error(name, "{} has no argument {}", op.name, name, help=help)
    missing = [name for name in op.fields if name not in op.defaults and name not in arguments]
    return argument_error("", "{} needs {}", op.name, ", ".join(missing), help=signature(op))


def layer_aliases() -> dict[str, str]:
    """Return the names of ops in other frameworks, and their names here."""
    return {alias: op.name for op in REGISTRY.values() for alias in op.aliases}


def argument_error(argument: str, message: str, *values: object, help: str = "") -> ArgumentError:
    """Return an error about one argument of an op."""
    error = ArgumentError(message, *values, help=help)
    error.argument = argument
    return error
