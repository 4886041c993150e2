"""Matrix products, attention, recurrent layers and norms."""

from __future__ import annotations

from math import prod

from costcalc.onnx.node import OnnxNode, rule
from costcalc.onnx.values import NodeError, Value, axis_of, broadcast


@rule(
    "MatMul", "MatMulInteger", "QLinearMatMul", "com.microsoft::FusedMatMul", "com.microsoft::TransposeMatMul",
    "com.microsoft::MatMulIntegerToFloat", "com.microsoft::DynamicQuantizeMatMul",
)  # fmt: skip
def matmul(node: OnnxNode) -> list[Value]:
    """Multiply matrices, with leading axes that broadcast."""
    quantized = node.kind == "QLinearMatMul"
    left, right = node.shape(), node.shape(3 if quantized else 1)
    if not left or not right:
        raise NodeError("a product with a scalar")
    if node.number("transA"):
        left = (*left[:-2], left[-1], left[-2])
    if node.number("transB"):
        right = (*right[:-2], right[-1], right[-2])
    rows, columns = (left, right) if len(left) > 1 else ((1, *left), right)
    columns = columns if len(columns) > 1 else (*columns, 1)
    if rows[-1] != columns[-2]:
        raise NodeError(f"a product of {list(left)} and {list(right)}")
    leading = broadcast(rows[:-2], columns[:-2])
    shape = (*leading, *(rows[-2:-1] if len(left) > 1 else ()), *(columns[-1:] if len(right) > 1 else ()))
    node.count(macs=prod(leading) * rows[-2] * rows[-1] * columns[-1])
    integer = {"MatMulInteger": 6, "QLinearMatMul": node.input(7).dtype if quantized else 0}
    return [Value(shape, integer.get(node.kind, node.input().dtype))]


@rule("Gemm", "com.microsoft::QGemm")
def gemm(node: OnnxNode) -> list[Value]:
    """Multiply two matrices and add a third."""
    quantized = node.kind == "QGemm"
    left, right = node.shape(), node.shape(3 if quantized else 1)
    if len(left) != 2 or len(right) != 2:
        raise NodeError(f"a product of {list(left)} and {list(right)}")
    rows, inner = reversed(left) if node.number("transA") else left
    same, columns = reversed(right) if node.number("transB") else right
    if inner != same:
        raise NodeError(f"a product of {list(left)} and {list(right)}")
    node.count(macs=rows * inner * columns, add=rows * columns if node.has(6 if quantized else 2) else 0)
    return [Value((rows, columns), node.input().dtype)]


@rule("com.microsoft::MatMulNBits")
def packed_matmul(node: OnnxNode) -> list[Value]:
    """Multiply by weights that are packed in a few bits."""
    shape, inner, out = node.shape(), node.number("K"), node.number("N")
    node.count(macs=prod(shape[:-1]) * inner * out)
    return [Value((*shape[:-1], out), node.input().dtype)]


@rule("Einsum")
def einsum(node: OnnxNode) -> list[Value]:
    """Sum products by index, in pairs from left to right."""
    left, arrow, right = node.text("equation").replace(" ", "").partition("->")
    terms = left.split(",")
    sizes: dict[str, int] = {}
    extra: tuple[int, ...] = ()
    for place, term in enumerate(terms):
        shape = node.shape(place)
        head, dots, tail = term.partition("...")
        more = len(shape) - len(head) - len(tail)
        if more < 0 or (more and not dots):
            raise NodeError(f"the equation does not fit {list(shape)}")
        extra = broadcast(extra, shape[len(head) : len(head) + more])
        for index, size in zip(head + tail, (*shape[: len(head)], *shape[len(head) + more :]), strict=True):
            if sizes.get(index, 1) == 1:
                sizes[index] = size
    if not arrow:
        letters = left.replace(",", "").replace("...", "")
        right = ("..." if "..." in left else "") + "".join(sorted({x for x in letters if letters.count(x) == 1}))
    head, dots, tail = right.partition("...")
    indices = [set(term.replace("...", "")) for term in terms]
    have = indices[0]
    for place in range(1, len(terms)):
        every = have | indices[place]
        later = set(right.replace("...", "")).union(*indices[place + 1 :])
        work = prod([sizes[index] for index in every]) * (prod(extra) if "..." in left else 1)
        node.count(**{"macs" if every - later else "mul": work})
        have = every & later
    return [Value((*[sizes[x] for x in head], *(extra if dots else ()), *[sizes[x] for x in tail]), node.input().dtype)]


def _scores(node: OnnxNode, pairs: int, size: int, value_size: int) -> None:
    """Count the products and the softmax of pairs of a query and a key, over all heads."""
    node.count(macs=pairs * (size + value_size), mul=pairs, cmp=pairs, add=2 * pairs, exp=pairs, div=pairs)


@rule("Attention")
def attention(node: OnnxNode) -> list[Value]:
    """Scaled dot products, of opset 23: heads in an axis of their own, or among the features."""
    query, key, value = node.shape(), node.shape(1), node.shape(2)
    dtype = node.input().dtype
    if len(query) == 3:
        heads, groups = node.number("q_num_heads"), node.number("kv_num_heads")
        if heads < 1 or groups < 1:
            raise NodeError("q_num_heads and kv_num_heads are missing")
        batch, queries, keys = query[0], query[1], key[1]
        size, value_size = key[2] // groups, value[2] // groups
    else:
        (batch, heads, queries, size), groups, keys, value_size = query, key[1], key[2], value[3]
    keys += node.shape(4)[2] if node.has(4) and node.shape(4) else 0
    pairs = batch * heads * queries * keys
    _scores(node, pairs, size, value_size)
    out = (batch, queries, heads * value_size) if len(query) == 3 else (batch, heads, queries, value_size)
    shapes = (out, (batch, groups, keys, size), (batch, groups, keys, value_size), (batch, heads, queries, keys))
    return [Value(shape, dtype) for shape in shapes]


@rule("com.microsoft::Attention")
def packed_attention(node: OnnxNode) -> list[Value]:
    """Projections and products, with the weights of queries, keys and values in one tensor."""
    (batch, steps, features), heads = node.shape(), node.number("num_heads", 1)
    sizes = node.numbers("qkv_hidden_sizes") or [node.shape(1)[1] // 3] * 3
    keys = steps + (node.shape(4)[3] if node.has(4) else 0)
    node.count(macs=batch * steps * features * sum(sizes), add=batch * steps * sum(sizes) if node.has(2) else 0)
    _scores(node, batch * steps * keys * heads, sizes[0] // heads, sizes[2] // heads)
    present = (2, batch, heads, keys, sizes[0] // heads)
    return [Value((batch, steps, sizes[2]), node.input().dtype), Value(present, node.input().dtype)]


@rule("com.microsoft::MultiHeadAttention")
def multi_head(node: OnnxNode) -> list[Value]:
    """Products of projected queries, keys and values."""
    (batch, queries, features), heads = node.shape()[:3], node.number("num_heads", 1)
    keys = node.shape(1)[1] if node.has(1) and len(node.shape(1)) == 3 else queries
    values = node.shape(2)[2] if node.has(2) and len(node.shape(2)) == 3 else features
    _scores(node, batch * queries * keys * heads, features // heads, values // heads)
    return [Value((batch, queries, values), node.input().dtype)]


@rule("com.microsoft::GroupQueryAttention")
def grouped_query(node: OnnxNode) -> list[Value]:
    """Products in which several queries share a key."""
    (batch, queries, features), heads, groups = (
        node.shape(),
        node.number("num_heads", 1),
        node.number("kv_num_heads", 1),
    )
    size = features // heads if node.has(1) and node.shape(1) else features // (heads + 2 * groups)
    keys = queries + (node.shape(3)[2] if node.has(3) and node.shape(3) else 0)
    _scores(node, batch * queries * keys * heads, size, size)
    present = Value((batch, groups, keys, size), node.input().dtype)
    return [Value((batch, queries, heads * size), node.input().dtype), present, present]


GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
UNITS = {
    "LSTM": {"add": 16, "mul": 3, "div": 3, "exp": 5}, "GRU": {"add": 13, "mul": 3, "div": 2, "exp": 3},
    "RNN": {"add": 3, "exp": 1},
}  # fmt: skip


@rule(*GATES)
def recurrent(node: OnnxNode) -> list[Value]:
    """Recur over steps, in one or two directions."""
    shape, directions, gates = node.shape(), node.shape(1)[0], GATES[node.kind]
    hidden, batch_first = node.number("hidden_size") or node.shape(2)[2], node.number("layout")
    batch, steps = (shape[0], shape[1]) if batch_first else (shape[1], shape[0])
    units = batch * steps * directions * hidden
    node.count(macs=units * gates * (shape[2] + hidden))
    node.count(**{quantity: times * units for quantity, times in UNITS[node.kind].items()})
    states = (batch, directions, hidden) if batch_first else (directions, batch, hidden)
    every = (batch, steps, directions, hidden) if batch_first else (steps, directions, batch, hidden)
    return [Value(each, node.input().dtype) for each in (every, states, states)]


@rule("BatchNormalization", "SpatialBN")
def batch_norm(node: OnnxNode) -> list[Value]:
    """One multiplication and one addition for each element."""
    size, channels = node.input().size, node.shape(1)
    node.count(mul=size, add=size)
    return [Value(node.shape(), node.input().dtype), *[Value(channels) for _ in range(4)]]


@rule(
    "LayerNormalization", "InstanceNormalization", "GroupNormalization", "SimplifiedLayerNormalization",
    "RMSNormalization",
    "com.microsoft::SimplifiedLayerNormalization", "com.microsoft::LayerNormalization", "com.microsoft::GroupNorm",
)  # fmt: skip
def norm(node: OnnxNode) -> list[Value]:
    """Normalise by statistics of the input."""
    shape, size = node.shape(), node.input().size
    axis = axis_of(node.number("axis", -1), len(shape))
    if node.kind in ("InstanceNormalization", "GroupNormalization", "GroupNorm"):
        groups = shape[0] * (
            shape[1] if node.kind == "InstanceNormalization" else node.number("num_groups") or node.number("groups")
        )
    else:
        groups = prod(shape[:axis])
    if node.kind in ("SimplifiedLayerNormalization", "RMSNormalization"):
        node.count(mul=3 * size, add=size + groups, div=groups, exp=groups)
    else:
        bias = node.has(2) or node.kind != "LayerNormalization"
        node.count(add=(4 if bias else 3) * size + groups, mul=3 * size, div=2 * groups, exp=groups)
    statistic = Value((*shape[:axis], *(1,) * (len(shape) - axis)))
    return [Value(shape, node.input().dtype), statistic, statistic]


@rule("com.microsoft::SkipLayerNormalization", "com.microsoft::SkipSimplifiedLayerNormalization")
def skip_norm(node: OnnxNode) -> list[Value]:
    """Add, then normalise the features."""
    shape, size = node.shape(), node.input().size
    groups = prod(shape[:-1])
    node.count(add=5 * size + groups, mul=3 * size, div=2 * groups, exp=groups)
    whole = Value(shape, node.input().dtype)
    return [whole, Value((1,)), Value((1,)), whole]


@rule("com.microsoft::EmbedLayerNormalization")
def embedding_norm(node: OnnxNode) -> list[Value]:
    """Look up words, positions and segments, add and normalise them."""
    ids, features = node.shape(), node.shape(2)[1]
    size, groups = prod(ids) * features, prod(ids)
    node.count(add=6 * size + groups, mul=3 * size, div=2 * groups, exp=groups)
    return [Value((*ids, features)), Value(ids[:1], 6)]


@rule("LRN")
def local_norm(node: OnnxNode) -> list[Value]:
    """Normalise by neighbouring channels."""
    size = node.input().size
    node.count(mul=2 * size, add=node.number("size", 1) * size, exp=size, div=size)
    return [Value(node.shape(), node.input().dtype)]


@rule("RotaryEmbedding", "com.microsoft::RotaryEmbedding")
def rotary(node: OnnxNode) -> list[Value]:
    """Rotate pairs of features."""
    size = node.input().size
    node.count(mul=2 * size, add=size)
    return [Value(node.shape(), node.input().dtype)]


@rule("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(node: OnnxNode) -> list[Value]:
    """Take the log-likelihood of each target, weighted and reduced; the second also computes a log-softmax."""
    scores, targets = node.input(), node.input(1)
    count = targets.size
    node.count(add=count, mul=count if node.has(2) else 0)
    if node.kind == "SoftmaxCrossEntropyLoss":
        node.count(cmp=scores.size, add=3 * scores.size, exp=scores.size + count)
    reduction = node.text("reduction", "mean")
    if reduction != "none":
        node.count(add=count - 1, div=1 if reduction == "mean" else 0)
    shape = targets.known if reduction == "none" else ()
    return [Value(shape, scores.dtype), Value(scores.known, scores.dtype)]
