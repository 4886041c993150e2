"""Compare the cost of the cells of a network, or of one convolution, in each strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.analysis import analyze, totals
from costcalc.engine import Builder
from costcalc.errors import UsageError, suggest
from costcalc.globs import match
from costcalc.model import Totals
from costcalc.ops.conv import Conv
from costcalc.strategies.base import DEFAULT, Choice, choose, find, forms
from costcalc.strategies.cells import NotExpressibleError
from costcalc.strategies.comparison import Candidate, CellRow, Comparison, Convolution, NetworkRow, Prediction
from costcalc.strategies.graph import Graph, is_stem
from costcalc.strategies.recognise import recognise
from costcalc.strategies.rewrite import Rewriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from fractions import Fraction

    from costcalc.model import Analysis, Network
    from costcalc.strategies.cells import ConvCell
    from costcalc.strategies.rewrite import Subgraph

AS_IS = "as_is"
CHEAPEST = "cheapest"
NORMAL = "normal"


def compare(
    network: Network,
    *,
    strategies: Sequence[str | Choice] = DEFAULT,
    layer: str | None = None,
    stem: bool = False,
    cheapest: bool = False,
    batch: int = 1,
) -> Comparison:
    """Compare a network with its rewrites, one for each strategy.

    `layer` is a glob: only cells with a matching layer are rewritten. `stem` also rewrites the stem. `cheapest` adds a
    candidate with each cell in its cheapest form. Raises `UsageError`.
    """
    choices = labelled(strategies)
    recognised = recognise(Graph(network), {**forms(), **{c.strategy.name: c.strategy for c in choices.values()}})
    stems = [] if stem else [cell for cell in recognised if is_stem(cell)]
    cells = [cell for cell in recognised if stem or not is_stem(cell)]
    if layer is not None:
        cells = _matching(layer, network, cells, stems)
    work = _Rewrites(network, cells, choices, batch)
    base = work.base
    candidates = [Candidate(AS_IS, AS_IS, {}, network, base, _ratio(base, base, "macs"), _ratio(base, base, "params"))]
    candidates += [work.candidate(label) for label in choices]
    rows = tuple([work.row(cell) for cell in cells])
    if cheapest:
        candidates.append(work.cheapest(rows))
    return Comparison(base, AS_IS, tuple(candidates), rows, work.rest(), tuple([cell.name for cell in stems]))


def compare_convolution(
    convolution: Convolution, *, strategies: Sequence[str | Choice] = DEFAULT, batch: int = 1
) -> Comparison:
    """Compare one convolution in every strategy. Ratios are relative to the normal convolution.

    Raises `UsageError` if a strategy cannot write it, except because of the default of an option.
    """
    choices = labelled(strategies)
    network = _alone(convolution)
    cells = recognise(Graph(network), forms())
    if not cells:
        raise UsageError("expected a kernel above 1, got {}", convolution.kernel)
    work = _Rewrites(network, cells, choices, batch)
    for label, reason in work.reasons[cells[0].name].items():
        choice = choices[label]
        if choice.options or not choice.strategy.names:
            raise UsageError("{}: {}", str(choice), reason)
    candidates = tuple([work.candidate(label, work.reasons[cells[0].name].get(label, "")) for label in choices])
    return Comparison(work.base, NORMAL, candidates, (work.row(cells[0]),), work.rest(), convolution=convolution)


def compare_networks(analyses: Sequence[Analysis]) -> tuple[NetworkRow, ...]:
    """Return the networks of some analyses with their ratios to the first."""
    base = analyses[0]
    return tuple([NetworkRow(one, _ratio(one, base, "macs"), _ratio(one, base, "params")) for one in analyses])


def labelled(strategies: Sequence[str | Choice]) -> dict[str, Choice]:
    """Return the choices by label: the name, or name and options if a strategy is chosen more than once.

    >>> list(labelled(["normal", "bottleneck:reduce=16", "bottleneck:reduce=32"]))
    ['normal', 'bottleneck:reduce=16', 'bottleneck:reduce=32']
    """
    choices = {str(c): c for c in [choose(choice) if isinstance(choice, str) else choice for choice in strategies]}
    names = [choice.strategy.name for choice in choices.values()]
    return {
        choice.strategy.name if names.count(choice.strategy.name) == 1 else text: choice
        for text, choice in choices.items()
    }


def _alone(convolution: Convolution) -> Network:
    channels, size, out, kernel, stride, padding = convolution
    op = Conv(out=out, kernel=kernel, stride=stride, padding=padding, bias=False)
    builder = Builder({"input": (channels, *size)})
    (output,) = builder.add(op, (builder.input("input"),), "conv")
    return builder.network("convolution", {"conv": output})


def _matching(glob: str, network: Network, cells: Sequence[ConvCell], stems: Sequence[ConvCell]) -> list[ConvCell]:
    names = [layer.name for layer in network.layers]
    matched = {index for index, name in enumerate(names) if match(glob, name, ".")}
    if not matched:
        inside = any(name.startswith(f"{glob}.") for name in names)
        otherwise = "** matches any number of segments"
        help = f"write {glob}.** for the layers below it" if inside else suggest(glob, names, otherwise)
        raise UsageError("no layer matches {}", glob, help=help)
    chosen = [cell for cell in cells if not matched.isdisjoint(cell.layers)]
    if not chosen:
        stem = any(not matched.isdisjoint(cell.layers) for cell in stems)
        help = "add --stem to rewrite the stem" if stem else "cells are convolutions with a kernel above 1"
        raise UsageError("no cell contains a layer that matches {}", glob, help=help)
    return chosen


class _Rewrites:
    """The rewrites of each cell by label, and the reasons for those that are missing."""

    def __init__(self, network: Network, cells: Sequence[ConvCell], choices: Mapping[str, Choice], batch: int) -> None:
        self.network = network
        self.cells = cells
        self.choices = choices
        self.base = analyze(network, batch=batch, in_bytes=False)
        self.rewriter = Rewriter(network)
        self.written: dict[str, dict[str, Subgraph]] = {}
        self.reasons: dict[str, dict[str, str]] = {}
        for cell in cells:
            written, reasons = self.written.setdefault(cell.name, {}), self.reasons.setdefault(cell.name, {})
            for label, choice in choices.items():
                try:
                    if not choice.keeps(cell):
                        written[label] = self.rewriter.write(cell, choice)
                except NotExpressibleError as error:
                    reasons[label] = str(error)

    def candidate(self, label: str, reason: str = "") -> Candidate:
        """Return the network with each cell written in one strategy."""
        choice = self.choices[label]
        chosen = {cell.name: label for cell in self.cells}
        return self._candidate(label, choice.strategy.name, choice.options, chosen, reason)

    def cheapest(self, rows: Iterable[CellRow]) -> Candidate:
        """Return the network with each cell in its cheapest form."""
        return self._candidate(CHEAPEST, CHEAPEST, {}, {row.name: row.cheapest for row in rows})

    def _candidate(
        self,
        label: str,
        strategy: str,
        options: Mapping[str, int | Fraction],
        chosen: Mapping[str, str],
        reason: str = "",
    ) -> Candidate:
        replacements = []
        for cell in self.cells:
            subgraph = self.written[cell.name].get(chosen[cell.name])
            if subgraph is not None:
                replacements.append((cell, subgraph))
        network = self.rewriter.replay(f"{self.network.name}_{strategy}", replacements)
        analysis = analyze(network, batch=self.base.batch, in_bytes=False)
        ratios = [_ratio(analysis, self.base, name) for name in ("macs", "params")]
        return Candidate(label, strategy, options, network, analysis, ratios[0], ratios[1], reason)

    def row(self, cell: ConvCell) -> CellRow:
        """Return the cost of a cell in each form. At equal cost, a strategy counts as cheaper than the original."""
        own = _sum([self.base.layers[index].totals for index in cell.layers])
        written = self.written[cell.name]
        figures = {
            AS_IS: own,
            **{label: self._cost(written[label]) if label in written else own for label in self.choices},
        }
        reasons = self.reasons[cell.name]
        ranked = [label for label in (*self.choices, AS_IS) if label not in reasons]
        return CellRow(
            name=cell.name,
            form=cell.form,
            layers=tuple([self.network.layers[index].name for index in cell.layers]),
            figures=figures,
            reasons=reasons,
            cheapest=min(ranked, key=lambda label: (figures[label].macs, figures[label].params)),
            predictions={} if cell.reason else self._predictions(cell, figures),
        )

    def _predictions(self, cell: ConvCell, figures: Mapping[str, Totals]) -> dict[str, Prediction]:
        predictions = {}
        normal = None
        for label, choice in self.choices.items():
            if choice.strategy.theory is not None:
                theory = choice.strategy.theory(cell, choice.options)
                if theory.ratio is not None and label in self.reasons[cell.name]:
                    continue
                practice = None
                if theory.ratio is not None:
                    normal = normal or self._normal(cell)
                    practice = normal and figures[label].macs / normal.macs
                predictions[label] = Prediction(theory, practice)
        return predictions

    def _normal(self, cell: ConvCell) -> Totals | None:
        try:
            return self._cost(self.rewriter.write(cell, Choice(find(NORMAL))))
        except NotExpressibleError:
            return None  # the row has the reason if normal is among the strategies

    def _cost(self, subgraph: Subgraph) -> Totals:
        return _sum([totals(layer, self.base.batch) for layer in subgraph])

    def rest(self) -> Totals:
        """Return the totals of the layers outside of all cells."""
        inside = {index for cell in self.cells for index in cell.layers}
        return _sum([row.totals for index, row in enumerate(self.base.layers) if index not in inside])


def _sum(figures: Sequence[Totals]) -> Totals:
    return Totals.of(figures)


def _ratio(analysis: Analysis, base: Analysis, name: str) -> float | None:
    base_figure: int = getattr(base.totals, name)
    figure: int = getattr(analysis.totals, name)
    return figure / base_figure if base_figure else None
