"""Holds one spec to everything that is required of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from costcalc import run_budget
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError
from costcalc.gate.analysis_cache import AnalysisCache, Subject, figures, metric
from costcalc.gate.limits import OVER_EXPECT
from costcalc.gate.requirements import Given, entries, entry_requirements, given_requirements, judge, own_requirements
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costcalc.gate.baselines import Before, GitBase
    from costcalc.gate.file_base import FileBase
    from costcalc.gate.limits import Requirement
    from costcalc.gate.project import Named
    from costcalc.gate.weakened_limits import Weakening
    from costcalc.model import Analysis, Totals
    from costcalc.run_budget import RunBudget

ERROR_RULE = "CC001"


class Outcome(NamedTuple):
    """What became of one spec. `hits` are the entries of the configuration that had something to hold, by identity.

    `weakened` are limits that hold less than at the base, where the spec had this `path`.
    """

    result: SpecResult
    findings: tuple[Finding, ...] = ()
    unevaluated: tuple[Unevaluated, ...] = ()
    hits: frozenset[int] = frozenset()
    usage: tuple[Usage, ...] = ()
    weakened: tuple[Finding, ...] = ()
    path: str = ""


class Evaluator:
    """Holds specs to their limits; `base_of` finds what an increase is against."""

    def __init__(
        self,
        cache: AnalysisCache,
        given: Given,
        base_of: Callable[[str], GitBase | FileBase | None],
        explaining: RunBudget,
        weakening: Weakening | None,
    ) -> None:
        self.cache = cache
        self.explaining = explaining
        """What it may take to find the causes of all findings."""
        self.given = given
        self.base_of = base_of
        self.weakening = weakening
        self.notices: list[Fault] = []

    def subject(self, named: Named) -> Subject:
        """A spec as it is now. Raises `SpecError`, and `UsageError` where there is no such file."""
        from costcalc.lang.loader import open_spec

        return Subject(open_spec(named.text or named.name), self.cache)

    def params(self, named: Named) -> list[str]:
        """The names of a spec's params; none of a broken one."""
        try:
            return list(self.subject(named).spec.params)
        except CostcalcError:
            return []

    def layers(self, named: Named) -> list[str]:
        """The names of a spec's layers; none of a broken one."""
        try:
            analysis = self.subject(named).analysis({})
        except CostcalcError:
            return []
        return [row.name for row in analysis.layers] if analysis else []

    def evaluate(self, named: Named, *, explained: bool = True) -> Outcome:
        """A spec's findings. A spec that is broken now has its faults as findings."""
        try:
            subject = self.subject(named)
            self.notices += subject.spec.warnings
            analysis = subject.analysis({})
            assert analysis
            return self._hold(named, subject, analysis, explained)
        except SpecError as error:
            findings = tuple([_broken(named.name, fault) for fault in error.faults])
            return Outcome(SpecResult(named.name, BROKEN), findings)

    def _hold(self, named: Named, subject: Subject, analysis: Analysis, explained: bool) -> Outcome:
        main = self.base_of("base")
        before = main.before(named, subject) if main else None
        findings: list[Finding] = []
        unevaluated: list[Unevaluated] = []
        usage: list[Usage] = []
        hits: set[int] = set()
        held = 0
        if before and main and before.faults:
            findings.append(_broken_then(named.name, before.faults[0], main.info.name))
        for entry, requirement in self.requirements(named, subject):
            now = subject.analysis(requirement.set)
            value = now and figures(now, requirement.layer)
            if now is None or value is None:
                continue
            hits.add(entry)
            base = main if requirement.allowance is None else self.against(requirement)
            then = base.before(named, subject) if base else None
            if requirement.allowance is not None and (base is None or then is None):
                unevaluated.append(_unevaluated(named.name, requirement, "there is no base to compare with"))
                continue
            old, reason = _earlier(then, requirement) if then else (None, "")
            if requirement.allowance is not None and old is None and reason:
                unevaluated.append(_unevaluated(named.name, requirement, f"{reason} at {base and base.info.name}"))
                continue
            held += 1
            if requirement.allowance is not None and old is None:
                continue  # new since then: only absolute limits hold
            name = base.info.name if base else ""
            totals = old and figures(old, requirement.layer)
            figure = metric(value, requirement.metric)
            base_figure = metric(totals, requirement.metric) if totals else None
            finding = judge(named.name, requirement, figure, base_figure, name)
            usage += _usage(named.name, requirement, figure, base_figure)
            if finding:
                findings.append(
                    self.explained(finding, requirement, subject, now, then, old, name) if explained else finding
                )
        weakened = self.weakening.limits(named, subject, before) if self.weakening and before and explained else ()
        return Outcome(
            _result(named, analysis, before, held),
            tuple(findings),
            tuple(unevaluated),
            frozenset(hits),
            tuple(usage) if before is None or before.status != UNCHANGED else (),
            tuple(weakened),
            before.path if before else "",
        )

    def against(self, requirement: Requirement) -> GitBase | FileBase | None:
        """What an increase is against. Raises `UsageError` that says who names it."""
        try:
            return self.base_of(requirement.against)
        except UsageError as error:
            span = requirement.span
            place = f" ({requirement.origin}, line {span.line})" if span else ""
            raise UsageError("{}{}", error, place, help=error.fault().help) from None

    def requirements(self, named: Named, subject: Subject) -> Iterator[tuple[int, Requirement]]:
        """Everything that the spec itself, the command line and the configuration require."""
        for requirement in (*own_requirements(subject.spec), *given_requirements(self.given)):
            yield 0, requirement
        config = named.settings.config if named.settings else None
        for entry in entries(config, named.key):
            assert config
            for requirement in entry_requirements(entry, config.source.name):
                yield id(entry), requirement

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
        """A finding with its place, its causes and the nearest value that would do."""
        from costcalc.gate.causes import explain

        base = then.subject.spec if then and then.subject and then.status == MODIFIED else None
        with run_budget.within(self.explaining):
            reason = explain(subject.spec, base, now, old, requirement, name, finding.limit or 0, self.cache)
        place = reason.span if reason.label or reason.causes else requirement.span
        span = place or requirement.span or reason.span
        return finding._replace(causes=reason.causes, span=span, label=reason.label, help=reason.help or finding.help)


def _earlier(then: Before, requirement: Requirement) -> tuple[Analysis | None, str]:
    """The analysis at the base; or why there is none although the spec was there."""
    if then.subject is None:
        return None, ""
    try:
        old = then.subject.analysis(requirement.set)
    except CostcalcError as error:
        return None, f"it was no valid network ({error.fault().message})"
    if old is None:
        return None, "there are no figures for these params"
    if figures(old, requirement.layer) is None:
        return None, f"no layer matches {requirement.layer}"
    return old, ""


def _result(named: Named, analysis: Analysis, before: Before | None, held: int) -> SpecResult:
    old: Totals | None = None
    if before and before.subject:
        found = before.subject.analysis({})
        old = found.totals if found else None
    status = before.status if before else NEW
    renamed = before.path if before and before.subject and before.renamed else ""
    bundled = named.text is not None and named.text.bundled
    return SpecResult(named.name, status, analysis.totals, old, renamed, held, bundled)


def _usage(spec: str, requirement: Requirement, value: int, base: int | None) -> list[Usage]:
    """How much of a limit is used. `expect` is no limit that one could be below."""
    if requirement.rule == OVER_EXPECT:
        return []
    limit = requirement.limit
    if requirement.allowance is not None:
        assert base is not None
        limit = requirement.allowance.limit(base)
    about = (requirement.rule, spec, requirement.what, requirement.metric)
    return [Usage(*about, value, limit, base, requirement.origin, requirement.set, requirement.layer)]


def _unevaluated(spec: str, requirement: Requirement, reason: str) -> Unevaluated:
    return Unevaluated(requirement.rule, spec, requirement.metric, f"{requirement.origin}: {reason}")


def _broken(spec: str, fault: Fault) -> Finding:
    severity = WARNING if fault.severity == WARNING else ERROR
    return Finding(
        ERROR_RULE,
        severity,
        spec,
        fault.message,
        fault.span,
        notes=fault.notes,
        help=fault.help,
        key=f"{ERROR_RULE}|{spec}|{fault.message}",
    )


def _broken_then(spec: str, fault: Fault, ref: str) -> Finding:
    place = f"{fault.span.line}:{fault.span.column}: " if fault.span else ""
    return Finding(
        ERROR_RULE,
        WARNING,
        spec,
        f"it was broken at {ref}, so it counts as new: {place}{fault.message}",
        key=f"{ERROR_RULE}|{spec}|{ref}",
    )
