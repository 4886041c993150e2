"""Writes a check as a GitLab Code Quality report. Fingerprints do not depend on lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from costcalc.report.check_text import message
from costcalc.report.text import visible

if TYPE_CHECKING:
    from costcalc.gate.results import Check, Finding
    from costcalc.report.formats import CheckReport, Medium


def write(report: CheckReport, _: Medium) -> str:
    """Write a list with an entry for each finding."""
    check = report.check
    ids = check.fingerprints()
    entries = [_entry(check, finding, id) for finding, id in zip(check.findings, ids, strict=True)]
    return json.dumps(entries, indent=2) + "\n"


def _entry(check: Check, finding: Finding, fingerprint: str) -> dict[str, object]:
    span = finding.span
    name = check.rooted(span.source.name if span else finding.spec) or "costcalc.toml"
    return {
        "description": visible(f"{finding.rule} {message(finding)}"),
        "check_name": f"costcalc-{finding.rule}",
        "fingerprint": fingerprint,
        "severity": "minor" if finding.severity == "warning" else "critical" if finding.rule == "CC001" else "major",
        "location": {"path": name, "lines": {"begin": span.line if span else 1}},
    }
