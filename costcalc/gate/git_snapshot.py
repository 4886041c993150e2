"""What a check compares with: the specs of a git commit, or the figures of an earlier report."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from costcalc.errors import CostcalcError, SpecError, UsageError
from costcalc.gate.git import GitError, blob_id
from costcalc.lang.library import Library

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.errors import Source
    from costcalc.gate.git import Entry, Found, Snapshot
    from costcalc.lang.spec import Spec

ALIKE = 0.5
"""How much of its text a file keeps under a new name, at least; git's own default."""
_MOST_CANDIDATES = 500
_MOST_BYTES = 2**20


class SnapshotLibrary(Library):
    """Opens specs as they were at a commit. A source is named `LABEL:PATH`, the path from the repository's root."""

    def __init__(self, snapshot: Snapshot, label: str) -> None:
        self.snapshot = snapshot
        self.label = label
        self._paths: dict[str, str] = {}
        self.trouble: GitError | None = None
        """What kept the repository from answering: no fault of a spec, though reading one reports it so."""

    def open(self, name: str) -> Source:
        """The spec at a path from the root. Raises `UsageError` where none is, `SpecError` where it is no text."""
        from costcalc.lang.reader import decode

        found = self.find(name)
        if found is None or found.entry.kind != "blob":
            raise UsageError("there is no {} at {}", name, self.label)
        try:
            content = self.snapshot.read(found)
        except GitError as error:
            self.trouble = error
            raise
        source = decode(content, f"{self.label}:{name}")
        self._paths[source.name] = name
        return source

    def find(self, path: str) -> Found | None:
        """What stands at a path."""
        try:
            return self.snapshot.find(path)
        except GitError as error:
            self.trouble = error
            raise

    def extended(self, base: Source, name: str) -> Source:
        """What a spec extended at that commit, by the rules of `Library.extended`. Raises `UsageError`."""
        outside = PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
        if base.name in self._paths and not outside:
            home = str(PurePosixPath(self._paths[base.name]).parent)
            home = "" if home == "." else home
            path = f"{home}/{name}" if home else name
            found, folder = self.find(path), self.find(home)
            if found and folder:
                if not PurePosixPath(found.path).is_relative_to(folder.path):
                    raise UsageError("{} lies outside the folder of {}", name, base.name)
                return self.open(path)
        source = self.bundled(name)
        if source is None:
            raise UsageError("no spec {} beside {}, and no bundled one", name, base.name)
        return source


def same_blobs(snapshot: Snapshot, paths: Sequence[str | None], spec: Spec) -> bool:
    """Whether a spec and all that it extends are, blob for blob, what they were. Reads no content.

    `paths` are those of the spec's files from the root; None for a bundled one.
    """
    home = ""
    for path, file in zip(paths, spec.files, strict=True):
        if path is None:
            if home is not None and snapshot.find(f"{home}{file.name}"):
                return False  # a file that stood beside the spec then, and hid the bundled one
            continue
        home = path[: path.rfind("/") + 1]
        found = snapshot.find(path)
        if found is None or found.entry.kind != "blob" or not _same(file.text, found.entry.id):
            return False
    return True


def _same(text: str, id: str) -> bool:
    """Whether a text is a blob's, or would be with the line ends that git keeps."""
    content = text.encode("utf-8", "surrogatepass")
    if blob_id(content, id) == id or blob_id(b"\xef\xbb\xbf" + content, id) == id:
        return True
    return b"\r\n" in content and blob_id(content.replace(b"\r\n", b"\n"), id) == id


def renames(snapshot: Snapshot, gone: dict[str, Entry], new: dict[str, bytes]) -> dict[str, str]:
    """What each new file was called, of those that are gone; only where it kept half of its text or more."""
    found: dict[str, str] = {}
    left = dict(list(gone.items())[:_MOST_CANDIDATES])
    for path, content in new.items():
        same = [old for old, entry in left.items() if blob_id(content, entry.id) == entry.id]
        if same:
            found[path] = min(same, key=lambda old: (PurePosixPath(old).name != PurePosixPath(path).name, old))
            del left[found[path]]
    texts = {
        old: snapshot.repository.object(entry.id, "blob")[:_MOST_BYTES] if len(new) > len(found) else b""
        for old, entry in left.items()
    }
    scored = [
        (likeness(texts[old], content[:_MOST_BYTES]), path, old)
        for path, content in new.items()
        if path not in found
        for old in texts
    ]
    for score, path, old in sorted(scored, key=lambda each: (-each[0], *each[1:])):
        if score >= ALIKE and path not in found and old not in found.values():
            found[path] = old
    return found


def likeness(one: bytes, other: bytes) -> float:
    r"""The part of the larger text that both have, counted in whole lines, as git counts it.

    >>> likeness(b"a\nb\n", b"b\nc\n")
    0.5
    """
    from collections import Counter

    if not one or not other:
        return 0.0
    common = Counter(one.splitlines(keepends=True)) & Counter(other.splitlines(keepends=True))
    return sum(len(line) * times for line, times in common.items()) / max(len(one), len(other))


def at_commit(library: SnapshotLibrary, path: str) -> Spec | CostcalcError | None:
    """The spec at a path, or why it cannot be read; None where there was none. Raises `GitError`."""
    from costcalc.lang.loader import open_spec

    found = library.find(path)
    if found is None or found.entry.kind != "blob":
        return None
    try:
        return open_spec(path, library)
    except (SpecError, UsageError) as error:
        if library.trouble is not None:
            raise library.trouble from None
        return error
