"""The cost of a layer."""

from __future__ import annotations

from costcalc.formula import ZERO, Count
from costcalc.record import Entity

OPERATIONS = ("add", "mul", "div", "cmp", "exp")
"""The classes of scalar operations other than multiply-adds."""

QUANTITIES = ("params", "buffers", "macs", *OPERATIONS)
"""The quantities in the cost of an op. flops and activations follow from these and from shapes."""


class Cost(Entity):
    """The cost of a layer for one example. Layers of a network with equal ops and input shapes have the same object.

    Units: `params` and `buffers` in scalars, `macs` in multiply-adds, the rest in scalar operations of their class.
    """

    params: Count = ZERO
    buffers: Count = ZERO
    macs: Count = ZERO
    add: Count = ZERO
    mul: Count = ZERO
    div: Count = ZERO
    cmp: Count = ZERO
    exp: Count = ZERO

    def __add__(self, other: Cost) -> Cost:
        """Return the sum of each quantity."""
        return Cost(**{name: getattr(self, name) + getattr(other, name) for name in QUANTITIES})
