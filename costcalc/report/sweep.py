"""Sweeps as text: CSV and JSON row by row as they come, and tables of the first rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.report.csv import harmless
from costcalc.report.table_data import SEPARATOR, Column, Entry, Grid, metric_title, sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from costcalc.sweep.run import Rows

COLUMNS = ("params", "buffers", "macs", "flops", "activations")
"""The figures of machine-readable formats, where nothing is said."""
SHOWN = ("params", "macs", "flops", "activations")
"""The figures of a table, where nothing is said."""
MOST_ROWS = 50
MOST_COLUMNS = 20


class Plan(NamedTuple):
    """What a sweep was asked: of which network, along which names with how many values, which figures, and when."""

    network: str
    axes: Mapping[str, int]
    metrics: Sequence[str]
    where: str = ""
    ranking: str = ""
    """How the rows were chosen from those that match, in words."""
    batch: int = 1
    inputs: Mapping[str, Sequence[int]] = {}
    """The shapes that the command line gave in place of the spec's."""


class Summary(NamedTuple):
    """What a sweep has seen at its end, or when it was interrupted."""

    points: int
    seen: int
    matching: int
    invalid: int
    rows: int
    reason: str = ""

    @property
    def partial(self) -> bool:
        """Whether it was interrupted."""
        return self.seen < self.points


def text(value: object) -> str:
    """A swept value as one writes it: `0.25`, `224`, `true`, `[3, 4, 6, 3]`, `relu`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(text, value))}]"
    return str(value)


def _lines(rows: Rows, metrics: Sequence[str]) -> Iterator[tuple[list[Any], Sequence[Any] | None, str]]:
    """Each point: its values, its figures (None for an invalid one), and the reason."""
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
    """The line of names: the swept ones, the figures, `invalid`."""
    return ",".join(map(_field, (*plan.axes, *plan.metrics, "invalid"))) + "\n"


def csv_rows(rows: Rows, metrics: Sequence[str]) -> str:
    """A line for each point (RFC 4180, with a line feed)."""
    if not rows.invalid:
        return ""
    columns = [_values(values.tolist(), lambda value: _field(text(value))) for values in rows.values]
    if any(rows.invalid):
        for name in metrics:
            pairs = zip(rows.figures[name].tolist(), rows.invalid, strict=True)
            columns.append(["" if reason else str(figure) for figure, reason in pairs])
    else:
        columns += [list(map(str, rows.figures[name].tolist())) for name in metrics]
    columns.append([_field(reason) if reason else "" for reason in rows.invalid])
    return "\n".join(map(",".join, zip(*columns, strict=True))) + "\n"


def _values(values: list[Any], other: Callable[[object], str]) -> list[str]:
    """The texts of numbers, and of other values in a way of their own."""
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= {int, float} and 0 not in values:  # 0.0 equals -0.0
        texts = {value: str(value) for value in set(values)}  # an axis has few values, which come again and again
        return [texts[value] for value in values]
    if kinds <= {int, float}:
        return list(map(str, values))
    return [str(value) if type(value) in (int, float) else other(value) for value in values]


def _field(value: str) -> str:
    value = harmless(value)
    return '"' + value.replace('"', '""') + '"' if any(sign in value for sign in ',"\n\r') else value


# JSON


def json_head(plan: Plan, points: int, axes: Iterable[tuple[str, Iterable[Sequence[Any]]]]) -> Iterator[str]:
    """The document up to its rows. The values of each axis come in pieces."""
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
    """An object for each point; figures are null where `invalid` says why."""
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
    """The end of the document: what was counted on the way. A partial one says so."""
    partial = ', "partial": true' if summary.partial else ""
    seen = f',\n  "seen": {summary.seen}' if summary.partial else ""
    return f'\n  ]{seen},\n  "matching": {summary.matching}, "invalid": {summary.invalid}{partial}\n}}\n'


# Tables


class Table:
    """Collects what a table shows: the first rows; or, of two axes and one figure, the corner of a matrix."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        varying = [number for number, size in enumerate(plan.axes.values()) if size > 1]
        self.matrix = tuple(varying) if len(varying) == 2 and len(plan.metrics) == 1 and not plan.ranking else ()
        self.entries: list[tuple[list[Any], Sequence[Any] | None, str]] = []
        self.corner: dict[tuple[int, int], str] = {}
        self.labels: tuple[dict[int, str], dict[int, str]] = ({}, {})

    def add(self, rows: Rows) -> None:
        """Take what of some rows is shown."""
        if self.matrix:
            self._place(rows)
        elif len(self.entries) < MOST_ROWS:
            for line in _lines(rows, self.plan.metrics):
                self.entries.append(line)
                if len(self.entries) == MOST_ROWS:
                    return

    def _place(self, rows: Rows) -> None:
        down, across = self.matrix
        size = list(self.plan.axes.values())[across]
        row, column = rows.positions // size, rows.positions % size
        chosen = ((row < MOST_ROWS) & (column < MOST_COLUMNS)).nonzero()[0]
        figures = rows.figures[self.plan.metrics[0]]
        for place in chosen.tolist():
            at = int(row[place]), int(column[place])
            self.labels[0][at[0]] = text(rows.values[down][place])
            self.labels[1][at[1]] = text(rows.values[across][place])
            self.corner[at] = "invalid" if rows.invalid[place] else f"{int(figures[place]):,}"

    def grid(self, summary: Summary) -> Grid:
        """The table."""
        return (self._matrix if self.matrix else self._list)(summary)

    def _list(self, summary: Summary) -> Grid:
        plan = self.plan
        invalid = any(reason for _, _, reason in self.entries)
        columns = [
            *[Column(name, name, "text" if self._words(number) else "count") for number, name in enumerate(plan.axes)],
            *[Column(name, metric_title(name), "count") for name in plan.metrics],
            *([Column("invalid", "invalid")] if invalid else []),
        ]
        entries = [
            Entry(
                (
                    *map(text, values),
                    *([None] * len(plan.metrics) if figures is None else figures),
                    *([reason] if invalid else []),
                )
            )
            for values, figures, reason in self.entries
        ]
        more = summary.rows - len(entries)
        said = [f"and {more:,} more rows; -o csv has all of them"] if more > 0 else []
        return Grid(tuple(columns), tuple(entries), _heading(plan, summary), _notes(plan, summary, said))

    def _words(self, number: int) -> bool:
        return any(isinstance(values[number], (str, tuple)) for values, _, _ in self.entries)

    def _matrix(self, summary: Summary) -> Grid:
        names = list(self.plan.axes)
        down, across = self.matrix
        rows, columns = sorted(self.labels[0]), sorted(self.labels[1])
        shown = (
            Column(names[down], f"{names[down]} \\ {names[across]}", "count"),
            *[Column(self.labels[1][place], self.labels[1][place], "count") for place in columns],
        )
        entries = [
            Entry((self.labels[0][row], *[self.corner.get((row, column), "") for column in columns])) for row in rows
        ]
        sizes = list(self.plan.axes.values())
        more = [
            f"{size - most:,} more {what}"
            for size, most, what in ((sizes[down], MOST_ROWS, "rows"), (sizes[across], MOST_COLUMNS, "columns"))
            if size > most
        ]
        said = [f"and {' and '.join(more)}; -o csv has every point"] if more else []
        title = metric_title(self.plan.metrics[0])
        heading = (f"{self.plan.network}: {title}", *_heading(self.plan, summary)[1:])
        return Grid(shown, tuple(entries), heading, _notes(self.plan, summary, said))


def _heading(plan: Plan, summary: Summary) -> tuple[str, ...]:
    """The network, and how many points of which axes."""
    axes = " × ".join(f"{name} {size:,}" for name, size in plan.axes.items())
    points = f"{summary.points:,} point{'' if summary.points == 1 else 's'}: {axes}"
    said = [f"{name} {sizes(tuple(shape))}" for name, shape in plan.inputs.items()]
    said += [f"batch {plan.batch:,}"] if plan.batch != 1 else []
    lines = [SEPARATOR.join(said)] if said else []
    return plan.network, *lines, SEPARATOR.join([points, *([plan.ranking] if plan.ranking else [])])


def _notes(plan: Plan, summary: Summary, said: list[str]) -> tuple[str, ...]:
    """What was said, and how many points match, and how many are no networks, and why."""
    if summary.partial:
        said.append(f"interrupted after {summary.seen:,} of {summary.points:,} points")
    if plan.where:
        matching = (
            f"{summary.matching:,} of {summary.seen:,} points satisfy" if summary.matching else "no point satisfies"
        )
        said.append(f"{matching} {plan.where}")
    if summary.invalid:
        several = summary.invalid > 1
        said.append(
            f"{summary.invalid:,} point{'s are' if several else ' is'} no valid network"
            f"{'; the first' if several else ''}: {summary.reason}"
        )
    return ("", *said) if said else ()
