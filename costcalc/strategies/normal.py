"""One convolution over all channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellMatch, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph


def convolution(cell: ConvCell, groups: int = 1, **arguments: Any) -> Conv:
    """Return the whole cell as one convolution, with some arguments replaced."""
    own: dict[str, Any] = {
        "out": cell.out,
        "kernel": plain(cell.kernel),
        "stride": plain(cell.stride),
        "padding": cell.padding_argument,
        "dilation": plain(cell.dilation),
        "groups": groups,
        "bias": cell.last.bias,
    }
    return Conv(**{**own, **arguments})


def _recognise(graph: Graph, index: int) -> CellMatch | None:
    return CellMatch((index,)) if graph.is_dense(index) else None


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op]:
    return {"conv": convolution(cell)}


normal = Strategy("normal", "One convolution over all channels.", _write, _recognise)
