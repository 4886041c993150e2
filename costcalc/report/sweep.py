"""Sweeps as text: CSV and JSON, written row by row, and tables of the first rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from costcalc.errors import UsageError
from costcalc.notation import written
from costcalc.record import NamedTuple
from costcalc.report.csv import field
from costcalc.report.table_data import SEPARATOR, Column, Table, TableRow, metric_kind, metric_title, sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from costcalc.sweep.run import Rows

COLUMNS = ("params", "buffers", "macs", "flops", "activations")
"""The default columns of machine-readable formats."""
SHOWN = ("params", "macs", "flops", "activations")
"""The default columns of a table."""
MOST_ROWS = 50
MOST_COLUMNS = 20
MOST_KEPT = 10_000
"""Rows of a flat table or a document. CSV and JSON are written row by row, and have no such limit."""


Line = tuple[list[Any], "Sequence[Any] | None", str]
"""A point: its values, its figures (None for an invalid one), and the reason why it is invalid."""


class Plan(NamedTuple):
    """The settings of a sweep for one output: the network, the size of each axis, the metrics and the selection."""

    network: str
    axes: Mapping[str, int]
    metrics: Sequence[str]
    where: str = ""
    ranking: str = ""
    """A description of how rows are selected and sorted."""
    batch: int = 1
    inputs: Mapping[str, Sequence[int]] = {}
    """The input shapes that override those of the spec."""


class Summary(NamedTuple):
    """The counts of a sweep at its end or interrupt."""

    points: int
    seen: int
    matching: int
    invalid: int
    rows: int
    reason: str = ""

    @property
    def partial(self) -> bool:
        """Whether the sweep was interrupted."""
        return self.seen < self.points


def _lines(rows: Rows, metrics: Sequence[str]) -> Iterator[Line]:
    """Yield the values, figures (None if invalid) and error of each point."""
    columns = [values.tolist() for values in rows.values]
    figures = [rows.figures[name].tolist() for name in metrics]
    yield from (
        (list(values), None if reason else row, reason)
        for values, row, reason in zip(
            zip(*columns, strict=True), zip(*figures, strict=True), rows.invalid, strict=True
        )
    )


# CSV


def csv_head(plan: Plan) -> str:
    """Return the header of the CSV: axes, metrics, `invalid`."""
    return ",".join(map(field, (*plan.axes, *plan.metrics, "invalid"))) + "\n"


def csv_rows(rows: Rows, metrics: Sequence[str]) -> str:
    """Return one CSV line per point (RFC 4180, with line feeds)."""
    if not rows.invalid:
        return ""
    columns = [_values(values.tolist(), lambda value: field(written(value))) for values in rows.values]
    if any(rows.invalid):
        for name in metrics:
            pairs = zip(rows.figures[name].tolist(), rows.invalid, strict=True)
            columns.append(["" if reason else str(figure) for figure, reason in pairs])
    else:
        columns += [list(map(str, rows.figures[name].tolist())) for name in metrics]
    columns.append([field(reason) if reason else "" for reason in rows.invalid])
    return "\n".join(map(",".join, zip(*columns, strict=True))) + "\n"


def _values(values: list[Any], other: Callable[[object], str]) -> list[str]:
    """Format numbers with `str` and other values with a function."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= {int, float} and 0 not in values:  # 0.0 equals -0.0
        texts = {value: str(value) for value in set(values)}  # an axis repeats few values
        return [texts[value] for value in values]
    if kinds <= {int, float}:
        return list(map(str, values))
    return [str(value) if type(value) in (int, float) else other(value) for value in values]


# JSON


def json_head(plan: Plan, points: int, axes: Iterable[tuple[str, Iterable[Sequence[Any]]]]) -> Iterator[str]:
    """Yield the document up to its rows. The values of each axis are given in pieces."""
    inputs = json.dumps({name: list(shape) for name, shape in plan.inputs.items()})
    network = json.dumps(plan.network)
    yield f'{{\n  "format": "costcalc.sweep/1",\n  "network": {network},\n  "batch": {plan.batch},'
    yield f'\n  "inputs": {inputs},\n  "axes": {{'
    for number, (name, pieces) in enumerate(axes):
        yield f"{',' if number else ''}\n    {json.dumps(name)}: ["
        first = True
        for piece in pieces:
            yield ("" if first else ", ") + json.dumps(list(piece))[1:-1]
            first = False
        yield "]"
    yield f'\n  }},\n  "points": {points},\n  "rows": ['


def json_rows(rows: Rows, plan: Plan, first: bool) -> str:
    """Return one object per point. The figures of an invalid point are null, and `invalid` is its error."""
    columns = [_values(values.tolist(), json.dumps) for values in rows.values]
    for name in plan.metrics:
        pairs = zip(rows.figures[name].tolist(), rows.invalid, strict=True)
        columns.append(["null" if reason else str(figure) for figure, reason in pairs])
    columns.append([json.dumps(reason) if reason else "null" for reason in rows.invalid])
    members = [json.dumps(name).replace("%", "%%") + ": %s" for name in (*plan.axes, *plan.metrics, "invalid")]
    item = f"{{{', '.join(members)}}}"
    items = [item % values for values in zip(*columns, strict=True)]
    return ("\n    " if first else ",\n    ") + ",\n    ".join(items) if items else ""


def json_tail(summary: Summary) -> str:
    """Return the end of the document: the counts, and `partial` after an interrupt."""
    partial = ', "partial": true' if summary.partial else ""
    seen = f',\n  "seen": {summary.seen}' if summary.partial else ""
    return f'\n  ]{seen},\n  "matching": {summary.matching}, "invalid": {summary.invalid}{partial}\n}}\n'


# Tables


class TableBuilder:
    """Collects the first rows of a sweep for a table, a flat table or a document.

    A table of two axes and one metric is the corner of a matrix.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        varying = [number for number, size in enumerate(plan.axes.values()) if size > 1]
        self.matrix = tuple(varying) if len(varying) == 2 and len(plan.metrics) == 1 and not plan.ranking else ()
        self.kept: list[Rows] = []
        self.room = MOST_KEPT
        self.corner: dict[tuple[int, int], str] = {}
        self.labels: tuple[dict[int, str], dict[int, str]] = ({}, {})

    def add(self, rows: Rows) -> None:
        """Add rows, of which only the first ones are kept."""
        if self.matrix:
            self._place(rows)
        if self.room and len(rows.positions):
            self.kept.append(rows.head(self.room))
            self.room -= len(self.kept[-1].positions)

    def _place(self, rows: Rows) -> None:
        down, across = self.matrix
        size = list(self.plan.axes.values())[across]
        row, column = rows.positions // size, rows.positions % size
        chosen = ((row < MOST_ROWS) & (column < MOST_COLUMNS)).nonzero()[0]
        figures = rows.figures[self.plan.metrics[0]]
        for place in chosen.tolist():
            at = int(row[place]), int(column[place])
            self.labels[0][at[0]] = written(rows.values[down][place])
            self.labels[1][at[1]] = written(rows.values[across][place])
            self.corner[at] = "invalid" if rows.invalid[place] else f"{int(figures[place]):,}"

    def table(self, summary: Summary) -> Table:
        """Return the table."""
        return (self._matrix if self.matrix else self._list)(summary)

    def flat(self, summary: Summary) -> Table:
        """Return one table of all rows with the columns of CSV. Raises `UsageError` where there are too many rows."""
        self._refuse_incomplete(summary)
        lines = self._lines(MOST_KEPT)
        return Table(self._columns(lines, invalid=True), self._rows(lines, invalid=True))

    def document(self, summary: Summary, axes: Iterable[tuple[str, Iterable[Sequence[Any]]]]) -> dict[str, Any]:
        """Return the document that JSON has. Raises `UsageError` where there are too many rows."""
        self._refuse_incomplete(summary)
        rows = [json_rows(rows, self.plan, first=number == 0) for number, rows in enumerate(self.kept)]
        head = json_head(self.plan, summary.points, axes)
        document: dict[str, Any] = json.loads("".join([*head, *rows, json_tail(summary)]))
        return document

    def _refuse_incomplete(self, summary: Summary) -> None:
        if summary.rows > MOST_KEPT:
            raise UsageError(
                "{:,} rows; this format has at most {:,}",
                summary.rows,
                MOST_KEPT,
                help="-o csv and -o json write any number of rows",
            )

    def _lines(self, count: int) -> list[Line]:
        lines: list[Line] = []
        for rows in self.kept:
            lines += _lines(rows.head(count - len(lines)), self.plan.metrics)
        return lines

    def _columns(self, lines: Sequence[Line], *, invalid: bool) -> tuple[Column, ...]:
        words = [
            any(isinstance(line[0][number], (str, tuple)) for line in lines) for number in range(len(self.plan.axes))
        ]
        return (
            *[
                Column(name, name, "text" if word else "count")
                for name, word in zip(self.plan.axes, words, strict=True)
            ],
            *[Column(name, metric_title(name), metric_kind(name)) for name in self.plan.metrics],
            *([Column("invalid", "invalid")] if invalid else []),
        )

    def _rows(self, lines: Iterable[Line], *, invalid: bool) -> tuple[TableRow, ...]:
        none = [None] * len(self.plan.metrics)
        return tuple(
            [
                TableRow(
                    (*map(written, values), *(none if figures is None else figures), *([reason] if invalid else []))
                )
                for values, figures, reason in lines
            ]
        )

    def _list(self, summary: Summary) -> Table:
        plan, lines = self.plan, self._lines(MOST_ROWS)
        invalid = any(reason for _, _, reason in lines)
        more = summary.rows - len(lines)
        notes = [f"and {more:,} more rows; write all of them with -o csv"] if more > 0 else []
        return Table(
            self._columns(lines, invalid=invalid),
            self._rows(lines, invalid=invalid),
            _heading(plan, summary),
            _notes(plan, summary, notes),
        )

    def _matrix(self, summary: Summary) -> Table:
        names = list(self.plan.axes)
        down, across = self.matrix
        downs, acrosses = sorted(self.labels[0]), sorted(self.labels[1])
        shown = (
            Column(names[down], f"{names[down]} \\ {names[across]}", "count"),
            *[Column(self.labels[1][place], self.labels[1][place], "count") for place in acrosses],
        )
        rows = [
            TableRow((self.labels[0][row], *[self.corner.get((row, column), "") for column in acrosses]))
            for row in downs
        ]
        sizes = list(self.plan.axes.values())
        more = [
            f"{size - most:,} more {what}"
            for size, most, what in ((sizes[down], MOST_ROWS, "rows"), (sizes[across], MOST_COLUMNS, "columns"))
            if size > most
        ]
        notes = [f"and {' and '.join(more)}; write all points with -o csv"] if more else []
        title = metric_title(self.plan.metrics[0])
        heading = (f"{self.plan.network}: {title}", *_heading(self.plan, summary)[1:])
        return Table(shown, tuple(rows), heading, _notes(self.plan, summary, notes))


def _heading(plan: Plan, summary: Summary) -> tuple[str, ...]:
    """Return the network, its inputs and batch, and the number of points."""
    axes = " × ".join(f"{name} {size:,}" for name, size in plan.axes.items())
    points = f"{summary.points:,} point{'' if summary.points == 1 else 's'}: {axes}"
    facts = [f"{name} {sizes(tuple(shape))}" for name, shape in plan.inputs.items()]
    facts += [f"batch {plan.batch:,}"] if plan.batch != 1 else []
    lines = [SEPARATOR.join(facts)] if facts else []
    return plan.network, *lines, SEPARATOR.join([points, *([plan.ranking] if plan.ranking else [])])


def _notes(plan: Plan, summary: Summary, notes: list[str]) -> tuple[str, ...]:
    """Return the notes, with the numbers of matching and invalid points and the first error."""
    if summary.partial:
        notes.append(f"interrupted after {summary.seen:,} of {summary.points:,} points")
    if plan.where:
        matching = (
            f"{summary.matching:,} of {summary.seen:,} points satisfy" if summary.matching else "no point satisfies"
        )
        notes.append(f"{matching} {plan.where}")
    if summary.invalid:
        several = summary.invalid > 1
        notes.append(
            f"{summary.invalid:,} point{'s are' if several else ' is'} invalid"
            f"{'; first error' if several else ''}: {summary.reason}"
        )
    return ("", *notes) if notes else ()
