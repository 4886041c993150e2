"""Suggests repairs for incompatible shapes, with the actual sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.engine import Builder
    from costcalc.formula import Shape
    from costcalc.lang.template import Item
    from costcalc.model import Tensor
    from costcalc.ops.base import Op

_GENERAL = "add a shortcut that changes the shape like the body: shortcut: [...]"


def residual_repair(item: Item, body: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> str:
    """Return help for a residual whose body and shortcut end in different shapes."""
    if len(item.branches) > 1:
        return "use the same out and the same strides in body and shortcut"
    return projection(other[0].shape, body[0].shape) if body and other else _GENERAL


def projection(entering: Shape, leaving: Shape) -> str:
    """Return help for a residual whose body changes the shape: a shortcut, or a change to the body.

    >>> projection((64, 56, 56), (128, 28, 28))
    'add a shortcut: shortcut: [conv: {out: 128, kernel: 1, stride: 2}]'
    >>> projection((8, 32, 32), (16, 30, 30))
    'keep the size 32x32 with padding: same, or kernel // 2'
    >>> projection((5, 16), (5, 32))
    'add a shortcut: shortcut: [linear: 32]'
    """
    if not all(type(size) is int for size in (*entering, *leaving)):
        return _GENERAL
    if len(entering) != len(leaving):
        return f"keep the number of dimensions in the body: {len(entering)}"
    if len(entering) < 3 and entering[:-1] == leaving[:-1]:
        return f"add a shortcut: shortcut: [linear: {leaving[-1]}]"
    strides = [-(-size // out) for size, out in zip(entering[1:], leaving[1:], strict=True)]
    if [-(-size // stride) for size, stride in zip(entering[1:], strides, strict=True)] != [*leaving[1:]]:
        size = "x".join(map(str, entering[1:]))
        return f"keep the size {size} with padding: same, or kernel // 2"
    stride = strides[0] if len(set(strides)) == 1 else strides
    step = "" if stride == 1 else f", stride: {stride}"
    return f"add a shortcut: shortcut: [conv: {{out: {leaving[0]}, kernel: 1{step}}}]"


MAX_HALVINGS = 6


def input_repair(builder: Builder, op: Op, inputs: tuple[Tensor, ...]) -> str:
    """Return help for inputs that differ because a size was odd on the way down: sizes of the network's input that fit.

    Each size is tried with the layers so far. Returns an empty string if the inputs differ in another way.
    """
    shapes = [tensor.shape for tensor in inputs]
    if len(builder.inputs) != 1 or len(shapes) < 2 or not _rounded(shapes):
        return ""
    ((name, (channels, *sizes)),) = builder.inputs.items()
    for multiple in (2**halvings for halvings in range(2, MAX_HALVINGS + 1)):
        below = [size // multiple * multiple for size in sizes]
        above = [-(-size // multiple) * multiple for size in sizes]
        if min(below) > 0 and all(_fits(builder, op, inputs, {name: (channels, *tried)}) for tried in (below, above)):
            fitting = " or ".join(dict.fromkeys("x".join(map(str, dict.fromkeys(tried))) for tried in (below, above)))
            why = "an odd size was rounded on the way; input sizes that are"
            return f"{why} multiples of {multiple} fit: {fitting}; or write pad, crop or output_padding: 1"
    return ""


def _rounded(shapes: list[Shape]) -> bool:
    """Return whether shapes differ in spatial sizes only, as after an odd size was halved and doubled again."""
    sizes = [shape[1:] for shape in shapes]
    if any(len(shape) != len(shapes[0]) or len(shape) < 2 for shape in shapes):
        return False
    if not all(type(size) is int for size in (*sizes[0], *sizes[-1])):
        return False
    gaps = [max(column) - min(column) for column in zip(*sizes, strict=True)]
    return any(gaps) and all(8 * gap <= max(column) for gap, column in zip(gaps, zip(*sizes, strict=True), strict=True))


def _fits(builder: Builder, op: Op, inputs: tuple[Tensor, ...], sizes: Mapping[str, Shape]) -> bool:
    """Return whether the layers so far, and the op after them, take an input of other sizes."""
    shapes: dict[tuple[int, int], Shape] = {(-1, 0): next(iter(sizes.values()))}
    try:
        for index, layer in enumerate(builder.layers):
            outputs = layer.op.shape(tuple([shapes[tensor.layer, tensor.port] for tensor in layer.inputs]))
            shapes.update({(index, port): shape for port, shape in enumerate(outputs)})
        op.shape(tuple([shapes[tensor.layer, tensor.port] for tensor in inputs]))
    except CostcalcError:
        return False
    return True
