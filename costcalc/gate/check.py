"""A whole check: every spec held to what is required of it, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from costcalc import run_budget
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError, suggest
from costcalc.gate.analysis_cache import KEPT, AnalysisCache
from costcalc.gate.baselines import GitBase
from costcalc.gate.evaluate import Evaluator, Outcome
from costcalc.gate.file_base import FileBase
from costcalc.gate.limits import BASE
from costcalc.gate.project import Named, Project, Settings, relative
from costcalc.gate.repositories import Repositories, first
from costcalc.gate.requirements import Given, applies
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
from costcalc.gate.weakened_limits import LOOSENED, Weakening, widened, widened_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date
    from fractions import Fraction

    from costcalc.errors import Source
    from costcalc.gate.analysis_cache import Subject
    from costcalc.gate.baselines import Lost
    from costcalc.gate.limits import Budget, Config, Increase, Waiver
    from costcalc.model import Totals

Result = TypeVar("Result")

MOST_GROUPS = 12
"""Groups of layers that the help of one error lists."""


class Request(NamedTuple):
    """What is to be checked, and how. Everything from outside is in it: the day, and the refs that a CI names."""

    today: date
    specs: tuple[str, ...] = ()
    base: str = ""
    candidates: tuple[str, ...] = ()
    """Refs to try in the place of a base that is not given."""
    config: str | None = None
    given: Given = Given()
    strict: bool = False
    max_layers: int | None = None
    stdin: Source | None = None
    """The text of the spec `-`."""


def check(request: Request) -> Check:
    """Hold specs to their limits. Raises `CostcalcError` for anything that keeps the check from being made."""
    from pathlib import Path

    def run() -> Check:
        project = Project(Path.cwd(), request.config)
        with Repositories(project.folder) as repositories:
            return Checking(request, project, repositories).check()

    return bounded(run, request.max_layers)


def bounded(run: Callable[[], Result], max_layers: int | None) -> Result:
    """The result of work that a whole check may take, and no more. Raises `UsageError` where it takes more."""
    from costcalc.lang.spec import gc_paused

    with gc_paused():
        return run_budget.bounded(run, max_layers, "check fewer specs per run: costcalc check SPEC...")


class Checking:
    """One check: its specs, what they are compared with, and what is required of them."""

    def __init__(self, request: Request, project: Project, repositories: Repositories) -> None:
        self.request = request
        self.project = project
        self.repositories = repositories
        self.cache = AnalysisCache(request.max_layers, kept=KEPT)
        self.selected = self.select()
        self.near = next((spec.path.parent for spec in self.selected if spec.path), None)
        self.base = self.find_base()
        self.against: dict[str, GitBase | FileBase | None] = {BASE: self.base}
        self.explaining = run_budget.RunBudget(run_budget.EXPLAINING_PER_LAYER, request.max_layers or 0)
        self.weakening = Weakening(self.base) if self.base else None
        self.evaluator = Evaluator(self.cache, request.given, self.base_of, self.explaining, self.weakening)
        self.settings = {
            id(settings): settings
            for settings in [spec.settings for spec in self.selected] + [project.settings(project.folder)]
            if settings is not None
        }

    def select(self) -> list[Named]:
        """The specs to check. Raises `UsageError` where there are none."""
        if self.request.specs:
            named = [
                spec
                for name in self.request.specs
                for spec in self.project.selected(name, self.request.stdin if name == "-" else None)
            ]
            return list({spec.name: spec for spec in named}.values())
        found = self.project.configured()
        if not found:
            settings = self.project.settings(self.project.folder)
            if settings is None:
                raise UsageError(
                    "no spec is named, and no costcalc.toml is here",
                    help="costcalc check SPEC, or costcalc check --init, which writes a first one",
                )
            config = settings.config
            raise SpecError([Fault("no file matches what this configuration names as specs", config.specs_span)])
        return found

    def find_base(self) -> GitBase | FileBase | None:
        """What to compare with. Raises `UsageError` where it is named and cannot be had."""
        request = self.request
        ref = request.base
        if ref.endswith(".json"):
            base = FileBase(ref, self.cache)
            base.follow(self.selected)
            return base
        if not ref and not request.candidates:
            return None
        if ref:
            return self.git_base(ref, merge_base=True)
        ref = first(self.repositories.main(self.near), request.candidates)
        return self.git_base(ref, merge_base=True, named_by_ci=True)

    def git_base(self, ref: str, *, merge_base: bool, named_by_ci: bool = False) -> GitBase:
        """The specs at a ref, or where HEAD left it, with those that were renamed since then."""
        base = GitBase(
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
        """What an increase is against: the base, or a ref of its own."""
        if against not in self.against:
            self.against[against] = self.git_base(against, merge_base=False)
        return self.against[against]

    def check(self) -> Check:
        """The outcome. Raises `CostcalcError` for anything that keeps the check from being made."""
        outcomes = {spec.name: (spec, self.evaluator.evaluate(spec)) for spec in self.selected}
        others = OtherSpecs(self, outcomes)
        self.refuse_idle(outcomes, others)
        findings, waived, used = self.waive(outcomes.values())
        findings += self.stale(used, others)
        findings += self.loosened(outcomes, others)
        deleted, lost = self.lost()
        findings += lost
        unevaluated = tuple([each for _, one in outcomes.values() for each in one.unevaluated])
        results = [one.result for _, one in outcomes.values()] + deleted
        if self.request.strict:
            findings = [each._replace(severity=ERROR) if each.rule in (STALE, LOOSENED) else each for each in findings]
        broken = any(result.status == BROKEN for result in results)
        failed = any(finding.severity == ERROR for finding in findings) or (self.request.strict and unevaluated)
        if not broken and not any(result.held for result in results):
            raise self.nothing(unevaluated)
        verdict = ERROR if broken else FAIL if failed else PASS
        usage = tuple([each for _, one in outcomes.values() for each in one.usage])
        info = self.base.info if self.base else None
        root = self.project.root
        folder = relative(self.project.folder, root) if root else ""
        return Check(
            verdict,
            info,
            tuple(findings),
            tuple(waived),
            unevaluated,
            tuple(results),
            (*self.evaluator.notices, *self.notices()),
            self.request.strict,
            "" if folder == "." else folder,
            usage,
            any(each.severity == ERROR or each.rule == LOOSENED for each in findings)
            or any(worth_a_comment(each, usage, self.comment_above(outcomes, each)) for each in results),
        )

    def notices(self) -> list[Fault]:
        """What a reader should know of how the base was found, and of causes that were not looked for."""
        said = dict.fromkeys(self.repositories.notices())
        unexplained = self.explaining.unexplained()
        return [*[Fault(text, severity=WARNING) for text in said], *([unexplained] if unexplained else [])]

    def comment_above(self, outcomes: dict[str, tuple[Named, Outcome]], result: SpecResult) -> Fraction | None:
        """From which relative change on a spec's figures are worth a comment; None where any change is."""
        settings = outcomes[result.spec][0].settings if result.spec in outcomes else None
        return settings.config.comment_above if settings else None

    def nothing(self, unevaluated: Sequence[Unevaluated]) -> UsageError:
        """A check that measured nothing never passes."""
        if unevaluated:
            return UsageError(
                "nothing was checked: {}", unevaluated[0].reason, help="--base REF says what to compare with"
            )
        names = ", ".join([spec.name for spec in self.selected[:3]])
        return UsageError(
            "nothing was checked: no limit applies to {}",
            names if len(self.selected) <= 3 else f"any of {len(self.selected):,} specs",
            help="give a budget in the spec, in costcalc.toml (costcalc check --init), or --max macs=...",
        )

    # Configurations

    def refuse_idle(self, outcomes: dict[str, tuple[Named, Outcome]], others: OtherSpecs) -> None:
        """Raise `SpecError` where an entry of a configuration is about no spec, no param or no layer at all."""
        hits = {hit for _, one in outcomes.values() for hit in one.hits}
        faults = []
        for settings in self.settings.values():
            for entry in settings.config.entries:
                scope = entry.scope
                names = [spec for spec in others.known(settings) if applies(scope.spec, spec.key)]
                if not names and scope.spec:
                    help = "specs says which specs there are; the nearest configuration above a spec holds it"
                    place = scope.places.get("spec", entry.span)
                    faults.append(Fault(f"no spec matches {scope.spec}", place, (), help))
                elif names and (scope.set or scope.layer) and id(entry) not in hits and not others.hit(entry, names):
                    faults.append(self.idle_scope(entry, names))
        if faults:
            raise SpecError(faults)

    def idle_scope(self, entry: Budget | Increase, names: Sequence[Named]) -> Fault:
        """Why an entry holds nothing in the specs that it names."""
        scope = entry.scope
        params = sorted({name for spec in names for name in self.evaluator.params(spec)})
        for name in scope.set:
            if name not in params:
                place = scope.places.get("set", entry.span)
                return Fault(f"no spec here has a param {name}", place, (), suggest(name, params))
        layers = sorted({name for spec in names for name in self.evaluator.layers(spec)})
        if not scope.layer:
            return Fault("no spec here has all of these params", scope.places.get("set", entry.span))
        groups = dict.fromkeys(
            f"{group}.**" if dot else group for group, dot, _ in (name.partition(".") for name in layers)
        )
        listed = f"costcalc analyze {names[0].name} lists the layers"
        known = f"the layers are {', '.join(groups)}; {listed}" if len(groups) <= MOST_GROUPS else listed
        help = suggest(scope.layer, [*groups, *layers], known)
        return Fault(f"no layer matches {scope.layer}", scope.places.get("layer", entry.span), (), help)

    def waive(self, outcomes: Iterable[tuple[Named, Outcome]]) -> tuple[list[Finding], list[Finding], set[int]]:
        """Findings that stand, findings that are waived, and which waivers are about any."""
        findings: list[Finding] = []
        waived: list[Finding] = []
        used: set[int] = set()
        for spec, one in outcomes:
            for finding in one.findings:
                known = spec.settings.config.waivers if spec.settings else ()
                said, accepted, about = apply(finding, known, spec.key, self.request.today)
                (waived if accepted else findings).append(said)
                used |= {id(waiver) for waiver in about}
        return findings, waived, used

    def stale(self, used: set[int], others: OtherSpecs) -> list[Finding]:
        """Waivers that have expired, or match nothing in any configured spec, whichever are being checked."""
        found = []
        for settings in self.settings.values():
            for waiver in settings.config.waivers:
                concerned = id(waiver) in used or others.concerned(settings, waiver)
                finding = stale(waiver, concerned, self.request.today)
                found += [finding] if finding else []
        return found

    def loosened(self, outcomes: dict[str, tuple[Named, Outcome]], others: OtherSpecs) -> list[Finding]:
        """Limits, waivers and specs of which less is required than at the base."""
        if self.weakening is None:
            return []
        found = [finding for _, one in outcomes.values() for finding in one.weakened]
        found += self.widened(self.weakening, outcomes, others)
        found += self.weakening.unreadable.values()
        return list({finding.key: finding for finding in found}.values())

    def widened(
        self, weakening: Weakening, outcomes: dict[str, tuple[Named, Outcome]], others: OtherSpecs
    ) -> list[Finding]:
        """Waivers that accept more than at the base, of every configured spec."""
        found = []
        for settings in self.settings.values():
            if settings.config.waivers:
                for spec in others.known(settings):
                    path = outcomes[spec.name][1].path if spec.name in outcomes else ""
                    then, path = weakening.config_then(spec, path)
                    found += widened(spec.name, then, path, settings.config, spec.key)
        return widened_findings(found, weakening.base.info.name)

    def lost(self) -> tuple[list[SpecResult], list[Finding]]:
        """The specs of the base that nothing is compared with: those that are deleted, and findings of lost limits.

        Where specs are named, nothing is said of the others, but of those that a configuration names no more.
        """
        base = self.base
        if isinstance(base, FileBase):
            return [], [self.lost_finding(base)] if base.lost else []
        if base is None:
            return [], []
        compared = {spec.path for spec in self.selected if spec.path}
        own = self.project.settings(self.project.folder)
        found: dict[str, tuple[Lost, Settings]] = {}
        for settings in self.settings.values():
            if base.covers(settings) and (settings is own or self.request.specs):
                found.update({lost.name: (lost, settings) for lost in base.lost(settings, compared)})
        results, findings = [], []
        for lost, settings in found.values():
            if self.request.specs and (lost.deleted or self.project.names(lost.file)):
                continue
            if lost.deleted:
                results.append(SpecResult(lost.name, DELETED, None, _totals(lost.subject)))
            if lost.limits or self.request.given != Given():
                findings.append(_lost_limits(lost, settings.config, base.info.name))
        return results, findings

    def lost_finding(self, base: FileBase) -> Finding:
        """What is said of the networks of an earlier report that nothing is compared with."""
        names = ", ".join(base.lost[:5]) + (f" and {len(base.lost) - 5:,} more" if len(base.lost) > 5 else "")
        message = f"no spec is compared with {names} of {base.info.name}"
        help = "check every spec that it was made of, or write it from fewer: costcalc analyze SPEC... -o json=..."
        return Finding(LOOSENED, WARNING, "", message, help=help, key=f"{LOOSENED}|{base.info.name}")


def _lost_limits(lost: Lost, config: Config, ref: str) -> Finding:
    """A spec of the base that had limits, and is not checked any more."""
    message = f"{config.source.name} does not name it as a spec any more, as it did at {ref}"
    span = config.specs_span
    if lost.deleted:
        message, span = f"the file is gone, and with it the limits that it had at {ref}", None
    return Finding(
        LOOSENED,
        WARNING,
        lost.name,
        message,
        span,
        notes=(lost.note,) if lost.note else (),
        help="say in the review why it need not be checked",
        key=f"{LOOSENED}|{lost.name}",
    )


def _totals(subject: Subject | None) -> Totals | None:
    """The totals of a spec that was; None where it was not a network."""
    try:
        analysis = subject and subject.analysis({})
    except CostcalcError:
        return None
    return analysis.totals if analysis else None


class OtherSpecs:
    """The configured specs that are not being checked: looked at only where an entry or a waiver may be about them."""

    def __init__(self, checking: Checking, outcomes: dict[str, tuple[Named, Outcome]]) -> None:
        self.checking = checking
        self.outcomes = outcomes
        self._known: dict[int, list[Named]] = {}
        self._looked: dict[str, Outcome] = {}

    def known(self, settings: Settings) -> list[Named]:
        """Every spec that a configuration holds: those that it names and those being checked."""
        if id(settings) not in self._known:
            named = {spec.name: spec for spec in self.checking.project.specs(settings)}
            named.update({spec.name: spec for spec, _ in self.outcomes.values()})
            found = [spec for spec in named.values() if spec.settings and spec.settings.config is settings.config]
            self._known[id(settings)] = found
        return self._known[id(settings)]

    def look(self, spec: Named) -> Outcome:
        """A spec's outcome, without what explains its findings."""
        if spec.name in self.outcomes:
            return self.outcomes[spec.name][1]
        if spec.name not in self._looked:
            self._looked[spec.name] = self.checking.evaluator.evaluate(spec, explained=False)
        return self._looked[spec.name]

    def hit(self, entry: Budget | Increase, names: Sequence[Named]) -> bool:
        """Whether an entry has something to hold in any of the specs, or a broken spec keeps that unknown."""
        looked = map(self.look, names)
        return any(id(entry) in one.hits or one.result.status == BROKEN for one in looked)

    def concerned(self, settings: Settings, waiver: Waiver) -> bool:
        """Whether a waiver is about anything, or what could not be evaluated keeps that unknown."""
        today = self.checking.request.today
        for spec in self.known(settings):
            if applies(waiver.scope.spec, spec.key):
                one = self.look(spec)
                if one.result.status == BROKEN or any(each.rule == waiver.rule for each in one.unevaluated):
                    return True
                if any(apply(finding, [waiver], spec.key, today)[2] for finding in one.findings):
                    return True
        return False
