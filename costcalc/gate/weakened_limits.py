"""Finds limits and waivers that require less of a spec than at the base, in whatever file they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError, SpecError
from costcalc.gate.analysis_cache import figures, metric
from costcalc.gate.baselines import GitBase
from costcalc.gate.limits import OVER_EXPECT, shown
from costcalc.gate.requirements import applies, entries, entry_requirements, own_requirements
from costcalc.gate.results import UNCHANGED, WARNING, Finding
from costcalc.globs import match
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.gate.analysis_cache import Recorded, Subject
    from costcalc.gate.base_spec import Before
    from costcalc.gate.file_base import FileBase
    from costcalc.gate.limits import Config, Requirement, Waiver
    from costcalc.gate.project import NamedSpec
    from costcalc.model import Analysis

LOOSENED = "CC106"
_SHOWN = 3
"""The number of specs or layers that a finding names. It counts the rest."""


class Applied(NamedTuple):
    """A requirement and the analysis that it applies to; without an analysis, the reason why it applies to nothing."""

    requirement: Requirement
    analysis: Analysis | None
    reason: str = ""


class LimitComparison:
    """Compares the limits of specs with those at the base."""

    def __init__(self, base: GitBase | FileBase) -> None:
        self.base = base
        self.unreadable: dict[str, Finding] = {}
        """A finding for each configuration of the base that cannot be read, by message."""

    def config_then(self, named: NamedSpec, path: str) -> tuple[Config | None, str]:
        """Return the configuration of a spec at the base, and the path of the spec relative to it.

        `path` is the path of the spec at the base; of a new spec, its path now. A report as base has no configuration,
        so the current one is used.
        """
        config = named.settings.config if named.settings else None
        if not isinstance(self.base, GitBase):
            return config, named.key
        try:
            if named.path is None:
                settings = named.settings
                own = self.base.own_config(settings) if settings and self.base.covers(settings) else None
                return own[0] if own else None, named.key
            return self.base.config(named, path or self.base.repositories.locate(named.path)[1])
        except SpecError as error:
            ref, message = self.base.info.name, error.faults[0].message
            message = f"cannot read the configuration at {ref}: {message}"
            key = f"{LOOSENED}|{named.name}"
            self.unreadable.setdefault(
                message, Finding(rule=LOOSENED, severity=WARNING, spec="", message=message, key=key)
            )
            return None, path

    def limits(self, named: NamedSpec, subject: Subject, before: Before) -> list[Finding]:
        """Return findings of limits of a spec that were raised or removed, or that apply to less than at the base."""
        config, path = self.config_then(named, before.path)
        now_config = named.settings.config if named.settings else None
        same = (config and config.source.text) == (now_config and now_config.source.text)
        if before.status == UNCHANGED and same and path == named.key and isinstance(self.base, GitBase):
            return []
        then = before.subject or subject  # a new spec: the limits that would have applied to it
        own_then = own_requirements(then.spec) if before.subject and then.spec else []
        own = own_requirements(subject.spec)
        if before.subject and then.spec is None:  # a report as base does not contain the limits of the spec
            own_then = own
        old = [applied(each, then) for each in requirements(own_then, config, path)]
        now = [applied(each, subject) for each in requirements(own, now_config, named.key)]
        ref = self.base.info.name
        dropped = models(config, path) - models(now_config, named.key)
        return loosened_limits(named.name, old, now, ref) + [
            _dropped_match(named.name, model, ref) for model in sorted(dropped)
        ]


def models(config: Config | None, path: str) -> set[str]:
    """Return the models that a configuration compares a spec with."""
    entries = config.matches if config else ()
    return {entry.model for entry in entries if match(entry.spec, path, "/")}


def _dropped_match(spec: str, model: str, ref: str) -> Finding:
    return Finding(
        rule=LOOSENED,
        severity=WARNING,
        spec=spec,
        message=f"the comparison with {model} was removed, against {ref}",
        help="give the reason in the review",
        key=f"{LOOSENED}|{spec}|match|{model}",
    )


def requirements(own: Iterable[Requirement], config: Config | None, path: str) -> list[Requirement]:
    """Return the requirements of a spec: its own, and those of a configuration for a path."""
    result = [*own]
    for entry in entries(config, path):
        result += entry_requirements(entry, "")
    return result


def applied(requirement: Requirement, subject: Subject | Recorded) -> Applied:
    """Return a requirement with the analysis that it applies to."""
    try:
        analysis = subject.analysis(requirement.set)
    except CostcalcError:
        return Applied(requirement, None, "the network with these params is not valid")
    if analysis is None:
        return Applied(requirement, None, f"the spec does not have the params {', '.join(requirement.set)}")
    if figures(analysis, requirement.layer) is None:
        return Applied(requirement, None, f"no layer matches {requirement.layer}")
    return Applied(requirement, analysis)


def loosened_limits(spec: str, base: Sequence[Applied], now: Sequence[Applied], ref: str) -> list[Finding]:
    """Return findings of limits of the base that no current limit covers."""
    findings = []
    active = [each.requirement for each in now if each.analysis]
    then = [each for each in base if each.analysis]
    for index, old in enumerate(then):
        wanted = old.requirement
        if _implied(wanted, [other.requirement for other in then[:index]], [each.requirement for each in then]):
            continue
        same = [each for each in now if _key(each.requirement) == _key(wanted)]
        covering = next((each for each in same if each.analysis and _covers(each.requirement, wanted)), None)
        if covering is None:
            findings.append(_weaker(spec, wanted, same, active, ref))
        elif wanted.layer:
            findings += _renamed_layers(spec, old, covering, ref)
    return findings


def _key(requirement: Requirement) -> tuple[str, ...]:
    """Return the subject of a requirement. Requirements with the same subject differ only in strictness."""
    against = requirement.against if requirement.allowance else ""
    return requirement.rule, requirement.metric, shown(requirement.set), requirement.layer, against


def _covers(one: Requirement, other: Requirement) -> bool:
    """Return whether a requirement has the same subject as another and is at least as strict."""
    if _key(one) != _key(other) or (one.only_worse and not other.only_worse):
        return False
    if one.allowance and other.allowance:
        return one.allowance.part <= other.allowance.part and one.allowance.more <= other.allowance.more
    return one.limit <= other.limit


def _implied(requirement: Requirement, before: Sequence[Requirement], all: Sequence[Requirement]) -> bool:
    """Return whether another requirement of the same side is stricter, or is equal and comes before."""
    return any(
        _covers(other, requirement) and (not _covers(requirement, other) or other in before)
        for other in all
        if other is not requirement
    )


def _strictness(requirement: Requirement) -> str:
    text = requirement.allowance.text if requirement.allowance else f"{requirement.limit:,}"
    return f"{text} (only if worse)" if requirement.only_worse else text


def _weaker(spec: str, wanted: Requirement, same: Sequence[Applied], active: list[Requirement], ref: str) -> Finding:
    """Return the finding for a limit of the base that no current limit covers."""
    rule, metric_name, at, layer, against = _key(wanted)
    limit = {"CC101": "expect", "CC102": "the budget"}.get(rule, f"the increase against {against}")
    where = f"{f' of {layer}' if layer else ''}{f' at {at}' if at else ''}"
    new = next((each.requirement for each in same if each.requirement in active), None)
    idle = next((each for each in same if each.analysis is None), None)
    help = f"{'state the new figures' if rule == OVER_EXPECT else 'give the reason'} in the review"
    if new is not None:
        change = f"was changed from {_strictness(wanted)} to {_strictness(new)}, against {ref}"
    elif idle is not None:
        new = idle.requirement
        change = f"applies to nothing in this spec, unlike at {ref}: {idle.reason}"
        help = "write the new name into the limit"
    else:
        change = f"of {_strictness(wanted)} was removed, against {ref}"
    figures_known = new is not None and rule <= "CC102"
    return Finding(
        rule=LOOSENED,
        severity=WARNING,
        spec=spec,
        message=f"{limit} on {metric_name}{where} {change}",
        span=new.span if new else None,
        set=wanted.set,
        at=at,
        layer=layer,
        metric=metric_name,
        value=new.limit if new and figures_known and idle is None else None,
        limit=wanted.limit if rule <= "CC102" else None,
        help=help,
        key="|".join((LOOSENED, spec, *_key(wanted))),
    )


def _renamed_layers(spec: str, old: Applied, now: Applied, ref: str) -> list[Finding]:
    """Return a finding if a limit does not match the new names of layers that it matched at the base."""
    from costcalc.gate.align import align

    wanted = old.requirement
    if old.analysis is None or now.analysis is None or old.analysis is now.analysis:
        return []
    renamed = [
        (pair.base.name, pair.row.name)
        for pair in align(old.analysis.layers, now.analysis.layers)
        if pair.base and pair.row and pair.base.name != pair.row.name and metric(pair.totals, wanted.metric)
        if match(wanted.layer, pair.base.name, ".") and not match(wanted.layer, pair.row.name, ".")
    ]
    if not renamed:
        return []
    names = _listed([f"{before} is now {name}" for before, name in renamed])
    count = "1 layer was" if len(renamed) == 1 else f"{len(renamed):,} layers were"
    return [
        Finding(
            rule=LOOSENED,
            severity=WARNING,
            spec=spec,
            message=f"{wanted.metric} of {wanted.layer}: {count} renamed since {ref}, and the limit does not match the "
            f"new name{'' if len(renamed) == 1 else 's'}",
            span=now.requirement.span,
            set=wanted.set,
            at=shown(wanted.set),
            layer=wanted.layer,
            metric=wanted.metric,
            notes=(names,),
            help="write a glob that matches the new names as well",
            key="|".join((LOOSENED, spec, "layers", *_key(wanted))),
        )
    ]


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")


# Waivers


class Widened(NamedTuple):
    """A waiver that accepts more of a spec than any waiver at the base, and how it changed."""

    waiver: Waiver
    spec: str
    change: str


def widened(spec: str, base: Config | None, base_path: str, now: Config, path: str) -> list[Widened]:
    """Return the waivers of a spec that are new, have a higher ceiling or expire later than those at the base."""
    then = [each for each in (base.waivers if base else ()) if applies(each.scope.spec, base_path)]
    result = []
    for waiver in now.waivers:
        if not applies(waiver.scope.spec, path):
            continue
        wide = [each for each in then if _reaches(each, waiver)]
        if any(not _higher(each, waiver) and not _longer(each, waiver) for each in wide):
            continue
        change = "is new"
        if wide:
            change = "expires later" if all(_longer(each, waiver) for each in wide) else "has a higher ceiling"
        result.append(Widened(waiver, spec, change))
    return result


def widened_findings(all: Sequence[Widened], ref: str) -> list[Finding]:
    """Return a finding for each waiver, which names the specs."""
    groups: dict[tuple[Waiver, str], list[str]] = {}
    for each in all:
        groups.setdefault((each.waiver, each.change), []).append(each.spec)
    findings = []
    for (waiver, change), specs in groups.items():
        scope = waiver.scope
        names = "" if len(specs) == 1 else f" for {_listed(specs)}"
        findings.append(
            Finding(
                rule=LOOSENED,
                severity=WARNING,
                spec=specs[0] if len(specs) == 1 else "",
                message=f"the waiver of {waiver.rule}{names} {change}, against {ref} ({waiver.reason})",
                span=waiver.span,
                set=scope.set,
                at=shown(scope.set),
                layer=scope.layer,
                help="give the reason in the review",
                key="|".join((LOOSENED, "waiver", waiver.rule, scope.spec, shown(scope.set), scope.layer, change)),
            )
        )
    return findings


def _reaches(old: Waiver, new: Waiver) -> bool:
    """Return whether the scope of an earlier waiver contains that of a new one."""
    return (
        old.rule == new.rule
        and (not old.scope.set or shown(old.scope.set) == shown(new.scope.set))
        and (not old.scope.layer or old.scope.layer == new.scope.layer)
    )


def _higher(old: Waiver, new: Waiver) -> bool:
    if not old.ceiling:
        return False
    if not new.ceiling:
        return True
    return any(name not in old.ceiling or cap > old.ceiling[name] for name, cap in new.ceiling.items())


def _longer(old: Waiver, new: Waiver) -> bool:
    return old.expires is not None and (new.expires is None or new.expires > old.expires)
