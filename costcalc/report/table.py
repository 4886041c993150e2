"""Tables for people, on a terminal of any width or in a pipe.

The layout is our own and plain text. rich turns styles into colours where there are any: its own table would spend
more time on a network's layers than everything else together, and cannot give up columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from costcalc.report.grid import NUMBERS, SEPARATOR, Text, figure
from costcalc.report.text import columns as columns_of
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.report.grid import Cell, Column, Grid

Run: TypeAlias = tuple[str, str]
"""Text and its style."""

BAR = 10
SHORT_BAR = 4
"""The length of the longest bar, in characters, and how short it may become before its column goes."""

STYLES = {"above": "dim", "rule": "dim", "heading": "dim", "bar": "cyan"} | dict.fromkeys(
    ("title", "head", "total"), "bold"
)


class Layout(NamedTuple):
    """Columns that fit, with their texts, as wide as their column, and what stands between them."""

    columns: Sequence[Column]
    texts: Sequence[Sequence[str]]
    widths: Sequence[int]
    gap: str

    @property
    def width(self) -> int:
        """In characters."""
        return sum(self.widths) + len(self.gap) * (len(self.widths) - 1)


def render(*grids: Grid, width: int | None = None, color: bool = False) -> str:
    """The text of tables, each below the other. Without a width nothing is cut or left out."""
    lines: list[list[Run]] = []
    for grid in grids:
        if lines:
            lines.append([])
        lines += draw(grid, width)
    if color:
        return styled(lines)
    return "".join(["".join([text for text, _ in line]).rstrip() + "\n" for line in lines])


def draw(grid: Grid, width: int | None = None) -> list[list[Run]]:
    """The lines of one table as styled text."""
    layout = fit(grid, width)
    lines: list[list[Run]] = []
    for number, text in enumerate(grid.heading):
        lines += [[(line, STYLES["above" if number else "title"])] for line in _wrap(visible(text), width)]
    if grid.heading:
        lines.append([])
    rule = [("─" * layout.width, STYLES["rule"])]
    lines += [_line(layout, [column.title for column in layout.columns], STYLES["head"]), rule]
    last = ""
    for index, entry in enumerate(grid.entries):
        if entry.role == "total" != last:
            lines.append(rule)
        lines.append(_line(layout, [texts[index] for texts in layout.texts], STYLES.get(entry.role, "")))
        last = entry.role
    lines += [[(line, "")] for text in grid.notes for line in _wrap(visible(text), width)]
    return lines


def fit(grid: Grid, width: int | None) -> Layout:
    """The layout that gives up least of those that fit; below the least of all, a table does not become narrower."""
    if width is None:
        return _layout(grid, 0)
    steps = max([step for column in grid.columns for step in (column.shortens, column.yields)], default=0)
    for step in range(steps + 1):
        for gap in ("  ", " ") if step else ("  ",):
            layout = _layout(grid, step, gap)
            excess = layout.width - width
            if excess <= 0:
                return layout
            if excess <= BAR - SHORT_BAR and any(column.kind == "bar" for column in layout.columns):
                return _layout(grid, step, gap, BAR - excess)
    return layout


def _layout(grid: Grid, step: int, gap: str = "  ", bar: int = BAR) -> Layout:
    kept = [index for index, column in enumerate(grid.columns) if not 0 < column.yields <= step]
    columns = [grid.columns[index] for index in kept]
    texts = [
        [_text(column, entry.cells[index], bar if column.kind == "bar" else step) for entry in grid.entries]
        for index, column in zip(kept, columns, strict=True)
    ]
    widths = [
        bar if column.kind == "bar" else max(map(columns_of, [column.title, *known]))
        for column, known in zip(columns, texts, strict=True)
    ]
    return Layout(columns, texts, widths, gap)


def _text(column: Column, value: Cell, extent: int) -> str:
    """The text of a cell. `extent` is the length of the longest bar, for a bar; else the step of narrowing."""
    if value is None:
        return ""
    if isinstance(value, Text):
        return visible(value.short if 0 < column.shortens <= extent else value.full)
    if isinstance(value, str):
        return visible(value)
    if column.kind == "bar":
        eighths = round(value * 8 * extent)
        return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    return figure(column.kind, value)


def _line(layout: Layout, texts: Sequence[str], style: str) -> list[Run]:
    runs: list[Run] = []
    for column, text, width in zip(layout.columns, texts, layout.widths, strict=True):
        space = " " * (width - (len(text) if column.kind == "bar" else columns_of(text)))
        runs.append((space + text if column.kind in NUMBERS else text + space, style or STYLES.get(column.kind, "")))
        runs.append((layout.gap, ""))
    return runs


def _wrap(text: str, width: int | None) -> list[str]:
    """A line broken where it is too long: between its facts, and between its words a fact too long by itself."""
    if width is None or columns_of(text) <= width:
        return [text]
    lines: list[str] = []
    for fact in text.split(SEPARATOR):
        between = SEPARATOR
        for piece in [fact] if columns_of(fact) <= width else fact.split(" "):
            if lines and columns_of(lines[-1]) + columns_of(between) + columns_of(piece) <= width:
                lines[-1] += between + piece
            else:
                lines.append(piece)
            between = " "
    return lines


def styled(lines: Sequence[Sequence[Run]]) -> str:
    """Lines with the escape sequences of their styles."""
    from rich.color import ColorSystem
    from rich.style import Style

    styles = {name: Style.parse(name) for name in {"", *STYLES.values()}}
    lines_of_text = []
    for line in lines:
        runs = [styles[name].render(text, color_system=ColorSystem.STANDARD) for text, name in line]
        lines_of_text.append("".join(runs).rstrip() + "\n")
    return "".join(lines_of_text)
