"""Reductions along axes. K is the number of values that are reduced to one, E the number of results."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from costcalc.cost import Cost
from costcalc.errors import ShapeError
from costcalc.formula import Count, Shape, Shapes, elements, product
from costcalc.ops.base import Op
from costcalc.ops.shapes import axis_of, less_one, several

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Integers


class _Reduce(Op):
    axis: Integers
    keepdims: Flag = False

    def axes(self, shape: Shape) -> list[int]:
        """Return the reduced axes as non-negative indices."""
        axes = [axis_of(axis, len(shape)) for axis in several(self.axis)]
        for index, axis in enumerate(axes):
            if axis in axes[:index]:
                raise ShapeError("axis {} names axis {} of {} twice", list(several(self.axis)), axis, list(shape))
        return axes

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape without the reduced axes, or with size 1 for them."""
        axes = self.axes(inputs[0])
        sizes = [1 if axis in axes else size for axis, size in enumerate(inputs[0])]
        return (tuple(size for axis, size in enumerate(sizes) if self.keepdims or axis not in axes),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the names of the axes that remain."""
        if self.keepdims:
            return super().layout(axes, rank)
        reduced = [axis % len(axes) for axis in several(self.axis)] if axes else []
        return tuple([name for axis, name in enumerate(axes) if axis not in reduced])

    def kept(self, inputs: Shapes) -> Count:
        """Return E."""
        axes = self.axes(inputs[0])
        return product(*(factor for axis, factor in enumerate(elements(inputs[0]).terms[0]) if axis not in axes))

    def reduced(self, inputs: Shapes) -> Count:
        """Return (K - 1)·E."""
        axes = self.axes(inputs[0])
        values = tuple(factor for axis, factor in enumerate(elements(inputs[0]).terms[0]) if axis in axes)
        return self.kept(inputs) * product(less_one(values))


class Mean(_Reduce, name="mean"):
    """Mean along one axis or several.

    Shapes: any -> the shape without the axes; with keepdims, size 1 for them.
    Units:  K - 1 additions and one division per result.
    Errors: ShapeError when an axis is out of range or given twice.
    Source: PyTorch's mean.

    >>> op = Mean(axis=0)
    >>> op.shape(((197, 768),)), op.cost(((197, 768),), ((768,),)).add.value == (197 - 1) * 768
    (((768,),), True)
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K - 1 additions and one division per result."""
        return Cost(add=self.reduced(inputs), div=self.kept(inputs))


class Sum(_Reduce, name="sum"):
    """Sum along one axis or several.

    Shapes: any -> the shape without the axes; with keepdims, size 1 for them.
    Units:  K - 1 additions per result.
    Errors: ShapeError when an axis is out of range or given twice.
    Source: PyTorch's sum.

    >>> Sum(axis=[1, 2]).cost(((64, 7, 7),), ((64,),)).add.value == (7 * 7 - 1) * 64
    True
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K - 1 additions per result."""
        return Cost(add=self.reduced(inputs))


class Max(_Reduce, name="max"):
    """Maximum along one axis or several.

    Shapes: any -> the shape without the axes; with keepdims, size 1 for them.
    Units:  K - 1 comparisons per result.
    Errors: ShapeError when an axis is out of range or given twice.
    Source: PyTorch's amax.

    >>> Max(axis=-1, keepdims=True).shape(((64, 7, 7),))
    ((64, 7, 1),)
    """

    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count K - 1 comparisons per result."""
        return Cost(cmp=self.reduced(inputs))
