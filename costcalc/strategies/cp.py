"""A depthwise convolution along each dimension, between two 1×1 convolutions (Lebedev et al. 2014, arXiv:1412.6553)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.formula import TAP_NAMES
from costcalc.ops.conv import Conv, DepthwiseConv
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import BARE, CellPart, Theory, along
from costcalc.strategies.svd import rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op | CellPart]:
    parts: dict[str, Op | CellPart] = {
        "first": CellPart(Conv(out=rank(cell, options), kernel=1, bias=False), finish=BARE)
    }
    for axis in range(len(cell.kernel)):
        kernel = along(cell.kernel, {axis}, 1)
        op = DepthwiseConv(
            kernel=kernel,
            stride=along(cell.stride, {axis}, 1),
            padding=cell.padding if isinstance(cell.padding, str) else along(cell.padding, {axis}, 0),
            dilation=along(cell.dilation, {axis}, 1),
            bias=False,
        )
        parts["depthwise_" + "x".join(map(str, kernel))] = CellPart(op, finish=BARE)
    return {**parts, "last": Conv(out=cell.out, kernel=1, bias=cell.last.bias)}


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return R·C + R·K for each dimension + R·N products per output position."""
    r, square = ("rank", rank(cell, options)), len(set(cell.kernel)) == 1
    names = ("K",) * len(cell.kernel) if square else TAP_NAMES[len(cell.kernel)]
    lines = [cell.product(r, (name, size)) for name, size in zip(names, cell.kernel, strict=True)]
    return Theory.of(cell, cell.product(r, "C"), *lines, cell.product(r, "N"))


cp = Strategy(
    "cp",
    "A depthwise convolution along each dimension, between two 1×1 convolutions.",
    _write,
    None,
    ("rank",),
    _theory,
)
