"""Writes a check as a comment on a pull request: the verdict, the findings, the changes, and folded details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.check_text import change, growth, message, share, used, used_limits, verdict
from costcalc.report.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.gate.results import Check, Finding, Move, SpecResult, Usage
    from costcalc.report.formats import CheckReport, Medium

MARKER = "<!-- costcalc-check -->"
"""The line by which the action finds its own comment."""
MOST = 65_000
"""The limit of the text, below the 65,536 characters of a comment on GitHub."""
SHOWN = ("macs", "params")
"""The figures that are shown unfolded if they changed."""
_ICONS = {"pass": "✅", "fail": "❌", "error": "⛔"}
UNFOLDED = 10
"""The number of findings that are shown unfolded, the largest first."""
_ROOM = 20_000
"""The number of characters of one part."""


def write(report: CheckReport, _: Medium) -> str:
    """Write the comment. All texts are escaped: they cannot contain markup, HTML, links or mentions."""
    check = report.check
    reported = {(finding.spec, finding.metric) for finding in check.findings}
    moves = check.moves()
    first = [move for move in moves if move.metric in SHOWN or (move.spec, move.metric) in reported]
    rest = [move for move in moves if move not in first]
    largest = check.largest
    parts = [
        f"{MARKER}\n{_ICONS[check.verdict]} **costcalc check** {escape(verdict(check))}",
        _cut([_finding(finding) for finding in largest[:UNFOLDED]]),
        _usage(used_limits(check)),
        _moves(first),
        _folded("More findings", _cut([_finding(finding) for finding in largest[UNFOLDED:]])),
        _folded("Causes", _causes(check.findings)),
        _folded("Other changed figures", _moves(rest)),
        _folded("Waived", _cut([_finding(finding) for finding in check.waived])),
        _folded("Not evaluated", _cut([_unevaluated(check, index) for index in range(len(check.not_evaluated))])),
        _folded("Specs", _specs(check)),
    ]
    text = ""
    for part in parts:
        if part and len(text) + len(part) < MOST - 100:
            text += f"{part}\n\n"
        elif part:
            text += "The rest is longer than a comment can be.\n\n"
            break
    return text.rstrip("\n") + "\n"


def _finding(finding: Finding) -> str:
    location = finding.spec or "configuration"
    if finding.span:
        location = f"{finding.span.source.name}:{finding.span.line}"
    lines = [f"- **{finding.rule}** {escape(location)}: {escape(message(finding))}"]
    label = finding.label and f"{_written(finding)} {finding.label}".strip()
    lines += [f"  {escape(text)}" for text in (label, finding.help, *finding.notes) if text]
    return "\\\n".join(lines)


def _written(finding: Finding) -> str:
    """Return the text at the location of a finding, as a comment does not show the line."""
    span = finding.span
    lines = span.source.text.split("\n") if span else []
    if span is None or span.line > len(lines):
        return ""
    return lines[span.line - 1][span.column - 1 :][: span.length]


def _moves(moves: Sequence[Move]) -> str:
    rows = [
        (
            escape(move.spec),
            move.metric,
            f"{move.base:,}",
            f"{move.value:,}",
            f"{move.change:+,}",
            "" if move.part is None else escape(growth(move.part)),
        )
        for move in moves
    ]
    return _table(("spec", "figure", "base", "now", "change", ""), rows, 2)


def _usage(limits: Sequence[Usage]) -> str:
    rows = [
        (
            escape(each.spec),
            escape(each.what),
            escape(each.origin),
            f"{each.value:,}",
            f"{each.limit:,}",
            escape(used(each.value, each.limit)),
            escape(change(each)),
        )
        for each in limits
    ]
    return _table(("spec", "figure", "limit of", "now", "limit", "used", "change"), rows, 3)


def _causes(findings: Iterable[Finding]) -> str:
    rows = [
        (
            escape(finding.spec),
            finding.metric,
            escape(cause.layer),
            "new" if cause.base is None else f"{cause.base:,}",
            f"{cause.value:,}",
            f"{cause.change:+,}",
            escape(share(cause.share)),
        )
        for finding in findings
        for cause in finding.causes
    ]
    return _table(("spec", "figure", "layer", "base", "now", "change", "share"), list(dict.fromkeys(rows)), 3)


def _unevaluated(check: Check, index: int) -> str:
    each = check.not_evaluated[index]
    return f"- **{each.rule}** {escape(each.spec)} {each.metric}: {escape(each.reason)}"


def _specs(check: Check) -> str:
    rows = [
        (
            escape(each.spec + (f" (was {each.base_spec})" if each.base_spec else "")) + _bundled(each),
            each.status if check.base or each.status == "broken" else "",
            f"{each.totals.macs:,}" if each.totals else "",
            f"{each.totals.params:,}" if each.totals else "",
        )
        for each in check.specs
    ]
    return _table(("spec", "status", "macs", "params"), rows, 2)


def _bundled(result: SpecResult) -> str:
    return " (bundled with costcalc)" if result.bundled else ""


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> str:
    """Return a table. The first `texts` columns are text, the others numbers."""
    if not rows:
        return ""
    rule = [" --- " if index < texts else " ---: " for index in range(len(titles))]
    head = f"| {' | '.join(titles)} |\n|{'|'.join(rule)}|"
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return f"{head}\n{_cut(lines)}"


def _cut(lines: Sequence[str]) -> str:
    """Return the lines that fit, and the number of those that do not."""
    kept: list[str] = []
    room = _ROOM
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            kept.append(f"\nand {len(lines) - len(kept):,} more")
            break
        kept.append(line)
    return "\n".join(kept)


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>" if text else ""
