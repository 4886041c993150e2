"""A convolution between two 1×1 convolutions, without anything between them (Kim et al. 2015, arXiv:1511.06530)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import BARE, CellPart, Theory
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell


def _ranks(cell: ConvCell, options: Mapping[str, int]) -> tuple[int, int]:
    """Return both ranks: half of the input channels, and half of the output channels, by default."""
    return options.get("rank_in") or max(1, cell.channels // 2), options.get("rank_out") or max(1, cell.out // 2)


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    rank_in, rank_out = _ranks(cell, options)
    return {
        "first": CellPart(Conv(out=rank_in, kernel=1, bias=False), finish=BARE),
        "core": CellPart(convolution(cell, out=rank_out, bias=False), finish=BARE),
        "last": Conv(out=cell.out, kernel=1, bias=cell.last.bias),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return C·R₁ + K²·R₁·R₂ + R₂·N products per output position."""
    ranks = _ranks(cell, options)
    one, two = ("rank_in", ranks[0]), ("rank_out", ranks[1])
    return Theory.of(cell, cell.product("C", one), cell.product("K²", one, two), cell.product(two, "N"))


tucker = Strategy(
    "tucker",
    "A convolution between two 1×1 convolutions, without anything between them.",
    _write,
    None,
    ("rank_in", "rank_out"),
    _theory,
)
