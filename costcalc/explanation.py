"""Why a network costs what it costs: each figure as a formula, and what a position of each layer sees of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from costcalc.analysis import analyze
from costcalc.errors import UsageError, nearest, suggest
from costcalc.formula import ZERO, Count, elements, product
from costcalc.layout import layouts
from costcalc.model import OPERATIONS, Tensor

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from costcalc.formula import Shape, Term
    from costcalc.layout import Axes
    from costcalc.model import Analysis, Layer, Network, Row

QUANTITIES = ("macs", "params", "buffers", *OPERATIONS, "flops", "activations")
"""What can be explained, in the order in which it is."""
PER_WEIGHT = ("params", "buffers")
"""What does not grow with the batch."""
MOST = 80
"""The layers that are explained where none is named make up so many percent of the cost."""


class Reach(NamedTuple):
    """What one position of a tensor sees of the network's input, in each spatial dimension.

    `field` is the receptive field, in positions of the input, those on padding included. `jump` is the effective
    stride: how far the fields of neighbours lie apart.
    """

    field: Shape
    jump: Shape


class Explained(NamedTuple):
    """A layer: its row of the analysis, the op with its arguments, and the count behind each figure.

    `share` is the layer's part of the cost that shares are of, from 0 to 1. `reach` is None where it has no meaning.
    `followers` are the names of the layers that its `norm` and `act` wrote, which have figures of their own.
    """

    row: Row
    op: str
    counts: Mapping[str, Count]
    share: float
    reach: Reach | None
    followers: tuple[str, ...] = ()


class Explanation(NamedTuple):
    """The layers that were asked for, or those that make up most of the cost, dearest first.

    `quantity` is the cost that shares are of, and `covered` the part of it that the layers make up together; `chosen`
    says that they were asked for.
    """

    analysis: Analysis
    layers: tuple[Explained, ...]
    quantity: str
    covered: float
    chosen: bool

    def to_dict(self) -> dict[str, object]:
        """The explanation in the form `costcalc.explanation/1`: an entry for each layer and quantity."""
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
        """The entries of `costcalc.explanation/1`, one after another: of a large network they take much memory."""
        for layer in self.layers:
            for quantity in layer.counts:
                yield _entry(layer, quantity)


def explain(
    network: Network, patterns: Sequence[str] = (), *, quantities: Sequence[str] = (), batch: int = 1
) -> Explanation:
    """The counts of layers, written out.

    `patterns` are globs of layers; without any, the layers are those that make up 80% of the first of `quantities`
    (by default the macs; flops in a network that has none). `quantities` are of `QUANTITIES`; by default a layer has
    those that are not zero, and the layers of a whole network the cost that they are chosen by. Raises `UsageError` for
    an unknown quantity, for a glob that matches nothing, and for a batch that is no integer of at least 1.
    """
    for name in quantities:
        if name not in QUANTITIES:
            raise UsageError("cannot explain {}", name, help=suggest(name, QUANTITIES))
    analysis = analyze(network, batch=batch)
    cost = quantities[0] if quantities else "macs" if analysis.totals.macs else "flops"
    places = _matching(network, patterns) if patterns else _dearest(analysis, cost)
    seen = reaches(network) if places else []
    axes = layouts(network) if places else {}
    followers: dict[int | None, list[str]] = {}
    for layer in network.layers:
        followers.setdefault(layer.host, []).append(layer.name)
    total = getattr(analysis.totals, cost)
    layers = []
    names = quantities or (QUANTITIES if patterns else (cost,))
    known: dict[Hashable, tuple[dict[str, Count], str]] = {}
    for place in places:
        layer, row = network.layers[place], analysis.layers[place]
        around = _axes(layer, place, axes)
        key = id(layer.op), id(layer.cost), layer.outputs, tuple(around.items()), bool(row.shared)
        if key not in known:
            counts = {name: count(layer, name, analysis.batch).named(around) for name in names}
            if not quantities:
                keep = ("params",) if row.shared else ()
                counts = {name: each for name, each in counts.items() if each.value or name in keep}
            known[key] = counts, str(layer.op)
        counts, op = known[key]
        share = getattr(row.totals, cost) / total if total else 0.0
        behind = tuple(followers.get(place, ()))
        layers.append(Explained(row, op, counts, share, seen[place], behind))
    covered = sum([getattr(layer.row.totals, cost) for layer in layers]) / total if total else 0.0
    return Explanation(analysis, tuple(layers), cost, covered, bool(patterns))


def count(layer: Layer, quantity: str, batch: int = 1) -> Count:
    """A figure of a layer as the sum of products that it is.

    The count is the one that the op's own rule gave; the batch is one more factor of it, and `flops` is put together
    from the others as their definition says.
    """
    cost = layer.cost
    if quantity in PER_WEIGHT:
        return _cost(layer, quantity)
    if quantity == "flops":
        parts = {name: getattr(cost, name).value * batch for name in ("macs", *OPERATIONS)}
        doubled: Term = (("2", 2),)
        terms = [((doubled if name == "macs" else ()) + ((name, value),)) for name, value in parts.items() if value]
        return Count(tuple(terms))
    one = sum(map(elements, layer.outputs), ZERO) if quantity == "activations" else _cost(layer, quantity)
    return product(("batch", batch)) * one if batch != 1 else one


def reaches(network: Network) -> list[Reach | None]:
    """What a position of each layer's output sees of the network's input.

    A window of k taps at dilation d widens a field of r positions at jump j to r + d·(k - 1)·j, and its stride s makes
    the jump s·j. Where paths meet, the largest field counts. After an op of which every output sees everything, or
    where paths of different jumps meet, there is none. Source: Araujo et al. 2019, Computing Receptive Fields of
    Convolutional Neural Networks, Distill.
    """
    known: list[Reach | None] = []
    for layer in network.layers:
        rank = len(layer.inputs[0].shape) - 1
        window = layer.op.footprint(rank) if 1 <= rank <= 3 else None
        before = [_start(tensor.shape) if tensor.layer < 0 else known[tensor.layer] for tensor in layer.inputs]
        there = [reach for reach in before if reach]
        if not window or len(there) < len(before) or len({reach.jump for reach in there}) > 1:
            known.append(None)
            continue
        jump = there[0].jump
        field = tuple([max(sizes) for sizes in zip(*(reach.field for reach in there), strict=True)])
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


def _axes(layer: Layer, place: int, known: Mapping[Tensor, Axes]) -> dict[int, Axes]:
    """The names of axes in the formulas of a layer, by the number of them: those of its output, then of its inputs."""
    tensors = [*layer.inputs[::-1], *[Tensor(place, port, shape) for port, shape in enumerate(layer.outputs)]]
    return {len(tensor.shape): known[tensor] for tensor in tensors if known[tensor]}


def _cost(layer: Layer, quantity: str) -> Count:
    found: Count = getattr(layer.cost, quantity)
    return found


def _matching(network: Network, patterns: Sequence[str]) -> list[int]:
    from costcalc.globs import match

    names = [layer.name for layer in network.layers]
    found: set[int] = set()
    for pattern in patterns:
        places = {place for place, name in enumerate(names) if match(pattern, name, ".")}
        if not places:
            raise UsageError("no layer of {} matches {}", network.name, pattern, help=_advice(pattern, names))
        found |= places
    return sorted(found)


def _advice(pattern: str, names: Sequence[str]) -> str:
    """What helps against a glob that matches nothing."""
    from costcalc.globs import match

    if any(name.startswith(f"{pattern}.") for name in names):
        return f"{pattern}.** is what is inside of it"
    segments = pattern.split(".")
    for place in range(len(segments) - 1, -1, -1):
        if "*" in segments[place] and segments[place] != "**":
            itself = [] if segments[place] == "*" else [segments[place]]
            deeper = ".".join([*segments[:place], *itself, "**", *segments[place + 1 :]])
            if any(match(deeper, name, ".") for name in names):
                return f"* is one segment; {deeper} takes any number of them"
    found = "" if "*" in pattern else nearest(pattern, names)
    return f"did you mean {found}?" if found else "costcalc analyze SPEC --full lists the names"


def _dearest(analysis: Analysis, quantity: str) -> list[int]:
    """The fewest layers that make up most of the cost; the first of equals."""
    figures = [getattr(row.totals, quantity) for row in analysis.layers]
    places: list[int] = []
    covered, total = 0, sum(figures)
    for place in sorted(range(len(figures)), key=lambda place: -figures[place]):
        if 100 * covered >= MOST * total:
            break
        covered += figures[place]
        places.append(place)
    return places


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
