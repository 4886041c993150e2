"""Ops without arithmetic: reshaping, splitting, padding, and ops without effect at inference."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from costcalc.cost import Cost
from costcalc.errors import ShapeError, counted
from costcalc.ops.argument_types import MAX_LIST, Amounts, Extents, Integer, Integers, Positive, Probability
from costcalc.ops.base import Op, Window, across_channels, argument_error
from costcalc.ops.shapes import axis_of, several, spatial

if TYPE_CHECKING:
    from costcalc.formula import Dim, Shape, Shapes


class DataMovement(Op):
    """An op without arithmetic."""

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Return no cost."""
        return Cost()


class Identity(DataMovement, name="identity"):
    """Identity.

    Shapes: any -> the same.
    Units:  no arithmetic.
    Errors: none.
    Source: PyTorch's Identity.

    >>> Identity().shape(((64, 56, 56),))
    ((64, 56, 56),)
    """

    pointwise: ClassVar[bool] = True

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        return inputs


class Dropout(DataMovement, name="dropout"):
    """Dropout, which is the identity at inference.

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
        """Return the shape of the input."""
        return inputs


class Flatten(DataMovement, name="flatten"):
    """Merge all axes from `start` on into one.

    Shapes: (a, b, c, ...) -> (a·b·c·...), with start 1 (a, b·c·...).
    Units:  no arithmetic.
    Errors: ShapeError when the axis is out of range.
    Source: PyTorch's Flatten, without the batch.

    >>> Flatten().shape(((512, 7, 7),))
    ((25088,),)
    """

    start: Integer = 0

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (a, b, c) to (a·b·c)."""
        start = axis_of(self.start, len(inputs[0]), "start")
        return ((*inputs[0][:start], prod(inputs[0][start:])),)


class Reshape(DataMovement, name="reshape"):
    """Change the shape, keeping the elements.

    Shapes: any -> `shape`; one size may be -1, and follows from the others.
    Units:  no arithmetic.
    Errors: ArgumentError when a size is less than 1 and not -1, or several are -1; ShapeError when the number of
            elements differs.
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
        """Raise `ArgumentError` unless sizes are at least 1, except for one -1."""
        unknown = 0
        for size in several(self.shape_):
            if size == -1:
                unknown += 1
            elif size < 1:
                raise argument_error(
                    "shape", "expected sizes of at least 1, or -1 for the remaining size, got {}", size
                )
        if unknown > 1:
            raise argument_error("shape", "expected -1 at most once, got it {} times", unknown)

    def shape(self, inputs: Shapes) -> Shapes:
        """Return `shape`, with -1 replaced by the remaining size."""
        sizes = several(self.shape_)
        total, known = prod(inputs[0]), prod([size for size in sizes if size != -1])
        inferred = any(size == -1 for size in sizes)
        if (total % known if inferred else total - known) != 0:
            raise ShapeError(
                "cannot reshape {} of {} elements to {}" + (": they are not divisible by {}" if inferred else " of {}"),
                list(inputs[0]),
                total,
                list(sizes),
                known,
                help="write -1 for a size that follows from the others; shapes exclude the batch",
            )
        return (tuple(total // known if size == -1 else size for size in sizes),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return unknown axes."""
        return ()


class Permute(DataMovement, name="permute"):
    """Reorder the axes.

    Shapes: (a, b, c) -> (c, a, b) for the order [2, 0, 1].
    Units:  no arithmetic.
    Errors: ShapeError unless the order names every axis once.
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
        """Return the sizes in the given order."""
        sizes = inputs[0]
        order = several(self.order)
        axes = [axis_of(axis, len(sizes)) for axis in order]
        if sorted(axes) != list(range(len(sizes))):
            raise ShapeError(
                "order {} must name each of the {} axes of {} once",
                list(order),
                len(sizes),
                list(sizes),
                help="axes count from 0, without the batch",
            )
        return (tuple(sizes[axis] for axis in axes),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the names in the given order."""
        return axes and tuple([axes[axis] for axis in several(self.order)])


class Split(DataMovement, name="split"):
    """Split along one axis into equal parts, or into parts of given sizes.

    Shapes: (C, ...) -> (C / parts, ...) for each part, or (size, ...) for each size.
    Units:  no arithmetic.
    Errors: ArgumentError unless either parts or sizes is given; ShapeError when they do not fit the axis.
    Source: PyTorch's chunk and split.

    >>> Split(parts=2).shape(((64, 28, 28),))
    ((32, 28, 28), (32, 28, 28))
    >>> Split(sizes=[48, 16]).shape(((64, 28, 28),))
    ((48, 28, 28), (16, 28, 28))
    """

    aliases: ClassVar[tuple[str, ...]] = ("chunk",)
    parts: Positive | None = None
    sizes: Extents | None = None
    axis: Integer = 0

    def check(self) -> None:
        """Raise `ArgumentError` unless either parts or sizes is given."""
        if (self.parts is None) == (self.sizes is None):
            message = "expected parts or sizes" if self.parts is None else "expected either parts or sizes, got both"
            raise argument_error("parts", message, help="write parts: 3 for three equal parts, or sizes: [64, 32, 32]")
        if self.parts is not None and self.parts > MAX_LIST:
            raise argument_error("parts", "expected at most {} parts, got {}", MAX_LIST, self.parts)

    def features_axis(self) -> int | None:
        """Return the first axis, the default."""
        return 0 if self.axis == 0 else None

    def shape(self, inputs: Shapes) -> Shapes:
        """Return (size, ...) for each part."""
        axis = axis_of(self.axis, len(inputs[0]))
        size, before, after = inputs[0][axis], inputs[0][:axis], inputs[0][axis + 1 :]
        return tuple((*before, part, *after) for part in self._parts(inputs[0], size))

    def footprint(self, rank: int) -> Window | None:
        """Return one position if the axis is the channel axis."""
        return across_channels(self.axis, rank)

    def _parts(self, shape: Shape, size: Dim) -> Shape:
        if self.sizes is not None:
            if sum(self.sizes) != size:
                raise ShapeError(
                    "sizes {} sum to {}, but axis {} of {} has size {}",
                    list(self.sizes),
                    sum(self.sizes),
                    self.axis,
                    list(shape),
                    size,
                    help="the sizes of the parts must sum to the size of the axis",
                )
            return self.sizes
        parts = self.parts or 1
        if size % parts != 0:
            raise ShapeError(
                "cannot divide axis {} of {} into {} equal parts",
                self.axis,
                list(shape),
                parts,
                help="write sizes: [...] with the size of each part",
            )
        return tuple(size // parts for _ in range(parts))


class Slice(DataMovement, name="slice"):
    """Keep a range of one axis.

    Shapes: (a, ...) -> (ceil((stop - start) / step), ...); negative start and stop count from the end, and both
            are limited to the axis.
    Units:  no arithmetic.
    Errors: ShapeError when the axis is out of range, or the slice is empty.
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
        """Map (a, ...) to (b, ...)."""
        axis = axis_of(self.axis, len(inputs[0]))
        size = inputs[0][axis]
        start = _cut(self.start, size)
        stop = size if self.stop is None else _cut(self.stop, size)
        out = -(-(stop - start) // self.step)
        if out < 1:
            raise ShapeError(
                "the slice of axis {} of {} from {} to {} is empty",
                self.axis,
                list(inputs[0]),
                start,
                stop,
                help="start is the first index of the slice, stop the first index after it",
            )
        return ((*inputs[0][:axis], out, *inputs[0][axis + 1 :]),)

    def footprint(self, rank: int) -> Window | None:
        """Return one position if the axis is the channel axis."""
        return across_channels(self.axis, rank)


class Pad(DataMovement, name="pad"):
    """Add a margin around the spatial dimensions.

    Shapes: (C, *S) -> (C, *S + before + after) for one to three spatial dimensions.
    Units:  no arithmetic.
    Errors: ShapeError unless amount is a number or one pair for each spatial dimension.
    Source: PyTorch's pad, with pairs in the order of the dimensions.

    >>> Pad(amount=[[0, 1], [2, 2]]).shape(((3, 8, 8),))
    ((3, 9, 12),)
    """

    aliases: ClassVar[tuple[str, ...]] = ("zeropadding",)
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    amount: Amounts

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (C, *S')."""
        channels, sizes = spatial(inputs, self)
        pairs = _pairs(self.amount, inputs[0])
        return ((channels, *(size + before + after for size, (before, after) in zip(sizes, pairs, strict=True))),)


class Crop(DataMovement, name="crop"):
    """Remove a margin from the spatial dimensions.

    Shapes: (C, *S) -> (C, *S - before - after) for one to three spatial dimensions.
    Units:  no arithmetic.
    Errors: ShapeError unless amount is a number or one pair for each spatial dimension, or when a size becomes less
            than 1.
    Source: Ronneberger et al. 2015, arXiv:1505.04597, for the crops of U-Net.

    >>> Crop(amount=4).shape(((64, 64, 64),))
    ((64, 56, 56),)
    """

    aliases: ClassVar[tuple[str, ...]] = ("centercrop",)
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    amount: Amounts

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (C, *S')."""
        channels, sizes = spatial(inputs, self)
        pairs = _pairs(self.amount, inputs[0])
        sizes = tuple(size - before - after for size, (before, after) in zip(sizes, pairs, strict=True))
        for size, pair in zip(sizes, pairs, strict=True):
            if size < 1:
                raise ShapeError(
                    "cannot crop {1} and {2} positions from {0}: sizes must stay at least 1",
                    list(inputs[0]),
                    *pair,
                    help="a single number is cropped from each side",
                )
        return ((channels, *sizes),)


def _cut(index: Dim, size: Dim) -> Dim:
    if index < 0:
        index = index + size
    if index < 0:
        return 0
    return min(index, size)


def _pairs(amount: Amounts, shape: Shape) -> tuple[tuple[Dim, Dim], ...]:
    rank = len(shape) - 1
    if not isinstance(amount, tuple):
        return ((amount, amount),) * rank
    if len(amount) != rank:
        raise ShapeError(
            "amount has {} for the {} of {}",
            counted(len(amount), "pair"),
            counted(rank, "spatial dimension"),
            list(shape),
            help="write one number, or [before, after] for each dimension",
        )
    return amount
