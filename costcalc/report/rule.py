"""A rule of the regression gate, for a person who met it: when it fails, how to repair, how to accept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costcalc.gate.rules import Rule

_WIDEST = 80


def render(name: str, rule: Rule, *, width: int | None = None) -> str:
    """The text of a rule, a paragraph for each of its parts."""
    from textwrap import fill

    parts = (("fails when", rule.fails_when), ("to repair", rule.repair), ("to accept", rule.accept))
    room = min(width or _WIDEST, _WIDEST)
    paragraphs = [f"{name} ({rule.severity}): {rule.title}"]
    for heading, text in parts:
        if text:
            paragraphs.append(f"{heading}\n{fill(text, room, initial_indent='  ', subsequent_indent='  ')}")
    return "\n\n".join(paragraphs) + "\n"
