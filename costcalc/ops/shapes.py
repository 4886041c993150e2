"""What the rules of several families share: windows, axes, broadcasting, and names for the axes of a tensor."""

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
    """One value as a list of one.

    >>> several(3), several((3, 5))
    ((3,), (3, 5))
    """
    return value if isinstance(value, tuple) else (value,)


def spread(value: Dim | Shape, rank: int, argument: str) -> Shape:
    """One value per spatial dimension, from one for all or one for each.

    >>> spread(3, 2, "kernel")
    (3, 3)
    """
    if not isinstance(value, tuple):
        return (value,) * rank
    if len(value) != rank:
        raise ShapeError(
            "{} has {}, for {}",
            argument,
            counted(len(value), "value"),
            counted(rank, "spatial dimension"),
            help="give one number, or one for each dimension",
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
            help="no batch in a shape; a vector becomes [C, 1, 1] with reshape: [-1, 1, 1]",
        )
    return shape[0], shape[1:]


def tokens(shape: Shape, op: Op) -> tuple[Shape, Dim, Dim]:
    """Leading axes, length and features of an input `[..., T, D]`."""
    if len(shape) < 2:
        raise ShapeError(
            "{} needs an input [T, D], steps and features, got {}",
            op.name,
            list(shape),
            help="embedding makes [T, D] of [T]; an image becomes tokens with flatten: 1, then permute: [1, 0]",
        )
    return shape[:-2], shape[-2], shape[-1]


def token_axes(rank: int) -> tuple[str, ...]:
    """The names of the axes of tokens.

    >>> token_axes(2), token_axes(4)
    (('T', 'D'), ('N_1', 'N_2', 'T', 'D'))
    """
    return (*[name for name, _ in batch((1,) * (rank - 2), "N")], "T", "D")


def ranked(shape: Shape, least: int, op: Op) -> Shape:
    """The shape of an input that must have so many axes."""
    if len(shape) < least:
        raise ShapeError("{} needs an input of at least {}, got {}", op.name, counted(least, "dimension"), list(shape))
    return shape


def rows(sizes: Shape) -> Term:
    """The axes before the one that an op works on, as factors: `T`, `N·T`, `N_1·N_2·T`."""
    if len(sizes) < 2:
        return (("T", sizes[0]),) if sizes else ()
    return (*batch(sizes[:-1], "N"), ("T", sizes[-1]))


def batch(sizes: Shape, name: str = "N") -> Term:
    """Axes that only multiply the work, as factors: `N`, `N_1·N_2`."""
    if len(sizes) == 1:
        return ((name, sizes[0]),)
    return tuple((f"{name}_{axis}", size) for axis, size in enumerate(sizes, 1))


def less_one(term: Term) -> Factor:
    """What it takes to reduce so many values to one: `(K_h·K_w - 1)`.

    >>> less_one((("K_h", 3), ("K_w", 3)))
    ('(K_h·K_w - 1)', 8)
    """
    symbols = "·".join(symbol for symbol, _ in term) or "1"
    return CompoundSymbol(f"({symbols} - 1)", term), prod([size for _, size in term]) - 1


def per_group(name: str, channels: Dim, groups: Dim) -> Factor:
    """Channels of a group, where there are several: `C_in/g`.

    >>> per_group("C_in", 64, 4), per_group("C_in", 64, 1)
    (('C_in/g', 16), ('C_in', 64))
    """
    if groups == 1:
        return name, channels
    return CompoundSymbol(f"{name}/g", ((name, channels), ("g", groups))), channels // groups


def gcd(one: Dim, other: Dim) -> Dim:
    """The greatest common divisor; an array brings a method of its own.

    >>> gcd(12, 18)
    6
    """
    if hasattr(one, "gcd"):
        common: Dim = one.gcd(other)
        return common
    return gcd(other, one) if hasattr(other, "gcd") else integer_gcd(one, other)


def divide(channels: Dim, groups: Dim, what: str) -> Dim:
    """Channels per group. Raises `ShapeError` where groups do not divide the channels.

    >>> divide(64, 4, "channels")
    16
    """
    if channels % groups != 0:
        raise ShapeError(
            "{} {} do not divide into {} groups",
            channels,
            what,
            groups,
            help=f"make_divisible(..., {groups}) rounds them",
        )
    return channels // groups


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """The shape of an element-wise result, as PyTorch and numpy broadcast; None where there is none.

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
    """The positions of a window in each spatial dimension. With `padding: same`, ceil(size / stride) of them.

    >>> slide((28, 28), kernel=5, stride=2, padding="same")
    (14, 14)
    """
    rank = len(sizes)
    kernels = spread(kernel, rank, "kernel")
    strides = spread(stride, rank, "stride")
    dilations = spread(dilation, rank, "dilation")
    if padding == "same":
        return tuple(-(-size // step) for size, step in zip(sizes, strides, strict=True))
    margins = (0,) * rank if isinstance(padding, str) else spread(padding, rank, "padding")
    return tuple(window(*of_one, ceil=ceil) for of_one in zip(sizes, kernels, strides, margins, dilations, strict=True))


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
        raise ShapeError(
            "{} {} does not exist in an input of {}",
            name,
            axis,
            counted(rank, "dimension"),
            help="axes count from 0 without the batch, or from the back: -1 is the last",
        )
    return axis % rank
