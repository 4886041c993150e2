"""What repairs a network whose shapes do not fit, said with the numbers at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costcalc.formula import Shape
    from costcalc.lang.template import Item
    from costcalc.model import Tensor

_GENERAL = "a shortcut that changes the shape as the body does: shortcut: [...]"


def residual_repair(item: Item, body: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> str:
    """How the body of a residual and the path beside it come to the same shape."""
    if len(item.branches) > 1:
        return "body and shortcut must end in the same shape: the same out, and the same strides"
    return projection(other[0].shape, body[0].shape) if body and other else _GENERAL


def projection(entering: Shape, leaving: Shape) -> str:
    """The shortcut, or the change to the body, that makes a residual's two shapes equal.

    >>> projection((64, 56, 56), (128, 28, 28))
    'give it a shortcut: shortcut: [conv: {out: 128, kernel: 1, stride: 2}]'
    >>> projection((8, 32, 32), (16, 30, 30))
    'padding keeps the size, 32x32 here: padding: same, or kernel // 2'
    >>> projection((5, 16), (5, 32))
    'give it a shortcut: shortcut: [linear: 32]'
    """
    if not all(type(size) is int for size in (*entering, *leaving)):
        return _GENERAL
    if len(entering) != len(leaving):
        return f"the body must keep the number of dimensions, {len(entering)} here"
    if len(entering) < 3 and entering[:-1] == leaving[:-1]:
        return f"give it a shortcut: shortcut: [linear: {leaving[-1]}]"
    strides = [-(-size // out) for size, out in zip(entering[1:], leaving[1:], strict=True)]
    if [-(-size // stride) for size, stride in zip(entering[1:], strides, strict=True)] != [*leaving[1:]]:
        size = "x".join(map(str, entering[1:]))
        return f"padding keeps the size, {size} here: padding: same, or kernel // 2"
    stride = strides[0] if len(set(strides)) == 1 else strides
    step = "" if stride == 1 else f", stride: {stride}"
    return f"give it a shortcut: shortcut: [conv: {{out: {leaving[0]}, kernel: 1{step}}}]"
