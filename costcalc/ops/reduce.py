"""Reductions along axes. K is the number of values that become one, E the number of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import ShapeError
from costcalc.formula import Count, Shape, Shapes, elements, product
from costcalc.model import Cost
from costcalc.ops.base import Op
from costcalc.ops.shapes import axis_of, less_one, several

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Integers


class _Reduce(Op):
    axis: Integers
    keepdims: Flag = False

    def axes(self, shape: Shape) -> list[int]:
        """The axes that are reduced, counted from the front."""
        axes = [axis_of(axis, len(shape)) for axis in several(self.axis)]
        for place, axis in enumerate(axes):
            if axis in axes[:place]:
                raise ShapeError("axis {} names axis {} of {} twice", list(several(self.axis)), axis, list(shape))
        return axes

    def shape(self, inputs: Shapes) -> Shapes:
        """Without the axes, or with 1 in their place."""
        axes = self.axes(inputs[0])
        sizes = [1 if axis in axes else size for axis, size in enumerate(inputs[0])]
        return (tuple(size for axis, size in enumerate(sizes) if self.keepdims or axis not in axes),)

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """The names of the axes that stay."""
        if self.keepdims:
            return super().layout(axes, rank)
        gone = [axis % len(axes) for axis in several(self.axis)] if axes else []
        return tuple([name for axis, name in enumerate(axes) if axis not in gone])

    def kept(self, inputs: Shapes) -> Count:
        """E."""
        axes = self.axes(inputs[0])
        return product(*(factor for axis, factor in enumerate(elements(inputs[0]).terms[0]) if axis not in axes))

    def reduced(self, inputs: Shapes) -> Count:
        """(K - 1)·E."""
        axes = self.axes(inputs[0])
        values = tuple(factor for axis, factor in enumerate(elements(inputs[0]).terms[0]) if axis in axes)
        return self.kept(inputs) * product(less_one(values))


class Mean(_Reduce, name="mean"):
    """Mean along one axis or several.

    Shapes: any -> without the axes; with keepdims, 1 in their place.
    Units:  K - 1 additions and one division per result.
    Errors: ShapeError when there is no such axis, or one is named twice.
    Source: PyTorch's mean.

    >>> op = Mean(axis=0)
    >>> op.shape(((197, 768),)), op.cost(((197, 768),), ((768,),)).add.value == (197 - 1) * 768
    (((768,),), True)
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """A sum, divided."""
        return Cost(add=self.reduced(inputs), div=self.kept(inputs))


class Sum(_Reduce, name="sum"):
    """Sum along one axis or several.

    Shapes: any -> without the axes; with keepdims, 1 in their place.
    Units:  K - 1 additions per result.
    Errors: ShapeError when there is no such axis, or one is named twice.
    Source: PyTorch's sum.

    >>> Sum(axis=[1, 2]).cost(((64, 7, 7),), ((64,),)).add.value == (7 * 7 - 1) * 64
    True
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """K values are summed by K - 1 additions."""
        return Cost(add=self.reduced(inputs))


class Max(_Reduce, name="max"):
    """Maximum along one axis or several.

    Shapes: any -> without the axes; with keepdims, 1 in their place.
    Units:  K - 1 comparisons per result.
    Errors: ShapeError when there is no such axis, or one is named twice.
    Source: PyTorch's amax.

    >>> Max(axis=-1, keepdims=True).shape(((64, 7, 7),))
    ((64, 7, 1),)
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """The largest of K values takes K - 1 comparisons."""
        return Cost(cmp=self.reduced(inputs))
