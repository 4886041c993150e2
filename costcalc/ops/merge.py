"""Ops that join several tensors, or a tensor and a learned one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from costcalc.cost import Cost
from costcalc.errors import ShapeError
from costcalc.formula import ZERO, Count, Shape, Shapes, elements, product
from costcalc.ops.base import Op, Window, across_channels, argument_error
from costcalc.ops.channels import PerChannel
from costcalc.ops.shapes import axis_of, broadcast, token_axes, tokens

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Extents, Integer, Number, Positive


class _Join(Op):
    pointwise: ClassVar[bool] = True
    in_place: ClassVar[Literal["", "activations", "all"]] = "all"
    arity: ClassVar[tuple[int, int | None]] = (2, None)

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape that the inputs broadcast to."""
        out = inputs[0]
        for shape in inputs[1:]:
            out = joined(out, shape, self)
        return (out,)

    def each(self, inputs: Shapes, outputs: Shapes) -> Count:
        """Count one operation per element for each input after the first."""
        return elements(outputs[0]) * (len(inputs) - 1)


class Add(_Join, name="add"):
    """Element-wise sum, with broadcasting.

    Shapes: two or more, equal or 1 in every axis -> the larger in every axis.
    Units:  (inputs - 1) additions per element.
    Errors: ShapeError when the shapes do not broadcast.
    Source: PyTorch's broadcasting; He et al. 2015, arXiv:1512.03385, for residual connections.

    >>> Add().cost(((64, 56, 56),) * 3, ((64, 56, 56),)).add.value == 2 * 64 * 56 * 56
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("eltwise",)
    in_place: ClassVar[Literal["", "activations", "all"]] = "activations"

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count m - 1 additions per element for m inputs."""
        return Cost(add=self.each(inputs, outputs))


class Mul(_Join, name="mul"):
    """Element-wise product, with broadcasting.

    Shapes: two or more, equal or 1 in every axis -> the larger in every axis.
    Units:  (inputs - 1) multiplications per element.
    Errors: ShapeError when the shapes do not broadcast.
    Source: PyTorch's broadcasting; Hu et al. 2017, arXiv:1709.01507, for channel gates.

    >>> Mul().cost(((64, 56, 56), (64, 1, 1)), ((64, 56, 56),)).mul.value == 64 * 56 * 56
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("multiply",)

    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count m - 1 multiplications per element for m inputs."""
        return Cost(mul=self.each(inputs, outputs))


class Sub(_Join, name="sub"):
    """Element-wise difference of two tensors, with broadcasting.

    Shapes: two, equal or 1 in every axis -> the larger in every axis.
    Units:  one addition per element.
    Errors: ShapeError when the shapes do not broadcast.
    Source: PyTorch's sub.

    >>> Sub().cost(((64, 56, 56), (64, 1, 1)), ((64, 56, 56),)).add.value == 64 * 56 * 56
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("subtract",)
    arity: ClassVar[tuple[int, int | None]] = (2, 2)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count one addition per element."""
        return Cost(add=self.each(inputs, outputs))


class Div(_Join, name="div"):
    """Element-wise quotient of two tensors, with broadcasting.

    Shapes: two, equal or 1 in every axis -> the larger in every axis.
    Units:  one division per element.
    Errors: ShapeError when the shapes do not broadcast.
    Source: PyTorch's div.

    >>> Div().cost(((64, 56, 56), (64, 1, 1)), ((64, 56, 56),)).div.value == 64 * 56 * 56
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("divide",)
    arity: ClassVar[tuple[int, int | None]] = (2, 2)

    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count one division per element."""
        return Cost(div=self.each(inputs, outputs))


class Concat(Op, name="concat"):
    """Tensors joined along one axis, the channels by default.

    Shapes: (C_1, ...), (C_2, ...), ... -> (C_1 + C_2 + ..., ...).
    Units:  no arithmetic.
    Errors: ShapeError when the shapes differ in another axis.
    Source: PyTorch's cat.

    >>> Concat().shape(((64, 28, 28), (128, 28, 28), (32, 28, 28), (32, 28, 28)))
    ((256, 28, 28),)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "cat",
        "concatenate",
        "parallel",
    )
    arity: ClassVar[tuple[int, int | None]] = (1, None)
    axis: Integer = 0

    def features_axis(self) -> int | None:
        """Return the first axis, the default."""
        return 0 if self.axis == 0 else None

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the first shape with the sum of the sizes along the axis."""
        first = inputs[0]
        axis = axis_of(self.axis, len(first))
        for shape in inputs[1:]:
            if len(shape) != len(first) or shape[:axis] != first[:axis] or shape[axis + 1 :] != first[axis + 1 :]:
                raise ShapeError(
                    "cannot concatenate {} and {} on axis {}: the other axes differ",
                    list(first),
                    list(shape),
                    self.axis,
                    help="use the same strides in all branches, and padding: same or kernel // 2",
                )
        return ((*first[:axis], sum(shape[axis] for shape in inputs), *first[axis + 1 :]),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Return no cost."""
        return Cost()

    def footprint(self, rank: int) -> Window | None:
        """Return one position if the axis is the channel axis."""
        return across_channels(self.axis, rank)


class _Affine(PerChannel):
    """An op with one parameter for each channel, or with a constant."""

    pointwise: ClassVar[bool] = True
    in_place: ClassVar[Literal["", "activations", "all"]] = "all"
    implied: ClassVar[dict[str, str]] = {"axis": "channels", "by": "a parameter"}
    axis: Integer | None = None
    by: Number | None = None

    def features_axis(self) -> int | None:
        """Return the first axis, the default, if there is a parameter for each channel."""
        return super().features_axis() if self.by is None else None

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        if self.by is None:
            self.channel_axis(inputs[0])
        return inputs

    def parameters(self, outputs: Shapes) -> Count:
        """Return one parameter per channel, or none for a constant."""
        return ZERO if self.by is not None else product(self.channels(outputs[0]))


class Scale(_Affine, name="scale"):
    """Learned factor for each channel (layer scale), or a constant factor.

    Shapes: (C, ...) -> the same; (T, D) -> the same, over the features, if the input has steps and features.
    Units:  one multiplication per element; one parameter per channel, none for a constant.
    Errors: ShapeError when the axis is out of range.
    Source: Touvron et al. 2021, arXiv:2103.17239, section 2.

    >>> op = Scale(axis=-1)
    >>> op.cost(((197, 768),), ((197, 768),)).params.value
    768
    """

    aliases: ClassVar[tuple[str, ...]] = ("layerscale",)

    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count one multiplication per element."""
        return Cost(mul=elements(outputs[0]), params=self.parameters(outputs))


class Shift(_Affine, name="shift"):
    """Learned offset for each channel, or a constant offset.

    Shapes: (C, ...) -> the same; (T, D) -> the same, over the features, if the input has steps and features.
    Units:  one addition per element; one parameter per channel, none for a constant.
    Errors: ShapeError when the axis is out of range.
    Source: the bias of PyTorch's layers, as a layer of its own.

    >>> Shift().cost(((64, 56, 56),), ((64, 56, 56),)).params.value, Shift(by=-0.5).cost(((8,),), ((8,),)).params.value
    (64, 0)
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count one addition per element."""
        return Cost(add=elements(outputs[0]), params=self.parameters(outputs))


class LearnableTensor(Op, name="parameter"):
    """Learned tensor added to the input, with broadcasting (position embedding).

    Shapes: any -> the shape that it and `shape` broadcast to. With `take`, only the first rows of a longer table are
            added.
    Units:  one addition per element; the elements of `shape` are the parameters.
    Errors: ShapeError when the shapes do not broadcast; ArgumentError when take is more than the rows of the table.
    Source: Dosovitskiy et al. 2020, arXiv:2010.11929, section 3.1.

    >>> LearnableTensor(shape=[197, 768]).cost(((197, 768),), ((197, 768),)).params.value == 197 * 768
    True
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "posembed",
        "positionembedding",
    )
    pointwise: ClassVar[bool] = True
    implied: ClassVar[dict[str, str]] = {"take": "all"}
    shape_: Extents
    take: Positive | None = None

    def check(self) -> None:
        """Raise `ArgumentError` if the table has fewer rows than are taken."""
        if self.take is not None and self.take > self.shape_[0]:
            raise argument_error("take", "expected at most {} rows, got {}", self.shape_[0], self.take)

    def added(self) -> Shape:
        """Return the shape of the rows that are added."""
        return self.shape_ if self.take is None else (self.take, *self.shape_[1:])

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape that the input and the rows broadcast to."""
        added = self.added()
        out = broadcast(inputs[0], added)
        if out is None:
            rows, steps = self.shape_[0], inputs[0][-len(added)] if len(added) <= len(inputs[0]) else 0
            longer = len(added) == len(inputs[0]) and added[1:] == inputs[0][1:] and steps < rows
            help = f"write take: {steps} for the first {steps} of {rows} positions" if longer else ""
            raise ShapeError(
                "{} cannot broadcast {} and {}",
                self.name,
                list(inputs[0]),
                list(added),
                help=help or _repair(inputs[0], added),
            )
        return (out,)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count one addition per element."""
        return Cost(add=elements(outputs[0]), params=elements(self.shape_))


class Weight(Op, name="weight"):
    """Learned tensor that enters no op of the network, or is read by its name.

    Shapes: no input -> `shape`.
    Units:  no arithmetic; the elements of `shape` are the parameters.
    Errors: none.
    Source: PyTorch's Parameter.

    >>> Weight(shape=[1536, 16]).cost((), ((1536, 16),)).params.value == 1536 * 16
    True
    """

    arity: ClassVar[tuple[int, int | None]] = (0, 0)
    shape_: Extents

    def shape(self, inputs: Shapes) -> Shapes:
        """Return `shape`."""
        return (self.shape_,)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the parameters."""
        return Cost(params=elements(self.shape_))


class ConcatToken(Op, name="concat_token"):
    """Learned tokens added before those of the input (class token).

    Shapes: (..., T, D) -> (..., T + count, D).
    Units:  no arithmetic; count·D parameters.
    Errors: ShapeError when the input has fewer than two axes.
    Source: Dosovitskiy et al. 2020, arXiv:2010.11929, section 3.1.

    >>> op = ConcatToken()
    >>> op.shape(((196, 768),)), op.cost(((196, 768),), ((197, 768),)).params.value
    (((197, 768),), 768)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "classtoken",
        "clstoken",
    )
    count: Positive = 1

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (..., T, D) to (..., T + count, D)."""
        leading, length, features = tokens(inputs[0], self)
        return ((*leading, length + self.count, features),)

    def features_axis(self) -> int | None:
        """Return the last axis."""
        return -1

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes T and D, after any leading axes."""
        return token_axes(rank)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the parameters."""
        return Cost(params=product(("count", self.count), ("D", inputs[0][-1])))


def joined(left: Shape, right: Shape, op: Op) -> Shape:
    """Return the shape that two shapes broadcast to. Raises `ShapeError` if they do not."""
    out = broadcast(left, right)
    if out is None:
        raise ShapeError("{} cannot broadcast {} and {}", op.name, list(left), list(right), help=_repair(left, right))
    return out


def _repair(left: Shape, right: Shape) -> str:
    if len(left) != len(right):
        return "axes are aligned from the last; write keepdims: true in global pooling, or reshape to [C, 1, 1]"
    if left[0] != right[0]:
        return "add a 1x1 convolution to one path (shortcut:), so that channels and sizes are the same"
    return "use the same strides in both paths, and padding: same or kernel // 2"
