"""Arithmetic without parameters: functions of each element, and what models build from them.

E is the number of elements, G the number of groups: positions of the axes that are not normalised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costcalc.cost import Cost
from costcalc.errors import ArgumentError, ShapeError
from costcalc.formula import Shapes, Term, elements, product
from costcalc.ops.activation import Activation, AlongAxis, define
from costcalc.ops.argument_types import integer
from costcalc.ops.base import Op, Window, across_channels
from costcalc.ops.shapes import axis_of, ranked, rows, token_axes

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Integer, Probability

FUNCTIONS = (
    Activation("abs", "cmp", "Absolute value, max(x, -x).", "PyTorch's abs."),
    Activation("clip", "cmp", "Values limited to a range.", "PyTorch's clamp.", ("clamp", "hardtanh")),
    Activation("neg", "add", "Negative value, 0 - x.", "PyTorch's neg.", ("negative",)),
    Activation("square", "mul", "Square, x·x.", "PyTorch's square."),
    Activation("reciprocal", "div", "Reciprocal, 1 / x.", "PyTorch's reciprocal."),
    Activation("exp", "exp", "Exponential function.", "PyTorch's exp."),
    Activation("log", "exp", "Natural logarithm.", "PyTorch's log."),
    Activation("sqrt", "exp", "Square root.", "PyTorch's sqrt."),
    Activation("sin", "exp", "Sine.", "PyTorch's sin."),
    Activation("cos", "exp", "Cosine.", "PyTorch's cos."),
    Activation("erf", "exp", "The error function of Gauss.", "PyTorch's erf."),
)
define(FUNCTIONS, __name__)


class L2norm(AlongAxis, name="l2norm"):
    """Division by the Euclidean norm along one axis, x / √Σx².

    Shapes: any -> the same.
    Units:  per element 2 multiplications (square, scaling) and 1 addition; per group 1 comparison (with the least
            norm), 1 division and 1 transcendental (square root).
    Errors: ShapeError when the axis is out of range.
    Source: PyTorch's normalize; Liu et al. 2015, arXiv:1506.04579, section 3.3.

    >>> L2norm().cost(((8, 64),), ((8, 64),)).mul.value == 2 * 8 * 64
    True
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the squares, their sums, and one factor for each group."""
        each = elements(outputs[0])
        axis = axis_of(self.axis, len(outputs[0]))
        factors = each.terms[0]
        groups = product(*factors[:axis], *factors[axis + 1 :])
        return Cost(add=each, mul=each * 2, div=groups, cmp=groups, exp=groups)


class Glu(Op, name="glu"):
    """Gated linear unit: one half of an axis, multiplied by the sigmoid of the other half.

    Shapes: (..., D) -> (..., D / 2) along the axis.
    Units:  per element of the output 1 addition, 1 division, 1 transcendental (sigmoid) and 1 multiplication.
    Errors: ShapeError when the axis is out of range, or its size is odd.
    Source: Dauphin et al. 2016, arXiv:1612.08083; PyTorch's GLU.

    >>> Glu().shape(((50, 512),))
    ((50, 256),)
    """

    axis: Integer = -1

    def shape(self, inputs: Shapes) -> Shapes:
        """Halve the size of the axis."""
        axis = axis_of(self.axis, len(inputs[0]))
        size = inputs[0][axis]
        if size % 2 != 0:
            raise ShapeError("glu halves axis {} of {}, whose size is odd", self.axis, list(inputs[0]))
        return ((*inputs[0][:axis], size // 2, *inputs[0][axis + 1 :]),)

    def footprint(self, rank: int) -> Window | None:
        """Return one position if the axis is the channel axis."""
        return across_channels(self.axis, rank)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count a sigmoid and a product for each element of the output."""
        each = elements(outputs[0])
        return Cost(add=each, mul=each, div=each, exp=each)


class Rope(Op, name="rope"):
    """Rotary position embedding: pairs of features are rotated by an angle that depends on the position.

    Shapes: (..., T, D) -> the same.
    Units:  2 multiplications and 1 addition for each rotated feature, of which there are fraction·D. The sines and
            cosines of the angles are stored.
    Errors: ShapeError when the input has fewer than two axes, or fraction·D is not an even integer.
    Source: Su et al. 2021, arXiv:2104.09864, equation 34; the fraction as in GPT-NeoX, arXiv:2204.06745.

    >>> Rope().cost(((12, 128, 64),), ((12, 128, 64),)).mul.value == 2 * 12 * 128 * 64
    True
    """

    aliases: ClassVar[tuple[str, ...]] = ("rotary", "rotaryembedding", "rotarypositionembedding")
    pointwise: ClassVar[bool] = True
    fraction: Probability = 1

    def features_axis(self) -> int | None:
        """Return the last axis."""
        return -1

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes of the input, or T and D after any leading axes."""
        return axes or token_axes(rank)

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        self._rotated(ranked(inputs[0], 2, self)[-1])
        return inputs

    def _rotated(self, features: int) -> int:
        """Return the number of rotated features of each position."""
        if self.fraction == 1:
            rotated = features
        else:
            try:
                rotated = integer(self.fraction * features)
            except ArgumentError:
                raise ShapeError("fraction {} of {} features is not an integer", self.fraction, features) from None
        if rotated % 2 != 0:
            raise ShapeError("rope rotates pairs of features, got {}", rotated, help="use an even number of features")
        return rotated

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count each rotated feature."""
        *leading, features = inputs[0]
        term: Term = (*rows(tuple(leading)), ("D_rot" if self.fraction != 1 else "D", self._rotated(features)))
        each = product(*term)
        return Cost(add=each, mul=each * 2)
