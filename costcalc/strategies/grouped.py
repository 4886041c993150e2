"""One convolution within each group of channels (Krizhevsky et al. 2012; Xie et al. 2016, arXiv:1611.05431)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellMatch
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph

GROUPS = 4
"""The default of `groups`."""


def _recognise(graph: Graph, index: int) -> CellMatch | None:
    op = graph.layers[index].op
    if not isinstance(op, Conv) or op.groups == 1 or graph.is_depthwise(index):
        return None
    return CellMatch((index,), {"groups": op.groups})


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op]:
    return {"conv": convolution(cell, options.get("groups", GROUPS))}


grouped = Strategy("grouped", "A convolution within each group of channels.", _write, _recognise, ("groups",))
