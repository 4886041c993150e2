"""A convolution to more channels, then a linear 1×1 convolution (Tan and Le 2021, arXiv:2104.00298, figure 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellMatch, CellPart, Theory
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph

EXPAND = 4
"""The default of `expand`, as in table 4 of the paper."""


def _recognise(graph: Graph, index: int) -> CellMatch | None:
    """Match a convolution to more channels before a 1×1 convolution to fewer."""
    after = graph.after.get(index)
    if after is None or not graph.is_dense(index) or not graph.is_pointwise(after):
        return None
    expand, rest = divmod(graph.out(index), graph.channels(index))
    if expand < 1 or graph.out(after) >= graph.out(index):
        return None
    return CellMatch((index, after), {} if rest else {"expand": expand})


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    wide = options.get("expand", EXPAND) * cell.channels
    return {
        "expand": convolution(cell, out=wide, bias=cell.inner.bias),
        "project": CellPart(Conv(out=cell.out, kernel=1, bias=cell.last.bias), finish=cell.last.without("act", "gate")),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return t·C·(K²·C + N) products per output position."""
    expand = ("expand", options.get("expand", EXPAND))
    return Theory.of(cell, cell.product(expand, "C", "K²", "C"), cell.product(expand, "C", "N"))


fused = Strategy(
    "fused",
    "A convolution to more channels, then a linear 1×1 convolution (fused MBConv).",
    _write,
    _recognise,
    ("expand",),
    _theory,
)
