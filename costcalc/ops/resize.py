"""Interpolation to another size."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from costcalc.errors import ShapeError, counted
from costcalc.formula import Shapes, elements
from costcalc.model import Cost
from costcalc.ops.argument_types import one_of, register
from costcalc.ops.base import Op, wrong
from costcalc.ops.shapes import spatial, spread

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Sizes

Mode: TypeAlias = Literal["nearest", "linear", "bilinear", "trilinear", "bicubic"]
register("Mode", one_of("nearest", "linear", "bilinear", "trilinear", "bicubic"))

RANKS = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
"""The spatial dimensions that a mode is for; `nearest` is for any."""

TAPS = {"nearest": 1, "linear": 2, "bilinear": 4, "trilinear": 8, "bicubic": 16}
"""The input elements that an output element is made of."""


class Upsample(Op, name="upsample"):
    """Interpolation to a multiple of the size, or to a size.

    Shapes: (C, *S) -> (C, *S·scale), or (C, *size), for one to three spatial dimensions.
    Units:  n multiplications and n - 1 additions per output element that n input elements make: 2 (linear),
            4 (bilinear), 8 (trilinear), 16 (bicubic); none for nearest.
    Errors: ArgumentError when both scale and size are given; ShapeError when the mode is not for so many dimensions.
    Source: PyTorch's Upsample.

    >>> op = Upsample(scale=2, mode="bilinear")
    >>> op.cost(((8, 7, 7),), op.shape(((8, 7, 7),))).mul.value == 4 * 8 * 14 * 14
    True
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "interpolate",
        "resize",
        "upsampling",
    )
    implied: ClassVar[dict[str, str]] = {"scale": "2", "size": "none"}
    channels_first: ClassVar[bool] = True
    scale: Sizes | None = None
    size: Sizes | None = None
    mode: Mode = "nearest"

    def check(self) -> None:
        """One of the two says how large."""
        if self.scale is not None and self.size is not None:
            raise wrong("size", "scale and size exclude each other", help="scale: 2 doubles; size: 28 gives 28")

    def shape(self, inputs: Shapes) -> Shapes:
        """(C, *S) -> (C, *S')."""
        channels, sizes = spatial(inputs, self)
        rank = len(sizes)
        meant = RANKS.get(self.mode, rank)
        if meant != rank:
            fitting = next(mode for mode in ("linear", "bilinear", "trilinear") if RANKS[mode] == rank)
            raise ShapeError(
                "{} interpolates {}, not the {} of {}",
                self.mode,
                counted(meant, "spatial dimension"),
                rank,
                list(inputs[0]),
                help=f"mode: {fitting}, or nearest",
            )
        if self.size is not None:
            return ((channels, *spread(self.size, rank, "size")),)
        scale = spread(2 if self.scale is None else self.scale, rank, "scale")
        return ((channels, *(size * times for size, times in zip(sizes, scale, strict=True))),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """A weighted sum for each output element."""
        each, n = elements(outputs[0]), TAPS[self.mode]
        return Cost() if n == 1 else Cost(mul=n * each, add=(n - 1) * each)
