"""A 1×1 convolution, then a depthwise one: a blueprint for each filter (Haase and Amthor 2020, arXiv:2003.13549)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import BARE, CellMatch, CellPart, Theory
from costcalc.strategies.separable import depthwise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph


def _recognise(graph: Graph, index: int) -> CellMatch | None:
    """Match a 1×1 convolution, with nothing after it, before a depthwise convolution."""
    before = graph.before.get(index)
    if before is None or not graph.is_depthwise(index) or not graph.is_pointwise(before) or graph.followers[before]:
        return None
    return CellMatch((before, index))


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    pointwise = Conv(out=cell.out, kernel=1, bias=False)
    return {"pointwise": CellPart(pointwise, finish=BARE), "depthwise": depthwise(cell, bias=cell.last.bias)}


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return C·N + K²·N products per output position."""
    return Theory.of(cell, cell.product("C", "N"), cell.product("K²", "N"))


blueprint = Strategy(
    "blueprint", "A 1×1 convolution, then a filter for each channel.", _write, _recognise, theory=_theory
)
