"""Upsampling by interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from costcalc.cost import Cost
from costcalc.errors import ShapeError, counted
from costcalc.formula import Shapes, elements
from costcalc.ops.argument_types import one_of, register
from costcalc.ops.base import Op, argument_error
from costcalc.ops.shapes import spatial, spread

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Sizes

Mode: TypeAlias = Literal["nearest", "linear", "bilinear", "trilinear", "bicubic"]
register("Mode", one_of("nearest", "linear", "bilinear", "trilinear", "bicubic"))

RANKS = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
"""The number of spatial dimensions of each mode. `nearest` works with any number."""

TAPS = {"nearest": 1, "linear": 2, "bilinear": 4, "trilinear": 8, "bicubic": 16}
"""The number of input elements that contribute to an output element."""


class Upsample(Op, name="upsample"):
    """Interpolate to a multiple of the size, or to a given size.

    Shapes: (C, *S) -> (C, *S·scale), or (C, *size), for one to three spatial dimensions.
    Units:  n multiplications and n - 1 additions per output element, for n input elements: 2 (linear), 4 (bilinear),
            8 (trilinear), 16 (bicubic); none for nearest.
    Errors: ArgumentError when both scale and size are given; ShapeError when the mode has another
            number of spatial dimensions.
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
    implied: ClassVar[dict[str, str]] = {"scale": "2"}
    channels_first: ClassVar[bool] = True
    scale: Sizes | None = None
    size: Sizes | None = None
    mode: Mode = "nearest"

    def check(self) -> None:
        """Raise `ArgumentError` if both scale and size are given."""
        if self.scale is not None and self.size is not None:
            raise argument_error(
                "size", "expected either scale or size, got both", help="write scale: 2 to double the size, or size: 28"
            )

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (C, *S) to (C, *S')."""
        channels, sizes = spatial(inputs, self)
        rank = len(sizes)
        expected = RANKS.get(self.mode, rank)
        if expected != rank:
            fitting = next(mode for mode in ("linear", "bilinear", "trilinear") if RANKS[mode] == rank)
            raise ShapeError(
                "{} interpolates {}, got {} in {}",
                self.mode,
                counted(expected, "spatial dimension"),
                rank,
                list(inputs[0]),
                help=f"write mode: {fitting} or mode: nearest",
            )
        if self.size is not None:
            return ((channels, *spread(self.size, rank, "size")),)
        scale = spread(2 if self.scale is None else self.scale, rank, "scale")
        return ((channels, *(size * times for size, times in zip(sizes, scale, strict=True))),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count one weighted sum per output element."""
        each, n = elements(outputs[0]), TAPS[self.mode]
        return Cost() if n == 1 else Cost(mul=n * each, add=(n - 1) * each)
