"""Activations: elementwise, without weights except `prelu`; and softmax, along one axis.

E is the number of elements. `exp` stands for any transcendental (exp, log, tanh, erf).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from costcalc.formula import Count, Shapes, elements, product
from costcalc.model import Cost
from costcalc.ops.base import Elementwise, Op, Window, across_channels
from costcalc.ops.shapes import axis_of, ranked

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Integer


class Relu(Elementwise, name="relu"):
    """Rectified linear unit, max(0, x).

    Shapes: any -> the same.
    Units:  one comparison per element.
    Errors: none.
    Source: Nair and Hinton 2010; PyTorch's ReLU.

    >>> Relu().cost(((64, 56, 56),), ((64, 56, 56),)).cmp.value == 64 * 56 * 56
    True
    """

    per_element: ClassVar[dict[str, int]] = {"cmp": 1}


class Relu6(Elementwise, name="relu6"):
    """Rectified linear unit with a ceiling, min(max(0, x), 6).

    Shapes: any -> the same.
    Units:  two comparisons per element.
    Errors: none.
    Source: Howard et al. 2017, arXiv:1704.04861; PyTorch's ReLU6.

    >>> Relu6().cost(((10,),), ((10,),)).cmp.value == 2 * 10
    True
    """

    per_element: ClassVar[dict[str, int]] = {"cmp": 2}


class LeakyRelu(Elementwise, name="leaky_relu"):
    """Rectified linear unit with a small slope below zero, x or a·x.

    Shapes: any -> the same.
    Units:  one comparison and one multiplication per element.
    Errors: none.
    Source: Maas et al. 2013; PyTorch's LeakyReLU.

    >>> LeakyRelu().cost(((10,),), ((10,),)).mul.value
    10
    """

    per_element: ClassVar[dict[str, int]] = {"cmp": 1, "mul": 1}


class Elu(Elementwise, name="elu"):
    """Exponential linear unit, x or a·(exp(x) - 1).

    Shapes: any -> the same.
    Units:  one comparison, transcendental, addition and multiplication per element.
    Errors: none.
    Source: Clevert et al. 2015, arXiv:1511.07289; PyTorch's ELU.

    >>> Elu().cost(((10,),), ((10,),)).exp.value
    10
    """

    per_element: ClassVar[dict[str, int]] = {"cmp": 1, "exp": 1, "add": 1, "mul": 1}


class Selu(Elementwise, name="selu"):
    """Scaled exponential linear unit, s·elu(x).

    Shapes: any -> the same.
    Units:  as `elu`, and one more multiplication per element.
    Errors: none.
    Source: Klambauer et al. 2017, arXiv:1706.02515; PyTorch's SELU.

    >>> Selu().cost(((10,),), ((10,),)).mul.value == 2 * 10
    True
    """

    per_element: ClassVar[dict[str, int]] = {"cmp": 1, "exp": 1, "add": 1, "mul": 2}


class Sigmoid(Elementwise, name="sigmoid"):
    """Logistic function, 1 / (1 + exp(-x)).

    Shapes: any -> the same.
    Units:  one transcendental, addition and division per element.
    Errors: none.
    Source: PyTorch's Sigmoid.

    >>> Sigmoid().cost(((10,),), ((10,),)).div.value
    10
    """

    per_element: ClassVar[dict[str, int]] = {"exp": 1, "add": 1, "div": 1}


class Hardsigmoid(Elementwise, name="hardsigmoid"):
    """Sigmoid from straight pieces, min(max(0, x/6 + 1/2), 1).

    Shapes: any -> the same.
    Units:  one multiplication and addition, two comparisons per element.
    Errors: none.
    Source: Howard et al. 2019, arXiv:1905.02244; PyTorch's Hardsigmoid.

    >>> Hardsigmoid().cost(((10,),), ((10,),)).cmp.value == 2 * 10
    True
    """

    per_element: ClassVar[dict[str, int]] = {"mul": 1, "add": 1, "cmp": 2}


class Tanh(Elementwise, name="tanh"):
    """Hyperbolic tangent.

    Shapes: any -> the same.
    Units:  one transcendental per element.
    Errors: none.
    Source: PyTorch's Tanh.

    >>> Tanh().cost(((10,),), ((10,),)).exp.value
    10
    """

    per_element: ClassVar[dict[str, int]] = {"exp": 1}


class Silu(Elementwise, name="silu"):
    """Sigmoid linear unit (swish), x·sigmoid(x).

    Shapes: any -> the same.
    Units:  as `sigmoid`, and one multiplication per element.
    Errors: none.
    Source: Elfwing et al. 2017, arXiv:1702.03118; PyTorch's SiLU.

    >>> Silu().cost(((10,),), ((10,),)).mul.value
    10
    """

    per_element: ClassVar[dict[str, int]] = {"exp": 1, "add": 1, "div": 1, "mul": 1}


class Hardswish(Elementwise, name="hardswish"):
    """Swish from straight pieces, x·hardsigmoid(x).

    Shapes: any -> the same.
    Units:  as `hardsigmoid`, and one more multiplication per element.
    Errors: none.
    Source: Howard et al. 2019, arXiv:1905.02244; PyTorch's Hardswish.

    >>> Hardswish().cost(((10,),), ((10,),)).mul.value == 2 * 10
    True
    """

    per_element: ClassVar[dict[str, int]] = {"mul": 2, "add": 1, "cmp": 2}


class Gelu(Elementwise, name="gelu"):
    """Gaussian error linear unit, x/2·(1 + erf(x/√2)).

    Shapes: any -> the same.
    Units:  three multiplications, one addition and transcendental per element.
    Errors: none.
    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415; PyTorch's GELU.

    >>> Gelu().cost(((197, 768),), ((197, 768),)).mul.value == 3 * 197 * 768
    True
    """

    per_element: ClassVar[dict[str, int]] = {"mul": 3, "add": 1, "exp": 1}


class Mish(Elementwise, name="mish"):
    """Self-gated softplus, x·tanh(softplus(x)).

    Shapes: any -> the same.
    Units:  three transcendentals, one addition and multiplication per element.
    Errors: none.
    Source: Misra 2019, arXiv:1908.08681; PyTorch's Mish.

    >>> Mish().cost(((10,),), ((10,),)).exp.value == 3 * 10
    True
    """

    per_element: ClassVar[dict[str, int]] = {"exp": 3, "add": 1, "mul": 1}


class Softplus(Elementwise, name="softplus"):
    """Smooth rectifier, log(1 + exp(x)).

    Shapes: any -> the same.
    Units:  two transcendentals and one addition per element.
    Errors: none.
    Source: PyTorch's Softplus.

    >>> Softplus().cost(((10,),), ((10,),)).exp.value == 2 * 10
    True
    """

    per_element: ClassVar[dict[str, int]] = {"exp": 2, "add": 1}


class Prelu(Op, name="prelu"):
    """Rectified linear unit whose slope below zero is learnt, one slope or one per channel.

    Shapes: any -> the same; with per_channel, (C, ...) -> the same.
    Units:  one comparison and one multiplication per element; 1 parameter, or C.
    Errors: ShapeError when per_channel meets an input without axes.
    Source: He et al. 2015, arXiv:1502.01852; PyTorch's PReLU.

    >>> Prelu(per_channel=True).cost(((64, 56, 56),), ((64, 56, 56),)).params.value
    64
    """

    pointwise: ClassVar[bool] = True
    per_channel: Flag = False

    def shape(self, inputs: Shapes) -> Shapes:
        """The input's own."""
        if self.per_channel:
            ranked(inputs[0], 1, self)
        return inputs

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Every element is compared, and multiplied by a slope."""
        each = elements(outputs[0])
        return Cost(cmp=each, mul=each, params=product(("C", inputs[0][0]) if self.per_channel else ("1", 1)))


class _Softmax(Op):
    axis: Integer = -1

    def footprint(self, rank: int) -> Window | None:
        """One position, along the channels."""
        return across_channels(self.axis, rank)

    def shape(self, inputs: Shapes) -> Shapes:
        """The input's own."""
        axis_of(self.axis, len(inputs[0]))
        return inputs


class Softmax(_Softmax, name="softmax"):
    """Softmax along one axis, exp(x - max) / sum.

    Shapes: any -> the same.
    Units:  per element one comparison (the maximum), two additions, one transcendental and division.
    Errors: ShapeError when there is no such axis.
    Source: PyTorch's Softmax.

    >>> Softmax().cost(((10, 5),), ((10, 5),)).add.value == 2 * 10 * 5
    True
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """The maximum, the differences, their exponentials, the sum, the quotients."""
        return softmax(elements(outputs[0]))


class LogSoftmax(_Softmax, name="log_softmax"):
    """Logarithm of softmax along one axis, x - max - log(sum exp(x - max)).

    Shapes: any -> the same.
    Units:  per element one comparison, three additions, one transcendental; per row one transcendental.
    Errors: ShapeError when there is no such axis.
    Source: PyTorch's LogSoftmax.

    >>> LogSoftmax().cost(((10, 5),), ((10, 5),)).exp.value == 10 * 5 + 10
    True
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """As softmax, with a logarithm per row and a difference in place of the quotient."""
        each = elements(outputs[0])
        axis = axis_of(self.axis, len(outputs[0]))
        row = each.terms[0][:axis] + each.terms[0][axis + 1 :]
        return Cost(cmp=each, add=3 * each, exp=each + product(*row))


def softmax(each: Count) -> Cost:
    """What softmax costs for so many elements."""
    return Cost(cmp=each, add=2 * each, exp=each, div=each)
