"""Convolutions and pools."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.onnx.node import OnnxNode, rule
from costcalc.onnx.values import INT64, NodeError, Value

if TYPE_CHECKING:
    from collections.abc import Sequence


def _slid(node: OnnxNode, sizes: Sequence[int], kernel: Sequence[int], *, ceil: bool = False) -> list[int]:
    """Return the positions of a window along each dimension."""
    rank = len(sizes)
    strides, dilations = node.numbers("strides") or [1] * rank, node.numbers("dilations") or [1] * rank
    pads, auto = node.numbers("pads") or [0] * 2 * rank, node.text("auto_pad", "NOTSET")
    if not len(kernel) == len(strides) == len(dilations) == rank == len(pads) / 2 or min(strides, default=1) < 1:
        raise NodeError("kernel, strides, dilations or pads do not fit the input")
    out = []
    for place, size in enumerate(sizes):
        extent, stride = (kernel[place] - 1) * dilations[place] + 1, strides[place]
        before = 0 if auto == "VALID" else pads[place]
        span = size + (0 if auto == "VALID" else pads[place] + pads[rank + place]) - extent
        if auto in ("SAME_UPPER", "SAME_LOWER"):
            positions = -(-size // stride)
        else:
            positions = (-(-span // stride) if ceil else span // stride) + 1
            if ceil and (positions - 1) * stride >= size + before:
                positions -= 1
        if positions < 1:
            raise NodeError(f"a window of {extent} does not fit in {size}")
        out.append(positions)
    return out


def _convolution(node: OnnxNode, x: Value, weight: Value, *, bias: bool) -> Value:
    shape, kernel, groups = x.known, weight.known, node.number("group", 1)
    if len(shape) < 3 or len(kernel) != len(shape) or shape[1] != kernel[1] * groups:
        raise NodeError(f"{list(shape)} does not fit the weights {list(kernel)} in {groups} groups")
    out = Value((shape[0], kernel[0], *_slid(node, shape[2:], node.numbers("kernel_shape") or kernel[2:])), x.dtype)
    node.count(macs=out.size * prod(kernel[1:]), add=out.size if bias else 0)
    return out


@rule("Conv", "com.microsoft::FusedConv", "com.microsoft::NhwcFusedConv")
def convolution(node: OnnxNode) -> list[Value]:
    """Convolve, in groups."""
    return [_convolution(node, node.input(), node.input(1), bias=node.has(2))]


@rule("ConvInteger")
def integer_convolution(node: OnnxNode) -> list[Value]:
    """Convolve integers."""
    return [Value(_convolution(node, node.input(), node.input(1), bias=False).known, 6)]


@rule("QLinearConv")
def quantized_convolution(node: OnnxNode) -> list[Value]:
    """Convolve quantised values, each tensor with its scale and its zero point."""
    return [Value(_convolution(node, node.input(), node.input(3), bias=node.has(8)).known, node.input(7).dtype)]


@rule("DeformConv")
def deformable(node: OnnxNode) -> list[Value]:
    """Convolve at offsets, with a bilinear sample of each tap."""
    out = _convolution(node, node.input(), node.input(1), bias=node.has(3))
    samples = prod(out.known[2:]) * prod(node.shape(1)[2:]) * node.shape()[1] * out.known[0]
    node.count(mul=samples * (5 if node.has(4) else 4), add=3 * samples)
    return [out]


@rule("ConvTranspose")
def transposed(node: OnnxNode) -> list[Value]:
    """Spread each input position over a window of the output."""
    shape, weight, rank = node.shape(), node.shape(1), len(node.shape()) - 2
    if rank < 1 or len(weight) != len(shape):
        raise NodeError(f"{list(shape)} does not fit the weights {list(weight)}")
    kernel = node.numbers("kernel_shape") or weight[2:]
    strides, dilations = node.numbers("strides") or [1] * rank, node.numbers("dilations") or [1] * rank
    pads, more = node.numbers("pads") or [0] * 2 * rank, node.numbers("output_padding") or [0] * rank
    given, auto = node.numbers("output_shape"), node.text("auto_pad", "NOTSET")
    if given:
        sizes = given[-rank:]
    elif auto in ("SAME_UPPER", "SAME_LOWER"):
        sizes = [size * stride for size, stride in zip(shape[2:], strides, strict=True)]
    else:
        pads = [0] * 2 * rank if auto == "VALID" else pads
        sizes = [
            (shape[2 + d] - 1) * strides[d] + more[d] + (kernel[d] - 1) * dilations[d] + 1 - pads[d] - pads[rank + d]
            for d in range(rank)
        ]
    out = Value((shape[0], weight[1] * node.number("group", 1), *sizes), node.input().dtype)
    node.count(macs=node.input().size * prod(weight[1:]), add=out.size if node.has(2) else 0)
    return [out]


@rule("MaxPool", "AveragePool", "LpPool", "com.microsoft::QLinearAveragePool")
def pool(node: OnnxNode) -> list[Value]:
    """Slide a window over each channel."""
    shape, kernel = node.shape(), node.numbers("kernel_shape")
    if kernel is None:
        raise NodeError("kernel_shape is missing")
    out = Value((*shape[:2], *_slid(node, shape[2:], kernel, ceil=bool(node.number("ceil_mode")))), node.input().dtype)
    joined = (prod(kernel) - 1) * out.size
    node.count(**({"cmp": joined} if node.kind == "MaxPool" else {"add": joined, "div": out.size}))
    return [out, Value(out.known, INT64)]


@rule("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", "com.microsoft::QLinearGlobalAveragePool")
def global_pool(node: OnnxNode) -> list[Value]:
    """Reduce all spatial dimensions."""
    shape = node.shape()
    out = Value((*shape[:2], *(1,) * (len(shape) - 2)), node.input().dtype)
    joined = node.input().size - out.size
    node.count(**({"cmp": joined} if node.kind == "GlobalMaxPool" else {"add": joined, "div": out.size}))
    return [out]


@rule("MaxUnpool")
def unpool(node: OnnxNode) -> list[Value]:
    """Put values back to their places."""
    shape, rank = node.shape(), len(node.shape()) - 2
    if node.has(2):
        return [Value(node.data(2), node.input().dtype)]
    kernel, strides = node.numbers("kernel_shape") or [1] * rank, node.numbers("strides") or [1] * rank
    pads = node.numbers("pads") or [0] * 2 * rank
    sizes = [(shape[2 + d] - 1) * strides[d] + kernel[d] - pads[d] - pads[rank + d] for d in range(rank)]
    return [Value((*shape[:2], *sizes), node.input().dtype)]


@rule("RoiAlign", "MaxRoiPool")
def regions(node: OnnxNode) -> list[Value]:
    """Sample regions to one size."""
    size = node.numbers("pooled_shape") or (node.number("output_height", 1), node.number("output_width", 1))
    return [Value((node.shape(1)[0], node.shape()[1], *size), node.input().dtype)]


@rule("GridSample")
def grid_sample(node: OnnxNode) -> list[Value]:
    """Sample at points, linearly between the nearest."""
    shape, grid = node.shape(), node.shape(1)
    out = Value((*shape[:2], *grid[1:-1]), node.input().dtype)
    points = 2 ** (len(shape) - 2)
    node.count(mul=points * out.size, add=(points - 1) * out.size)
    return [out]


@rule("Resize", "Upsample")
def resize(node: OnnxNode) -> list[Value]:
    """Interpolate to other sizes."""
    value = node.input()
    shape, upsample = value.known, node.kind == "Upsample" or node.opset < 11
    axes = node.numbers("axes")
    axes = list(range(len(shape))) if axes is None else [axis % len(shape) for axis in axes]
    sizes = list(shape)
    if not upsample and node.has(3) and node.input(3).known != (0,):
        for axis, size in zip(axes, node.data(3), strict=False):
            sizes[axis] = int(size)
        policy = node.text("keep_aspect_ratio_policy", "stretch")
        if policy in ("not_larger", "not_smaller"):
            ratios = [sizes[axis] / shape[axis] for axis in axes]
            ratio = min(ratios) if policy == "not_larger" else max(ratios)
            for axis in axes:
                sizes[axis] = int(shape[axis] * ratio + 0.5)
    else:
        attribute = node.attributes.get("scales")
        scales = list(attribute.floats) if attribute is not None else node.data(1 if upsample else 2)
        for axis, scale in zip(axes, scales, strict=False):
            sizes[axis] = int(shape[axis] * scale + 1e-9)
    out = Value(sizes, value.dtype)
    mode, changed = node.text("mode", "nearest"), sum(a != b for a, b in zip(shape, sizes, strict=True))
    taps = {"linear": 2, "cubic": 4}.get(mode, 1) ** max(changed, 1)
    if taps > 1:
        node.count(mul=taps * out.size, add=(taps - 1) * out.size)
    return [out]
