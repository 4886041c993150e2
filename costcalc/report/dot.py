"""A picture in Graphviz's DOT language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.heat import LEVELS, legend, level
from costcalc.report.table_data import percent
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.graph import Inside, NetworkPicture
    from costcalc.report.formats import Medium


def write(picture: NetworkPicture, _: Medium | None = None) -> str:
    """Write a directed graph, in which frames are clusters."""
    lines = [
        f"digraph {quote([picture.title])} {{",
        f"  rankdir={picture.direction}",
        f"  label={quote([picture.title])}",
        "  labelloc=t",
        '  graph [fontname="Helvetica", color="#aaaaaa"]',
        '  node [fontname="Helvetica", shape=box, style=filled, fillcolor="#ffffff"]',
        '  edge [fontname="Helvetica", fontsize=11]',
        *_boxes(picture, picture.inside(), None, "  "),
    ]
    for arrow in picture.arrows:
        label = f" [label={quote(arrow.lines)}]" if arrow.lines else ""
        lines.append(f"  n{arrow.source} -> n{arrow.target}{label}")
    if picture.heat:
        lines += _legend(picture)
    return "\n".join([*lines, "}"]) + "\n"


def _legend(picture: NetworkPicture) -> Iterable[str]:
    """Yield the legend of the colours. It is after the last box in direction LR, and beside the first box otherwise."""
    heading, levels = legend(picture)
    yield "  subgraph cluster_legend {"
    yield f"    label={quote([heading])}"
    yield from (f"    l{place} [label={quote([LEVELS[place].label])}, {_colors(place)}]" for place in levels)
    yield "  }"
    if picture.direction == "LR":
        yield from (f"  n{len(picture.boxes) - 1} -> l{place} [style=invis]" for place in levels)


def quote(texts: Sequence[str]) -> str:
    r"""Quote lines as one string, so that DOT reads no escapes or entities in them.

    >>> print(quote(['a"b\\N', "<b>&lt;"]))
    "a\"b\\N\n<b>&amp;lt;"
    """
    return '"' + r"\n".join([_escape(visible(" ".join(text.split()))) for text in texts]) + '"'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _boxes(picture: NetworkPicture, inside: Inside, frame: int | None, indent: str) -> Iterable[str]:
    boxes, frames = inside[frame]
    for number in boxes:
        box = picture.boxes[number]
        label = quote([*box.lines, box.shape, *([percent(box.share)] if box.share else [])])
        shape = ', style="filled,rounded"' if box.joined else ""
        colors = "" if box.share is None else f", {_colors(level(box.share))}"
        yield f"{indent}n{number} [label={label}{shape}{colors}]"
    for number in frames:
        yield f"{indent}subgraph cluster_{number} {{"
        yield f"{indent}  label={quote([picture.frames[number].title])}"
        yield from _boxes(picture, inside, number, indent + "  ")
        yield f"{indent}}}"


def _colors(place: int) -> str:
    _, _, fill, text = LEVELS[place]
    return f'fillcolor="{fill}", fontcolor="{text}"'
