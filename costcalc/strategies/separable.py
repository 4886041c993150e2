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
    return CellMatch((index, after))


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op]:
    return {
        "depthwise": DepthwiseConv(
            kernel=plain(cell.kernel),
            stride=plain(cell.stride),
            padding=cell.padding_argument,
            dilation=plain(cell.dilation),
            bias=cell.inner.bias,
        ),
        "pointwise": Conv(out=cell.out, kernel=1, bias=cell.last.bias),
    }


def _theory(cell: ConvCell) -> Theory:
    """Return the ratio of K²·C + C·N to K²·C·N products per output position."""
    ratio = Fraction(1, cell.out) + Fraction(1, cell.taps)
    return Theory(f"1/N + 1/{_denominator(cell.taps_symbol)}", f"1/{cell.out} + 1/{cell.taps}", ratio)


def _denominator(symbol: str) -> str:
    return f"({symbol})" if "·" in symbol else symbol


separable = Strategy(
    "separable", "A filter for each channel, then a 1×1 convolution.", _write, _recognise, theory=_theory
)
