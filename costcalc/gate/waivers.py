"""Which findings are accepted for now, and which waivers have had their day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.gate.limits import WAIVABLE, shown
from costcalc.gate.requirements import applies
from costcalc.gate.results import WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from costcalc.gate.limits import Waiver

STALE = "CC105"


def concerns(waiver: Waiver, finding: Finding, path: str) -> bool:
    """Whether a waiver is about a finding of the spec at a path, whether or not it still accepts it."""
    scope = waiver.scope
    return (
        waiver.rule == finding.rule
        and applies(scope.spec, path)
        and (not scope.set or shown(scope.set) == shown(finding.set))
        and (not scope.layer or scope.layer == finding.layer)
        and (not waiver.ceiling or finding.metric in waiver.ceiling)
    )


def accepts(waiver: Waiver, finding: Finding, today: date) -> bool:
    """Whether a waiver that is about a finding accepts it: on this day, and at this figure."""
    if waiver.expires is not None and today > waiver.expires:
        return False
    return not waiver.ceiling or (finding.value or 0) <= waiver.ceiling[finding.metric]


def apply(finding: Finding, waivers: Sequence[Waiver], path: str, today: date) -> tuple[Finding, bool, list[Waiver]]:
    """A finding with what waivers say of it, whether one accepts it, and all that are about it."""
    about = [waiver for waiver in waivers if finding.rule in WAIVABLE and concerns(waiver, finding, path)]
    for waiver in about:
        if accepts(waiver, finding, today):
            return finding._replace(notes=(*finding.notes, f"waived: {waiver.reason}")), True, about
    notes = [
        f"waived up to {waiver.ceiling[finding.metric]:,} only, in {_place(waiver)}: {waiver.reason}"
        for waiver in about
        if waiver.ceiling and not (waiver.expires is not None and today > waiver.expires)
    ]
    return finding._replace(notes=(*finding.notes, *notes)), False, about


def stale(waiver: Waiver, used: bool, today: date) -> Finding | None:
    """A finding about a waiver that has expired or is about nothing."""
    scope = waiver.scope
    what = f"the waiver of {waiver.rule}{f' for {scope.spec}' if scope.spec else ''}"
    if waiver.expires is not None and today > waiver.expires:
        message = f"{what} has expired on {waiver.expires.isoformat()} ({waiver.reason})"
        help = "bring the cost down, or agree on a new day"
    elif not used:
        message, help = f"{what} matches nothing ({waiver.reason})", "remove it: nothing needs it any more"
    else:
        return None
    key = "|".join((STALE, waiver.rule, scope.spec, shown(scope.set), scope.layer))
    values, layer = scope.set, scope.layer
    return Finding(STALE, WARNING, scope.spec, message, waiver.span, set=values, layer=layer, help=help, key=key)


def _place(waiver: Waiver) -> str:
    return f"{waiver.span.source.name}:{waiver.span.line}" if waiver.span else "the configuration"
