"""Compares two networks by layer, by group of layers, and in total."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from costcalc.gate.align import ADDED, RENAMED, SAME, align
from costcalc.gate.align import REMOVED as GONE
from costcalc.gate.results import DELETED, MODIFIED, NEW, UNCHANGED
from costcalc.model import Totals
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.model import Analysis, Row


class Line(NamedTuple):
    """A layer, a group of layers or a network: its figures at the base and now, and their change.

    `base_name` and `base_op` are empty if it was added, `name` and `op` if it was removed.
    """

    name: str
    base_name: str
    status: str
    base: Totals
    totals: Totals
    change: Totals
    op: str = ""
    base_op: str = ""

    @property
    def label(self) -> str:
        """The name now; if it was removed, the name at the base."""
        return self.name or self.base_name

    def moved_by(self, metric: str) -> float:
        """Return the change of a figure. That of a ratio is not the ratio of the changes."""
        if metric == "intensity":
            return self.totals.intensity - self.base.intensity
        change: int = getattr(self.change, metric)
        return change

    def part(self, metric: str) -> Fraction | None:
        """Return the relative change of a figure; None if it was 0."""
        base: int = getattr(self.base, metric)
        return Fraction(getattr(self.change, metric), base) if base else None


class Difference(NamedTuple):
    """The difference of two networks. `layers` are all layers, in the order of the new network."""

    total: Line
    groups: tuple[Line, ...]
    layers: tuple[Line, ...]

    @property
    def moved(self) -> list[Line]:
        """The layers that differ in more than their names."""
        return [line for line in self.layers if line.status not in (SAME, RENAMED)]

    @property
    def renamed(self) -> int:
        """The number of layers that differ only in their names."""
        return sum(line.status == RENAMED for line in self.layers)

    @property
    def differs(self) -> bool:
        """Whether the networks differ in more than names."""
        return bool(self.moved) or self.total.base != self.total.totals


def diff(name: str, now: Analysis | None, base_name: str, base: Analysis | None, depth: int = 1) -> Difference:
    """Return the difference of two networks, of which one may be None. `depth` is the number of segments of a group."""
    old, new = base.layers if base else (), now.layers if now else ()
    layers = tuple([_line(pair.base, pair.row, pair.status) for pair in align(old, new)])
    status = NEW if base is None else DELETED if now is None else ""
    old_totals, totals = base.totals if base else Totals(), now.totals if now else Totals()
    change = _minus(totals, old_totals)
    total = Line(name if now else "", base_name if base else "", status, old_totals, totals, change)
    difference = Difference(total, tuple(_groups(layers, depth)), layers)
    if not status:
        total = total._replace(status=MODIFIED if difference.differs else UNCHANGED)
    return difference._replace(total=total)


def _line(base: Row | None, row: Row | None, status: str) -> Line:
    old_totals, totals = base.totals if base else Totals(), row.totals if row else Totals()
    return Line(
        row.name if row else "",
        base.name if base else "",
        status,
        old_totals,
        totals,
        _minus(totals, old_totals),
        row.op if row else "",
        base.op if base else "",
    )


def _groups(layers: Iterable[Line], depth: int) -> list[Line]:
    """Return the sums of the layers whose names begin with the same segments."""
    sums: dict[str, tuple[Totals, Totals, set[str]]] = {}
    for line in layers:
        for name, old_totals, totals in _group_totals(line, depth):
            base, now, seen = sums.get(name, (Totals(), Totals(), set()))
            sums[name] = (base + old_totals, now + totals, seen | {line.status})
    lines = []
    for name, (base, now, seen) in sums.items():
        status = seen.pop() if len(seen) == 1 else "changed" if seen - {SAME, RENAMED} else SAME
        status = SAME if status == RENAMED else status
        new_name, base_name = ("" if status == GONE else name), ("" if status == ADDED else name)
        lines.append(Line(new_name, base_name, status, base, now, _minus(now, base)))
    return lines


def _group_totals(line: Line, depth: int) -> list[tuple[str, Totals, Totals]]:
    """Return the groups of a layer at the base and now, which differ if it moved, with its totals in each."""
    old_group, group = (_group(name, depth) for name in (line.base_name, line.name))
    if old_group == group or not (old_group and group):
        name = group or old_group
        return [(name, line.base, line.totals)] if name else []
    return [(old_group, line.base, Totals()), (group, Totals(), line.totals)]


def _group(name: str, depth: int) -> str:
    parts = name.split(".")
    return ".".join(parts[: min(depth, len(parts) - 1)])


def _minus(one: Totals, other: Totals) -> Totals:
    return Totals(*[left - right for left, right in zip(one, other, strict=True)])
