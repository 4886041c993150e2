"""Convolutions of high and low frequencies, the low ones at half the size (Chen et al. 2019, arXiv:1904.05049)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from costcalc.ops.merge import Add, Concat
from costcalc.ops.pool import Avgpool
from costcalc.ops.reshape import Slice
from costcalc.ops.resize import Upsample
from costcalc.strategies.base import Strategy
from costcalc.strategies.cells import BARE, CellPart, NotExpressibleError, Theory, described
from costcalc.strategies.normal import convolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.ops.base import Op
    from costcalc.strategies.cells import ConvCell

ALPHA = Fraction(1, 2)
"""The default of `alpha`: the share of the channels with low frequencies."""


def _write(cell: ConvCell, options: Mapping[str, Any]) -> Mapping[str, Op | CellPart]:
    alpha = options.get("alpha", ALPHA)
    low_in, low_out = alpha * cell.channels, alpha * cell.out
    if low_in.denominator != 1 or low_out.denominator != 1:
        message = "alpha {} of {} input and {} output channels is not an integer"
        raise NotExpressibleError(message, str(alpha), cell.channels, cell.out)
    for tensor in (cell.source, cell.result):
        if any(size % 2 for size in tensor.shape[1:]):
            raise NotExpressibleError("the size {} is not even", described(tensor.shape[1:]))
    high = convolution(cell, out=cell.out - int(low_out))
    low = convolution(cell, out=int(low_out))
    half = Avgpool(kernel=2)
    return {
        "high": CellPart(Slice(axis=0, stop=cell.channels - int(low_in)), ("input",)),
        "low": CellPart(Slice(axis=0, start=cell.channels - int(low_in)), ("input",)),
        "low_half": half,
        "high_half": CellPart(half, ("high",)),
        "high_to_high": CellPart(high, ("high",), BARE),
        "low_to_high": CellPart(convolution(cell, out=high.out, bias=False), ("low_half",), BARE),
        "low_to_high_full": Upsample(),
        "high_out": CellPart(Add(), ("high_to_high", "low_to_high_full")),
        "low_to_low": CellPart(low, ("low_half",), BARE),
        "high_to_low": CellPart(convolution(cell, out=low.out, bias=False), ("high_half",), BARE),
        "low_out": CellPart(Add(), ("low_to_low", "high_to_low")),
        "low_full": Upsample(),
        "concat": CellPart(Concat(), ("high_out", "low_full")),
    }


def _theory(cell: ConvCell, options: Mapping[str, Any]) -> Theory:
    """Return 1 - ¾·α·(2 - α): three of the four convolutions are on a quarter of the positions."""
    alpha, saved = options.get("alpha", ALPHA), 1 - Fraction(1, 2 ** len(cell.kernel))
    ratio = 1 - saved * alpha * (2 - alpha)
    return Theory(f"1 - {saved}·alpha·(2 - alpha)", f"1 - {saved}·{alpha}·(2 - {alpha})", ratio)


octave = Strategy(
    "octave",
    "Convolutions of high and low frequencies, the low ones at half the size.",
    _write,
    theory=_theory,
    shares=("alpha",),
)
