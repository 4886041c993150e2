"""Filters with some kernels of full size and 1×1 kernels for the rest (Singh et al. 2019, arXiv:1903.04120)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.ops.merge import Add
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import BARE, CellPart, NotExpressibleError, Theory, plain
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell

PARTS = 4
"""The default of `parts` (P in the paper): one of so many kernels of a filter has the full size."""


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    parts = options.get("parts", PARTS)
    if parts == 1 or cell.channels % parts or cell.out % parts:
        message = "parts {} must be above 1 and divide the {} input and {} output channels"
        raise NotExpressibleError(message, parts, cell.channels, cell.out)
    pointwise = Conv(out=cell.out, kernel=1, stride=plain(cell.stride), nm=(parts - 1, parts), bias=False)
    return {
        "full": CellPart(convolution(cell, parts), finish=BARE),
        "pointwise": CellPart(pointwise, ("input",), BARE),
        "add": CellPart(Add(), ("full", "pointwise")),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return K²·C/P·N + (C - C/P)·N products per output position."""
    part = cell.channels // options.get("parts", PARTS)
    full = cell.product("K²", ("(C/parts)", part), "N")
    return Theory.of(cell, full, cell.product(("(C - C/parts)", cell.channels - part), "N"))


heterogeneous = Strategy(
    "heterogeneous",
    "Filters with some kernels of full size, and 1×1 kernels for the rest.",
    _write,
    None,
    ("parts",),
    _theory,
)
