"""A smaller kernel with a dilation, over the same window (Yu and Koltun 2015, arXiv:1511.07122)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import NotExpressibleError, Theory, described, plain
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell

KERNEL = 3
"""The default of `kernel`."""


def _write(cell: ConvCell, options: Mapping[str, int]) -> Mapping[str, Op]:
    kernel = options.get("kernel", KERNEL)
    if any(size <= kernel or kernel == 1 or (size - 1) % (kernel - 1) for size in cell.kernel):
        raise NotExpressibleError("the window {} is not that of a kernel {}", described(cell.kernel), kernel)
    steps = tuple([own * (size - 1) // (kernel - 1) for own, size in zip(cell.dilation, cell.kernel, strict=True)])
    return {"conv": convolution(cell, kernel=kernel, dilation=plain(steps))}


def _theory(cell: ConvCell, options: Mapping[str, int]) -> Theory:
    """Return kernel²·C·N products per output position."""
    rank = len(cell.kernel)
    symbol = ("kernel", "kernel²", "kernel³")[rank - 1]
    return Theory.of(cell, cell.product((symbol, options.get("kernel", KERNEL) ** rank), "C", "N"))


dilated = Strategy(
    "dilated", "A smaller kernel with a dilation, over the same window.", _write, None, ("kernel",), _theory
)
