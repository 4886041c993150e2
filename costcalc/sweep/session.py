"""What the arrays of one build share: a bound on their memory, ways to part, texts that differ point by point."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

_HOLE = re.compile("\0(\\d{1,9}):(,?)\0")


class Diverged(Exception):  # noqa: N818 - no error: configurations that part ways
    """A decision that comes out differently among configurations.

    `classes` is an array along the axes of the grid; configurations of equal entries go on together.
    """

    def __init__(self, classes: Array) -> None:
        super().__init__("configurations of a sweep part ways")
        self.classes = classes


class MemoryLimit(Exception):  # noqa: N818 - no error: too many configurations at once
    """More memory than a session may take. With fewer configurations at once it will do."""


class Session:
    """What the grids of one build share: a bound on their memory in bytes, and the values that texts have to show."""

    def __init__(self, limit: int = 64 << 20) -> None:
        self.limit = limit
        self.used = 0
        self.holes: list[Array] = []

    def hole(self, values: Array, spec: str) -> str:
        """A place in a text for one number for each configuration."""
        self.holes.append(values)
        return f"\0{len(self.holes) - 1}:{spec}\0"

    def text(self, text: str) -> Text:
        """A text with what its holes need, and nothing else."""
        used = sorted({int(number) for number, _ in _HOLE.findall(text) if int(number) < len(self.holes)})
        places = {number: place for place, number in enumerate(used)}

        def place(hole: re.Match[str]) -> str:
            known = places.get(int(hole[1]))
            return hole[0].replace("\0", "") if known is None else f"\0{known}:{hole[2]}\0"

        return Text(_HOLE.sub(place, text), tuple([self.holes[number] for number in used]))


class Text(NamedTuple):
    """A text with holes, and the values that fill them in each configuration."""

    template: str
    values: tuple[Array, ...] = ()

    def at(self, index: tuple[int, ...]) -> str:
        """The text for one configuration."""
        return _HOLE.sub(lambda hole: format(entry_at(self.values[int(hole[1])], index), hole[2]), self.template)


def entry_at(data: Array, index: tuple[int, ...]) -> Any:
    """One entry as a plain number."""
    entry = data[tuple([i if n > 1 else 0 for i, n in zip(index, data.shape, strict=True)])]
    return entry.item() if isinstance(entry, np.generic) else entry
