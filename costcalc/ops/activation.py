"""Activations: elementwise, without weights except `prelu`; and softmax, along one axis.

Operations per element follow the usual closed forms; `exp` stands for any transcendental (exp, log, tanh, erf).
"""

from __future__ import annotations

from typing import ClassVar

from costcalc.formula import Shapes, elements, product
from costcalc.model import Cost
from costcalc.ops.base import Elementwise, Op, axis_of
from costcalc.ops.kinds import Flag, Integer


class Relu(Elementwise, name="relu"):
    """max(0, x).

    Shapes: any -> the same.
    Units:  one comparison per element.
    Errors: none.
    Source: Nair and Hinton 2010.

    >>> Relu().cost(((64, 56, 56),), ((64, 56, 56),)).cmp.value == 64 * 56 * 56
    True
    """

    per_element: ClassVar[dict[str, int]] = {"cmp": 1}
