"""Operators that make, move and select data."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any

from costcalc.onnx.node import OnnxNode, rule
from costcalc.onnx.values import FLOAT, INT64, MOST, NodeError, Value, axis_of, broadcast, spread, stored


def _at(shape: tuple[int, ...], places: list[list[int]]) -> list[int]:
    """Return the indices, in row order, of the entries at some places along each axis."""
    step, steps = 1, []
    for size in reversed(shape):
        steps.append(step)
        step *= size
    found = [0]
    for indices, by in zip(places, reversed(steps), strict=True):
        found = [base + index * by for base in found for index in indices]
    return found


def _taken(value: Value, places: list[list[int]]) -> list[Any] | None:
    """Return the elements at some places along each axis, if they are few and known."""
    if value.data is None or prod(map(len, places)) > MOST:
        return None
    return [value.data[index] for index in _at(value.known, places)]


@rule("Constant")
def constant(node: OnnxNode) -> list[Value]:
    """Return a stored tensor or a value of an attribute."""
    attributes = node.attributes
    if "value" in attributes and attributes["value"].t is not None:
        return [stored(attributes["value"].t, node.run.buffer, node.message.output[0] if node.message.output else "")]
    if "value_int" in attributes:
        return [Value((), INT64, [attributes["value_int"].i])]
    if "value_ints" in attributes:
        numbers = node.numbers("value_ints") or []
        return [Value((len(numbers),), INT64, numbers)]
    if "value_float" in attributes:
        return [Value((), FLOAT, [attributes["value_float"].f])]
    if "value_floats" in attributes:
        floats = list(attributes["value_floats"].floats)
        return [Value((len(floats),), FLOAT, floats)]
    if "value_string" in attributes or "value_strings" in attributes:
        return [Value((len(attributes["value_strings"].strings),) if "value_strings" in attributes else (), 8)]
    raise NodeError("a constant of an unknown kind")


@rule("ConstantOfShape")
def constant_of_shape(node: OnnxNode) -> list[Value]:
    """Fill a shape with one value."""
    shape = tuple(node.data(0))
    tensor = node.attributes["value"].t if "value" in node.attributes else None
    value = stored(tensor, node.run.buffer) if tensor is not None else Value((1,), FLOAT, [0.0])
    few = value.data is not None and all(size >= 0 for size in shape) and prod(shape) <= MOST
    return [Value(shape, value.dtype, (value.data or [0]) * prod(shape) if few else None)]


@rule("Shape")
def shape_of(node: OnnxNode) -> list[Value]:
    """Return a shape as a tensor."""
    shape = node.shape()
    end = node.number("end", len(shape))
    part = list(shape)[node.number("start") : end if end != 0 or "end" in node.attributes else None]
    return [Value((len(part),), INT64, part)]


@rule("Size")
def size_of(node: OnnxNode) -> list[Value]:
    """Return the number of elements as a tensor."""
    return [Value((), INT64, [node.input().size])]


@rule("Range")
def number_range(node: OnnxNode) -> list[Value]:
    """Count from a start to a limit."""
    start, limit, step = (node.data(place)[0] for place in range(3))
    if step == 0:
        raise NodeError("a range with the step 0")
    count = max(int(-(-(limit - start) // step)), 0)
    data = [start + step * index for index in range(count)] if count <= MOST else None
    return [Value((count,), node.input().dtype, data)]


@rule("Reshape")
def reshape(node: OnnxNode) -> list[Value]:
    """Give the elements another shape."""
    value = node.input()
    target = list(node.data(1)) if node.has(1) else node.numbers("shape") or []
    shape = value.known
    if not node.number("allowzero"):
        if any(size == 0 and place >= len(shape) for place, size in enumerate(target)):
            raise NodeError(f"0 in {target} stands for an axis that {list(shape)} does not have")
        target = [shape[place] if size == 0 else size for place, size in enumerate(target)]
    if target.count(-1) > 1:
        raise NodeError(f"more than one -1 in {target}")
    if -1 in target:
        known = -prod(target)
        if known <= 0 or value.size % known:
            raise NodeError(f"cannot give {list(shape)} the shape {target}")
        target[target.index(-1)] = value.size // known
    if prod(target) != value.size:
        raise NodeError(f"cannot give {list(shape)} the shape {target}")
    return [Value(target, value.dtype, value.data)]


@rule("Flatten")
def flatten(node: OnnxNode) -> list[Value]:
    """Join axes to a matrix."""
    shape = node.shape()
    axis = node.number("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    return [Value((prod(shape[:axis]), prod(shape[axis:])), node.input().dtype, node.input().data)]


@rule("Squeeze")
def squeeze(node: OnnxNode) -> list[Value]:
    """Drop axes of size 1."""
    value, axes = node.input(), node.axes(1)
    shape = value.known
    dropped = {axis_of(axis, len(shape)) for axis in axes} if axes else {i for i, size in enumerate(shape) if size == 1}
    if any(shape[place] != 1 for place in dropped):
        raise NodeError(f"cannot drop axes {sorted(dropped)} of {list(shape)}")
    return [Value([size for place, size in enumerate(shape) if place not in dropped], value.dtype, value.data)]


@rule("Unsqueeze")
def unsqueeze(node: OnnxNode) -> list[Value]:
    """Add axes of size 1."""
    value, axes = node.input(), node.axes(1) or []
    rank = len(value.known) + len(axes)
    added, sizes = {axis_of(axis, rank) for axis in axes}, iter(value.known)
    if len(added) < len(axes):
        raise NodeError(f"the axes {axes} repeat one")
    return [Value([1 if place in added else next(sizes) for place in range(rank)], value.dtype, value.data)]


@rule("Transpose")
def transpose(node: OnnxNode) -> list[Value]:
    """Reorder axes."""
    value = node.input()
    shape = value.known
    order = node.numbers("perm") or list(range(len(shape)))[::-1]
    if sorted(order) != list(range(len(shape))):
        raise NodeError(f"{order} is no order of the axes of {list(shape)}")
    out, data = tuple([shape[axis] for axis in order]), None
    if value.data is not None:
        steps = _steps(shape)
        places = [0]
        for axis in order:
            places = [base + index * steps[axis] for base in places for index in range(shape[axis])]
        data = [value.data[place] for place in places]
    return [Value(out, value.dtype, data)]


def _steps(shape: tuple[int, ...]) -> list[int]:
    """Return how far apart neighbours along each axis are, in row order."""
    return [prod(shape[place + 1 :]) for place in range(len(shape))]


@rule("Concat")
def concat(node: OnnxNode) -> list[Value]:
    """Join along an axis."""
    values = [value for value in node.inputs if value is not None]
    first = values[0].known
    axis = axis_of(node.number("axis", 1), len(first))
    for value in values:
        other = value.known
        if len(other) != len(first) or other[:axis] + other[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise NodeError(f"cannot join {list(first)} and {list(other)} along axis {axis}")
    shape = (*first[:axis], sum(value.known[axis] for value in values), *first[axis + 1 :])
    data = None
    if prod(shape) <= MOST and all(value.data is not None for value in values):
        inner = [prod(value.known[axis:]) for value in values]
        data = [
            each
            for row in range(prod(first[:axis]))
            for value, length in zip(values, inner, strict=True)
            for each in (value.data or [])[row * length : (row + 1) * length]
        ]
    return [Value(shape, values[0].dtype, data)]


@rule("Split")
def split(node: OnnxNode) -> list[Value]:
    """Part along an axis."""
    value, count = node.input(), len(node.message.output)
    shape = value.known
    axis = axis_of(node.number("axis"), len(shape))
    sizes = node.numbers("split") or (node.data(1) if node.has(1) else None)
    if sizes is None:
        part = -(-shape[axis] // (node.number("num_outputs") or count))
        sizes = [part] * (count - 1) + [shape[axis] - part * (count - 1)]
    if sum(sizes) != shape[axis] or min(sizes) < 0:
        raise NodeError(f"cannot part {shape[axis]} into {list(sizes)}")
    ends = [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    parts = [list(range(start, end)) for start, end in pairwise(ends)] if prod(shape) <= MOST else []
    outs = []
    for place, size in enumerate(sizes):
        data = None
        if parts and value.data is not None:
            data = _taken(value, [parts[place] if at == axis else list(range(n)) for at, n in enumerate(shape)])
        outs.append(Value((*shape[:axis], size, *shape[axis + 1 :]), value.dtype, data))
    return outs


@rule("Slice")
def slice_(node: OnnxNode) -> list[Value]:
    """Take a range of each axis."""
    value = node.input()
    shape = value.known
    if node.opset < 10:
        starts, ends, axes, steps = node.numbers("starts") or [], node.numbers("ends") or [], node.numbers("axes"), None
    else:
        starts, ends = node.data(1), node.data(2)
        axes, steps = (node.data(place) if node.has(place) else None for place in (3, 4))
    axes = list(range(len(starts))) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    taken = [range(size) for size in shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        axis = axis_of(axis, len(shape))
        if step == 0:
            raise NodeError("a slice with the step 0")
        taken[axis] = range(*slice(int(start), int(end) if end > -(2**31) else None, int(step)).indices(shape[axis]))
    data = None
    if value.data is not None:
        data = _taken(value, [list(places) for places in taken])
    return [Value([len(places) for places in taken], value.dtype, data)]


@rule("Gather")
def gather(node: OnnxNode) -> list[Value]:
    """Take entries of an axis."""
    value, indices = node.input(), node.input(1)
    shape = value.known
    axis = axis_of(node.number("axis"), len(shape))
    data = None
    if value.data is not None and indices.data is not None:
        chosen = [index + shape[axis] if index < 0 else index for index in indices.data]
        if any(not 0 <= index < shape[axis] for index in chosen):
            raise NodeError(f"an index is out of range for the size {shape[axis]}")
        data = _taken(value, [chosen if at == axis else list(range(n)) for at, n in enumerate(shape)])
    return [Value((*shape[:axis], *indices.known, *shape[axis + 1 :]), value.dtype, data)]


@rule("GatherElements")
def gather_elements(node: OnnxNode) -> list[Value]:
    """Take elements by an index for each."""
    return [Value(node.shape(1), node.input().dtype)]


@rule("GatherND")
def gather_nd(node: OnnxNode) -> list[Value]:
    """Take parts by their leading indices."""
    shape, indices, batch = node.shape(), node.shape(1), node.number("batch_dims")
    if not indices or batch + indices[-1] > len(shape):
        raise NodeError(f"the indices {list(indices)} do not fit {list(shape)}")
    return [Value((*indices[:-1], *shape[batch + indices[-1] :]), node.input().dtype)]


@rule("Expand")
def expand(node: OnnxNode) -> list[Value]:
    """Broadcast to a shape."""
    value = node.input()
    shape = broadcast(value.known, tuple(node.data(1)))
    return [Value(shape, value.dtype, spread(value, shape) if value.data is not None and prod(shape) <= MOST else None)]


@rule("Tile")
def tile(node: OnnxNode) -> list[Value]:
    """Repeat along axes."""
    value = node.input()
    shape, times = value.known, node.data(1)
    if len(times) != len(shape):
        raise NodeError(f"{list(times)} does not fit {list(shape)}")
    out = [size * by for size, by in zip(shape, times, strict=True)]
    places = [list(range(size)) * by for size, by in zip(shape, times, strict=True)] if prod(out) <= MOST else None
    return [Value(out, value.dtype, _taken(value, places) if places else None)]


@rule("Pad")
def pad(node: OnnxNode) -> list[Value]:
    """Add a margin."""
    shape = node.shape()
    pads = node.numbers("pads") or node.numbers("paddings") or list(node.data(1))
    axes = node.data(3) if node.has(3) else list(range(len(shape)))
    sizes = list(shape)
    if len(pads) != 2 * len(axes):
        raise NodeError(f"{len(pads)} margins for {len(axes)} axes")
    for place, axis in enumerate(axes):
        sizes[axis_of(axis, len(shape))] += pads[place] + pads[len(axes) + place]
    return [Value(sizes, node.input().dtype)]


@rule("DepthToSpace", "SpaceToDepth")
def depth_to_space(node: OnnxNode) -> list[Value]:
    """Exchange channels and positions."""
    (batch, channels, *sizes), block = node.shape(), node.number("blocksize", 1)
    if node.kind == "DepthToSpace":
        return [Value((batch, channels // block**2, *[size * block for size in sizes]), node.input().dtype)]
    return [Value((batch, channels * block**2, *[size // block for size in sizes]), node.input().dtype)]


@rule("OneHot")
def one_hot(node: OnnxNode) -> list[Value]:
    """Add an axis of classes."""
    shape, depth = node.shape(), int(node.data(1)[0])
    axis = axis_of(node.number("axis", -1), len(shape) + 1)
    return [Value((*shape[:axis], depth, *shape[axis:]), node.input(2).dtype)]


@rule("Col2Im")
def columns_to_image(node: OnnxNode) -> list[Value]:
    """Add columns to the positions of an image."""
    shape, image, block = node.shape(), node.data(1), node.data(2)
    node.count(add=node.input().size)
    return [Value((shape[0], shape[1] // prod(block), *image), node.input().dtype)]


@rule("RandomNormal", "RandomUniform")
def random(node: OnnxNode) -> list[Value]:
    """Fill a shape with random numbers."""
    return [Value(node.numbers("shape") or (), node.number("dtype", FLOAT))]


@rule("CenterCropPad")
def center_crop_pad(node: OnnxNode) -> list[Value]:
    """Crop or pad axes to sizes."""
    sizes, target, axes = list(node.shape()), node.data(1), node.numbers("axes")
    for axis, size in zip(axes or range(len(sizes)), target, strict=True):
        sizes[axis_of(axis, len(sizes))] = size
    return [Value(sizes, node.input().dtype)]


@rule("AffineGrid")
def affine_grid(node: OnnxNode) -> list[Value]:
    """Make the points of a grid."""
    size = node.data(1)
    out = Value((size[0], *size[2:], len(size) - 2), node.input().dtype)
    node.count(macs=out.size * (len(size) - 1))
    return [out]


@rule("HannWindow", "HammingWindow", "BlackmanWindow")
def window(node: OnnxNode) -> list[Value]:
    """Return the weights of a window, computed from its size alone."""
    return [Value((int(node.data(0)[0]),), node.number("output_datatype", FLOAT))]
