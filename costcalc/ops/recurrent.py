"""Recurrent layers over a sequence.

A gate has two vectors of biases, as in cuDNN and PyTorch, or one (`biases: 1`), as in Keras and in papers. With
`projection`, the state that is passed on has p features (Sak et al. 2014, arXiv:1402.1128).

The matrix products of the gates are counted as multiply-adds. The other operations, per step and hidden unit, are the
additions (two biases and the sum of two products per gate, the nonlinearities and the state), the products of gates and
state, and the nonlinearities.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from costcalc.cost import Cost
from costcalc.errors import ArgumentError
from costcalc.formula import ZERO, CompoundSymbol, Count, Dim, Factor, Shapes, product
from costcalc.ops.argument_types import ArgumentType, integer, register
from costcalc.ops.base import Op
from costcalc.ops.shapes import less_one, rows, token_axes, tokens

if TYPE_CHECKING:
    from costcalc.ops.argument_types import Flag, Positive

BiasVectors: TypeAlias = int


def _bias_vectors(value: Any) -> int:
    """Convert 1 or 2."""
    vectors = integer(value)
    if vectors not in (1, 2):
        help = "1 is one bias per gate, as in Keras; 2 are two, as in PyTorch; write bias: false for none"
        raise ArgumentError("expected 1 or 2, got {}", vectors, help=help)
    return vectors


register("BiasVectors", ArgumentType(_bias_vectors, "1 or 2", {"enum": [1, 2]}))


class _Recurrent(Op):
    """A recurrent layer with `gates` gates and `per_unit` operations per step and hidden unit."""

    gates: ClassVar[int] = 1
    per_unit: ClassVar[dict[str, int]] = {}

    implied: ClassVar[dict[str, str]] = {"projection": "none"}
    hidden: Positive
    layers: Positive = 1
    bidirectional: Flag = False
    bias: Flag = True
    biases: BiasVectors = 2
    projection: Positive | None = None

    @property
    def directions(self) -> int:
        """The number of directions, 1 or 2."""
        return 2 if self.bidirectional else 1

    @property
    def state(self) -> tuple[Factor, ...]:
        """The size of the state that is passed on, as a factor: `hidden`, or `projection`."""
        return (("h", self.hidden),) if self.projection is None else (("p", self.projection),)

    def shape(self, inputs: Shapes) -> Shapes:
        """Map (..., T, D) to (..., T, directions·hidden), or directions·projection."""
        leading, length, _ = tokens(inputs[0], self)
        return ((*leading, length, self.state[0][1] * self.directions),)

    def features_axis(self) -> int | None:
        """Return the last axis."""
        return -1

    def layout(self, axes: tuple[str, ...], rank: int) -> tuple[str, ...]:
        """Return the axes T and D, after any leading axes."""
        return token_axes(rank)

    def cost(self, inputs: Shapes, outputs: Shapes) -> Cost:
        """Count the products of input and state with a matrix per gate, for each step, layer and direction."""
        leading, length, features = tokens(inputs[0], self)
        steps = rows((*leading, length))
        hidden = ("h", self.hidden)
        stack: tuple[Factor, ...] = (("layers", self.layers),) if self.layers != 1 else ()
        units = product(*steps, *stack, hidden) * self.directions
        biases = self.biases if self.bias else 0
        without = (2 - biases) * self.gates
        operations = {
            quantity: units * (times if quantity != "add" else times - without)
            for quantity, times in self.per_unit.items()
        }
        projected = ZERO if self.projection is None else product(*stack, hidden, *self.state) * self.directions
        return Cost(
            macs=product(*steps) * (self._weights(features, 0) + projected),
            params=self._weights(features, biases) + projected,
            **operations,
        )

    def saved_numbers(self, inputs: Shapes, outputs: Shapes) -> Dim:
        """Return the gates, the states and what is passed on, for each step, layer and direction."""
        leading, length, _ = tokens(inputs[0], self)
        each = (self.gates + 1) * self.hidden + self.state[0][1]
        return prod(leading) * length * self.layers * self.directions * each

    def _weights(self, features: Dim, biases: int) -> Count:
        more = f" + {biases}" if biases else ""
        ((name, size),) = self.state
        gates = (("gates", self.gates),) if self.gates != 1 else ()
        hidden = ("h", self.hidden)
        one = (CompoundSymbol(f"(D + {name}{more})", (("D", features), (name, size))), features + size + biases)
        first = product(*gates, hidden, one) * self.directions
        if self.layers == 1:
            return first
        below = f"2·{name}" if self.bidirectional else name
        taken = (CompoundSymbol(f"({below} + {name}{more})", ((name, size),)), self.directions * size + size + biases)
        return first + product(less_one((("layers", self.layers),)), *gates, hidden, taken) * self.directions


class Lstm(_Recurrent, name="lstm"):
    """Long short-term memory.

    Shapes: (..., T, D) -> (..., T, hidden), or (..., T, 2·hidden) when bidirectional.
    Units:  multiply-adds T·4·h·(D + h) per layer and direction, D the features that enter the layer; per step and
            hidden unit 16 additions (8 without bias), 3 multiplications, 3 divisions, 5 transcendentals;
            4·h·(D + h + 2) parameters per layer and direction; 4·h·(D + h + 1) with biases: 1.
    Errors: ShapeError when the input has fewer than two axes.
    Source: Hochreiter and Schmidhuber 1997; PyTorch's LSTM.

    >>> op = Lstm(hidden=32)
    >>> op.cost(((5, 16),), op.shape(((5, 16),))).macs.value == 5 * 4 * 32 * (16 + 32)
    True
    """

    gates: ClassVar[int] = 4
    per_unit: ClassVar[dict[str, int]] = {"add": 16, "mul": 3, "div": 3, "exp": 5}


class Gru(_Recurrent, name="gru"):
    """Gated recurrent unit.

    Shapes: (..., T, D) -> (..., T, hidden), or (..., T, 2·hidden) when bidirectional.
    Units:  multiply-adds T·3·h·(D + h) per layer and direction, D the features that enter the layer; per step and
            hidden unit 13 additions (7 without bias), 3 multiplications, 2 divisions, 3 transcendentals;
            3·h·(D + h + 2) parameters per layer and direction; 3·h·(D + h + 1) with biases: 1.
    Errors: ShapeError when the input has fewer than two axes.
    Source: Cho et al. 2014, arXiv:1406.1078; PyTorch's GRU.

    >>> op = Gru(hidden=32, bidirectional=True)
    >>> op.cost(((5, 16),), op.shape(((5, 16),))).params.value == 2 * 3 * 32 * (16 + 32 + 2)
    True
    """

    gates: ClassVar[int] = 3
    per_unit: ClassVar[dict[str, int]] = {"add": 13, "mul": 3, "div": 2, "exp": 3}


class Rnn(_Recurrent, name="rnn"):
    """Plain recurrent layer: tanh of a linear map of input and state.

    Shapes: (..., T, D) -> (..., T, hidden), or (..., T, 2·hidden) when bidirectional.
    Units:  multiply-adds T·h·(D + h) per layer and direction, D the features that enter the layer; per step and
            hidden unit 3 additions (1 without bias), 1 transcendental;
            h·(D + h + 2) parameters per layer and direction; h·(D + h + 1) with biases: 1.
    Errors: ShapeError when the input has fewer than two axes.
    Source: Elman 1990; PyTorch's RNN.

    >>> op = Rnn(hidden=32, layers=2)
    >>> op.cost(((5, 16),), op.shape(((5, 16),))).macs.value == 5 * 32 * (16 + 32) + 5 * 32 * (32 + 32)
    True
    """

    gates: ClassVar[int] = 1
    per_unit: ClassVar[dict[str, int]] = {"add": 3, "exp": 1}
