"""State space models: recurrences that select what they keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costcalc.cost import Cost
from costcalc.errors import ShapeError
from costcalc.formula import ZERO, Shapes, product
from costcalc.ops.base import Op
from costcalc.ops.shapes import batch, token_axes, tokens

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Positive


class SelectiveScan(Op, name="selective_scan"):
    """The recurrence of Mamba: each feature has a state of `state` values, which the input updates step by step.

    Shapes: x (..., T, D), and optionally delta (..., T, D), B (..., T, N), C (..., T, N), A (D, N) and the skip
            factor (D) -> (..., T, D); N = state.
    Units:  for each step, feature and state value: one multiplication and one transcendental for exp(delta·A), one
            multiplication for B·(delta·x), one multiply-add for h = exp(delta·A)·h + B·(delta·x), one for the sum of
            C·h; for each step and feature one multiplication for delta·x and, with `skip`, one multiply-add for
            y + D·x. No parameters: A and D are learned tensors of their own (`weight`), B, C and delta come from
            linear layers.
    Errors: ShapeError when the input has fewer than two axes, or a further one does not fit.
    Source: Gu and Dao 2023, arXiv:2312.00752, equations 2 and 4, algorithm 2; selective_scan_ref of its code.

    >>> op = SelectiveScan(state=16)
    >>> op.cost(((100, 1536),), ((100, 1536),)).macs.value == 2 * 100 * 1536 * 16 + 100 * 1536
    True
    """

    arity: ClassVar[tuple[int, int | None]] = (1, 6)
    state: Positive
    skip: Flag = True

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (..., T, D) to the same."""
        leading, length, features = tokens(inputs[0], self)
        states = (*leading, length, self.state)
        expected = (inputs[0], inputs[0], states, states, (features, self.state), (features,))
        for name, shape, fits in zip(("x", "delta", "B", "C", "A", "D"), inputs, expected, strict=False):
            if shape != fits:
                raise ShapeError("{} of selective_scan is {}, expected {}", name, list(shape), list(fits))
        return inputs[:1]

    def features_axis(self) -> int | None:
        """Return the last axis."""
        return -1

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes T and D, after any leading axes."""
        return token_axes(rank)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the recurrence term by term."""
        leading, length, features = tokens(inputs[0], self)
        each = product(*batch(leading), ("T", length), ("D", features))
        states = each * product(("N", self.state))
        return Cost(macs=2 * states + (each if self.skip else ZERO), mul=2 * states + each, exp=states)
