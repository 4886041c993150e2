"""The shared state of the `Lanes` of one build: the limit on memory, divergence, and texts with placeholders."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from costcalc.record import NamedTuple

Array = np.ndarray[Any, np.dtype[Any]]

_HOLE = re.compile("\0(\\d{1,9}):(,?)\0")


class Diverged(Exception):  # noqa: N818 - not an error
    """Raised when a decision differs between configurations.

    `classes` is an array along the axes. Configurations with equal entries stay together.
    """

    def __init__(self, classes: Array) -> None:
        super().__init__("a decision differs between configurations of a sweep")
        self.classes = classes


class MemoryLimit(Exception):  # noqa: N818 - not an error
    """Raised when a session uses more memory than its limit. Fewer configurations at once use less."""


class Session:
    """The state of one build: its memory and limit in bytes, and the values of placeholders in texts."""

    def __init__(self, limit: int = 64 << 20) -> None:
        self.limit = limit
        self.used = 0
        self.holes: list[Array] = []

    def hole(self, values: Array, spec: str) -> str:
        """Return a placeholder in a text for one number per configuration."""
        self.holes.append(values)
        return f"\0{len(self.holes) - 1}:{spec}\0"

    def text(self, text: str) -> TextTemplate:
        """Return a template with the values of its placeholders."""
        used = sorted({int(number) for number, _ in _HOLE.findall(text) if int(number) < len(self.holes)})
        places = {number: place for place, number in enumerate(used)}

        def place(hole: re.Match[str]) -> str:
            known = places.get(int(hole[1]))
            return hole[0].replace("\0", "") if known is None else f"\0{known}:{hole[2]}\0"

        return TextTemplate(_HOLE.sub(place, text), tuple([self.holes[number] for number in used]))


class TextTemplate(NamedTuple):
    """A text with placeholders, and their values for each configuration."""

    template: str
    values: tuple[Array, ...] = ()

    def at(self, index: tuple[int, ...]) -> str:
        """Return the text for one configuration."""
        return _HOLE.sub(lambda hole: format(entry_at(self.values[int(hole[1])], index), hole[2]), self.template)


def entry_at(data: Array, index: tuple[int, ...]) -> Any:
    """Return one entry as a plain number."""
    entry = data[tuple([i if n > 1 else 0 for i, n in zip(index, data.shape, strict=True)])]
    return entry.item() if isinstance(entry, np.generic) else entry
