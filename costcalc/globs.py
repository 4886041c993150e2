"""Globs of layer names, whose segments are separated by dots, and of spec paths, separated by slashes."""

from __future__ import annotations

from operator import eq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def match(pattern: str, name: str, separator: str) -> bool:
    """Return whether a glob matches a name.

    `*` matches any part of one segment, including none of it. A segment `**` matches any number of segments, including
    none. Other characters are literal. The time is bounded by the product of the lengths.

    >>> match("stage.*.0.**", "stage.2.0.body.conv", "."), match("stage.*.0.**", "stage.2.1.body.conv", ".")
    (True, False)
    >>> match("**.conv*", "conv_2", "."), match("specs/**/*.yaml", "specs/a/b/net.yaml", "/")
    (True, True)
    """
    return _match(pattern.split(separator), name.split(separator), "**", _segment)


def _segment(pattern: str, segment: str) -> bool:
    return _match(pattern, segment, "*", eq)


def _match(pattern: Sequence[str], items: Sequence[str], star: str, same: Callable[[str, str], bool]) -> bool:
    """Match items one by one. On a mismatch, extend the last star by one item; no earlier star needs to change."""
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
