"""Elementwise activations, and softmax along one axis. Only `prelu` has parameters.

E is the number of elements. `exp` counts every transcendental function (exp, log, tanh, erf).

>>> from costcalc.ops.base import REGISTRY
>>> silu = REGISTRY["silu"]().cost(((64, 56, 56),), ((64, 56, 56),))
>>> silu.exp.value == silu.mul.value == 64 * 56 * 56
True
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, ClassVar, Literal

from costcalc.cost import Cost
from costcalc.errors import counted
from costcalc.formula import Count, Shapes, elements, product
from costcalc.ops.base import Elementwise, Op, Window, across_channels
from costcalc.ops.channels import PerChannel
from costcalc.ops.shapes import axis_of, ranked
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.ops.argument_types import Flag, Integer


class Activation(NamedTuple):
    """An elementwise op without arguments."""

    name: str
    operations: str
    """The operations per element by class; a class is repeated for each operation."""
    summary: str
    source: str
    aliases: tuple[str, ...] = ()


ACTIVATIONS = (
    Activation("relu", "cmp", "Rectified linear unit, max(0, x).", "Nair and Hinton 2010; PyTorch's ReLU."),
    Activation(
        "relu6",
        "cmp cmp",
        "Rectified linear unit with a ceiling, min(max(0, x), 6).",
        "Howard et al. 2017, arXiv:1704.04861; PyTorch's ReLU6.",
    ),
    Activation(
        "leaky_relu",
        "cmp mul",
        "Rectified linear unit with a small slope below zero, x or a·x.",
        "Maas et al. 2013; PyTorch's LeakyReLU.",
    ),
    Activation(
        "elu",
        "cmp mul add exp",
        "Exponential linear unit, x or a·(exp(x) - 1).",
        "Clevert et al. 2015, arXiv:1511.07289; PyTorch's ELU.",
    ),
    Activation(
        "selu",
        "cmp mul mul add exp",
        "Scaled exponential linear unit, s·elu(x).",
        "Klambauer et al. 2017, arXiv:1706.02515; PyTorch's SELU.",
    ),
    Activation("sigmoid", "add div exp", "Logistic function, 1 / (1 + exp(-x)).", "PyTorch's Sigmoid."),
    Activation(
        "hardsigmoid",
        "cmp cmp mul add",
        "Sigmoid from straight pieces, min(max(0, x/6 + 1/2), 1).",
        "Howard et al. 2019, arXiv:1905.02244; PyTorch's Hardsigmoid.",
        ("hsigmoid",),
    ),
    Activation("tanh", "exp", "Hyperbolic tangent.", "PyTorch's Tanh."),
    Activation(
        "silu",
        "mul add div exp",
        "Sigmoid linear unit (swish), x·sigmoid(x).",
        "Elfwing et al. 2017, arXiv:1702.03118; PyTorch's SiLU.",
        ("swish",),
    ),
    Activation(
        "hardswish",
        "cmp cmp mul mul add",
        "Swish from straight pieces, x·hardsigmoid(x).",
        "Howard et al. 2019, arXiv:1905.02244; PyTorch's Hardswish.",
        ("hswish",),
    ),
    Activation(
        "gelu",
        "mul mul mul add exp",
        "Gaussian error linear unit, x/2·(1 + erf(x/√2)).",
        "Hendrycks and Gimpel 2016, arXiv:1606.08415; PyTorch's GELU.",
    ),
    Activation(
        "mish",
        "mul add exp exp exp",
        "Self-gated softplus, x·tanh(softplus(x)).",
        "Misra 2019, arXiv:1908.08681; PyTorch's Mish.",
    ),
    Activation("softplus", "add exp exp", "Smooth rectifier, log(1 + exp(x)).", "PyTorch's Softplus."),
)
_NOUNS = {"add": "addition", "mul": "multiplication", "div": "division", "cmp": "comparison", "exp": "transcendental"}
_TEXT = """{}

Shapes: any -> the same.
Units:  per element {}.
Errors: none.
Source: {}
"""


KEPT = ("relu", "sigmoid", "tanh")
"""The activations whose gradient PyTorch computes from the output. That of the others needs the input."""


def define(rows: Iterable[Activation], module: str, role: Literal["", "act"] = "") -> None:
    """Define an op for each row of a table."""
    for row in rows:
        per_element = Counter(row.operations.split())
        counts = [counted(times, _NOUNS[quantity]) for quantity, times in per_element.items()]
        members = {
            "__module__": module,
            "__doc__": _TEXT.format(row.summary, ", ".join(counts), row.source),
            "per_element": dict(per_element),
            "aliases": row.aliases,
            "role": role,
            "in_place": "activations" if role else "all",
            "saves": "outputs" if row.name in KEPT else "inputs",
        }
        type(row.name, (Elementwise,), members, name=row.name)


define(ACTIVATIONS, __name__, "act")


class Prelu(PerChannel, name="prelu"):
    """Rectified linear unit with a learned slope below zero, one for all channels or one per channel.

    Shapes: any -> the same; with per_channel, (C, ...) -> the same, or (T, D) -> the same over the features.
    Units:  one comparison and one multiplication per element; 1 parameter, or C.
    Errors: ShapeError when per_channel is true and the input has no axes.
    Source: He et al. 2015, arXiv:1502.01852; PyTorch's PReLU.

    >>> Prelu(per_channel=True).cost(((64, 56, 56),), ((64, 56, 56),)).params.value
    64
    """

    role: ClassVar[Literal["", "norm", "act"]] = "act"
    pointwise: ClassVar[bool] = True
    in_place: ClassVar[Literal["", "activations", "all"]] = "activations"
    saves: ClassVar[Literal["", "inputs", "outputs"]] = "inputs"
    per_channel: Flag = False
    axis: Integer | None = None

    def features_axis(self) -> int | None:
        """Return the first axis, the default, if it has a slope for each channel."""
        return super().features_axis() if self.per_channel else None

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        if self.per_channel:
            self.channel_axis(ranked(inputs[0], 1, self))
        return inputs

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count one comparison and one multiplication per element."""
        each = elements(outputs[0])
        return Cost(cmp=each, mul=each, params=product(self.channels(inputs[0]) if self.per_channel else ("1", 1)))


class AlongAxis(Op):
    """An op that keeps the shape and computes along one axis."""

    saves: ClassVar[Literal["", "inputs", "outputs"]] = "outputs"
    axis: Integer = -1

    def footprint(self, rank: int) -> Window | None:
        """Return one position if the axis is the channel axis."""
        return across_channels(self.axis, rank)

    def shape(self, inputs: Shapes) -> Shapes:
        """Return the shape of the input."""
        axis_of(self.axis, len(inputs[0]))
        return inputs


class Softmax(AlongAxis, name="softmax"):
    """Softmax along one axis, exp(x - max) / sum.

    Shapes: any -> the same.
    Units:  per element one comparison (the maximum), two additions, one transcendental and one division.
    Errors: ShapeError when the axis is out of range.
    Source: PyTorch's Softmax.

    >>> Softmax().cost(((10, 5),), ((10, 5),)).add.value == 2 * 10 * 5
    True
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the maximum, differences, exponentials, sum and quotients."""
        return softmax(elements(outputs[0]))


class LogSoftmax(AlongAxis, name="log_softmax"):
    """Logarithm of softmax along one axis, x - max - log(sum exp(x - max)).

    Shapes: any -> the same.
    Units:  per element one comparison, three additions, one transcendental; per row one transcendental.
    Errors: ShapeError when the axis is out of range.
    Source: PyTorch's LogSoftmax.

    >>> LogSoftmax().cost(((10, 5),), ((10, 5),)).exp.value == 10 * 5 + 10
    True
    """

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count as softmax, with a logarithm per row and a difference in place of the quotient."""
        each = elements(outputs[0])
        axis = axis_of(self.axis, len(outputs[0]))
        row = each.terms[0][:axis] + each.terms[0][axis + 1 :]
        return Cost(cmp=each, add=3 * each, exp=each + product(*row))


def softmax(each: Count) -> Cost:
    """Return the cost of softmax over `each` elements."""
    return Cost(cmp=each, add=2 * each, exp=each, div=each)
