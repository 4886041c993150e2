"""Names of layers while a network is built: the lookup of outputs, and the segments of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from costcalc.errors import CostcalcError, counted, suggest
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costcalc.model import Tensor


class NameTable(Protocol):
    """The names inside a group, branch or block."""

    def get(self, name: str) -> NameEntry | None:
        """Return the entry of a name."""


class NameEntry(NamedTuple):
    """The item of a name: its outputs, its layers as a range of indices, and its copies by number."""

    outputs: tuple[Tensor, ...]
    first: int = 0
    last: int = 0
    copies: Mapping[str, NameEntry] = {}
    called: object = None
    """The block and its argument values, if the item is a block."""
    inner: NameTable | None = None
    """The names inside the item, if the spec refers to any by a path."""
    absent: bool = False
    """Whether the condition of the item left it out. The outputs are those of the layer before."""


class LayerValue:
    """A layer as the value of a name: of a block's argument, or of a loop variable."""

    __slots__ = ("entry",)

    def __init__(self, entry: NameEntry) -> None:
        self.entry = entry


class Names:
    """The names of a list of layers, and of the enclosing lists in the same block."""

    __slots__ = ("outer", "table")

    def __init__(self, outer: Names | None = None, table: dict[str, NameEntry] | None = None) -> None:
        self.outer = outer
        self.table: dict[str, NameEntry] = table or {}

    def find(self, steps: Sequence[str], previous: tuple[Tensor, ...] | None = None) -> NameEntry:
        """Return the entry of a path such as `stem`, `x.0`, `stage.0.conv` or `x.*`. `prev` refers to `previous`.

        Raises `CostcalcError` with the nearest name.
        """
        head = steps[0]
        if head == "prev" and previous is not None:
            return follow(NameEntry(previous), steps)
        scope: Names | None = self
        while scope is not None:
            entry = scope.table.get(head)
            if entry is not None:
                return entry if len(steps) == 1 else follow(entry, steps)
            scope = scope.outer
        otherwise = "name an earlier layer of this list, or of a list around it"
        if head.lstrip("-").isdecimal():
            help = "write prev for the layer before this one"
        else:
            help = suggest(head, self.known(), otherwise)
        raise CostcalcError("layer {} is not defined before this one", ".".join(steps), help=help)

    def known(self) -> list[str]:
        """Return all visible names."""
        return [*self.table, *(self.outer.known() if self.outer else ["prev"])]


def follow(entry: NameEntry, steps: Sequence[str], at: int = 1) -> NameEntry:
    """Return the entry at the end of a path, whose first `at` steps lead to `entry`."""
    for position in range(at, len(steps)):
        step = steps[position]
        if step == "*":
            copies = list(entry.copies.values()) or [NameEntry((o,), entry.first, entry.last) for o in entry.outputs]
            ends = [follow(copy, steps, position + 1) for copy in copies]
            return NameEntry(tuple([o for end in ends for o in end.outputs]), entry.first, entry.last)
        found = _inside(entry, step)
        if found is None:
            raise _unknown(entry, steps, position)
        entry = found
    return entry


def _inside(entry: NameEntry, step: str) -> NameEntry | None:
    """Return a copy, an output or a layer inside of an entry."""
    number = step.removeprefix("-")
    if not number.isdecimal() or len(number) > 6:
        return entry.copies.get(step) or (entry.inner.get(step) if entry.inner else None)
    count = len(entry.copies) or len(entry.outputs)
    index = int(step) + (count if number != step else 0)
    if not 0 <= index < count or (len(number) > 1 and number.startswith("0")):
        return None
    if not entry.copies and entry.inner is not None and (branch := entry.inner.get(step)) is not None:
        return branch
    if entry.copies:
        return list(entry.copies.values())[index] if number != step else entry.copies[step]
    return NameEntry((entry.outputs[index],), entry.first, entry.last)


def _unknown(entry: NameEntry, steps: Sequence[str], position: int) -> CostcalcError:
    parent, step = ".".join(steps[:position]), steps[position]
    if step.lstrip("-").isdecimal() or entry.inner is None:
        if not entry.copies:
            has = counted(len(entry.outputs), "output")
        else:
            noun = "row" if any(copy.copies for copy in entry.copies.values()) else "copy"
            count = len(entry.copies)
            has = f"{count} {noun}" if count == 1 else f"{count} {'rows' if noun == 'row' else 'copies'}"
        return CostcalcError("unknown name {}: {} has {}, numbered from 0", ".".join(steps), parent, has)
    known = list(entry.inner) if isinstance(entry.inner, dict) else []
    help = suggest(step, known, f"costcalc analyze prints the layers of {parent}")
    return CostcalcError("unknown name {}: {} has no layer {}", ".".join(steps), parent, step, help=help)


class Segments:
    """Allocates unique path segments in one scope: `conv`, `conv_2`, `conv_3`. Skips the names that the spec gives."""

    __slots__ = ("claimed", "counts", "given", "prefix")

    def __init__(self, prefix: str, given: Iterable[str]) -> None:
        self.prefix = prefix
        self.given = frozenset(given)
        self.claimed: set[str] = set()
        self.counts: dict[str, int] = {}

    def claim(self, wanted: str) -> str:
        """Return the segment of a name that the spec gives, numbered if the list has it twice."""
        if wanted in self.claimed:
            return self.take(wanted)
        self.claimed.add(wanted)
        return wanted

    def take(self, wanted: str) -> str:
        """Return the next free segment for an automatic name."""
        count = self.counts.get(wanted, 0) + 1
        segment = wanted if count == 1 else f"{wanted}_{count}"
        while segment in self.given or (count > 1 and segment in self.counts):
            count += 1
            segment = f"{wanted}_{count}"
        self.counts[wanted] = count
        if count > 1:
            self.counts.setdefault(segment, 1)
        return segment
