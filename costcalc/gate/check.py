"""Runs a whole check: compares every spec with its limits and returns the verdict."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Self, TypeVar

from costcalc import run_budget
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError, suggest
from costcalc.gate.analysis_cache import KEPT, AnalysisCache
from costcalc.gate.baselines import GitBase
from costcalc.gate.evaluate import Evaluator, SpecOutcome
from costcalc.gate.file_base import FileBase
from costcalc.gate.limits import BASE
from costcalc.gate.other_specs import OtherSpecs
from costcalc.gate.project import NamedSpec, Project, Settings, relative
from costcalc.gate.repositories import Repositories, first
from costcalc.gate.requirements import CommandLineLimits, applies
from costcalc.gate.results import (
    BROKEN,
    DELETED,
    ERROR,
    FAIL,
    PASS,
    WARNING,
    Check,
    Finding,
    SpecResult,
    Unevaluated,
    worth_a_comment,
)
from costcalc.gate.waivers import STALE, apply, stale
from costcalc.gate.weakened_limits import LOOSENED, LimitComparison, widened, widened_findings
from costcalc.model import SUSPICIONS
from costcalc.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date
    from fractions import Fraction

    from costcalc.errors import Source
    from costcalc.gate.analysis_cache import Subject
    from costcalc.gate.base_spec import Lost
    from costcalc.gate.limits import Budget, Config, Increase, Waiver
    from costcalc.gate.other_specs import Outcomes
    from costcalc.model import Totals

Result = TypeVar("Result")

STRICT = (STALE, LOOSENED, *SUSPICIONS)
"""The rules whose warnings fail with `--strict`."""
MOST_GROUPS = 12
"""The number of groups of layers that the help of an error lists."""


class Request(Record):
    """The arguments of a check. They include all external facts: the date, and the refs that a CI names."""

    today: date
    specs: tuple[str, ...] = ()
    base: str = ""
    candidates: tuple[str, ...] = ()
    """Refs to try if `base` is empty."""
    config: str | None = None
    limits: CommandLineLimits = CommandLineLimits()
    strict: bool = False
    max_layers: int | None = None
    stdin: Source | None = None
    """The text of the spec `-`."""


def check(request: Request) -> Check:
    """Check specs against their limits. Raises `CostcalcError` if the check cannot be completed."""
    from pathlib import Path

    def run() -> Check:
        project = Project.open(Path.cwd(), request.config)
        with Repositories(project.folder) as repositories:
            return Checking.open(request, project, repositories).check()

    return bounded(run, request.max_layers)


def bounded(run: Callable[[], Result], max_layers: int | None) -> Result:
    """Return the result of `run` within the limits of a check. Raises `UsageError` if it exceeds them."""
    from costcalc.lang.spec import gc_paused

    with gc_paused():
        return run_budget.bounded(run, max_layers, "check fewer specs per run: costcalc check SPEC...")


class Checking:
    """A check: its specs, their configurations and their bases."""

    def __init__(
        self, request: Request, project: Project, repositories: Repositories, selected: Sequence[NamedSpec]
    ) -> None:
        self.request = request
        self.project = project
        self.repositories = repositories
        self.selected = selected
        self.cache = AnalysisCache(request.max_layers, kept=KEPT)
        self.near = next((spec.path.parent for spec in selected if spec.path), None)
        self.explaining = run_budget.RunBudget(run_budget.EXPLAINING_PER_LAYER, request.max_layers or 0)
        self._bases: dict[str, GitBase | FileBase | None] = {}

    @classmethod
    def open(cls, request: Request, project: Project, repositories: Repositories) -> Self:
        """Find the specs and the base of a check. Raises `CostcalcError`."""
        checking = cls(request, project, repositories, select(request, project))
        checking._bases[BASE] = checking.find_base()
        return checking

    @property
    def base(self) -> GitBase | FileBase | None:
        """The base that `--base` or a CI names."""
        return self._bases[BASE]

    @cached_property
    def comparison(self) -> LimitComparison | None:
        """The comparison of the limits with those at the base."""
        return LimitComparison(self.base) if self.base else None

    @cached_property
    def evaluator(self) -> Evaluator:
        """The evaluator of the specs."""
        return Evaluator(self.cache, self.request.limits, self.base_of, self.explaining, self.comparison)

    @cached_property
    def settings(self) -> list[Settings]:
        """The configurations of the specs and of the working folder."""
        own = self.project.settings(self.project.folder)
        return list(dict.fromkeys(each for each in [*[spec.settings for spec in self.selected], own] if each))

    def find_base(self) -> GitBase | FileBase | None:
        """Return the base. Raises `UsageError` if it is named and cannot be read."""
        request = self.request
        ref = request.base
        if ref.endswith(".json"):
            base = FileBase.open(ref, self.cache)
            base.follow(self.selected)
            return base
        if not ref and not request.candidates:
            return None
        if ref:
            return self.git_base(ref, merge_base=True)
        ref = first(self.repositories.main(self.near), request.candidates)
        return self.git_base(ref, merge_base=True, named_by_ci=True)

    def git_base(self, ref: str, *, merge_base: bool, named_by_ci: bool = False) -> GitBase:
        """Return the specs at a ref or at its merge base with HEAD, and follow renames."""
        base = GitBase.open(
            self.repositories,
            self.project,
            ref,
            self.cache,
            merge_base=merge_base,
            near=self.near,
            named_by_ci=named_by_ci,
        )
        base.follow(self.selected)
        return base

    def base_of(self, against: str) -> GitBase | FileBase | None:
        """Return the base that the `against` of an increase names."""
        if against not in self._bases:
            self._bases[against] = self.git_base(against, merge_base=False)
        return self._bases[against]

    def check(self) -> Check:
        """Run the check. Raises `CostcalcError` if it cannot be completed."""
        outcomes = {spec.name: (spec, self.evaluator.evaluate(spec)) for spec in self.selected}
        others = OtherSpecs(self.project, self.evaluator, self.request.today, outcomes)
        self.refuse_unused_entries(outcomes, others)
        findings, waived, used = self.apply_waivers(outcomes.values())
        findings += self.stale_findings(used, others)
        findings += self.loosened_findings(outcomes, others)
        deleted, lost = self.lost_specs()
        findings += lost
        unevaluated = tuple([each for _, outcome in outcomes.values() for each in outcome.unevaluated])
        results = [outcome.result for _, outcome in outcomes.values()] + deleted
        if self.request.strict:
            findings = [each.replace(severity=ERROR) if each.rule in STRICT else each for each in findings]
        broken = any(result.status == BROKEN for result in results)
        failed = any(finding.severity == ERROR for finding in findings) or (self.request.strict and unevaluated)
        if not broken and not any(result.requirements for result in results):
            raise self.nothing_checked(unevaluated)
        verdict = ERROR if broken else FAIL if failed else PASS
        usage = tuple([each for _, outcome in outcomes.values() for each in outcome.usage])
        root = self.project.root
        folder = relative(self.project.folder, root) if root else ""
        return Check(
            verdict=verdict,
            base=self.base.info if self.base else None,
            findings=tuple(findings),
            waived=tuple(waived),
            not_evaluated=unevaluated,
            specs=tuple(results),
            notices=(*self.evaluator.notices, *self.notices()),
            strict=self.request.strict,
            folder="" if folder == "." else folder,
            usage=usage,
            comment=any(each.severity == ERROR or each.rule == LOOSENED for each in findings)
            or any(worth_a_comment(each, usage, self.comment_above(outcomes, each)) for each in results),
        )

    def notices(self) -> list[Fault]:
        """Return warnings about the choice of the base, and about causes that were not searched for."""
        texts = dict.fromkeys(self.repositories.notices())
        unexplained = self.explaining.unexplained()
        return [*[Fault(text, severity=WARNING) for text in texts], *([unexplained] if unexplained else [])]

    def comment_above(self, outcomes: Outcomes, result: SpecResult) -> Fraction | None:
        """Return the relative change from which on a spec needs a comment; None if any change does."""
        settings = outcomes[result.spec][0].settings if result.spec in outcomes else None
        return settings.config.comment_above if settings else None

    def nothing_checked(self, unevaluated: Sequence[Unevaluated]) -> UsageError:
        """Return the error for a check without any comparison, which must not pass."""
        if unevaluated:
            return UsageError("nothing was checked: {}", unevaluated[0].reason, help="add --base REF")
        names = ", ".join([spec.name for spec in self.selected[:3]])
        return UsageError(
            "nothing was checked: no limit applies to {}",
            names if len(self.selected) <= 3 else f"any of {len(self.selected):,} specs",
            help="add a budget to the spec or to costcalc.toml (costcalc check --init), or add --max macs=...",
        )

    # Configurations

    def refuse_unused_entries(self, outcomes: Outcomes, others: OtherSpecs) -> None:
        """Raise `SpecError` for an entry of a configuration that matches no spec, no params or no layer."""
        used = {entry for _, outcome in outcomes.values() for entry in outcome.used}
        faults = []
        for settings in self.settings:
            for entry in settings.config.entries:
                scope = entry.scope
                names = [spec for spec in others.specs(settings) if applies(scope.spec, spec.key)]
                if not names and scope.spec:
                    help = "compare it with specs; a nearer configuration may apply to the spec"
                    span = scope.places.get("spec", entry.span)
                    faults.append(Fault(f"no spec matches {scope.spec}", span, (), help))
                elif names and (scope.set or scope.layer) and entry not in used and not others.use(entry, names):
                    faults.append(self.unused_entry(entry, names))
        if faults:
            raise SpecError(faults)

    def unused_entry(self, entry: Budget | Increase, names: Sequence[NamedSpec]) -> Fault:
        """Return the fault of an entry that matches nothing in the specs that it names."""
        scope = entry.scope
        params = sorted({name for spec in names for name in self.evaluator.params(spec)})
        for name in scope.set:
            if name not in params:
                span = scope.places.get("set", entry.span)
                return Fault(f"unknown param {name}", span, (), suggest(name, params))
        layers = sorted({name for spec in names for name in self.evaluator.layers(spec)})
        if not scope.layer:
            return Fault("none of the specs has all of these params", scope.places.get("set", entry.span))
        groups = dict.fromkeys(
            f"{group}.**" if dot else group for group, dot, _ in (name.partition(".") for name in layers)
        )
        listed = f"costcalc analyze {names[0].name} lists the layers"
        known = f"the layers are {', '.join(groups)}; {listed}" if len(groups) <= MOST_GROUPS else listed
        help = suggest(scope.layer, [*groups, *layers], known)
        return Fault(f"no layer matches {scope.layer}", scope.places.get("layer", entry.span), (), help)

    def apply_waivers(
        self, outcomes: Iterable[tuple[NamedSpec, SpecOutcome]]
    ) -> tuple[list[Finding], list[Finding], set[Waiver]]:
        """Return the findings that are not waived, those that are, and the waivers that match any."""
        findings: list[Finding] = []
        waived: list[Finding] = []
        used: set[Waiver] = set()
        for spec, outcome in outcomes:
            waivers = spec.settings.config.waivers if spec.settings else ()
            for finding in outcome.findings:
                noted, accepted, matching = apply(finding, waivers, spec.key, self.request.today)
                (waived if accepted else findings).append(noted)
                used.update(matching)
        return findings, waived, used

    def stale_findings(self, used: set[Waiver], others: OtherSpecs) -> list[Finding]:
        """Return findings of waivers that have expired, or match nothing in any configured spec."""
        findings = []
        for settings in self.settings:
            for waiver in settings.config.waivers:
                finding = stale(waiver, waiver in used or others.need(waiver, settings), self.request.today)
                findings += [finding] if finding else []
        return findings

    def loosened_findings(self, outcomes: Outcomes, others: OtherSpecs) -> list[Finding]:
        """Return findings of limits and waivers that require less than at the base."""
        if self.comparison is None:
            return []
        findings = [finding for _, outcome in outcomes.values() for finding in outcome.loosened]
        findings += self.widened_waivers(self.comparison, outcomes, others)
        findings += self.comparison.unreadable.values()
        return list({finding.key: finding for finding in findings}.values())

    def widened_waivers(self, comparison: LimitComparison, outcomes: Outcomes, others: OtherSpecs) -> list[Finding]:
        """Return findings of waivers that accept more than at the base, for every configured spec."""
        waivers = []
        for settings in self.settings:
            if settings.config.waivers:
                for spec in others.specs(settings):
                    path = outcomes[spec.name][1].path if spec.name in outcomes else ""
                    base_config, path = comparison.config_then(spec, path)
                    waivers += widened(spec.name, base_config, path, settings.config, spec.key)
        return widened_findings(waivers, comparison.base.info.name)

    def lost_specs(self) -> tuple[list[SpecResult], list[Finding]]:
        """Return the specs of the base that no spec is compared with: deleted ones, and findings of their limits.

        If specs are named on the command line, only specs that a configuration no longer names are findings.
        """
        base = self.base
        if isinstance(base, FileBase):
            return [], [_lost_networks(base)] if base.lost else []
        if base is None:
            return [], []
        compared = {spec.path for spec in self.selected if spec.path}
        own = self.project.settings(self.project.folder)
        lost_specs: dict[str, tuple[Lost, Settings]] = {}
        for settings in self.settings:
            if base.covers(settings) and (settings is own or self.request.specs):
                lost_specs.update({lost.name: (lost, settings) for lost in base.lost(settings, compared)})
        results, findings = [], []
        for lost, settings in lost_specs.values():
            if self.request.specs and (lost.deleted or self.project.names(lost.file)):
                continue
            if lost.deleted:
                results.append(SpecResult(spec=lost.name, status=DELETED, base_totals=_totals(lost.subject)))
            if lost.limits or self.request.limits != CommandLineLimits():
                findings.append(_lost_limits(lost, settings.config, base.info.name))
        return results, findings


def select(request: Request, project: Project) -> list[NamedSpec]:
    """Return the specs to check. Raises `UsageError` and `SpecError` if there are none."""
    if request.specs:
        named = [
            spec for name in request.specs for spec in project.selected(name, request.stdin if name == "-" else None)
        ]
        return list({spec.name: spec for spec in named}.values())
    configured = project.configured()
    if not configured:
        settings = project.settings(project.folder)
        if settings is None:
            raise UsageError(
                "no SPEC is given, and this folder has no costcalc.toml",
                help="write costcalc check SPEC, or costcalc check --init for a first costcalc.toml",
            )
        raise SpecError([Fault("no file matches the specs of this configuration", settings.config.specs_span)])
    return configured


def _lost_networks(base: FileBase) -> Finding:
    """Return the finding for networks of a report that no spec is compared with."""
    names = ", ".join(base.lost[:5]) + (f" and {len(base.lost) - 5:,} more" if len(base.lost) > 5 else "")
    return Finding(
        rule=LOOSENED,
        severity=WARNING,
        spec="",
        message=f"no spec is compared with {names} of {base.info.name}",
        help="check every spec of the report, or write a report of fewer: costcalc analyze SPEC... -o json=...",
        key=f"{LOOSENED}|{base.info.name}",
    )


def _lost_limits(lost: Lost, config: Config, ref: str) -> Finding:
    """Return the finding for a spec that had limits at the base and is no longer checked."""
    message = f"{config.source.name} no longer names this spec, unlike at {ref}"
    span = config.specs_span
    if lost.deleted:
        message, span = f"the spec was deleted; it had limits at {ref}", None
    return Finding(
        rule=LOOSENED,
        severity=WARNING,
        spec=lost.name,
        message=message,
        span=span,
        notes=(lost.note,) if lost.note else (),
        help="give the reason in the review",
        key=f"{LOOSENED}|{lost.name}",
    )


def _totals(subject: Subject | None) -> Totals | None:
    """Return the totals of a spec of the base; None if it was not a valid network."""
    try:
        analysis = subject and subject.analysis({})
    except CostcalcError:
        return None
    return analysis.totals if analysis else None
