"""A 1×1 convolution to fewer channels, then the convolution on those (Lin et al. 2013; Szegedy et al. 2014)."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.errors import UsageError
from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellMatch, NotExpressibleError, Theory
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph


def _recognise(graph: Graph, index: int) -> CellMatch | None:
    """Match a 1×1 reduction before the convolution and, if present, a 1×1 expansion after it, as in ResNet."""
    if graph.is_depthwise(index) or not isinstance(graph.layers[index].op, Conv):
        return None
    before, after = graph.before.get(index), graph.after.get(index)
    if before is None or not graph.is_pointwise(before) or not graph.out(before) < graph.channels(before):
        return None
    expands = after is not None and graph.is_pointwise(after) and graph.out(after) > graph.out(index)
    return CellMatch(
        (before, index, after) if after is not None and expands else (before, index), {"reduce": graph.out(before)}
    )


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op]:
    reduce = options.get("reduce") or max(1, cell.out // 2)
    if reduce >= cell.channels:
        if "reduce" in options:
            help = "write a smaller value, or remove reduce for half of the output channels"
            message = "{}: reduce {} must be less than the {} input channels"
            raise UsageError(message, cell.name, reduce, cell.channels, help=help)
        raise NotExpressibleError("reduce {} must be less than the {} input channels", reduce, cell.channels)
    return {"reduce": Conv(out=reduce, kernel=1, bias=cell.inner.bias), "conv": convolution(cell)}


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return the limit of `reduce`: a reduced channel costs C macs per input and K²·N per output position."""
    before, after = prod(cell.source.shape[1:]), prod(cell.result.shape[1:])
    each = cell.channels * before + cell.taps * cell.out * after
    normal = cell.taps * cell.channels * cell.out * after
    taps = cell.taps_symbol
    return Theory(
        f"reduce·(C·P_in + {taps}·N·P_out) < {taps}·C·N·P_out",
        f"reduce·({cell.channels}·{before} + {cell.taps}·{cell.out}·{after}) "
        f"< {cell.taps}·{cell.channels}·{cell.out}·{after}",
        limit=(normal - 1) // each,
        option="reduce",
    )


bottleneck = Strategy(
    "bottleneck", "A 1×1 convolution to fewer channels first.", _write, _recognise, ("reduce",), _theory
)
