"""A check as a comment on a pull request: the verdict, the findings, what moved, and the rest folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.check_text import change, growth, message, share, used, used_limits, verdict
from costcalc.report.markdown import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.gate.results import Check, Finding, Move, SpecResult, Usage
    from costcalc.report.formats import CheckReport, Medium

MARKER = "<!-- costcalc-check -->"
"""By this line an action finds its own comment again."""
MOST = 65_000
"""A comment of GitHub holds 65,536 characters."""
SHOWN = ("macs", "params")
"""The figures that are shown unfolded wherever they moved."""
_ICONS = {"pass": "✅", "fail": "❌", "error": "⛔"}
UNFOLDED = 10
"""How many findings can be read without a click, the largest first."""
_ROOM = 20_000
"""How much of a comment one part may take."""


def write(report: CheckReport, _: Medium) -> str:
    """The comment. Texts from specs, refs and names of files are text in it: no markup, HTML, link or mention."""
    check = report.check
    judged = {(finding.spec, finding.metric) for finding in check.findings}
    moves = check.moves()
    first = [move for move in moves if move.metric in SHOWN or (move.spec, move.metric) in judged]
    rest = [move for move in moves if move not in first]
    largest = check.largest
    parts = [
        f"{MARKER}\n{_ICONS[check.verdict]} **costcalc check** {escape(verdict(check))}",
        _cut([_finding(finding) for finding in largest[:UNFOLDED]]),
        _usage(used_limits(check)),
        _moves(first),
        _folded("More findings", _cut([_finding(finding) for finding in largest[UNFOLDED:]])),
        _folded("What each change comes from", _causes(check.findings)),
        _folded("Other figures that moved", _moves(rest)),
        _folded("Waived", _cut([_finding(finding) for finding in check.waived])),
        _folded("Not evaluated", _cut([_unevaluated(check, index) for index in range(len(check.not_evaluated))])),
        _folded("Specs", _specs(check)),
    ]
    text = ""
    for part in parts:
        if part and len(text) + len(part) < MOST - 100:
            text += f"{part}\n\n"
        elif part:
            text += "The rest is too long for a comment.\n\n"
            break
    return text.rstrip("\n") + "\n"


def _finding(finding: Finding) -> str:
    place = finding.spec or "configuration"
    if finding.span:
        place = f"{finding.span.source.name}:{finding.span.line}"
    lines = [f"- **{finding.rule}** {escape(place)}: {escape(message(finding))}"]
    label = finding.label and f"{_written(finding)} {finding.label}".strip()
    lines += [f"  {escape(text)}" for text in (label, finding.help, *finding.notes) if text]
    return "\\\n".join(lines)


def _written(finding: Finding) -> str:
    """What stands at the place of a finding, since a comment does not show its line."""
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
    """A table whose first columns are texts and whose others are numbers."""
    if not rows:
        return ""
    rule = [" --- " if index < texts else " ---: " for index in range(len(titles))]
    head = f"| {' | '.join(titles)} |\n|{'|'.join(rule)}|"
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return f"{head}\n{_cut(lines)}"


def _cut(lines: Sequence[str]) -> str:
    """Lines as far as there is room for them, and how many more there are."""
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
