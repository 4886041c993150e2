"""Tables as comma-separated values: the keys of the columns, then unformatted values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.formats import joined
from costcalc.report.table_data import full, without
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from costcalc.report.formats import Medium, Report
    from costcalc.report.table_data import Cell, Column, Table


QUOTED = frozenset(',"\n\r')
"""A field with one of these characters is quoted."""


def write(report: Report, _: Medium) -> Iterator[str]:
    """Return a report's flat table as CSV."""
    (table,) = report.tables("csv")
    return joined(_lines(table))


def render(table: Table) -> str:
    """Return a table as CSV (RFC 4180, with line feeds), without headings of groups and without totals."""
    return "".join(_lines(table))


def _lines(table: Table) -> Iterator[str]:
    table = without(table, "bar")
    yield ",".join([field(column.key) for column in table.columns]) + "\n"
    for row in table.rows:
        if row.role not in ("heading", "total"):
            yield ",".join(map(field, map(_cell, table.columns, row.cells))) + "\n"


def _cell(column: Column, value: Cell) -> str:
    value = full(value)
    if isinstance(value, str):
        return value.replace("×", "x") if column.kind == "shape" else value
    return "" if value is None else str(value)


def field(value: str) -> str:
    """Return a text as a field: escaped for spreadsheets, and in quotes where it has separators.

    >>> field("a,b"), field("=1+1")
    ('"a,b"', "'=1+1")
    """
    value = harmless(value)
    return '"' + value.replace('"', '""') + '"' if not QUOTED.isdisjoint(value) else value


def harmless(text: str) -> str:
    """Escape a text so that a spreadsheet does not read it as a formula."""
    text = visible(text)
    formula = text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not text[1:].replace("_", "").isalnum())
    return f"'{text}" if formula else text
