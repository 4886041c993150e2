"""A sweep, chunk by chunk: boxes of the grid in its own order, and the figures of their points."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from costcalc.sweep.partition import Region, column, outcomes, whole
from costcalc.sweep.totals import Figures, carry_out, totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from costcalc.model import Network
    from costcalc.sweep.axis import Axis
    from costcalc.sweep.partition import Outcome
    from costcalc.sweep.session import Array, Session, Text

POINTS = 1 << 20
"""Points of a chunk."""
ALONG = 1 << 17
"""Points of a chunk along one axis."""
LARGE = 1 << 17
"""Points of a chunk whose figures are beyond int64."""


class Box(NamedTuple):
    """A range of indices for each axis that is one run of the grid, counted row by row from `start`."""

    start: int
    ranges: tuple[tuple[int, int], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The points along each axis."""
        return tuple([stop - start for start, stop in self.ranges])

    @property
    def size(self) -> int:
        """The points."""
        return prod(self.shape)

    def halves(self) -> list[Box]:
        """Two runs, one after the other."""
        axis = next(axis for axis, size in enumerate(self.shape) if size > 1)
        start, stop = self.ranges[axis]
        middle = (start + stop) // 2
        first = (*self.ranges[:axis], (start, middle), *self.ranges[axis + 1 :])
        second = (*self.ranges[:axis], (middle, stop), *self.ranges[axis + 1 :])
        return [Box(self.start, first), Box(self.start + self.size * (middle - start) // (stop - start), second)]


class Source(Protocol):
    """Where the networks come from. `build` and `values` take the values of the swept names, numbers or grids."""

    def names(self) -> Sequence[str]:
        """Every name that a condition can ask for, besides figures."""

    def build(self, params: Mapping[str, Any]) -> Network:
        """The network of a configuration. Raises `CostcalcError` where it is none."""

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """What every name stands for, those that follow from the swept ones included."""


class Task(NamedTuple):
    """What a sweep evaluates: how a configuration becomes a network, along which axes, and which figures are wanted."""

    source: Source
    axes: tuple[Axis, ...]
    metrics: tuple[str, ...]
    batch: int = 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of values of each axis."""
        return tuple([axis.size for axis in self.axes])

    @property
    def points(self) -> int:
        """The number of configurations."""
        return prod(self.sizes)


class Chunk(NamedTuple):
    """The figures of a run of points from `start` on, each metric an array; -1 where a point is invalid.

    `columns` has the values along each axis. `codes` is 0 for a valid point, else 1 and up: its place in `reasons`.
    """

    start: int
    columns: tuple[Array, ...]
    figures: dict[str, Array]
    codes: Array
    reasons: tuple[Reason, ...] = ()

    @property
    def size(self) -> int:
        """The points."""
        return len(self.codes)

    def indices(self, positions: Array) -> tuple[Array, ...]:
        """The index along each axis, within `columns`, of points of this chunk."""
        return np.unravel_index(positions, tuple([len(values) for values in self.columns]))

    def invalid(self, positions: Array) -> list[str]:
        """For each of some points in order, the reason why it is invalid, or an empty text."""
        codes = self.codes[positions]
        texts = [""] * len(positions)
        for code in np.unique(codes).tolist():
            if code:
                chosen = np.flatnonzero(codes == code)
                for place, text in zip(chosen.tolist(), self.reasons[code - 1].texts(positions[chosen]), strict=True):
                    texts[place] = text
        return texts


class Reason(NamedTuple):
    """Why the points of a region are invalid."""

    text: Text
    region: Region

    def texts(self, positions: Array) -> list[str]:
        """The reason of each of some points, by their positions in the box."""
        if not self.text.values:
            return [self.text.at(())] * len(positions)
        return [
            self.text.at(index) for index in zip(*map(np.ndarray.tolist, self.region.local(positions)), strict=True)
        ]


def boxes(sizes: Sequence[int]) -> Iterator[Box]:
    """The grid in boxes of at most `POINTS`, in its own order: row by row, the last axis the fastest."""
    inner, axis = 1, len(sizes) - 1
    while axis > 0 and sizes[axis] <= ALONG and inner * sizes[axis] <= POINTS:
        inner *= sizes[axis]
        axis -= 1
    step = min(ALONG, max(1, POINTS // inner))
    rest = tuple([(0, size) for size in sizes[axis + 1 :]])
    for outer in range(prod(sizes[:axis])):
        fixed = []
        for size in sizes[:axis][::-1]:
            outer, index = divmod(outer, size)
            fixed.append((index, index + 1))
        first = 0
        for (index, _), size in zip(fixed[::-1], sizes[:axis], strict=True):
            first = first * size + index
        for start in range(0, sizes[axis], step):
            stop = min(start + step, sizes[axis])
            yield Box((first * sizes[axis] + start) * inner, (*fixed[::-1], (start, stop), *rest))


def evaluate(task: Task, box: Box, pause: Callable[[], None] = lambda: None) -> Iterator[Chunk]:
    """The figures of a box, in one chunk; in several where some are beyond int64, which take more memory."""
    columns = tuple([column(axis.between(*ends)) for axis, ends in zip(task.axes, box.ranges, strict=True)])
    names = [axis.name for axis in task.axes]

    def build(region: Region, session: Session) -> Any:
        network = task.source.build(dict(zip(names, region.values(columns, session), strict=True)))
        return totals(network, task.metrics, task.batch)

    figures = {metric: Figures(box.size) for metric in task.metrics}
    codes = np.zeros(box.size, np.int32)
    reasons: list[Reason] = []
    for outcome in outcomes(build, whole(columns), pause):
        if outcome.error is not None:
            reasons.append(Reason(outcome.error, outcome.region))
            where = outcome.region.positions()
            codes[where] = len(reasons)
            for values in figures.values():
                values.data[where] = -1
            continue
        _fill(figures, outcome)
        if box.size > LARGE and any(values.data.dtype.kind == "O" for values in figures.values()):
            del figures
            for half in box.halves():
                yield from evaluate(task, half, pause)
            return
    yield Chunk(box.start, columns, {metric: values.data for metric, values in figures.items()}, codes, tuple(reasons))


def _fill(figures: dict[str, Figures], outcome: Outcome) -> None:
    region = outcome.region
    everything = region.size == region.shape
    positions = None if everything else region.positions().reshape(-1)
    for metric, values in figures.items():
        done = 0
        for run in carry_out(outcome.result[metric], region.size):
            where = slice(done, done + run.size)
            values.put(where if positions is None else positions[where], run)
            done += run.size
