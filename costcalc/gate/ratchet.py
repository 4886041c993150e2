"""Lowers the budgets of a configuration to what its specs reach: edits the figures in its text, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import SpecError, UsageError
from costcalc.gate.analysis_cache import figures, metric
from costcalc.gate.check import Checking, OtherSpecs, Request, bounded
from costcalc.gate.config import parse
from costcalc.gate.limits import Budget
from costcalc.gate.project import Project
from costcalc.gate.repositories import Repositories
from costcalc.gate.requirements import entries, entry_requirements, judge
from costcalc.gate.waivers import apply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from costcalc.errors import Span
    from costcalc.gate.limits import Config
    from costcalc.gate.project import Settings


class Lowered(NamedTuple):
    """A budget that is lower now: where it is written, its metric, and its limits before and after."""

    span: Span
    metric: str
    before: int
    after: int


class Ratchet(NamedTuple):
    """What was lowered, and the new texts of the configurations by their paths."""

    lowered: tuple[Lowered, ...]
    texts: dict[str, str]


def ratchet(config: str | None, max_layers: int | None, today: date) -> Ratchet:
    """The budgets of the configured specs, lowered. Raises `CostcalcError`; nothing is written here.

    A budget that a spec exceeds stays as it is, unless a waiver accepts that. A budget is never raised.
    """
    return bounded(lambda: _ratchet(Request(today, config=config, max_layers=max_layers)), max_layers)


def _ratchet(request: Request) -> Ratchet:
    project = Project(Path.cwd(), request.config)
    lowered: list[Lowered] = []
    texts = {}
    with Repositories(project.folder) as repositories:
        checking = Checking(request, project, repositories)
        for settings in checking.settings.values():
            found = list(_lowered(checking, settings))
            if found:
                lowered += found
                texts[str(settings.file)] = _edited(settings, found)
    return Ratchet(tuple(lowered), texts)


def _lowered(checking: Checking, settings: Settings) -> Iterator[Lowered]:
    reached: dict[tuple[int, str], list[int]] = {}
    exceeded: set[tuple[int, str]] = set()
    for spec in OtherSpecs(checking, {}).known(settings):
        subject = checking.evaluator.subject(spec)
        for entry in entries(settings.config, spec.key):
            for requirement in entry_requirements(entry, "") if isinstance(entry, Budget) else ():
                analysis = subject.analysis(requirement.set)
                totals = analysis and figures(analysis, requirement.layer)
                if totals is None:
                    continue
                about = id(entry), requirement.metric
                value = metric(totals, requirement.metric)
                finding = judge(spec.name, requirement, value, None)
                if value <= requirement.limit:
                    reached.setdefault(about, []).append(value)
                elif finding and not apply(finding, settings.config.waivers, spec.key, checking.request.today)[1]:
                    exceeded.add(about)
    for budget in settings.config.budgets:
        for name, (limit, span) in budget.values.items():
            about = id(budget), name
            if span and about in reached and about not in exceeded and max(reached[about]) < limit:
                yield Lowered(span, name, limit, max(reached[about]))


def _edited(settings: Settings, lowered: list[Lowered]) -> str:
    """The configuration's text with other figures in it. Raises `UsageError` where a figure cannot be replaced."""
    text = settings.config.source.text
    lines = text.split("\n")
    for each in sorted(lowered, key=lambda each: each.span[1:], reverse=True):
        line, column, length = each.span.line - 1, each.span.column - 1, each.span.length
        lines[line] = f"{lines[line][:column]}{each.after:_}{lines[line][column + length :]}"
    edited = "\n".join(lines)
    try:
        new = parse(settings.config.source._replace(text=edited))
    except SpecError:  # a figure that was written in some other way than on one line
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
