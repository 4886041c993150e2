"""The evaluation of a sweep in chunks: boxes of the grid in order, and the metrics of their points."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from costcalc.model import PLAIN
from costcalc.record import NamedTuple
from costcalc.sweep.partition import Region, column, outcomes, whole
from costcalc.sweep.totals import Figures, carry_out, ratio, totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from costcalc.model import Execution, Network
    from costcalc.sweep.axis import Axis
    from costcalc.sweep.partition import RegionResult
    from costcalc.sweep.session import Array, Session, TextTemplate

POINTS = 1 << 20
"""The maximum number of points of a chunk."""
ALONG = 1 << 17
"""The maximum number of points of a chunk along one axis."""
LARGE = 1 << 17
"""The maximum number of points of a chunk with values beyond int64."""


class Box(NamedTuple):
    """A range of indices for each axis. Its points are consecutive in the grid, in row-major order from `start`."""

    start: int
    ranges: tuple[tuple[int, int], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of points along each axis."""
        return tuple([stop - start for start, stop in self.ranges])

    @property
    def size(self) -> int:
        """The number of points."""
        return prod(self.shape)

    def halves(self) -> list[Box]:
        """Divide the box into two consecutive boxes."""
        axis = next(axis for axis, size in enumerate(self.shape) if size > 1)
        start, stop = self.ranges[axis]
        middle = (start + stop) // 2
        first = (*self.ranges[:axis], (start, middle), *self.ranges[axis + 1 :])
        second = (*self.ranges[:axis], (middle, stop), *self.ranges[axis + 1 :])
        return [Box(self.start, first), Box(self.start + self.size * (middle - start) // (stop - start), second)]


class NetworkSource(Protocol):
    """Builds networks. `build` and `values` take the values of the axes, as numbers or `Lanes`."""

    def names(self) -> Sequence[str]:
        """Return all names that conditions may use, besides metrics."""

    def build(self, params: Mapping[str, Any]) -> Network:
        """Build the network of a configuration. Raises `CostcalcError` if it is invalid."""

    def values(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the values of all names, including those that depend on the axes."""


class Task(NamedTuple):
    """A sweep to evaluate: a source of networks, the axes, the metrics, the batch and how each network is run."""

    source: NetworkSource
    axes: tuple[Axis, ...]
    metrics: tuple[str, ...]
    batch: int = 1
    execution: Execution = PLAIN

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of values of each axis."""
        return tuple([axis.size for axis in self.axes])

    @property
    def points(self) -> int:
        """The number of configurations."""
        return prod(self.sizes)


class Chunk(NamedTuple):
    """The metrics of consecutive points from `start` on, each an array with -1 for invalid points.

    `columns` are the values along each axis. `codes` is 0 for valid points, and 1 + the index in `reasons` for others.
    """

    start: int
    columns: tuple[Array, ...]
    figures: dict[str, Array]
    codes: Array
    reasons: tuple[InvalidRegion, ...] = ()

    @property
    def size(self) -> int:
        """The number of points."""
        return len(self.codes)

    def indices(self, positions: Array) -> tuple[Array, ...]:
        """Return the indices in `columns` of points of this chunk."""
        return np.unravel_index(positions, tuple([len(values) for values in self.columns]))

    def invalid(self, positions: Array) -> list[str]:
        """Return the error of each of some sorted points. It is empty for a valid point."""
        codes = self.codes[positions]
        texts = [""] * len(positions)
        for code in np.unique(codes).tolist():
            if code:
                chosen = np.flatnonzero(codes == code)
                for place, text in zip(chosen.tolist(), self.reasons[code - 1].texts(positions[chosen]), strict=True):
                    texts[place] = text
        return texts


class InvalidRegion(NamedTuple):
    """A region of invalid points and the text of their errors."""

    text: TextTemplate
    region: Region

    def texts(self, positions: Array) -> list[str]:
        """Return the error of each of some points, given by their positions in the box."""
        if not self.text.values:
            return [self.text.at(())] * len(positions)
        return [
            self.text.at(index) for index in zip(*map(np.ndarray.tolist, self.region.local(positions)), strict=True)
        ]


def boxes(sizes: Sequence[int]) -> Iterator[Box]:
    """Divide the grid into boxes of at most `POINTS` points, in row-major order."""
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
    """Evaluate a box as one chunk, or as several if values are beyond int64, because these take more memory."""
    columns = tuple([column(axis.between(*ends)) for axis, ends in zip(task.axes, box.ranges, strict=True)])
    names = [axis.name for axis in task.axes]

    counted = [metric for metric in task.metrics if metric != "intensity"]
    if "intensity" in task.metrics:
        counted += [metric for metric in ("flops", "traffic_bytes") if metric not in counted]

    def build(region: Region, session: Session) -> Any:
        network = task.source.build(dict(zip(names, region.values(columns, session), strict=True)))
        return totals(network, counted, task.batch, task.execution)

    figures = {metric: Figures(box.size) for metric in counted}
    codes = np.zeros(box.size, np.int32)
    reasons: list[InvalidRegion] = []
    for outcome in outcomes(build, whole(columns), pause):
        if outcome.error is not None:
            reasons.append(InvalidRegion(outcome.error, outcome.region))
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
    data = {metric: values.data for metric, values in figures.items()}
    if "intensity" in task.metrics:
        data["intensity"] = ratio(data["flops"], data["traffic_bytes"])
    yield Chunk(box.start, columns, {metric: data[metric] for metric in task.metrics}, codes, tuple(reasons))


def _fill(figures: dict[str, Figures], outcome: RegionResult) -> None:
    region = outcome.region
    everything = region.size == region.shape
    positions = None if everything else region.positions().reshape(-1)
    for metric, values in figures.items():
        done = 0
        for run in carry_out(outcome.result[metric], region.size):
            where = slice(done, done + run.size)
            values.put(where if positions is None else positions[where], run)
            done += run.size
