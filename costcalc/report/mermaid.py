"""A picture as a Mermaid flowchart. Text is escaped, so that it contains no markup, directives or ends of labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costcalc.report.heat import LEVELS, legend, level
from costcalc.report.table_data import percent
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from costcalc.graph import Inside, NetworkPicture, TensorBox
    from costcalc.report.formats import Medium

_CONFIG = ("config:", "  flowchart:", "    wrappingWidth: 400", "    subGraphTitleMargin: {bottom: 15}")
"""Keeps labels on their lines, and titles of frames away from arrows."""

_NOTHING = "#8203;"
"""A zero-width space for empty text: Mermaid does not accept empty labels."""

_ACTIVE = re.compile(r"[^\w ().,/=+·%-]|(?<!\d)%|%(?=%)")
"""Characters to escape. Two percent signs begin a comment or a directive."""


def write(picture: NetworkPicture, _: Medium | None = None) -> str:
    """Write a flowchart."""
    lines = ["---", f"title: {_title(picture.title)}", *_CONFIG, "---", f"flowchart {picture.direction}"]
    lines += _boxes(picture, picture.inside(), None, "  ")
    for arrow in picture.arrows:
        link = f'-- "{_lines(arrow.lines)}" -->' if arrow.lines else "-->"
        lines.append(f"  n{arrow.source} {link} n{arrow.target}")
    if picture.heat:
        lines += _legend(picture)
    return "\n".join(lines) + "\n"


def _legend(picture: NetworkPicture) -> Iterable[str]:
    """Yield the legend and the classes of the colours. Frames have no colour, as it could be confused with a level.

    The legend is after the last box in direction LR, and beside the first box otherwise.
    """
    heading, levels = legend(picture)
    yield f'  subgraph legend["{escape(heading)}"]'
    yield "    direction LR"
    yield from (f'    l{place}["{escape(LEVELS[place].label)}"]:::heat{place}' for place in levels)
    yield "  end"
    if picture.direction == "LR":
        yield f"  n{len(picture.boxes) - 1} ~~~ legend"
    for place in levels:
        _, _, fill, text = LEVELS[place]
        yield f"  classDef heat{place} fill:{fill},stroke:#666666,color:{text}"
    yield "  classDef clear fill:none,stroke:#999999"
    yield f"  class {','.join(['legend', *(f'g{number}' for number in range(len(picture.frames)))])} clear"


def escape(text: str) -> str:
    """Escape a text for a quoted label. Special characters become entities of Mermaid.

    >>> escape('5x5 (32 filters)'), escape('"] --> <b>')
    ('5x5 (32 filters)', '#34;#93; --#62; #60;b#62;')
    """
    return _ACTIVE.sub(lambda found: _entity(found[0]), visible(" ".join(text.split()))) or _NOTHING


def _entity(char: str) -> str:
    """Return an entity. A zero-width space keeps Mermaid from finding formulas, icons and line ends after decoding."""
    entity = f"#{ord(char)};"
    return entity + _NOTHING if char in "$:\\" else entity


def _title(text: str) -> str:
    r"""Quote a text as a string of YAML, with escapes for special characters.

    >>> print(_title('a" %{init}'))
    "a\U00000022 \U00000025\U0000007binit\U0000007d"
    """
    return '"' + _ACTIVE.sub(lambda found: f"\\U{ord(found[0]):08x}", visible(" ".join(text.split()))) + '"'


def _boxes(picture: NetworkPicture, inside: Inside, frame: int | None, indent: str) -> Iterable[str]:
    boxes, frames = inside[frame]
    for number in boxes:
        yield f"{indent}n{number}{_box(picture.boxes[number])}"
    for number in frames:
        yield f'{indent}subgraph g{number}["{escape(picture.frames[number].title)}"]'
        yield from _boxes(picture, inside, number, indent + "  ")
        yield f"{indent}end"


def _box(box: TensorBox) -> str:
    label = _lines([*box.lines, box.shape, *([percent(box.share)] if box.share else [])])
    shaped = f'(["{label}"])' if box.joined else f'["{label}"]'
    return shaped if box.share is None else f"{shaped}:::heat{level(box.share)}"


def _lines(texts: Iterable[str]) -> str:
    return "<br/>".join(map(escape, texts))
