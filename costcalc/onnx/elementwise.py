"""Operators element by element, and reductions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from costcalc.onnx.node import OnnxNode, rule
from costcalc.onnx.values import BOOL, FLOATS, INT64, MOST, NodeError, Value, axis_of, broadcast, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNARY: Mapping[str, Mapping[str, int]] = {
    "Relu": {"cmp": 1}, "LeakyRelu": {"cmp": 1, "mul": 1}, "ThresholdedRelu": {"cmp": 1},
    "Sigmoid": {"exp": 1, "add": 1, "div": 1},
    "Tanh": {"exp": 1}, "Elu": {"cmp": 1, "exp": 1, "add": 1, "mul": 1},
    "Selu": {"cmp": 1, "exp": 1, "add": 1, "mul": 2},
    "Celu": {"cmp": 1, "exp": 1, "add": 1, "mul": 1, "div": 1}, "Softplus": {"exp": 2, "add": 1},
    "Softsign": {"cmp": 1, "add": 1, "div": 1}, "HardSigmoid": {"mul": 1, "add": 1, "cmp": 2},
    "HardSwish": {"mul": 2, "add": 1, "cmp": 2}, "Gelu": {"mul": 3, "add": 1, "exp": 1},
    "Mish": {"exp": 3, "add": 1, "mul": 1},
    "Swish": {"exp": 1, "add": 1, "div": 1, "mul": 1}, "Shrink": {"cmp": 2, "add": 1}, "Erf": {"exp": 1},
    "Exp": {"exp": 1},
    "Log": {"exp": 1}, "Sqrt": {"exp": 1}, "Reciprocal": {"div": 1}, "Neg": {"add": 1}, "Abs": {"cmp": 1},
    "Sign": {"cmp": 2},
    "Floor": {"cmp": 1}, "Ceil": {"cmp": 1}, "Round": {"cmp": 1}, "IsNaN": {"cmp": 1}, "IsInf": {"cmp": 1}, "Not": {},
    "Sin": {"exp": 1}, "Cos": {"exp": 1}, "Tan": {"exp": 1}, "Asin": {"exp": 1}, "Acos": {"exp": 1}, "Atan": {"exp": 1},
    "Sinh": {"exp": 1}, "Cosh": {"exp": 1}, "Asinh": {"exp": 1}, "Acosh": {"exp": 1}, "Atanh": {"exp": 1},
    "BitwiseNot": {}, "Identity": {}, "CumSum": {"add": 1}, "CumProd": {"mul": 1}, "Hardmax": {"cmp": 1}, "Trilu": {},
    "LpNormalization": {"mul": 1, "add": 1, "div": 1}, "MeanVarianceNormalization": {"add": 3, "mul": 2}, "EyeLike": {},
    "Bernoulli": {}, "RandomNormalLike": {}, "RandomUniformLike": {}, "ReverseSequence": {}, "Scatter": {},
    "ScatterElements": {}, "ScatterND": {}, "TensorScatter": {},
    "com.microsoft::Gelu": {"mul": 3, "add": 1, "exp": 1},
    "com.microsoft::QuickGelu": {"mul": 2, "add": 1, "exp": 1, "div": 1},
    "com.microsoft::FastGelu": {"mul": 5, "add": 2, "exp": 1},
    "com.microsoft::BiasGelu": {"mul": 3, "add": 2, "exp": 1},
    "com.microsoft::BiasAdd": {"add": 1},
}  # fmt: skip
"""Operations for each element. Counted as the ops of costcalc with the same meaning, where there is one."""

BOOLEAN = frozenset(
    ("And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not", "Or", "Xor")
)
FOLDED: Mapping[str, Callable[[Any], Any]] = {
    "Abs": abs, "Ceil": math.ceil, "Cos": math.cos, "Exp": math.exp, "Floor": math.floor, "Identity": lambda a: a,
    "Log": math.log, "Neg": lambda a: -a, "Not": lambda a: not a, "Reciprocal": lambda a: 1 / a,
    "Relu": lambda a: max(a, 0),
    "Round": round, "Sign": lambda a: (a > 0) - (a < 0), "Sin": math.sin, "Sqrt": math.sqrt,
}  # fmt: skip


def _computed(function: Callable[..., Any], *columns: list[Any]) -> list[Any] | None:
    """Return the values of a function, or None where it has none."""
    try:
        return [function(*row) for row in zip(*columns, strict=True)]
    except (ArithmeticError, ValueError, TypeError):
        return None


@rule(*UNARY)
def unary(node: OnnxNode) -> list[Value]:
    """Keep the shape."""
    value, name = node.input(), node.kind
    shape = value.known
    data = None if value.data is None or name not in FOLDED else _computed(FOLDED[name], value.data)
    if data is not None and value.dtype in FLOATS:
        data = [float(each) for each in data]
    domain = f"{node.message.domain}::" if node.message.domain == "com.microsoft" else ""
    node.count(**{quantity: times * value.size for quantity, times in UNARY[f"{domain}{name}"].items()})
    dtype = BOOL if name in BOOLEAN else node.number("dtype", value.dtype) if name.endswith("Like") else value.dtype
    return [Value(shape, dtype, data)]


@rule("Dropout")
def dropout(node: OnnxNode) -> list[Value]:
    """Keep the shape; the second output is the mask."""
    value = node.input()
    return [Value(value.known, value.dtype, value.data), Value(value.known, BOOL)]


@rule("Cast", "CastLike", "BitCast")
def cast(node: OnnxNode) -> list[Value]:
    """Convert elements."""
    value = node.input()
    to = node.input(1).dtype if node.kind == "CastLike" else node.number("to")
    convert = bool if to == BOOL else float if to in FLOATS else int
    data = None if value.data is None or node.kind == "BitCast" else _computed(convert, value.data)
    return [Value(value.known, to, data)]


def _quotient(a: Any, b: Any) -> Any:
    if isinstance(a, float) or isinstance(b, float):
        return a / b
    whole = abs(a) // abs(b)
    return whole if (a >= 0) == (b > 0) else -whole


BINARY: Mapping[str, tuple[str, Callable[[Any, Any], Any] | None]] = {
    "Add": ("add", lambda a, b: a + b), "Sub": ("add", lambda a, b: a - b), "Mul": ("mul", lambda a, b: a * b),
    "Div": ("div", _quotient), "Pow": ("exp", lambda a, b: a**b if abs(b) < 64 else None),
    "Mod": ("div", lambda a, b: a % b),
    "And": ("", lambda a, b: bool(a and b)), "Or": ("", lambda a, b: bool(a or b)),
    "Xor": ("", lambda a, b: bool(a) != bool(b)),
    "Less": ("cmp", lambda a, b: a < b), "LessOrEqual": ("cmp", lambda a, b: a <= b),
    "Greater": ("cmp", lambda a, b: a > b),
    "GreaterOrEqual": ("cmp", lambda a, b: a >= b), "Equal": ("cmp", lambda a, b: a == b), "PRelu": ("cmp", None),
    **dict.fromkeys(("BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor"), ("", None)),
}  # fmt: skip


@rule(*BINARY)
def binary(node: OnnxNode) -> list[Value]:
    """Broadcast two inputs."""
    left, right = node.input(), node.input(1)
    quantity, fold = BINARY[node.kind]
    other = right.known
    if node.opset < 7 and node.number("broadcast") and "axis" in node.attributes:
        other = (*other, *(1,) * (len(left.known) - axis_of(node.number("axis"), len(left.known)) - len(other)))
    elif node.kind == "PRelu" and len(other) == 1 and len(left.known) > 2 and node.opset < 7:
        other = (*other, *(1,) * (len(left.known) - 2))
    shape = broadcast(left.known, other)
    out = Value(shape, BOOL if node.kind in BOOLEAN else left.dtype)
    if quantity:
        node.count(**{quantity: out.size})
    if node.kind == "PRelu":
        node.count(mul=out.size)
    if fold is not None and left.data is not None and right.data is not None and out.size <= MOST:
        out.data = _computed(fold, spread(left, shape), spread(Value(other, data=right.data), shape))
    return [out]


@rule("Sum", "Min", "Max", "Mean")
def variadic(node: OnnxNode) -> list[Value]:
    """Broadcast any number of inputs."""
    values = [node.input(place) for place in range(len(node))]
    shape = broadcast(*[value.known for value in values])
    out = Value(shape, values[0].dtype)
    node.count(**{"add" if node.kind in ("Sum", "Mean") else "cmp": (len(values) - 1) * out.size})
    if node.kind == "Mean":
        node.count(div=out.size)
    fold = {"Sum": lambda *row: sum(row), "Min": lambda *row: min(row), "Max": lambda *row: max(row)}.get(node.kind)
    if fold and out.size <= MOST and all(value.data is not None for value in values):
        out.data = _computed(fold, *[spread(value, shape) for value in values])
    return [out]


@rule("Where")
def where(node: OnnxNode) -> list[Value]:
    """Choose elements."""
    condition, left, right = (node.input(place) for place in range(3))
    shape = broadcast(condition.known, left.known, right.known)
    out = Value(shape, left.dtype)
    if out.size <= MOST and None not in (condition.data, left.data, right.data):
        columns = [spread(value, shape) for value in (condition, left, right)]
        out.data = [b if a else c for a, b, c in zip(*columns, strict=True)]
    return [out]


@rule("Clip")
def clip(node: OnnxNode) -> list[Value]:
    """Compare with each bound that is there."""
    bounds = node.has(1) + node.has(2) + ("min" in node.attributes) + ("max" in node.attributes)
    node.count(cmp=bounds * node.input().size)
    return [Value(node.shape(), node.input().dtype)]


REDUCTIONS = {
    "ReduceSum": "add", "ReduceMean": "add", "ReduceMax": "cmp", "ReduceMin": "cmp", "ReduceProd": "mul",
    "ReduceL1": "add",
    "ReduceL2": "add", "ReduceSumSquare": "add", "ReduceLogSum": "add", "ReduceLogSumExp": "add",
}  # fmt: skip
_FOLDED_REDUCTIONS: Mapping[str, Callable[[list[Any]], Any]] = {
    "ReduceSum": sum, "ReduceProd": math.prod, "ReduceMax": max, "ReduceMin": min,
}  # fmt: skip


@rule(*REDUCTIONS)
def reduction(node: OnnxNode) -> list[Value]:
    """Reduce axes."""
    value, name = node.input(), node.kind
    shape, axes = value.known, node.axes(1)
    if not axes and node.number("noop_with_empty_axes"):
        return [Value(shape, value.dtype, value.data)]
    reduced = {axis_of(axis, len(shape)) for axis in axes} if axes else set(range(len(shape)))
    kept = node.number("keepdims", 1)
    out = Value(
        [1 if place in reduced else size for place, size in enumerate(shape) if kept or place not in reduced],
        value.dtype,
    )
    node.count(**{REDUCTIONS[name]: max(value.size - out.size, 0)})
    more = {
        "ReduceMean": {"div": out.size}, "ReduceL2": {"mul": value.size, "exp": out.size},
        "ReduceSumSquare": {"mul": value.size},
        "ReduceLogSum": {"exp": out.size}, "ReduceLogSumExp": {"exp": value.size + out.size},
        "ReduceL1": {"cmp": value.size},
    }  # fmt: skip
    node.count(**more.get(name, {}))
    if value.data and out.size == 1 and name in _FOLDED_REDUCTIONS:
        out.data = [_FOLDED_REDUCTIONS[name](value.data)]
    return [out]


@rule("ArgMax", "ArgMin")
def argument(node: OnnxNode) -> list[Value]:
    """Return an index along an axis."""
    shape, axis = node.shape(), axis_of(node.number("axis"), len(node.shape()))
    node.count(cmp=node.input().size)
    kept = node.number("keepdims", 1)
    return [Value([1 if place == axis else size for place, size in enumerate(shape) if kept or place != axis], INT64)]


@rule("Softmax", "LogSoftmax")
def softmax(node: OnnxNode) -> list[Value]:
    """Keep the shape."""
    size = node.input().size
    node.count(cmp=size, add=2 * size, exp=size, div=size)
    return [Value(node.shape(), node.input().dtype)]


@rule("TopK")
def top(node: OnnxNode) -> list[Value]:
    """Keep k entries of an axis. Sorting is not counted, as its comparisons depend on the data."""
    shape, axis = node.shape(), axis_of(node.number("axis", -1), len(node.shape()))
    kept = node.number("k") if node.opset < 10 else node.data(1)[0]
    out = (*shape[:axis], kept, *shape[axis + 1 :])
    return [Value(out, node.input().dtype), Value(out, INT64)]


@rule("QuantizeLinear", "DequantizeLinear")
def quantize(node: OnnxNode) -> list[Value]:
    """Scale and shift each element."""
    size = node.input().size
    if node.kind == "QuantizeLinear":
        node.count(div=size, add=size)
        zero = node.input(2).dtype if node.has(2) else 2
        return [Value(node.shape(), node.number("output_dtype") or zero)]
    node.count(mul=size, add=size)
    return [Value(node.shape(), node.input(1).dtype)]


@rule("DynamicQuantizeLinear")
def dynamic_quantize(node: OnnxNode) -> list[Value]:
    """Quantise by the extremes of the input."""
    size = node.input().size
    node.count(cmp=2 * size, div=size, add=size)
    return [Value(node.shape(), 2), Value((), 1), Value((), 2)]


@rule("com.microsoft::QLinearAdd", "com.microsoft::QLinearMul")
def quantized_binary(node: OnnxNode) -> list[Value]:
    """Broadcast two quantised inputs, each with its scale and its zero point."""
    out = Value(broadcast(node.shape(), node.shape(3)), node.input().dtype)
    node.count(**{"add" if node.kind == "QLinearAdd" else "mul": out.size})
    return [out]


@rule("NonZero", "Unique", "Compress", "NonMaxSuppression")
def by_data(node: OnnxNode) -> list[Value]:
    """Return shapes that depend on data."""
    value = node.input()
    if node.kind == "NonZero" and value.data is not None:
        return [Value((len(value.known), sum(map(bool, value.data))), INT64)]
    return [Value(None, INT64) for _ in node.message.output]


@rule("Det")
def determinant(node: OnnxNode) -> list[Value]:
    """Drop two axes."""
    if len(node.shape()) < 2:
        raise NodeError("expected a matrix")
    return [Value(node.shape()[:-2], node.input().dtype)]
