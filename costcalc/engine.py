"""Builds a network op by op and infers each shape on the way. It knows no op by name."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError, ShapeError, counted
from costcalc.formula import MAX_NUMBER, ZERO
from costcalc.model import Cost, Layer, Network, Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costcalc.errors import Span
    from costcalc.formula import Dim, Shape, Shapes
    from costcalc.ops.base import Op

MAX_LAYERS = 100_000
MAX_RANK = 8


class LimitError(CostcalcError):
    """A network beyond what costcalc takes."""


class Builder:
    """A network that grows. `add` returns the new layer's outputs, to be given to later layers."""

    def __init__(self, inputs: Mapping[str, Shape], max_layers: int = MAX_LAYERS) -> None:
        self.inputs = dict(inputs)
        self.max_layers = max_layers
        self.layers: list[Layer] = []
        self._known: dict[tuple[Op, Shapes], tuple[Shapes, Cost]] = {}

    def input(self, name: str) -> Tensor:
        """An input of the network."""
        return Tensor(-1 - list(self.inputs).index(name), 0, self.inputs[name])

    def add(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        name: str,
        span: Span | None = None,
        host: int | None = None,
        share: int | None = None,
    ) -> tuple[Tensor, ...]:
        """Append a layer. Raises `ShapeError` where the op cannot take these inputs."""
        index = len(self.layers)
        if index >= self.max_layers:
            raise LimitError("more than {:,} layers", self.max_layers, help="raise the limit with --max-layers")
        outputs, cost = self.infer(op, tuple([tensor.shape for tensor in inputs]))
        if share is not None:
            first = self.layers[share]
            own = op.own_params(first.op, cost, first.cost)
            cost = Cost(**{**cost.__dict__, "params": own, "buffers": ZERO})
        new = tuple.__new__  # what the classes do themselves, in a third of the time
        self.layers.append(new(Layer, (name, op, inputs, outputs, cost, span, host, share)))
        return tuple([new(Tensor, (index, port, shape)) for port, shape in enumerate(outputs)])

    def infer(self, op: Op, shapes: Shapes) -> tuple[Shapes, Cost]:
        """The outputs of an op and its cost at these inputs. Raises `ShapeError`."""
        found = self._known.get((op, shapes))
        if found is None:
            found = self._known[op, shapes] = self._infer(op, shapes)
        return found

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
        """The network as it stands."""
        return Network(name, dict(self.inputs), tuple(self.layers), dict(outputs), params or {}, source, description)


def size(shapes: Iterable[Shape]) -> Dim:
    """The elements of some tensors."""
    return sum(prod(shape) for shape in shapes)
