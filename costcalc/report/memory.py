"""The memory of a network over its steps, and the tensors at its peak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.analyses import heading
from costcalc.report.table_data import SEPARATOR, Column, Remark, Table, TableRow, sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.model import Analysis, Row
    from costcalc.report.plot import Panels

MOST = 40
"""The number of lines of a profile from which on consecutive steps share a line."""


def steps(analysis: Analysis) -> list[Row]:
    """Return the first layer of each step."""
    return [row for row in analysis.layers if row.host is None or analysis.execution.eager]


def profile(analysis: Analysis, *, full: bool = False) -> list[Table]:
    """Return what is in memory at each step, and the tensors at the peak.

    Unless `full`, a long profile has lines of several consecutive steps: the one of them with most in memory.
    """
    rows = steps(analysis)
    size = 1 if full or len(rows) <= MOST else -(-len(rows) // MOST)
    groups = [rows[start : start + size] for start in range(0, len(rows), size)]
    shown = [max(group, key=lambda row: row.totals.peak_bytes) for group in groups]
    most = max([row.totals.peak_bytes for row in rows], default=0)
    lines = [
        TableRow(
            (
                row.name,
                f"{len(group):,}" if size > 1 else None,
                row.totals.peak_bytes,
                row.totals.arena_bytes,
                row.totals.peak_bytes / most if most else 0.0,
            ),
            name=row.name,
        )
        for row, group in zip(shown, groups, strict=True)
    ]
    totals = analysis.totals
    lines.append(TableRow(("peak", None, totals.peak_bytes, totals.arena_bytes, None), "total"))
    columns = [
        Column("name", "step", shortens=3),
        Column("steps", "steps", yields=3),
        Column("peak_bytes", "peak_bytes", "count"),
        Column("arena_bytes", "arena_bytes", "count", yields=2),
        Column("bar", "", "bar", yields=1),
    ]
    if size == 1:
        columns.pop(1)
        lines = [line._replace(cells=(line.cells[0], *line.cells[2:])) for line in lines]
    notes = ("", _facts(analysis)) + ((Remark("--full lists every step"),) if size > 1 else ())
    return [Table(tuple(columns), tuple(lines), heading(analysis), notes), *_alive(analysis)]


def _facts(analysis: Analysis) -> str:
    execution, totals = analysis.execution, analysis.totals
    how = [f"{execution.formats}", *(["eager"] if execution.eager else [])]
    how += [f"in place: {execution.in_place}"] if execution.in_place != "none" else []
    return SEPARATOR.join([*how, f"{totals.weight_bytes:,} weight_bytes", f"{totals.traffic_bytes:,} traffic_bytes"])


def _alive(analysis: Analysis) -> list[Table]:
    """Return the table of the tensors at the peak."""
    if analysis.peak is None:
        return []
    total = analysis.totals.peak_bytes
    rows = [
        TableRow((tensor.name, sizes(tensor.shape), tensor.format, tensor.bytes, tensor.bytes / total))
        for tensor in analysis.peak.tensors
    ]
    columns = (
        Column("name", "tensor", shortens=3),
        Column("shape", "shape", "shape", yields=2),
        Column("dtype", "dtype", yields=1),
        Column("bytes", "bytes", "count"),
        Column("share", "share", "share"),
    )
    return [Table(columns, tuple(rows), (f"In memory at the step of {analysis.peak.layer}, the first at the peak",))]


def flat(analysis: Analysis) -> Table:
    """Return a row for each step, for CSV."""
    columns = (
        Column("name", "step"),
        Column("peak_bytes", "peak_bytes", "count"),
        Column("arena_bytes", "arena_bytes", "count"),
    )
    rows = [TableRow((row.name, row.totals.peak_bytes, row.totals.arena_bytes)) for row in steps(analysis)]
    return Table(columns, tuple(rows))


def picture(analysis: Analysis) -> Panels:
    """Return a plot over the steps."""
    import numpy as np

    from costcalc.report.plot import Panels, Ticks

    rows = steps(analysis)
    figures = {
        name: np.array([float(getattr(row.totals, name)) for row in rows]) for name in ("peak_bytes", "arena_bytes")
    }
    where = f" at {analysis.peak.layer}" if analysis.peak else ""
    note = f"peak {analysis.totals.peak_bytes:,} bytes{where}, arena {analysis.totals.arena_bytes:,} bytes"
    ticks: Sequence[object] = range(1, len(rows) + 1)
    title = f"{analysis.network}: bytes in memory at each step"
    return Panels(title, note, (Ticks("step", ticks),), figures, np.zeros(len(rows), bool))
