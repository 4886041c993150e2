"""Helpers for shape and cost rules: windows, axes, broadcasting, and symbols of axes."""

from __future__ import annotations

from math import gcd as integer_gcd
from math import prod
from typing import TYPE_CHECKING

from costcalc.errors import ShapeError, counted
from costcalc.formula import CompoundSymbol

if TYPE_CHECKING:
    from costcalc.formula import Dim, Factor, Shape, Shapes, Term
    from costcalc.ops.argument_types import Padding, Sizes
    from costcalc.ops.base import Op


def several(value: Dim | Shape) -> Shape:
    """Return the value as a tuple.

    >>> several(3), several((3, 5))
    ((3,), (3, 5))
    """
    return value if isinstance(value, tuple) else (value,)


def spread(value: Dim | Shape, rank: int, argument: str) -> Shape:
    """Return one value per spatial dimension. Raises `ShapeError` if their number differs.

    >>> spread(3, 2, "kernel")
    (3, 3)
    """
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise ShapeError(
            "{} has {} for {}",
            argument,
            counted(len(value), "value"),
            counted(rank, "spatial dimension"),
            help="write one number, or one for each dimension",
        )
    return value


def spatial(inputs: Shapes, op: Op) -> tuple[Dim, Shape]:
    """Return the channels and spatial sizes of the first input: `[C, L]`, `[C, H, W]` or `[C, D, H, W]`."""
    shape = inputs[0]
    if not 2 <= len(shape) <= 4:
        raise ShapeError(
            "{} needs an input of channels and 1 to 3 spatial dimensions, got {}",
            op.name,
            list(shape),
            help="shapes exclude the batch; to turn a vector into [C, 1, 1], write reshape: [-1, 1, 1]",
        )
    return shape[0], shape[1:]


def tokens(shape: Shape, op: Op) -> tuple[Shape, Dim, Dim]:
    """Return the leading axes, length and features of an input `[..., T, D]`."""
    if len(shape) < 2:
        raise ShapeError(
            "{} needs an input [T, D], steps and features, got {}",
            op.name,
            list(shape),
            help="use embedding for [T]; to turn an image into tokens, write flatten: 1, then permute: [1, 0]",
        )
    return shape[:-2], shape[-2], shape[-1]


def token_axes(rank: int) -> tuple[str, ...]:
    """Return the names of the axes of a tensor `[..., T, D]`.

    >>> token_axes(2), token_axes(4)
    (('T', 'D'), ('N_1', 'N_2', 'T', 'D'))
    """
    return (*[name for name, _ in batch((1,) * (rank - 2), "N")], "T", "D")


def ranked(shape: Shape, least: int, op: Op) -> Shape:
    """Return the shape. Raises `ShapeError` if it has fewer than `least` axes."""
    if len(shape) < least:
        raise ShapeError("{} needs an input of at least {}, got {}", op.name, counted(least, "dimension"), list(shape))
    return shape


def rows(sizes: Shape) -> Term:
    """Return the axes before the last as factors: `T`, `N·T`, `N_1·N_2·T`."""
    if len(sizes) < 2:
        return (("T", sizes[0]),) if sizes else ()
    return (*batch(sizes[:-1], "N"), ("T", sizes[-1]))


def batch(sizes: Shape, name: str = "N") -> Term:
    """Return batch axes as factors: `N`, `N_1·N_2`."""
    if len(sizes) == 1:
        return ((name, sizes[0]),)
    return tuple((f"{name}_{axis}", size) for axis, size in enumerate(sizes, 1))


def less_one(term: Term) -> Factor:
    """Return the number of operations that reduce `term` values to one.

    >>> less_one((("K_h", 3), ("K_w", 3)))
    ('(K_h·K_w - 1)', 8)
    """
    symbols = "·".join(symbol for symbol, _ in term) or "1"
    return CompoundSymbol(f"({symbols} - 1)", term), prod([size for _, size in term]) - 1


def per_group(name: str, channels: Dim, groups: Dim) -> Factor:
    """Return the channels per group as a factor.

    >>> per_group("C_in", 64, 4), per_group("C_in", 64, 1)
    (('C_in/g', 16), ('C_in', 64))
    """
    if groups == 1:
        return name, channels
    return CompoundSymbol(f"{name}/g", ((name, channels), ("g", groups))), channels // groups


def gcd(one: Dim, other: Dim) -> Dim:
    """Return the greatest common divisor. Arrays of a sweep have their own method.

    >>> gcd(12, 18)
    6
    """
    if hasattr(one, "gcd"):
        common: Dim = one.gcd(other)
        return common
    return gcd(other, one) if hasattr(other, "gcd") else integer_gcd(one, other)


def divide(channels: Dim, groups: Dim, what: str) -> Dim:
    """Return the channels per group. Raises `ShapeError` if groups do not divide the channels.

    >>> divide(64, 4, "channels")
    16
    """
    if channels % groups != 0:
        raise ShapeError(
            "cannot divide {} {} into {} groups",
            channels,
            what,
            groups,
            help=f"round them with make_divisible(..., {groups})",
        )
    return channels // groups


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """Return the shape that two shapes broadcast to, as in PyTorch and numpy, or None if they do not.

    >>> broadcast((64, 56, 56), (64, 1, 1))
    (64, 56, 56)
    """
    rank = max(len(left), len(right))
    sizes = []
    for one, other in zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True):
        if other == 1 or one == other:
            sizes.append(one)
        elif one == 1:
            sizes.append(other)
        else:
            return None
    return tuple(sizes)


def slide(
    sizes: Shape,
    *,
    kernel: Sizes,
    stride: Sizes,
    padding: Padding,
    dilation: Sizes = 1,
    ceil: bool = False,
) -> Shape:
    """Return the number of positions of a window per spatial dimension: ceil(size / stride) with `padding: same`.

    >>> slide((28, 28), kernel=5, stride=2, padding="same")
    (14, 14)
    """
    rank = len(sizes)
    kernels = spread(kernel, rank, "kernel")
    strides = spread(stride, rank, "stride")
    dilations = spread(dilation, rank, "dilation")
    if padding == "same":
        return tuple(-(-size // step) for size, step in zip(sizes, strides, strict=True))
    sides = margins(padding, rank)
    return tuple(window(*of_one, ceil=ceil) for of_one in zip(sizes, kernels, strides, sides, dilations, strict=True))


def margins(padding: Padding, rank: int) -> tuple[Dim | tuple[Dim, Dim], ...]:
    """Return the padding of each spatial dimension: a number for both sides, or a pair.

    >>> margins(1, 2), margins(((0, 1), (0, 1)), 2)
    ((1, 1), ((0, 1), (0, 1)))
    """
    if isinstance(padding, str):
        return (0,) * rank
    return spread(padding, rank, "padding")  # type: ignore[arg-type]


def window(
    size: Dim, kernel: Dim, stride: Dim, padding: Dim | tuple[Dim, Dim], dilation: Dim, *, ceil: bool = False
) -> Dim:
    """Return the number of positions of a window along one dimension.

    Source: PyTorch's Conv2d and MaxPool2d.

    >>> window(224, 7, 2, 3, 1)
    112
    >>> window(112, 3, 2, 0, 1, ceil=True)
    56
    >>> window(224, 3, 2, (0, 1), 1)
    112
    """
    before, after = padding if isinstance(padding, tuple) else (padding, padding)
    span = dilation * (kernel - 1) + 1
    slack = size + before + after - span
    if ceil:
        out = -(-slack // stride) + 1
        if (out - 1) * stride >= size + before:
            out = out - 1
    else:
        out = slack // stride + 1
    if out < 1:
        raise ShapeError(
            "a window of {} does not fit an input of {} with padding {}",
            span,
            size,
            padding if not isinstance(padding, tuple) else list(padding),
            help="use a smaller kernel, more padding, or smaller strides before it",
        )
    return out


def axis_of(axis: Dim, rank: int, name: str = "axis") -> int:
    """Return the axis as a non-negative index. Raises `ShapeError` if it is out of range.

    >>> axis_of(-1, 3)
    2
    """
    if not -rank <= axis < rank:
        raise ShapeError(
            "{} {} is out of range for an input of {}",
            name,
            axis,
            counted(rank, "dimension"),
            help="axes count from 0, without the batch; -1 is the last",
        )
    return axis % rank
