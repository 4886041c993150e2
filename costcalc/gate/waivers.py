"""Applies waivers to findings, and finds waivers that have expired or match nothing."""

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


def matches(waiver: Waiver, finding: Finding, path: str) -> bool:
    """Return whether a finding of the spec at a path is in the scope of a waiver, expired or not."""
    scope = waiver.scope
    return (
        waiver.rule == finding.rule
        and applies(scope.spec, path)
        and (not scope.set or shown(scope.set) == shown(finding.set))
        and (not scope.layer or scope.layer == finding.layer)
        and (not waiver.ceiling or finding.metric in waiver.ceiling)
    )


def accepts(waiver: Waiver, finding: Finding, today: date) -> bool:
    """Return whether a waiver that matches a finding accepts it, on this day and at this figure."""
    if waiver.expires is not None and today > waiver.expires:
        return False
    return not waiver.ceiling or (finding.value or 0) <= waiver.ceiling[finding.metric]


def apply(finding: Finding, waivers: Sequence[Waiver], path: str, today: date) -> tuple[Finding, bool, list[Waiver]]:
    """Return the finding with notes of its waivers, whether one accepts it, and all waivers that match it."""
    matching = [waiver for waiver in waivers if finding.rule in WAIVABLE and matches(waiver, finding, path)]
    for waiver in matching:
        if accepts(waiver, finding, today):
            return finding.replace(notes=(*finding.notes, f"waived: {waiver.reason}")), True, matching
    notes = [
        f"waived only up to {waiver.ceiling[finding.metric]:,} in {_location(waiver)}: {waiver.reason}"
        for waiver in matching
        if waiver.ceiling and not (waiver.expires is not None and today > waiver.expires)
    ]
    return finding.replace(notes=(*finding.notes, *notes)), False, matching


def stale(waiver: Waiver, used: bool, today: date) -> Finding | None:
    """Return the finding for a waiver that has expired or matches nothing; None for any other waiver."""
    scope = waiver.scope
    subject = f"the waiver of {waiver.rule}{f' for {scope.spec}' if scope.spec else ''}"
    if waiver.expires is not None and today > waiver.expires:
        message = f"{subject} expired on {waiver.expires.isoformat()} ({waiver.reason})"
        help = "lower the cost, or agree on a new date"
    elif not used:
        message, help = f"{subject} matches nothing ({waiver.reason})", "remove the waiver"
    else:
        return None
    key = "|".join((STALE, waiver.rule, scope.spec, shown(scope.set), scope.layer))
    return Finding(
        rule=STALE,
        severity=WARNING,
        spec=scope.spec,
        message=message,
        span=waiver.span,
        set=scope.set,
        layer=scope.layer,
        help=help,
        key=key,
    )


def _location(waiver: Waiver) -> str:
    return f"{waiver.span.source.name}:{waiver.span.line}" if waiver.span else "the configuration"
