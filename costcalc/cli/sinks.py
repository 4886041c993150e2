"""The outputs of a sweep: rows that are written as they are evaluated, and tables and pictures drawn at the end."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from costcalc.cli.output import Output, emit, harmless, write_stdout
from costcalc.cli.output_files import OutputFiles, cannot_write
from costcalc.errors import UsageError
from costcalc.report.formats import Report
from costcalc.report.plot import MOST, Panels, Points, Ticks, draw
from costcalc.report.sweep import Plan, Summary, TableBuilder, csv_head, csv_rows, json_head, json_rows, json_tail
from costcalc.sweep.archive import Archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from costcalc.report.formats import Medium
    from costcalc.sweep.chunks import Chunk, Task
    from costcalc.sweep.run import Rows, Tally
    from costcalc.sweep.select import Query

PICTURES = ("png", "svg")
STREAMED = ("csv", "json", "npz")
"""Formats that are written as rows are evaluated. Other formats are written at the end."""
CLOUD = 100_000
"""The maximum number of points drawn behind a front."""
PIECE = 10_000


class Target:
    """Standard output or an output file."""

    def __init__(self, output: Output, files: OutputFiles) -> None:
        self.format, self.path = output
        self.stream: IO[bytes] | None = files.open(self.path) if self.path else None

    def write(self, text: str) -> None:
        """Write text that ends at the end of a line or of a string."""
        text = harmless(text, self.format)
        if self.stream is None:
            write_stdout(text)
            return
        with cannot_write(self.path):
            self.stream.write(text.encode("utf-8", "backslashreplace"))


class Csv:
    """CSV lines, written as rows are evaluated."""

    def __init__(self, target: Target, plan: Plan) -> None:
        self.target = target
        self.plan = plan
        target.write(csv_head(plan))

    def add(self, rows: Rows) -> None:
        """Write some rows."""
        self.target.write(csv_rows(rows, self.plan.metrics))

    def end(self, summary: Summary) -> None:
        """Do nothing: CSV has no footer."""


class Json:
    """A JSON document, written as rows are evaluated."""

    def __init__(self, target: Target, plan: Plan, task: Task) -> None:
        self.target = target
        self.plan = plan
        self.first = True
        for text in json_head(plan, task.points, [(axis.name, _pieces(axis)) for axis in task.axes]):
            target.write(text)

    def add(self, rows: Rows) -> None:
        """Write some rows."""
        self.target.write(json_rows(rows, self.plan, self.first))
        self.first = self.first and not len(rows.positions)

    def end(self, summary: Summary) -> None:
        """Write the summary and the end of the document."""
        self.target.write(json_tail(summary))


class Npz:
    """An archive of arrays, which are temporary files until the end."""

    def __init__(self, target: Target, plan: Plan, task: Task, folder: str) -> None:
        self.target = target
        self.archive = Archive(Path(folder), task.axes, plan.metrics, whole=not (plan.where or plan.ranking))

    def add(self, rows: Rows) -> None:
        """Append some rows to the arrays."""
        self.archive.add(rows)

    def end(self, summary: Summary) -> None:
        """Write the archive."""
        with cannot_write(self.target.path):
            self.archive.write(self.target.stream or sys.stdout.buffer, summary.points)


class Picture:
    """Collects the points of a picture."""

    def __init__(self, plan: Plan, task: Task, query: Query) -> None:
        self.plan = plan
        self.task = task
        self.query = query
        self.varying = [number for number, size in enumerate(task.sizes) if size > 1] or [0]
        self.scattered = bool(query.pareto) or len(self.varying) > 2
        self.every = 1
        self.cloud: list[tuple[Any, Any]] = []
        self.front: list[tuple[Any, Any]] = []
        self.data: dict[str, Any] = {}
        if self.scattered:
            self.names = [expression.text for expression in query.pareto] or list(plan.metrics)
            if len(self.names) < 2:
                raise UsageError(
                    "a scatter plot requires two columns, got {}",
                    self.names[0],
                    help="add --columns params,macs",
                )
            return
        if task.points > MOST:
            raise UsageError(
                "a picture can have at most {1:,} points, got {0:,}", task.points, MOST, help="use larger steps"
            )
        self.data = {name: np.full(task.points, np.nan) for name in plan.metrics}
        self.invalid = np.zeros(task.points, bool)

    def see(self, chunk: Chunk, positions: Any) -> None:
        """Add matching points to the cloud. Keep only every second, fourth, ... point if there are too many."""
        if not self.scattered:
            return
        chosen = positions[(positions + chunk.start) % self.every == 0]
        if len(chosen):
            self.cloud.append((self._values(0, chunk, chosen), self._values(1, chunk, chosen)))
        while sum(len(x) for x, _ in self.cloud) > CLOUD:
            self.every *= 2
            self.cloud = [(x[::2], y[::2]) for x, y in self.cloud]

    def _values(self, number: int, chunk: Chunk, positions: Any) -> Any:
        from costcalc.sweep.select import evaluate

        if self.query.pareto:
            return evaluate(self.task, chunk, self.query.pareto[number], positions).astype(float)
        return chunk.figures[self.names[number]][positions].astype(float)

    def add(self, rows: Rows) -> None:
        """Add rows: the points of a front or of the grid."""
        if self.scattered:
            if len(self.query.pareto) == 2:
                self.front.append((rows.keys[0].astype(float), rows.keys[1].astype(float)))
            return
        bad = np.array([bool(reason) for reason in rows.invalid], bool)
        self.invalid[rows.positions] = bad
        for name, values in self.data.items():
            values[rows.positions[~bad]] = rows.figures[name][~bad].astype(float)

    def picture(self, summary: Summary) -> Panels | Points:
        """Return the data of the picture."""
        red = "" if self.scattered else " (red)"
        note = f"{summary.seen:,} points"
        note += f", {summary.invalid:,} invalid{red}" if summary.invalid else ""
        note += f"; {summary.matching:,} satisfy {self.plan.where}" if self.plan.where else ""
        if not self.scattered:
            shape = [self.task.sizes[number] for number in self.varying]
            axes = [self.task.axes[number] for number in self.varying]
            ticks = tuple([Ticks(axis.name, axis.between(0, axis.size)) for axis in axes])
            figures = {name: values.reshape(shape) for name, values in self.data.items()}
            return Panels(self.plan.network, note, ticks, figures, self.invalid.reshape(shape))
        note += f"; 1 of {self.every} is drawn" if self.every > 1 else ""
        pairs = [_joined(self.cloud), *([_joined(self.front)] if len(self.query.pareto) == 2 else [])]
        names, more = self.names[:2], []
        for place, name in enumerate(names):
            if name.startswith("-") and name[1:].strip().isidentifier():  # maximized: draw the values without the sign
                names[place] = name[1:].strip()
                more.append(place)
                pairs = [(-x, y) if place == 0 else (x, -y) for x, y in pairs]
        front = None
        if len(pairs) > 1:
            order = np.argsort(pairs[1][0], kind="stable")
            front = pairs[1][0][order], pairs[1][1][order]
        return Points(self.plan.network, note, (names[0], names[1]), *pairs[0], front, tuple(more))


def _joined(parts: Sequence[tuple[Any, Any]]) -> tuple[Any, Any]:
    return tuple([np.concatenate([part[side] for part in parts]) if parts else np.zeros(0) for side in (0, 1)])  # type: ignore[return-value]


def _pieces(axis: Any) -> Iterator[list[Any]]:
    for start in range(0, axis.size, PIECE):
        yield axis.between(start, min(start + PIECE, axis.size))


class Sinks:
    """The outputs of a sweep. Files are replaced by `finish`, and unchanged before it."""

    def __init__(self, outputs: Sequence[Output], plans: Mapping[str, Plan], task: Task, query: Query) -> None:
        self.outputs = outputs
        self.plans = plans
        self.task = task
        self.query = query
        self.cleanup = ExitStack()
        self.files = OutputFiles()
        self.streams: list[Csv | Json | Npz] = []
        self.table: TableBuilder | None = None
        """Of every format that is neither streamed nor a picture: they have the same plan."""
        self.pictures: dict[str, Picture] = {}

    def __enter__(self) -> Sinks:
        with ExitStack() as stack:
            stack.enter_context(self.files)
            for form, path in self.outputs:
                plan = self.plans[form]
                if form in PICTURES:
                    self.pictures[form] = Picture(plan, self.task, self.query)
                elif form not in STREAMED:
                    self.table = TableBuilder(plan)
                else:
                    target = Target(Output(form, path), self.files)
                    if form == "npz":
                        folder = stack.enter_context(TemporaryDirectory(prefix="costcalc-"))
                        self.streams.append(Npz(target, plan, self.task, folder))
                    else:
                        self.streams.append(Csv(target, plan) if form == "csv" else Json(target, plan, self.task))
            self.cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.cleanup.close()

    def fills_terminal(self) -> bool:
        """Return whether rows are written to a terminal as they are evaluated."""
        streamed = any(output.format in ("csv", "json") and not output.path for output in self.outputs)
        return streamed and bool(sys.stdout) and sys.stdout.isatty()

    def see(self, chunk: Chunk, positions: Any) -> None:
        """Pass the matching points of a chunk to the pictures."""
        for picture in self.pictures.values():
            picture.see(chunk, positions)

    def add(self, rows: Rows) -> None:
        """Pass rows to every output."""
        for sink in (*self.streams, *([self.table] if self.table else []), *self.pictures.values()):
            sink.add(rows)

    def finish(self, tally: Tally) -> Summary:
        """Complete every output."""
        summary = Summary(self.task.points, tally.points, tally.matching, tally.invalid, tally.rows, tally.reason)
        for stream in self.streams:
            stream.end(summary)
        made: dict[str, Callable[[Medium], str | bytes]] = {
            "png": lambda _: draw(self.pictures["png"].picture(summary), "png"),
            "svg": lambda _: draw(self.pictures["svg"].picture(summary), "svg"),
        }
        report = self._report(summary)
        emit([output for output in self.outputs if output.format not in STREAMED], "tables", report, made, self.files)
        return summary

    def _report(self, summary: Summary) -> Report | None:
        table, axes = self.table, [(axis.name, _pieces(axis)) for axis in self.task.axes]
        if table is None:
            return None
        return Report(
            lambda form: [table.flat(summary) if form == "csv" else table.table(summary)],
            lambda: table.document(summary, axes),
        )
