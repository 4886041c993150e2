"""Compares the figures of a spec with its limits. Comparisons are exact; nothing is rounded."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from costcalc import run_budget
from costcalc.gate.limits import INCREASED, OVER_BUDGET, OVER_EXPECT, Requirement, shown
from costcalc.gate.results import ERROR, WARNING, Finding
from costcalc.globs import match
from costcalc.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costcalc.gate.limits import Allowance, Budget, Config, Increase
    from costcalc.lang.spec import Spec


class CommandLineLimits(Record):
    """The limits of `--max` and `--max-increase`, which apply to every spec."""

    max: Mapping[str, int] = {}
    increase: Mapping[str, Allowance] = {}


def own_requirements(spec: Spec) -> list[Requirement]:
    """Return the requirements that a spec states itself: `expect` and `budget`."""
    return [
        Requirement(rule=rule, metric=metric, set=entry.set, limit=value, span=span, origin=f"{section} of the spec")
        for rule, section, entries in ((OVER_EXPECT, "expect", spec.expect), (OVER_BUDGET, "budget", spec.budget))
        for entry in entries
        for metric, (value, span) in entry.values.items()
    ]


def command_line_requirements(limits: CommandLineLimits) -> list[Requirement]:
    """Return the requirements of the command line."""
    return [
        *[
            Requirement(rule=OVER_BUDGET, metric=metric, set={}, limit=limit, origin="--max")
            for metric, limit in limits.max.items()
        ],
        *[
            Requirement(rule=INCREASED, metric=metric, set={}, allowance=allowance, origin="--max-increase")
            for metric, allowance in limits.increase.items()
        ],
    ]


def applies(glob: str, path: str) -> bool:
    """Return whether a glob of specs matches a path. An empty glob matches every path."""
    return not glob or match(glob, path, "/")


def entry_requirements(entry: Budget | Increase, origin: str) -> list[Requirement]:
    """Return the requirements of a `[[budget]]` or an `[[increase]]` for a spec that it applies to."""
    from costcalc.gate.limits import Budget

    values, layer = entry.scope.set, entry.scope.layer
    if isinstance(entry, Budget):
        return [
            Requirement(
                rule=OVER_BUDGET,
                metric=metric,
                set=values,
                layer=layer,
                limit=capped.limit,
                warn_at=entry.warn_at,
                span=capped.span,
                origin=f"budget in {origin}",
                only_worse=entry.only_worse,
            )
            for metric, capped in entry.values.items()
        ]
    return [
        Requirement(
            rule=INCREASED,
            metric=metric,
            set=values,
            layer=layer,
            allowance=allowed.allowance,
            against=entry.against,
            span=allowed.span,
            origin=f"increase in {origin}",
        )
        for metric, allowed in entry.values.items()
    ]


def entries(config: Config | None, path: str) -> Iterable[Budget | Increase]:
    """Yield the budgets and increases that apply to the spec at a path relative to the configuration."""
    if config:
        run_budget.spend(len(config.entries) // run_budget.MATCHES_PER_STEP)
        yield from [entry for entry in config.entries if applies(entry.scope.spec, path)]


def judge(spec: str, requirement: Requirement, value: int, base: int | None, base_name: str = "") -> Finding | None:
    """Return the finding for a figure; None if it is within its limit. An increase needs the figure at the base."""
    what = requirement.what
    limit, severity = requirement.limit, ERROR
    if requirement.allowance is not None:
        assert base is not None
        limit = requirement.allowance.limit(base)
        allowed = f"{requirement.allowance.text} over {base:,} at {base_name}"
        if value <= limit:
            return None
        message = f"{what} {value:,} > {limit:,} ({requirement.origin}: {allowed}, {value - limit:,} too many)"
        help = f"lower it by {value - limit:,}, or allow more (see costcalc explain {requirement.rule})"
    elif requirement.rule == OVER_EXPECT:
        if value == limit:
            return None
        same = f", as at {base_name}" if base == value else ""
        message = f"{what} {value:,} is not {limit:,} ({requirement.origin}, {value - limit:+,}{same})"
        help = f"if the change is intended, write {requirement.metric}: {value:_}"
    elif value > limit:
        help = f"lower it by {value - limit:,}, or raise the budget (see costcalc explain {requirement.rule})"
        same = ""
        if base is not None and base >= value:
            same = f", as at {base_name}" + (f", where it was {base:,}" if base > value else "")
            if requirement.only_worse:
                severity, help = WARNING, "this change does not make it worse"
        message = f"{what} {value:,} > {limit:,} ({requirement.origin}, {value - limit:+,}{same})"
    elif requirement.warn_at is not None and value >= limit * requirement.warn_at:
        severity = WARNING
        message = f"{what} {value:,} is near {limit:,} ({requirement.origin}, {limit - value:,} left)"
        help = ""
    else:
        return None
    return Finding(
        rule=requirement.rule,
        severity=severity,
        spec=spec,
        message=message,
        set=requirement.set,
        at=shown(requirement.set),
        layer=requirement.layer,
        metric=requirement.metric,
        value=value,
        limit=limit,
        base=base,
        help=help,
        weight=Fraction(abs(value - limit)) / max(1, limit),
        key=key(spec, requirement),
    )


def key(spec: str, requirement: Requirement) -> str:
    """Return the identity of a finding: everything but its figures."""
    parts = (
        requirement.rule,
        spec,
        shown(requirement.set),
        requirement.layer,
        requirement.metric,
        requirement.against if requirement.allowance else "",
        requirement.origin,
    )
    return "|".join(parts)
