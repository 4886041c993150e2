"""Writes a check as a JSON document: `costcalc.check/1`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.report.json import render as render_document

if TYPE_CHECKING:
    from costcalc.gate.results import Check, Finding, Unevaluated, Usage
    from costcalc.model import Totals
    from costcalc.report.formats import CheckReport, Medium


def write(report: CheckReport, _: Medium) -> str:
    """Write the document."""
    check = report.check
    return render_document(document(check))


def document(check: Check) -> dict[str, Any]:
    """Return the check as plain values. Figures are integers; a value that does not apply is null."""
    base = check.base
    return {
        "format": "costcalc.check/1",
        "verdict": check.verdict,
        "strict": check.strict,
        "base": base and ({"file": base.name} if base.file else {"ref": base.name, "commit": base.commit}),
        "findings": [_finding(finding) for finding in check.findings],
        "waived": [_finding(finding) for finding in check.waived],
        "not_evaluated": [_unevaluated(each) for each in check.not_evaluated],
        "usage": [_usage(each) for each in check.usage],
        "comment": check.comment,
        "specs": [
            {
                "spec": each.spec,
                "status": each.status,
                "base_spec": each.base_spec or None,
                "bundled": each.bundled,
                "limits": each.requirements,
                "totals": _totals(each.totals),
                "base_totals": _totals(each.base_totals),
            }
            for each in check.specs
        ],
    }


def _unevaluated(each: Unevaluated) -> dict[str, Any]:
    return {"rule": each.rule, "spec": each.spec, "metric": each.metric, "reason": each.reason}


def _usage(each: Usage) -> dict[str, Any]:
    return {
        "rule": each.rule,
        "spec": each.spec,
        "set": dict(each.set),
        "layer": each.layer or None,
        "metric": each.metric,
        "value": each.value,
        "limit": each.limit,
        "base": each.base,
        "origin": each.origin,
    }


def _totals(totals: Totals | None) -> dict[str, Any] | None:
    return None if totals is None else totals.to_dict()


def _finding(finding: Finding) -> dict[str, Any]:
    span = finding.span
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "spec": finding.spec,
        "set": dict(finding.set),
        "layer": finding.layer or None,
        "metric": finding.metric or None,
        "value": finding.value,
        "limit": finding.limit,
        "base": finding.base,
        "file": span.source.name if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "message": finding.message,
        "notes": list(finding.notes),
        "help": finding.help or None,
        "causes": [{"layer": cause.layer, "base": cause.base, "value": cause.value} for cause in finding.causes],
    }
