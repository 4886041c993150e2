"""Checks one spec against all of its requirements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc import run_budget
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache, Subject, figures, metric
from costcalc.gate.limits import OVER_EXPECT, UNLIKE_MODEL
from costcalc.gate.requirements import (
    CommandLineLimits,
    command_line_requirements,
    entries,
    entry_requirements,
    judge,
    own_requirements,
)
from costcalc.gate.results import (
    BROKEN,
    ERROR,
    MODIFIED,
    NEW,
    UNCHANGED,
    WARNING,
    Finding,
    SpecResult,
    Unevaluated,
    Usage,
)
from costcalc.globs import match
from costcalc.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costcalc.gate.base_spec import Before
    from costcalc.gate.baselines import GitBase
    from costcalc.gate.file_base import FileBase
    from costcalc.gate.limits import Budget, Increase, Match, Requirement
    from costcalc.gate.project import NamedSpec
    from costcalc.gate.weakened_limits import LimitComparison
    from costcalc.model import Analysis, Suspicion, Totals
    from costcalc.run_budget import RunBudget

ERROR_RULE = "CC001"


class SpecOutcome(Record):
    """The outcome for one spec. `used` are the budgets and increases that matched a figure of it.

    `loosened` are findings of limits that require less than at the base, where the spec had this `path`.
    """

    result: SpecResult
    findings: tuple[Finding, ...] = ()
    unevaluated: tuple[Unevaluated, ...] = ()
    used: frozenset[Budget | Increase] = frozenset()
    usage: tuple[Usage, ...] = ()
    loosened: tuple[Finding, ...] = ()
    path: str = ""


class Evaluator:
    """Checks specs against their limits. `base_of` returns the base that an `against` names."""

    def __init__(
        self,
        cache: AnalysisCache,
        limits: CommandLineLimits,
        base_of: Callable[[str], GitBase | FileBase | None],
        explaining: RunBudget,
        comparison: LimitComparison | None,
    ) -> None:
        self.cache = cache
        self.explaining = explaining
        """The budget for finding the causes of all findings."""
        self.limits = limits
        self.base_of = base_of
        self.comparison = comparison
        self.notices: list[Fault] = []

    def subject(self, named: NamedSpec) -> Subject:
        """Return a spec of the work tree. Raises `SpecError`, and `UsageError` if the file cannot be read."""
        from costcalc.lang.loader import open_spec

        return Subject(open_spec(named.text or named.name), self.cache)

    def params(self, named: NamedSpec) -> list[str]:
        """Return the names of the params of a spec; none if it is broken."""
        try:
            return list(self.subject(named).spec.params)
        except CostcalcError:
            return []

    def layers(self, named: NamedSpec) -> list[str]:
        """Return the names of the layers of a spec; none if it is broken."""
        try:
            analysis = self.subject(named).analysis({})
        except CostcalcError:
            return []
        return [row.name for row in analysis.layers] if analysis else []

    def evaluate(self, named: NamedSpec, *, explained: bool = True) -> SpecOutcome:
        """Check a spec. The findings of a broken spec are its faults."""
        try:
            subject = self.subject(named)
            self.notices += subject.spec.warnings
            analysis = subject.analysis({})
            assert analysis
            return self._check(named, subject, analysis, explained)
        except SpecError as error:
            findings = tuple([_broken(named.name, fault) for fault in error.faults])
            return SpecOutcome(result=SpecResult(spec=named.name, status=BROKEN), findings=findings)

    def _check(self, named: NamedSpec, subject: Subject, analysis: Analysis, explained: bool) -> SpecOutcome:
        main = self.base_of("base")
        before = main.before(named, subject) if main else None
        findings: list[Finding] = []
        unevaluated: list[Unevaluated] = []
        usage: list[Usage] = []
        used: set[Budget | Increase] = set()
        count = 0
        findings += [_suspicion(named.name, each) for each in analysis.suspicions]
        if before and main and before.faults:
            findings.append(_broken_then(named.name, before.faults[0], main.info.name))
        for entry, requirement in self.requirements(named, subject):
            now = subject.analysis(requirement.set)
            value = now and figures(now, requirement.layer)
            if now is None or value is None:
                continue
            if entry:
                used.add(entry)
            base = main if requirement.allowance is None else self.against(requirement)
            then = base.before(named, subject) if base else None
            if requirement.allowance is not None and (base is None or then is None):
                unevaluated.append(_unevaluated(named.name, requirement, "there is no base to compare with"))
                continue
            old, reason = _earlier(then, requirement) if then else (None, "")
            lacking = old is not None and requirement.metric in old.unknown
            if lacking and requirement.allowance is not None:
                reason = f"the report {base and base.info.name} has no {requirement.metric}; write it again"
                unevaluated.append(_unevaluated(named.name, requirement, reason))
                continue
            if requirement.allowance is not None and old is None and reason:
                unevaluated.append(_unevaluated(named.name, requirement, f"{reason} at {base and base.info.name}"))
                continue
            count += 1
            if requirement.allowance is not None and old is None:
                continue  # a new spec: only absolute limits apply
            name = base.info.name if base else ""
            totals = old and figures(old, requirement.layer)
            figure = metric(value, requirement.metric)
            base_figure = metric(totals, requirement.metric) if totals and not lacking else None
            finding = judge(named.name, requirement, figure, base_figure, name)
            usage += _usage(named.name, requirement, figure, base_figure)
            if finding:
                findings.append(
                    self.explained(finding, requirement, subject, now, then, old, name) if explained else finding
                )
        findings += self.unlike(named, analysis)
        comparison = self.comparison if before and explained else None
        loosened = comparison.limits(named, subject, before) if comparison and before else ()
        return SpecOutcome(
            result=_result(named, analysis, before, count),
            findings=tuple(findings),
            unevaluated=tuple(unevaluated),
            used=frozenset(used),
            usage=tuple(usage) if before is None or before.status != UNCHANGED else (),
            loosened=tuple(loosened),
            path=before.path if before else "",
        )

    def unlike(self, named: NamedSpec, analysis: Analysis) -> Iterator[Finding]:
        """Yield the findings of the models that a spec must agree with."""
        from costcalc.lang.loader import open_spec

        settings = named.settings
        for entry in settings.config.matches if settings else ():
            assert settings
            if not match(entry.spec, named.key, "/"):
                continue
            try:
                model = self.cache.analysis(open_spec(str(settings.folder / entry.model)), {})
            except CostcalcError as error:
                message = f"cannot be compared with {entry.model}: {error.fault().message}"
                yield _unlike(named.name, entry, message, help=error.fault().help)
                continue
            differing = [name for name in ("params", "macs") if _figure(analysis, name) != _figure(model, name)]
            for name in differing:
                message = f"{name} {_figure(analysis, name):,}, and {_figure(model, name):,} in {entry.model}"
                yield _unlike(named.name, entry, message, _first_difference(analysis, model))

    def against(self, requirement: Requirement) -> GitBase | FileBase | None:
        """Return the base of an increase. Raises `UsageError` with the location of the increase."""
        try:
            return self.base_of(requirement.against)
        except UsageError as error:
            span = requirement.span
            place = f" ({requirement.origin}, line {span.line})" if span else ""
            raise UsageError("{}{}", error, place, help=error.fault().help) from None

    def requirements(
        self, named: NamedSpec, subject: Subject
    ) -> Iterator[tuple[Budget | Increase | None, Requirement]]:
        """Yield the requirements of the spec, the command line and the configuration, with the entry of the last."""
        for requirement in (*own_requirements(subject.spec), *command_line_requirements(self.limits)):
            yield None, requirement
        config = named.settings.config if named.settings else None
        for entry in entries(config, named.key):
            assert config
            for requirement in entry_requirements(entry, config.source.name):
                yield entry, requirement

    def explained(
        self,
        finding: Finding,
        requirement: Requirement,
        subject: Subject,
        now: Analysis,
        then: Before | None,
        old: Analysis | None,
        name: str,
    ) -> Finding:
        """Return a finding with its location, its causes and the nearest value that fits."""
        from costcalc.gate.causes import explain

        base = then.subject.spec if then and then.subject and then.status == MODIFIED else None
        with run_budget.within(self.explaining):
            reason = explain(subject.spec, base, now, old, requirement, name, finding.limit or 0, self.cache)
        preferred = reason.span if reason.label or reason.causes else requirement.span
        span = preferred or requirement.span or reason.span
        return finding.replace(causes=reason.causes, span=span, label=reason.label, help=reason.help or finding.help)


def _earlier(then: Before, requirement: Requirement) -> tuple[Analysis | None, str]:
    """Return the analysis at the base; or None and, if the spec existed, the reason."""
    if then.subject is None:
        return None, ""
    try:
        old = then.subject.analysis(requirement.set)
    except CostcalcError as error:
        return None, f"the network was not valid ({error.fault().message})"
    if old is None:
        return None, "figures for these params are missing"
    if figures(old, requirement.layer) is None:
        return None, f"no layer matches {requirement.layer}"
    return old, ""


def _result(named: NamedSpec, analysis: Analysis, before: Before | None, requirements: int) -> SpecResult:
    old: Totals | None = None
    if before and before.subject:
        found = before.subject.analysis({})
        old = found.totals if found else None
    status = before.status if before else NEW
    renamed = before.path if before and before.subject and before.renamed else ""
    bundled = named.text is not None and named.text.bundled
    return SpecResult(
        spec=named.name,
        status=status,
        totals=analysis.totals,
        base_totals=old,
        base_spec=renamed,
        requirements=requirements,
        bundled=bundled,
    )


def _usage(spec: str, requirement: Requirement, value: int, base: int | None) -> list[Usage]:
    """Return the usage of a limit; none for `expect`, which is an exact figure."""
    if requirement.rule == OVER_EXPECT:
        return []
    limit = requirement.limit
    if requirement.allowance is not None:
        assert base is not None
        limit = requirement.allowance.limit(base)
    return [
        Usage(
            rule=requirement.rule,
            spec=spec,
            what=requirement.what,
            metric=requirement.metric,
            value=value,
            limit=limit,
            base=base,
            origin=requirement.origin,
            set=requirement.set,
            layer=requirement.layer,
        )
    ]


def _unevaluated(spec: str, requirement: Requirement, reason: str) -> Unevaluated:
    reason = f"{requirement.origin}: {reason}"
    return Unevaluated(rule=requirement.rule, spec=spec, metric=requirement.metric, reason=reason)


def _broken(spec: str, fault: Fault) -> Finding:
    severity = WARNING if fault.severity == WARNING else ERROR
    return Finding(
        rule=ERROR_RULE,
        severity=severity,
        spec=spec,
        message=fault.message,
        span=fault.span,
        notes=fault.notes,
        help=fault.help,
        key=f"{ERROR_RULE}|{spec}|{fault.message}",
    )


def _suspicion(spec: str, suspicion: Suspicion) -> Finding:
    fault = suspicion.fault()
    return Finding(
        rule=suspicion.rule,
        severity=WARNING,
        spec=spec,
        message=suspicion.message,
        span=suspicion.span,
        layer=suspicion.name,
        help=fault.help,
        key=f"{suspicion.rule}|{spec}|{suspicion.name}",
    )


def _figure(analysis: Analysis, name: str) -> int:
    return int(getattr(analysis.totals, name))


def _unlike(spec: str, entry: Match, message: str, notes: tuple[str, ...] = (), help: str = "") -> Finding:
    return Finding(
        rule=UNLIKE_MODEL,
        severity=ERROR,
        spec=spec,
        message=message,
        span=entry.span,
        notes=notes,
        help=help or "change the one that is wrong (see costcalc explain CC104)",
        key=f"{UNLIKE_MODEL}|{spec}|{entry.model}",
    )


def _first_difference(analysis: Analysis, model: Analysis) -> tuple[str, ...]:
    """Return the first layers with cost that differ, of those in order, as a note."""
    rows = [[row for row in each.layers if row.totals.params or row.totals.macs] for each in (analysis, model)]
    for own, other in zip(*rows, strict=False):
        figures = [(row.totals.params, row.totals.macs) for row in (own, other)]
        if figures[0] != figures[1]:
            texts = [f"{row.name} ({row.totals.params:,} params, {row.totals.macs:,} MACs)" for row in (own, other)]
            return (f"the first layers that differ: {texts[0]}; {texts[1]}",)
    longer = max(rows, key=len)
    at = min(map(len, rows))
    return (f"{longer[at].name} has no counterpart",) if at < len(longer) else ()


def _broken_then(spec: str, fault: Fault, ref: str) -> Finding:
    location = f"{fault.span.line}:{fault.span.column}: " if fault.span else ""
    return Finding(
        rule=ERROR_RULE,
        severity=WARNING,
        spec=spec,
        message=f"the spec was broken at {ref}, so it counts as new: {location}{fault.message}",
        key=f"{ERROR_RULE}|{spec}|{ref}",
    )
