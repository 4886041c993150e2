"""Globs of layers (segments between dots) and of specs (folders between slashes)."""

from __future__ import annotations

from operator import eq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def match(pattern: str, name: str, separator: str) -> bool:
    """Whether a glob names this name. Only `*` and `**` are special, and time is bounded by the product of the lengths.

    `*` is any part of one segment, none of it too; a segment `**` is any number of segments, also none.

    >>> match("stage.*.0.**", "stage.2.0.body.conv", "."), match("stage.*.0.**", "stage.2.1.body.conv", ".")
    (True, False)
    >>> match("**.conv*", "conv_2", "."), match("specs/**/*.yaml", "specs/a/b/net.yaml", "/")
    (True, True)
    """
    return _match(pattern.split(separator), name.split(separator), "**", _segment)


def _segment(pattern: str, segment: str) -> bool:
    return _match(pattern, segment, "*", eq)


def _match(pattern: Sequence[str], items: Sequence[str], star: str, same: Callable[[str, str], bool]) -> bool:
    """Go on item by item, and where one does not fit, let the last star take one more: no earlier star can help."""
    at = taken = item = 0
    after_star: int | None = None
    while item < len(items):
        if at < len(pattern) and pattern[at] == star:
            at += 1
            after_star, taken = at, item
        elif at < len(pattern) and same(pattern[at], items[item]):
            at += 1
            item += 1
        elif after_star is not None:
            taken += 1
            at, item = after_star, taken
        else:
            return False
    return all(rest == star for rest in pattern[at:])
