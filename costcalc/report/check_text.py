"""Writes a check as text: each finding with its line, its causes and its repair, then the verdict."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from costcalc.report.faults import excerpt
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.gate.results import Cause, Check, Finding, Usage
    from costcalc.report.formats import CheckReport, Medium

SHOWN = 5
"""The number of layers that a finding names. It counts the rest."""
_STYLE = {"error": "1;31", "warning": "1;33", "pass": "1;32", "fail": "1;31"}


def write(report: CheckReport, medium: Medium) -> str:
    """Write the check. All texts are escaped, for terminals and for a CI that reads the output."""
    check, color, width = report.check, medium.color, medium.width
    parts = [_finding(finding, color, width) for finding in check.findings]
    facts = [usage(each) for each in used_limits(check)]
    facts += [f"waived: {headline(finding)}" for finding in check.waived]
    facts += [
        f"not evaluated: {each.rule} {visible(each.spec)} {each.metric}: {visible(each.reason)}"
        for each in check.not_evaluated
    ]
    facts += [f"bundled with costcalc: {visible(each.spec)}" for each in check.specs if each.bundled]
    facts += [f"renamed: {visible(each.base_spec)} -> {visible(each.spec)}" for each in check.specs if each.base_spec]
    facts += [f"deleted: {visible(each.spec)}" for each in check.specs if each.status == "deleted"]
    facts += [
        f"no limit applies to: {visible(each.spec)}"
        for each in check.specs
        if not each.requirements and each.status not in ("deleted", "broken")
    ]
    parts.append("".join(f"{fact}\n" for fact in [*facts, _paint(verdict(check), check.verdict, color)]))
    return "\n".join(parts)


def verdict(check: Check) -> str:
    """Return the verdict in one line."""
    findings = ", ".join(
        [
            *([_count(check.errors, "error")] if check.errors else []),
            *([_count(check.warnings, "warning")] if check.warnings else []),
            *([f"{len(check.not_evaluated):,} not evaluated"] if check.not_evaluated else []),
            *([f"{len(check.waived):,} waived"] if check.waived else []),
        ]
    )
    kinds = ("changed", "unchanged", "new", "deleted", "broken")
    counts = [(kind, check.count(kind)) for kind in kinds if check.base or kind == "broken"]
    specs = ", ".join([f"{number:,} {kind}" for kind, number in counts if number])
    base = ""
    if check.base:
        base = f", against {visible(check.base.name)}" + (f" ({check.base.commit[:10]})" if check.base.commit else "")
    inside = f" ({specs})" if specs else ""
    return f"{check.verdict}: {f'{findings} in ' if findings else ''}{_count(len(check.specs), 'spec')}{inside}{base}"


def causes(finding: Finding) -> str:
    """Return the first layers that grew, and their shares of the growth."""
    shown = [_cause(cause) for cause in finding.causes[:SHOWN]]
    rest = len(finding.causes) - len(shown)
    return ", ".join([*shown, *([f"and {rest:,} more"] if rest else [])])


def share(part: Fraction) -> str:
    """Return a share of the growth in percent.

    >>> from fractions import Fraction
    >>> share(Fraction(25, 31)), share(Fraction(1, 5000))
    ('81%', '<1%')
    """
    percent = round(part * 100)
    return f"{percent}%" if percent or not part else "<1%"


def growth(part: Fraction) -> str:
    """Return a relative change in percent with one decimal. A change that is not 0 is never shown as 0.

    >>> from fractions import Fraction
    >>> growth(Fraction(6_221_824, 128_049_152)), growth(Fraction(-1, 10**6)), growth(Fraction(0))
    ('+4.9%', '>-0.1%', '+0.0%')
    """
    tenths = round(abs(part) * 1000)
    if part and not tenths:
        return "<+0.1%" if part > 0 else ">-0.1%"
    return f"{'-' if part < 0 else '+'}{tenths // 10:,}.{tenths % 10}%"


def used(value: int, limit: int) -> str:
    """How much of a limit is used, in percent of one decimal, rounded away from 0 and from 100.

    >>> used(128_049_152, 130_000_000), used(129_999_999, 130_000_000), used(130_000_001, 130_000_000)
    ('98.5%', '99.9%', '100.1%')
    >>> used(1, 130_000_000), used(0, 130_000_000), used(7, 7), used(0, 0)
    ('<0.1%', '0.0%', '100.0%', '100.0%')
    """
    if value == limit:
        return "100.0%"
    if not limit:
        return "over"
    nearest = round(Fraction(1000 * value, limit))
    tenths = min(nearest, 999) if value < limit else max(nearest, 1001)
    return f"{tenths // 10:,}.{tenths % 10}%" if tenths or not value else "<0.1%"


def used_limits(check: Check) -> Sequence[Usage]:
    """Return the usage of the limits by each changed spec, if the check passes and has a base."""
    return check.usage if check.base and check.verdict == "pass" else ()


def usage(each: Usage) -> str:
    """Return the usage of a limit in one line."""
    percent = used(each.value, each.limit)
    details = f"{percent}, {visible(each.origin)}" if each.rule == "CC103" else percent
    text = f"{visible(each.spec)}: {visible(each.what)} {each.value:,} of {each.limit:,} ({details})"
    return f"{text}, {change(each)}"


def change(each: Usage) -> str:
    """Return the change of a figure since the base."""
    if each.base is None:
        return "new"
    if each.value == each.base:
        return "as before"
    return growth(Fraction(each.value - each.base, each.base)) if each.base else f"{each.value:+,}"


def headline(finding: Finding, *, color: bool = False) -> str:
    """Return `FILE:LINE:COLUMN: RULE SPEC: MESSAGE`, with the parts that apply."""
    location = _name(finding.spec or "costcalc")
    if finding.span is not None:
        location = f"{_name(finding.span.source.name)}:{finding.span.line}:{finding.span.column}"
    rule = _paint(finding.rule, finding.severity, color)
    warning = " warning:" if finding.severity == "warning" else ""
    return f"{location}: {rule}{warning} {visible(message(finding))}"


def message(finding: Finding) -> str:
    """Return the message of a finding, with the spec if its location is in another file."""
    elsewhere = finding.span is not None and finding.spec not in ("", finding.span.source.name)
    return f"{finding.spec}: {finding.message}" if elsewhere else finding.message


def paragraph(finding: Finding) -> list[str]:
    """Return the lines of a finding after its headline: causes, notes and help."""
    notes = [causes(finding)] if finding.causes else []
    return [line for line in (*notes, *finding.notes, finding.help) if line]


def _finding(finding: Finding, color: bool, width: int | None) -> str:
    lines = [f"{headline(finding, color=color)}\n"]
    margin = "  "
    if finding.span is not None:
        style = _STYLE[finding.severity]
        lines.append(excerpt(finding.span, finding.label, color=color, width=width, style=style))
        margin = " " * (len(str(finding.span.line)) + 2)
    notes = [causes(finding)] if finding.causes else []
    lines += [f"{margin}= note: {visible(note)}\n" for note in [*notes, *finding.notes]]
    lines += [f"{margin}= help: {visible(finding.help)}\n"] if finding.help else []
    return "".join(lines)


def _cause(cause: Cause) -> str:
    new = "new, " if cause.base is None else ""
    return f"{cause.layer} {cause.change:+,} ({new}{share(cause.share)})"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _name(name: str) -> str:
    """Return a name for the beginning of a line, where a CI must not read it as a command."""
    return f"./{visible(name)}" if name.startswith((":", "#")) else visible(name)


def _paint(text: str, kind: str, color: bool) -> str:
    return f"\x1b[{_STYLE[kind]}m{text}\x1b[0m" if color else text
