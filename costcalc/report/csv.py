"""Tables as comma-separated values: the keys of the columns, then unformatted values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.table_data import full, without
from costcalc.report.text import visible

if TYPE_CHECKING:
    from costcalc.report.formats import Medium, Report
    from costcalc.report.table_data import Cell, Column, Table


def write(report: Report, _: Medium) -> str:
    """Write a report's flat table as CSV."""
    (table,) = report.tables("csv")
    return render(table)


def render(table: Table) -> str:
    """Return a table as CSV (RFC 4180, with line feeds), without headings of groups and without totals."""
    import csv
    from io import StringIO

    table = without(table, "bar")
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([column.key for column in table.columns])
    for row in table.rows:
        if row.role not in ("heading", "total"):
            writer.writerow(map(_cell, table.columns, row.cells))
    return file.getvalue()


def _cell(column: Column, value: Cell) -> Cell:
    value = full(value)
    if not isinstance(value, str):
        return value
    return harmless(value.replace("×", "x") if column.kind == "shape" else value)


def harmless(text: str) -> str:
    """Escape a text so that a spreadsheet does not read it as a formula."""
    text = visible(text)
    formula = text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not text[1:].replace("_", "").isalnum())
    return f"'{text}" if formula else text
