"""Convolutions of one, two or three spatial dimensions.

In the formulas, g is `groups`, m is `multiplier`, K_h and K_w are kernel sizes. Products with padding are counted.
"""

from __future__ import annotations

import operator
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from costcalc.cost import Cost
from costcalc.errors import ArgumentError, ShapeError, counted
from costcalc.formula import ZERO, Count, Dim, Shape, Shapes, Term, elements, product, space, taps
from costcalc.notation import show
from costcalc.ops.argument_types import MAX_LIST, ArgumentType, natural, register
from costcalc.ops.base import Op, Window, argument_error, windowed
from costcalc.ops.shapes import divide, margins, per_group, slide, spatial, spread
from costcalc.ops.sparsity import stored

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Margins, Padding, Positive, Sizes
    from costcalc.ops.sparsity import Pair, Share

Connections: TypeAlias = tuple[tuple[int, ...], ...]


def _connections(value: Any) -> Connections:
    """Convert a list with the inputs of each output."""
    rows = value if isinstance(value, (tuple, list)) and 0 < len(value) <= MAX_LIST else ()
    if not rows or not all(isinstance(row, (tuple, list)) and 0 < len(row) <= MAX_LIST for row in rows):
        help = "for example [[0, 1], [1, 2], [0, 2]]: three outputs of two inputs each"
        raise ArgumentError("expected a list of inputs for each output, got {}", show(value), help=help)
    sorted_rows = tuple([tuple(sorted({operator.index(natural(entry)) for entry in row})) for row in rows])
    for row, given in zip(sorted_rows, rows, strict=True):
        if len(row) < len(given):
            raise ArgumentError("the inputs {} of an output repeat one", show(given))
    return sorted_rows


register(
    "Connections",
    ArgumentType(_connections, "a list of inputs for each output", {"type": "array", "items": {"type": "array"}}),
)


class Conv(Op, name="conv"):
    """Convolution.

    Shapes: (C, *S) -> (out, *S'), S' = floor((S + 2·padding - dilation·(kernel - 1) - 1) / stride) + 1 for each of one
            to three spatial dimensions; with `padding: same`, S' = ceil(S / stride). `padding: [[0, 1], [0, 1]]` has a
            pair of margins for each dimension.
    Units:  multiply-adds S'·K·(C/g)·out, additions of the bias out·S'; K·(C/g)·out + out parameters. `connections`
            lists the inputs of each output, as in LeNet-5; K·connections replaces K·C·out. `density` or `nm` is the
            share of the weights that is stored and multiplied.
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
    convolution: ClassVar[bool] = True
    implied: ClassVar[dict[str, str]] = {"connections": "all", "nm": "none"}
    out: Positive
    kernel: Sizes
    stride: Sizes = 1
    padding: Padding = 0
    dilation: Sizes = 1
    groups: Positive = 1
    bias: Flag = True
    connections: Connections | None = None
    density: Share = 1
    nm: Pair | None = None

    def check(self) -> None:
        """Raise `ArgumentError` if connections do not fit the other arguments."""
        if self.connections is None:
            return
        if self.groups != 1 or self.density != 1 or self.nm is not None:
            raise argument_error("connections", "expected no groups, density or nm beside it")
        if len(self.connections) != self.out:
            rows = counted(len(self.connections), "row")
            raise argument_error("connections", "expected the inputs of each of {} outputs, got {}", self.out, rows)

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (out, *S')."""
        channels, sizes = spatial(inputs, self)
        divide(channels, self.groups, "input channels")
        divide(self.out, self.groups, "output channels")
        for row in self.connections or ():
            if row[-1] >= channels:
                raise ShapeError("connections name the input {}, but there are {} channels", row[-1], channels)
        self._weights(channels, len(sizes))
        return ((self.out, *_slid(self, sizes)),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K·C/g products per output position and channel."""
        channels, sizes = spatial(inputs, self)
        out, positions = ("C_out", self.out), space(outputs[0][1:], "_out")
        weights = self._weights(channels, len(sizes))
        macs = product(out, *positions, *weights[1:]) if weights[0] == out else product(*positions, *weights)
        bias = product(out) if self.bias else ZERO
        return Cost(macs=macs, add=_bias(self.bias, outputs[0]), params=product(*weights) + bias)

    def _weights(self, channels: Dim, rank: int) -> Term:
        """Return the stored weights as factors. Raises `ShapeError` if their number is not an integer."""
        window_taps = taps(spread(self.kernel, rank, "kernel"))
        if self.connections is not None:
            return (*window_taps, ("connections", sum(map(len, self.connections))))
        each = per_group("C_in", channels, self.groups)
        return stored((("C_out", self.out), *window_taps, each), self.density, self.nm)

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
    convolution: ClassVar[bool] = True
    in_place: ClassVar[Literal["", "activations", "all"]] = "all"
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

    Shapes: (C, *S) -> (out, *S'), S' = (S - 1)·stride - 2·padding + dilation·(kernel - 1) + output_padding + 1; with
            `padding: same`, S' = S·stride, as in Keras.
    Units:  multiply-adds S·K·C·(out/g), at the positions of the input; additions of the bias out·S';
            K·C·(out/g) + out parameters.
    Errors: ShapeError when groups do not divide the channels, when output_padding is not less than the larger of
            stride and dilation, or when the output is empty.
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
    convolution: ClassVar[bool] = True
    out: Positive
    kernel: Sizes
    stride: Sizes = 1
    padding: Padding = 0
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
        strides = spread(self.stride, rank, "stride")
        if self.padding == "same":
            return ((self.out, *(size * stride for size, stride in zip(sizes, strides, strict=True))),)
        return (
            (
                self.out,
                *map(
                    _unslide,
                    sizes,
                    spread(self.kernel, rank, "kernel"),
                    strides,
                    margins(self.padding, rank),
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


class DeformConv(Conv, name="deform_conv"):
    """Deformable convolution: each tap of the window reads the input at an offset, between positions.

    Shapes: as for `conv`. The offsets are the second input, with 2·K channels for each of `offset_groups`, and masks
            the third, with K. With `offsets: true` a convolution of the same window makes them from the first input,
            and the masks too with `masks: true`.
    Units:  as for `conv`, and 4 multiplications and 3 additions for each tap of each input channel (bilinear
            sampling); with masks 1 multiplication more. With `offsets: true` S'·K·C·2·K multiply-adds (3·K with masks)
            for each of the offset groups more, K·C·2·K + 2·K parameters, and the additions of the bias.
    Errors: as for `conv`; ShapeError when the offsets or masks do not fit; two spatial dimensions only.
    Source: Dai et al. 2017, arXiv:1703.06211; Zhu et al. 2018, arXiv:1811.11168; torchvision's DeformConv2d.

    >>> op = DeformConv(out=64, kernel=3, padding=1)
    >>> op.cost(((64, 64, 64),), op.shape(((64, 64, 64),))).mul.value == 4 * 64 * 9 * 64 * 64
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("dcn", "deformableconv", "deformconv")
    arity: ClassVar[tuple[int, int | None]] = (1, 3)
    offsets: Flag = False
    masks: Flag = False
    offset_groups: Positive = 1

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (out, *S')."""
        channels, sizes = spatial(inputs, self)
        if len(sizes) != 2:
            raise ShapeError("deform_conv needs an image [C, H, W], got {}", list(inputs[0]))
        divide(channels, self.offset_groups, "input channels")
        if self.offsets and len(inputs) > 1:
            raise ShapeError("deform_conv makes its own offsets", help="remove offsets: true, or the further inputs")
        outputs = super().shape(inputs)
        for shape, each, what in zip(inputs[1:], (2, 1), ("offsets", "masks"), strict=False):
            expected = (self.offset_groups * each * self._taps(), *outputs[0][1:])
            if shape != expected:
                raise ShapeError("the {} of deform_conv are {}, expected {}", what, list(shape), list(expected))
        return outputs

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count a convolution, the samples of its taps, and the convolution that makes the offsets."""
        window_taps = taps(spread(self.kernel, 2, "kernel"))
        positions = space(outputs[0][1:], "_out")
        channels = ("C_in", inputs[0][0])
        samples = product(channels, *positions, *window_taps)
        masked = self.masks or len(inputs) == 3
        cost = super().cost(inputs, outputs) + Cost(mul=samples * (5 if masked else 4), add=samples * 3)
        if not self.offsets:
            return cost
        groups = (("g_o", self.offset_groups),) if self.offset_groups != 1 else ()
        made = product((("3", 3) if self.masks else ("2", 2)), *groups, *window_taps)
        weights = made * product(*window_taps, channels)
        return cost + Cost(macs=product(*positions) * weights, params=weights + made, add=product(*positions) * made)

    def _taps(self) -> Dim:
        return prod(spread(self.kernel, 2, "kernel"))


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


def _unslide(
    size: Dim, kernel: Dim, stride: Dim, margin: Dim | tuple[Dim, Dim], output_padding: Dim, dilation: Dim
) -> Dim:
    if output_padding >= stride and output_padding >= dilation:
        raise ShapeError(
            "output_padding {} must be less than the larger of stride {} and dilation {}",
            output_padding,
            stride,
            dilation,
            help="write output_padding: 0, the default, or 1 at stride 2 with an odd kernel",
        )
    before, after = margin if isinstance(margin, tuple) else (margin, margin)
    out = (size - 1) * stride - before - after + dilation * (kernel - 1) + output_padding + 1
    if out < 1:
        raise ShapeError(
            "the output has {} positions after a crop by padding {}, expected at least 1",
            out,
            list(margin) if isinstance(margin, tuple) else margin,
            help="reduce padding, which is cropped from the output of a transposed convolution, or enlarge kernel",
        )
    return out
