"""A check as one reads it: each finding with its line, what changed and how to repair it, then the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.faults import excerpt
from costcalc.report.text import visible

if TYPE_CHECKING:
    from fractions import Fraction

    from costcalc.errors import Span
    from costcalc.gate.results import Cause, Check, Finding

SHOWN = 5
"""How many layers a finding names before it counts the rest."""
_STYLE = {"error": "1;31", "warning": "1;33", "pass": "1;32", "fail": "1;31"}


def render(check: Check, *, color: bool = False, width: int | None = None) -> str:
    """The whole check. Nothing of a spec, a ref or a file's name acts on a terminal, or on a CI that reads the text."""
    parts = [_finding(finding, color, width) for finding in check.findings]
    facts = [f"waived: {_head(finding)}" for finding in check.waived]
    facts += [
        f"not evaluated: {each.rule} {visible(each.spec)} {each.metric}: {visible(each.reason)}"
        for each in check.not_evaluated
    ]
    facts += [f"bundled with costcalc: {visible(each.spec)}" for each in check.specs if each.bundled]
    facts += [f"renamed: {visible(each.base_spec)} -> {visible(each.spec)}" for each in check.specs if each.base_spec]
    facts += [f"deleted: {visible(each.spec)}" for each in check.specs if each.status == "deleted"]
    facts += [
        f"held to nothing: {visible(each.spec)}"
        for each in check.specs
        if not each.held and each.status not in ("deleted", "broken")
    ]
    parts.append("".join(f"{fact}\n" for fact in [*facts, _paint(verdict(check), check.verdict, color)]))
    return "\n".join(parts)


def verdict(check: Check) -> str:
    """The outcome in one line."""
    found = ", ".join(
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
    return f"{check.verdict}: {f'{found} in ' if found else ''}{_count(len(check.specs), 'spec')}{inside}{base}"


def causes(finding: Finding) -> str:
    """The layers that grew and their parts of the growth, the first few."""
    said = [_cause(cause) for cause in finding.causes[:SHOWN]]
    rest = len(finding.causes) - len(said)
    return ", ".join([*said, *([f"and {rest:,} more"] if rest else [])])


def share(part: Fraction) -> str:
    """A part of the growth, in percent.

    >>> from fractions import Fraction
    >>> share(Fraction(25, 31)), share(Fraction(1, 5000))
    ('81 %', '<1 %')
    """
    percent = round(part * 100)
    return f"{percent} %" if percent or not part else "<1 %"


def place(finding: Finding) -> str:
    """Where a finding stands: a file with line and column, or the spec as a whole."""
    if finding.span is None:
        return _name(finding.spec or "costcalc")
    return f"{_name(finding.span.source.name)}:{finding.span.line}:{finding.span.column}"


def _finding(finding: Finding, color: bool, width: int | None) -> str:
    lines = [f"{_head(finding, color)}\n"]
    margin = "  "
    if finding.span is not None:
        style = _STYLE[finding.severity]
        lines.append(excerpt(finding.span, finding.label, color=color, width=width, style=style))
        margin = " " * (len(str(finding.span.line)) + 2)
    notes = [causes(finding)] if finding.causes else []
    lines += [f"{margin}= note: {visible(note)}\n" for note in [*notes, *finding.notes]]
    lines += [f"{margin}= help: {visible(finding.help)}\n"] if finding.help else []
    return "".join(lines)


def _head(finding: Finding, color: bool = False) -> str:
    rule = _paint(finding.rule, finding.severity, color)
    about = "" if finding.span is None or _same_file(finding.span, finding.spec) else f" {visible(finding.spec)}:"
    warning = " warning:" if finding.severity == "warning" else ""
    return f"{place(finding)}: {rule}{warning}{about} {visible(finding.message)}"


def _same_file(span: Span, spec: str) -> bool:
    return not spec or span.source.name == spec


def _cause(cause: Cause) -> str:
    new = "new, " if cause.base is None else ""
    return f"{cause.layer} {cause.change:+,} ({new}{share(cause.share)})"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _name(name: str) -> str:
    """A name that begins a line: no CI takes it for a command."""
    return f"./{visible(name)}" if name.startswith((":", "#")) else visible(name)


def _paint(text: str, kind: str, color: bool) -> str:
    return f"\x1b[{_STYLE[kind]}m{text}\x1b[0m" if color else text
