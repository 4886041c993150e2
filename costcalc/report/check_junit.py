"""Writes a check as JUnit XML: a suite with a class for each spec and a test case for each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.check_text import headline, message, paragraph
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.gate.results import Finding, SpecResult, Unevaluated
    from costcalc.report.formats import CheckReport, Medium


def write(report: CheckReport, _: Medium) -> str:
    """Write the document. A spec without findings is one case that passes."""
    check = report.check
    reported = {finding.spec for finding in check.findings} | {each.spec for each in check.not_evaluated}
    passed = [result for result in check.specs if result.spec not in reported and result.status != "deleted"]
    cases = [*map(_finding, check.findings), *_skipped(check.not_evaluated), *map(_passed, passed)]
    errors = sum(finding.rule == "CC001" and finding.severity == "error" for finding in check.findings)
    counts = {
        "tests": len(cases),
        "failures": check.errors - errors,
        "errors": errors,
        "skipped": len(check.not_evaluated),
    }
    numbers = " ".join([f'{name}="{count}"' for name, count in counts.items()])
    suite = f'  <testsuite name="costcalc check" {numbers}>\n{"".join(cases)}  </testsuite>\n'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="costcalc" {numbers}>\n{suite}</testsuites>\n'


def _finding(finding: Finding) -> str:
    name = f"{finding.rule} {finding.metric}" if finding.metric else finding.rule
    name += f" of {finding.layer}" if finding.layer else ""
    name += f" at {finding.at}" if finding.at else ""
    text = "\n".join([headline(finding), *map(visible, paragraph(finding))])
    if finding.severity == "warning":
        content = f"<system-out>{_escape(text)}</system-out>"
    else:
        kind = "error" if finding.rule == "CC001" else "failure"
        short = _escape(visible(message(finding)))
        content = f'<{kind} message="{short}" type="{finding.rule}">{_escape(text)}</{kind}>'
    return _case(finding.spec or "costcalc", name, content)


def _skipped(unevaluated: Sequence[Unevaluated]) -> list[str]:
    return [
        _case(each.spec, f"{each.rule} {each.metric}", f'<skipped message="{_escape(visible(each.reason))}"/>')
        for each in unevaluated
    ]


def _passed(result: SpecResult) -> str:
    return _case(result.spec, "limits", "")


def _case(spec: str, name: str, content: str) -> str:
    head = f'    <testcase classname="{_escape(visible(spec))}" name="{_escape(visible(name))}" time="0"'
    return f"{head}>{content}</testcase>\n" if content else f"{head}/>\n"


def _escape(text: str) -> str:
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, entity)
    return text
