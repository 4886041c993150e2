"""Writes a check as SARIF 2.1.0, the format of code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costcalc.report.check_text import message, paragraph
from costcalc.report.text import visible

if TYPE_CHECKING:
    from costcalc.gate.results import Check, Finding
    from costcalc.gate.rules import Rule
    from costcalc.report.formats import CheckReport, Medium

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def write(report: CheckReport, _: Medium) -> str:
    """Write the document."""
    check, rules, version = report
    ids = check.fingerprints()
    driver = {
        "name": "costcalc",
        "version": version,
        "rules": [_rule(name, rule) for name, rule in rules.items()],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": check.verdict != "error"}],
        "results": [_result(check, finding, id, list(rules)) for finding, id in zip(check.findings, ids, strict=True)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str, rule: Rule) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.fails_when},
        "help": {"text": rule.repair},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(check: Check, finding: Finding, fingerprint: str, rules: list[str]) -> dict[str, Any]:
    span = finding.span
    name = check.rooted(span.source.name if span else finding.spec)
    lines = [message(finding), *paragraph(finding)]
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(name)}}
    if span:
        location["region"] = {
            "startLine": span.line,
            "startColumn": span.column,
            "endColumn": span.column + max(1, span.length),
        }
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.severity,
        "message": {"text": "\n".join(map(_text, lines))},
        **({"locations": [{"physicalLocation": location}]} if name else {}),
        "partialFingerprints": {"costcalc/v1": fingerprint},
    }


def _text(text: str) -> str:
    r"""Escape links and placeholders in a message (SARIF 2.1.0, 3.11.5 and 3.11.6).

    >>> _text("[x](http://y) {0}")
    '\\[x\\](http://y) {{0}}'
    """
    text = visible(text).replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    return text.replace("{", "{{").replace("}", "}}")


def _uri(path: str) -> str:
    """Return a path as a relative reference."""
    from urllib.parse import quote

    quoted = quote(path.encode("utf-8", "surrogateescape"), safe="/._-~")
    return f"./{quoted}" if quoted.startswith("/") or not quoted else quoted
