"""Aligns the layers of two networks, through renames, insertions and moves.

Unchanged layers are paired first. In the gaps between them, the alignment with the highest score is computed. Layers
that are then left and have a counterpart elsewhere have moved.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from costcalc import run_budget
from costcalc.model import Totals
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from costcalc.model import Row

SAME, CHANGED, RENAMED, MOVED, ADDED, REMOVED = "same", "changed", "renamed", "moved", "added", "removed"

_MOST = 250_000
"""The largest gap, in pairs of layers, for which the alignment is computed. Larger gaps are paired by name."""


class Pair(NamedTuple):
    """A layer at the base and now. One of them is None if the layer was added or removed."""

    base: Row | None
    row: Row | None
    status: str

    @property
    def name(self) -> str:
        """The name now; for a removed layer, the name at the base."""
        layer = self.row or self.base
        return layer.name if layer else ""

    @property
    def base_totals(self) -> Totals:
        """The totals at the base."""
        return self.base.totals if self.base else Totals()

    @property
    def totals(self) -> Totals:
        """The totals now."""
        return self.row.totals if self.row else Totals()


def align(base: Sequence[Row], rows: Sequence[Row]) -> list[Pair]:
    """Return every layer of both networks once, in the order of the new one, with removed layers in between."""
    run_budget.spend(len(base) + len(rows))
    partner: dict[int, int] = {}
    for first, last, first_row, last_row in _gaps(base, rows, partner):
        _pair_gap(base, rows, range(first, last), range(first_row, last_row), partner)
    in_order = set(partner)
    for key in (_given_name, _work, _name):
        _pair_rest(base, rows, partner, key)
    moved = {index for index in partner if index not in in_order}
    return _list(base, rows, partner, moved)


def _list(base: Sequence[Row], rows: Sequence[Row], partner: dict[int, int], moved: set[int]) -> list[Pair]:
    pairs: list[Pair] = []
    base_index_of = {index: base_index for base_index, index in partner.items()}
    position = 0
    for index, row in enumerate(rows):
        base_index = base_index_of.get(index)
        if base_index is None:
            pairs.append(Pair(None, row, ADDED))
            continue
        if base_index not in moved:
            pairs += [Pair(base[each], None, REMOVED) for each in range(position, base_index) if each not in partner]
            position = max(position, base_index + 1)
        pairs.append(Pair(base[base_index], row, _status(base[base_index], row, base_index in moved)))
    return pairs + [Pair(base[each], None, REMOVED) for each in range(position, len(base)) if each not in partner]


def _status(base: Row, row: Row, moved: bool) -> str:
    if base.totals.counts != row.totals.counts or base.op != row.op:
        return CHANGED
    if moved:
        return MOVED
    return SAME if base.name == row.name else RENAMED


def _name(row: Row) -> Hashable:
    return row.name, row.op


def _given_name(row: Row) -> Hashable:
    return None if _automatic(row) else _name(row)


def _work(row: Row) -> Hashable:
    """Return the op, cost and shapes of a layer; None if it has no parameters and no multiply-adds."""
    return (row.op, row.totals.counts, row.inputs, row.outputs) if row.totals.params or row.totals.macs else None


def _exact(row: Row) -> Hashable:
    return (row.name, row.op, row.totals.counts, row.inputs, row.outputs)


def _automatic(row: Row) -> bool:
    """Return whether a layer has the default name of its op, possibly with a number."""
    numbered = f"{row.op}_"
    return any(
        part == row.op or (part.startswith(numbered) and part[len(numbered) :].isdecimal())
        for part in row.name.rsplit(".", 3)[-3:]
    )


def _gaps(base: Sequence[Row], rows: Sequence[Row], partner: dict[int, int]) -> Iterable[tuple[int, int, int, int]]:
    """Pair unchanged layers in the same order, and yield the gaps between them."""
    index_of = {key: index for index, key in enumerate(map(_exact, rows))}
    anchors = _increasing([(index, index_of[key]) for index, key in enumerate(map(_exact, base)) if key in index_of])
    partner.update(anchors)
    first = first_row = 0
    for last, last_row in [*anchors, (len(base), len(rows))]:
        if last > first or last_row > first_row:
            yield first, last, first_row, last_row
        first, first_row = last + 1, last_row + 1


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest subsequence of the pairs that increases on both sides.

    >>> _increasing([(0, 3), (1, 0), (2, 1), (3, 2)])
    [(1, 0), (2, 1), (3, 2)]
    """
    ends: list[int] = []
    tails: list[int] = []
    before: list[int] = []
    for index, (_, end) in enumerate(pairs):
        length = bisect_left(ends, end)
        before.append(tails[length - 1] if length else -1)
        ends[length : length + 1] = [end]
        tails[length : length + 1] = [index]
    chain = []
    index = tails[-1] if tails else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _pair_gap(base: Sequence[Row], rows: Sequence[Row], base_gap: range, gap: range, partner: dict[int, int]) -> None:
    """Align two gaps with the highest score (Needleman and Wunsch 1970, without a penalty for gaps)."""
    if not base_gap or not gap:
        return
    if len(base_gap) * len(gap) > _MOST:
        names = {rows[index].name: index for index in gap}
        same_names = [(index, names[base[index].name]) for index in base_gap if base[index].name in names]
        partner.update(pair for pair in _increasing(same_names) if base[pair[0]].op == rows[pair[1]].op)
        return
    scores = _scores(base[base_gap.start : base_gap.stop], rows[gap.start : gap.stop])
    best = [[0] * (len(gap) + 1)]
    for row in reversed(scores):
        after, line = 0, [0]
        for points, below, beside in zip(reversed(row), reversed(best[-1][:-1]), reversed(best[-1][1:]), strict=True):
            if points and beside + points > below:
                below = beside + points
            if below > after:
                after = below
            line.append(after)
        best.append(line[::-1])
    best.reverse()
    i = j = 0
    while i < len(base_gap) and j < len(gap):
        points = scores[i][j]
        if points and best[i][j] == best[i + 1][j + 1] + points:
            partner[base_gap[i]] = gap[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1


def _scores(base: Sequence[Row], rows: Sequence[Row]) -> list[list[int]]:
    """Return the similarity of each pair of layers, by op, shapes, figures and name. A given name counts most.

    Many layers of a network are equal but for their names, so only the score of the names is computed for each pair.
    """
    named: dict[str, list[int]] = {}
    beside: dict[str, list[int]] = {}
    kinds: dict[Hashable, tuple[int, Row]] = {}
    for index, row in enumerate(rows):
        named.setdefault(row.name, []).append(index)
        beside.setdefault(_around(row), []).append(index)
        kinds.setdefault(_kind(row), (len(kinds), row))
    kind_of = [kinds[_kind(row)][0] for row in rows]
    known: dict[Hashable, list[int]] = {}
    result = []
    for layer in base:
        key = _kind(layer), _around(layer)
        if key not in known:
            alike = [_alike(layer, row) for _, row in kinds.values()]
            known[key] = points = [alike[kind] for kind in kind_of]
            for index in beside.get(_around(layer), ()):
                points[index] += bool(points[index])
        points = known[key].copy()
        for index in named.get(layer.name, ()):
            given = not _automatic(rows[index])
            points[index] = points[index] + (7 if given else 2) if points[index] else 4 * given
        result.append(points)
    return result


def _kind(row: Row) -> Hashable:
    return row.op, row.inputs, row.outputs, row.totals.counts


def _around(row: Row) -> str:
    """Return the name without its last segment."""
    return row.name.rpartition(".")[0]


def _alike(base: Row, row: Row) -> int:
    if base.op != row.op:
        return 0
    return 1 + 2 * (
        (base.outputs == row.outputs) + (base.inputs == row.inputs) + (base.totals.counts == row.totals.counts)
    )


def _pair_rest(
    base: Sequence[Row], rows: Sequence[Row], partner: dict[int, int], key: Callable[[Row], Hashable]
) -> None:
    """Pair the layers that are left, whatever their positions are."""
    taken = set(partner.values())
    unpaired: dict[Hashable, list[int]] = {}
    for index in range(len(rows) - 1, -1, -1):
        if index not in taken and (name := key(rows[index])) is not None:
            unpaired.setdefault(name, []).append(index)
    for index, layer in enumerate(base):
        if index not in partner and (candidates := unpaired.get(key(layer))):
            partner[index] = candidates.pop()
