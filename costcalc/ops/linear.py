"""Linear maps of the last axis, tables of vectors, and products of two tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costcalc.errors import ShapeError
from costcalc.formula import ZERO, Count, Shapes, product
from costcalc.model import Cost
from costcalc.ops.base import Op
from costcalc.ops.shapes import batch, broadcast, ranked, rows

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Positive


class Linear(Op, name="linear"):
    """Linear map of the last axis.

    Shapes: (..., D) -> (..., out).
    Units:  multiply-adds D·out for each position of the leading axes, additions of the bias out for each;
            D·out + out parameters.
    Errors: ShapeError when the input has no axes.
    Source: PyTorch's Linear.

    >>> op = Linear(out=32)
    >>> op.cost(((5, 16),), op.shape(((5, 16),))).macs.value == 5 * 16 * 32
    True
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "dense",
        "fc",
        "fullyconnected",
        "gemm",
        "innerproduct",
    )
    followed: ClassVar[bool] = True
    out: Positive
    bias: Flag = True

    def shape(self, inputs: Shapes) -> Shapes:
        """(..., D) -> (..., out)."""
        return ((*ranked(inputs[0], 1, self)[:-1], self.out),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Every row is multiplied by a matrix."""
        *leading, features = inputs[0]
        row = rows(tuple(leading))
        out = ("D_out", self.out)
        return Cost(
            macs=product(*row, ("D_in", features), out),
            add=product(*row, out) if self.bias else ZERO,
            params=product(("D_in", features), out) + (product(out) if self.bias else ZERO),
        )

    def own_params(self, other: Op, here: Cost, there: Cost) -> Count:
        """None; with the table of an embedding in place of the matrix, the bias.

        Source: Press and Wolf 2016, arXiv:1608.05859.
        """
        if not isinstance(other, Embedding):
            return super().own_params(other, here, there)
        _, features = here.params.terms[0][0]
        if other.vocab != self.out or other.dim != features:
            raise ShapeError(
                "a linear map of {} to {} features cannot share the table of an embedding of {} vectors of {}",
                features,
                self.out,
                other.vocab,
                other.dim,
                help=f"it takes {other.dim} features and gives out: {other.vocab}",
            )
        return product(("D_out", self.out)) if self.bias else ZERO


class Embedding(Op, name="embedding"):
    """Table of vectors: each index becomes its row.

    Shapes: (T) -> (T, dim), with any axes in place of T.
    Units:  no arithmetic; vocab·dim parameters.
    Errors: none.
    Source: PyTorch's Embedding.

    >>> op = Embedding(vocab=50257, dim=768)
    >>> op.shape(((1024,),)), op.cost(((1024,),), ((1024, 768),)).params.value == 50257 * 768
    (((1024, 768),), True)
    """

    vocab: Positive
    dim: Positive

    def shape(self, inputs: Shapes) -> Shapes:
        """(T) -> (T, dim)."""
        return ((*inputs[0], self.dim),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Looking up computes nothing."""
        return Cost(params=product(("V", self.vocab), ("D", self.dim)))


class Matmul(Op, name="matmul"):
    """Matrix product of two tensors, without weights; leading axes broadcast.

    Shapes: (..., m, k), (..., k, n) -> (..., m, n); with transpose_b, the second is (..., n, k).
    Units:  multiply-adds m·k·n for each matrix of the broadcast leading axes.
    Errors: ShapeError when an input has less than two axes, or the inner or leading axes differ.
    Source: PyTorch's matmul.

    >>> op, inputs = Matmul(), ((8, 1, 5, 4), (3, 4, 6))
    >>> op.shape(inputs), op.cost(inputs, op.shape(inputs)).macs.value == 8 * 3 * 5 * 4 * 6
    (((8, 3, 5, 6),), True)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "bmm",
        "einsum",
        "mm",
    )
    arity: ClassVar[tuple[int, int | None]] = (2, 2)
    transpose_b: Flag = False

    def shape(self, inputs: Shapes) -> Shapes:
        """(..., m, k), (..., k, n) -> (..., m, n)."""
        left, right = (ranked(shape, 2, self) for shape in inputs)
        inner, columns = (right[-1], right[-2]) if self.transpose_b else right[-2:]
        if left[-1] != inner:
            fits = not self.transpose_b and left[-1] == right[-1]
            raise ShapeError(
                "cannot multiply {} by {}: the inner axes are {} and {}",
                list(left),
                list(right),
                left[-1],
                inner,
                help="transpose_b: true takes the second as [n, k]"
                if fits
                else "the last axis of the first must be the last but one of the second",
            )
        leading = broadcast(left[:-2], right[:-2])
        if leading is None:
            raise ShapeError(
                "cannot multiply {} by {}: their leading axes do not broadcast",
                list(left),
                list(right),
                help="leading axes must be equal, or 1 in one of the two",
            )
        return ((*leading, left[-2], columns),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Not known: an axis of each input is in it."""
        return ()

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Every element of the result sums k products."""
        *leading, m, n = outputs[0]
        return Cost(macs=product(*batch(tuple(leading), "B"), ("m", m), ("k", inputs[0][-1]), ("n", n)))
