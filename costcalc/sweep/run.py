"""A sweep as a stream of rows: chunk by chunk in the order of the grid, or what a ranking or a front has kept of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from costcalc.errors import CostcalcError
from costcalc.sweep.chunks import Task, boxes, evaluate
from costcalc.sweep.partition import column
from costcalc.sweep.select import MOST, check_names, kept, matching, ranked, undominated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from costcalc.sweep.axis import Axis
    from costcalc.sweep.chunks import Chunk, Source
    from costcalc.sweep.select import Kept, Query
    from costcalc.sweep.session import Array

ROWS = 1 << 15
COMPARED = 1 << 17
"""Points that are ranked or compared at once, beside those that were kept."""

MEASURABLE = 0.2
"""Seconds that a part of a grid has to take, to tell from it how long the whole would take."""


class Rows(NamedTuple):
    """Some points: where they stand in the grid, the value along each axis, the figures, and why a point is invalid."""

    positions: Array
    values: tuple[Array, ...]
    figures: Mapping[str, Array]
    invalid: list[str]
    keys: tuple[Array, ...] = ()
    """What a ranking or a front compared."""

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
    """What a sweep has seen so far."""

    def __init__(self) -> None:
        self.points = 0
        self.matching = 0
        self.invalid = 0
        self.reason = ""
        """Why the first invalid point is invalid."""
        self.rows = 0

    def count(self, chunk: Chunk, positions: Array) -> None:
        """Count some points of a chunk."""
        self.points += len(positions)
        invalid = positions[chunk.codes[positions] > 0]
        if len(invalid) and not self.invalid:
            self.reason = chunk.invalid(invalid[:1])[0]
        self.invalid += len(invalid)


def prepare(source: Source, axes: Iterable[Axis], metrics: Iterable[str], query: Query, batch: int = 1) -> Task:
    """The task, with the figures that are shown and those that the query needs.

    Raises `UsageError` for a name in the query that is none. Words are those that some param can be.
    """
    axes = tuple(axes)
    names = source.names()
    given = [value for axis in axes for value in axis.between(0, min(axis.size, 10_000))]
    with suppress(CostcalcError):  # a first point that is no network says so in its own row
        given += source.values({axis.name: axis.value(0) for axis in axes}).values()
    check_names(query, names, {str(value) for value in given if isinstance(value, str)})
    shown = list(metrics)
    return Task(source, axes, (*shown, *sorted(query.metrics(names).difference(shown))), batch)


def chunks(task: Task, pause: Callable[[], None] = lambda: None) -> Iterator[Chunk]:
    """Every chunk of the grid, in its order, evaluated here. `pause` may end it by raising an exception."""
    for box in boxes(task.sizes):
        yield from evaluate(task, box, pause)


def survey(
    task: Task,
    query: Query,
    stream: Iterable[Chunk],
    tally: Tally,
    see: Callable[[Chunk, Array], None] = lambda *_: None,
) -> Iterator[Rows]:
    """The rows that are asked for. Without a condition, a ranking or a front, invalid points are among them.

    `see` is shown every chunk, with the positions of its points that match.
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
