"""Ops that move elements between channels and spatial positions, or between groups of channels."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from costcalc.errors import ShapeError
from costcalc.ops.reshape import DataMovement
from costcalc.ops.shapes import divide, ranked, spatial

if TYPE_CHECKING:
    from costcalc.formula import Shapes
    from costcalc.ops.argument_types import Positive
    from costcalc.ops.base import Window


class PixelShuffle(DataMovement, name="pixel_shuffle"):
    """Move channels to spatial positions.

    Shapes: (C·f², H, W) -> (C, H·f, W·f), f = factor; f for one and f³ for three spatial dimensions.
    Units:  no arithmetic.
    Errors: ShapeError when f² does not divide the channels.
    Source: Shi et al. 2016, arXiv:1609.05158, section 3.2.

    >>> PixelShuffle(factor=2).shape(((64, 7, 7),))
    ((16, 14, 14),)
    """

    aliases: ClassVar[tuple[str, ...]] = ("depthtospace",)
    channels_first: ClassVar[bool] = True
    factor: Positive

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C·f², H, W) to (C, H·f, W·f)."""
        channels, sizes = spatial(inputs, self)
        group = prod((self.factor,) * len(sizes))
        return ((divide(channels, group, "channels"), *(size * self.factor for size in sizes)),)


class PixelUnshuffle(DataMovement, name="pixel_unshuffle"):
    """Move spatial positions to channels.

    Shapes: (C, H·f, W·f) -> (C·f², H, W), f = factor; f for one and f³ for three spatial dimensions.
    Units:  no arithmetic.
    Errors: ShapeError when f does not divide a spatial dimension.
    Source: Shi et al. 2016, arXiv:1609.05158, section 3.2, reversed; PyTorch's PixelUnshuffle.

    >>> PixelUnshuffle(factor=2).shape(((16, 14, 14),))
    ((64, 7, 7),)
    """

    aliases: ClassVar[tuple[str, ...]] = ("spacetodepth",)
    channels_first: ClassVar[bool] = True
    factor: Positive

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, H·f, W·f) to (C·f², H, W)."""
        channels, sizes = spatial(inputs, self)
        for size in sizes:
            if size % self.factor != 0:
                raise ShapeError(
                    "size {} in {} is not divisible by {}",
                    size,
                    list(inputs[0]),
                    self.factor,
                    help="pad or crop it to a multiple first",
                )
        group = prod((self.factor,) * len(sizes))
        return ((channels * group, *(size // self.factor for size in sizes)),)

    def footprint(self, rank: int) -> Window:
        """Return the window that becomes channels."""
        return ((self.factor, self.factor, 1),) * rank


class ChannelShuffle(DataMovement, name="channel_shuffle"):
    """Interleave the channels of the groups.

    Shapes: (C, ...) -> the same.
    Units:  no arithmetic.
    Errors: ShapeError when groups do not divide the channels.
    Source: Zhang et al. 2017, arXiv:1707.01083, section 3.1.

    >>> ChannelShuffle(groups=3).shape(((240, 28, 28),))
    ((240, 28, 28),)
    """

    pointwise: ClassVar[bool] = True
    channels_first: ClassVar[bool] = True
    groups: Positive

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        divide(ranked(inputs[0], 1, self)[0], self.groups, "channels")
        return inputs
