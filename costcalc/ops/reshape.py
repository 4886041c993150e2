"""Ops without arithmetic: reshaping, splitting, padding, and ops without effect at inference."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from costcalc.cost import Cost
from costcalc.errors import ShapeError, counted
from costcalc.ops.argument_types import (
    MAX_LIST,
    Amounts,
    Extents,
    Integer,
    Integers,
    Positive,
    Probability,
    Sizes,
    one_of,
    register,
)
from costcalc.ops.base import Op, Window, across_channels, argument_error
from costcalc.ops.shapes import axis_of, several, spatial

if TYPE_CHECKING:
    from costcalc.formula import Dim, Shape, Shapes


PadMode: TypeAlias = str
register("PadMode", one_of("constant", "reflect", "replicate", "circular"))


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

    def is_view(self, inputs: Shapes, *, training: bool = False) -> bool:
        """Return true."""
        return True

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

    def is_view(self, inputs: Shapes, *, training: bool = False) -> bool:
        """Return true at inference."""
        return not training

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the factors of the elements."""
        return 4 * prod(outputs[0]) * batch

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

    def is_view(self, inputs: Shapes, *, training: bool = False) -> bool:
        """Return true."""
        return True

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

    def is_view(self, inputs: Shapes, *, training: bool = False) -> bool:
        """Return true."""
        return True

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

    def is_view(self, inputs: Shapes, *, training: bool = False) -> bool:
        """Return whether the axis is the first one, so that each part is stored in one piece."""
        return axis_of(self.axis, len(inputs[0])) == 0

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

    def is_view(self, inputs: Shapes, *, training: bool = False) -> bool:
        """Return whether the axis is the first one, so that each part is stored in one piece."""
        return axis_of(self.axis, len(inputs[0])) == 0 and self.step == 1

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
    """Add a margin around the spatial dimensions: zeros, or a reflected, repeated or circular border.

    Shapes: (C, *S) -> (C, *S + before + after) for one to three spatial dimensions, whatever the mode.
    Units:  no arithmetic.
    Errors: ShapeError unless amount is a number or one pair for each spatial dimension.
    Source: PyTorch's pad, with pairs in the order of the dimensions.

    >>> Pad(amount=[[0, 1], [2, 2]]).shape(((3, 8, 8),))
    ((3, 9, 12),)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "zeropadding",
        "reflectionpad",
        "replicationpad",
        "constantpad",
        "circularpad",
    )
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    amount: Amounts
    mode: PadMode = "constant"

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (C, *S')."""
        channels, sizes = spatial(inputs, self)
        pairs = _pairs(self.amount, inputs[0])
        return ((channels, *(size + before + after for size, (before, after) in zip(sizes, pairs, strict=True))),)


class Expand(DataMovement, name="expand"):
    """Repeat a tensor along axes of size 1, and along new leading axes.

    Shapes: any -> `shape`; -1 keeps the size of an axis.
    Units:  no arithmetic.
    Errors: ShapeError when an axis that changes is not of size 1.
    Source: PyTorch's expand.

    >>> Expand(shape=[8, -1, 64]).shape(((1, 5, 1),))
    ((8, 5, 64),)
    """

    aliases: ClassVar[tuple[str, ...]] = ("broadcastto",)
    shape_: Integers

    def shape(self, inputs: Shapes) -> Shapes:
        """Return `shape`, with -1 replaced by the size of the axis."""
        wanted, sizes = several(self.shape_), inputs[0]
        new = len(wanted) - len(sizes)
        own = (0,) * new + sizes
        fits = new >= 0 and all(out in (-1, size) or size <= 1 for out, size in zip(wanted, own, strict=True))
        if not fits or any(out == -1 for out in wanted[:new]) or any(out < 1 and out != -1 for out in wanted):
            raise ShapeError(
                "cannot expand {} to {}", list(sizes), list(wanted), help="only axes of size 1 are repeated"
            )
        return (tuple([size if out == -1 else out for out, size in zip(wanted, own, strict=True)]),)


class Tile(DataMovement, name="tile"):
    """Put copies of a tensor side by side.

    Shapes: (a, b) -> (a·times_0, b·times_1).
    Units:  no arithmetic.
    Errors: ShapeError unless times has one value for each axis.
    Source: PyTorch's tile.

    >>> Tile(times=[1, 3]).shape(((2, 4),))
    ((2, 12),)
    """

    times: Sizes

    def shape(self, inputs: Shapes) -> Shapes:
        """Multiply each size."""
        times = several(self.times)
        if len(times) != len(inputs[0]):
            dimensions = counted(len(inputs[0]), "dimension")
            raise ShapeError(
                "times has {} for {}", counted(len(times), "value"), dimensions, help="write one for each axis"
            )
        return (tuple([size * factor for size, factor in zip(inputs[0], times, strict=True)]),)


class Roll(DataMovement, name="roll"):
    """Shift the elements along axes; what leaves at one end enters at the other.

    Shapes: any -> the same.
    Units:  no arithmetic.
    Errors: ShapeError when an axis is out of range.
    Source: PyTorch's roll; Liu et al. 2021, arXiv:2103.14030, section 3.2, for cyclic shifts.

    >>> Roll(shift=-3, axis=[1, 2]).shape(((96, 56, 56),))
    ((96, 56, 56),)
    """

    pointwise: ClassVar[bool] = True
    implied: ClassVar[dict[str, str]] = {"axis": "all"}
    shift: Integers
    axis: Integers | None = None

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        for axis in several(self.axis) if self.axis is not None else ():
            axis_of(axis, len(inputs[0]))
        return inputs


class Gather(DataMovement, name="gather"):
    """Take entries of one axis by their indices.

    Shapes: (a, ...) -> (count, ...) along the axis; with indices as second input, their axes replace it.
    Units:  no arithmetic.
    Errors: ShapeError when the axis is out of range, or count is given beside indices.
    Source: PyTorch's index_select; ONNX's Gather.

    >>> Gather(count=10).shape(((100, 64),)), Gather().shape(((100, 64), (5, 2)))
    (((10, 64),), ((5, 2, 64),))
    """

    aliases: ClassVar[tuple[str, ...]] = ("indexselect", "take")
    arity: ClassVar[tuple[int, int | None]] = (1, 2)
    implied: ClassVar[dict[str, str]] = {"count": "of the indices"}
    count: Positive | None = None
    axis: Integer = 0

    def shape(self, inputs: Shapes) -> Shapes:
        """Replace the axis."""
        axis = axis_of(self.axis, len(inputs[0]))
        if (self.count is None) == (len(inputs) == 1):
            raise ShapeError("gather needs either count or a second input with the indices")
        taken = inputs[1] if self.count is None else (self.count,)
        return ((*inputs[0][:axis], *taken, *inputs[0][axis + 1 :]),)


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
