"""Some channels by a convolution, the others by depthwise convolutions of those (Han et al. 2020, arXiv:1911.11907)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import DepthwiseConv
from costcalc.ops.merge import Concat
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellPart, NotExpressibleError, Theory
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell

RATIO, CHEAP = 2, 3
"""The defaults of `ratio` (s in the paper) and of `cheap`, the kernel of the cheap convolutions (d in the paper)."""


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    ratio = options.get("ratio", RATIO)
    if ratio == 1 or cell.out % ratio:
        raise NotExpressibleError("ratio {} must be above 1 and divide the {} output channels", ratio, cell.out)
    cheap = DepthwiseConv(kernel=options.get("cheap", CHEAP), padding="same", multiplier=ratio - 1, bias=cell.last.bias)
    plain = cell.last.without("gate")
    return {
        "primary": CellPart(convolution(cell, out=cell.out // ratio), finish=plain),
        "cheap": CellPart(cheap, finish=plain),
        "concat": CellPart(Concat(), ("primary", "cheap"), cell.last.without("norm", "act")),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return K²·C·N/s + (s-1)·d²·N/s products per output position, for ratio s and kernel d."""
    ratio = options.get("ratio", RATIO)
    primary, cheap = ("(N/ratio)", cell.out // ratio), options.get("cheap", CHEAP) ** len(cell.kernel)
    symbol = ("cheap", "cheap²", "cheap³")[len(cell.kernel) - 1]
    depthwise = cell.product(("(ratio - 1)", ratio - 1), (symbol, cheap), primary)
    return Theory.of(cell, cell.product("K²", "C", primary), depthwise)


ghost = Strategy(
    "ghost",
    "Some channels by a convolution, the others by depthwise convolutions of those.",
    _write,
    None,
    ("ratio", "cheap"),
    _theory,
)
