"""Names of layers while a network is built: the lookup of outputs, and the segments of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError, counted, suggest
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costcalc.model import Tensor


class NameEntry(NamedTuple):
    """The item of a name: its outputs, its layers as a range of indices, and its copies by number."""

    outputs: tuple[Tensor, ...]
    first: int = 0
    last: int = 0
    copies: Mapping[str, NameEntry] = {}
    called: object = None
    """The block and its argument values, if the item is a block."""


class Names:
    """The names of a list of layers, and of the enclosing lists in the same block."""

    __slots__ = ("outer", "table")

    def __init__(self, outer: Names | None = None, table: dict[str, NameEntry] | None = None) -> None:
        self.outer = outer
        self.table: dict[str, NameEntry] = table or {}

    def find(self, name: str, previous: tuple[Tensor, ...] | None = None) -> NameEntry:
        """Return the entry of a name such as `stem`, `x.0` or `stage.0.2`. `prev` refers to the `previous` outputs.

        Raises `CostcalcError` with the nearest name.
        """
        head, *numbers = name.split(".")
        if head == "prev" and previous is not None:
            return _copy(NameEntry(previous), name, numbers)
        scope: Names | None = self
        while scope is not None:
            entry = scope.table.get(head)
            if entry is not None:
                return _copy(entry, name, numbers)
            scope = scope.outer
        raise CostcalcError(
            "layer {} is not defined before this one",
            name,
            help=suggest(head, self.known(), "name an earlier layer of this list, or of a list around it"),
        )

    def known(self) -> list[str]:
        """Return all visible names."""
        return [*self.table, *(self.outer.known() if self.outer else ["prev"])]


def _copy(entry: NameEntry, name: str, numbers: list[str]) -> NameEntry:
    for position, number in enumerate(numbers):
        inner = entry.copies.get(number)
        if inner is None and not entry.copies and number.isdecimal() and len(number) < 7:
            port = int(number)
            if port < len(entry.outputs) and position + 1 == len(numbers):
                return NameEntry((entry.outputs[port],), entry.first, entry.last)
        if inner is None:
            count = len(entry.copies) or len(entry.outputs)
            raise CostcalcError(
                "unknown name {}: {} has {}, numbered from 0",
                name,
                ".".join([name.split(".")[0], *numbers[:position]]),
                ("1 copy" if count == 1 else f"{count} copies") if entry.copies else counted(count, "output"),
            )
        entry = inner
    return entry


class Segments:
    """Allocates unique path segments in one scope: `conv`, `conv_2`, `conv_3`. Skips the names that the spec gives."""

    __slots__ = ("counts", "given", "prefix")

    def __init__(self, prefix: str, given: Iterable[str]) -> None:
        self.prefix = prefix
        self.given = frozenset(given)
        self.counts: dict[str, int] = {}

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
