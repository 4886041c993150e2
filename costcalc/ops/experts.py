"""Mixtures of experts: tokens go to the experts that a router chooses, and come back as a weighted sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costcalc.cost import Cost
from costcalc.errors import ShapeError
from costcalc.formula import Shapes, elements, product
from costcalc.ops.base import Op
from costcalc.ops.reshape import DataMovement
from costcalc.ops.shapes import less_one, token_axes, tokens

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Positive


class Dispatch(DataMovement, name="dispatch"):
    """Each token, once for each expert that it goes to.

    Shapes: (..., T, D) -> (..., active·T, D).
    Units:  no arithmetic. Choosing the largest scores is not counted, as its comparisons depend on the data.
    Errors: ShapeError when the input has fewer than two axes.
    Source: Shazeer et al. 2017, arXiv:1701.06538, section 2; Jiang et al. 2024, arXiv:2401.04088, section 2.1.

    >>> Dispatch(active=2).shape(((128, 4096),))
    ((256, 4096),)
    """

    active: Positive

    def shape(self, inputs: Shapes) -> Shapes:
        """Multiply the tokens."""
        leading, length, features = tokens(inputs[0], self)
        return ((*leading, self.active * length, features),)

    def features_axis(self) -> int | None:
        """Return the last axis."""
        return -1

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes T and D, after any leading axes."""
        return token_axes(rank)


class Combine(Op, name="combine"):
    """The outputs of the experts of each token, weighted by the router and added.

    Shapes: (..., active·T, D) and, optionally, scores (..., T, E) -> (..., T, D).
    Units:  one multiplication for each input element, and active - 1 additions for each output element.
    Errors: ShapeError when active does not divide the tokens, or the scores do not fit.
    Source: Shazeer et al. 2017, arXiv:1701.06538, equation 1.

    >>> op = Combine(active=2)
    >>> op.cost(((256, 4096),), ((128, 4096),)).mul.value == 256 * 4096
    True
    """

    arity: ClassVar[tuple[int, int | None]] = (1, 2)
    active: Positive

    def shape(self, inputs: Shapes) -> Shapes:
        """Divide the tokens."""
        leading, length, features = tokens(inputs[0], self)
        if length % self.active != 0:
            raise ShapeError("{} tokens are not {} for each", length, self.active)
        out = (*leading, length // self.active, features)
        if len(inputs) > 1 and inputs[1][:-1] != out[:-1]:
            raise ShapeError("the scores {} do not fit the output {}", list(inputs[1]), list(out))
        return (out,)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes T and D, after any leading axes."""
        return token_axes(rank)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the weighted sum."""
        each = elements(outputs[0])
        return Cost(mul=each * product(("k", self.active)), add=each * product(less_one((("k", self.active),))))
