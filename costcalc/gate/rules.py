"""The rules of `costcalc check`: what each is about, when it fails, and how to repair or to accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rule(NamedTuple):
    """One rule. `severity` is what a finding is without `--strict`."""

    title: str
    fails_when: str
    repair: str
    accept: str = ""
    severity: str = "error"


RULES: Mapping[str, Rule] = {
    "CC001": Rule(
        "the spec has an error",
        "A spec cannot be read or is no valid network, so nothing can be said of its cost: exit status 2. One that was "
        "broken at the base only counts as new, with a warning.",
        "Repair what stands at the place; the line below it says what was seen and what is usual.",
    ),
    "CC101": Rule(
        "expect does not hold",
        "A figure of the spec differs from the one that its own expect states, in either direction.",
        "Undo the change; or, where the network was meant to change, write the new figure into expect.",
        'A [[waiver]] of rule "CC101" accepts it up to a ceiling, for a reason, until a day.',
    ),
    "CC102": Rule(
        "over a budget",
        "A figure passes a budget of the spec, of costcalc.toml or of --max; reaching it passes. From warn_at on, a "
        "part of the budget such as 95%, it is a warning.",
        "Lower the value that the finding points at: where it is one value, the help line says the nearest that fits.",
        'Raise the budget in review, which CC106 makes visible; or add a [[waiver]] with rule = "CC102", the spec, a '
        "ceiling, a reason and the day on which it expires.",
    ),
    "CC103": Rule(
        "increased by more than allowed",
        "A figure is larger than it was at the base, or at the ref that the increase names, by more than is allowed: a "
        "percentage, or a number. The spec at that ref is analysed again, so nothing is stored and nothing is noisy.",
        "Lower the value that the finding points at, or win the cost back elsewhere in the same network.",
        'A [[waiver]] with rule = "CC103" and a ceiling accepts it once; a larger allowance accepts it always.',
    ),
    "CC105": Rule(
        "a waiver has expired or matches nothing",
        "The last day of a waiver is over, or no configured spec has a finding that it is about. Fails with --strict.",
        "Remove the waiver; or bring the cost down, or agree on a new day.",
        severity="warning",
    ),
    "CC106": Rule(
        "limits were loosened",
        "A budget, an expect or an allowed increase is higher than at the base or gone, or a waiver is new, reaches "
        "higher or lasts longer; or a spec that had limits at the base is not checked any more. Fails with --strict.",
        "Nothing to repair where it is meant: the finding makes sure that a review sees it.",
        severity="warning",
    ),
}
