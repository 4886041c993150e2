"""Maximum and mean over sliding windows (pooling), all positions (global), or a given number of windows (adaptive).

E is the number of output elements. K is the number of positions in a window, including those beyond the edge. Reducing
a window to one value takes K - 1 comparisons or additions; a mean takes one more division.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

from costcalc.cost import Cost
from costcalc.formula import CompoundSymbol, Count, Dim, Factor, Shape, Shapes, elements, product, space, taps
from costcalc.ops.base import Op, Window, argument_error
from costcalc.ops.channels import PerChannel
from costcalc.ops.shapes import gcd, less_one, slide, spatial, spread

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Integer, Padding, Sizes


class _Pool(Op):
    """Pooling over a sliding window."""

    implied: ClassVar[dict[str, str]] = {"stride": "kernel"}
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    channels_first: ClassVar[bool] = True
    kernel: Sizes
    stride: Sizes | None = None
    padding: Padding = 0
    ceil: Flag = False

    @property
    def spacing(self) -> Sizes:
        """The dilation, which is 1 for an op without this argument."""
        return 1

    def check(self) -> None:
        """Raise `ArgumentError` if padding exceeds half of the kernel, regardless of dilation, as PyTorch does."""
        if isinstance(self.padding, str):
            return
        rank = max(len(value) if isinstance(value, tuple) else 1 for value in (self.kernel, self.padding))
        kernel = self.kernel if isinstance(self.kernel, tuple) else (self.kernel,) * rank
        sides = self.padding if isinstance(self.padding, tuple) else (self.padding,) * rank
        margins = [max(side) if isinstance(side, tuple) else side for side in sides]
        for size, margin in zip(kernel, margins, strict=False):
            if 2 * margin > size:
                raise argument_error(
                    "padding",
                    "expected at most half of the kernel, got {} for a kernel of {}",
                    margin,
                    size,
                    help="write padding: kernel // 2 or less; for more padding, add a pad layer before it",
                )

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (C, *S')."""
        channels, sizes = spatial(inputs, self)
        stride = self.kernel if self.stride is None else self.stride
        out = slide(
            sizes, kernel=self.kernel, stride=stride, padding=self.padding, dilation=self.spacing, ceil=self.ceil
        )
        return ((channels, *out),)

    def footprint(self, rank: int) -> Window:
        """Return the pooling window."""
        stride = self.kernel if self.stride is None else self.stride
        arguments = (("kernel", self.kernel), ("stride", stride), ("dilation", self.spacing))
        return tuple(zip(*(spread(value, rank, name) for name, value in arguments), strict=True))

    def reduced(self, outputs: Shapes) -> Count:
        """Return (K - 1)·E."""
        kernel = spread(self.kernel, len(outputs[0]) - 1, "kernel")
        return _pooled(outputs) * product(less_one(taps(kernel)))


class Maxpool(_Pool, name="maxpool"):
    """Maximum of each window.

    Shapes: (C, *S) -> (C, *S'), S' = floor((S + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1 for each of one
            to three spatial dimensions; with `ceil`, ceil in place of floor, without a window that starts after the
            input and its left padding; with `padding: same`, S' = ceil(S / stride).
    Units:  K - 1 comparisons per output element.
    Errors: ShapeError when the window does not fit; ArgumentError when padding exceeds half the kernel.
    Source: PyTorch's MaxPool1d, MaxPool2d, MaxPool3d.

    >>> op = Maxpool(kernel=3, stride=2, padding=1)
    >>> op.cost(((64, 112, 112),), op.shape(((64, 112, 112),))).cmp.value == (3 * 3 - 1) * 64 * 56 * 56
    True
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "maxpooling",
        "pool",
    )
    dilation: Sizes = 1

    @property
    def spacing(self) -> Sizes:
        """The dilation."""
        return self.dilation

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the index of each maximum."""
        return 8 * prod(outputs[0]) * batch

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K - 1 comparisons per window."""
        return Cost(cmp=self.reduced(outputs))


class Avgpool(_Pool, name="avgpool"):
    """Mean of each window.

    Shapes: (C, *S) -> (C, *S'), S' as for `maxpool` without dilation.
    Units:  K - 1 additions and one division per output element.
    Errors: ShapeError when the window does not fit; ArgumentError when padding exceeds half the kernel.
    Source: PyTorch's AvgPool1d, AvgPool2d, AvgPool3d.

    >>> op = Avgpool(kernel=2)
    >>> op.cost(((6, 28, 28),), op.shape(((6, 28, 28),))).add.value == (2 * 2 - 1) * 6 * 14 * 14
    True
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "averagepool",
        "averagepooling",
    )

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K - 1 additions and one division per window."""
        return Cost(add=self.reduced(outputs), div=_pooled(outputs))


class _Global(PerChannel):
    channels_first: ClassVar[bool] = True
    keepdims: Flag = True
    axis: Integer | None = None

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (C, 1, ...), or (C); (T, D) to (1, D), or (D)."""
        spatial(inputs, self)
        axis = self.channel_axis(inputs[0])
        kept = tuple([size if place == axis else 1 for place, size in enumerate(inputs[0])])
        return (kept if self.keepdims else (inputs[0][axis],),)

    def reduced(self, inputs: Shapes) -> Count:
        """Return (K - 1)·E."""
        channels, sizes = spatial(inputs, self)
        if self.channel_axis(inputs[0]) == 0:
            return product(("C", channels), less_one(space(sizes)))
        axis = self.channel_axis(inputs[0])
        factors = elements(inputs[0]).terms[0]
        return product(factors[axis], less_one(factors[:axis] + factors[axis + 1 :]))


class GlobalAvgpool(_Global, name="global_avgpool"):
    """Mean of each channel.

    Shapes: (C, *S) -> (C, 1, ...) for one to three spatial dimensions; without keepdims (C). For steps and features,
            (T, D) -> (1, D).
    Units:  S - 1 additions and one division per channel, S positions.
    Errors: ShapeError when there are no spatial dimensions.
    Source: Lin et al. 2013, arXiv:1312.4400, section 3.2; PyTorch's AdaptiveAvgPool2d(1).

    >>> GlobalAvgpool().cost(((512, 7, 7),), ((512, 1, 1),)).add.value == (7 * 7 - 1) * 512
    True
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "gap",
        "globalaveragepool",
        "globalaveragepooling",
        "globalpool",
    )

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count additions and divisions, with all positions in one window."""
        return Cost(add=self.reduced(inputs), div=product(self.channels(inputs[0])))


class GlobalMaxpool(_Global, name="global_maxpool"):
    """Maximum of each channel.

    Shapes: (C, *S) -> (C, 1, ...) for one to three spatial dimensions; without keepdims (C). For steps and features,
            (T, D) -> (1, D).
    Units:  S - 1 comparisons per channel, S positions.
    Errors: ShapeError when there are no spatial dimensions.
    Source: PyTorch's AdaptiveMaxPool2d(1).

    >>> GlobalMaxpool().cost(((512, 7, 7),), ((512, 1, 1),)).cmp.value == (7 * 7 - 1) * 512
    True
    """

    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the index of each maximum."""
        return 8 * prod(outputs[0]) * batch

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count comparisons, with all positions in one window."""
        return Cost(cmp=self.reduced(inputs))


class _Adaptive(Op):
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    channels_first: ClassVar[bool] = True
    out: Sizes

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (C, *out)."""
        channels, sizes = spatial(inputs, self)
        return ((channels, *spread(self.out, len(sizes), "out")),)

    def reduced(self, inputs: Shapes, outputs: Shapes) -> Count:
        """Return the number of positions in all windows, minus the number of windows, per channel.

        Along one dimension, window i of `out` over `size` positions spans floor(i·size/out) to ceil((i+1)·size/out).
        These spans sum to size + out - gcd(size, out): a window and its successor share one position, except in the gcd
        cases where out divides (i+1)·size. The dimensions are separable.
        """
        channels, sizes = spatial(inputs, self)
        return product(("C", channels), _overlapping(sizes, outputs[0][1:]))


class AdaptiveAvgpool(_Adaptive, name="adaptive_avgpool"):
    """Mean of one window per output position.

    Shapes: (C, *S) -> (C, *out) for one to three spatial dimensions.
    Units:  per window of k taps k - 1 additions and one division, the windows summed one by one.
    Errors: ShapeError when there are no spatial dimensions.
    Source: PyTorch's AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d.

    >>> op = AdaptiveAvgpool(out=3)  # windows of 2, 3 and 2 of 5 positions
    >>> op.cost(((1, 5),), op.shape(((1, 5),))).add.value == (2 - 1) + (3 - 1) + (2 - 1)
    True
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count additions and divisions. Windows overlap if the output size does not divide the input size."""
        return Cost(add=self.reduced(inputs, outputs), div=_pooled(outputs))


class AdaptiveMaxpool(_Adaptive, name="adaptive_maxpool"):
    """Maximum of one window per output position.

    Shapes: (C, *S) -> (C, *out) for one to three spatial dimensions.
    Units:  per window of k taps k - 1 comparisons, the windows summed one by one.
    Errors: ShapeError when there are no spatial dimensions.
    Source: PyTorch's AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d.

    >>> op = AdaptiveMaxpool(out=3)  # windows of 2, 3 and 2 of 5 positions
    >>> op.cost(((1, 5),), op.shape(((1, 5),))).cmp.value == (2 - 1) + (3 - 1) + (2 - 1)
    True
    """

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the index of each maximum."""
        return 8 * prod(outputs[0]) * batch

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count comparisons. Windows overlap if the output size does not divide the input size."""
        return Cost(cmp=self.reduced(inputs, outputs))


def _pooled(outputs: Shapes) -> Count:
    channels, *sizes = outputs[0]
    return product(("C", channels), *space(tuple(sizes), "_out"))


def _overlapping(sizes: Shape, out: Shape) -> Factor:
    inner, outer = space(sizes, "_in"), space(out, "_out")
    spans = [
        (f"({i} + {o} - gcd({i}, {o}))", size + count - gcd(size, count))
        for (i, size), (o, count) in zip(inner, outer, strict=True)
    ]
    symbols = f"({'·'.join(symbol for symbol, _ in spans)} - {'·'.join(symbol for symbol, _ in outer)})"
    return CompoundSymbol(symbols, (*inner, *outer)), prod([span for _, span in spans]) - prod(out)
