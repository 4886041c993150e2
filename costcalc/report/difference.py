"""Differences between networks as tables and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.model import MEASURES
from costcalc.report.table_data import SEPARATOR, Cell, Column, Table, TableRow, metric_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.gate.diff import Difference, Line

SHOWN = ("params", "macs")


def layers(difference: Difference) -> Table:
    """Return the layers that differ, their groups, and the totals."""
    rows = [TableRow(_cells(line, SHOWN)) for line in difference.moved]
    groups = [line for line in difference.groups if line.status != "same"]
    rows += [TableRow((f"{line.label}.**", *_cells(line, SHOWN)[1:]), "rest") for line in groups]
    rows.append(TableRow(("total", "", difference.total.status, *_figures(difference.total, SHOWN)), "total"))
    total = difference.total
    title = f"{total.base_name or 'nothing'} -> {total.name or 'nothing'}"
    return Table((*_HEAD, *_columns(SHOWN)), tuple(rows), (title,), _notes(difference))


def stat(differences: Sequence[Difference]) -> Table:
    """Return a row for each network."""
    lines = [difference.total for difference in differences]
    rows = [TableRow((line.label, line.status, *_figures(line, SHOWN))) for line in lines]
    columns = (Column("spec", "spec"), Column("status", "status"), *_columns(SHOWN))
    return Table(columns, tuple(rows))


def groups(difference: Difference) -> Table:
    """Return a row for each group, and the total."""
    rows = [TableRow(_cells(line, SHOWN)) for line in difference.groups]
    total = difference.total
    rows.append(TableRow(("total", "", total.status, *_figures(total, SHOWN)), "total"))
    title = f"{total.base_name or 'nothing'} -> {total.name or 'nothing'}"
    return Table((Column("name", "group"), *_HEAD[1:], *_columns(SHOWN)), tuple(rows), (title,))


def flat(differences: Sequence[Difference]) -> Table:
    """Return every layer that differs, of every network, with all metrics."""
    rows = [
        TableRow((each.total.label, line.name, line.base_name, line.status, line.op or line.base_op, *_pairs(line)))
        for each in differences
        for line in each.moved
    ]
    names = ("spec", "layer", "base_layer", "status", "op")
    figures = [Column(f"{prefix}{name}", name, "count") for name in MEASURES[1:] for prefix in ("base_", "")]
    return Table((*[Column(name, name) for name in names], *figures), tuple(rows))


def document(differences: Sequence[Difference]) -> dict[str, object]:
    """Return the differences in the format `costcalc.diff/1`."""
    return {
        "format": "costcalc.diff/1",
        "diffs": [
            {
                "base": each.total.base_name or None,
                "spec": each.total.name or None,
                "status": each.total.status,
                "totals": _measured(each.total),
                "groups": [_entry(line) for line in each.groups if line.status != "same"],
                "layers": [_entry(line) for line in each.layers if line.status != "same"],
            }
            for each in differences
        ],
    }


_HEAD = (Column("name", "layer"), Column("op", "op", yields=2), Column("status", "", yields=3))


def _columns(metrics: Sequence[str]) -> list[Column]:
    columns = []
    for name in metrics:
        title = metric_title(name)
        columns += [
            Column(f"base_{name}", "base", "count", yields=1),
            Column(name, title, "count", shortens=5),
            Column(f"{name}_change", "change", "change", shortens=5),
            Column(f"{name}_growth", "", "growth", yields=4),
        ]
    return columns


def _cells(line: Line, metrics: Sequence[str]) -> tuple[Cell, ...]:
    name, op = (_both(*pair) for pair in ((line.base_name, line.name), (line.base_op, line.op)))
    return (name, op, line.status, *_figures(line, metrics))


def _both(base: str, now: str) -> str:
    return f"{base} -> {now}" if base and now and base != now else now or base


def _figures(line: Line, metrics: Sequence[str]) -> list[Cell]:
    cells: list[Cell] = []
    for name in metrics:
        part = line.part(name)
        base, now, change = (getattr(totals, name) for totals in (line.base, line.totals, line.change))
        before, after = bool(line.base_name), bool(line.name)
        cells += [base if before else None, now if after else None, change or None, float(part) if part else None]
    return cells


def _pairs(line: Line) -> list[Cell]:
    return [getattr(totals, name) for name in MEASURES[1:] for totals in (line.base, line.totals)]


def _notes(difference: Difference) -> tuple[str, ...]:
    facts = [f"{difference.renamed:,} renamed"] if difference.renamed else []
    facts += [] if difference.moved else ["the cost of every layer is unchanged"]
    return ("", SEPARATOR.join(facts)) if facts else ()


def _measured(line: Line) -> dict[str, Any]:
    return {
        name: {
            "base": getattr(line.base, name) if line.base_name else None,
            "value": getattr(line.totals, name) if line.name else None,
            "change": line.moved_by(name),
        }
        for name in MEASURES
    }


def _entry(line: Line) -> dict[str, Any]:
    return {
        "name": line.name or None,
        "base_name": line.base_name or None,
        "status": line.status,
        **({"op": line.op or None, "base_op": line.base_op or None} if line.op or line.base_op else {}),
        **_measured(line),
    }
