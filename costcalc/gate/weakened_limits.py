"""Limits that were raised or dropped against what held at the base."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from costcalc.gate.limits import OVER_EXPECT, Requirement, shown
from costcalc.gate.requirements import entries, entry_requirements
from costcalc.gate.results import WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.errors import Span
    from costcalc.gate.limits import Config, Waiver

LOOSENED = "CC106"
Key = tuple[str, ...]


class Strictest(NamedTuple):
    """The strictest of several limits on one figure: a number, or a number and a part for an increase."""

    measure: tuple[object, ...]
    text: str
    span: Span | None
    requirement: Requirement


def strictest(requirements: Iterable[Requirement]) -> dict[Key, Strictest]:
    """For each figure the limit that bites first."""
    found: dict[Key, Strictest] = {}
    for each in requirements:
        kind = ""
        measure: tuple[object, ...] = (each.limit,)
        text = f"{each.limit:,}"
        if each.allowance is not None:
            kind = "part" if each.allowance.part else "more" if each.allowance.more else "none"
            measure, text = (each.allowance.part, each.allowance.more), each.allowance.text
        key = (each.rule, each.metric, shown(each.set), each.layer, each.against if each.allowance else "", kind)
        if key not in found or measure < found[key].measure:
            found[key] = Strictest(measure, text, each.span, each)
    return found


def requirements(own: Iterable[Requirement], config: Config | None, path: str) -> list[Requirement]:
    """Everything that a spec is held to: its own, and what a configuration requires of the one at a path."""
    held = [*own]
    for entry in entries(config, path):
        held += entry_requirements(entry, "")
    return held


def limits(spec: str, base: list[Requirement], now: list[Requirement], ref: str) -> list[Finding]:
    """What was raised or dropped among the limits of one spec."""
    found = []
    held = strictest(now)
    for key, old in strictest(base).items():
        new = held.get(key)
        if new is None and old.requirement.allowance is not None:
            new = held.get((*key[:-1], "none"))  # no increase at all is stricter than any allowance
        if new is None and key[-1] == "none":
            new = next((held[*key[:-1], kind] for kind in ("part", "more") if (*key[:-1], kind) in held), None)
        if new is not None and new.measure <= old.measure:
            continue
        rule, metric, at, layer, against, _ = key
        what = {"CC101": "expect", "CC102": "the budget"}.get(rule, f"the increase against {against}")
        where = f"{f' of {layer}' if layer else ''}{f' at {at}' if at else ''}"
        change = f"went from {old.text} to {new.text}" if new else f"of {old.text} was dropped"
        wanted = old.requirement
        found.append(
            Finding(
                LOOSENED,
                WARNING,
                spec,
                f"{what} on {metric}{where} {change}, against {ref}",
                new.span if new else None,
                set=wanted.set,
                at=at,
                layer=layer,
                metric=metric,
                value=new.requirement.limit if new and rule <= "CC102" else None,
                limit=wanted.limit if rule <= "CC102" else None,
                help="state the new figures in the review" if rule == OVER_EXPECT else "say in the review why it may",
                key="|".join((LOOSENED, spec, *key)),
            )
        )
    return found


def waivers(base: Config, now: Config, ref: str) -> list[Finding]:
    """Waivers that are new, reach higher or last longer."""
    found = []
    for waiver in now.waivers:
        old = next((each for each in base.waivers if _about(each) == _about(waiver)), None)
        if old is None:
            what = "is new"
        elif _higher(old, waiver):
            what = "reaches higher"
        elif old.expires is not None and (waiver.expires is None or waiver.expires > old.expires):
            what = "lasts longer"
        else:
            continue
        spec = waiver.scope.spec
        message = f"the waiver of {waiver.rule}{f' for {spec}' if spec else ''} {what}, against {ref}"
        key = "|".join((LOOSENED, "waiver", *map(str, _about(waiver))))
        layer, help = waiver.scope.layer, "say in the review why it may"
        found.append(Finding(LOOSENED, WARNING, spec, message, waiver.span, layer=layer, help=help, key=key))
    return found


def _about(waiver: Waiver) -> tuple[str, ...]:
    return waiver.rule, waiver.scope.spec, shown(waiver.scope.set), waiver.scope.layer


def _higher(old: Waiver, new: Waiver) -> bool:
    if not old.ceiling:
        return False
    if not new.ceiling:
        return True
    return any(metric not in old.ceiling or cap > old.ceiling[metric] for metric, cap in new.ceiling.items())
