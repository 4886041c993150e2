"""A convolution to fewer channels, then a 1×1 convolution (Zhang et al. 2015, arXiv:1505.06798)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import BARE, CellPart, Theory
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell


def rank(cell: ConvCell, options: Mapping[str, int]) -> int:
    """Return the rank: half of the output channels by default."""
    return options.get("rank") or max(1, cell.out // 2)


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    return {
        "conv": CellPart(convolution(cell, out=rank(cell, options), bias=False), finish=BARE),
        "pointwise": Conv(out=cell.out, kernel=1, bias=cell.last.bias),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return K²·C·R + R·N products per output position."""
    r = ("rank", rank(cell, options))
    return Theory.of(cell, cell.product("K²", "C", r), cell.product(r, "N"))


svd = Strategy("svd", "A convolution to `rank` channels, then a 1×1 convolution.", _write, None, ("rank",), _theory)
