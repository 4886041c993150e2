"""The formats of reports. A format is one module with a function `write`, and one line here.

`write(value, medium)` returns the text of a report, its bytes, or an iterator of pieces of its text, so that a long
report is never in memory as a whole. What the value is depends on the kind of report:
`tables` for the commands that report tables (a `Report`), `picture` for a graph, `check` for a
check (a `CheckReport`).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from costcalc.explanation import Explanation
    from costcalc.gate.results import Check
    from costcalc.gate.rules import Rule
    from costcalc.report.table_data import Table

FORMATS: dict[str, dict[str, str]] = {
    "tables": {
        "table": "table",
        "json": "json",
        "csv": "csv",
        "markdown": "markdown",
        "html": "html",
        "latex": "booktabs",
    },
    "picture": {"mermaid": "mermaid", "dot": "dot"},
    "check": {
        "text": "check_text",
        "json": "check_json",
        "markdown": "check_markdown",
        "github": "check_github",
        "gitlab": "check_gitlab",
        "junit": "check_junit",
        "sarif": "check_sarif",
    },
}
"""The module in this package for each format, by kind of report. The first format is the default."""


Text: TypeAlias = "str | bytes | Iterator[str]"


AT_ONCE = 2_000
"""The pieces of a text that are joined before they are written."""


class Medium(NamedTuple):
    """The medium of a report: its width in columns, None if unlimited, and whether it supports colours."""

    width: int | None = None
    color: bool = False


class CheckReport(NamedTuple):
    """The report of `costcalc check`: the check, all rules by name, and the version of costcalc."""

    check: Check
    rules: Mapping[str, Rule]
    version: str


class Report(NamedTuple):
    """The report of a command."""

    tables: Callable[[str], Sequence[Table]]
    """Returns the tables for a format. For `csv` this is one flat table."""
    document: Callable[[], Mapping[str, object]]
    """Returns the report as plain values, for JSON. A long list of objects may be an iterator."""
    explanation: Callable[[], Explanation] | None = None
    """Returns the formulas of the layers in the first table."""


def joined(lines: Iterator[str]) -> Iterator[str]:
    """Yield many short pieces of a text as fewer long ones, which are faster to write."""
    while text := "".join(islice(lines, AT_ONCE)):
        yield text


def pieces(text: Text) -> Iterable[str | bytes]:
    """Return the pieces of a text."""
    return [text] if isinstance(text, str | bytes) else text


def write(kind: str, form: str, value: object, medium: Medium) -> Text:
    """Write a report in a format."""
    from importlib import import_module

    report: Text = import_module(f"costcalc.report.{FORMATS[kind][form]}").write(value, medium)
    return report
