"""Attention, including its four projections."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from costcalc.cost import Cost
from costcalc.errors import ArgumentError, ShapeError
from costcalc.formula import ZERO, CompoundSymbol, Count, Dim, Factor, Shapes, Term, product
from costcalc.notation import show
from costcalc.ops.activation import softmax
from costcalc.ops.argument_types import ArgumentType, flag, register
from costcalc.ops.base import Op, argument_error
from costcalc.ops.shapes import batch, token_axes, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.ops.argument_types import Flag, Natural, Positive

Biases: TypeAlias = bool | tuple[str, ...]


def _biases(value: Any) -> bool | tuple[str, ...]:
    """Convert `true`, `false` or a list of projections."""
    if not isinstance(value, (tuple, list)):
        return flag(value)
    for name in value:
        if name not in PROJECTIONS:
            help = "write true for all of them, false for none"
            raise ArgumentError("expected projections of q, k, v, out, got {}", show(name), help=help)
    return tuple([name for name in PROJECTIONS if name in value])


PROJECTIONS = ("q", "k", "v", "out")
_LIST: dict[str, object] = {"type": "array", "items": {"enum": list(PROJECTIONS)}, "uniqueItems": True}
register(
    "Biases",
    ArgumentType(
        _biases,
        "true or false, or a list of q, k, v, out",
        {"anyOf": [{"type": "boolean"}, _LIST]},
        own_words=PROJECTIONS,
    ),
)


class Attention(Op, name="attention"):
    """Multi-head attention, including its four projections; with fewer kv_heads, grouped-query attention.

    Shapes: (..., T, D) -> the same; with a context (..., L, D') as second input, keys and values come from it.
            d = head_dim, by default D / heads; e = value_dim, by default d; h = heads; g = kv_heads, by default h.
    Units:  multiply-adds T·D·h·d + L·D'·g·d + L·D'·g·e + T·h·e·D for the projections, T·L·h·(d + e) for scores and
            values; causal, T(T+1)/2 pairs in place of T·L. One multiplication per score (the scale), softmax, and the
            additions of the biases. As many parameters as the projections have for T = L = 1, and h·d + g·d + g·e + D
            for the biases. `bias` may list some of q, k, v, out.
            cache: the keys and values of so many earlier tokens are there; T queries see cache + T of them.
            window: each query sees the last `window` keys, its own among them (causal).
            bias_table: so many learned scalars for each head, one addition per score (relative positions).
    Errors: ShapeError when heads do not divide D and head_dim is not given, when leading axes differ, and when causal
            attention has a context of another length; ArgumentError when kv_heads do not divide heads.
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2; Ainslie et al. 2023, arXiv:2305.13245; windows as in
            Jiang et al. 2023, arXiv:2310.06825, section 2; tables as in Liu et al. 2021, arXiv:2103.14030, equation 4.

    >>> op = Attention(heads=12)
    >>> cost = op.cost(((197, 768),), op.shape(((197, 768),)))
    >>> cost.macs.symbols(), cost.macs.value == 4 * 197 * 768 * 768 + 2 * 197 * 197 * 768
    ('4·T·D·h·d + 2·T·T·h·d', True)
    >>> one = Attention(heads=32, bias=False, cache=2048)
    >>> one.cost(((1, 4096),), ((1, 4096),)).macs.value == 4 * 4096 * 4096 + 2 * (2048 + 1) * 4096
    True
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
    implied: ClassVar[dict[str, str]] = {
        "kv_heads": "heads",
        "head_dim": "features / heads",
        "value_dim": "head_dim",
        "window": "all",
    }
    heads: Positive
    kv_heads: Positive | None = None
    head_dim: Positive | None = None
    bias: Biases = True
    causal: Flag = False
    value_dim: Positive | None = None
    window: Positive | None = None
    bias_table: Natural = 0
    cache: Natural = 0

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
        if (self.causal or self.window is not None) and length != context_length:
            raise ShapeError(
                "causal attention needs equal lengths, got {} queries and {} keys",
                length,
                context_length,
                help="remove causal and window: attention to a context is not causal; for earlier keys, write cache",
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
        every = batch(leading)
        queries, d_in = ("T", length), ("D", features)
        keys, d_context = (queries, d_in) if len(inputs) == 1 else (("L", context_length), ("D'", context_features))
        h, d = ("h", self.heads), ("d", self._head_dim(features))
        g = h if self.kv_heads is None else ("g", self.kv_heads)
        e = d if self.value_dim is None else ("e", self.value_dim)
        scores = product(*every, *self._pairs(queries, keys), h)
        steps, context = product(*every, queries), product(*every, keys)
        weights: list[tuple[Count, Term]] = [
            (steps, (d_in, h, d)), (context, (d_context, g, d)), (context, (d_context, g, e)), (steps, (d_in, h, e)),
        ]  # fmt: skip
        biases = {"q": (steps, (h, d)), "k": (context, (g, d)), "v": (context, (g, e)), "out": (steps, (d_in,))}
        added = [term for name, term in biases.items() if self.bias is True or (self.bias and name in self.bias)]
        table = product(("table", self.bias_table), h) if self.bias_table else ZERO
        return softmax(scores) + Cost(
            macs=_sum(times * product(*term) for times, term in weights) + scores * product(d) + scores * product(e),
            mul=scores,
            add=_sum(times * product(*term) for times, term in added) + (scores if self.bias_table else ZERO),
            params=_sum(product(*term) for _, term in (*weights, *added)) + table,
        )

    def product_macs(self, inputs: Shapes, outputs: Shapes) -> Dim:
        """Return the multiply-adds of the scores and of the weighted sums."""
        return sum([prod([value for _, value in term]) for term in self.cost(inputs, outputs).macs.terms[4:]])

    def saved_numbers(self, inputs: Shapes, outputs: Shapes) -> Dim:
        """Return the queries, the keys, the values and their weighted sums. Scores are computed again."""
        leading, length, features = tokens(inputs[0], self)
        _, keys, _ = tokens(inputs[-1], self)
        d = self._head_dim(features)
        e = d if self.value_dim is None else self.value_dim
        groups = self.heads if self.kv_heads is None else self.kv_heads
        return prod(leading) * (length * self.heads * (d + e) + keys * groups * (d + e))

    def saved_statistics(self, inputs: Shapes, outputs: Shapes, batch: int) -> Dim:
        """Return the bytes of the logarithm of the sum of each row of scores."""
        leading, length, _ = tokens(inputs[0], self)
        return 4 * prod(leading) * length * self.heads * batch

    def _pairs(self, queries: Factor, keys: Factor) -> tuple[Factor, ...]:
        """Return the number of pairs of a query and a key that it sees."""
        size, cached = queries[1], ("cache", self.cache)
        if not self.causal and self.window is None:
            if not self.cache:
                return (queries, keys)
            symbol = CompoundSymbol(f"(cache + {keys[0]})", (cached, keys))
            return (queries, (symbol, self.cache + keys[1]))
        if self.window is None or self.window >= self.cache + size:
            if not self.cache:
                return ((CompoundSymbol("T·(T + 1)/2", (queries,)), size * (size + 1) // 2),)
            pairs = size * self.cache + size * (size + 1) // 2
            return ((CompoundSymbol("(T·cache + T·(T + 1)/2)", (queries, cached)), pairs),)
        width = ("w", self.window)
        if self.cache >= self.window:
            return (queries, width)
        pairs = _seen(self.cache + size, self.window) - _seen(self.cache, self.window)
        if not self.cache:
            return ((CompoundSymbol("(T·w - w·(w - 1)/2)", (queries, width)), pairs),)
        text = "((cache + T)·w - w·(w - 1)/2 - cache·(cache + 1)/2)"
        return ((CompoundSymbol(text, (cached, queries, width)), pairs),)

    def _head_dim(self, features: Dim) -> Dim:
        return features // self.heads if self.head_dim is None else self.head_dim


def _sum(counts: Iterable[Count]) -> Count:
    """Return the sum of some counts."""
    return sum(counts, ZERO)


def _seen(steps: Dim, window: Dim) -> Dim:
    """Return how many keys the first `steps` queries see together, each at most `window`.

    >>> _seen(3, 5), _seen(6, 3) == 1 + 2 + 3 + 3 + 3 + 3
    (6, True)
    """
    full = min(steps, window)
    return full * (full + 1) // 2 + (steps - full) * window
