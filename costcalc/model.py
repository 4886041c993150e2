"""The immutable values that are passed between stages."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from costcalc.cost import OPERATIONS
from costcalc.cost import Cost as Cost  # ops of other packages import it from here
from costcalc.errors import Fault
from costcalc.number_formats import PARTS, NumberFormats
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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
    spec. `host` is the index of the layer whose `norm` or `act` argument added this one. `formats` are its own number
    formats, empty where it has those of the network.
    """

    name: str
    op: Op
    inputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    parameters: tuple[Parameter, ...]
    cost: Cost
    span: Span | None = None
    host: int | None = None
    formats: NumberFormats = NumberFormats()

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
    a network from elsewhere that no rule counts. `formats` are the number formats of layers without their own.
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
    formats: NumberFormats = NumberFormats()
    input_formats: Mapping[str, str] = {}
    """The number formats of inputs that are integers, such as indices, in a network from elsewhere."""
    functions: frozenset[int] = frozenset()
    """The layers that are calls of functions, in a network from PyTorch, where most are modules."""

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
    """The cost of a layer, a group of layers or a network.

    Units are those of `Cost`; activations are in scalars, and `bops` in multiply-adds times bits of both factors.
    `peak_bytes` and `arena_bytes` are at one step: a group has the largest of its layers, and the sum of all else.
    """

    layers: Dim = 0
    params: Dim = 0
    buffers: Dim = 0
    macs: Dim = 0
    flops: Dim = 0
    activations: Dim = 0
    conv_activations: Dim = 0
    active_params: Dim = 0
    weight_bytes: Dim = 0
    peak_bytes: Dim = 0
    arena_bytes: Dim = 0
    traffic_bytes: Dim = 0
    bops: Dim = 0
    training_macs: Dim = 0
    saved_bytes: Dim = 0
    state_bytes: Dim = 0
    convention: Dim = 0
    add: Dim = 0
    mul: Dim = 0
    div: Dim = 0
    cmp: Dim = 0
    exp: Dim = 0

    def __add__(self, other: object) -> Totals:
        """Return the figures of both together."""
        return Totals.of((self, other)) if isinstance(other, Totals) else NotImplemented

    @staticmethod
    def of(figures: Iterable[Totals]) -> Totals:
        """Return the figures of a group of layers.

        >>> both = Totals.of([Totals(macs=2, peak_bytes=8), Totals(macs=3, peak_bytes=6)])
        >>> both.macs, both.peak_bytes
        (5, 8)
        """
        columns = [*zip(*figures, strict=True)]
        return Totals(*map(sum, columns))._replace(**{name: max(columns[_PLACES[name]]) for name in LARGEST if columns})

    @property
    def counts(self) -> tuple[Dim, ...]:
        """The figures that depend on a layer alone: neither bytes, nor `bops`, nor those of training."""
        return (*self[: len(COUNTS)], *self[-len(OPERATIONS) :])

    @property
    def intensity(self) -> float:
        """The flops for each byte of traffic: the float nearest to the ratio of both. 0 without traffic."""
        return self.flops / self.traffic_bytes if self.traffic_bytes else 0.0

    @property
    def operations(self) -> dict[str, Dim]:
        """The operations by class."""
        return {name: getattr(self, name) for name in OPERATIONS}

    def to_dict(self) -> dict[str, object]:
        """Return the figures by their names in JSON."""
        figures: dict[str, object] = dict(zip(METRICS, self, strict=False))
        return {**figures, "intensity": self.intensity, "operations": self.operations}


COUNTS = ("layers", "params", "buffers", "macs", "flops", "activations")
"""The figures that are shown where none are chosen."""

OPTIMIZERS = ("sgd", "momentum", "adam")
"""The optimizers, by how many numbers they keep for each parameter."""

TRAINING = ("training_macs", "saved_bytes", "state_bytes")
"""The figures of a step of training: both passes, what the backward pass needs, and weights with their optimizer."""

METRICS = Totals._fields[: Totals._fields.index(TRAINING[0])]
"""The figures of limits, comparisons and sweeps."""

MEASURES = (*METRICS, "intensity")
"""The figures that limits and reports can name. `intensity` is a ratio."""

IN_BYTES = ("weight_bytes", "peak_bytes", "arena_bytes", "traffic_bytes", "bops", "intensity")
"""The figures that depend on number formats."""

GROUPS = ("op", "kernel", "stage", "block")
"""What layers can be grouped by: their op, with its kernel, or their name up to its first or its last number."""

LARGEST = ("peak_bytes", "arena_bytes")
"""The figures of which a group has the largest of its layers."""

_PLACES = {name: place for place, name in enumerate(Totals._fields)}


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
    kind: str = ""
    """The op, and the sizes of its kernel if it has one: `conv 3×3`."""


class AliveTensor(NamedTuple):
    """A tensor in memory at the peak: the layer or input that it comes from, its shape, format and bytes."""

    name: str
    shape: Shape
    format: str
    bytes: int

    def to_dict(self) -> dict[str, object]:
        """Return the tensor by the names in JSON."""
        return {"name": self.name, "shape": list(self.shape), "dtype": self.format, "bytes": self.bytes}


class Peak(NamedTuple):
    """The step at which most bytes are in memory: its first layer, and the tensors, largest first."""

    layer: str
    tensors: tuple[AliveTensor, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the peak by the names in JSON."""
        return {"layer": self.layer, "tensors": [tensor.to_dict() for tensor in self.tensors]}


class Execution(NamedTuple):
    """How a network is run: number formats, and the steps and tensors in place.

    The formats are those of layers without their own, before those of the network. Unless `eager`, the norm and act of
    a layer are part of its step. If `eager`, the tensors that enter a group are alive until it ends, as those that a
    framework passes to a module are. `in_place` is one of `IN_PLACE`.
    """

    formats: NumberFormats = NumberFormats()
    eager: bool = False
    in_place: str = "none"

    def to_dict(self) -> dict[str, object]:
        """Return the execution by the names in JSON."""
        return {"dtype": dict(zip(PARTS, self.formats, strict=True)), "eager": self.eager, "in_place": self.in_place}


PLAIN = Execution()
"""The execution where nothing else is said."""

IN_PLACE = ("none", "activations", "all")
"""The steps whose output may be written over an input: none, those of most PyTorch models, or all that can be."""


class ReadAs(NamedTuple):
    """The convention of another tool by which a network is counted, and the ops with work that the tool leaves out."""

    convention: str
    version: str
    kind: str
    uncounted: tuple[str, ...]


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
    execution: Execution = Execution()
    """How the network is run, with the formats of every layer without its own."""
    optimizer: str = ""
    """The optimizer of the figures of training; empty without them."""
    read_as: ReadAs | None = None
    """The convention of `Totals.convention`; None without one."""
    peak: Peak | None = None
    """The peak of memory. None without layers, and in an analysis from a report."""
    unknown: tuple[str, ...] = ()
    """The metrics that were not computed, or that a report of an earlier version lacks. They are 0 here."""

    def to_dict(self) -> dict[str, object]:
        """Return the analysis in the format `costcalc.analysis/1`."""
        return {
            "format": "costcalc.analysis/1",
            "network": self.network,
            "source": self.source,
            "params": dict(self.params),
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "batch": self.batch,
            "totals": {**self.totals.to_dict(), **self.further(self.totals)},
            **({} if self.active_params is None else {"active_params": self.active_params}),
            "partial": self.partial,
            "uncounted": list(self.uncounted),
            "suspicions": [suspicion.to_dict() for suspicion in self.suspicions],
            **self.execution.to_dict(),
            **({"optimizer": self.optimizer} if self.optimizer else {}),
            **({} if self.read_as is None else {"as": {**self.read_as._asdict(), "figure": self.totals.convention}}),
            **({} if self.peak is None else {"peak": self.peak.to_dict()}),
            "layers": [*self.entries()],
        }

    def entries(self) -> Iterator[dict[str, object]]:
        """Yield the layers in the format `costcalc.analysis/1`."""
        return ({**_layer(row), **self.further(row.totals)} for row in self.layers)

    def further(self, totals: Totals) -> dict[str, int]:
        """Return the figures of training and of a convention, of a layer or of all, if they were computed."""
        trained = {name: getattr(totals, name) for name in TRAINING} if self.optimizer else {}
        return trained if self.read_as is None else {**trained, "convention": totals.convention}


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
