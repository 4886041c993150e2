"""What names stand for while a network is built: the outputs of layers, and the segments of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import CostcalcError, counted, suggest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from costcalc.model import Tensor


class Entry(NamedTuple):
    """What a name stands for: outputs, the layers behind it as a range of indices, and its copies by number."""

    outputs: tuple[Tensor, ...]
    first: int = 0
    last: int = 0
    copies: Mapping[str, Entry] = {}
    called: object = None
    """The block and the values of its arguments, where the name is that of a block."""


class Names:
    """The names of one list of layers, and of the lists around it up to the boundary of the block."""

    __slots__ = ("outer", "table")

    def __init__(self, outer: Names | None = None, table: dict[str, Entry] | None = None) -> None:
        self.outer = outer
        self.table: dict[str, Entry] = table or {}

    def find(self, name: str, previous: tuple[Tensor, ...] | None = None) -> Entry:
        """The entry of a name such as `stem`, `x.0` or `stage.0.2`; of `prev` the outputs of the `previous` layer.

        Raises `CostcalcError` with the nearest name.
        """
        head, *numbers = name.split(".")
        if head == "prev" and previous is not None:
            return _copy(Entry(previous), name, numbers)
        scope: Names | None = self
        while scope is not None:
            entry = scope.table.get(head)
            if entry is not None:
                return _copy(entry, name, numbers)
            scope = scope.outer
        raise CostcalcError(
            "no layer {} is defined before this one",
            name,
            help=suggest(head, self.known(), "a name is looked up in its own list, then in the lists around it"),
        )

    def known(self) -> list[str]:
        """Every name that can be seen from here."""
        return [*self.table, *(self.outer.known() if self.outer else ["prev"])]


def _copy(entry: Entry, name: str, numbers: list[str]) -> Entry:
    for position, number in enumerate(numbers):
        inner = entry.copies.get(number)
        if inner is None and not entry.copies and number.isdecimal() and len(number) < 7:
            port = int(number)
            if port < len(entry.outputs) and position + 1 == len(numbers):
                return Entry((entry.outputs[port],), entry.first, entry.last)
        if inner is None:
            count = len(entry.copies) or len(entry.outputs)
            raise CostcalcError(
                "{} does not exist: {} has {}, counted from 0",
                name,
                ".".join([name.split(".")[0], *numbers[:position]]),
                f"{count} copies" if entry.copies else counted(count, "output"),
            )
        entry = inner
    return entry


class Segments:
    """Gives out the segments of paths in one scope: `conv`, `conv_2`, `conv_3`, past the names that are given."""

    __slots__ = ("counts", "given", "prefix")

    def __init__(self, prefix: str, given: Iterable[str]) -> None:
        self.prefix = prefix
        self.given = frozenset(given)
        self.counts: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """The next free segment for an automatic name."""
        count = self.counts.get(wanted, 0) + 1
        segment = wanted if count == 1 else f"{wanted}_{count}"
        while segment in self.given or (count > 1 and segment in self.counts):
            count += 1
            segment = f"{wanted}_{count}"
        self.counts[wanted] = count
        if count > 1:
            self.counts.setdefault(segment, 1)
        return segment
