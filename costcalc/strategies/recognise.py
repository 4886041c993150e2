"""Finds the cells of a network: asks each strategy which of them have its form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import ConvTranspose
from costcalc.strategies.cells import CellMatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.model import Layer
    from costcalc.strategies.base import Strategy
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph


def recognise(graph: Graph, strategies: Mapping[str, Strategy]) -> list[ConvCell]:
    """Return the cells of a network: for each convolution with a kernel above 1, the largest recognised around it.

    A cell that no strategy recognises, or that shares weights, has a reason.
    """
    recognisers = [(strategy.name, strategy.recognise) for strategy in strategies.values() if strategy.recognise]
    taken: set[int] = set()
    sharing = {**graph.shared, **{first: index for index, first in graph.shared.items()}}
    cells = []
    for index in graph.convolutions:
        if index in taken or max(graph.kernel(index)) == 1:
            continue
        form, match = "", CellMatch(())
        for name, recognise_cell in recognisers:
            candidate = recognise_cell(graph, index)
            if (
                candidate
                and len(candidate.convolutions) > len(match.convolutions)
                and taken.isdisjoint(candidate.convolutions)
                and graph.boundary(set(graph.cell_layers(candidate)))
            ):
                form, match = name, candidate
        reason = ""
        if not form:
            form, reason = _unfit(graph, index)
            match = CellMatch((index,))
        taken.update(match.convolutions)
        cell = graph.cell(form, match, reason)
        cells.append(cell if reason else cell._replace(reason=_sharing(graph.layers, cell, sharing)))
    return cells


def _unfit(graph: Graph, index: int) -> tuple[str, str]:
    """Return the form of a convolution that no strategy recognises, and the reason."""
    if isinstance(graph.layers[index].op, ConvTranspose):
        return "transposed", "a transposed convolution"
    if graph.is_depthwise(index):
        return "depthwise", "the output does not go to a 1×1 convolution alone"
    return "other", "no strategy recognises it"


def _sharing(layers: Sequence[Layer], cell: ConvCell, sharing: Mapping[int, int]) -> str:
    for index in cell.layers:
        if index in sharing:
            return f"shares its weights with {layers[sharing[index]].name}"
    return ""
