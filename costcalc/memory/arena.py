"""The place of each buffer in one arena, by the greedy planner of TensorFlow Lite for Microcontrollers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from costcalc import run_budget
from costcalc.engine import LimitError
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.formula import Dim
    from costcalc.memory.schedule import Schedule

ALIGNMENT = 16
"""Sizes and offsets are multiples of so many bytes."""
MAX_RANGES = 50_000_000
"""The taken ranges that a plan may look at: about 10 seconds. DenseNet-121 needs 544 for its 427 layers."""
RANGES_PER_STEP = 40
"""The ranges that take as long as a step of the budget of a run."""


class ArenaSlot(NamedTuple):
    """A part of the arena: buffers of which each is written over the one before, and the steps from first to last."""

    first: int
    last: int
    size: int
    buffers: tuple[int, ...]


def slots(schedule: Schedule) -> list[ArenaSlot]:
    """Return the slots that the buffers need, in the order in which they are written. Sizes are aligned."""
    chains: dict[int, list[int]] = {}
    heads: dict[int, int] = {}
    for place, buffer in enumerate(schedule.buffers):
        if not schedule.inside(buffer):
            head = heads[place] = place if buffer.over is None else heads[buffer.over]
            chains.setdefault(head, []).append(place)
    found = []
    for chain in chains.values():
        members = [schedule.buffers[place] for place in chain]
        # A buffer is written over one that is at least as large.
        size = aligned(members[0].size)
        found.append(ArenaSlot(members[0].first, max(member.last for member in members), size, tuple(chain)))
    return found


def aligned(size: Dim) -> Dim:
    """Return a size rounded up to a multiple of `ALIGNMENT`.

    >>> aligned(1), aligned(16000)
    (16, 16000)
    """
    return -(-size // ALIGNMENT) * ALIGNMENT


def planned(slots: Sequence[ArenaSlot], steps: int) -> list[int]:
    """Return the offset of each slot.

    The largest is placed first, of equal ones the later; each in the first gap among those placed before it that live
    at a common step. The time is O(n log n) for n slots, times the number of gaps at a step. Raises `LimitError` if
    that is more than `MAX_RANGES`.

    >>> planned([ArenaSlot(0, 1, 96, ()), ArenaSlot(1, 2, 32, ()), ArenaSlot(2, 3, 64, ())], 4)
    [0, 96, 0]
    """
    offsets = [0] * len(slots)
    placed = _Placed(steps)
    for place in sorted(range(len(slots)), key=lambda place: (-slots[place].size, -place)):
        first, last, size, _ = slots[place]
        offsets[place] = offset = placed.gap(first, last, size)
        placed.add(first, last, offset, offset + size)
    return offsets


class _Ranges:
    """Disjoint ranges of bytes, sorted."""

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, start: int, end: int) -> bool:
        """Add a range, joined with those that it touches. Return whether that changes anything."""
        starts, ends = self.starts, self.ends
        low = bisect_left(ends, start)
        high = bisect_right(starts, end)
        if high - low == 1 and starts[low] <= start and end <= ends[low]:
            return False
        if low < high:
            start, end = min(start, starts[low]), max(end, ends[high - 1])
        starts[low:high] = [start]
        ends[low:high] = [end]
        return True


class _Placed:
    """The ranges of bytes that are taken, by step: a tree whose nodes are ranges of steps."""

    def __init__(self, steps: int) -> None:
        self.leaves = self.highest = 1 << (steps - 1).bit_length()
        """The number of the first leaf. The children of a node are 2·node and 2·node + 1."""
        self.whole: dict[int, _Ranges] = {}
        """What is taken at all steps of a node, by what was placed at this node."""
        self.ranges_left = MAX_RANGES
        self.some: dict[int, _Ranges] = {}
        """What is taken at any step of a node, by what was placed at it or below. `highest` is the first of `whole`."""

    def _nodes(self, first: int, last: int) -> list[int]:
        """Return the largest nodes that are the steps from first to last."""
        nodes = []
        low, high = first + self.leaves, last + self.leaves + 1
        while low < high:
            if low & 1:
                nodes.append(low)
                low += 1
            if high & 1:
                high -= 1
                nodes.append(high)
            low >>= 1
            high >>= 1
        return nodes

    def gap(self, first: int, last: int, size: int) -> int:
        """Return the first offset at which so many bytes are free at all of these steps."""
        taken = set()
        for node in self._nodes(first, last):
            if node in self.some:
                taken.add(self.some[node])
            node >>= 1
            while node >= self.highest:
                if node in self.whole:
                    taken.add(self.whole[node])
                node >>= 1
        ranges = [pair for each in taken for pair in zip(each.starts, each.ends, strict=True)]
        self._look_at(len(ranges))
        ranges.sort()
        offset = 0
        for start, end in ranges:
            if start - offset >= size:
                break
            offset = max(offset, end)
        return offset

    def _look_at(self, ranges: int) -> None:
        """Count the ranges that a search looks at. Raises `LimitError`."""
        run_budget.spend(ranges // RANGES_PER_STEP)
        self.ranges_left -= ranges
        if self.ranges_left < 0:
            raise LimitError(
                "too many tensors are alive at once to plan their arena: it takes more than {:,} comparisons",
                MAX_RANGES,
                help="plan a part of the network: a spec of its own",
            )

    def add(self, first: int, last: int, start: int, end: int) -> None:
        """Take a range of bytes at these steps."""
        for node in self._nodes(first, last):
            if node < self.leaves:  # of a leaf, both are the same
                if node not in self.whole:
                    self.whole[node] = _Ranges()
                    self.highest = min(self.highest, node)
                self.whole[node].add(start, end)
            while node:
                if node not in self.some:
                    self.some[node] = _Ranges()
                if not self.some[node].add(start, end):
                    break
                node >>= 1


def high_water(slots: Sequence[ArenaSlot], offsets: Sequence[int], steps: int) -> list[int]:
    """Return the largest end of a slot alive at each step."""
    born: dict[int, list[int]] = {}
    for place, slot in enumerate(slots):
        born.setdefault(slot.first, []).append(place)
    found = []
    ends: list[tuple[int, int]] = []
    for step in range(steps):
        for place in born.get(step, ()):
            heappush(ends, (-offsets[place] - slots[place].size, slots[place].last))
        while ends and ends[0][1] < step:
            heappop(ends)
        found.append(-ends[0][0] if ends else 0)
    return found
