"""Lowers the budgets of a configuration to the largest figures of its specs. Edits only the figures in its text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from costcalc.errors import SpecError, UsageError
from costcalc.gate.analysis_cache import figures, metric
from costcalc.gate.check import Checking, Request, bounded
from costcalc.gate.config import parse
from costcalc.gate.limits import Budget
from costcalc.gate.other_specs import OtherSpecs
from costcalc.gate.project import Project
from costcalc.gate.repositories import Repositories
from costcalc.gate.requirements import entries, entry_requirements, judge
from costcalc.gate.waivers import apply
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from costcalc.errors import Span
    from costcalc.gate.limits import Config
    from costcalc.gate.project import Settings


class Lowered(NamedTuple):
    """A lowered budget: its location, its metric, and its limit before and after."""

    span: Span
    metric: str
    before: int
    after: int


class Ratchet(NamedTuple):
    """The lowered budgets, and the new text of each configuration by its path."""

    lowered: tuple[Lowered, ...]
    texts: dict[str, str]


def ratchet(config: str | None, max_layers: int | None, today: date) -> Ratchet:
    """Return the lowered budgets of the configured specs. Raises `CostcalcError`. Writes no file.

    A budget that a spec exceeds is not changed, unless a waiver accepts the excess. A budget is never raised.
    """
    return bounded(lambda: _ratchet(Request(today=today, config=config, max_layers=max_layers)), max_layers)


def _ratchet(request: Request) -> Ratchet:
    project = Project.open(Path.cwd(), request.config)
    lowered: list[Lowered] = []
    texts = {}
    with Repositories(project.folder) as repositories:
        checking = Checking.open(request, project, repositories)
        for settings in checking.settings:
            budgets = list(_lowered(checking, settings))
            if budgets:
                lowered += budgets
                texts[str(settings.file)] = _edited(settings, budgets)
    return Ratchet(tuple(lowered), texts)


def _lowered(checking: Checking, settings: Settings) -> Iterator[Lowered]:
    reached: dict[tuple[Budget, str], list[int]] = {}
    exceeded: set[tuple[Budget, str]] = set()
    for spec in OtherSpecs(checking.project, checking.evaluator, checking.request.today, {}).specs(settings):
        subject = checking.evaluator.subject(spec)
        budgets = [entry for entry in entries(settings.config, spec.key) if isinstance(entry, Budget)]
        for budget in budgets:
            for requirement in entry_requirements(budget, ""):
                analysis = subject.analysis(requirement.set)
                totals = analysis and figures(analysis, requirement.layer)
                if totals is None:
                    continue
                key = budget, requirement.metric
                value = metric(totals, requirement.metric)
                finding = judge(spec.name, requirement, value, None)
                if value <= requirement.limit:
                    reached.setdefault(key, []).append(value)
                elif finding and not apply(finding, settings.config.waivers, spec.key, checking.request.today)[1]:
                    exceeded.add(key)
    for budget in settings.config.budgets:
        for name, (limit, span) in budget.values.items():
            key = budget, name
            if span and key in reached and key not in exceeded and max(reached[key]) < limit:
                yield Lowered(span=span, metric=name, before=limit, after=max(reached[key]))


def _edited(settings: Settings, lowered: list[Lowered]) -> str:
    """Return the text with the lowered figures. Raises `UsageError` if a figure cannot be replaced."""
    text = settings.config.source.text
    lines = text.split("\n")
    for each in sorted(lowered, key=lambda each: each.span[1:], reverse=True):
        line, column, length = each.span.line - 1, each.span.column - 1, each.span.length
        lines[line] = f"{lines[line][:column]}{each.after:_}{lines[line][column + length :]}"
    edited = "\n".join(lines)
    try:
        new = parse(settings.config.source._replace(text=edited))
    except SpecError:  # a figure that is written over several lines
        new = None
    if new is None or _limits(new) != _limits(settings.config, {each.span: each.after for each in lowered}):
        name = settings.config.source.name
        raise UsageError("the budgets in {} cannot be lowered in place", name, help="write each figure on one line")
    mark = "\ufeff" if settings.file.read_bytes().startswith(b"\xef\xbb\xbf") else ""
    return mark + edited


def _limits(config: Config, replaced: dict[Span, int] | None = None) -> list[dict[str, int]]:
    return [
        {name: (replaced or {}).get(span, limit) if span else limit for name, (limit, span) in budget.values.items()}
        for budget in config.budgets
    ]
