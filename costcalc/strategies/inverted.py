"""A 1×1 convolution to more channels, a depthwise one, and a linear 1×1 (Sandler et al. 2018, arXiv:1801.04381)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellMatch, CellPart, NotExpressibleError, Theory
from costcalc.strategies.separable import depthwise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph

EXPAND = 6
"""The default of `expand`, as in table 2 of the paper."""


def _recognise(graph: Graph, index: int) -> CellMatch | None:
    """Match a depthwise convolution between a 1×1 convolution to more channels and one to fewer."""
    before, after = graph.before.get(index), graph.after.get(index)
    if before is None or after is None or not graph.is_depthwise(index):
        return None
    if not graph.is_pointwise(before) or not graph.is_pointwise(after) or graph.out(after) >= graph.out(before):
        return None
    expand, rest = divmod(graph.out(before), graph.channels(before))
    return CellMatch((before, index, after), {} if rest else {"expand": expand}) if expand >= 1 else None


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    expand = options.get("expand", EXPAND)
    if expand == 1:
        raise NotExpressibleError("expand 1 adds no channels", help="use separable")
    return {
        "expand": CellPart(
            Conv(out=expand * cell.channels, kernel=1, bias=cell.inner.bias), finish=cell.inner.without("gate")
        ),
        "depthwise": depthwise(cell),
        "project": CellPart(Conv(out=cell.out, kernel=1, bias=cell.last.bias), finish=cell.last.without("act", "gate")),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return t·C·(C + K² + N) products per output position."""
    expand = ("expand", options.get("expand", EXPAND))
    return Theory.of(cell, *[cell.product(expand, "C", symbol) for symbol in ("C", "K²", "N")])


inverted = Strategy(
    "inverted",
    "A 1×1 convolution to more channels, a depthwise one, and a linear 1×1 convolution.",
    _write,
    _recognise,
    ("expand",),
    _theory,
)
