"""The files of a repository at a commit, and the specs among them."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Self

from costcalc.errors import CostcalcError, SpecError, UsageError
from costcalc.gate.git_objects import MAX_OBJECT, GitError, TreeEntry, blob_id
from costcalc.lang.library import Library
from costcalc.lang.model_files import BINARY
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from costcalc.errors import Source
    from costcalc.gate.git import Repository
    from costcalc.lang.spec import Spec

MAX_LINKS = 10
MAX_ENTRIES = 1_000_000
"""The number of entries that one listing visits. A small repository can describe a tree of any size."""
MAX_MODEL = 2**31
"""The largest ONNX file, in bytes: the format allows no more. Its weights are dropped when it is read."""
MAX_PATH = 4096
"""The length of the longest path in bytes, as on Linux."""


class Found(NamedTuple):
    """An entry at a path: its snapshot, the entry, and its resolved path from the outermost root."""

    snapshot: Snapshot
    entry: TreeEntry
    path: str


class Snapshot:
    """The files of a repository at a commit. Submodules are read at the commit that it names."""

    def __init__(self, repository: Repository, commit: str, root: TreeEntry, prefix: str = "") -> None:
        """`prefix` is the path of a submodule from the outermost root, with a trailing slash."""
        self.repository = repository
        self.commit = commit
        self.root = root
        self.prefix = prefix

    @classmethod
    def open(cls, repository: Repository, commit: str, prefix: str = "") -> Self:
        """Return the files at a commit. Raises `GitError`."""
        return cls(repository, commit, TreeEntry("tree", repository.read_commit(commit).tree), prefix)

    def find(self, path: str) -> Found | None:
        """Return the entry at a path, through symlinks inside the repository; or None. Raises `GitError`."""
        parts = list(PurePosixPath(path).parts)
        for _ in range(MAX_LINKS):
            step = self._walk(parts)
            if not isinstance(step, list):
                return step
            parts = step
        return None

    def file(self, path: str) -> Found | None:
        """Return the file at a path, through symlinks inside the repository; or None. Raises `GitError`."""
        found = self.find(path)
        return found if found and found.entry.kind == "blob" else None

    def kind(self, path: str) -> str:
        """Return the kind of the entry at a path, or an empty text. Does not follow symlinks and submodules."""
        entry = self.root
        for name in PurePosixPath(path).parts:
            inner = self.repository.tree(entry.id).get(name) if entry.kind == "tree" else None
            if inner is None:
                return ""
            entry = inner
        return entry.kind

    def read(self, found: Found, most: int = MAX_OBJECT) -> bytes:
        """Return the content of a blob of at most `most` bytes. Raises `GitError` and `UsageError`."""
        return found.snapshot.repository.object(found.entry.id, "blob", most)

    def _walk(self, parts: list[str]) -> Found | list[str] | None:
        """Return the entry at a path, or the target if the path contains a symlink."""
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
            return Snapshot.open(inside, commit, f"{self.prefix}{submodule}/").find(path)
        except GitError:
            raise GitError(
                "the submodule {} does not have its commit {}",
                submodule,
                commit,
                help=f"run git submodule update --init or, if it is shallow, git -C {submodule} fetch --unshallow",
            ) from None

    def files(self, folder: str = "") -> Iterator[tuple[str, Found]]:
        """Yield every file and symlink below a folder with its path, including submodules.

        Does not follow symlinks. A submodule that cannot be read is an entry of the kind `commit`. Raises `GitError`,
        and `UsageError` if there are more than `MAX_ENTRIES` entries.
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
        """Yield the paths of files that a later snapshot of the repository does not have. Raises `UsageError`."""
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
    """Return the top folder of a submodule, or the submodule itself if it cannot be read."""
    outer = submodule.snapshot
    try:
        inside = outer._within(submodule.path.removeprefix(outer.prefix), submodule.entry.id, "")
    except UsageError:
        return submodule
    return inside or submodule


class _Count:
    """Counts the entries of a listing, and limits them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.left = MAX_ENTRIES

    def path(self, folder: str, name: str) -> str:
        """Return the path of an entry. Raises `UsageError` if there are too many entries or a path is too long."""
        self.left -= 1
        path = f"{folder}/{name}" if folder else name
        if self.left < 0 or len(path) > MAX_PATH:
            raise UsageError(
                "cannot list the files at the commit {}: {}",
                self.snapshot.commit[:10],
                f"more than {MAX_ENTRIES:,} entries"
                if self.left < 0
                else f"a path of more than {MAX_PATH:,} characters",
                help="write globs of specs that begin with a folder",
            )
        return path


def _joined(folder: list[str], target: str, rest: list[str]) -> list[str] | None:
    """Return the target of a symlink in a folder; None if it is outside of the repository."""
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
    """Opens specs at a commit. The name of a source is `LABEL:PATH`, with the path from the root of the repository."""

    def __init__(self, snapshot: Snapshot, label: str) -> None:
        self.snapshot = snapshot
        self.label = label
        self._paths: dict[str, str] = {}
        self.git_error: GitError | None = None
        """The last error of git. Reading a spec reports it as a fault of the spec, which it is not."""

    def open(self, name: str) -> Source:
        """Return the spec at a path. Raises `UsageError` if it does not exist, `SpecError` if it is not text."""
        found = self.find(name)
        if found is None or found.entry.kind != "blob":
            raise UsageError("{} does not exist at {}", name, self.label)
        try:
            content = self.snapshot.read(found, MAX_MODEL if name.endswith(BINARY) else MAX_OBJECT)
        except GitError as error:
            self.git_error = error
            raise
        if name.endswith(BINARY):
            from costcalc.lang.model_files import decode_model as decode
        else:
            from costcalc.lang.reader import decode
        source = decode(content, f"{self.label}:{name}")
        self._paths[source.name] = name
        return source

    def find(self, path: str) -> Found | None:
        """Return the entry at a path, or None. Raises `GitError`."""
        try:
            return self.snapshot.find(path)
        except GitError as error:
            self.git_error = error
            raise

    def extended(self, base: Source, name: str) -> Source:
        """Return the file that a spec extended at the commit, as `Library.extended` does. Raises `UsageError`."""
        outside = PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts
        if base.name in self._paths and not outside:
            home = str(PurePosixPath(self._paths[base.name]).parent)
            home = "" if home == "." else home
            path = f"{home}/{name}" if home else name
            found, folder = self.find(path), self.find(home)
            if found and folder:
                if not PurePosixPath(found.path).is_relative_to(folder.path):
                    raise UsageError("{} is outside the folder of {}", name, base.name)
                return self.open(path)
        source = self.bundled(name)
        if source is None:
            raise UsageError("no spec {} beside {}, and no bundled one", name, base.name)
        return source


def same_blobs(snapshot: Snapshot, paths: Sequence[str | None], spec: Spec) -> bool:
    """Return whether a spec and the files that it extends have the same blobs at the commit. Reads no content.

    `paths` are the paths of the files from the root, with None for a bundled file.
    """
    home = ""
    for path, file in zip(paths, spec.files, strict=True):
        if path is None:
            if home is not None and snapshot.find(f"{home}{file.name}"):
                return False  # at the commit, a file beside the spec had the name of the bundled one
            continue
        home = path[: path.rfind("/") + 1]
        found = snapshot.file(path)
        if found is None or not _same(file.text, found.entry.id):
            return False
    return True


def _same(text: str, id: str) -> bool:
    """Return whether a text has the id of a blob, as it is or with normalized line ends."""
    content = text.encode("utf-8", "surrogatepass")
    if blob_id(content, id) == id or blob_id(b"\xef\xbb\xbf" + content, id) == id:
        return True
    return b"\r\n" in content and blob_id(content.replace(b"\r\n", b"\n"), id) == id


def at_commit(library: SnapshotLibrary, path: str) -> Spec | CostcalcError | None:
    """Return the spec at a path, or the error if it cannot be read; None if it does not exist. Raises `GitError`."""
    from costcalc.lang.loader import open_spec

    found = library.find(path)
    if found is None or found.entry.kind != "blob":
        return None
    try:
        return open_spec(path, library)
    except (SpecError, UsageError) as error:
        if library.git_error is not None:
            raise library.git_error from None
        return error
