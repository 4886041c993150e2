"""Normalisation by stored statistics, or by statistics of the input.

E is the number of elements. Normalising by statistics of the input takes, per element, two additions (mean, variance)
and one multiplication (square), then one addition and one multiplication to apply them; per group of elements, two
divisions, one addition (epsilon) and one square root.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

from costcalc.cost import Cost
from costcalc.errors import ShapeError, counted
from costcalc.formula import ZERO, Count, Dim, Shapes, Term, elements, product
from costcalc.ops.base import Op, argument_error
from costcalc.ops.channels import PerChannel
from costcalc.ops.shapes import axis_of, divide, ranked, spatial

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Axes, Flag, Integer, Positive


class Batchnorm(PerChannel, name="batchnorm"):
    """Batch normalisation, at inference: a factor and an offset for each channel.

    Shapes: (C, ...) -> the same, up to three spatial dimensions; (T, D) -> the same, over the features, if the input
            has steps and features. `axis` says which axis has the channels.
    Units:  one multiplication and one addition per element; 2·C parameters (C without `bias`), 2·C buffers (running
            mean and variance), which `buffers: false` leaves out.
    Errors: ShapeError when the input has no channels, or more than three further axes.
    Source: Ioffe and Szegedy 2015, arXiv:1502.03167; PyTorch's BatchNorm1d, BatchNorm2d, BatchNorm3d.

    >>> Batchnorm().cost(((64, 56, 56),), ((64, 56, 56),)).buffers.value == 2 * 64
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("bn", "batchnormalization")
    role: ClassVar[Literal["", "norm", "act"]] = "norm"
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    in_place: ClassVar[Literal["", "activations", "all"]] = "all"
    affine: Flag = True
    bias: Flag = True
    buffers: Flag = True
    axis: Integer | None = None

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        if not 1 <= len(inputs[0]) <= 4:
            raise ShapeError(
                "batchnorm needs an input of channels and at most 3 spatial dimensions, got {}", list(inputs[0])
            )
        self.channel_axis(inputs[0])
        return inputs

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the mean and the deviation of each channel, over the batch."""
        return 8 * inputs[0][self.channel_axis(inputs[0])]

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count one multiplication and one addition per element, with or without learned parameters."""
        each = elements(outputs[0])
        channels = self.channels(inputs[0])
        both = product(("2", 2), channels)
        learned = both if self.bias else product(channels)
        return Cost(mul=each, add=each, params=learned if self.affine else ZERO, buffers=both if self.buffers else ZERO)


class Instancenorm(Op, name="instancenorm"):
    """Instance normalisation: each channel is normalised by its own statistics.

    Shapes: (C, *S) -> the same, one to three spatial dimensions.
    Units:  per element 3 additions and 2 multiplications; per channel 2 divisions, 1 addition, 1 transcendental.
            Affine: 1 addition and 1 multiplication more per element, 2·C parameters.
    Errors: ShapeError when there are no spatial dimensions.
    Source: Ulyanov et al. 2016, arXiv:1607.08022; PyTorch's InstanceNorm2d.

    >>> Instancenorm().cost(((64, 8, 8),), ((64, 8, 8),)).add.value == 3 * 64 * 8 * 8 + 64
    True
    """

    role: ClassVar[Literal["", "norm", "act"]] = "norm"
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    affine: Flag = False

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        spatial(inputs, self)
        return inputs

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the mean and the deviation of each channel."""
        return 8 * inputs[0][0] * batch

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count with one group per channel."""
        channels = ("C", inputs[0][0])
        return _normalise(elements(outputs[0]), product(channels), (channels,) if self.affine else None)


class Groupnorm(Op, name="groupnorm"):
    """Group normalisation: each group of channels is normalised by its own statistics.

    Shapes: (C, ...) -> the same.
    Units:  per element 3 additions and 2 multiplications; per group 2 divisions, 1 addition, 1 transcendental.
            Affine: 1 addition and 1 multiplication more per element, 2·C parameters; without `bias` no addition, and C.
    Errors: ShapeError when groups do not divide the channels.
    Source: Wu and He 2018, arXiv:1803.08494; PyTorch's GroupNorm.

    >>> Groupnorm(groups=32).cost(((64, 8, 8),), ((64, 8, 8),)).div.value == 2 * 32
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("gn", "groupnormalization")
    role: ClassVar[Literal["", "norm", "act"]] = "norm"
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    groups: Positive
    affine: Flag = True
    bias: Flag = True

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        divide(ranked(inputs[0], 1, self)[0], self.groups, "channels")
        return inputs

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the mean and the deviation of each group."""
        return 8 * self.groups * batch

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count with `groups` groups of C/g channels."""
        learned = (("C", inputs[0][0]),) if self.affine else None
        return _normalise(elements(outputs[0]), product(("g", self.groups)), learned, bias=self.bias)


class _Trailing(Op):
    """Normalisation over the last axes."""

    role: ClassVar[Literal["", "norm", "act"]] = "norm"
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    implied: ClassVar[dict[str, str]] = {"axis": "the last"}
    axes: Axes = 1
    affine: Flag = True
    axis: Integer | None = None

    def check(self) -> None:
        """Raise `ArgumentError` if both axes and axis are given."""
        if self.axis is not None and self.axes != 1:
            raise argument_error(
                "axis", "expected either axes or axis, got both", help="axis is one axis, by its index"
            )

    def after(self, host: Op) -> Op:
        """Return the norm of the channels after an op of channels first."""
        if not host.channels_first or self.axis is not None or self.axes != 1:
            return self
        return type(self)(**{**self.arguments, "axis": 0})

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        rank = len(ranked(inputs[0], 1, self))
        if self.axis is not None:
            axis_of(self.axis, rank)
        if self.axes != "all" and self.axes > rank:
            raise ShapeError(
                "{} over the last {} axes needs as many in its input, got {}",
                self.name,
                self.axes,
                counted(rank, "dimension"),
                help="axes is the number of trailing axes, not their sizes; write axes: all for all of them",
            )
        return inputs

    def features_axis(self) -> int | None:
        """Return the last axis, if only this one is normalised."""
        return -1 if self.axes == 1 and self.axis is None else None

    def divided(self, inputs: Shapes) -> tuple[Term, Term]:
        """Return the axes whose positions are the groups, and the normalised axes."""
        axes = elements(inputs[0]).terms[0]
        if self.axis is not None:
            axis = axis_of(self.axis, len(axes))
            return axes[:axis] + axes[axis + 1 :], axes[axis : axis + 1]
        first = 0 if self.axes == "all" else len(axes) - self.axes
        return axes[:first], axes[first:]

    def rows(self, inputs: Shapes) -> Dim:
        """Return the number of groups."""
        return prod([size for _, size in self.divided(inputs)[0]])


class Layernorm(_Trailing, name="layernorm"):
    """Layer normalisation over the last axes, or over one axis.

    Shapes: any -> the same. As `norm` of a convolution it normalises the channels.
    Units:  per element 3 additions and 2 multiplications; per group (a position of the other axes) 2 divisions,
            1 addition, 1 transcendental. Affine: 1 addition and 1 multiplication more per element, 2 parameters per
            normalised feature; without `bias` no addition, and 1 parameter.
    Errors: ShapeError when the input has fewer axes; ArgumentError when both axes and axis are given.
    Source: Ba et al. 2016, arXiv:1607.06450; PyTorch's LayerNorm.

    >>> Layernorm().cost(((197, 768),), ((197, 768),)).add.value == (3 + 1) * 197 * 768 + 197
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("ln", "layernormalization")
    bias: Flag = True

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the mean and the deviation of each row."""
        return 8 * self.rows(inputs) * batch

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count with one group per position of the leading axes."""
        groups, features = self.divided(inputs)
        return _normalise(elements(outputs[0]), product(*groups), features if self.affine else None, bias=self.bias)


class Rmsnorm(_Trailing, name="rmsnorm"):
    """Normalisation by the root mean square of the last axes, or of one axis.

    Shapes: any -> the same. As `norm` of a convolution it normalises the channels.
    Units:  per element 2 multiplications and 1 addition; per group (a position of the other axes) 1 division,
            1 addition, 1 transcendental. Affine: 1 multiplication more per element, 1 parameter per normalised feature.
    Errors: ShapeError when the input has fewer axes.
    Source: Zhang and Sennrich 2019, arXiv:1910.07467; PyTorch's RMSNorm.

    >>> Rmsnorm().cost(((197, 768),), ((197, 768),)).mul.value == (2 + 1) * 197 * 768
    True
    """

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the deviation of each row."""
        return 4 * self.rows(inputs) * batch

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count with one group per position of the leading axes."""
        axes, features = self.divided(inputs)
        each, groups = elements(outputs[0]), product(*axes)
        return Cost(
            add=each + groups,
            mul=each * (3 if self.affine else 2),
            div=groups,
            exp=groups,
            params=product(*features) if self.affine else ZERO,
        )


class Lrn(Op, name="lrn"):
    """Local response normalisation across neighbouring channels.

    Shapes: (C, *S) -> the same, one to three spatial dimensions.
    Units:  per element 2 multiplications, `size` additions, 1 transcendental (the power) and 1 division.
    Errors: ShapeError when there are no spatial dimensions.
    Source: Krizhevsky et al. 2012, section 3.3; PyTorch's LocalResponseNorm.

    >>> Lrn().cost(((96, 55, 55),), ((96, 55, 55),)).add.value == 5 * 96 * 55 * 55
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("localresponsenorm",)
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    size: Positive = 5

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        spatial(inputs, self)
        return inputs

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the sum of `size` squares, its scaling, the power and the division, per element."""
        each = elements(outputs[0])
        return Cost(mul=2 * each, add=product(("size", self.size)) * each, exp=each, div=each)


def _normalise(each: Count, groups: Count, learned: Term | None, *, bias: bool = True) -> Cost:
    """Count mean, variance and their application. `learned` are the axes of the learned factor and offset."""
    factor, offset = int(learned is not None), int(learned is not None and bias)
    vectors = product(("2", 2), *(learned or ())) if bias else product(*(learned or ()))
    return Cost(
        add=each * (3 + offset) + groups,
        mul=each * (2 + factor),
        div=2 * groups,
        exp=groups,
        params=ZERO if learned is None else vectors,
    )
