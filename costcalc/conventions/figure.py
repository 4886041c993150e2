"""Finds the conventions that give a printed figure: at which size of the input, and as multiply-adds or operations."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from costcalc.conventions.convention import readings
from costcalc.errors import CostcalcError, UsageError
from costcalc.notation import SI_POWERS
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from costcalc.formula import Shape
    from costcalc.model import Network

SIZES = (
    96,
    128,
    160,
    192,
    224,
    227,
    240,
    256,
    260,
    288,
    299,
    300,
    320,
    331,
    380,
    384,
    416,
    448,
    480,
    512,
    528,
    600,
    640,
)
"""The sizes of images that are tried, besides that of the spec."""
FACTORS = {"": Decimal(1), "twice": Decimal(2), "half of": Decimal("0.5")}
"""By which a figure may differ from that of a tool, where one takes multiply-adds for operations or the reverse."""


class Printed(NamedTuple):
    """A figure as it is printed: its value and the value of its last digit."""

    text: str
    value: Decimal
    step: Decimal

    def shows(self, figure: Decimal) -> bool:
        """Return whether this is the figure, rounded or cut to as many digits."""
        rounded = (figure / self.step).to_integral_value(ROUND_HALF_UP) * self.step
        return self.value in (rounded, figure // self.step * self.step)


class FigureMatch(NamedTuple):
    """A convention that gives a figure, with the shape of the input; `factor` is empty, `twice` or `half of`."""

    convention: str
    kind: str
    shape: Shape
    factor: str
    figure: int


def printed(text: str) -> Printed:
    """Return a figure from its text. A number with a point and without a suffix is in billions. Raises `UsageError`.

    >>> printed("4.12G").shows(Decimal(4_119_999_999)), printed("4.12").shows(Decimal(4_130_000_000))
    (True, False)
    """
    digits = text.strip().removesuffix("B").replace("_", "").replace(",", "")
    power = SI_POWERS.get(digits[-1:], 0)
    if not power and "." in digits:
        digits, power = f"{digits}G", SI_POWERS["G"]
    number = digits[:-1] if power else digits
    if not re.fullmatch(r"\d{1,60}(\.\d{1,30})?", number, re.ASCII) or not Decimal(number):
        raise UsageError("--figure {}: expected a number", text, help="write it as it is printed: 4.12G or 4111512576")
    value = Decimal(number)
    exponent = -len(number.partition(".")[2])
    return Printed(text, value.scaleb(power), Decimal(1).scaleb(exponent + power))


def shapes(inputs: Mapping[str, Shape]) -> list[Shape]:
    """Return the shapes to try for the only input: its own, and if it is a square image, those of other sizes."""
    if len(inputs) != 1:
        return []
    (own,) = inputs.values()
    if len(own) != 3 or own[1] != own[2]:
        return [own]
    return [own, *[(own[0], size, size) for size in SIZES if size != own[1]]]


def matches(
    figure: Printed, build: Callable[[Mapping[str, Sequence[int]]], Network], first: Network, batch: int = 1
) -> list[FigureMatch]:
    """Return the conventions that give a figure. `build` returns the network for other input shapes."""
    found: list[FigureMatch] = []
    for shape in shapes(first.inputs) or [()]:
        if shape in ((), *first.inputs.values()):
            network = first
        else:
            try:
                network = build(dict.fromkeys(first.inputs, shape))
            except CostcalcError:
                continue  # the network does not take this size
        found += _matching(figure, network, shape, batch)
    return found


def _matching(figure: Printed, network: Network, shape: Shape, batch: int) -> Iterable[FigureMatch]:
    for reading in readings(network, (), batch):
        for factor, times in FACTORS.items():
            if figure.shows(reading.total * times):
                yield FigureMatch(reading.convention.name, reading.convention.kind, shape, factor, reading.total)
