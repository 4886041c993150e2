"""Calls of PyTorch's operators: what each computes, and the op that says the same.

The operators are those that a dispatch mode sees, `aten::*`. Shapes in a `Call` are those of PyTorch, with the batch.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from costcalc.foreign import make, one, without_batch
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from costcalc.ops import Op

    Shape = tuple[int, ...]
    Rule = Callable[["Call"], Op | None]

FREE = frozenset(
    (
        "_conj", "_copy_from", "_nested_tensor_from_mask", "_pack_padded_sequence", "_reshape_alias", "_to_copy",
        "_unsafe_view", "_upsample_nearest_exact2d", "alias", "arange", "as_strided", "bernoulli", "cat",
        "channel_shuffle", "chunk", "clone", "constant_pad_nd", "contiguous", "copy", "copy_", "detach", "diagonal",
        "diagonal_copy", "dropout", "embedding", "empty", "empty_like", "expand", "eye", "fill", "fill_", "flatten",
        "flip", "full", "full_like", "gather", "im2col", "index", "index_put", "index_put_", "index_select",
        "lift_fresh", "linspace", "masked_fill", "masked_fill_", "masked_select", "movedim", "narrow",
        "native_dropout", "new_empty", "new_full", "new_ones", "new_zeros", "ones", "ones_like", "permute",
        "pixel_shuffle", "pixel_unshuffle", "rand_like", "randn_like", "reflection_pad1d", "reflection_pad2d",
        "reflection_pad3d", "repeat", "repeat_interleave", "replication_pad1d", "replication_pad2d",
        "replication_pad3d", "reshape", "resolve_conj", "roll", "scalar_tensor", "scatter", "scatter_", "select",
        "select_scatter", "slice", "slice_scatter", "split", "split_with_sizes", "squeeze", "stack", "t", "to",
        "transpose", "tril", "triu", "unbind", "unfold", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes",
        "unsqueeze", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "view", "view_as_complex",
        "view_as_real", "where", "zero_", "zeros", "zeros_like",
    )
)  # fmt: skip
"""Operators that move data, and compute nothing."""

CONSTANT = frozenset(
    (
        "empty_like", "full_like", "new_empty", "new_full", "new_ones", "new_zeros", "ones_like", "rand_like",
        "randn_like", "zeros_like",
    )
)  # fmt: skip
"""Operators that take no more than the shape of a tensor."""

ONE_OUTPUT = frozenset(
    (
        "native_layer_norm",
        "native_group_norm",
        "native_batch_norm",
        "max_pool2d_with_indices",
        "max_pool3d_with_indices",
    )
)
"""Operators whose first output is their result; the others are for training, or rarely read."""

EACH = {
    "add": "add", "sub": "add", "rsub": "add", "neg": "add",
    "mul": "mul", "square": "mul", "div": "div", "reciprocal": "div",
    "pow": "exp", "exp": "exp", "exp2": "exp", "expm1": "exp",
    "log": "exp", "log1p": "exp", "log2": "exp", "sqrt": "exp",
    "rsqrt": "exp", "sin": "exp", "cos": "exp", "tan": "exp", "atan": "exp", "tanh": "exp", "erf": "exp", "abs": "cmp",
    "sign": "cmp", "clamp_min": "cmp", "clamp_max": "cmp",
    "maximum": "cmp", "minimum": "cmp", "eq": "cmp", "ne": "cmp",
    "lt": "cmp", "le": "cmp", "gt": "cmp",
    "ge": "cmp", "logical_not": "cmp", "logical_and": "cmp", "logical_or": "cmp",
    "bitwise_not": "cmp", "bitwise_and": "cmp", "bitwise_or": "cmp", "floor": "cmp", "ceil": "cmp", "round": "cmp",
    "trunc": "cmp", "remainder": "div", "floor_divide": "div",
    "fmod": "div", "cumsum": "add", "isnan": "cmp", "isinf": "cmp",
    "clamp": "cmp", "threshold": "cmp", "hardtanh": "cmp", "atan2": "exp", "polar": "exp",
}  # fmt: skip
"""Operators with one operation of a class for each element of the output."""

PER_ELEMENT: Mapping[str, Mapping[str, int]] = {
    "_softmax": {"cmp": 1, "add": 2, "exp": 1, "div": 1},
    "_safe_softmax": {"cmp": 1, "add": 2, "exp": 1, "div": 1},
    "sigmoid": {"exp": 1, "add": 1, "div": 1},
    "silu": {"exp": 1, "add": 1, "div": 1, "mul": 1},
    "gelu": {"mul": 3, "add": 1, "exp": 1},
    "relu": {"cmp": 1},
    "leaky_relu": {"cmp": 1, "mul": 1},
    "hardswish": {"mul": 2, "add": 1, "cmp": 2},
    "elu": {"cmp": 1, "exp": 1, "add": 1, "mul": 1},
    "native_batch_norm": {"mul": 1, "add": 1},
}
"""Operators with several operations for each element, as the ops of the same names."""

REDUCED = {"sum": "add", "mean": "add", "max": "cmp", "amax": "cmp", "min": "cmp", "amin": "cmp", "argmax": "cmp",
           "argmin": "cmp", "any": "cmp", "all": "cmp", "prod": "mul"}  # fmt: skip
"""Reductions, with one operation for each element that is joined to another."""


class Call(NamedTuple):
    """A call: the operator's name, its arguments, and the shapes of the tensors that it reads and writes.

    `live` says which inputs depend on the input of the network; the others are weights and constants.
    """

    name: str
    arguments: tuple[Any, ...]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    live: tuple[bool, ...]

    def argument(self, place: int, default: Any = None) -> Any:
        """Return a positional argument, or a default."""
        return self.arguments[place] if place < len(self.arguments) else default


def multiply_adds(call: Call) -> int:
    """Return the multiply-adds of a call, as `counting` defines them."""
    rule = MACS.get(call.name)
    return rule(call) if rule else 0


def figures(call: Call) -> dict[str, int] | None:
    """Return the multiply-adds and operations of a call, or None if there is no rule for it."""
    if call.name.startswith("_scaled_dot_product"):
        scores = _scores(call)
        mask = any(shape is not None and hasattr(shape, "shape") for shape in call.arguments[3:4])
        return {
            "macs": multiply_adds(call), "mul": scores, "cmp": scores, "add": (3 if mask else 2) * scores,
            "exp": scores, "div": scores,
        }  # fmt: skip
    if call.name in MACS:
        bias = {"addmm": 1, "baddbmm": 1}.get(call.name, 0) or (
            call.name == "convolution" and call.argument(2) is not None
        )
        return {"macs": multiply_adds(call)} | ({"add": prod(call.outputs[0])} if bias else {})
    plain = call.name.removesuffix("_")
    if call.name in FREE or plain in FREE:
        return {}
    if plain in PER_ELEMENT:
        return {quantity: times * prod(call.outputs[0]) for quantity, times in PER_ELEMENT[plain].items()}
    if plain == "native_layer_norm":
        each, groups = prod(call.outputs[0]), prod(call.outputs[1])
        factor, offset = (int(call.argument(place) is not None) for place in (2, 3))
        return {"add": (3 + offset) * each + groups, "mul": (2 + factor) * each, "div": 2 * groups, "exp": groups}
    if plain in EACH:
        return {EACH[plain]: prod(call.outputs[0])}
    if plain in REDUCED and call.inputs:
        kept = prod(call.outputs[0])
        return {REDUCED[plain]: prod(call.inputs[0]) - kept} | ({"div": kept} if plain == "mean" else {})
    if plain == "linalg_vector_norm":
        kept = prod(call.outputs[0])
        return {"mul": prod(call.inputs[0]), "add": prod(call.inputs[0]) - kept, "exp": kept}
    return None


def op_of(call: Call) -> Op | None:
    """Return the op that says the same as a call, if any. Its shapes and counts are to be compared."""
    plain = call.name.removesuffix("_")
    scalar = call.argument(1)
    if plain in BY and len(call.inputs) == 1 and isinstance(scalar, (int, float)) and call.argument(2) is None:
        return make(BY[plain], by=scalar) if scalar == scalar and abs(scalar) < MAX_SCALAR else None
    if plain in SAME:
        live = sum(call.live)
        return (
            make(SAME[plain]) if live == len(call.live) == (2 if plain in ("add", "mul", "sub", "div") else 1) else None
        )
    rule = OPS.get(plain)
    return rule(call) if rule else None


# Multiply-adds


def _convolution(call: Call) -> int:
    (_, inputs, *taps), transposed = call.inputs[1], call.argument(6)
    positions = prod((call.inputs[0] if transposed else call.outputs[0])[2:]) * call.outputs[0][0]
    return int(positions * prod(call.inputs[1])) if inputs or taps else 0


def _scores(call: Call) -> int:
    """Return the pairs of queries and keys of an attention product, over all heads."""
    *leading, queries, _ = call.inputs[0]
    keys = call.inputs[1][-2]
    causal = next((value for value in call.arguments[3:] if isinstance(value, bool) and value), False)
    pairs = queries * (queries + 1) // 2 if causal and queries == keys else queries * keys
    return int(prod(leading) * pairs)


MACS: Mapping[str, Callable[[Call], int]] = {
    "convolution": _convolution,
    "_convolution": _convolution,
    "convolution_overrideable": _convolution,
    "addmm": lambda call: prod(call.inputs[1]) * call.inputs[2][1],
    "mm": lambda call: prod(call.inputs[0]) * call.inputs[1][1],
    "bmm": lambda call: prod(call.inputs[0]) * call.inputs[1][2],
    "baddbmm": lambda call: prod(call.inputs[1]) * call.inputs[2][2],
    "mv": lambda call: prod(call.inputs[0]),
    "addmv": lambda call: prod(call.inputs[1]),
    "dot": lambda call: prod(call.inputs[0]),
    **{
        f"_scaled_dot_product_{kind}": lambda call: _scores(call) * (call.inputs[0][-1] + call.inputs[2][-1])
        for kind in (
            "attention_math", "cudnn_attention", "efficient_attention", "flash_attention", "flash_attention_for_cpu",
            "fused_attention_overrideable", "attention_math_for_mps",
        )
    },
}  # fmt: skip


# Ops

SAME = {
    "add": "add", "sub": "sub", "mul": "mul", "div": "div", "relu": "relu", "relu6": "relu6", "sigmoid": "sigmoid",
    "tanh": "tanh", "silu": "silu", "gelu": "gelu",
    "hardswish": "hardswish", "hardsigmoid": "hardsigmoid", "mish": "mish",
    "elu": "elu", "leaky_relu": "leaky_relu", "softplus": "softplus",
    "exp": "exp", "log": "log", "sqrt": "sqrt", "sin": "sin",
    "cos": "cos", "erf": "erf", "abs": "abs", "neg": "neg", "reciprocal": "reciprocal",
}  # fmt: skip
"""Operators that are an op of all their tensors."""


BY = {"add": "shift", "mul": "scale"}
"""Operators with a number, and the op that has it as a constant."""

MAX_SCALAR = 1e30


def _axis(axis: int, shape: Sequence[int]) -> int | None:
    """Return an axis counted without the batch, or None for the batch."""
    axis %= max(len(shape), 1)
    if len(shape) > 1 and shape[0] == 1:
        return axis - 1 if axis else None
    return axis


def _moved(call: Call) -> Op | None:
    entering, leaving = without_batch(call.inputs[0]), without_batch(call.outputs[0])
    if prod(entering) != prod(leaving):
        return None
    if entering == leaving:
        return make("identity")
    return make("flatten") if len(leaving) == 1 else make("reshape", shape=list(leaving))


def _permuted(call: Call) -> Op | None:
    rank = len(call.inputs[0])
    if call.name in ("transpose", "t"):
        first, second = (call.argument(place, default) % rank for place, default in ((1, 0), (2, 1)))
        order = list(range(rank))
        order[first], order[second] = order[second], order[first]
    else:
        order = [axis % rank for axis in call.argument(1)]
    if call.inputs[0][0] == 1 and rank > 1:
        if order[0] != 0:
            return None
        order = [axis - 1 for axis in order[1:]]
    return make("permute", order=order)


def _joined(call: Call) -> Op | None:
    axis = _axis(call.argument(1, 0), call.inputs[0])
    return make("concat", axis=axis) if axis is not None and all(call.live) else None


def _split(call: Call) -> Op | None:
    axis = _axis(call.argument(2, 0), call.inputs[0])
    if axis is None:
        return None
    sizes = [without_batch(shape)[axis] for shape in call.outputs]
    return make("split", parts=len(sizes), axis=axis) if len(set(sizes)) == 1 else make("split", sizes=sizes, axis=axis)


def _sliced(call: Call) -> Op | None:
    axis = _axis(call.argument(1, 0), call.inputs[0])
    start, stop, step = (call.argument(place, default) for place, default in ((2, 0), (3, None), (4, 1)))
    if axis is None or start is None:
        return None
    size = call.inputs[0][call.argument(1, 0)]
    return make("slice", axis=axis, start=start, stop=None if stop is None else min(stop, size), step=step)


def _reduced(call: Call) -> Op | None:
    axes = call.argument(1)
    axes = [axes] if isinstance(axes, int) else list(axes or ())
    kept = [_axis(axis, call.inputs[0]) for axis in axes]
    if not kept or None in kept:
        return None
    name = {"amax": "max"}.get(call.name, call.name)
    return make(name, axis=kept[0] if len(kept) == 1 else kept, keepdims=bool(call.argument(2, False)))


def _softmax(call: Call) -> Op | None:
    axis = _axis(call.argument(1), call.inputs[0])
    return None if axis is None else make("log_softmax" if call.name == "_log_softmax" else "softmax", axis=axis)


def _pooled(call: Call) -> Op | None:
    kernel = list(call.argument(1))
    stride = list(call.argument(2) or kernel)
    padding = list(call.argument(3) or [0])
    if call.name.startswith("max_pool"):
        dilation, ceil = list(call.argument(4) or [1]), bool(call.argument(5, False))
        return make(
            "maxpool", kernel=one(kernel), stride=one(stride), padding=one(padding), dilation=one(dilation), ceil=ceil
        )
    ceil = bool(call.argument(4, False))
    return make("avgpool", kernel=one(kernel), stride=one(stride), padding=one(padding), ceil=ceil)


def _adaptive(call: Call) -> Op | None:
    out = list(call.argument(1))
    return make("global_avgpool") if set(out) == {1} else make("adaptive_avgpool", out=one(out))


def _convolved(call: Call) -> Op | None:
    _, _, bias, stride, padding, dilation, transposed, output_padding, groups = call.arguments[:9]
    weight, channels = call.inputs[1], call.inputs[0][1]
    options: dict[str, Any] = {
        "kernel": one(weight[2:]), "stride": one(stride), "padding": one(padding), "dilation": one(dilation),
        "bias": bias is not None,
    }  # fmt: skip
    if transposed:
        out = weight[1] * groups
        return make("conv_transpose", out=out, groups=groups, output_padding=one(output_padding), **options)
    if groups == channels and groups > 1:
        return make("depthwise_conv", multiplier=weight[0] // groups, **options)
    return make("conv", out=weight[0], groups=groups, **options)


def _linear(call: Call) -> Op | None:
    bias = call.name == "addmm"
    live = call.live[1:] if bias else call.live
    return make("linear", out=call.outputs[0][-1], bias=bias) if live == (True, False) else None


def _matmul(call: Call) -> Op | None:
    return make("matmul") if all(call.live) else None


def _layer_norm(call: Call) -> Op | None:
    return make(
        "layernorm", axes=len(call.argument(1)), affine=call.argument(2) is not None,
        **({} if call.argument(2) is None else {"bias": call.argument(3) is not None}),
    )  # fmt: skip


def _group_norm(call: Call) -> Op | None:
    return make("groupnorm", groups=call.argument(6), affine=call.argument(1) is not None)


def _embedding(call: Call) -> Op | None:
    vocab, dim = call.inputs[0]
    return make("embedding", vocab=vocab, dim=dim)


def _upsampled(call: Call) -> Op | None:
    mode = call.name.removeprefix("upsample_").rstrip("123d") if call.name[-2:] in ("1d", "2d", "3d") else ""
    return make("upsample", size=one(call.outputs[0][2:]), mode=mode)


def _power(call: Call) -> Op | None:
    return make("square") if call.argument(1) == 2 and call.live == (True,) else None


OPS: Mapping[str, Rule] = {
    **dict.fromkeys(("view", "reshape", "_unsafe_view", "_reshape_alias", "flatten", "squeeze", "unsqueeze"), _moved),
    **dict.fromkeys(("permute", "transpose", "t"), _permuted),
    "cat": _joined,
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_split_with_sizes"), _split),
    "slice": _sliced,
    **dict.fromkeys(("mean", "sum", "amax"), _reduced),
    **dict.fromkeys(("_softmax", "_safe_softmax", "_log_softmax"), _softmax),
    **dict.fromkeys(("max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d"), _pooled),
    **dict.fromkeys(("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool1d"), _adaptive),
    **dict.fromkeys(("convolution", "_convolution", "convolution_overrideable"), _convolved),
    **dict.fromkeys(("mm", "addmm"), _linear),
    "bmm": _matmul,
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    "embedding": _embedding,
    **dict.fromkeys([f"upsample_nearest{rank}d" for rank in (1, 2, 3)], _upsampled),
    **dict.fromkeys(
        ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"), _upsampled
    ),
    "pow": _power,
}
