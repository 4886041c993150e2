"""A convolution over some of the channels, then a 1×1 convolution over all (Chen et al. 2023, arXiv:2303.03667)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.ops.merge import Concat
from costcalc.ops.reshape import Slice
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import BARE, CellPart, NotExpressibleError, Theory
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell

RATIO = 4
"""The default of `ratio`: the convolution is over one of so many channels, as in the paper."""


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    part, rest = divmod(cell.channels, options.get("ratio", RATIO))
    if rest or part == cell.channels:
        ratio = options.get("ratio", RATIO)
        raise NotExpressibleError("ratio {} must be above 1 and divide the {} input channels", ratio, cell.channels)
    if cell.source.shape[1:] != cell.result.shape[1:]:
        raise NotExpressibleError("the size changes, and some channels are left as they are")
    return {
        "part": CellPart(Slice(axis=0, stop=part), ("input",)),
        "rest": CellPart(Slice(axis=0, start=part), ("input",)),
        "conv": CellPart(convolution(cell, out=part, bias=False), ("part",), BARE),
        "concat": CellPart(Concat(), ("conv", "rest")),
        "pointwise": Conv(out=cell.out, kernel=1, bias=cell.last.bias),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return K²·(C/ratio)² + C·N products per output position."""
    part = ("(C/ratio)", cell.channels // options.get("ratio", RATIO))
    return Theory.of(cell, cell.product("K²", part, part), cell.product("C", "N"))


partial = Strategy(
    "partial",
    "A convolution over some of the channels, then a 1×1 convolution over all.",
    _write,
    None,
    ("ratio",),
    _theory,
)
