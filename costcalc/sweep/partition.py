"""Runs a function on many configurations at once, and divides them when its decisions differ.

A region is a set of configurations of a box of the grid. At first it is an open grid: the product of some indices along
each axis. A decision that depends on one axis divides this axis, and the parts are open grids again. A decision that
depends on several axes gives lists of points.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from costcalc.errors import CostcalcError
from costcalc.record import NamedTuple
from costcalc.sweep.lanes import along
from costcalc.sweep.session import Diverged, MemoryLimit, Session, TextTemplate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from costcalc.sweep.session import Array

T = TypeVar("T")

MOST_POINTS = 1 << 17
"""The maximum number of points of a region that is a list of points."""


class Region(NamedTuple):
    """Configurations of a box of `shape`: the product of `indices`, sorted along each axis; or one list of points."""

    shape: tuple[int, ...]
    indices: tuple[Array, ...]
    flat: bool = False

    @property
    def size(self) -> tuple[int, ...]:
        """The shape of the `Lanes` of this region."""
        return self.indices[0].shape if self.flat else tuple([len(chosen) for chosen in self.indices])

    def positions(self) -> Array:
        """Return the positions of the points in the box, in row-major order."""
        chosen = self.indices if self.flat else np.ix_(*self.indices)
        positions: Array = np.ravel_multi_index(chosen, self.shape)
        return positions

    def local(self, positions: Array) -> tuple[Array, ...]:
        """Return the indices in the `Lanes` of this region of positions in the box."""
        if self.flat:
            return (np.searchsorted(self.positions(), positions),)
        index = np.unravel_index(positions, self.shape)
        return tuple([np.searchsorted(chosen, i) for chosen, i in zip(self.indices, index, strict=True)])

    def values(self, columns: Sequence[Array], session: Session) -> list[Any]:
        """Return the values of each axis in this region: `Lanes`, or a plain value if all are equal."""
        return [self.of(axis, column, session) for axis, column in enumerate(columns)]

    def of(self, axis: int, column: Array, session: Session) -> Any:
        """Return the values of a column along one axis."""
        chosen = self.indices[axis]
        shape = tuple([size if self.flat or axis == other else 1 for other, size in enumerate(self.size)])
        return along(column, chosen, shape, session)

    def split(self, classes: Array) -> list[Region]:
        """Divide the region into parts with equal entries in `classes`, the outcomes of a decision."""
        varying = [axis for axis in range(classes.ndim) if _varies(classes, axis)]
        if not varying:
            return [self]
        if len(varying) > 1:
            outcomes = np.broadcast_to(classes, self.size).reshape(-1)
            starts = range(0, len(outcomes), MOST_POINTS)
            pieces = [outcomes[start : start + MOST_POINTS] for start in starts]
            return [part for points, piece in zip(self.points(), pieces, strict=True) for part in points.split(piece)]
        for axis in range(classes.ndim):
            if axis not in varying:
                classes = classes.take([0], axis)
        _, inverse, counts = np.unique(classes, return_inverse=True, return_counts=True)
        grouped = np.split(np.argsort(inverse.reshape(-1), kind="stable"), np.cumsum(counts)[:-1])
        return [self.part(varying[0], chosen) for chosen in grouped]

    def part(self, axis: int, chosen: Any) -> Region:
        """Return the part with some indices along one axis."""
        if self.flat:
            return self._replace(indices=tuple([indices[chosen] for indices in self.indices]))
        return self._replace(indices=(*self.indices[:axis], self.indices[axis][chosen], *self.indices[axis + 1 :]))

    def points(self) -> Iterator[Region]:
        """Yield the same configurations as lists of points, in the order of the grid."""
        positions = self.positions().reshape(-1)
        for start in range(0, len(positions), MOST_POINTS):
            indices = np.unravel_index(positions[start : start + MOST_POINTS], self.shape)
            yield Region(self.shape, tuple(np.asarray(index, np.int32) for index in indices), flat=True)

    def halves(self) -> list[Region]:
        """Divide the region into two parts along the longest axis."""
        axis = max(range(len(self.size)), key=lambda axis: self.size[axis])
        middle = self.size[axis] // 2
        return [self.part(axis, slice(None, middle)), self.part(axis, slice(middle, None))]


class RegionResult(NamedTuple):
    """The result of a function for a region, or the text of the error of all its configurations."""

    region: Region
    result: Any
    error: TextTemplate | None = None


def column(values: Sequence[Any]) -> Array:
    """Return an object array of values of any type."""
    array = np.empty(len(values), object)
    for index, value in enumerate(values):
        array[index] = value
    return array


def whole(columns: Sequence[Array]) -> Iterator[Region]:
    """Return all configurations of a box: a region for each combination of number types and other values."""
    shape = tuple([len(column) for column in columns])
    return (Region(shape, indices) for indices in product(*map(alike, columns)))


def outcomes(
    function: Callable[[Region, Session], T], regions: Iterable[Region], pause: Callable[[], None] = lambda: None
) -> Iterator[RegionResult]:
    """Call a function for regions, and divide them as often as necessary. `pause` is called before each attempt."""
    for first in regions:
        waiting = [first]
        while waiting:
            region = waiting.pop()
            session = Session()
            pause()
            try:
                with np.errstate(all="ignore"):
                    outcome = _attempt(function, region, session)
            except Diverged as diverged:
                parts = region.split(diverged.classes)
                if len(parts) < 2:
                    raise RuntimeError("a decision does not divide the region") from diverged
            except MemoryLimit:
                parts = region.halves()
            else:
                yield outcome
                continue
            waiting.extend(parts[::-1])


def _attempt(function: Callable[[Region, Session], T], region: Region, session: Session) -> RegionResult:
    try:
        return RegionResult(region, function(region, session))
    except CostcalcError as error:
        return RegionResult(region, None, session.text(error.fault().message))


def alike(column: Array) -> list[Array]:
    """Return the indices of the numbers of each type, and of each other value."""
    groups: dict[Any, list[int]] = {}
    for index, value in enumerate(column.tolist()):
        groups.setdefault(type(value) if type(value) in (int, float) else (type(value), value), []).append(index)
    return [np.array(indices, np.int32) for indices in groups.values()]


def _varies(classes: Array, axis: int) -> bool:
    return classes.shape[axis] > 1 and bool((classes != classes.take([0], axis)).any())
