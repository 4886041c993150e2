"""The op of costcalc that says the same as a node of ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.foreign import make, one, without_batch
from costcalc.onnx.values import axis_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from costcalc.onnx.run import NodeRow
    from costcalc.ops import Op

PLAIN = {
    "Relu": "relu", "LeakyRelu": "leaky_relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Elu": "elu", "Selu": "selu",
    "Softplus": "softplus", "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish", "Gelu": "gelu", "Mish": "mish",
    "Swish": "silu", "Identity": "identity", "Dropout": "dropout", "Exp": "exp", "Log": "log", "Sqrt": "sqrt",
    "Sin": "sin",
    "Cos": "cos", "Erf": "erf", "Abs": "abs", "Neg": "neg", "Reciprocal": "reciprocal", "Cast": "identity",
    "com.microsoft::Gelu": "gelu",
}  # fmt: skip
PAIRS = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}
VARIADIC = {"Add": "add", "Sum": "add", "Mul": "mul"}


def op_of(row: NodeRow) -> Op | None:
    """Return the op of a node, if any. Its shapes and counts are to be compared."""
    node = row.node
    live = [value for value in node.inputs if value is not None and not value.constant]
    every = [value for value in node.inputs if value is not None]
    kind = f"{node.message.domain}::{node.kind}" if node.message.domain == "com.microsoft" else node.kind
    if not live:
        return None
    if kind in PLAIN:
        return make(PLAIN[kind])
    if len(live) == len(every) and (kind in VARIADIC or (kind in PAIRS and len(every) == 2)):
        return make(VARIADIC.get(kind) or PAIRS[kind])
    rule = OPS.get(kind)
    return rule(row) if rule else None


def _shift(axis: int, shape: tuple[int, ...]) -> int | None:
    """Return an axis counted without the batch, or None for the batch."""
    axis = axis_of(axis, len(shape))
    if len(shape) > 1 and shape[0] == 1:
        return axis - 1 if axis else None
    return axis


def _padding(row: NodeRow, rank: int) -> Any:
    node = row.node
    auto = node.text("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return "same"
    pads = [0] * 2 * rank if auto == "VALID" else node.numbers("pads") or [0] * 2 * rank
    if pads[:rank] == pads[rank:]:
        return one(pads[:rank])
    return [list(pair) for pair in zip(pads[:rank], pads[rank:], strict=True)]


def _window(row: NodeRow, kernel: Any) -> dict[str, Any]:
    rank = len(kernel)
    return {
        "kernel": one(list(kernel)), "stride": one(row.node.numbers("strides") or [1] * rank),
        "padding": _padding(row, rank),
    }  # fmt: skip


def _convolution(row: NodeRow) -> Op | None:
    node = row.node
    shape, weight, groups = node.shape(), node.shape(1), node.number("group", 1)
    options = _window(row, weight[2:])
    options |= {"dilation": one(node.numbers("dilations") or [1] * len(weight[2:])), "bias": node.has(2)}
    if groups == shape[1] and groups > 1:
        return make("depthwise_conv", multiplier=weight[0] // groups, **options)
    return make("conv", out=weight[0], groups=groups, **options)


def _transposed(row: NodeRow) -> Op | None:
    node = row.node
    weight, groups = node.shape(1), node.number("group", 1)
    rank = len(weight) - 2
    options = _window(row, weight[2:])
    options |= {"dilation": one(node.numbers("dilations") or [1] * rank), "bias": node.has(2)}
    options["output_padding"] = one(node.numbers("output_padding") or [0] * rank)
    return make("conv_transpose", out=weight[1] * groups, groups=groups, **options)


def _pool(row: NodeRow) -> Op | None:
    node, kernel = row.node, row.node.numbers("kernel_shape") or []
    options = {**_window(row, kernel), "ceil": bool(node.number("ceil_mode"))}
    if node.kind == "MaxPool":
        return make("maxpool", dilation=one(node.numbers("dilations") or [1] * len(kernel)), **options)
    return make("avgpool", **options)


def _matmul(row: NodeRow) -> Op | None:
    left, right = row.node.input(), row.node.input(1)
    if not left.constant and right.constant and len(right.known) == 2:
        return make("linear", out=right.known[1], bias=False)
    return make("matmul") if not (left.constant or right.constant) else None


def _gemm(row: NodeRow) -> Op | None:
    node = row.node
    weight, vector = node.shape(1), not node.has(2) or len(node.shape(2)) == 1
    if node.number("transA") or not node.input(1).constant or not vector:
        return None
    return make("linear", out=weight[0] if node.number("transB") else weight[1], bias=node.has(2))


def _with_constant(row: NodeRow) -> Op | None:
    """Return the op of a sum, a difference, a product or a quotient with a stored tensor or a number."""
    node = row.node
    left, right = node.input(), node.input(1)
    stored, value = (right, left) if right.constant else (left, right)
    if stored.size == 1:
        number = stored.data[0] if stored.data else 1
        sane = isinstance(number, (int, float)) and abs(number) < 1e30
        op = {"Add": "shift", "Mul": "scale"}.get(node.kind)
        return make(op, by=number) if op and sane else None
    shape = without_batch(stored.known)
    if node.kind == "Add":
        return make("parameter", shape=list(shape))
    places = [place for place, size in enumerate(shape) if size != 1]
    if node.kind == "Mul" and len(places) == 1 and len(shape) <= len(without_batch(value.known)):
        return make("scale", axis=places[0] - len(shape))
    return None


def _norm(row: NodeRow) -> Op | None:
    node = row.node
    if node.kind == "BatchNormalization":
        return make("batchnorm")
    if node.kind == "InstanceNormalization":
        return make("instancenorm", affine=True)
    axes = len(node.shape()) - axis_of(node.number("axis", -1), len(node.shape()))
    if node.kind == "LayerNormalization":
        return make("layernorm", axes=axes, bias=node.has(2))
    return make("rmsnorm", axes=axes)


def _reduced(row: NodeRow) -> Op | None:
    node, shape = row.node, row.node.shape()
    axes = [_shift(axis, shape) for axis in node.axes(1) or range(len(shape))]
    if None in axes:
        return None
    name, kept = (
        {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max"}[node.kind],
        bool(node.number("keepdims", 1)),
    )
    spatial = list(range(1, len(without_batch(shape))))
    if name == "mean" and sorted(axis for axis in axes if axis is not None) == spatial and len(spatial) > 1:
        return make("global_avgpool", keepdims=kept)
    return make(name, axis=axes[0] if len(axes) == 1 else axes, keepdims=kept)


def _softmax(row: NodeRow) -> Op | None:
    node, shape = row.node, row.node.shape()
    axis = _shift(node.number("axis", -1 if node.opset >= 13 else 1), shape)
    if axis is None or (node.opset < 13 and axis_of(node.number("axis", 1), len(shape)) != len(shape) - 1):
        return None
    return make("softmax" if node.kind == "Softmax" else "log_softmax", axis=axis)


def _concat(row: NodeRow) -> Op | None:
    values = [value for value in row.node.inputs if value is not None]
    if any(value.constant for value in values):
        stored = [value for value in values if value.constant]
        return (
            make("concat_token", count=stored[0].known[-2]) if len(stored) == 1 and len(stored[0].known) > 1 else None
        )
    axis = _shift(row.node.number("axis"), values[0].known)
    return None if axis is None else make("concat", axis=axis)


def _moved(row: NodeRow) -> Op | None:
    entering, leaving = without_batch(row.node.shape()), without_batch(row.outputs[0].known)
    if entering == leaving:
        return make("identity")
    return make("flatten") if len(leaving) == 1 else make("reshape", shape=list(leaving))


def _permuted(row: NodeRow) -> Op | None:
    shape = row.node.shape()
    order = row.node.numbers("perm") or list(range(len(shape)))[::-1]
    if shape[0] == 1 and len(shape) > 1:
        if order[0] != 0:
            return None
        order = [axis - 1 for axis in order[1:]]
    return make("permute", order=order)


def _sliced(row: NodeRow) -> Op | None:
    node, shape = row.node, row.node.shape()
    if node.opset < 10:
        starts, ends, axes, steps = node.numbers("starts"), node.numbers("ends"), node.numbers("axes"), [1]
    else:
        starts, ends = node.data(1), node.data(2)
        axes, steps = node.data(3) if node.has(3) else None, node.data(4) if node.has(4) else [1]
    if not starts or not ends or len(starts) != 1 or steps[0] < 1:
        return None
    axis = _shift(axes[0] if axes else 0, shape)
    size = shape[axis_of(axes[0] if axes else 0, len(shape))]
    return None if axis is None else make("slice", axis=axis, start=starts[0], stop=min(ends[0], size), step=steps[0])


def _split(row: NodeRow) -> Op | None:
    axis = _shift(row.node.number("axis"), row.node.shape())
    if axis is None:
        return None
    sizes = [without_batch(value.known)[axis] for value in row.outputs]
    return make("split", parts=len(sizes), axis=axis) if len(set(sizes)) == 1 else make("split", sizes=sizes, axis=axis)


def _padded(row: NodeRow) -> Op | None:
    node, shape = row.node, row.node.shape()
    pads = node.numbers("pads") or (node.data(1) if node.has(1) else None)
    if pads is None or node.has(3) or not 3 <= len(shape) <= 5 or len(pads) != 2 * len(shape):
        return None
    pairs = list(zip(pads[: len(shape)], pads[len(shape) :], strict=True))
    if pairs[0] != (0, 0) or pairs[1] != (0, 0):
        return None
    return make("pad", amount=[list(pair) for pair in pairs[2:]])


def _gather(row: NodeRow) -> Op | None:
    table, indices = row.node.input(), row.node.input(1)
    if table.constant and not indices.constant and len(table.known) == 2:
        return make("embedding", vocab=table.known[0], dim=table.known[1])
    return None


def _resized(row: NodeRow) -> Op | None:
    rank = len(row.node.shape()) - 2
    modes = {
        "nearest": "nearest",
        "cubic": "bicubic",
        "linear": {1: "linear", 2: "bilinear", 3: "trilinear"}.get(rank, ""),
    }
    mode = modes.get(row.node.text("mode", "nearest"))
    return make("upsample", size=one(list(row.outputs[0].known[2:])), mode=mode) if mode and 1 <= rank <= 3 else None


def _clip(row: NodeRow) -> Op | None:
    node = row.node
    bounds = [node.input(place).data if node.has(place) else None for place in (1, 2)]
    low = bounds[0][0] if bounds[0] else node.attributes["min"].f if "min" in node.attributes else None
    high = bounds[1][0] if bounds[1] else node.attributes["max"].f if "max" in node.attributes else None
    return make("relu6") if (low, high) == (0, 6) else None


def _shuffled(row: NodeRow) -> Op | None:
    name = "pixel_shuffle" if row.node.kind == "DepthToSpace" else "pixel_unshuffle"
    return make(name, factor=row.node.number("blocksize", 1))


def _prelu(row: NodeRow) -> Op | None:
    return make("prelu", per_channel=row.node.input(1).size > 1)


OPS: Mapping[str, Callable[[NodeRow], Op | None]] = {
    "Conv": _convolution, "ConvTranspose": _transposed, "MaxPool": _pool, "AveragePool": _pool, "MatMul": _matmul,
    "Gemm": _gemm, "BatchNormalization": _norm, "InstanceNormalization": _norm, "LayerNormalization": _norm,
    "RMSNormalization": _norm, "SimplifiedLayerNormalization": _norm, "ReduceMean": _reduced, "ReduceSum": _reduced,
    "ReduceMax": _reduced, "Softmax": _softmax, "LogSoftmax": _softmax, "Concat": _concat, "Transpose": _permuted,
    "Slice": _sliced, "Split": _split, "Pad": _padded, "Gather": _gather, "Resize": _resized, "Upsample": _resized,
    "Clip": _clip, "DepthToSpace": _shuffled, "SpaceToDepth": _shuffled, "PRelu": _prelu,
    "GlobalAveragePool": lambda _: make("global_avgpool"), "GlobalMaxPool": lambda _: make("global_maxpool"),
    "LRN": lambda row: make("lrn", size=row.node.number("size", 1)),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _moved),
    **dict.fromkeys(PAIRS, _with_constant),
    "Einsum": lambda row: make("einsum", equation=row.node.text("equation")),
}  # fmt: skip
