"""A convolution along each dimension in turn: k×1, then 1×k (Szegedy et al. 2015, arXiv:1512.00567, section 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.ops.conv import Conv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import CellMatch, NotExpressibleError, along, described

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.graph import Graph


def _recognise(graph: Graph, index: int) -> CellMatch | None:
    """Match a chain of one convolution per dimension, each along another dimension, with equal kernel sizes."""
    chain = [index]
    while len(chain) < len(graph.kernel(index)):
        after = graph.after.get(chain[-1])
        if after is None:
            return None
        chain.append(after)
    sizes = {}
    for link in chain:
        axes = [axis for axis, taps in enumerate(graph.kernel(link)) if taps > 1]
        if len(axes) != 1 or not graph.is_dense(link):
            return None
        sizes[axes[0]] = graph.kernel(link)[axes[0]]
    same = len(chain) > 1 and len(sizes) == len(chain) and len(set(sizes.values())) == 1
    return CellMatch(tuple(chain)) if same else None


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op]:
    axes = [axis for axis, taps in enumerate(cell.kernel) if taps > 1]
    if len(axes) < 2:
        raise NotExpressibleError("the kernel {} is above 1 in one dimension only", described(cell.kernel))
    for taps in cell.kernel:
        if taps % 2 == 0:
            raise NotExpressibleError("the kernel {} is even", described(cell.kernel), help="use an odd kernel")
    parts: dict[str, Op] = {}
    for axis in axes:
        final = axis == axes[-1]
        own = {axis, *(rest for rest, taps in enumerate(cell.kernel) if final and taps == 1)}
        kernel = along(cell.kernel, own, 1)
        parts["conv_" + "x".join(map(str, kernel))] = Conv(
            out=cell.out,
            kernel=kernel,
            stride=along(cell.stride, own, 1),
            padding=cell.padding if isinstance(cell.padding, str) else along(cell.padding, own, 0),
            dilation=along(cell.dilation, own, 1),
            bias=cell.last.bias if final else cell.inner.bias,
        )
    return parts


spatial = Strategy("spatial", "A convolution along each dimension in turn: k×1, then 1×k.", _write, _recognise)
