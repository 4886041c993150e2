"""Attention, including its four projections."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costcalc.cost import Cost
from costcalc.errors import ShapeError
from costcalc.formula import ZERO, CompoundSymbol, Dim, Factor, Shapes, product
from costcalc.ops.activation import softmax
from costcalc.ops.base import Op, argument_error
from costcalc.ops.shapes import batch, token_axes, tokens

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Positive


class Attention(Op, name="attention"):
    """Multi-head attention, including its four projections; with fewer kv_heads, grouped-query attention.

    Shapes: (..., T, D) -> the same; with a context (..., L, D') as second input, keys and values come from it.
            d = head_dim, by default D / heads; h = heads; g = kv_heads, by default h.
    Units:  multiply-adds 2·T·D·h·d + 2·L·D'·g·d for the projections, 2·T·L·h·d for scores and values; causal, T(T+1)/2
            pairs in place of T·L. One multiplication per score (the scale), softmax, and the additions of the biases.
            2·D·h·d + 2·D'·g·d parameters, and h·d + 2·g·d + D for the biases.
    Errors: ShapeError when heads do not divide D and head_dim is not given, when leading axes differ, and when causal
            attention has a context of another length; ArgumentError when kv_heads do not divide heads.
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; Ainslie et al. 2023, arXiv:2305.13245.

    >>> op = Attention(heads=12)
    >>> cost = op.cost(((197, 768),), op.shape(((197, 768),)))
    >>> cost.macs.symbols(), cost.macs.value == 4 * 197 * 768 * 768 + 2 * 197 * 197 * 768
    ('4·T·D·h·d + 2·T·T·h·d', True)
    """

    aliases: ClassVar[tuple[str, ...]] = (
        "mha",
        "mhsa",
        "msa",
        "multiheadattention",
        "multiheadselfattention",
        "selfattention",
    )
    arity: ClassVar[tuple[int, int | None]] = (1, 2)
    implied: ClassVar[dict[str, str]] = {"kv_heads": "heads", "head_dim": "features / heads"}
    heads: Positive
    kv_heads: Positive | None = None
    head_dim: Positive | None = None
    bias: Flag = True
    causal: Flag = False

    def check(self) -> None:
        """Raise `ArgumentError` unless kv_heads divide heads."""
        if self.kv_heads is not None and self.heads % self.kv_heads != 0:
            raise argument_error(
                "kv_heads",
                "expected a divisor of heads, got {} for {} heads",
                self.kv_heads,
                self.heads,
                help="write kv_heads: 1 for multi-query attention, or remove kv_heads for one per head",
            )

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (..., T, D) to the same."""
        leading, length, features = tokens(inputs[0], self)
        context_leading, context_length, _ = tokens(inputs[-1], self)
        if leading != context_leading:
            raise ShapeError(
                "cannot attend from {} to a context of {}: the leading axes differ", list(inputs[0]), list(inputs[-1])
            )
        if self.causal and length != context_length:
            raise ShapeError(
                "causal attention needs equal lengths, got {} queries and {} keys",
                length,
                context_length,
                help="remove causal: attention to a context is not causal",
            )
        if self.head_dim is None and features % self.heads != 0:
            raise ShapeError(
                "cannot divide {} features into {} heads",
                features,
                self.heads,
                help="write a number of heads that divides the features, or add head_dim, the features of each head",
            )
        return inputs[:1]

    def features_axis(self) -> int | None:
        """Return the last axis."""
        return -1

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes T and D, after any leading axes."""
        return token_axes(rank)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the projections, the scores, softmax and the weighted sums of values."""
        leading, length, features = tokens(inputs[0], self)
        _, context_length, context_features = tokens(inputs[-1], self)
        itself = len(inputs) == 1
        every = batch(leading)
        queries, d_in = ("T", length), ("D", features)
        keys, d_context = (queries, d_in) if itself else (("L", context_length), ("D'", context_features))
        h, d = ("h", self.heads), ("d", self._head_dim(features))
        g = h if self.kv_heads is None else ("g", self.kv_heads)
        pairs: tuple[Factor, ...] = (queries, keys)
        if self.causal:
            pairs = ((CompoundSymbol("T·(T + 1)/2", (queries,)), length * (length + 1) // 2),)
        scores = product(*every, *pairs, h)
        weights = product(d_in, h, d)
        weights_kv = product(d_context, g, d)
        query_steps, key_steps = product(*every, queries), product(*every, keys)
        if itself and self.kv_heads is None:
            projections, biases, params = 4 * (query_steps * weights), 3 * (query_steps * product(h, d)), 4 * weights
            offsets = 3 * product(h, d)
        else:
            projections = 2 * (query_steps * weights) + 2 * (key_steps * weights_kv)
            biases = query_steps * product(h, d) + 2 * (key_steps * product(g, d))
            params = 2 * weights + 2 * weights_kv
            offsets = product(h, d) + 2 * product(g, d)
        return softmax(scores) + Cost(
            macs=projections + 2 * (scores * product(d)),
            mul=scores,
            add=biases + query_steps * product(d_in) if self.bias else ZERO,
            params=params + offsets + product(d_in) if self.bias else params,
        )

    def _head_dim(self, features: Dim) -> Dim:
        return features // self.heads if self.head_dim is None else self.head_dim
