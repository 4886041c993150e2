"""Two networks layer by layer: what was added, removed, changed, moved; by layer, by group, and in total."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from costcalc.gate.align import ADDED, RENAMED, SAME, align
from costcalc.gate.align import REMOVED as GONE
from costcalc.gate.results import DELETED, MODIFIED, NEW, UNCHANGED
from costcalc.model import Totals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.model import Analysis, Row


class Line(NamedTuple):
    """A layer, a group of layers or a network: its figures then and now, and the change of each figure.

    `base_name` and `base_op` are empty where nothing was, `name` and `op` where nothing is.
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
        """The name now; of what is gone, the name then."""
        return self.name or self.base_name

    def part(self, metric: str) -> Fraction | None:
        """The change of a figure as a part of what it was."""
        base: int = getattr(self.base, metric)
        return Fraction(getattr(self.change, metric), base) if base else None


class Difference(NamedTuple):
    """Two networks side by side. `layers` are all of them, in the order of the new one."""

    total: Line
    groups: tuple[Line, ...]
    layers: tuple[Line, ...]

    @property
    def moved(self) -> list[Line]:
        """The layers that are not what they were; those that have only another name left out."""
        return [line for line in self.layers if line.status not in (SAME, RENAMED)]

    @property
    def renamed(self) -> int:
        """How many layers have only another name."""
        return sum(line.status == RENAMED for line in self.layers)

    @property
    def differs(self) -> bool:
        """Whether anything but names is different."""
        return bool(self.moved) or self.total.base != self.total.totals


def diff(name: str, now: Analysis | None, base_name: str, base: Analysis | None, depth: int = 1) -> Difference:
    """The difference of two networks; either may be missing. Groups are by the first `depth` segments of names."""
    old, new = base.layers if base else (), now.layers if now else ()
    layers = tuple([_line(pair.base, pair.row, pair.status) for pair in align(old, new)])
    status = NEW if base is None else DELETED if now is None else ""
    then, here = base.totals if base else Totals(), now.totals if now else Totals()
    total = Line(name if now else "", base_name if base else "", status, then, here, _minus(here, then))
    difference = Difference(total, tuple(_groups(layers, depth)), layers)
    if not status:
        total = total._replace(status=MODIFIED if difference.differs else UNCHANGED)
    return difference._replace(total=total)


def _line(base: Row | None, row: Row | None, status: str) -> Line:
    then, here = base.totals if base else Totals(), row.totals if row else Totals()
    return Line(
        row.name if row else "",
        base.name if base else "",
        status,
        then,
        here,
        _minus(here, then),
        row.op if row else "",
        base.op if base else "",
    )


def _groups(layers: Iterable[Line], depth: int) -> list[Line]:
    """Layers whose names begin with the same segments, summed; what lies in no group stands alone already."""
    sums: dict[str, tuple[Totals, Totals, set[str]]] = {}
    for line in layers:
        for name, then, here in _places(line, depth):
            base, now, seen = sums.get(name, (Totals(), Totals(), set()))
            sums[name] = (_plus(base, then), _plus(now, here), seen | {line.status})
    lines = []
    for name, (base, now, seen) in sums.items():
        status = seen.pop() if len(seen) == 1 else "changed" if seen - {SAME, RENAMED} else SAME
        status = SAME if status == RENAMED else status
        new_name, base_name = ("" if status == GONE else name), ("" if status == ADDED else name)
        lines.append(Line(new_name, base_name, status, base, now, _minus(now, base)))
    return lines


def _places(line: Line, depth: int) -> list[tuple[str, Totals, Totals]]:
    """The groups of a layer then and now, which differ where it moved."""
    then, here = (_group(name, depth) for name in (line.base_name, line.name))
    if then == here or not (then and here):
        name = here or then
        return [(name, line.base, line.totals)] if name else []
    return [(then, line.base, Totals()), (here, Totals(), line.totals)]


def _group(name: str, depth: int) -> str:
    parts = name.split(".")
    return ".".join(parts[: min(depth, len(parts) - 1)])


def _plus(one: Totals, other: Totals) -> Totals:
    return one + other


def _minus(one: Totals, other: Totals) -> Totals:
    return Totals(*[left - right for left, right in zip(one, other, strict=True)])
