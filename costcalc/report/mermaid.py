"""A picture as a Mermaid flowchart. No text in it can be anything but text: no markup, no directive, no end of a label."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from costcalc.report.grid import percent
from costcalc.report.heat import LEVELS, legend, level
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.graph import Box, Picture

MOST_ARROWS = 500
MOST_TEXT = 50_000
"""What Mermaid draws unless it is configured otherwise, in arrows and in characters."""

_PLAIN = re.compile(r"[^\w ().,/=+-]")


def render(picture: Picture, direction: str = "LR") -> str:
    """The text of a flowchart."""
    lines = ["---", f"title: {_title(picture.title)}", "---", f"flowchart {direction}"]
    lines += _boxes(picture, None, "  ")
    for arrow in picture.arrows:
        said = f'-- "{_lines(arrow.said)}" -->' if arrow.said else "-->"
        lines.append(f"  n{arrow.source} {said} n{arrow.target}")
    if picture.heat:
        heading, levels = legend(picture)
        lines.append(f'  subgraph legend["{escape(heading)}"]')
        lines += [f'    l{place}["{escape(LEVELS[place].said)}"]:::heat{place}' for place in levels]
        lines.append("  end")
        for place in levels:
            _, _, fill, text = LEVELS[place]
            lines.append(f"  classDef heat{place} fill:{fill},stroke:#666666,color:{text}")
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """A text for a label between quotes: whatever could act there is an entity of Mermaid.

    >>> escape('5x5 (32 filters)'), escape('"] --> <b>')
    ('5x5 (32 filters)', '#34;#93; --#62; #60;b#62;')
    """
    return _PLAIN.sub(lambda found: f"#{ord(found[0])};", " ".join(visible(text).split()))


def _title(text: str) -> str:
    """A string of YAML in which everything but letters, digits and spaces is an escape."""
    quoted = json.dumps(" ".join(visible(text).split()))[1:-1]
    return f'"{quoted}"' if re.fullmatch(r"[\w ]*", quoted) else '"' + "".join(map(_unit, visible(text))) + '"'


def _unit(char: str) -> str:
    return char if char.isascii() and (char.isalnum() or char in " _") else json.dumps(chr(ord(char)))[1:-1]


def _boxes(picture: Picture, frame: int | None, indent: str) -> Iterable[str]:
    for number, box in enumerate(picture.boxes):
        if box.frame == frame:
            yield f"{indent}n{number}{_box(box)}"
    for number, each in enumerate(picture.frames):
        if each.parent == frame:
            yield f'{indent}subgraph g{number}["{escape(each.title)}"]'
            yield from _boxes(picture, number, indent + "  ")
            yield f"{indent}end"


def _box(box: Box) -> str:
    label = _lines([*box.said, box.shape, *([percent(box.share)] if box.share else [])])
    shaped = f'(["{label}"])' if box.said and box.frame is not None else f'["{label}"]'
    return shaped if box.share is None else f"{shaped}:::heat{level(box.share)}"


def _lines(texts: Iterable[str]) -> str:
    return "<br/>".join(map(escape, texts))
