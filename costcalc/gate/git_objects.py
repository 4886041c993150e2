"""Parses commits and trees, and computes the ids of blobs. A malformed object raises `GitError`."""

from __future__ import annotations

import os
import re
import stat

from costcalc.errors import UsageError
from costcalc.record import NamedTuple

_ID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
_KINDS = {stat.S_IFREG: "blob", stat.S_IFDIR: "tree", stat.S_IFLNK: "link", 0o160000: "commit"}

MAX_OBJECT = 16 * 2**20
"""The size of the largest object that is read, in bytes, as for specs."""


class GitError(UsageError):
    """An error of a repository: an object is missing or malformed, or a submodule is not checked out."""


class TreeEntry(NamedTuple):
    """An entry of a tree. `kind` is `blob`, `tree`, `link` (a symlink) or `commit` (a submodule)."""

    kind: str
    id: str


class Commit(NamedTuple):
    """A commit: its id, the ids of its tree and parents, its date (ISO 8601) and its subject."""

    id: str
    tree: str
    parents: tuple[str, ...]
    date: str
    subject: str


def malformed(kind: str, id: str, reason: str) -> GitError:
    """Return the error for a malformed object."""
    return GitError("the {} {} is malformed: {}", kind, id, reason, help="list the damaged objects with git fsck")


def parse_commit(id: str, content: bytes) -> Commit:
    """Parse a commit. Raises `GitError`.

    A commit without a committer, which git accepts, has the date 1970-01-01.
    """
    head, _, message = content.partition(b"\n\n")
    lines = [line.partition(b" ")[::2] for line in head.split(b"\n")]
    trees = [value for name, value in lines if name == b"tree"]
    parents = [value for name, value in lines if name == b"parent"]
    if len(trees) != 1:
        raise malformed("commit", id, f"it has {len(trees)} trees")
    if not all(_ID.fullmatch(value) for value in (*trees, *parents)):
        raise malformed("commit", id, "the id of its tree or of a parent is not a hash")
    committer = next((value for name, value in lines if name == b"committer"), b"")
    subject = message.partition(b"\n")[0].decode("utf-8", "replace")
    return Commit(id, trees[0].decode(), tuple([value.decode() for value in parents]), iso_date(committer), subject)


def parse_tree(id: str, content: bytes) -> dict[str, TreeEntry]:
    """Parse a tree and return its entries by name. Raises `GitError`.

    A name must be one part of a path: git never writes a slash, `.`, `..` or two entries with the same name.
    """
    width = len(id) // 2
    entries: dict[str, TreeEntry] = {}
    at = 0
    while at < len(content):
        space = content.find(b" ", at)
        end = content.find(b"\0", space)
        after = end + 1 + width
        if space < 0 or end < 0 or after > len(content):
            raise malformed("tree", id, "the last entry is incomplete")
        kind = _kind(content[at:space])
        name = os.fsdecode(content[space + 1 : end])
        if not kind:
            raise malformed("tree", id, "an entry has an unknown mode")
        if name in ("", ".", "..") or "/" in name or name in entries:
            raise malformed("tree", id, "the name of an entry is invalid or occurs twice")
        entries[name] = TreeEntry(kind, content[end + 1 : after].hex())
        at = after
    return entries


def _kind(mode: bytes) -> str:
    """Return the kind of an octal mode; an empty text for an unknown mode."""
    if not re.fullmatch(rb"[0-7]{5,7}", mode):
        return ""
    return _KINDS.get(stat.S_IFMT(int(mode, 8)), "")


def iso_date(committer: bytes) -> str:
    """Return the date of a committer line, which ends with the seconds since 1970 and the offset from UTC.

    >>> iso_date(b"A <a@example.org> 1700000000 +0130")
    '2023-11-14T23:43:20+01:30'
    """
    from datetime import UTC, datetime, timedelta, timezone

    try:
        seconds, offset = map(int, committer.rsplit(b" ", 2)[-2:])
        minutes = abs(offset) // 100 * 60 + abs(offset) % 100
        zone = timezone(timedelta(minutes=minutes if offset > 0 else -minutes))
        return datetime.fromtimestamp(seconds, zone).isoformat()
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat()  # git accepts dates that datetime does not


def blob_id(content: bytes, like: str) -> str:
    """Return the id of a blob, with the same hash function as another id.

    >>> blob_id(b"", "0" * 40)
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    import hashlib

    algorithm = hashlib.sha1 if len(like) == 40 else hashlib.sha256  # the names of objects; not used for security
    return algorithm(b"blob %d\0" % len(content) + content).hexdigest()
