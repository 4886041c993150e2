"""Explains the cost of a network: each figure as a formula, and the receptive field of each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.analysis import analyze
from costcalc.cost import OPERATIONS
from costcalc.errors import UsageError, nearest, suggest
from costcalc.formula import ZERO, Count, elements, product
from costcalc.layout import layouts
from costcalc.memory.figures import alive_tensor
from costcalc.memory.schedule import alive_at, schedule
from costcalc.model import LARGEST, PLAIN, Execution
from costcalc.number_formats import BITS
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from costcalc.formula import Shape, Term
    from costcalc.layout import Axes
    from costcalc.model import AliveTensor, Analysis, Layer, Network, Row, Tensor

QUANTITIES = ("macs", "params", "buffers", *OPERATIONS, "flops", "activations")
"""The quantities of a layer that are explained, in the order of reports."""
PEAK = "peak_bytes"
"""A further quantity, which is explained where it is asked for: the tensors in memory at the step of a layer."""
PER_WEIGHT = ("params", "buffers")
"""The quantities that do not depend on the batch."""
MOST = 80
"""The percentage of the cost that the layers explained by default make up."""


class Reach(NamedTuple):
    """The receptive field of a position of a tensor, in each spatial dimension.

    `field` is in positions of the network's input, including those on padding. `jump` is the distance between the
    receptive fields of neighbouring positions (effective stride).
    """

    field: Shape
    jump: Shape


class Explained(NamedTuple):
    """A layer with its row of the analysis, its op with arguments, and the count of each quantity.

    `share` is the layer's fraction of `Explanation.quantity`. `reach` is None where it is not defined.
    `followers` are the names of the layers added by `norm` and `act`, which have their own figures.
    """

    row: Row
    op: str
    counts: Mapping[str, Count]
    share: float
    reach: Reach | None
    followers: tuple[str, ...] = ()


class Explanation(NamedTuple):
    """The explanation of the requested layers, or of those with most of the cost, in descending order.

    Shares are fractions of `quantity`. `covered` is the share of all layers together. `chosen` is true if the layers
    were requested.
    """

    analysis: Analysis
    layers: tuple[Explained, ...]
    quantity: str
    covered: float
    chosen: bool

    def to_dict(self) -> dict[str, object]:
        """Return the explanation in the format `costcalc.explanation/1`, with an entry for each layer and quantity."""
        analysis = self.analysis._replace(layers=()).to_dict()
        kept = ("network", "source", "params", "inputs", "batch", "totals")
        return {
            "format": "costcalc.explanation/1",
            **{name: analysis[name] for name in kept},
            "quantity": self.quantity,
            "covered": self.covered,
            "layers": list(self.entries()),
        }

    def entries(self) -> Iterator[dict[str, object]]:
        """Yield the entries of `costcalc.explanation/1`. All of them together can take much memory."""
        for layer in self.layers:
            for quantity in layer.counts:
                yield _entry(layer, quantity)


def explain(
    network: Network,
    patterns: Sequence[str] = (),
    *,
    quantities: Sequence[str] = (),
    batch: int = 1,
    execution: Execution = PLAIN,
) -> Explanation:
    """Explain the counts of layers.

    `patterns` are globs of layer names. Without any, the layers that make up 80% of the cost are explained. The cost is
    the first of `quantities`; by default macs, or flops in a network without macs. `quantities` are from `QUANTITIES`;
    by default all that are not zero if there are patterns, else the cost. Raises `UsageError` for an unknown quantity,
    for a glob without a match, and for a batch that is not an integer of at least 1.
    """
    for name in quantities:
        if name not in (*QUANTITIES, PEAK):
            raise UsageError("cannot explain {}", name, help=suggest(name, (*QUANTITIES, PEAK)))
    analysis = analyze(network, batch=batch, execution=execution)
    cost = quantities[0] if quantities else "macs" if analysis.totals.macs else "flops"
    indices = _matching(network, patterns) if patterns else _largest(analysis, cost)
    sums = _alive(network, indices, analysis) if PEAK in quantities else {}
    network_reaches = reaches(network) if indices else []
    axes = layouts(network) if indices else {}
    followers: dict[int | None, list[str]] = {}
    for layer in network.layers:
        followers.setdefault(layer.host, []).append(layer.name)
    total = getattr(analysis.totals, cost)
    layers = []
    names = quantities or (QUANTITIES if patterns else (cost,))
    known: dict[Hashable, tuple[dict[str, Count], str]] = {}
    for index in indices:
        layer, row = network.layers[index], analysis.layers[index]
        axis_names = _axes(layer, axes)
        key = layer.cost, tuple(axis_names.items()), bool(row.shared)
        if key not in known:
            counts = {name: count(layer, name, analysis.batch).named(axis_names) for name in names if name != PEAK}
            if not quantities:
                keep = ("params",) if row.shared else ()
                counts = {name: each for name, each in counts.items() if each.value or name in keep}
            known[key] = counts, str(layer.op)
        counts, op = known[key]
        if index in sums:
            counts = {name: sums[index] if name == PEAK else counts[name] for name in names}
        share = getattr(row.totals, cost) / total if total else 0.0
        layer_followers = tuple(followers.get(index, ()))
        layers.append(Explained(row, op, counts, share, network_reaches[index], layer_followers))
    covered = sum([getattr(layer.row.totals, cost) for layer in layers]) / total if total else 0.0
    return Explanation(analysis, tuple(layers), cost, covered, bool(patterns))


def _alive(network: Network, indices: Sequence[int], analysis: Analysis) -> dict[int, Count]:
    """Return the tensors in memory at the step of each layer, as a sum."""
    steps = schedule(network, analysis.execution, analysis.batch)
    alive = alive_at(steps, {steps.steps[index] for index in indices})
    return {index: _sum(alive_tensor(network, each) for each in alive[steps.steps[index]]) for index in indices}


def _sum(tensors: Iterable[AliveTensor]) -> Count:
    """Return the bytes of some tensors: for each, its elements times the bytes of a number, or its bytes."""
    terms: list[Term] = []
    for name, _, form, size in tensors:
        width, part = divmod(BITS[form], 8)
        terms.append(((name, size),) if part else ((str(width), width), (name, size // width)))
    return Count(tuple(terms))


def count(layer: Layer, quantity: str, batch: int = 1) -> Count:
    """Return the count of a quantity of a layer.

    It is the count of the op's cost rule, multiplied by the batch. `flops` is the sum of 2·macs and the operations.
    """
    cost = layer.cost
    if quantity in PER_WEIGHT:
        return _cost(layer, quantity)
    if quantity == "flops":
        parts = {name: getattr(cost, name).value * batch for name in ("macs", *OPERATIONS)}
        doubled: Term = (("2", 2),)
        terms = [((doubled if name == "macs" else ()) + ((name, value),)) for name, value in parts.items() if value]
        return Count(tuple(terms))
    written = map(elements, layer.outputs)
    one = sum(written, ZERO) if quantity == "activations" else _cost(layer, quantity)
    return product(("batch", batch)) * one if batch != 1 else one


def reaches(network: Network) -> list[Reach | None]:
    """Return the receptive field of each layer's output.

    A window of size k, dilation d and stride s changes the size r and the jump j to r + d·(k - 1)·j and s·j. Several
    inputs give the largest size. The result is None after an op whose outputs depend on the whole input, and for inputs
    with different jumps.

    Source: Araujo et al. 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill.
    """
    known: list[Reach | None] = []
    for layer in network.layers:
        rank = len(layer.inputs[0].shape) - 1 if layer.inputs else 0
        window = layer.op.footprint(rank) if 1 <= rank <= 3 else None
        before = [_start(tensor.shape) if tensor.layer < 0 else known[tensor.layer] for tensor in layer.inputs]
        inputs = [reach for reach in before if reach]
        if not window or len(inputs) < len(before) or len({reach.jump for reach in inputs}) > 1:
            known.append(None)
            continue
        jump = inputs[0].jump
        field = [max(sizes) for sizes in zip(*(reach.field for reach in inputs), strict=True)]
        known.append(
            Reach(
                tuple([size + d * (k - 1) * j for size, j, (k, _, d) in zip(field, jump, window, strict=True)]),
                tuple([s * j for j, (_, s, _) in zip(jump, window, strict=True)]),
            )
        )
    return known


def _start(shape: Shape) -> Reach | None:
    rank = len(shape) - 1
    return Reach((1,) * rank, (1,) * rank) if 1 <= rank <= 3 else None


def _axes(layer: Layer, known: Mapping[Tensor, Axes]) -> dict[int, Axes]:
    """Return the names of a layer's axes by the number of axes, preferring those of outputs to those of inputs."""
    tensors = [*layer.inputs[::-1], *layer.tensors]
    return {len(tensor.shape): known[tensor] for tensor in tensors if known[tensor]}


def _cost(layer: Layer, quantity: str) -> Count:
    result: Count = getattr(layer.cost, quantity)
    return result


def _matching(network: Network, patterns: Sequence[str]) -> list[int]:
    from costcalc.globs import match

    names = [layer.name for layer in network.layers]
    indices: set[int] = set()
    for pattern in patterns:
        matches = {index for index, name in enumerate(names) if match(pattern, name, ".")}
        if not matches:
            raise UsageError("no layer of {} matches {}", network.name, pattern, help=_no_match_help(pattern, names))
        indices |= matches
    return sorted(indices)


def _no_match_help(pattern: str, names: Sequence[str]) -> str:
    """Return the help for a glob without a match."""
    from costcalc.globs import match

    if any(name.startswith(f"{pattern}.") for name in names):
        return f"write {pattern}.** for the layers below it"
    segments = pattern.split(".")
    for index in range(len(segments) - 1, -1, -1):
        if "*" in segments[index] and segments[index] != "**":
            itself = [] if segments[index] == "*" else [segments[index]]
            deeper = ".".join([*segments[:index], *itself, "**", *segments[index + 1 :]])
            if any(match(deeper, name, ".") for name in names):
                return f"* matches one segment; write {deeper} for any number of segments"
    candidate = "" if "*" in pattern else nearest(pattern, names)
    return f"did you mean {candidate}?" if candidate else "run costcalc analyze SPEC --full to list the names"


def _largest(analysis: Analysis, quantity: str) -> list[int]:
    """Return the fewest layers that make up most of the cost, preferring earlier ones at equal cost.

    Of a figure that a network has at one step, it is the first layer with the largest.
    """
    figures = [getattr(row.totals, quantity) for row in analysis.layers]
    if quantity in LARGEST:
        return [figures.index(max(figures))] if figures else []
    indices: list[int] = []
    covered, total = 0, sum(figures)
    for index in sorted(range(len(figures)), key=lambda index: -figures[index]):
        if 100 * covered >= MOST * total:
            break
        covered += figures[index]
        indices.append(index)
    return indices


def _entry(layer: Explained, quantity: str) -> dict[str, object]:
    count, row, reach = layer.counts[quantity], layer.row, layer.reach
    return {
        "name": row.name,
        "op": row.op,
        "quantity": quantity,
        "symbols": count.symbols(),
        "numbers": count.numbers(),
        "value": count.value,
        "share": layer.share,
        "shared": row.shared or None,
        "receptive_field": list(reach.field) if reach else None,
        "jump": list(reach.jump) if reach else None,
    }
