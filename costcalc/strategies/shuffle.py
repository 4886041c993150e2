"""Grouped 1×1 convolutions with a shuffle, around a depthwise one (Zhang et al. 2017, arXiv:1707.01083, figure 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.ops.shuffle import ChannelShuffle
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellPart, NotExpressibleError, Theory
from costcalc.strategies.separable import depthwise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell

GROUPS = 4
"""The default of `groups`."""


def _sizes(cell: ConvCell, options: Mapping[str, int]) -> tuple[int, int]:
    """Return the groups and the channels between them: a quarter of the output channels, as in the paper."""
    return options.get("groups", GROUPS), options.get("reduce") or max(1, cell.out // 4)


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    groups, reduce = _sizes(cell, options)
    for channels in (cell.channels, reduce, cell.out):
        if channels % groups:
            raise NotExpressibleError("{} groups do not divide {} channels", groups, channels)
    return {
        "reduce": Conv(out=reduce, kernel=1, groups=groups, bias=cell.inner.bias),
        "shuffle": ChannelShuffle(groups=groups),
        "depthwise": CellPart(depthwise(cell), finish=cell.inner.without("act", "gate")),
        "expand": Conv(out=cell.out, kernel=1, groups=groups, bias=cell.last.bias),
    }


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return C·m/g + K²·m + m·N/g products per output position."""
    groups, reduce = _sizes(cell, options)
    m = ("reduce", reduce)
    first, last = ("(C/groups)", cell.channels // groups), ("(N/groups)", cell.out // groups)
    return Theory.of(cell, cell.product(first, m), cell.product("K²", m), cell.product(m, last))


shuffle = Strategy(
    "shuffle",
    "Grouped 1×1 convolutions with a channel shuffle, around a depthwise convolution.",
    _write,
    None,
    ("groups", "reduce"),
    _theory,
)
