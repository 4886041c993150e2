"""The files of a repository as they were at a commit, and the specs among them."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import CostcalcError, SpecError, UsageError
from costcalc.gate.git_objects import Entry, GitError, blob_id
from costcalc.lang.library import Library

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from costcalc.errors import Source
    from costcalc.gate.git import Repository
    from costcalc.lang.spec import Spec

MAX_LINKS = 10
MAX_ENTRIES = 1_000_000
"""How many entries of folders one listing visits. A tree can hold itself many times over, and be of any size so."""
MAX_PATH = 4096
"""Bytes of the longest path, as on Linux."""


class Found(NamedTuple):
    """What stands at a path: whose it is, the entry, and its path from the outermost root without symlinks."""

    snapshot: Snapshot
    entry: Entry
    path: str


class Snapshot:
    """The files of a repository as they were at a commit; those of a submodule as that commit names it."""

    def __init__(self, repository: Repository, commit: str, prefix: str = "") -> None:
        """`prefix` is the path of a submodule from the outermost root, with a slash at its end."""
        self.repository = repository
        self.commit = commit
        self.prefix = prefix
        self.root = Entry("tree", repository.read_commit(commit).tree)

    def find(self, path: str) -> Found | None:
        """What stands at a path, through symlinks that stay inside. None where nothing does. Raises `GitError`."""
        parts = list(PurePosixPath(path).parts)
        for _ in range(MAX_LINKS):
            step = self._walk(parts)
            if not isinstance(step, list):
                return step
            parts = step
        return None

    def file(self, path: str) -> Found | None:
        """The file at a path, through symlinks that stay inside; None where there is none. Raises `GitError`."""
        found = self.find(path)
        return found if found and found.entry.kind == "blob" else None

    def kind(self, path: str) -> str:
        """The kind of the entry at a path; empty where there is none. Symlinks and submodules are not followed."""
        entry = self.root
        for name in PurePosixPath(path).parts:
            inner = self.repository.tree(entry.id).get(name) if entry.kind == "tree" else None
            if inner is None:
                return ""
            entry = inner
        return entry.kind

    def read(self, found: Found) -> bytes:
        """The content of a blob. Raises `GitError`."""
        return found.snapshot.repository.object(found.entry.id, "blob")

    def _walk(self, parts: list[str]) -> Found | list[str] | None:
        """What stands at a path, or the path that a symlink on the way leads to."""
        entry = self.root
        for index, name in enumerate(parts):
            if entry.kind != "tree":
                return None
            inner = self.repository.tree(entry.id).get(name)
            if inner is None:
                return None
            entry, rest = inner, parts[index + 1 :]
            if entry.kind == "link":
                return _joined(parts[:index], os.fsdecode(self.repository.object(entry.id, "blob")), rest)
            if entry.kind == "commit":
                return self._within("/".join(parts[: index + 1]), entry.id, "/".join(rest))
        return Found(self, entry, self.prefix + "/".join(parts))

    def _within(self, submodule: str, commit: str, path: str) -> Found | None:
        inside = self.repository.submodule(submodule)
        try:
            return Snapshot(inside, commit, f"{self.prefix}{submodule}/").find(path)
        except GitError:
            raise GitError(
                "the submodule {} lacks its commit {}",
                submodule,
                commit,
                help=f"git submodule update --init; in a shallow one, git -C {submodule} fetch --unshallow",
            ) from None

    def files(self, folder: str = "") -> Iterator[tuple[str, Found]]:
        """Every file and symlink below a folder with its path, those of submodules too. Symlinks are not followed.

        A submodule that is not checked out, or lacks the commit, is listed as an entry of the kind `commit`. Raises
        `GitError`, and `UsageError` where there are more entries than `MAX_ENTRIES`.
        """
        start = self.find(folder)
        count = _Count(self)
        stack = [(folder, start)] if start and start.entry.kind == "tree" else []
        while stack:
            shown, at = stack.pop()
            for name, entry in at.snapshot.repository.tree(at.entry.id).items():
                path = count.path(shown, name)
                found = Found(at.snapshot, entry, f"{at.path.rstrip('/')}/{name}".lstrip("/"))
                if entry.kind == "commit":
                    found = _opened(found)
                if found.entry.kind == "tree":
                    stack.append((path, found))
                else:
                    yield path, found

    def removed(self, later: Snapshot) -> Iterator[str]:
        """The paths of the files that another snapshot of the same repository has no more. Raises `UsageError`."""
        count = _Count(self)
        stack: list[tuple[str, str, str]] = [("", self.root.id, later.root.id)]
        while stack:
            folder, old, new = stack.pop()
            left = self.repository.tree(new) if new else {}
            for name, entry in self.repository.tree(old).items():
                path, now = count.path(folder, name), left.get(name)
                if entry.kind == "tree" and (now is None or now.id != entry.id):
                    stack.append((path, entry.id, now.id if now and now.kind == "tree" else ""))
                elif entry.kind == "blob" and (now is None or now.kind != "blob"):
                    yield path


def _opened(submodule: Found) -> Found:
    """The top folder of a submodule; the submodule itself where that cannot be read."""
    outer = submodule.snapshot
    try:
        inside = outer._within(submodule.path.removeprefix(outer.prefix), submodule.entry.id, "")
    except UsageError:
        return submodule
    return inside or submodule


class _Count:
    """Counts the entries that a listing visits, so that it ends."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.left = MAX_ENTRIES

    def path(self, folder: str, name: str) -> str:
        """The path of an entry. Raises `UsageError` once there are too many, or paths are too long."""
        self.left -= 1
        path = f"{folder}/{name}" if folder else name
        if self.left < 0 or len(path) > MAX_PATH:
            raise UsageError(
                "the files at the commit {} cannot be listed: {}",
                self.snapshot.commit[:10],
                f"there are more than {MAX_ENTRIES:,}" if self.left < 0 else f"a path is longer than {MAX_PATH:,}",
                help="name specs by globs that begin with a folder",
            )
        return path


def _joined(folder: list[str], target: str, rest: list[str]) -> list[str] | None:
    """Where a symlink in a folder leads; None where that is out of the repository."""
    if target.startswith("/") or len(target) > MAX_PATH:
        return None
    parts = list(folder)
    for part in (*PurePosixPath(target).parts, *rest):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return parts


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
        """What stands at a path. Raises `GitError`."""
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
        found = snapshot.file(path)
        if found is None or not _same(file.text, found.entry.id):
            return False
    return True


def _same(text: str, id: str) -> bool:
    """Whether a text is a blob's, or would be with the line ends that git keeps."""
    content = text.encode("utf-8", "surrogatepass")
    if blob_id(content, id) == id or blob_id(b"\xef\xbb\xbf" + content, id) == id:
        return True
    return b"\r\n" in content and blob_id(content.replace(b"\r\n", b"\n"), id) == id


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
