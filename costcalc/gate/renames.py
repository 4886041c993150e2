"""Finds what files were called before: by their content, their lines, or the network that they build."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from costcalc.model import Analysis

ALIKE = 0.5
"""How much of its lines or layers a spec keeps under a new name, at least; git's own default for lines."""
MAX_LAYERS = 200_000
"""Layers that are built to find renames, of all specs together."""
MAX_COMPARED = 500
"""Files on each side that are compared with each other; files of the same content are found among any number."""
MAX_STEPS = 10_000_000
"""Lines and layers that are compared with each other."""
_MAX_TEXT = 2**18
_MAX_LINES = 2_000
_COMMENT = re.compile(r"(^|\s)#.*")


class File(NamedTuple):
    """A file on one side of a rename.

    `ids` are those that git may give to its content. `text` and `analysis` are called only where these do not decide;
    they give nothing where the file cannot be read, or is no network.
    """

    path: str
    ids: Sequence[str]
    text: Callable[[], str]
    analysis: Callable[[], Analysis | None]


def renames(gone: Iterable[File], new: Iterable[File]) -> dict[str, str]:
    """The earlier path of each new file that has one among those that are gone.

    Takes the same content first, then the same lines but for comments and space, then the same layers, and last what
    is most alike. The first three take time in proportion to the files, the last is bounded.
    """
    matching = _Matching(gone, new)
    matching.equal(lambda file: file.ids)
    matching.equal(lambda file: _digest(matching.lines(file)))
    matching.equal(lambda file: _digest(matching.layers(file)))
    matching.alike()
    return matching.found


class _Matching:
    def __init__(self, gone: Iterable[File], new: Iterable[File]) -> None:
        self.gone = {file.path: file for file in gone}
        self.new = {file.path: file for file in new}
        self.found: dict[str, str] = {}
        self.budget = MAX_LAYERS
        self._lines: dict[int, Counter[int]] = {}
        self._layers: dict[int, Counter[int]] = {}

    def take(self, path: str, old: str) -> None:
        self.found[path] = old
        del self.new[path], self.gone[old]

    def equal(self, keys: Callable[[File], Sequence[Hashable]]) -> None:
        """Match the files that have a key in common, those of the same name first."""
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
                        same.pop()  # taken by another
                    if same:
                        self.take(path, same[-1])
                        break

    def alike(self) -> None:
        """Match the files whose lines or layers are most alike, as far as `MAX_COMPARED` and `MAX_STEPS` go."""
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
        """The lines of a file, without comments, indentation and line ends, each weighing its length."""
        if id(file) not in self._lines:
            found: Counter[int] = Counter()
            for line in file.text()[:_MAX_TEXT].splitlines():
                bare = _COMMENT.sub("", line).strip()
                key = hash(bare)
                if bare and (key in found or len(found) < _MAX_LINES):
                    found[key] += len(bare)
            self._lines[id(file)] = found
        return self._lines[id(file)]

    def layers(self, file: File) -> Counter[int]:
        """The layers that a file builds, by op, shapes and cost; nothing once `MAX_LAYERS` are built."""
        if id(file) not in self._layers:
            analysis = file.analysis() if self.budget > 0 else None
            rows: Sequence[Any] = analysis.layers if analysis else ()
            self.budget -= len(rows) + 1
            found = Counter(hash((row.op, row.inputs, row.outputs, row.totals)) for row in rows)
            self._layers[id(file)] = found
        return self._layers[id(file)]


def likeness(one: Counter[int], other: Counter[int]) -> float:
    """The part of the larger that both have.

    >>> likeness(Counter("aabb"), Counter("abcd")), likeness(Counter(), Counter("a"))
    (0.5, 0.0)
    """
    largest = max(one.total(), other.total())
    return (one & other).total() / largest if one and other else 0.0


def _digest(sketch: Counter[int]) -> Sequence[Hashable]:
    """A key that only equal sketches share; none of an empty one."""
    return [hash(frozenset(sketch.items()))] if sketch else []


def _name(path: str) -> str:
    return PurePosixPath(path).name
