"""Ops that compute nothing: other shapes, parts, margins, other axes, and those without effect at inference."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from costcalc.errors import ShapeError, counted
from costcalc.model import Cost
from costcalc.ops.argument_types import MAX_LIST, Amounts, Extents, Integer, Integers, Positive, Probability
from costcalc.ops.base import Op, Window, across_channels, wrong
from costcalc.ops.shapes import axis_of, several, spatial

if TYPE_CHECKING:
    from costcalc.formula import Dim, Shape, Shapes


class DataMovement(Op):
    """An op without arithmetic."""

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Nothing is computed."""
        return Cost()


class Identity(DataMovement, name="identity"):
    """Its input.

    Shapes: any -> the same.
    Units:  no arithmetic.
    Errors: none.
    Source: PyTorch's Identity.

    >>> Identity().shape(((64, 56, 56),))
    ((64, 56, 56),)
    """

    pointwise: ClassVar[bool] = True

    def shape(self, inputs: Shapes) -> Shapes:
        """The input's own."""
        return inputs


class Dropout(DataMovement, name="dropout"):
    """Dropout, which passes its input on at inference.

    Shapes: any -> the same.
    Units:  no arithmetic.
    Errors: none.
    Source: Srivastava et al. 2014; PyTorch's Dropout.

    >>> Dropout(p=0.2).shape(((1280,),))
    ((1280,),)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "droppath",
        "stochasticdepth",
    )
    pointwise: ClassVar[bool] = True
    p: Probability = 0.5

    def shape(self, inputs: Shapes) -> Shapes:
        """The input's own."""
        return inputs


class Flatten(DataMovement, name="flatten"):
    """Everything from one axis on as a single axis.

    Shapes: (a, b, c, ...) -> (a·b·c·...), with start 1 (a, b·c·...).
    Units:  no arithmetic.
    Errors: ShapeError when there is no such axis.
    Source: PyTorch's Flatten, without the batch.

    >>> Flatten().shape(((512, 7, 7),))
    ((25088,),)
    """

    start: Integer = 0

    def shape(self, inputs: Shapes) -> Shapes:
        """(a, b, c) -> (a·b·c)."""
        start = axis_of(self.start, len(inputs[0]), "start")
        return ((*inputs[0][:start], prod(inputs[0][start:])),)


class Reshape(DataMovement, name="reshape"):
    """The same elements in another shape.

    Shapes: any -> `shape`; one entry may be -1 and takes what is left.
    Units:  no arithmetic.
    Errors: ArgumentError when entries are below 1, or several are -1; ShapeError when the elements do not fit.
    Source: PyTorch's reshape.

    >>> Reshape(shape=[768, -1]).shape(((768, 14, 14),))
    ((768, 196),)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "expanddims",
        "squeeze",
        "unsqueeze",
        "view",
    )
    shape_: Integers

    def check(self) -> None:
        """Sizes, and -1 at most once."""
        unknown = 0
        for size in several(self.shape_):
            if size == -1:
                unknown += 1
            elif size < 1:
                raise wrong("shape", "expected sizes of at least 1, or -1 for what is left, got {}", size)
        if unknown > 1:
            raise wrong("shape", "-1 may stand once, and stands {} times", unknown)

    def shape(self, inputs: Shapes) -> Shapes:
        """Any -> `shape`."""
        sizes = several(self.shape_)
        total, known = prod(inputs[0]), prod([size for size in sizes if size != -1])
        open_ = any(size == -1 for size in sizes)
        if (total % known if open_ else total - known) != 0:
            raise ShapeError(
                "{} of {} elements cannot take the shape {}" + (", {} to be divided" if open_ else " of {}"),
                list(inputs[0]),
                total,
                list(sizes),
                known,
                help="one entry of -1 takes what is left; shapes have no batch",
            )
        return (tuple(total // known if size == -1 else size for size in sizes),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Not known: the elements are divided anew."""
        return ()


class Permute(DataMovement, name="permute"):
    """Axes in another order.

    Shapes: (a, b, c) -> (c, a, b) for the order [2, 0, 1].
    Units:  no arithmetic.
    Errors: ShapeError when the order does not name every axis once.
    Source: PyTorch's permute, without the batch.

    >>> Permute(order=[1, 0]).shape(((768, 196),))
    ((196, 768),)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "rearrange",
        "swapaxes",
        "transpose",
    )
    order: Integers

    def shape(self, inputs: Shapes) -> Shapes:
        """The sizes in the order."""
        sizes = inputs[0]
        order = several(self.order)
        axes = [axis_of(axis, len(sizes)) for axis in order]
        if sorted(axes) != list(range(len(sizes))):
            raise ShapeError(
                "order {} does not name each of the {} axes of {} once",
                list(order),
                len(sizes),
                list(sizes),
                help="axes count from 0, without the batch",
            )
        return (tuple(sizes[axis] for axis in axes),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """The names in the order."""
        return axes and tuple([axes[axis] for axis in several(self.order)])


class Split(DataMovement, name="split"):
    """Several outputs along one axis: equal parts, or parts of given sizes.

    Shapes: (C, ...) -> (C / parts, ...) for each part, or (size, ...) for each size.
    Units:  no arithmetic.
    Errors: ArgumentError unless one of parts and sizes is given; ShapeError when they do not divide the axis.
    Source: PyTorch's chunk and split.

    >>> Split(parts=2).shape(((64, 28, 28),))
    ((32, 28, 28), (32, 28, 28))
    >>> Split(sizes=[48, 16]).shape(((64, 28, 28),))
    ((48, 28, 28), (16, 28, 28))
    """

    aliases: ClassVar[tuple[str, ...]] = ("chunk",)
    implied: ClassVar[dict[str, str]] = {"parts": "none", "sizes": "none"}
    parts: Positive | None = None
    sizes: Extents | None = None
    axis: Integer = 0

    def check(self) -> None:
        """One of the two says where."""
        if (self.parts is None) == (self.sizes is None):
            said = "needs parts or sizes" if self.parts is None else "parts and sizes exclude each other"
            raise wrong("parts", said, help="parts: 3 gives three equal ones; sizes: [64, 32, 32] says each")
        if self.parts is not None and self.parts > MAX_LIST:
            raise wrong("parts", "expected at most {} parts, got {}", MAX_LIST, self.parts)

    def shape(self, inputs: Shapes) -> Shapes:
        """(C, ...) -> one shape for each part."""
        axis = axis_of(self.axis, len(inputs[0]))
        size, before, after = inputs[0][axis], inputs[0][:axis], inputs[0][axis + 1 :]
        return tuple((*before, part, *after) for part in self._parts(inputs[0], size))

    def footprint(self, rank: int) -> Window | None:
        """One position, along the channels."""
        return across_channels(self.axis, rank)

    def _parts(self, shape: Shape, size: Dim) -> Shape:
        if self.sizes is not None:
            if sum(self.sizes) != size:
                raise ShapeError(
                    "sizes {} sum to {}, and axis {} of {} is {}",
                    list(self.sizes),
                    sum(self.sizes),
                    self.axis,
                    list(shape),
                    size,
                    help="the sizes of all parts sum to that of the axis",
                )
            return self.sizes
        parts = self.parts or 1
        if size % parts != 0:
            raise ShapeError(
                "axis {} of {} does not divide into {} equal parts",
                self.axis,
                list(shape),
                parts,
                help="sizes: [...] says the size of each part",
            )
        return tuple(size // parts for _ in range(parts))


class Slice(DataMovement, name="slice"):
    """A range of one axis.

    Shapes: (a, ...) -> (ceil((stop - start) / step), ...); below 0, start and stop count from the end, and both are
            cut to the axis.
    Units:  no arithmetic.
    Errors: ShapeError when there is no such axis, or nothing is left of it.
    Source: Python's and PyTorch's slices.

    >>> Slice(axis=0, start=0, stop=1).shape(((197, 768),))
    ((1, 768),)
    """

    aliases: ClassVar[tuple[str, ...]] = ("narrow",)
    implied: ClassVar[dict[str, str]] = {"stop": "end"}
    axis: Integer
    start: Integer = 0
    stop: Integer | None = None
    step: Positive = 1

    def shape(self, inputs: Shapes) -> Shapes:
        """(a, ...) -> (b, ...)."""
        axis = axis_of(self.axis, len(inputs[0]))
        size = inputs[0][axis]
        start = _cut(self.start, size)
        stop = size if self.stop is None else _cut(self.stop, size)
        out = -(-(stop - start) // self.step)
        if out < 1:
            raise ShapeError(
                "nothing is left of axis {} of {} from {} to {}",
                self.axis,
                list(inputs[0]),
                start,
                stop,
                help="start is the first that is kept, stop the first that is not",
            )
        return ((*inputs[0][:axis], out, *inputs[0][axis + 1 :]),)

    def footprint(self, rank: int) -> Window | None:
        """One position, along the channels."""
        return across_channels(self.axis, rank)


class Pad(DataMovement, name="pad"):
    """A margin around the spatial dimensions.

    Shapes: (C, *S) -> (C, *S + before + after) for one to three spatial dimensions.
    Units:  no arithmetic.
    Errors: ShapeError when the pairs are not one for each spatial dimension.
    Source: PyTorch's pad, with pairs in the order of the dimensions.

    >>> Pad(amount=[[0, 1], [2, 2]]).shape(((3, 8, 8),))
    ((3, 9, 12),)
    """

    aliases: ClassVar[tuple[str, ...]] = ("zeropadding",)
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    amount: Amounts

    def shape(self, inputs: Shapes) -> Shapes:
        """(C, *S) -> (C, *S')."""
        channels, sizes = spatial(inputs, self)
        pairs = _pairs(self.amount, inputs[0])
        return ((channels, *(size + before + after for size, (before, after) in zip(sizes, pairs, strict=True))),)


class Crop(DataMovement, name="crop"):
    """The spatial dimensions without a margin.

    Shapes: (C, *S) -> (C, *S - before - after) for one to three spatial dimensions.
    Units:  no arithmetic.
    Errors: ShapeError when the pairs are not one for each spatial dimension, or nothing is left.
    Source: Ronneberger et al. 2015, arXiv:1505.04597, for the crops of U-Net.

    >>> Crop(amount=4).shape(((64, 64, 64),))
    ((64, 56, 56),)
    """

    aliases: ClassVar[tuple[str, ...]] = ("centercrop",)
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    amount: Amounts

    def shape(self, inputs: Shapes) -> Shapes:
        """(C, *S) -> (C, *S')."""
        channels, sizes = spatial(inputs, self)
        pairs = _pairs(self.amount, inputs[0])
        left = tuple(size - before - after for size, (before, after) in zip(sizes, pairs, strict=True))
        for size, pair in zip(left, pairs, strict=True):
            if size < 1:
                raise ShapeError(
                    "nothing is left of {} after a crop of {} and {}",
                    list(inputs[0]),
                    *pair,
                    help="a number is taken from every side",
                )
        return ((channels, *left),)


def _cut(place: Dim, size: Dim) -> Dim:
    if place < 0:
        place = place + size
    if place < 0:
        return 0
    return min(place, size)


def _pairs(amount: Amounts, shape: Shape) -> tuple[tuple[Dim, Dim], ...]:
    rank = len(shape) - 1
    if not isinstance(amount, tuple):
        return ((amount, amount),) * rank
    if len(amount) != rank:
        raise ShapeError(
            "amount has {}, for the {} of {}",
            counted(len(amount), "pair"),
            counted(rank, "spatial dimension"),
            list(shape),
            help="give one number, or [before, after] for each dimension",
        )
    return amount
