"""Builds a network layer by layer and infers shapes. Nothing here depends on a particular op."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.cost import Cost
from costcalc.errors import CostcalcError, ShapeError, counted
from costcalc.formula import MAX_NUMBER, Count
from costcalc.model import Layer, Network, Parameter, Tensor
from costcalc.number_formats import NumberFormats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costcalc.errors import Span
    from costcalc.formula import Dim, Shape, Shapes
    from costcalc.ops.base import Op

MAX_LAYERS = 100_000
MAX_RANK = 8


class LimitError(CostcalcError):
    """A network that exceeds a limit of costcalc."""


class Builder:
    """A network under construction. `add` returns the outputs of the new layer, the inputs of later ones."""

    def __init__(self, inputs: Mapping[str, Shape], max_layers: int = MAX_LAYERS) -> None:
        self.inputs = dict(inputs)
        self.max_layers = max_layers
        self.layers: list[Layer] = []
        self.formats = NumberFormats()
        """The number formats of the next layers, where they differ from those of the network."""
        self._known: dict[tuple[Op, Shapes], tuple[Shapes, Cost]] = {}

    def input(self, name: str) -> Tensor:
        """Return an input of the network."""
        return Tensor(-1 - list(self.inputs).index(name), 0, self.inputs[name])

    def add(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        name: str,
        span: Span | None = None,
        host: int | None = None,
        weights: Layer | None = None,
    ) -> tuple[Tensor, ...]:
        """Append a layer and return its outputs. Raises `ShapeError` if the op cannot take these inputs.

        `weights` is a layer whose parameters this one uses.
        """
        index = len(self.layers)
        if index >= self.max_layers:
            raise self.too_many_layers()
        shapes, cost = self.infer(op, tuple([tensor.shape for tensor in inputs]))
        if weights is None:
            parameters = _parameters(cost)
        else:
            parameters, cost = self._shared(op, cost, weights)
        new = tuple.__new__  # what the classes do themselves, in a third of the time
        outputs = tuple([new(Tensor, (index, port, shape, 0, "")) for port, shape in enumerate(shapes)])
        self.layers.append(new(Layer, (name, op, inputs, outputs, parameters, cost, span, host, self.formats)))
        return outputs

    def _shared(self, op: Op, cost: Cost, layer: Layer) -> tuple[tuple[Parameter, ...], Cost]:
        """Return the parameters of a layer that uses those of another one, and its cost without these."""
        whole = self.infer(layer.op, tuple([tensor.shape for tensor in layer.inputs]))[1]
        count = op.shared_parameters(layer.op, cost, whole)
        own = _parameters(cost)[count:]
        params, buffers = [Count(tuple([p.term for p in own if p.learned is learned])) for learned in (True, False)]
        return (*layer.parameters[:count], *own), Cost(**{**cost.__dict__, "params": params, "buffers": buffers})

    def too_many_layers(self) -> LimitError:
        """Return the error of a network with more layers than the limit."""
        return LimitError("more than {:,} layers", self.max_layers, help="raise the limit with --max-layers")

    def infer(self, op: Op, shapes: Shapes) -> tuple[Shapes, Cost]:
        """Return the output shapes and the cost of an op for these input shapes. Raises `ShapeError`."""
        result = self._known.get((op, shapes))
        if result is None:
            result = self._known[op, shapes] = self._infer(op, shapes)
        return result

    def _infer(self, op: Op, shapes: Shapes) -> tuple[Shapes, Cost]:
        least, most = op.arity
        if len(shapes) < least or (most is not None and len(shapes) > most):
            more = "" if least == most else " or more" if most is None else f" to {most}"
            takes = counted(least, "input") if not more else f"{least}{more} inputs"
            raise ShapeError("{} takes {}, got {}", op.name, takes, len(shapes), help="list the inputs in from:")
        outputs = op.shape(shapes)
        for shape in outputs:
            if len(shape) > MAX_RANK:
                raise LimitError("expected an output of at most {1} dimensions, got {0}", len(shape), MAX_RANK)
            for dimension in shape:
                if dimension > MAX_NUMBER:
                    raise LimitError("a dimension is larger than 10^30")
        return outputs, op.cost(shapes, outputs)

    def network(
        self,
        name: str,
        outputs: Mapping[str, Tensor],
        params: Mapping[str, object] | None = None,
        source: str = "",
        description: str = "",
    ) -> Network:
        """Return the network with the layers added so far."""
        return Network(name, dict(self.inputs), tuple(self.layers), dict(outputs), params or {}, source, description)


def _parameters(cost: Cost) -> tuple[Parameter, ...]:
    """Return new parameters, one for each term of the counts: the learned ones, then the buffers."""
    terms, buffers = cost.params.terms, cost.buffers.terms
    return tuple([Parameter(term, True) for term in terms] + [Parameter(term, False) for term in buffers])


def size(shapes: Iterable[Shape]) -> Dim:
    """Return the total number of elements of some tensors."""
    return sum(prod(shape) for shape in shapes)
