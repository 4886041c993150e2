"""Writes the description of a rule of `costcalc check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from costcalc.gate.rules import Rule

_WIDEST = 80


def render(name: str, rule: Rule, *, width: int | None = None) -> str:
    """Return the explanation of a rule, with a paragraph for each part."""
    from textwrap import fill, indent

    room = min(width or _WIDEST, _WIDEST)

    def filled(text: str) -> str:
        kept = text.replace(" = ", "\xa0=\xa0")  # a setting stays on one line
        wrapped = fill(kept, room, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        return wrapped.replace("\xa0", " ")

    code, _, finding = rule.example.rpartition("\n\n")
    parts = (
        ("What it checks", filled(rule.fails_when)),
        ("Why", filled(rule.why)),
        ("Example", f"{indent(code, '  ')}\n\n{filled(finding)}"),
        ("How to repair", filled(rule.repair)),
        ("How to accept", filled(rule.accept)),
    )
    paragraphs = [f"{name} ({rule.severity}): {rule.title}"]
    paragraphs += [f"{heading}\n{text}" for heading, text in parts if text]
    return "\n\n".join(paragraphs) + "\n"
