"""Suggests repairs for incompatible shapes, with the actual sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costcalc.formula import Shape
    from costcalc.lang.template import Item
    from costcalc.model import Tensor

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
