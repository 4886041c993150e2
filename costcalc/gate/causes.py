"""Explains a finding: the layers that grew, the changed value, and the nearest value that fits."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from costcalc.gate.analysis_cache import figures, layer_rows, metric
from costcalc.gate.changed_values import Change, analysis_with, changes
from costcalc.gate.limits import OVER_EXPECT
from costcalc.gate.results import Cause
from costcalc.gate.trials import Trials
from costcalc.globs import match
from costcalc.record import Record
from costcalc.run_budget import BudgetExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from costcalc.errors import Span
    from costcalc.gate.align import Pair
    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.gate.limits import Requirement
    from costcalc.lang.spec import Spec
    from costcalc.model import Analysis

_MOST_LAYERS = 200_000
"""The number of layers that are built to explain a finding, so that a very large network does not take minutes."""
_FEWEST_TRIALS = 8
_NEIGHBOURS = 8
"""The number of neighbours that are tried in place of a value with which the network is not valid."""


class FindingReason(Record):
    """The explanation of a finding: its causes, its location with a label, and the repair. Each may be empty."""

    causes: tuple[Cause, ...]
    span: Span | None = None
    label: str = ""
    help: str = ""


def causes(pairs: Sequence[Pair], name: str, glob: str = "", sign: int = 1) -> tuple[Cause, ...]:
    """Return the layers of which a figure grew (with `sign` -1: shrank), the largest change first."""
    grown = []
    for pair in pairs:
        before, now = metric(pair.base_totals, name), metric(pair.totals, name)
        if (now - before) * sign > 0 and (not glob or match(glob, pair.name, ".")):
            grown.append((pair.name, before if pair.base else None, now, now - before))
    total = sum([change for *_, change in grown])
    result = [Cause(layer, before, now, change, Fraction(change, total)) for layer, before, now, change in grown]
    return tuple(sorted(result, key=lambda cause: -abs(cause.change)))


def explain(
    spec: Spec,
    base: Spec | None,
    analysis: Analysis,
    base_analysis: Analysis | None,
    requirement: Requirement,
    base_name: str,
    limit: int,
    cache: AnalysisCache,
) -> FindingReason:
    """Explain why a figure exceeds a limit, as far as the budget of the run allows."""
    grown: tuple[Cause, ...] = ()
    try:
        now = _cost(analysis, requirement)
        before = _cost(base_analysis, requirement) if base_analysis else None
        sign = -1 if now is not None and before is not None and now < before else 1
        pairs = cache.alignment(base_analysis, analysis) if base_analysis else []
        grown = causes(pairs, requirement.metric, requirement.layer, sign)
        if base is not None and now is not None and grown:
            reason = _by_change(spec, base, analysis, requirement, base_name, limit, cache, grown, now, sign)
            if reason:
                return reason
        return FindingReason(causes=grown, span=layer_span(spec, analysis, requirement, grown, cache))
    except BudgetExceeded:
        return FindingReason(causes=grown)


def _by_change(
    spec: Spec,
    base: Spec,
    analysis: Analysis,
    requirement: Requirement,
    base_name: str,
    limit: int,
    cache: AnalysisCache,
    grown: tuple[Cause, ...],
    now: int,
    sign: int,
) -> FindingReason | None:
    """Return the explanation by the changed value with the largest effect; None if no value has one."""
    changed = changes(spec, base)
    most = max(_FEWEST_TRIALS, _MOST_LAYERS // max(1, len(analysis.layers)))

    def cost(change: Change, written: str) -> int | None:
        changed_analysis = analysis_with(spec, change, written, requirement.set, cache)
        return _cost(changed_analysis, requirement) if changed_analysis else None

    change = _largest(changed[:most], now, sign, cost)
    if change is None:
        return None
    help = ""
    if len(changed) == 1 and now > limit and requirement.rule != OVER_EXPECT:
        trials = Trials(spec, change, requirement, cache, len(analysis.layers))
        value = largest_fit(change, lambda written: _fits(trials.cost(written), limit), trials.prepare)
        where = f" {change.where}" if change.where else ""
        help = f"{change.name} = {value[0]}{where} is the {value[1]} that fits" if value else ""
    label = f"was {change.base_written} at {base_name}"
    return FindingReason(causes=grown, span=change.span, label=label, help=help)


def _cost(analysis: Analysis, requirement: Requirement) -> int | None:
    totals = figures(analysis, requirement.layer)
    return metric(totals, requirement.metric) if totals else None


def _fits(value: int | None, limit: int) -> bool | None:
    return None if value is None else value <= limit


def _largest(changed: list[Change], now: int, sign: int, cost: Callable[[Change, str], int | None]) -> Change | None:
    """Return the change with the largest effect: without it, the figure is lowest (with `sign` -1: highest)."""
    best, saved = None, 0
    for change in changed:
        without = cost(change, change.base_written)
        if without is not None and (now - without) * sign > saved:
            best, saved = change, (now - without) * sign
    return best


def layer_span(
    spec: Spec, analysis: Analysis, requirement: Requirement, grown: tuple[Cause, ...], cache: AnalysisCache
) -> Span | None:
    """Return the location of the layer that grew most; without a base, of the most expensive one."""
    rows = layer_rows(analysis, requirement.layer)
    if grown:
        name = grown[0].layer
    else:
        name = max(rows, key=lambda row: metric(row.totals, requirement.metric)).name if rows else ""
    network = spec.build(requirement.set, None, cache.max_layers)
    return next((layer.span for layer in network.layers if layer.name == name), None)


def largest_fit(
    change: Change,
    fits: Callable[[str], bool | None],
    prepare: Callable[[int, Iterable[str]], None] = lambda *_: None,
) -> tuple[str, str] | None:
    """Return the value nearest to the changed one that fits, and whether it is the `largest` or the `smallest`.

    Bisects between a value that fits and the changed one. `fits` returns None if the network is not valid. Returns None
    unless the values next to the result, and some beyond, do not fit. `prepare` is called first with the number of
    candidates and an iterator of them, of which there may be too many to list.
    """
    if type(change.value) not in (int, float):
        return None
    try:
        now, before = Decimal(change.written.replace("_", "")), Decimal(change.base_written.replace("_", ""))
    except ArithmeticError:
        return None
    places = max(0, *[-int(number.as_tuple().exponent) for number in (now, before)])
    if places > 6:
        return None

    def text(step: int) -> str:
        return f"{Decimal(step).scaleb(-places):f}"

    failing, fitting = (int(number.scaleb(places)) for number in (now, before))
    if fits(text(fitting)) is not True:
        if fitting > failing or fits(text(1)) is not True:
            return None
        fitting, failing = 1, fitting
    toward = 1 if failing > fitting else -1
    prepare(abs(failing - fitting) + 1, map(text, range(min(fitting, failing), max(fitting, failing) + 1)))
    while abs(failing - fitting) > 1:
        middle = (fitting + failing) // 2
        step, fit = middle, fits(text(middle))
        while fit is None and step != fitting and abs(step - middle) < _NEIGHBOURS:
            step -= toward
            fit = fits(text(step)) if step != fitting else None
        if fit:
            fitting = step
        else:
            failing = middle
    rest = abs(int(now.scaleb(places)) - fitting)
    beyond = {*range(1, min(rest, _NEIGHBOURS)), *(rest * part // 8 for part in range(1, 8))} - {0}
    if any(fits(text(fitting + toward * step)) for step in beyond):
        return None
    return text(fitting), "largest" if toward > 0 else "smallest"
