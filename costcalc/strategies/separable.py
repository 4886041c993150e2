"""A filter for each channel, then a 1×1 convolution over all of them (Howard et al. 2017, arXiv:1704.04861)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv, DepthwiseConv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellMatch, Theory, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph


def _recognise(graph: Graph, index: int) -> CellMatch | None:
    """Match a depthwise convolution whose output goes to a 1×1 convolution alone."""
    after = graph.after.get(index)
    if after is None or not graph.is_depthwise(index) or not graph.is_pointwise(after):
        return None
    return CellMatch((index, after), {"multiplier": graph.out(index) // graph.channels(index)})


def depthwise(cell: ConvCell, multiplier: int = 1, bias: bool | None = None) -> DepthwiseConv:
    """Return the kernel of the cell for each channel."""
    return DepthwiseConv(
        kernel=plain(cell.kernel),
        stride=plain(cell.stride),
        padding=cell.padding_argument,
        dilation=plain(cell.dilation),
        multiplier=multiplier,
        bias=cell.inner.bias if bias is None else bias,
    )


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op]:
    return {
        "depthwise": depthwise(cell, options.get("multiplier", 1)),
        "pointwise": Conv(out=cell.out, kernel=1, bias=cell.last.bias),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return the ratio of m·K²·C + m·C·N to K²·C·N products per output position, for a multiplier m."""
    m = options.get("multiplier", 1)
    symbol = "1" if m == 1 else "multiplier"
    ratio = Fraction(m, cell.out) + Fraction(m, cell.taps)
    symbols = f"{symbol}/N + {symbol}/{_denominator(cell.taps_symbol)}"
    return Theory(symbols, f"{m}/{cell.out} + {m}/{cell.taps}", ratio)


def _denominator(symbol: str) -> str:
    return f"({symbol})" if "·" in symbol else symbol


separable = Strategy(
    "separable",
    "A filter for each channel, then a 1×1 convolution.",
    _write,
    _recognise,
    ("multiplier",),
    _theory,
)
