"""What may name a commit: a branch, a tag, a hash or HEAD, with `~N` and `^N`. Other expressions of git are refused.

An expression such as `HEAD^{/REGEX}` or `main@{2 days ago}` makes git search or guess. One that a pull request writes
into a configuration can keep git busy for minutes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from costcalc.errors import UsageError

_REF = re.compile(r"(?P<name>[^\x00-\x20\x7f~^:?*\[\\]+)(?P<suffix>([~^]\d{0,9}){0,20})")
_HASH = re.compile(r"[0-9a-f]{4,64}")
_FULL_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEADS = ("HEAD", "FETCH_HEAD", "MERGE_HEAD", "ORIG_HEAD")
_HELP = "a branch, a tag, a commit's hash or HEAD; ~N and ^N may follow"


class Ref(NamedTuple):
    """A name and the steps back from it: `~2`, `^1`. `text` is the whole, as it was given."""

    text: str
    name: str
    suffix: str

    @property
    def is_head(self) -> bool:
        """Whether it is HEAD, or another that git itself writes, such as FETCH_HEAD."""
        return self.name in _HEADS

    @property
    def is_full_hash(self) -> bool:
        """Whether it is the whole hash of an object, which no branch or tag may stand in for."""
        return _FULL_HASH.fullmatch(self.name) is not None

    @property
    def is_hash(self) -> bool:
        """Whether it may be a hash, or the beginning of one."""
        return _HASH.fullmatch(self.name) is not None

    @property
    def candidates(self) -> tuple[str, ...]:
        """The full names that it may stand for, the preferred one first.

        A branch comes before a tag of the same name, unlike in git: who may push tags may not always push to branches.
        """
        if self.name.startswith("refs/"):
            return (self.name,)
        kinds = ("heads/", "tags/", "remotes/", "remotes/origin/", "")
        return tuple([f"refs/{kind}{self.name}" for kind in kinds])


def parse_ref(text: str) -> Ref:
    """A ref from its text. Raises `UsageError` for what is not one.

    >>> parse_ref("release/1.x~2")
    Ref(text='release/1.x~2', name='release/1.x', suffix='~2')
    """
    found = _REF.fullmatch(text) if text.isprintable() and len(text) <= 1000 else None
    name = found["name"] if found else ""
    if name == "@":
        name = "HEAD"
    outside = name.startswith(("-", ".", "/")) or name.endswith((".", "/", ".lock"))
    if found is None or outside or any(part in name for part in ("..", "@{", "//", "/.")):
        raise UsageError("{} cannot be a ref", repr(text[:60]), help=_HELP)
    return Ref(text, name, found["suffix"])
