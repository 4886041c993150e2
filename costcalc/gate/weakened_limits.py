"""Limits and waivers that require less of a spec than those in force at the base, wherever they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import CostcalcError, SpecError
from costcalc.gate.analysis_cache import figures, metric
from costcalc.gate.baselines import GitBase
from costcalc.gate.limits import OVER_EXPECT, shown
from costcalc.gate.requirements import applies, entries, entry_requirements, own_requirements
from costcalc.gate.results import UNCHANGED, WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.gate.analysis_cache import Recorded, Subject
    from costcalc.gate.baselines import Before
    from costcalc.gate.file_base import FileBase
    from costcalc.gate.limits import Config, Requirement, Waiver
    from costcalc.gate.project import Named
    from costcalc.model import Analysis

LOOSENED = "CC106"
_SHOWN = 3
"""How many specs or layers a finding names before it counts the rest."""


class Applied(NamedTuple):
    """A requirement and the analysis that it measures; without one there is a reason why it measures nothing."""

    requirement: Requirement
    analysis: Analysis | None
    reason: str = ""


class Weakening:
    """Compares what is required of specs with what the base required of them."""

    def __init__(self, base: GitBase | FileBase) -> None:
        self.base = base
        self.unreadable: dict[str, Finding] = {}
        """Configurations of the base that cannot be read, by their message."""

    def config_then(self, named: Named, path: str) -> tuple[Config | None, str]:
        """The configuration that was in force for a spec, and the path that its globs saw.

        `path` is the spec's at the base; of one that is new, the path that it has now. A file as base has no
        configuration: then today's stands in for it.
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
            said = f"the configuration at {ref} cannot be read: {message}"
            self.unreadable.setdefault(said, Finding(LOOSENED, WARNING, "", said, key=f"{LOOSENED}|{named.name}"))
            return None, path

    def limits(self, named: Named, subject: Subject, before: Before) -> list[Finding]:
        """Limits of one spec that were raised or dropped, or that do not hold what they held at the base."""
        config, path = self.config_then(named, before.path)
        now_config = named.settings.config if named.settings else None
        same = (config and config.source.text) == (now_config and now_config.source.text)
        if before.status == UNCHANGED and same and path == named.key and isinstance(self.base, GitBase):
            return []
        then = before.subject or subject  # of a new spec: what would have been required of it
        own_then = own_requirements(then.spec) if before.subject and then.spec else []
        own = own_requirements(subject.spec)
        if before.subject and then.spec is None:  # a report as base does not say what the spec required
            own_then = own
        old = [applied(each, then) for each in requirements(own_then, config, path)]
        now = [applied(each, subject) for each in requirements(own, now_config, named.key)]
        return weakened(named.name, old, now, self.base.info.name)


def requirements(own: Iterable[Requirement], config: Config | None, path: str) -> list[Requirement]:
    """Everything that a spec is held to: its own, and what a configuration requires of the one at a path."""
    held = [*own]
    for entry in entries(config, path):
        held += entry_requirements(entry, "")
    return held


def applied(requirement: Requirement, subject: Subject | Recorded) -> Applied:
    """What a requirement measures in a spec."""
    try:
        analysis = subject.analysis(requirement.set)
    except CostcalcError:
        return Applied(requirement, None, "the network at these params is not valid")
    if analysis is None:
        return Applied(requirement, None, f"the spec does not have the params {', '.join(requirement.set)}")
    if figures(analysis, requirement.layer) is None:
        return Applied(requirement, None, f"no layer matches {requirement.layer}")
    return Applied(requirement, analysis)


def weakened(spec: str, base: Sequence[Applied], now: Sequence[Applied], ref: str) -> list[Finding]:
    """What held at the base and is not required now. `base` and `now` are all requirements of the two sides."""
    found = []
    held = [each.requirement for each in now if each.analysis]
    then = [each for each in base if each.analysis]
    for index, old in enumerate(then):
        wanted = old.requirement
        if _implied(wanted, [other.requirement for other in then[:index]], [each.requirement for each in then]):
            continue
        alike = [each for each in now if _about(each.requirement) == _about(wanted)]
        covering = next((each for each in alike if each.analysis and _covers(each.requirement, wanted)), None)
        if covering is None:
            found.append(_weaker(spec, wanted, alike, held, ref))
        elif wanted.layer:
            found += _escaped(spec, old, covering, ref)
    return found


def _about(requirement: Requirement) -> tuple[str, ...]:
    """What a requirement is about: those that agree in it differ in strictness alone."""
    against = requirement.against if requirement.allowance else ""
    return requirement.rule, requirement.metric, shown(requirement.set), requirement.layer, against


def _covers(one: Requirement, other: Requirement) -> bool:
    """Whether a requirement is at least as strict as another about the same."""
    if _about(one) != _about(other) or (one.only_worse and not other.only_worse):
        return False
    if one.allowance and other.allowance:
        return one.allowance.part <= other.allowance.part and one.allowance.more <= other.allowance.more
    return one.limit <= other.limit


def _implied(requirement: Requirement, before: Sequence[Requirement], all: Sequence[Requirement]) -> bool:
    """Whether another one of the same side says as much: a stricter one, or an equal one that stands before."""
    return any(
        _covers(other, requirement) and (not _covers(requirement, other) or other in before)
        for other in all
        if other is not requirement
    )


def _strictness(requirement: Requirement) -> str:
    text = requirement.allowance.text if requirement.allowance else f"{requirement.limit:,}"
    return f"{text} (only where worse)" if requirement.only_worse else text


def _weaker(spec: str, wanted: Requirement, alike: Sequence[Applied], held: list[Requirement], ref: str) -> Finding:
    """A finding about a limit of the base that nothing stands in for."""
    rule, metric_name, at, layer, against = _about(wanted)
    what = {"CC101": "expect", "CC102": "the budget"}.get(rule, f"the increase against {against}")
    where = f"{f' of {layer}' if layer else ''}{f' at {at}' if at else ''}"
    new = next((each.requirement for each in alike if each.requirement in held), None)
    idle = next((each for each in alike if each.analysis is None), None)
    help = "state the new figures in the review" if rule == OVER_EXPECT else "say in the review why it may"
    if new is not None:
        change = f"went from {_strictness(wanted)} to {_strictness(new)}, against {ref}"
    elif idle is not None:
        new = idle.requirement
        change = f"holds nothing in this spec, as it did at {ref}: {idle.reason}"
        help = "write the new name into the limit, which was made for the old one"
    else:
        change = f"of {_strictness(wanted)} was dropped, against {ref}"
    figures_known = new is not None and rule <= "CC102"
    return Finding(
        LOOSENED,
        WARNING,
        spec,
        f"{what} on {metric_name}{where} {change}",
        new.span if new else None,
        set=wanted.set,
        at=at,
        layer=layer,
        metric=metric_name,
        value=new.limit if new and figures_known and idle is None else None,
        limit=wanted.limit if rule <= "CC102" else None,
        help=help,
        key="|".join((LOOSENED, spec, *_about(wanted))),
    )


def _escaped(spec: str, old: Applied, now: Applied, ref: str) -> list[Finding]:
    """A finding about layers that the limit held at the base, and whose names now it does not match."""
    from costcalc.gate.align import align
    from costcalc.globs import match

    wanted = old.requirement
    if old.analysis is None or now.analysis is None or old.analysis is now.analysis:
        return []
    gone = [
        (pair.base.name, pair.row.name)
        for pair in align(old.analysis.layers, now.analysis.layers)
        if pair.base and pair.row and pair.base.name != pair.row.name and metric(pair.totals, wanted.metric)
        if match(wanted.layer, pair.base.name, ".") and not match(wanted.layer, pair.row.name, ".")
    ]
    if not gone:
        return []
    named = _listed([f"{before} is {name} now" for before, name in gone])
    count = f"{len(gone):,} layer{'' if len(gone) == 1 else 's'}"
    return [
        Finding(
            LOOSENED,
            WARNING,
            spec,
            f"{wanted.metric} of {wanted.layer}: {count} that the limit held at {ref} "
            f"{'has' if len(gone) == 1 else 'have'} another name, which it does not match",
            now.requirement.span,
            set=wanted.set,
            at=shown(wanted.set),
            layer=wanted.layer,
            metric=wanted.metric,
            notes=(named,),
            help="let the limit match the new names as well",
            key="|".join((LOOSENED, spec, "layers", *_about(wanted))),
        )
    ]


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest:,} more" if rest > 0 else "")


# Waivers


class Widened(NamedTuple):
    """A waiver that accepts more of a spec than any did at the base, and in what."""

    waiver: Waiver
    spec: str
    what: str


def widened(spec: str, base: Config | None, base_path: str, now: Config, path: str) -> list[Widened]:
    """The waivers of a spec that are new, reach higher or last longer than those in force for it at the base."""
    then = [each for each in (base.waivers if base else ()) if applies(each.scope.spec, base_path)]
    found = []
    for waiver in now.waivers:
        if not applies(waiver.scope.spec, path):
            continue
        wide = [each for each in then if _reaches(each, waiver)]
        if any(not _higher(each, waiver) and not _longer(each, waiver) for each in wide):
            continue
        what = "is new"
        if wide:
            what = "lasts longer" if all(_longer(each, waiver) for each in wide) else "reaches higher"
        found.append(Widened(waiver, spec, what))
    return found


def widened_findings(all: Sequence[Widened], ref: str) -> list[Finding]:
    """A finding for each waiver, which names the specs that it is about."""
    together: dict[tuple[int, str], list[Widened]] = {}
    for each in all:
        together.setdefault((id(each.waiver), each.what), []).append(each)
    found = []
    for (_, what), group in together.items():
        waiver = group[0].waiver
        specs = [each.spec for each in group]
        scope = waiver.scope
        about = "" if len(specs) == 1 else f" for {_listed(specs)}"
        found.append(
            Finding(
                LOOSENED,
                WARNING,
                specs[0] if len(specs) == 1 else "",
                f"the waiver of {waiver.rule}{about} {what}, against {ref} ({waiver.reason})",
                waiver.span,
                set=scope.set,
                at=shown(scope.set),
                layer=scope.layer,
                help="say in the review why it may",
                key="|".join((LOOSENED, "waiver", waiver.rule, scope.spec, shown(scope.set), scope.layer, what)),
            )
        )
    return found


def _reaches(old: Waiver, new: Waiver) -> bool:
    """Whether an earlier waiver is about everything that a new one is about."""
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
