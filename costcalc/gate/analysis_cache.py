"""A spec at one time, and its figures at any params: each distinct content is analysed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc import run_budget
from costcalc.analysis import analyze
from costcalc.errors import SpecError, UsageError
from costcalc.gate.align import align
from costcalc.globs import match
from costcalc.model import METRICS, Analysis, Row, Totals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.gate.align import Pair
    from costcalc.lang.spec import Spec

FEWEST = 8
"""How many analyses are remembered however large they are: those of one spec, now and then."""

KEPT = 20_000
"""How many layers are remembered in a run: to keep those of hundreds of specs takes longer than it saves."""

Values = tuple[tuple[str, str], ...]
Known = dict[tuple[tuple[str, ...], Values], "Analysis | SpecError | UsageError"]


class AnalysisCache:
    """Analyses specs, and remembers by content what it has analysed; with `kept`, the last of that many layers."""

    def __init__(
        self,
        max_layers: int | None = None,
        inputs: Mapping[str, Sequence[int]] | None = None,
        batch: int = 1,
        kept: int | None = None,
    ) -> None:
        self.max_layers = max_layers
        self.inputs = inputs
        self.batch = batch
        self.kept = kept
        self._known: Known = {}
        self._rows = 0
        self._aligned: tuple[Analysis, Analysis, list[Pair]] | None = None

    def analysis(self, spec: Spec, values: Mapping[str, Any]) -> Analysis:
        """A spec's analysis at some params. Raises `SpecError` and `UsageError`."""
        texts = tuple([file.text for file in spec.files])
        key = (texts, tuple(sorted((name, repr(value)) for name, value in values.items())))
        found = self._known.pop(key, None)
        if found is None:
            try:
                found = analyze(spec.build(values, self.inputs, self.max_layers), batch=self.batch)
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
        """The layers of two networks side by side; remembered until it is asked for others."""
        if self._aligned is None or self._aligned[0] is not base or self._aligned[1] is not analysis:
            self._aligned = base, analysis, align(base.layers, analysis.layers)
        return self._aligned[2]


def _rows(found: Analysis | SpecError | UsageError) -> int:
    return len(found.layers) if isinstance(found, Analysis) else 0


def _renamed(fault: Any, spec: Spec) -> Any:
    """A fault in the file of this spec that has the same text as the one it was found in."""
    span = fault.span
    own = span and next((file for file in spec.files if file.text == span.source.text), span.source)
    return fault._replace(span=span and span._replace(source=own))


class Subject(NamedTuple):
    """A spec at one time, ready to be measured."""

    spec: Spec
    cache: AnalysisCache

    def analysis(self, values: Mapping[str, Any]) -> Analysis | None:
        """The analysis at some params; None where the spec has not all of these."""
        if not values.keys() <= self.spec.params.keys():
            return None
        return self.cache.analysis(self.spec, values)


class Recorded(NamedTuple):
    """What an earlier `analyze -o json` says of a network: figures without a spec."""

    analyses: Sequence[Analysis]

    @property
    def spec(self) -> None:
        """There is none."""
        return

    def analysis(self, values: Mapping[str, Any]) -> Analysis | None:
        """The analysis at some params; at the spec's own, the only one of the network."""
        if not values:
            return self.analyses[0] if len(self.analyses) == 1 else None
        found = [
            each
            for each in self.analyses
            if all(name in each.params and _equal(each.params[name], value) for name, value in values.items())
        ]
        return found[0] if len(found) == 1 else None


def _equal(one: Any, other: Any) -> bool:
    listed = (list, tuple)
    if isinstance(one, listed) and isinstance(other, listed):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


def layer_rows(analysis: Analysis, glob: str) -> Sequence[Row]:
    """The layers of a glob; without one, all of them."""
    if not glob:
        return analysis.layers
    run_budget.spend(len(analysis.layers) // run_budget.MATCHES_PER_STEP)
    return [row for row in analysis.layers if match(glob, row.name, ".")]


def figures(analysis: Analysis, glob: str) -> Totals | None:
    """The totals, or the sum of the layers that a glob matches; None where it matches none."""
    if not glob:
        return analysis.totals
    rows = layer_rows(analysis, glob)
    return Totals(*map(sum, zip(*[row.totals for row in rows], strict=True))) if rows else None


def metric(totals: Totals, name: str) -> int:
    """One figure of `METRICS`."""
    assert name in METRICS
    value: int = getattr(totals, name)
    return value
