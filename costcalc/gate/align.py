"""Which layer of one network is which of another: through renames, insertions and moves.

Layers that no name or argument changed are found first and hold the rest in place. Between them the alignment with the
most in common is sought; what is then left over and stands elsewhere has moved.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from costcalc import run_budget
from costcalc.model import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from costcalc.model import Row

SAME, CHANGED, RENAMED, MOVED, ADDED, REMOVED = "same", "changed", "renamed", "moved", "added", "removed"

_MOST = 250_000
"""The pairs of layers that are compared one by one; beyond, layers are paired by name alone."""


class Pair(NamedTuple):
    """A layer at the base and now. One of them is missing where it was added or removed."""

    base: Row | None
    row: Row | None
    status: str

    @property
    def name(self) -> str:
        """Its name now; of a layer that was removed, its name then."""
        layer = self.row or self.base
        return layer.name if layer else ""

    @property
    def base_totals(self) -> Totals:
        """What it cost."""
        return self.base.totals if self.base else Totals()

    @property
    def totals(self) -> Totals:
        """What it costs."""
        return self.row.totals if self.row else Totals()


def align(base: Sequence[Row], rows: Sequence[Row]) -> list[Pair]:
    """Every layer of both networks once, in the order of the new one; what was removed stands where it stood."""
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
    back = {here: there for there, here in partner.items()}
    at = 0
    for index, row in enumerate(rows):
        there = back.get(index)
        if there is None:
            pairs.append(Pair(None, row, ADDED))
            continue
        if there not in moved:
            pairs += [Pair(base[each], None, REMOVED) for each in range(at, there) if each not in partner]
            at = max(at, there + 1)
        pairs.append(Pair(base[there], row, _status(base[there], row, there in moved)))
    return pairs + [Pair(base[each], None, REMOVED) for each in range(at, len(base)) if each not in partner]


def _status(base: Row, row: Row, moved: bool) -> str:
    if base.totals != row.totals or base.op != row.op:
        return CHANGED
    if moved:
        return MOVED
    return SAME if base.name == row.name else RENAMED


def _name(row: Row) -> Hashable:
    return row.name, row.op


def _given_name(row: Row) -> Hashable:
    return None if _automatic(row) else _name(row)


def _work(row: Row) -> Hashable:
    """What a layer does; nothing for one without weights and multiplications, which are all alike."""
    return (row.op, row.totals, row.inputs, row.outputs) if row.totals.params or row.totals.macs else None


def _exact(row: Row) -> Hashable:
    return (row.name, row.op, row.totals, row.inputs, row.outputs)


def _automatic(row: Row) -> bool:
    """Whether a layer has the name that its op gives it by itself, with numbers of its own."""
    numbered = f"{row.op}_"
    return any(
        part == row.op or (part.startswith(numbered) and part[len(numbered) :].isdecimal())
        for part in row.name.rsplit(".", 3)[-3:]
    )


def _gaps(base: Sequence[Row], rows: Sequence[Row], partner: dict[int, int]) -> Iterable[tuple[int, int, int, int]]:
    """Pair what is exactly the same and in the same order; the stretches between are what is left to look at."""
    where = {key: index for index, key in enumerate(map(_exact, rows))}
    anchors = _increasing([(index, where[key]) for index, key in enumerate(map(_exact, base)) if key in where])
    partner.update(anchors)
    at = at_row = 0
    for there, here in [*anchors, (len(base), len(rows))]:
        if there > at or here > at_row:
            yield at, there, at_row, here
        at, at_row = there + 1, here + 1


def _increasing(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs that is in order on both sides.

    >>> _increasing([(0, 3), (1, 0), (2, 1), (3, 2)])
    [(1, 0), (2, 1), (3, 2)]
    """
    ends: list[int] = []
    tails: list[int] = []
    before: list[int] = []
    for index, (_, here) in enumerate(pairs):
        length = bisect_left(ends, here)
        before.append(tails[length - 1] if length else -1)
        ends[length : length + 1] = [here]
        tails[length : length + 1] = [index]
    chain = []
    index = tails[-1] if tails else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _pair_gap(base: Sequence[Row], rows: Sequence[Row], there: range, here: range, partner: dict[int, int]) -> None:
    """The alignment of two stretches with the most in common (Needleman and Wunsch 1970, without a price for gaps)."""
    if not there or not here:
        return
    if len(there) * len(here) > _MOST:
        names = {rows[index].name: index for index in here}
        found = [(index, names[base[index].name]) for index in there if base[index].name in names]
        partner.update(pair for pair in _increasing(found) if base[pair[0]].op == rows[pair[1]].op)
        return
    common = _common(base[there.start : there.stop], rows[here.start : here.stop])
    best = [[0] * (len(here) + 1)]
    for row in reversed(common):
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
    while i < len(there) and j < len(here):
        points = common[i][j]
        if points and best[i][j] == best[i + 1][j + 1] + points:
            partner[there[i]] = here[j]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1


def _common(base: Sequence[Row], rows: Sequence[Row]) -> list[list[int]]:
    """How much speaks for two layers being one: the op, the shapes, the figures; the name, most if somebody gave it.

    Most layers of a network do the same as others, so that only what names add is found for each pair.
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
    return row.op, row.inputs, row.outputs, row.totals


def _around(row: Row) -> str:
    """The name without its last segment."""
    return row.name.rpartition(".")[0]


def _alike(base: Row, row: Row) -> int:
    if base.op != row.op:
        return 0
    return 1 + 2 * ((base.outputs == row.outputs) + (base.inputs == row.inputs) + (base.totals == row.totals))


def _pair_rest(
    base: Sequence[Row], rows: Sequence[Row], partner: dict[int, int], key: Callable[[Row], Hashable]
) -> None:
    """Pair what is left over, wherever it stands."""
    taken = set(partner.values())
    waiting: dict[Hashable, list[int]] = {}
    for index in range(len(rows) - 1, -1, -1):
        if index not in taken and (name := key(rows[index])) is not None:
            waiting.setdefault(name, []).append(index)
    for index, layer in enumerate(base):
        if index not in partner and (found := waiting.get(key(layer))):
            partner[index] = found.pop()
