"""The history of a spec as a table and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.model import MEASURES
from costcalc.report.table_data import Cell, Column, Table, TableRow

if TYPE_CHECKING:
    from costcalc.gate.history import Event, History


def table(history: History, form: str = "table") -> Table:
    """Return a row for each commit, newest first. For `csv`, ids are not shortened and all metrics are included."""
    if form == "csv":
        names = ("commit", "date", "path", "subject", "reason")
        columns = (*[Column(name, name) for name in names], *[Column(name, name, "count") for name in MEASURES])
        return Table(columns, tuple([TableRow(_raw(event)) for event in history.events]))
    columns = (
        Column("commit", "commit"),
        Column("date", "date", yields=2),
        Column("params", "params", "count"),
        Column("params_change", "change", "change", yields=3),
        Column("macs", "MACs", "count"),
        Column("macs_change", "change", "change"),
        Column("subject", "subject", wraps=16),
    )
    rows = tuple([TableRow(_cells(event, history)) for event in history.events])
    notes = ("", "the clone is shallow: earlier commits may be missing") if history.cut else ()
    return Table(columns, rows, (history.spec,), notes)


def document(history: History) -> dict[str, object]:
    """Return the history in the format `costcalc.history/1`."""
    return {
        "format": "costcalc.history/1",
        "spec": history.spec,
        "shallow": history.cut,
        "commits": [
            {
                "commit": event.commit.id,
                "date": event.commit.date,
                "subject": event.commit.subject,
                "path": event.path,
                "reason": event.reason or None,
                "totals": event.totals and event.totals.to_dict(),
            }
            for event in history.events
        ],
    }


def _raw(event: Event) -> tuple[Cell, ...]:
    commit, totals = event.commit, event.totals
    figures = [getattr(totals, name) if totals else None for name in MEASURES]
    return (commit.id, commit.date, event.path, commit.subject, event.reason, *figures)


def _cells(event: Event, history: History) -> tuple[Cell, ...]:
    totals, change = event.totals, event.change
    subject = event.commit.subject if not event.reason else f"{event.commit.subject} ({event.reason})"
    if event.path != history.events[0].path:
        subject = f"{subject} [{event.path}]"
    return (
        event.commit.id[:10],
        event.commit.date[:10],
        totals.params if totals else None,
        change.params or None if change else None,
        totals.macs if totals else None,
        change.macs or None if change else None,
        subject,
    )
