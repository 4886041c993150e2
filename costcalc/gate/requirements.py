"""Holds a spec's figures to what is required of them. Comparisons are made on integers; nothing is rounded."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc import run_budget
from costcalc.gate.limits import INCREASED, OVER_BUDGET, OVER_EXPECT, Requirement, shown
from costcalc.gate.results import ERROR, WARNING, Finding
from costcalc.globs import match

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costcalc.gate.limits import Allowance, Budget, Config, Increase
    from costcalc.lang.spec import Spec


class Given(NamedTuple):
    """What the command line requires of every spec."""

    max: Mapping[str, int] = {}
    increase: Mapping[str, Allowance] = {}


def own_requirements(spec: Spec) -> list[Requirement]:
    """What a spec requires of itself: `expect` and `budget`."""
    return [
        Requirement(rule, metric, entry.set, limit=value, span=span, origin=f"{section} of the spec")
        for rule, section, entries in ((OVER_EXPECT, "expect", spec.expect), (OVER_BUDGET, "budget", spec.budget))
        for entry in entries
        for metric, (value, span) in entry.values.items()
    ]


def given_requirements(given: Given) -> list[Requirement]:
    """What the command line requires."""
    return [
        *[Requirement(OVER_BUDGET, name, {}, limit=limit, origin="--max") for name, limit in given.max.items()],
        *[
            Requirement(INCREASED, name, {}, allowance=allowed, origin="--max-increase")
            for name, allowed in given.increase.items()
        ],
    ]


def applies(glob: str, path: str) -> bool:
    """Whether an entry's glob of specs names a path; without a glob it names all."""
    return not glob or match(glob, path, "/")


def entry_requirements(entry: Budget | Increase, origin: str) -> list[Requirement]:
    """What one `[[budget]]` or `[[increase]]` requires of a spec that it applies to."""
    from costcalc.gate.limits import Budget

    values, layer = entry.scope.set, entry.scope.layer
    if isinstance(entry, Budget):
        return [
            Requirement(
                OVER_BUDGET,
                metric,
                values,
                layer,
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
            INCREASED,
            metric,
            values,
            layer,
            allowance=allowed.allowance,
            against=entry.against,
            span=allowed.span,
            origin=f"increase in {origin}",
        )
        for metric, allowed in entry.values.items()
    ]


def entries(config: Config | None, path: str) -> Iterable[Budget | Increase]:
    """The budgets and increases of a configuration that apply to the spec at a path from its folder."""
    if config:
        run_budget.spend(len(config.entries) // run_budget.MATCHES_PER_STEP)
        yield from [entry for entry in config.entries if applies(entry.scope.spec, path)]


def judge(spec: str, requirement: Requirement, value: int, base: int | None, base_name: str = "") -> Finding | None:
    """What is wrong with a figure, if anything. An increase needs the figure at the base."""
    what = requirement.what
    limit, severity = requirement.limit, ERROR
    if requirement.allowance is not None:
        assert base is not None
        limit = requirement.allowance.limit(base)
        allowed = f"{requirement.allowance.text} over {base:,} at {base_name}"
        if value <= limit:
            return None
        message = f"{what} {value:,} > {limit:,} ({requirement.origin}: {allowed}, {value - limit:,} too many)"
        help = f"lower it by {value - limit:,}, or allow more: costcalc explain {requirement.rule}"
    elif requirement.rule == OVER_EXPECT:
        if value == limit:
            return None
        same = f", as at {base_name}" if base == value else ""
        message = f"{what} {value:,} is not {limit:,} ({requirement.origin}, {value - limit:+,}{same})"
        help = f"if the change is meant, write {requirement.metric}: {value:_}"
    elif value > limit:
        help = f"lower it by {value - limit:,}, or raise the budget: costcalc explain {requirement.rule}"
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
        requirement.rule,
        severity,
        spec,
        message,
        set=requirement.set,
        at=shown(requirement.set),
        layer=requirement.layer,
        metric=requirement.metric,
        value=value,
        limit=limit,
        base=base,
        help=help,
        weight=Fraction(abs(value - limit), max(1, limit)),
        key=key(spec, requirement),
    )


def key(spec: str, requirement: Requirement) -> str:
    """What a finding is about, apart from any figure."""
    about: tuple[Any, ...] = (
        requirement.rule,
        spec,
        shown(requirement.set),
        requirement.layer,
        requirement.metric,
        requirement.against if requirement.allowance else "",
        requirement.origin,
    )
    return "|".join(about)
