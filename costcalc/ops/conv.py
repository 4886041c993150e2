"""Convolutions of one, two or three spatial dimensions.

In the formulas, g is `groups`, m is `multiplier`, K_h and K_w are kernel sizes. Products with padding are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costcalc.cost import Cost
from costcalc.errors import ShapeError
from costcalc.formula import ZERO, Count, Dim, Shape, Shapes, elements, product, space, taps
from costcalc.ops.base import Op, Window, windowed
from costcalc.ops.shapes import divide, per_group, slide, spatial, spread

if TYPE_CHECKING:
    from costcalc.ops.argument_types import ExplicitPadding, Flag, Margins, Padding, Positive, Sizes


class Conv(Op, name="conv"):
    """Convolution.

    Shapes: (C, *S) -> (out, *S'), S' = floor((S + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1 for each of one
            to three spatial dimensions; with `padding: same`, S' = ceil(S / stride).
    Units:  multiply-adds S'·K·(C/g)·out, additions of the bias out·S'; K·(C/g)·out + out parameters.
    Errors: ShapeError when groups do not divide the channels, or the window does not fit.
    Source: Dumoulin and Visin 2016, arXiv:1603.07285; PyTorch's Conv1d, Conv2d, Conv3d.

    >>> op = Conv(out=32, kernel=5, padding="same")
    >>> op.cost(((192, 28, 28),), op.shape(((192, 28, 28),))).macs.value
    120422400
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "convbnrelu",
        "convolution",
        "pointwise",
        "pointwiseconv",
    )
    followed: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    out: Positive
    kernel: Sizes
    stride: Sizes = 1
    padding: Padding = 0
    dilation: Sizes = 1
    groups: Positive = 1
    bias: Flag = True

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (out, *S')."""
        channels, sizes = spatial(inputs, self)
        divide(channels, self.groups, "input channels")
        divide(self.out, self.groups, "output channels")
        return ((self.out, *_slid(self, sizes)),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K·C/g products per output position and channel."""
        channels, sizes = spatial(inputs, self)
        window_taps = taps(spread(self.kernel, len(sizes), "kernel"))
        each = per_group("C_in", channels, self.groups)
        out = ("C_out", self.out)
        return Cost(
            macs=product(out, *space(outputs[0][1:], "_out"), *window_taps, each),
            add=_bias(self.bias, outputs[0]),
            params=product(out, *window_taps, each) + (product(out) if self.bias else ZERO),
        )

    def footprint(self, rank: int) -> Window:
        """Return the kernel window."""
        return _footprint(self, rank)

    def caption(self, rank: int) -> str:
        """Return `5x5 (32 filters)`."""
        return windowed(self.footprint(rank), _filters(self.out, self.groups))


class DepthwiseConv(Op, name="depthwise_conv"):
    """Depthwise convolution: each channel has its own `multiplier` filters.

    Shapes: (C, *S) -> (C·multiplier, *S'), S' as for `conv`.
    Units:  multiply-adds S'·K·C·m, additions of the bias C·m·S'; K·C·m + C·m parameters.
    Errors: ShapeError when the window does not fit.
    Source: Howard et al. 2017, arXiv:1704.04861, section 3.1.

    >>> op = DepthwiseConv(kernel=3)
    >>> op.cost(((3, 6, 6),), op.shape(((3, 6, 6),))).macs.value == 4 * 4 * 3 * 3 * 3
    True
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "depthwise",
        "dw",
        "dwconv",
    )
    followed: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    kernel: Sizes
    stride: Sizes = 1
    padding: Padding = 0
    dilation: Sizes = 1
    multiplier: Positive = 1
    bias: Flag = True

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (C·multiplier, *S')."""
        channels, sizes = spatial(inputs, self)
        return ((channels * self.multiplier, *_slid(self, sizes)),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K products per output position and channel."""
        channels, sizes = spatial(inputs, self)
        window_taps = taps(spread(self.kernel, len(sizes), "kernel"))
        out = (("C_in", channels),) if self.multiplier == 1 else (("C_in", channels), ("m", self.multiplier))
        return Cost(
            macs=product(*out, *space(outputs[0][1:], "_out"), *window_taps),
            add=_bias(self.bias, outputs[0]),
            params=product(*out, *window_taps) + (product(*out) if self.bias else ZERO),
        )

    def footprint(self, rank: int) -> Window:
        """Return the kernel window."""
        return _footprint(self, rank)

    def caption(self, rank: int) -> str:
        """Return `3x3 depthwise`."""
        more = "" if self.multiplier == 1 else f" ({self.multiplier} filters each)"
        return windowed(self.footprint(rank), f"depthwise{more}")


class ConvTranspose(Op, name="conv_transpose"):
    """Transposed convolution: each input position adds to a window of the output.

    Shapes: (C, *S) -> (out, *S'), S' = (S - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1.
    Units:  multiply-adds S·K·C·(out/g), at the positions of the input; additions of the bias out·S';
            K·C·(out/g) + out parameters.
    Errors: ShapeError when groups do not divide the channels, when output_padding is not less than the larger of
            stride and dilation, or when the output is empty; ArgumentError when padding is `same`.
    Source: Dumoulin and Visin 2016, arXiv:1603.07285, chapter 4; PyTorch's ConvTranspose2d.

    >>> op = ConvTranspose(out=32, kernel=2, stride=2)
    >>> op.cost(((16, 8, 8),), op.shape(((16, 8, 8),))).macs.value
    131072
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "deconv",
        "deconvolution",
    )
    followed: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    out: Positive
    kernel: Sizes
    stride: Sizes = 1
    padding: ExplicitPadding = 0
    output_padding: Margins = 0
    dilation: Sizes = 1
    groups: Positive = 1
    bias: Flag = True

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (out, *S')."""
        channels, sizes = spatial(inputs, self)
        divide(channels, self.groups, "input channels")
        divide(self.out, self.groups, "output channels")
        rank = len(sizes)
        margins: Shape = (0,) * rank if isinstance(self.padding, str) else spread(self.padding, rank, "padding")
        return (
            (
                self.out,
                *map(
                    _unslide,
                    sizes,
                    spread(self.kernel, rank, "kernel"),
                    spread(self.stride, rank, "stride"),
                    margins,
                    spread(self.output_padding, rank, "output_padding"),
                    spread(self.dilation, rank, "dilation"),
                ),
            ),
        )

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K·out/g products per input position and channel."""
        channels, sizes = spatial(inputs, self)
        window_taps = taps(spread(self.kernel, len(sizes), "kernel"))
        each = per_group("C_out", self.out, self.groups)
        return Cost(
            macs=product(("C_in", channels), *space(sizes, "_in"), *window_taps, each),
            add=_bias(self.bias, outputs[0]),
            params=product(("C_in", channels), *window_taps, each)
            + (product(("C_out", self.out)) if self.bias else ZERO),
        )

    def caption(self, rank: int) -> str:
        """Return `2x2 transposed (32 filters), x2`, where x2 is the stride, which multiplies the size."""
        return windowed(_footprint(self, rank), f"transposed {_filters(self.out, self.groups)}", by="x")


def _slid(op: Conv | DepthwiseConv, sizes: Shape) -> Shape:
    return slide(sizes, kernel=op.kernel, stride=op.stride, padding=op.padding, dilation=op.dilation)


def _footprint(op: Conv | DepthwiseConv | ConvTranspose, rank: int) -> Window:
    arguments = (("kernel", op.kernel), ("stride", op.stride), ("dilation", op.dilation))
    return tuple(zip(*(spread(value, rank, name) for name, value in arguments), strict=True))


def _filters(out: Dim, groups: Dim) -> str:
    more = "" if groups == 1 else f", {groups} groups"
    return f"({out} filter{'' if out == 1 else 's'}{more})"


def _bias(bias: bool, output: Shape) -> Count:
    names = ("C_out", *(name for name, _ in space(output[1:], "_out")))
    return elements(output, names) if bias else ZERO


def _unslide(size: Dim, kernel: Dim, stride: Dim, margin: Dim, output_padding: Dim, dilation: Dim) -> Dim:
    if output_padding >= stride and output_padding >= dilation:
        raise ShapeError(
            "output_padding {} must be less than the larger of stride {} and dilation {}",
            output_padding,
            stride,
            dilation,
            help="write output_padding: 0, the default, or 1 at stride 2 with an odd kernel",
        )
    out = (size - 1) * stride - 2 * margin + dilation * (kernel - 1) + output_padding + 1
    if out < 1:
        raise ShapeError(
            "the output has {} positions after a crop by padding {}, expected at least 1",
            out,
            margin,
            help="reduce padding, which is cropped from the output of a transposed convolution, or enlarge kernel",
        )
    return out
