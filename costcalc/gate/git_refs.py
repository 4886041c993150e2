"""Parses refs: a branch, a tag, a hash or HEAD, with `~N` and `^N`. Rejects other expressions of git.

An expression such as `HEAD^{/REGEX}` or `main@{2 days ago}` makes git search. A pull request could write one into a
configuration that takes minutes.
"""

from __future__ import annotations

import re

from costcalc.errors import UsageError
from costcalc.record import NamedTuple

_REF = re.compile(r"(?P<name>[^\x00-\x20\x7f~^:?*\[\\]+)(?P<suffix>([~^]\d{0,9}){0,20})")
_HASH = re.compile(r"[0-9a-f]{4,64}")
_FULL_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEADS = ("HEAD", "FETCH_HEAD", "MERGE_HEAD", "ORIG_HEAD")
_HELP = "write a branch, a tag, the hash of a commit or HEAD, optionally with ~N or ^N"


class Ref(NamedTuple):
    """A ref: its name, and a suffix such as `~2` or `^1`. `text` is the whole."""

    text: str
    name: str
    suffix: str

    @property
    def is_head(self) -> bool:
        """Whether it is HEAD or a similar name, such as FETCH_HEAD."""
        return self.name in _HEADS

    @property
    def is_full_hash(self) -> bool:
        """Whether it is the full hash of an object. A branch or tag with that name is not used."""
        return _FULL_HASH.fullmatch(self.name) is not None

    @property
    def is_hash(self) -> bool:
        """Whether it can be a hash or the beginning of one."""
        return _HASH.fullmatch(self.name) is not None

    @property
    def candidates(self) -> tuple[str, ...]:
        """The possible full names, the preferred one first.

        Unlike in git, a branch comes before a tag, because more people may be allowed to push tags than branches.
        """
        if self.name.startswith("refs/"):
            return (self.name,)
        kinds = ("heads/", "tags/", "remotes/", "remotes/origin/", "")
        return tuple([f"refs/{kind}{self.name}" for kind in kinds])


def parse_ref(text: str) -> Ref:
    """Parse a ref. Raises `UsageError` for any other text.

    >>> parse_ref("release/1.x~2")
    Ref(text='release/1.x~2', name='release/1.x', suffix='~2')
    """
    found = _REF.fullmatch(text) if text.isprintable() and len(text) <= 1000 else None
    name = found["name"] if found else ""
    if name == "@":
        name = "HEAD"
    outside = name.startswith(("-", ".", "/")) or name.endswith((".", "/", ".lock"))
    if found is None or outside or any(part in name for part in ("..", "@{", "//", "/.")):
        raise UsageError("{} is not a valid ref", repr(text[:60]), help=_HELP)
    return Ref(text, name, found["suffix"])
