"""Finds the earlier paths of renamed files: by content, by lines, or by the layers that they build."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from costcalc.record import Entity

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from costcalc.model import Analysis

ALIKE = 0.5
"""The smallest likeness of a renamed file, as in git."""
MAX_LAYERS = 200_000
"""The number of layers that are built to find renames, for all specs together."""
MAX_COMPARED = 500
"""The number of files on each side that are compared with each other. Equal content is found without a limit."""
MAX_STEPS = 10_000_000
"""The number of comparisons of lines and layers."""
_MAX_TEXT = 2**18
_MAX_LINES = 2_000
_COMMENT = re.compile(r"(^|\s)#.*")


class File(Entity):
    """A file on one side of a rename.

    `ids` are the possible ids of its content in git. `text` and `analysis` are called only if these do not match. They
    return an empty text or None if the file cannot be read or is not a network.
    """

    path: str
    ids: Sequence[str]
    text: Callable[[], str]
    analysis: Callable[[], Analysis | None]


def renames(gone: Iterable[File], new: Iterable[File]) -> dict[str, str]:
    """Return the earlier path of each new file that was renamed; `gone` are the removed files.

    Matches equal content first, then equal lines without comments and spaces, then equal layers, and last the most
    similar files. The first three take linear time; the last is bounded.
    """
    matching = _Matching(gone, new)
    matching.equal(lambda file: file.ids)
    matching.equal(lambda file: _digest(matching.lines(file)))
    matching.equal(lambda file: _digest(matching.layers(file)))
    matching.alike()
    return matching.matches


class _Matching:
    def __init__(self, gone: Iterable[File], new: Iterable[File]) -> None:
        self.gone = {file.path: file for file in gone}
        self.new = {file.path: file for file in new}
        self.matches: dict[str, str] = {}
        self.budget = MAX_LAYERS
        self._lines: dict[File, Counter[int]] = {}
        self._layers: dict[File, Counter[int]] = {}

    def take(self, path: str, old: str) -> None:
        self.matches[path] = old
        del self.new[path], self.gone[old]

    def equal(self, keys: Callable[[File], Sequence[Hashable]]) -> None:
        """Match files that share a key, those with the same name first."""
        if not self.new or not self.gone:
            return
        known: defaultdict[Hashable, list[str]] = defaultdict(list)
        for old in sorted(self.gone, reverse=True):
            for key in keys(self.gone[old]):
                known[key].append(old)
                known[key, _name(old)].append(old)
        for named in (True, False):
            for path in sorted(self.new):
                for key in keys(self.new[path]):
                    same = known.get((key, _name(path)) if named else key, [])
                    while same and same[-1] not in self.gone:
                        same.pop()  # already matched
                    if same:
                        self.take(path, same[-1])
                        break

    def alike(self) -> None:
        """Match the files with the most similar lines or layers, within `MAX_COMPARED` and `MAX_STEPS`."""
        old_files = [self.gone[path] for path in sorted(self.gone)[:MAX_COMPARED]]
        new_files = [self.new[path] for path in sorted(self.new)[:MAX_COMPARED]]
        scored = []
        steps = MAX_STEPS
        for file in new_files:
            for old in old_files:
                score = 0.0
                for sketch in (self.lines, self.layers):
                    one, other = sketch(old), sketch(file)
                    steps -= min(len(one), len(other))
                    if steps >= 0:
                        score = max(score, likeness(one, other))
                if score >= ALIKE:
                    scored.append((-score, _name(old.path) != _name(file.path), file.path, old.path))
        for _, _, path, previous in sorted(scored):
            if path in self.new and previous in self.gone:
                self.take(path, previous)

    def lines(self, file: File) -> Counter[int]:
        """Return the lines of a file without comments, indentation and line ends, weighted by length."""
        if file not in self._lines:
            lines: Counter[int] = Counter()
            for line in file.text()[:_MAX_TEXT].splitlines():
                bare = _COMMENT.sub("", line).strip()
                key = hash(bare)
                if bare and (key in lines or len(lines) < _MAX_LINES):
                    lines[key] += len(bare)
            self._lines[file] = lines
        return self._lines[file]

    def layers(self, file: File) -> Counter[int]:
        """Return the layers of a file by op, shapes and cost; none after `MAX_LAYERS` have been built."""
        if file not in self._layers:
            analysis = file.analysis() if self.budget > 0 else None
            rows: Sequence[Any] = analysis.layers if analysis else ()
            self.budget -= len(rows) + 1
            self._layers[file] = Counter(hash((row.op, row.inputs, row.outputs, row.totals.counts)) for row in rows)
        return self._layers[file]


def likeness(one: Counter[int], other: Counter[int]) -> float:
    """Return the common part of two sketches, relative to the larger.

    >>> likeness(Counter("aabb"), Counter("abcd")), likeness(Counter(), Counter("a"))
    (0.5, 0.0)
    """
    largest = max(one.total(), other.total())
    return (one & other).total() / largest if one and other else 0.0


def _digest(sketch: Counter[int]) -> Sequence[Hashable]:
    """Return a key that only equal sketches share; none for an empty sketch."""
    return [hash(frozenset(sketch.items()))] if sketch else []


def _name(path: str) -> str:
    return PurePosixPath(path).name
