"""The rules of `costcalc check`: what each checks and why, an example, and how to repair or to accept a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rule(NamedTuple):
    """One rule. `severity` is what a finding is without `--strict`; `example` ends with a finding's message."""

    title: str
    fails_when: str
    why: str
    example: str
    repair: str
    accept: str = ""
    severity: str = "error"


RULES: Mapping[str, Rule] = {
    "CC001": Rule(
        "the spec has an error",
        "A spec cannot be read, or it is not a valid network. The exit status is 2. If it was broken at the base and "
        "is valid now, it counts as new, with a warning.",
        "A network that cannot be built has no cost, so its limits cannot be checked. A check that was not made must "
        "not pass.",
        "layers:\n"
        "  - conv: {out: width, kernal: 3, padding: 1, bias: false}\n"
        "\n"
        "net.yaml:4:24: CC001 conv has no argument kernal",
        "Repair the spec at the place of the finding. The lines below it say what was seen and what is usual.",
    ),
    "CC101": Rule(
        "expect does not hold",
        "A figure of the spec differs from the one that its expect states, in either direction.",
        "expect states a published figure. A network that differs from it is another network, also when it is cheaper.",
        "expect: {macs: 27_648}\n\nnet.yaml:2:17: CC101 macs 41,472 is not 27,648 (expect of the spec, +13,824)",
        "Undo the change. If the network was meant to change, write the new figure into expect.",
        'A [[waiver]] with rule = "CC101" accepts it for a reason, up to a ceiling, until a day.',
    ),
    "CC102": Rule(
        "over a budget",
        "A figure is larger than a budget of the spec, of costcalc.toml or of --max. A figure that is equal to the "
        "budget passes. From warn_at on, such as 95% of the budget, there is a warning.",
        "A budget is what the target can run. A finding in a pull request shows which change goes over it, before the "
        "network is trained or shipped.",
        '[[budget]]\nmacs = "30k"\n\nnet.yaml:2:17: CC102 macs 41,472 > 30,000 (budget in costcalc.toml, +11,472)',
        "Lower the value that the finding points at. If only one value changed, the help line says the nearest "
        "that fits.",
        'If the budget was exceeded at the base as well, add only = "worse" to it: then it fails only where the '
        "figure is larger than at the base. To accept a change, raise the budget in review, which CC106 shows; or add "
        'a [[waiver]] with rule = "CC102", the spec, a ceiling, a reason and the day on which it expires.',
    ),
    "CC103": Rule(
        "increased by more than allowed",
        "A figure is larger than at the base, or at the ref that the increase names, by more than is allowed: a "
        "percentage, or a number. The spec at that ref is analysed again, so nothing is stored.",
        "A budget far above the figures does not show small steps towards it. An increase shows each of them, and with "
        'against = "v1.0" also their sum.',
        '[[increase]]\nmacs = "2%"\n\nnet.yaml:2:17: CC103 macs 41,472 > 28,200 (increase in costcalc.toml: 2% over '
        "27,648 at main, 13,272 too many)",
        "Lower the value that the finding points at, or save the cost elsewhere in the same network.",
        'A [[waiver]] with rule = "CC103" and a ceiling accepts it once. A larger allowance accepts it always.',
    ),
    "CC105": Rule(
        "a waiver has expired or matches nothing",
        "The last day of a waiver is over, or none of the configured specs has a finding that it is about. It fails "
        "with --strict.",
        "A waiver that nobody needs accepts the next finding of its kind without a review.",
        '[[waiver]]\nrule = "CC102"\nreason = "teacher network, #90"\nexpires = 2025-03-31\n'
        "\n"
        "costcalc.toml:9:1: CC105 warning: the waiver of CC102 has expired on 2025-03-31 (teacher network, #90)",
        "Remove the waiver. If it is still needed, lower the cost or agree on a new day.",
        severity="warning",
    ),
    "CC106": Rule(
        "limits were loosened",
        "Less is required of a spec than at the base, wherever that is written: a budget, an expect or an increase is "
        "higher, was dropped, or holds nothing because its layers or params were renamed; a waiver is new, reaches "
        "higher or lasts longer; a spec that had limits is not checked any more. It fails with --strict.",
        "A pull request that raises a limit, or renames what it holds, would otherwise pass like one that keeps it.",
        '[[budget]]\nmacs = "50k"\n'
        "\n"
        "costcalc.toml:4:8: CC106 warning: net.yaml: the budget on macs went from 30,000 to 50,000, against main",
        "If a name changed, write the new name into the limit. Otherwise restore the limit.",
        "If it is meant, say so in the review. The finding is gone once the change is merged.",
        severity="warning",
    ),
}
