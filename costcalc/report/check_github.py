"""Writes a check as GitHub workflow commands: annotations of the lines of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.check_text import message
from costcalc.report.text import visible

if TYPE_CHECKING:
    from costcalc.gate.results import Check, Finding
    from costcalc.report.formats import CheckReport, Medium

MOST = 10
"""The number of annotations that GitHub shows for a step."""


def write(report: CheckReport, _: Medium) -> str:
    """Write a command for each finding, the largest first. All texts are escaped."""
    check = report.check
    return "".join([_command(check, finding) for finding in check.largest[:MOST]])


def _command(check: Check, finding: Finding) -> str:
    span = finding.span
    properties = {
        "file": check.rooted(span.source.name if span else finding.spec),
        "line": str(span.line) if span else "",
        "col": str(span.column) if span else "",
        "title": f"costcalc {finding.rule} {finding.metric}".strip(),
    }
    arguments = ",".join([f"{name}={_property(value)}" for name, value in properties.items() if value])
    text = "\n".join([visible(line) for line in (message(finding), finding.help) if line])
    return f"::{finding.severity} {arguments}::{_message(text)}\n"


def _message(text: str) -> str:
    r"""Escape the data of a command, as `@actions/core` does.

    >>> _message("100%\n::error::")
    '100%25%0A::error::'
    """
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property of a command.

    >>> _property("a,b:c")
    'a%2Cb%3Ac'
    """
    return _message(visible(text)).replace(":", "%3A").replace(",", "%2C")
