"""Bridges between the figures of tools as tables and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.table_data import SEPARATOR, Column, Table, TableRow, TextCell, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.conventions.convention import Convention, ToolCount
    from costcalc.conventions.figure import FigureMatch
    from costcalc.conventions.reconcile import Bridge


def bridge(value: Bridge, form: str = "table") -> Table:
    """Return the figure of the first convention, the steps, and the figure of the second: its total, but in CSV."""
    columns = (
        Column("amount", "amount", "change"),
        Column("op", "op", shortens=1),
        Column("rule", "rule", shortens=3, wraps=18),
        Column("layers", "layers", "count", yields=2),
        Column("note", "", yields=1),
    )
    rows = [TableRow((step.amount, step.op, step.rule, step.layers, step.note)) for step in value.steps]
    role = "" if form == "csv" else "total"
    start, end = _end(value.first, value.start, "rest"), _end(value.last, value.end, role)
    facts = SEPARATOR.join([f"input {value.inputs}", f"batch {value.batch:,}"])
    omitted = (f"not counted by {value.end.name}: {', '.join(value.uncounted)}",) if value.uncounted else ()
    return Table(columns, (start, *rows, end), (value.network, facts), ("", *omitted) if omitted else ())


def _end(figure: int, convention: Convention, role: str) -> TableRow:
    return TableRow(
        (figure, TextCell(known(convention), convention.name), convention.kind, None, convention.title), role
    )


def known(convention: Convention) -> str:
    """Return the name and the version of a convention."""
    return f"{convention.name} {convention.version}".strip()


def every(readings: Sequence[ToolCount], network: str, facts: str) -> Table:
    """Return a row for each convention."""
    columns = (
        Column("convention", "convention"),
        Column("figure", "figure", "count"),
        Column("unit", "unit"),
        Column("version", "version", yields=2),
        Column("uncounted", "not counted", wraps=20, yields=1),
    )
    rows = [
        TableRow(
            (
                reading.convention.name,
                reading.total,
                reading.convention.kind,
                reading.convention.version,
                ", ".join(reading.uncounted),
            )
        )
        for reading in readings
    ]
    return Table(columns, tuple(rows), (network, facts))


def found(matches: Sequence[FigureMatch], figure: str, network: str) -> Table:
    """Return the conventions that give a figure."""
    columns = (
        Column("convention", "convention"),
        Column("figure", "figure", "count"),
        Column("unit", "unit"),
        Column("input", "input", "shape"),
        Column("factor", "printed as"),
    )
    rows = [
        TableRow(
            (
                match.convention,
                match.figure,
                match.kind,
                sizes(match.shape) if match.shape else None,
                f"{match.factor} it" if match.factor else "it is",
            )
        )
        for match in matches
    ]
    notes = () if matches else ("", f"no convention gives {figure}")
    return Table(columns, tuple(rows), (f"{network}: {figure}",), notes)


def document(bridges: Sequence[Bridge]) -> dict[str, object]:
    """Return the bridges in the format `costcalc.reconciliation/1`."""
    return {"format": "costcalc.reconciliation/1", "bridges": [value.to_dict() for value in bridges]}


def list_document(readings: Sequence[ToolCount], network: str) -> dict[str, object]:
    """Return the figures of all conventions in the format `costcalc.reconciliation/1`."""
    figures = [
        {
            "convention": reading.convention.name,
            "version": reading.convention.version,
            "figure": reading.total,
            "unit": reading.convention.kind,
            "uncounted": list(reading.uncounted),
        }
        for reading in readings
    ]
    return {"format": "costcalc.reconciliation/1", "network": network, "figures": figures}


def matches_document(matches: Sequence[FigureMatch], figure: str, network: str) -> dict[str, object]:
    """Return the conventions that give a figure in the format `costcalc.reconciliation/1`."""
    entries = [{**match._asdict(), "shape": list(match.shape), "factor": match.factor or None} for match in matches]
    return {"format": "costcalc.reconciliation/1", "network": network, "printed": figure, "matches": entries}
