"""The Pareto front: the points that no other point dominates."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import numpy as np

from costcalc.errors import UsageError

if TYPE_CHECKING:
    from costcalc.sweep.session import Array

MOST = 250_000
"""The maximum number of points of a front in up to three quantities, which takes one step per point."""
MOST_OF_MANY = 20_000
"""The maximum number of points of a front in more quantities, where each point is compared with all of the front."""
_BLOCK, _AT_ONCE = 256, 4096


def front(ranks: Array) -> Array:
    """Return the sorted indices of the rows that no other row dominates.

    A row dominates another if it is at most as large in each column and smaller in one. Equal rows are in the front
    together. Raises `UsageError` for a front that is too large.

    >>> front(np.array([[1, 3], [2, 2], [2, 3], [1, 3]])).tolist()
    [0, 1, 3]
    """
    order = np.lexsort(ranks.T[::-1])
    ranks = ranks[order]
    new = np.concatenate([[True], (ranks[1:] != ranks[:-1]).any(axis=1)])
    distinct = ranks[new]
    keys = ranks.shape[1]
    best = _of_two(distinct) if keys <= 2 else _of_three(distinct) if keys == 3 else _of_many(distinct)
    indices: Array = np.sort(order[best[np.cumsum(new) - 1]])
    if len(indices) > MOST:
        raise _too_large(MOST)
    return indices


def _too_large(most: int) -> UsageError:
    help = "add a condition, or use larger steps or fewer quantities"
    return UsageError("the Pareto front has more than {:,} points", most, help=help)


def _of_two(rows: Array) -> Array:
    """Mark the sorted, distinct rows whose last entry is below all before it. With one column, mark the first row."""
    best = np.zeros(len(rows), bool)
    best[0] = True
    if rows.shape[1] == 2:
        last = rows[:, 1]
        best[1:] = last[1:] < np.minimum.accumulate(last)[:-1]
    return best


def _of_three(rows: Array) -> Array:
    """Mark the sorted, distinct rows that no earlier row dominates in the second and third entry.

    The lists contain the front of the earlier rows: the second entry increases and the third decreases.
    """
    best = np.zeros(len(rows), bool)
    second: list[int] = []
    third: list[int] = []
    for place, (_, two, three) in enumerate(rows.tolist()):
        at = bisect_right(second, two)
        if at and third[at - 1] <= three:
            continue
        best[place] = True
        start = bisect_left(second, two)
        stop = start
        while stop < len(third) and third[stop] >= three:
            stop += 1
        second[start:stop] = [two]
        third[start:stop] = [three]
    return best


def _of_many(rows: Array) -> Array:
    """Mark the sorted, distinct rows that no earlier row of the front dominates, block by block."""
    best = np.zeros(len(rows), bool)
    known = rows[:0]
    for start in range(0, len(rows), _BLOCK):
        places = np.arange(start, min(start + _BLOCK, len(rows)))
        for first in range(0, len(known), _AT_ONCE):
            places = places[~_beaten(rows[places], known[first : first + _AT_ONCE]).any(axis=1)]
        among = _beaten(rows[places], rows[places])
        np.fill_diagonal(among, val=False)
        places = places[~among.any(axis=1)]
        best[places] = True
        known = np.concatenate([known, rows[places]])
        if len(known) > MOST_OF_MANY:
            raise _too_large(MOST_OF_MANY)
    return best


def _beaten(rows: Array, others: Array) -> Array:
    """Return for each row which of the others are at most as large in every entry."""
    beaten: Array = np.ones((len(rows), len(others)), bool)
    for column in range(rows.shape[1]):
        beaten &= others[None, :, column] <= rows[:, None, column]
    return beaten
