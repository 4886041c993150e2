"""A sweep as a stream of rows, in the order of the grid or as a ranking or Pareto front."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from costcalc.errors import CostcalcError
from costcalc.model import PLAIN
from costcalc.record import NamedTuple
from costcalc.sweep.chunks import Task, boxes, evaluate
from costcalc.sweep.partition import column
from costcalc.sweep.select import MOST, check_names, kept, matching, ranked, undominated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from costcalc.model import Execution
    from costcalc.sweep.axis import Axis
    from costcalc.sweep.chunks import Chunk, NetworkSource
    from costcalc.sweep.select import Kept, Query
    from costcalc.sweep.session import Array

ROWS = 1 << 15
COMPARED = 1 << 17
"""The number of points that are ranked or compared at once, with those kept so far."""

MEASURABLE = 0.2
"""Seconds that a part of a grid has to take, to tell from it how long the whole would take."""


class Rows(NamedTuple):
    """Some points: their positions in the grid, the values of each axis, the metrics, and the errors."""

    positions: Array
    values: tuple[Array, ...]
    figures: Mapping[str, Array]
    invalid: list[str]
    keys: tuple[Array, ...] = ()
    """The values by which a ranking or a front compares points."""

    def head(self, count: int) -> Rows:
        """Return the first rows, at most `count`."""
        return Rows(
            self.positions[:count],
            tuple([values[:count] for values in self.values]),
            {name: values[:count] for name, values in self.figures.items()},
            self.invalid[:count],
            tuple([values[:count] for values in self.keys]),
        )


class Tally:
    """The counts of a sweep so far."""

    def __init__(self) -> None:
        self.points = 0
        self.matching = 0
        self.invalid = 0
        self.reason = ""
        """The error of the first invalid point."""
        self.rows = 0

    def count(self, chunk: Chunk, positions: Array) -> None:
        """Count points of a chunk."""
        self.points += len(positions)
        invalid = positions[chunk.codes[positions] > 0]
        if len(invalid) and not self.invalid:
            self.reason = chunk.invalid(invalid[:1])[0]
        self.invalid += len(invalid)


def prepare(
    source: NetworkSource,
    axes: Iterable[Axis],
    metrics: Iterable[str],
    query: Query,
    batch: int = 1,
    execution: Execution = PLAIN,
) -> Task:
    """Return the task, with the metrics to show and those that the query requires.

    Raises `UsageError` for an unknown name in the query. Names may also be words that are values of params.
    """
    axes = tuple(axes)
    names = source.names()
    given = [value for axis in axes for value in axis.between(0, min(axis.size, 10_000))]
    with suppress(CostcalcError):  # an invalid first point is reported in its row
        given += source.values({axis.name: axis.value(0) for axis in axes}).values()
    check_names(query, names, {str(value) for value in given if isinstance(value, str)})
    shown = list(metrics)
    return Task(source, axes, (*shown, *sorted(query.metrics(names).difference(shown))), batch, execution)


def chunks(task: Task, pause: Callable[[], None] = lambda: None) -> Iterator[Chunk]:
    """Evaluate all chunks of the grid in order. `pause` is called between steps, and can end this with an exception."""
    for box in boxes(task.sizes):
        yield from evaluate(task, box, pause)


def survey(
    task: Task,
    query: Query,
    stream: Iterable[Chunk],
    tally: Tally,
    see: Callable[[Chunk, Array], None] = lambda *_: None,
) -> Iterator[Rows]:
    """Yield the selected rows. Without a condition, a ranking or a front, they include invalid points.

    `see` is called with every chunk and the positions of its matching points.
    """
    if query.best or query.pareto:
        yield from _best(task, query, stream, tally, see)
        return
    for chunk in stream:
        for start in range(0, chunk.size, ROWS):
            points = np.arange(start, min(start + ROWS, chunk.size))
            found = _found(task, query, chunk, points, tally, see)
            shown = points if query.where is None else found
            tally.rows += len(shown)
            yield _rows(chunk, shown)


def _rows(chunk: Chunk, positions: Array) -> Rows:
    values = tuple([values[index] for values, index in zip(chunk.columns, chunk.indices(positions), strict=True)])
    figures = {name: data[positions] for name, data in chunk.figures.items()}
    return Rows(positions + chunk.start, values, figures, chunk.invalid(positions))


def _found(
    task: Task, query: Query, chunk: Chunk, points: Array, tally: Tally, see: Callable[[Chunk, Array], None]
) -> Array:
    tally.count(chunk, points)
    found = matching(task, chunk, points[chunk.codes[points] == 0], query.where)
    tally.matching += len(found)
    see(chunk, found)
    return found


def _best(
    task: Task, query: Query, stream: Iterable[Chunk], tally: Tally, see: Callable[[Chunk, Array], None]
) -> Iterator[Rows]:
    expressions = (*query.pareto, *([query.best] if query.best else []))
    most = MOST if query.top is None else query.top
    found: Kept | None = None
    for chunk in stream:
        for start in range(0, chunk.size, COMPARED):
            points = np.arange(start, min(start + COMPARED, chunk.size))
            positions = _found(task, query, chunk, points, tally, see)
            if len(positions):
                new = _kept(kept(task, chunk, positions, expressions), query, most)
                found = new if found is None else _kept(found.and_later(new), query, most)
    if found is not None:
        if query.best:
            found = ranked(found, most)
        tally.rows = len(found.positions)
        yield from _listed(task, found)


def _kept(points: Kept, query: Query, most: int) -> Kept:
    return undominated(points, len(query.pareto)) if query.pareto else ranked(points, most)


def _listed(task: Task, points: Kept) -> Iterator[Rows]:
    for start in range(0, len(points.positions), ROWS):
        piece = points.take(np.arange(start, min(start + ROWS, len(points.positions))))
        indices = np.unravel_index(piece.positions, task.sizes)
        values = tuple([_values(axis, index) for axis, index in zip(task.axes, indices, strict=True)])
        yield Rows(piece.positions, values, piece.figures, [""] * len(piece.positions), piece.keys)


def _values(axis: Axis, indices: Array) -> Array:
    present, inverse = np.unique(indices, return_inverse=True)
    made: Array = column([axis.value(index) for index in present.tolist()])[inverse.reshape(-1)]
    return made


def seconds(task: Task, clock: Callable[[], float]) -> float:
    """How long the whole grid would take, from the first points of it: so many that their time can be told."""
    chunk = next(boxes(task.sizes))
    size = 1
    while True:
        part = chunk
        while part.size > size:
            part = part.halves()[0]
        started = clock()
        for _ in evaluate(task, part):
            pass
        taken = clock() - started
        if taken >= MEASURABLE or part == chunk:
            return taken * (task.points / part.size)
        size *= 2
