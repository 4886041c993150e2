"""Analyses versions of specs with given params. Each distinct content is analysed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc import run_budget
from costcalc.analysis import analyze
from costcalc.errors import SpecError, UsageError
from costcalc.gate.align import align
from costcalc.globs import match
from costcalc.model import MEASURES, PLAIN, Analysis, Execution, Row, Totals
from costcalc.record import NamedTuple
from costcalc.suspicions import suspicions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.gate.align import Pair
    from costcalc.lang.spec import Spec

FEWEST = 8
"""The number of analyses that are cached whatever their size: those of one spec, now and at the base."""

KEPT = 20_000
"""The number of layers that are cached. Keeping those of hundreds of specs takes more time than it saves."""

Values = tuple[tuple[str, str], ...]
Known = dict[tuple[tuple[str, ...], Values], "Analysis | SpecError | UsageError"]


class AnalysisCache:
    """Analyses specs and caches the results by content. `kept` limits the number of layers in the cache."""

    def __init__(
        self,
        max_layers: int | None = None,
        inputs: Mapping[str, Sequence[int]] | None = None,
        batch: int = 1,
        kept: int | None = None,
        execution: Execution = PLAIN,
    ) -> None:
        self.max_layers = max_layers
        self.inputs = inputs
        self.batch = batch
        self.execution = execution
        self.kept = kept
        self._known: Known = {}
        self._rows = 0
        self._aligned: tuple[Analysis, Analysis, list[Pair]] | None = None

    def analysis(self, spec: Spec, values: Mapping[str, Any]) -> Analysis:
        """Return the analysis of a spec with given params. Raises `SpecError` and `UsageError`."""
        texts = tuple([file.text for file in spec.files])
        key = (texts, tuple(sorted((name, repr(value)) for name, value in values.items())))
        found = self._known.pop(key, None)
        if found is None:
            try:
                network = spec.build(values, self.inputs, self.max_layers)
                found = analyze(network, batch=self.batch, execution=self.execution)
                if not values:
                    found = found._replace(suspicions=suspicions(network))
            except (SpecError, UsageError) as error:
                found = error
            self._rows += _rows(found)
            while self.kept is not None and self._rows > self.kept and len(self._known) >= FEWEST:
                self._rows -= _rows(self._known.pop(next(iter(self._known))))
        self._known[key] = found
        if isinstance(found, SpecError):
            raise SpecError([_renamed(fault, spec) for fault in found.faults]) from None
        if isinstance(found, UsageError):
            raise found
        return found

    def alignment(self, base: Analysis, analysis: Analysis) -> list[Pair]:
        """Return the aligned layers of two networks. The last result is cached."""
        if self._aligned is None or self._aligned[0] is not base or self._aligned[1] is not analysis:
            self._aligned = base, analysis, align(base.layers, analysis.layers)
        return self._aligned[2]


def _rows(found: Analysis | SpecError | UsageError) -> int:
    return len(found.layers) if isinstance(found, Analysis) else 0


def _renamed(fault: Any, spec: Spec) -> Any:
    """Return a fault with its location in the file of this spec that has the same text."""
    span = fault.span
    own = span and next((file for file in spec.files if file.text == span.source.text), span.source)
    return fault._replace(span=span and span._replace(source=own))


class Subject(NamedTuple):
    """A version of a spec."""

    spec: Spec
    cache: AnalysisCache

    def analysis(self, values: Mapping[str, Any]) -> Analysis | None:
        """Return the analysis with given params; None if the spec does not have all of them."""
        if not values.keys() <= self.spec.params.keys():
            return None
        return self.cache.analysis(self.spec, values)


class Recorded(NamedTuple):
    """The analyses of a network in an earlier `analyze -o json`, without a spec."""

    analyses: Sequence[Analysis]

    @property
    def spec(self) -> None:
        """Always None."""
        return

    def analysis(self, values: Mapping[str, Any]) -> Analysis | None:
        """Return the analysis with given params; without params, the only analysis of the network."""
        if not values:
            return self.analyses[0] if len(self.analyses) == 1 else None
        matching = [
            each
            for each in self.analyses
            if all(name in each.params and _equal(each.params[name], value) for name, value in values.items())
        ]
        return matching[0] if len(matching) == 1 else None


def _equal(one: Any, other: Any) -> bool:
    listed = (list, tuple)
    if isinstance(one, listed) and isinstance(other, listed):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


def layer_rows(analysis: Analysis, glob: str) -> Sequence[Row]:
    """Return the layers that a glob matches; all layers for an empty glob."""
    if not glob:
        return analysis.layers
    run_budget.spend(len(analysis.layers) // run_budget.MATCHES_PER_STEP)
    return [row for row in analysis.layers if match(glob, row.name, ".")]


def figures(analysis: Analysis, glob: str) -> Totals | None:
    """Return the sum of the layers that a glob matches, or None; the totals for an empty glob."""
    if not glob:
        return analysis.totals
    rows = layer_rows(analysis, glob)
    return Totals.of([row.totals for row in rows]) if rows else None


def metric(totals: Totals, name: str) -> int:
    """Return a figure of `MEASURES`, a float for `intensity`."""
    assert name in MEASURES
    value: int = getattr(totals, name)
    return value
