"""A random configuration of each op, and PyTorch's module or function for it.

A case is made by a function of `draw`, as hypothesis gives it. Its reference is built and called on the meta device,
which has shapes and no numbers, so that a case takes about a millisecond.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable


class Case(NamedTuple):
    """An op's arguments, the shapes of its inputs, and what makes PyTorch's form of it.

    `batch` is False where inputs broadcast, since an axis in front of all of them would change how they are aligned.
    `surplus` are multiply-adds that PyTorch counts and the rules do not.
    """

    arguments: dict[str, Any]
    inputs: list[tuple[int, ...]]
    reference: Callable[[], Callable[..., Any]]
    batch: bool = True
    surplus: int = 0


CASES: dict[str, Callable[[Any], Case]] = {}


def case(*names):
    """Register a function of `draw` and, with several names, of the name."""

    def register(make):
        for name in names:
            CASES[name] = make if len(names) == 1 else lambda draw, name=name: make(draw, name)
        return make

    return register


def number(draw, least, most):
    return draw(st.integers(least, most))


def flag(draw):
    return draw(st.booleans())


def shape(draw, least=1, most=4, size=7):
    return tuple(draw(st.lists(st.integers(1, size), min_size=least, max_size=most)))


def image(draw, channels=None, size=12, least=1):
    """Channels and one to three spatial dimensions."""
    rank = number(draw, 1, 3)
    top = size if rank < 3 else max(least, size // 2)
    return (channels or number(draw, 1, 9), *(number(draw, least, top) for _ in range(rank)))


def each(draw, rank, least, most):
    """One number for all dimensions or one for each: as costcalc takes it, and as a tuple."""
    if flag(draw):
        value = number(draw, least, most)
        return value, (value,) * rank
    values = tuple(number(draw, least, most) for _ in range(rank))
    return list(values), values


def module(name, rank):
    return getattr(nn, f"{name}{rank}d")


def padded(inner, margins, value=0.0):
    """A module behind a padding of (before, after) for each dimension, which PyTorch lists from the last."""
    flat = [side for pair in reversed(margins) for side in pair]

    class Padded(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(functional.pad(x, flat, value=value))

    return Padded()


def same(sizes, kernel, stride, dilation):
    """The margins with which a window has ceil(size / stride) positions."""
    margins = []
    for size, taps, step, gap in zip(sizes, kernel, stride, dilation, strict=True):
        total = max((-(-size // step) - 1) * step + gap * (taps - 1) + 1 - size, 0)
        margins.append((total // 2, total - total // 2))
    return margins


def without_cost(function):
    return lambda: function


@case("conv", "depthwise_conv")
def conv(draw, name):
    groups = number(draw, 1, 4)
    x = image(draw, groups * number(draw, 1, 4) if flag(draw) or name == "conv" else None)
    rank = len(x) - 1
    kernel, kernels = each(draw, rank, 1, 4)
    stride, strides = each(draw, rank, 1, 3)
    dilation, dilations = each(draw, rank, 1, 3)
    padding = draw(st.sampled_from(["same", "valid", None]))
    margins = (0,) * rank
    if padding is None:
        padding, margins = each(draw, rank, 0, 3)
    pairs = None
    if flag(draw):
        padding = pairs = [[number(draw, 0, 3), number(draw, 0, 3)] for _ in range(rank)]
        margins = (0,) * rank
    elif padding == "same":
        pairs = same(x[1:], kernels, strides, dilations)
    bias = flag(draw)
    arguments = {"kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding, "bias": bias}
    if name == "conv":
        out = groups * number(draw, 1, 4) + draw(st.sampled_from([0, 0, 0, 1]))  # at times not divisible
        arguments |= {"out": out, "groups": groups}
    else:
        arguments["multiplier"] = number(draw, 1, 3)
        out, groups = x[0] * arguments["multiplier"], x[0]

    def reference():
        inner = module("Conv", rank)(x[0], out, kernels, strides, margins, dilations, groups, bias)
        return inner if pairs is None else padded(inner, pairs)

    return Case(arguments, [x], reference)


@case("deform_conv")
def deform_conv(draw):
    """PyTorch itself has none: the products are those of a convolution; where it reads makes no difference to them."""
    x = (2 * number(draw, 1, 3), number(draw, 4, 9), number(draw, 4, 9))
    kernel, kernels = each(draw, 2, 1, 3)
    stride, groups, offset_groups = number(draw, 1, 2), number(draw, 1, 2), number(draw, 1, 2)
    out, bias, own, masks = 2 * number(draw, 1, 3), flag(draw), flag(draw), flag(draw)
    taps = kernels[0] * kernels[1] * offset_groups
    sizes = [(size + 2 - taps) // stride + 1 for size, taps in zip(x[1:], kernels, strict=True)]
    inputs = [x]
    if not own:
        inputs += [(2 * taps, *sizes), (taps, *sizes)][: 1 + masks]

    class Deformable(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Conv2d(x[0], out, kernels, stride, 1, 1, groups, bias)
            self.offsets = nn.Conv2d(x[0], (3 if masks else 2) * taps, kernels, stride, 1) if own else None

        def forward(self, y, *offsets):
            if self.offsets:
                offsets = (self.offsets(y),)
            y = self.inner(y)
            for each in offsets:
                if each.shape[-2:] != y.shape[-2:]:
                    raise ValueError("the offsets do not fit")
            return y

    arguments = {"out": out, "kernel": kernel, "stride": stride, "padding": 1, "groups": groups, "bias": bias}
    arguments |= {"offset_groups": offset_groups, "offsets": own} | ({"masks": masks} if own else {})
    return Case(arguments, inputs, Deformable)


@case("conv_transpose")
def conv_transpose(draw):
    groups = number(draw, 1, 3)
    x = image(draw, groups * number(draw, 1, 4), size=8)
    rank = len(x) - 1
    out = groups * number(draw, 1, 4)
    named = {
        "kernel": each(draw, rank, 1, 4),
        "stride": each(draw, rank, 1, 3),
        "padding": each(draw, rank, 0, 2),
        "output_padding": each(draw, rank, 0, 2),
        "dilation": each(draw, rank, 1, 3),
    }
    bias = flag(draw)
    kernel, stride, padding, output_padding, dilation = (full for _, full in named.values())

    def reference():
        for extra, step, gap in zip(output_padding, stride, dilation, strict=True):
            if extra >= step and extra >= gap:
                raise ValueError("the kernels on CPU and GPU refuse this, the meta device forgets to")
        kind = module("ConvTranspose", rank)
        return kind(x[0], out, kernel, stride, padding, output_padding, groups, bias, dilation)

    arguments = {key: value for key, (value, _) in named.items()}
    arguments |= {"out": out, "groups": groups, "bias": bias}
    if draw(st.sampled_from([False, False, False, True])):
        del arguments["output_padding"]
        arguments["padding"] = "same"

        def cut():
            inner = module("ConvTranspose", rank)(x[0], out, kernel, stride, 0, 0, groups, bias, dilation)
            return lambda_module(
                inner, lambda y: resized(y, [size * by for size, by in zip(x[1:], stride, strict=True)])
            )

        return Case(arguments, [x], cut)
    return Case(arguments, [x], reference)


def resized(y, sizes):
    """The same tensor cut or padded to other sizes."""
    margins = [size - own for size, own in zip(sizes, y.shape[2:], strict=True)]
    return functional.pad(y, [side for margin in reversed(margins) for side in (0, margin)])


def lambda_module(inner, function):
    """A module, and a function of what it returns."""

    class After(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def forward(self, *inputs):
            return function(self.inner(*inputs))

    return After()


@case("linear")
def linear(draw):
    x, out, bias = shape(draw), number(draw, 1, 9), flag(draw)
    return Case({"out": out, "bias": bias}, [x], lambda: nn.Linear(x[-1], out, bias))


@case("embedding")
def embedding(draw):
    vocab, dim = number(draw, 1, 50), number(draw, 1, 9)

    class Lookup(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(vocab, dim)

        def forward(self, x):
            return self.table(x.long())

    return Case({"vocab": vocab, "dim": dim}, [shape(draw)], Lookup)


@case("matmul")
def matmul(draw):
    batch = shape(draw, 0, 3, 4)
    left, right = (
        tuple(draw(st.sampled_from([size, 1])) for size in batch[number(draw, 0, len(batch)) :]) for _ in range(2)
    )
    m, k, n = (number(draw, 1, 7) for _ in range(3))
    inner = draw(st.sampled_from([k, k, k, k + 1]))  # at times not equal
    transpose = flag(draw)
    return Case(
        {"transpose_b": transpose},
        [(*left, m, k), (*right, n, inner) if transpose else (*right, inner, n)],
        without_cost(lambda a, b: a @ (b.mT if transpose else b)),
        batch=False,
    )


class Attention(nn.Module):
    """Projections to heads of any size and number, then the two products, as Vaswani et al. 2017, section 3.2."""

    def __init__(self, features, context, heads, kv_heads, size, value_size, bias, *, cache=0, table=0):
        super().__init__()
        self.heads, self.kv_heads, self.sizes, self.cache = heads, kv_heads, (size, value_size), cache
        self.q = nn.Linear(features, heads * size, "q" in bias)
        self.k = nn.Linear(context, kv_heads * size, "k" in bias)
        self.v = nn.Linear(context, kv_heads * value_size, "v" in bias)
        self.out = nn.Linear(heads * value_size, features, "out" in bias)
        self.table = nn.Parameter(torch.empty(heads, table))

    def forward(self, x, context=None):
        context = x if context is None else context
        q = self.q(x).unflatten(-1, (self.heads, self.sizes[0])).movedim(-2, -3)
        k, v = (
            functional.pad(
                projection(context).unflatten(-1, (self.kv_heads, size)).movedim(-2, -3), (0, 0, self.cache, 0)
            ).repeat_interleave(self.heads // self.kv_heads, -3)
            for projection, size in zip((self.k, self.v), self.sizes, strict=True)
        )
        return self.out(((q @ k.mT).softmax(-1) @ v).movedim(-3, -2).flatten(-2))


@case("attention")
def attention(draw):
    heads, size = number(draw, 1, 6), number(draw, 1, 5)
    length, bias, leading = number(draw, 1, 9), flag(draw), shape(draw, 0, 2, 3)
    if flag(draw):  # torch.nn.MultiheadAttention knows no leading axes, no other size of heads, and no fewer kv-heads
        features, context = heads * size, number(draw, 1, 9)
        other = (number(draw, 1, 9), context) if flag(draw) else None
        causal = other is None and flag(draw)

        class Multihead(nn.Module):
            def __init__(self):
                super().__init__()
                sizes = {"kdim": context, "vdim": context} if other else {}
                self.inner = nn.MultiheadAttention(features, heads, bias=bias, batch_first=True, **sizes)

            def forward(self, x, y=None):
                mask = torch.ones(length, length, dtype=torch.bool).triu(1) if causal else None
                y = x if y is None else y
                return self.inner(x, y, y, attn_mask=mask)[0]

        # PyTorch counts the full square of a causal mask: above the diagonal, T(T-1)/2 pairs for each of two products
        surplus = 2 * heads * size * length * (length - 1) // 2 if causal else 0
        inputs = [(length, features), *([other] if other else [])]
        return Case({"heads": heads, "bias": bias, "causal": causal}, inputs, Multihead, surplus=surplus)
    kv_heads = draw(st.sampled_from([divisor for divisor in range(1, heads + 1) if heads % divisor == 0]))
    features, context = number(draw, 1, 9), number(draw, 1, 9)
    inputs = [(*leading, length, features)]
    named = draw(st.lists(st.sampled_from(["q", "k", "v", "out"]), unique=True))
    value_size, cache, table = number(draw, 1, 5), number(draw, 0, 5), number(draw, 0, 5)
    arguments = {"heads": heads, "kv_heads": kv_heads, "head_dim": size, "value_dim": value_size, "bias_table": table}
    arguments |= {"bias": bias if flag(draw) else named, "cache": cache}
    biases = ["q", "k", "v", "out"] if arguments["bias"] is True else arguments["bias"] or []
    surplus, size_and_value = 0, size + value_size
    if flag(draw):
        inputs.append((*leading, number(draw, 1, 9), context))
    elif flag(draw):  # what a query does not see is in the full square all the same
        window = arguments["window"] = number(draw, 1, 9)
        seen = sum(min(window, cache + step + 1) for step in range(length))
        surplus = prod(leading) * heads * size_and_value * (length * (cache + length) - seen)
    return Case(
        arguments,
        inputs,
        lambda: Attention(
            features, inputs[-1][-1], heads, kv_heads, size, value_size, biases, cache=cache, table=table
        ),
        surplus=surplus,
    )


@case("lstm", "gru", "rnn")
def recurrent(draw, name):
    x = (*shape(draw, 0, 2, 3), number(draw, 1, 7), number(draw, 1, 9))
    hidden, layers, both, bias = number(draw, 2, 9), number(draw, 1, 3), flag(draw), flag(draw)
    projection = number(draw, 1, hidden - 1) if name == "lstm" and flag(draw) else None
    more = {} if projection is None else {"projection": projection}
    options = {} if projection is None else {"proj_size": projection}

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            kind = getattr(nn, name.upper())
            self.inner = kind(x[-1], hidden, layers, bias=bias, batch_first=True, bidirectional=both, **options)

        def forward(self, sequence):
            return self.inner(sequence.reshape(-1, *x[-2:]))[0].reshape(*sequence.shape[:-1], -1)

    arguments = {"hidden": hidden, "layers": layers, "bidirectional": both, "bias": bias, **more}
    return Case(arguments, [x], Recurrent)


@case("einsum")
def einsum(draw):
    """A product of two tensors over shared indices, in any order of the axes, or one tensor with its axes exchanged."""
    sizes = {index: number(draw, 2, 5) for index in "abmnk"}
    batch, left, right = ("".join(draw(st.sampled_from([each, ""]))) for each in ("ab", "m", "n"))
    operands = [f"{batch}{left}k", f"k{right}{batch}"] if flag(draw) else [f"{batch}{left}k"]
    output = f"{batch}{left}{right}" if len(operands) == 2 else operands[0]
    operands = ["".join(draw(st.permutations(term))) for term in operands]
    equation = f"{','.join(operands)}->{''.join(draw(st.permutations(output)))}"
    inputs = [tuple(sizes[index] for index in term) for term in operands]
    return Case({"equation": equation}, inputs, without_cost(lambda *y: torch.einsum(equation, *y)), batch=False)


@case("dispatch")
def dispatch(draw):
    x, active = shape(draw, 2, 3), number(draw, 1, 4)
    return Case({"active": active}, [x], without_cost(lambda y: torch.cat([y] * active, -2)))


@case("combine")
def combine(draw):
    """The weighted sum of the outputs of the active experts, element by element."""
    (steps, features), active = (number(draw, 1, 6), number(draw, 1, 6)), number(draw, 1, 4)

    def joined(y, scores):
        weights = scores[..., :active] if scores.shape[-1] >= active else scores[..., :1].expand(steps, active)
        return (y.reshape(active, steps, features) * weights.T[..., None]).sum(0)

    inputs = [(active * steps, features), (steps, number(draw, 1, 6))]
    return Case({"active": active}, inputs, without_cost(joined), batch=False)


@case("given")
def given(draw):
    """The figures of a linear layer, stated."""
    x, out = shape(draw), number(draw, 1, 9)
    macs = prod(x) * out
    figures = {"macs": macs, "params": x[-1] * out, "kind": "linear"}
    return Case({"shape": [*x[:-1], out], **figures}, [x], lambda: nn.Linear(x[-1], out, bias=False))


@case("selective_scan")
def selective_scan(draw):
    length, features, state, skip = number(draw, 1, 5), number(draw, 1, 5), number(draw, 1, 5), flag(draw)
    x, states = (length, features), (length, state)
    inputs = [x, x, states, states, (features, state), (features,)][: number(draw, 1, 6)]

    def scan(x, delta=None, B=None, C=None, A=None, D=None):  # noqa: N803
        state_of = torch.zeros(features, state, device="meta")
        A, D = (torch.zeros(features, state, device="meta"), torch.zeros(features, device="meta"))  # noqa: N806
        steps = []
        for step in range(length):
            factor, row = x[step], torch.zeros(state, device="meta")
            state_of = (factor[:, None] * A).exp() * state_of + factor[:, None] * row
            steps.append((state_of @ row[:, None])[:, 0] + (D * x[step] if skip else 0))
        return torch.stack(steps)

    # The counter has no rule for multiply-adds that are not of matrices: the state and the skip
    unseen = length * features * (state + skip)
    return Case({"state": state, "skip": skip}, inputs, without_cost(scan), batch=False, surplus=-unseen)


@case("maxpool", "avgpool")
def pool(draw, name):
    x = image(draw)
    rank = len(x) - 1
    kernel, kernels = each(draw, rank, 1, 4)
    padding, margins = each(draw, rank, 0, 2)
    arguments = {"kernel": kernel, "padding": padding}
    if name == "avgpool" and rank == 3:  # PyTorch's AvgPool3d alone refuses a window larger than the input
        x = (x[0], *map(max, x[1:], kernels))
    strides, dilations = kernels, (1,) * rank
    if flag(draw):
        arguments["stride"], strides = each(draw, rank, 1, 5)
    if name == "maxpool" and flag(draw):
        arguments["dilation"], dilations = each(draw, rank, 1, 3)
    ceil = arguments["ceil"] = flag(draw)
    if draw(st.sampled_from([False, False, True])):
        arguments["padding"], margins, ceil = "same", (0,) * rank, False
    kind = {"maxpool": "MaxPool", "avgpool": "AvgPool"}[name]

    def reference():
        options = {"dilation": dilations} if name == "maxpool" else {}
        inner = module(kind, rank)(kernels, strides, margins, ceil_mode=ceil, **options)
        if arguments["padding"] != "same":
            return inner
        return padded(inner, same(x[1:], kernels, strides, dilations), value=float("-inf"))

    return Case(arguments, [x], reference)


@case("global_avgpool", "global_maxpool")
def global_pool(draw, name):
    x, keepdims = image(draw), flag(draw)
    reduce = torch.mean if name == "global_avgpool" else torch.amax
    axes = tuple(range(2, len(x) + 1))
    return Case({"keepdims": keepdims}, [x], without_cost(lambda y: reduce(y, axes, keepdim=keepdims)))


@case("adaptive_avgpool", "adaptive_maxpool")
def adaptive_pool(draw, name):
    x = image(draw)
    out, outs = each(draw, len(x) - 1, 1, 9)
    kind = "AdaptiveAvgPool" if name == "adaptive_avgpool" else "AdaptiveMaxPool"
    return Case({"out": out}, [x], lambda: module(kind, len(x) - 1)(outs))


@case("batchnorm")
def batchnorm(draw):
    x, affine, buffers = shape(draw, 1, 4), flag(draw), flag(draw)
    axis = number(draw, 0, len(x) - 1)
    options = {"affine": affine, "track_running_stats": buffers}

    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = module("BatchNorm", max(len(x) - 1, 1))(x[axis], **options).eval()

        def forward(self, y):
            return self.inner(y.movedim(axis + 1, 1)).movedim(1, axis + 1)

    return Case({"affine": affine, "buffers": buffers, "axis": axis}, [x], Norm)


@case("instancenorm")
def instancenorm(draw):
    x, affine = image(draw, least=2), flag(draw)  # PyTorch refuses statistics of a single element
    return Case({"affine": affine}, [x], lambda: module("InstanceNorm", len(x) - 1)(x[0], affine=affine))


@case("groupnorm")
def groupnorm(draw):
    groups, affine = number(draw, 1, 5), flag(draw)
    channels = groups * number(draw, 1, 4) + draw(st.sampled_from([0, 0, 0, 1]))  # at times not divisible
    x = (channels, *shape(draw, 0, 3))
    return Case({"groups": groups, "affine": affine}, [x], lambda: nn.GroupNorm(groups, channels, affine=affine))


@case("layernorm", "rmsnorm")
def trailing_norm(draw, name):
    x, affine = shape(draw, 1, 4), flag(draw)
    axes = draw(st.sampled_from(["all", *range(1, len(x) + 1)]))
    more, options = {}, {}
    if name == "layernorm":
        options["bias"] = more["bias"] = flag(draw)
    kind = nn.LayerNorm if name == "layernorm" else nn.RMSNorm
    return Case(
        {"axes": axes, "affine": affine, **more},
        [x],
        lambda: kind(x if axes == "all" else x[-axes:], elementwise_affine=affine, **options),
    )


@case("lrn")
def lrn(draw):
    size = number(draw, 1, 7)
    return Case({"size": size}, [image(draw)], lambda: nn.LocalResponseNorm(size))


MODULES = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "tanh": nn.Tanh,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "gelu": nn.GELU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "identity": nn.Identity,
}
FUNCTIONS = {
    "abs": torch.abs, "clip": lambda x: torch.clamp(x, 0, 1), "neg": torch.neg, "square": torch.square,
    "reciprocal": torch.reciprocal, "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "sin": torch.sin,
    "cos": torch.cos, "erf": torch.erf,
}  # fmt: skip


@case(*MODULES)
def elementwise(draw, name):
    return Case({}, [shape(draw, 0, 4)], MODULES[name])


@case(*FUNCTIONS)
def function(draw, name):
    return Case({}, [shape(draw, 0, 4)], without_cost(FUNCTIONS[name]))


@case("l2norm")
def l2norm(draw):
    x = shape(draw, 1, 4)
    axis = number(draw, -len(x), len(x) - 1)
    normalize = nn.functional.normalize
    return Case({"axis": axis}, [x], without_cost(lambda y: normalize(y, dim=axis if axis < 0 else axis + 1)))


@case("glu")
def glu(draw):
    x = list(shape(draw, 1, 4))
    axis = number(draw, -len(x), len(x) - 1)
    x[axis] = 2 * number(draw, 1, 4) + draw(st.sampled_from([0, 0, 0, 1]))  # at times odd
    return Case({"axis": axis}, [tuple(x)], lambda: nn.GLU(axis if axis < 0 else axis + 1))


@case("sub", "div")
def two(draw, name):
    operation = torch.sub if name == "sub" else torch.div
    return Case({}, broadcasting(draw, 2), without_cost(operation), batch=False)


@case("shift")
def shift(draw):
    x = shape(draw, 1, 4)
    axis = number(draw, -len(x), len(x) - 1)

    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.offset = nn.Parameter(torch.zeros(x[axis]))

        def forward(self, y):
            return y + self.offset.reshape(-1, *(1,) * (len(x) - 1 - axis % len(x)))

    return Case({"axis": axis}, [x], Shift)


@case("rope")
def rope(draw):
    x = shape(draw, 2, 4)

    def rotated(y):
        first, second = y.chunk(2, -1)
        return torch.cat((first - second, first + second), -1)

    if x[-1] % 2:
        x = (*x[:-1], x[-1] + 1)
    return Case({}, [x], without_cost(rotated))


@case("dropout")
def dropout(draw):
    p = draw(st.floats(0, 1))
    return Case({"p": p}, [shape(draw, 0, 4)], lambda: nn.Dropout(p))


@case("prelu")
def prelu(draw):
    x, per_channel = shape(draw, 1, 4), flag(draw)
    return Case({"per_channel": per_channel}, [x], lambda: nn.PReLU(x[0] if per_channel else 1))


@case("softmax", "log_softmax")
def softmax(draw, name):
    x = shape(draw, 1, 4)
    axis = number(draw, -len(x), len(x) - 1)
    kind = nn.Softmax if name == "softmax" else nn.LogSoftmax
    return Case({"axis": axis}, [x], lambda: kind(axis if axis < 0 else axis + 1))


@case("scale")
def scale(draw):
    x = shape(draw, 1, 4)
    axis = number(draw, -len(x), len(x) - 1)

    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.ones(x[axis]))

        def forward(self, y):
            return y * self.factor.reshape(-1, *(1,) * (len(x) - 1 - axis % len(x)))

    return Case({"axis": axis}, [x], Scale)


def broadcasting(draw, count):
    """Shapes that broadcast, at times not."""
    whole = shape(draw, 1, 4, 5)
    shapes = []
    for _ in range(count):
        part = whole[number(draw, 0, len(whole) - 1) :]
        shapes.append(tuple(draw(st.sampled_from([size, size, 1])) for size in part))
    if draw(st.sampled_from([False] * 5 + [True])):
        shapes[-1] = (*shapes[-1][:-1], 9)
    return shapes


@case("parameter")
def parameter(draw):
    x, learnt = broadcasting(draw, 2)

    class Learnt(nn.Module):
        def __init__(self):
            super().__init__()
            self.learnt = nn.Parameter(torch.ones(learnt))

        def forward(self, y):
            return y + self.learnt

    return Case({"shape": list(learnt)}, [x], Learnt, batch=False)


@case("weight")
def weight(draw):
    sizes = shape(draw, 1, 3)

    class Weight(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(sizes))

        def forward(self):
            return self.weight

    return Case({"shape": list(sizes)}, [], Weight, batch=False)


@case("concat_token")
def concat_token(draw):
    x, count = shape(draw, 2, 4), number(draw, 1, 4)

    class Token(nn.Module):
        def __init__(self):
            super().__init__()
            self.token = nn.Parameter(torch.ones(count, x[-1]))

        def forward(self, y):
            return torch.cat([self.token.expand(*y.shape[:-2], count, x[-1]), y], dim=-2)

    return Case({"count": count}, [x], Token)


@case("flatten")
def flatten(draw):
    x = shape(draw, 1, 4)
    start = number(draw, -len(x), len(x) - 1)
    return Case({"start": start}, [x], lambda: nn.Flatten(start if start < 0 else start + 1))


@case("reshape")
def reshape(draw):
    x = shape(draw, 1, 4)
    target = list(draw(st.permutations(x)))
    if flag(draw) and len(target) > 1:
        target[:2] = [target[0] * target[1]]
    if flag(draw):
        target[number(draw, 0, len(target) - 1)] = -1
    if draw(st.sampled_from([False] * 5 + [True])):
        target[number(draw, 0, len(target) - 1)] = 11  # no factor of any size that is drawn
    return Case({"shape": target}, [x], without_cost(lambda y: y.reshape(target)), batch=False)


@case("expand")
def expand(draw):
    full = shape(draw, 1, 4)
    x = tuple(draw(st.sampled_from([size, size, 1])) for size in full)[number(draw, 0, len(full) - 1) :]
    target = [draw(st.sampled_from([size, size, size, -1])) for size in full]
    return Case({"shape": target}, [x], without_cost(lambda y: y.expand(target)), batch=False)


@case("tile")
def tile(draw):
    x = shape(draw, 1, 4)
    times = [number(draw, 1, 3) for _ in x]
    return Case({"times": times}, [x], without_cost(lambda y: y.repeat(1, *times)))


@case("roll")
def roll(draw):
    x = shape(draw, 1, 4)
    axes = draw(st.lists(st.integers(-len(x), len(x)), min_size=1, max_size=1))
    along = [axis if axis < 0 else axis + 1 for axis in axes]
    shift = [number(draw, -5, 5) for _ in axes]
    return Case({"shift": shift, "axis": axes}, [x], without_cost(lambda y: torch.roll(y, shift, along)))


@case("gather")
def gather(draw):
    x = shape(draw, 1, 4)
    axis = number(draw, 0, len(x) - 1)
    if flag(draw):
        count = number(draw, 1, 9)
        index = [0] * count
        return Case(
            {"count": count, "axis": axis}, [x], without_cost(lambda y: y[(slice(None),) * (axis + 1) + (index,)])
        )
    indices = shape(draw, 1, 2)
    taken = without_cost(lambda y, i: y[(slice(None),) * axis + (i.long(),)])
    return Case({"axis": axis}, [x, indices], taken, batch=False)


@case("permute")
def permute(draw):
    x = shape(draw, 1, 4)
    order = [draw(st.sampled_from([axis, axis - len(x)])) for axis in draw(st.permutations(range(len(x))))]
    if draw(st.sampled_from([False] * 5 + [True])):
        order[0] = order[-1] = draw(st.sampled_from([0, len(x)]))
    return Case({"order": order}, [x], without_cost(lambda y: y.permute(order)), batch=False)


@case("split")
def split(draw):
    before, after = shape(draw, 0, 2), shape(draw, 0, 2)
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    axis = len(before) if flag(draw) else -1 - len(after)
    along = axis if axis < 0 else axis + 1
    if flag(draw):
        parts = len(sizes)
        x = (*before, parts * sizes[0], *after)
        return Case({"parts": parts, "axis": axis}, [x], without_cost(lambda y: y.chunk(parts, along)))
    x = (*before, sum(sizes) + draw(st.sampled_from([0, 0, 0, 1])), *after)  # at times not all of it
    return Case({"sizes": sizes, "axis": axis}, [x], without_cost(lambda y: y.split(sizes, along)))


@case("slice")
def slice_(draw):
    x = shape(draw, 1, 4)
    axis = number(draw, 0, len(x) - 1)
    start, step = number(draw, -9, 3), number(draw, 1, 3)
    stop = draw(st.sampled_from([None, None, *range(-3, 9)]))

    def cut(y):
        out = y[(slice(None),) * (axis + 1) + (slice(start, stop, step),)]
        if out.numel() == 0:
            raise ValueError("PyTorch takes an empty tensor; costcalc does not")
        return out

    return Case({"axis": axis, "start": start, "stop": stop, "step": step}, [x], without_cost(cut))


@case("pad", "crop")
def pad(draw, name):
    x = image(draw)
    amount = number(draw, 0, 3)
    pairs = [(amount, amount)] * (len(x) - 1)
    if flag(draw):
        amount = [[number(draw, 0, 4), number(draw, 0, 4)] for _ in x[1:]]
        pairs = amount
    sign = 1 if name == "pad" else -1

    def margin(y):
        out = functional.pad(y, [sign * side for pair in reversed(pairs) for side in pair])
        if out.numel() == 0:
            raise ValueError("PyTorch takes an empty tensor; costcalc does not")
        return out

    return Case({"amount": amount}, [x], without_cost(margin))


@case("mean", "sum", "max")
def reduction(draw, name):
    x, keepdims = shape(draw, 1, 4), flag(draw)
    axes = draw(st.lists(st.integers(0, len(x) - 1), min_size=1, unique=True))
    axes = [draw(st.sampled_from([axis, axis - len(x)])) for axis in axes]
    axis = axes[0] if len(axes) == 1 and flag(draw) else axes
    reduce = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax}[name]
    along = tuple(axis if axis < 0 else axis + 1 for axis in axes)
    return Case({"axis": axis, "keepdims": keepdims}, [x], without_cost(lambda y: reduce(y, along, keepdim=keepdims)))


@case("upsample")
def upsample(draw):
    x = image(draw)
    fitting = {2: ["linear"], 3: ["bilinear", "bicubic"], 4: ["trilinear"]}[len(x)] * 3
    others = ["nearest", "linear", "bilinear", "trilinear", "bicubic"]
    arguments = {"mode": draw(st.sampled_from(fitting + others))}
    name = draw(st.sampled_from([None, "scale", "size"]))
    options = {"scale_factor": (2.0,) * (len(x) - 1)}
    if name:
        arguments[name], full = each(draw, len(x) - 1, 1, 9)
        options = {"size": full} if name == "size" else {"scale_factor": tuple(map(float, full))}
    return Case(arguments, [x], lambda: nn.Upsample(mode=arguments["mode"], **options))


@case("pixel_shuffle", "pixel_unshuffle")
def pixels(draw, name):
    factor, channels = number(draw, 1, 3), number(draw, 1, 4)
    x = image(draw, channels, size=5)
    odd = draw(st.sampled_from([0, 0, 0, 1]))  # at times not divisible
    rank = len(x) - 1
    if name == "pixel_shuffle":
        x = (channels * factor**rank + odd, *x[1:])
    else:
        x = (channels, *(size * factor + odd for size in x[1:]))
    if rank == 2:
        return Case({"factor": factor}, [x], lambda: {"s": nn.PixelShuffle, "u": nn.PixelUnshuffle}[name[6]](factor))

    def shuffle(y):  # PyTorch's are for images; the same for signals and volumes
        y = y.reshape(y.shape[0], -1, *(factor,) * rank, *x[1:])
        y = y.permute(
            0,
            1,
            *(axis for pair in zip(range(2 + rank, 2 + 2 * rank), range(2, 2 + rank), strict=True) for axis in pair),
        )
        return y.reshape(y.shape[0], y.shape[1], *(size * factor for size in x[1:]))

    def unshuffle(y):
        y = y.reshape(*y.shape[:2], *(part for size in x[1:] for part in (size // factor, factor)))
        y = y.permute(0, 1, *range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2))
        return y.reshape(y.shape[0], -1, *(size // factor for size in x[1:]))

    return Case({"factor": factor}, [x], without_cost(shuffle if name == "pixel_shuffle" else unshuffle))


@case("channel_shuffle")
def channel_shuffle(draw):
    groups = number(draw, 1, 4)
    x = image(draw, groups * number(draw, 1, 4) + draw(st.sampled_from([0, 0, 0, 1])))  # at times not divisible
    return Case({"groups": groups}, [x], lambda: nn.ChannelShuffle(groups))


@case("add", "mul")
def join(draw, name):
    def joined(first, *others):
        for other in others:
            first = first + other if name == "add" else first * other
        return first

    return Case({}, broadcasting(draw, number(draw, 2, 4)), without_cost(joined), batch=False)


@case("concat")
def concat(draw):
    x = shape(draw, 1, 4)
    axis = number(draw, -len(x), len(x) - 1)
    inputs = []
    for _ in range(number(draw, 1, 4)):
        part = list(x)
        part[axis] = number(draw, 1, 7)
        inputs.append(tuple(part))
    if len(inputs) > 1 and draw(st.sampled_from([False] * 5 + [True])):
        inputs[-1] = tuple(size + 1 for size in inputs[-1]) if flag(draw) else (*inputs[-1], 1)
    if len(inputs) > 1 and len(x) == 1 and len(inputs[-1]) == 1:
        inputs[-1] = (number(draw, 1, 7),)
    return Case({"axis": axis}, inputs, without_cost(lambda *parts: torch.cat(parts, axis)), batch=False)
