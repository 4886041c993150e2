"""The immutable values that are passed between stages."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.cost import OPERATIONS
from costcalc.cost import Cost as Cost  # ops of other packages import it from here
from costcalc.errors import Fault
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from costcalc.errors import Span
    from costcalc.formula import Dim, Shape, Shapes, Term
    from costcalc.ops.base import Op


class Tensor(NamedTuple):
    """An output of a layer, by the layer's index and the output's. Layer -1-k is input k of the network.

    The shape is without the batch. `batch` is the position of the batch axis where the network was described; None if
    the tensor has none. `dtype` is its number format, empty for that of the network.
    """

    layer: int
    port: int
    shape: Shape
    batch: int | None = 0
    dtype: str = ""


class Parameter:
    """A stored tensor of a layer: learned, or a buffer. Layers that share weights have the same object.

    `term` is its term in the cost of the layer: the names and sizes of its axes. A coefficient in it, such as the 2 in
    2·C, counts tensors of the same shape.
    """

    __slots__ = ("learned", "term")

    def __init__(self, term: Term, learned: bool) -> None:
        self.term = term
        self.learned = learned

    @property
    def shape(self) -> Shape:
        """The shape of the tensor, or of each of several."""
        return tuple([size for symbol, size in self.term if not symbol.isdecimal()])

    @property
    def tensors(self) -> Dim:
        """The number of tensors."""
        return prod([size for symbol, size in self.term if symbol.isdecimal()])


class Layer(NamedTuple):
    """An op in a network, with the tensors that it reads (`inputs`) and writes (`tensors`), and its parameters.

    `cost` is without the parameters that an earlier layer has, too. `span` is None for a layer that is not written in a
    spec. `host` is the index of the layer whose `norm` or `act` argument added this one.
    """

    name: str
    op: Op
    inputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    parameters: tuple[Parameter, ...]
    cost: Cost
    span: Span | None = None
    host: int | None = None

    @property
    def outputs(self) -> Shapes:
        """The shapes of the outputs."""
        return tuple([tensor.shape for tensor in self.tensors])


SUSPICIONS = ("CC201", "CC202", "CC203", "CC204")
"""The rules of suspicions: axes, inputs, unread tensors, hidden defaults."""


class Suspicion(NamedTuple):
    """A place that probably says something else than meant: the rule, the layer or input, and the usual repair."""

    rule: str
    name: str
    message: str
    help: str
    span: Span | None = None

    def fault(self) -> Fault:
        """Return the suspicion as a warning."""
        help = f"{self.help}; write allow: [{self.rule}] if it is meant"
        return Fault(f"{self.rule} {self.message}", self.span, (), help, severity="warning")

    def to_dict(self) -> dict[str, object]:
        """Return the suspicion by the names in JSON."""
        line = self.span.line if self.span else None
        return {"rule": self.rule, "name": self.name, "line": line, "message": self.message, "help": self.help}


class Network(NamedTuple):
    """Layers in topological order: a graph of tensors, which layers write and read.

    `allowed` are the rules of suspicions that the spec allows: everywhere, or for the layers of a span. `remarks` are
    suspicions about the spec itself, and `places` the locations of the inputs in it. `uncounted` are the operations of
    a network from elsewhere that no rule counts.
    """

    name: str
    inputs: Mapping[str, Shape]
    layers: tuple[Layer, ...]
    outputs: Mapping[str, Tensor]
    params: Mapping[str, object] = {}
    source: str = ""
    description: str = ""
    allowed: frozenset[tuple[str, Span | None]] = frozenset()
    remarks: tuple[Suspicion, ...] = ()
    places: Mapping[str, Span] = {}
    uncounted: tuple[str, ...] = ()

    def shared(self) -> dict[int, int]:
        """Return the layers that use parameters of earlier ones: the index of each, and of the last of these others."""
        owners: dict[Parameter, int] = {}
        shared: dict[int, int] = {}
        for index, layer in enumerate(self.layers):
            for parameter in layer.parameters:
                owner = owners.setdefault(parameter, index)
                if owner < index:
                    shared[index] = max(owner, shared.get(index, 0))
        return shared


class Totals(NamedTuple):
    """The cost of a layer, a group of layers or a network. Units are those of `Cost`; activations are in scalars."""

    layers: Dim = 0
    params: Dim = 0
    buffers: Dim = 0
    macs: Dim = 0
    flops: Dim = 0
    activations: Dim = 0
    add: Dim = 0
    mul: Dim = 0
    div: Dim = 0
    cmp: Dim = 0
    exp: Dim = 0

    def __add__(self, other: object) -> Totals:
        """Return the sum of each figure."""
        if not isinstance(other, Totals):
            return NotImplemented
        return Totals(*map(int.__add__, self, other))

    @property
    def operations(self) -> dict[str, Dim]:
        """The operations by class."""
        return {name: getattr(self, name) for name in OPERATIONS}

    def to_dict(self) -> dict[str, Dim | dict[str, Dim]]:
        """Return the figures by their names in JSON."""
        figures: dict[str, Dim | dict[str, Dim]] = dict(zip(METRICS, self, strict=False))
        return {**figures, "operations": self.operations}


METRICS = ("layers", "params", "buffers", "macs", "flops", "activations")
"""The figures of limits, comparisons and sweeps."""


class Row(NamedTuple):
    """A layer as a row of a report, with plain values only."""

    name: str
    op: str
    line: int | None
    inputs: Shapes
    outputs: Shapes
    totals: Totals
    host: int | None = None
    shared: str = ""


class Analysis(NamedTuple):
    """The cost of a network and of each of its layers. The rows sum to the totals."""

    network: str
    source: str
    description: str
    params: Mapping[str, object]
    inputs: Mapping[str, Shape]
    batch: int
    totals: Totals
    layers: tuple[Row, ...]
    partial: bool = False
    uncounted: tuple[str, ...] = ()
    suspicions: tuple[Suspicion, ...] = ()
    active_params: Dim | None = None
    """The parameters that a token uses, in a network with experts."""

    def to_dict(self) -> dict[str, object]:
        """Return the analysis in the format `costcalc.analysis/1`."""
        return {
            "format": "costcalc.analysis/1",
            "network": self.network,
            "source": self.source,
            "params": dict(self.params),
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "batch": self.batch,
            "totals": self.totals.to_dict(),
            **({} if self.active_params is None else {"active_params": self.active_params}),
            "partial": self.partial,
            "uncounted": list(self.uncounted),
            "suspicions": [suspicion.to_dict() for suspicion in self.suspicions],
            "layers": [*self.entries()],
        }

    def entries(self) -> Iterator[dict[str, object]]:
        """Yield the layers in the format `costcalc.analysis/1`."""
        return map(_layer, self.layers)


def _layer(row: Row) -> dict[str, object]:
    figures = row.totals.to_dict()
    del figures["layers"]
    shapes = [list(shape) for shape in row.outputs]
    return {
        "name": row.name,
        "op": row.op,
        "line": row.line,
        "inputs": [list(shape) for shape in row.inputs],
        "output": shapes[0] if len(shapes) == 1 else shapes,
        **figures,
    }
