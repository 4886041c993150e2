"""Linear maps, embeddings, and matrix products of two tensors."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, ClassVar

from costcalc.cost import Cost
from costcalc.errors import ShapeError
from costcalc.formula import ZERO, Shapes, product
from costcalc.ops.base import Op, argument_error
from costcalc.ops.shapes import axis_of, batch, broadcast, ranked, rows, token_axes
from costcalc.ops.sparsity import stored

if TYPE_CHECKING:
    from costcalc.formula import Dim
    from costcalc.ops.argument_types import Flag, Integer, Positive
    from costcalc.ops.sparsity import Pair, Share


class Linear(Op, name="linear"):
    """Linear map of the last axis, or of another one.

    Shapes: (..., D) -> (..., out), or along another axis.
    Units:  multiply-adds D·out for each position of the other axes, additions of the bias out for each;
            D·out + out parameters. `density: 0.5`, or `nm: [2, 4]` (2 of every 4), is the share of the weights that is
            stored and multiplied. With `experts`, so many times the parameters, of which each row uses those of one
            expert, and a token those of `active` experts.
    Errors: ShapeError when the input has no axes, or the share of the weights is not an integer; ArgumentError when
            more experts are active than there are.
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
    implied: ClassVar[dict[str, str]] = {"nm": "none"}
    out: Positive
    bias: Flag = True
    axis: Integer = -1
    density: Share = 1
    nm: Pair | None = None
    experts: Positive = 1
    active: Positive = 1

    def check(self) -> None:
        """Raise `ArgumentError` if more experts are active than there are."""
        if self.active > self.experts:
            raise argument_error("active", "expected at most {} experts, got {}", self.experts, self.active)

    def active_params(self, params: Dim) -> Dim:
        """Return the parameters that a token uses."""
        return params // self.experts * self.active

    def read_params(self, inputs: Shapes, params: Dim, batch: int) -> Dim:
        """Return the parameters of as many experts as there are rows, at most all."""
        if type(self.experts) is int and self.experts == 1:
            return params
        places = prod(inputs[0]) // inputs[0][axis_of(self.axis, len(inputs[0]))] * batch
        return params // self.experts * places if places < self.experts else params

    def features_axis(self) -> int | None:
        """Return the last axis, the default."""
        return -1 if self.axis == -1 else None

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (..., D) to (..., out)."""
        sizes = ranked(inputs[0], 1, self)
        axis = axis_of(self.axis, len(sizes))
        stored((("D_in", sizes[axis]), ("D_out", self.out)), self.density, self.nm)
        return ((*sizes[:axis], self.out, *sizes[axis + 1 :]),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the product of each row and the weight matrix."""
        axis = axis_of(self.axis, len(inputs[0]))
        row = rows(inputs[0][:axis] + inputs[0][axis + 1 :])
        out = ("D_out", self.out)
        weights = stored((("D_in", inputs[0][axis]), out), self.density, self.nm)
        params = product(*weights) + (product(out) if self.bias else ZERO)
        return Cost(
            macs=product(*row, *weights),
            add=product(*row, out) if self.bias else ZERO,
            params=params if type(self.experts) is int and self.experts == 1 else params * product(("E", self.experts)),
        )

    def shared_parameters(self, other: Op, cost: Cost, other_cost: Cost) -> int:
        """Return 1, the weight matrix, if it is shared with an embedding.

        Source: Press and Wolf 2016, arXiv:1608.05859.
        """
        if not isinstance(other, Embedding):
            return super().shared_parameters(other, cost, other_cost)
        features = cost.params.terms[0][0][1]
        if other.vocab != self.out or other.dim != features:
            raise ShapeError(
                "linear from {} to {} features cannot share the weights of an embedding of {} vectors of {} features",
                features,
                self.out,
                other.vocab,
                other.dim,
                help=f"write out: {other.vocab}, and use an input of {other.dim} features",
            )
        return 1


class Embedding(Op, name="embedding"):
    """Lookup table: each index becomes a row of the table.

    Shapes: (T) -> (T, dim), with any axes in place of T.
    Units:  no arithmetic; vocab·dim parameters.
    Errors: none.
    Source: PyTorch's Embedding.

    >>> op = Embedding(vocab=50257, dim=768)
    >>> op.shape(((1024,),)), op.cost(((1024,),), ((1024, 768),)).params.value == 50257 * 768
    (((1024, 768),), True)
    """

    reads_indices: ClassVar[bool] = True
    vocab: Positive
    dim: Positive

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes T and D, after any leading axes."""
        return token_axes(rank) if rank > 1 else ()

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (T) to (T, dim)."""
        return ((*inputs[0], self.dim),)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the parameters. A lookup has no arithmetic."""
        return Cost(params=product(("V", self.vocab), ("D", self.dim)))

    def read_params(self, inputs: Shapes, params: Dim, batch: int) -> Dim:
        """Return the numbers in a row for each index, at most the whole table."""
        rows = prod(inputs[0]) * batch * self.dim
        return min(params, rows)


class Matmul(Op, name="matmul"):
    """Matrix product of two tensors, without weights; leading axes broadcast.

    Shapes: (..., m, k), (..., k, n) -> (..., m, n); with transpose_b, the second is (..., n, k).
    Units:  multiply-adds m·k·n for each matrix of the broadcast leading axes.
    Errors: ShapeError when an input has fewer than two axes, or the inner or leading axes differ.
    Source: PyTorch's matmul.

    >>> op, inputs = Matmul(), ((8, 1, 5, 4), (3, 4, 6))
    >>> op.shape(inputs), op.cost(inputs, op.shape(inputs)).macs.value == 8 * 3 * 5 * 4 * 6
    (((8, 3, 5, 6),), True)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "bmm",
        "mm",
    )
    arity: ClassVar[tuple[int, int | None]] = (2, 2)
    transpose_b: Flag = False

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (..., m, k), (..., k, n) to (..., m, n)."""
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
                help="add transpose_b: true to read the second input as [n, k]"
                if fits
                else "the last axis of the first input must equal the second-to-last axis of the second",
            )
        leading = broadcast(left[:-2], right[:-2])
        if leading is None:
            raise ShapeError(
                "cannot multiply {} by {}: their leading axes do not broadcast",
                list(left),
                list(right),
                help="leading axes must be equal, or 1 in one of the inputs",
            )
        return ((*leading, left[-2], columns),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return unknown axes, since the output combines axes of both inputs."""
        return ()

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count k products per element of the output."""
        *leading, m, n = outputs[0]
        return Cost(macs=product(*batch(tuple(leading), "B"), ("m", m), ("k", inputs[0][-1]), ("n", n)))
