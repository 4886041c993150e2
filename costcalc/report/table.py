"""Tables as text, for terminals of any width and for pipes.

This module does the layout, and rich only converts styles to colours. rich's own tables take longer than all other work
of a command, and cannot drop columns.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from costcalc.record import NamedTuple
from costcalc.report.table_data import NUMBERS, SEPARATOR, Paragraph, TextCell, brief, figure
from costcalc.report.text import columns as columns_of
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.report.formats import Medium, Report
    from costcalc.report.table_data import Cell, Column, Table

Run: TypeAlias = tuple[str, str]
"""Text and its style."""

BAR = 10
SHORT_BAR = 4
"""The length of the longest bar in characters, and the shortest that it may become before its column is dropped."""

STYLES = {"above": "dim", "rule": "dim", "heading": "dim", "remark": "dim", "bar": "cyan"} | dict.fromkeys(
    ("title", "head", "total"), "bold"
)

HEADING = re.compile(r"\w+: +")
"""A heading of a paragraph, such as `Shapes: `. The other lines of the paragraph are indented by its length."""
_PART = re.compile(r"[^.,/_]+[.,/_]*|[.,/_]+")
"""The parts at which a word that is too long for its line may be broken."""


class Layout(NamedTuple):
    """Columns with their texts and widths, and the gap between them.

    A text wider than its column is wrapped. The text of a heading spans all columns. The texts of a rest or total row
    span an empty cell on their right.
    """

    columns: Sequence[Column]
    texts: Sequence[Sequence[str]]
    widths: Sequence[int]
    gap: str

    @property
    def width(self) -> int:
        """The width of the table in characters."""
        return sum(self.widths) + len(self.gap) * (len(self.widths) - 1)


def write(report: Report, medium: Medium) -> str:
    """Write a report's tables as text."""
    return render(*report.tables("table"), width=medium.width, color=medium.color)


def render(*tables: Table, width: int | None = None, color: bool = False) -> str:
    """Return tables as text, one below the other. Without a width, nothing is shortened or dropped."""
    lines: list[list[Run]] = []
    for table in tables:
        if lines:
            lines.append([])
        lines += draw(table, width)
    return joined(lines, color=color)


def joined(lines: Sequence[Sequence[Run]], *, color: bool) -> str:
    """Join lines to a text, with or without colours."""
    if color:
        return styled(lines)
    return "".join(["".join([text for text, _ in line]).rstrip() + "\n" for line in lines])


def draw(table: Table, width: int | None = None) -> list[list[Run]]:
    """Return the lines of one table."""
    layout = fit(table, width)
    lines: list[list[Run]] = []
    for number, text in enumerate(table.heading):
        lines += [[(line, STYLES["above" if number else "title"])] for line in wrap(visible(text), width)]
    if table.heading:
        lines.append([])
    rule = [("─" * layout.width, STYLES["rule"])]
    if table.columns:
        lines += [*_row(layout, [column.title for column in layout.columns], "head"), rule]
    last = ""
    for index, row in enumerate(table.rows):
        if row.role == "total" != last:
            lines.append(rule)
        texts = [column[index] for column in layout.texts]
        if row.role == "heading":
            lines += [[(line, STYLES["heading"])] for line in wrap(texts[0], width, 2)]
        else:
            lines += _row(layout, texts, row.role)
        last = row.role
    shown = {"", *[column.key for column in layout.columns]}
    for note in table.notes:
        if isinstance(note, Paragraph):
            lines += [[(line, "")] for line in _paragraph(list(map(visible, note.lines)), width)]
        elif isinstance(note, str):
            lines += [[(line, "")] for line in wrap(visible(note), width)]
        elif note.column in shown:
            margin = len(note.text) - len(note.text.lstrip()) + 2
            lines += [[(line, STYLES["remark"])] for line in wrap(visible(note.text), width, margin)]
    while not any(text for text, _ in lines[-1]):
        del lines[-1]
    return lines


def fit(table: Table, width: int | None) -> Layout:
    """Return the first layout that fits, of layouts that shorten and drop more and more.

    If none fits, the table stays wider than `width`.
    """
    if width is None:
        return _layout(table, 0)
    steps = max([step for column in table.columns for step in (column.shortens, column.yields)], default=0)
    for step in range(steps + 1):
        for gap in ("  ", " ") if step or not steps else ("  ",):
            layout = _layout(table, step, gap)
            excess = layout.width - width
            if excess <= 0:
                return layout
            if excess <= BAR - SHORT_BAR and any(column.kind == "bar" for column in layout.columns):
                return _layout(table, step, gap, BAR - excess)
            layout = _narrowed(layout, step, width)
            if layout.width <= width:
                return layout
    return layout


def _layout(table: Table, step: int, gap: str = "  ", bar: int = BAR) -> Layout:
    kept = [index for index, column in enumerate(table.columns) if not 0 < column.yields <= step]
    columns = [table.columns[index] for index in kept]
    texts = [
        [_text(column, row.cells[index], bar if column.kind == "bar" else step) for row in table.rows]
        for index, column in zip(kept, columns, strict=True)
    ]
    plain = [index for index, row in enumerate(table.rows) if not row.role]
    widths = [
        bar if column.kind == "bar" else max(map(columns_of, [*_title(column, step), *[known[row] for row in plain]]))
        for column, known in zip(columns, texts, strict=True)
    ]
    layout = Layout(columns, texts, widths, gap)
    for index, row in enumerate(table.rows):
        if row.role in ("rest", "total"):
            cells = [known[index] for known in texts]
            for place, room in enumerate(_rooms(layout, cells, row.role)):
                widths[place] += max(0, columns_of(cells[place]) - room)
    return layout


def _rooms(layout: Layout, cells: Sequence[str], role: str) -> list[int]:
    """Return the width available to each text of a row."""
    rooms = list(layout.widths)
    for place, column in enumerate(layout.columns[:-1]):
        if role in ("rest", "total") and not cells[place + 1] and column.kind not in NUMBERS:
            rooms[place] += len(layout.gap) + layout.widths[place + 1]
    return rooms


def _title(column: Column, step: int) -> list[str]:
    """Return the lines of a title, which is wrapped before anything else is shortened."""
    return column.title.split(" ") if step else [column.title]


def _narrowed(layout: Layout, step: int, width: int) -> Layout:
    """Return a layout whose wrapping columns are narrowed, widest first, until the table fits."""
    widths = list(layout.widths)
    able = [index for index, column in enumerate(layout.columns) if column.wraps and column.shortens <= step]
    least = {index: max(layout.columns[index].wraps, _longest_part(layout.texts[index])) for index in able}
    room = width - layout.width + sum([widths[index] for index in able])
    for cap in range(max([widths[index] for index in able], default=0), 0, -1):
        if sum([widths[index] for index in able]) <= room:
            break
        for index in able:
            widths[index] = min(widths[index], max(cap, least[index]))
    for index in able:
        pieces = [piece for text in layout.texts[index] for piece in wrap(text, widths[index])]
        widths[index] = max(map(columns_of, [layout.columns[index].title, *pieces]))
    return layout._replace(widths=widths)


def _longest_part(texts: Sequence[str]) -> int:
    """Return the width of the longest part that cannot be broken."""
    return max([columns_of(part) for text in texts for word in text.split() for part in _PART.findall(word)], default=0)


def _text(column: Column, value: Cell, extent: int) -> str:
    """Format a cell. `extent` is the length of the longest bar for a bar, and the step of narrowing otherwise."""
    if value is None:
        return ""
    if isinstance(value, TextCell):
        return visible(value.short if 0 < column.shortens <= extent else value.full)
    if isinstance(value, str):
        return visible(value)
    if column.kind == "bar":
        eighths = round(value * 8 * extent)
        return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    if column.kind in ("count", "change") and 0 < column.shortens <= extent:
        sign = "-" if value < 0 else "+" if column.kind == "change" else ""
        return sign + brief(abs(int(value)))
    return figure(column.kind, value)


def _row(layout: Layout, cells: Sequence[str], role: str) -> list[list[Run]]:
    """Return the lines of a row. Cells with fewer lines are aligned at the top, and titles at the bottom."""
    style, rooms = STYLES.get(role, ""), _rooms(layout, cells, role)
    bars = [column.kind == "bar" for column in layout.columns]
    if all(bar or columns_of(text) <= room for bar, text, room in zip(bars, cells, rooms, strict=True)):
        return [_line(layout, cells, style)]
    pieces = [[text] if bar else wrap(text, room) for bar, text, room in zip(bars, cells, rooms, strict=True)]
    most = max(map(len, pieces))
    filled = [[""] * (most - len(each)) for each in pieces]
    pieces = [fill + each if role == "head" else each + fill for each, fill in zip(pieces, filled, strict=True)]
    return [_line(layout, [each[number] for each in pieces], style) for number in range(most)]


def _line(layout: Layout, cells: Sequence[str], style: str) -> list[Run]:
    runs: list[Run] = []
    over = 0
    for column, text, width in zip(layout.columns, cells, layout.widths, strict=True):
        space = width - (len(text) if column.kind == "bar" else columns_of(text)) - over
        over = max(0, -space)
        margin = " " * space
        runs.append((margin + text if column.kind in NUMBERS else text + margin, style or STYLES.get(column.kind, "")))
        runs.append((layout.gap[over:], ""))
        over = max(0, over - len(layout.gap))
    return runs


def _paragraph(lines: Sequence[str], width: int | None) -> Sequence[str]:
    """Return the lines of a paragraph, wrapped if one is too long."""
    if width is None or max(map(columns_of, lines)) <= width:
        return lines
    heading = HEADING.match(lines[0])
    return wrap(" ".join([lines[0], *map(str.strip, lines[1:])]), width, heading.end() if heading else 0)


def wrap(text: str, width: int | None, margin: int = 0) -> list[str]:
    """Wrap a line at separators of facts, else at spaces, else within a word after punctuation.

    The lines after the first are indented by `margin`.
    """
    if width is None or columns_of(text) <= width:
        return [text]
    lines: list[str] = []
    for fact in text.split(SEPARATOR):
        between = SEPARATOR
        for word in [fact] if columns_of(fact) <= width - margin else fact.split(" "):
            for part in [word] if columns_of(word) <= width - margin else _PART.findall(word):
                if lines and columns_of(lines[-1]) + columns_of(between) + columns_of(part) <= width:
                    lines[-1] += between + part
                else:
                    lines.append(" " * margin * bool(lines) + part)
                between = ""
            between = " "
    return lines


def styled(lines: Sequence[Sequence[Run]]) -> str:
    """Join lines to a text with escape sequences for their styles."""
    from rich.color import ColorSystem
    from rich.style import Style

    styles = {name: Style.parse(name) for name in {"", *STYLES.values()}}
    lines_of_text = []
    for line in lines:
        runs = [styles[name].render(text, color_system=ColorSystem.STANDARD) for text, name in _trimmed(line)]
        lines_of_text.append("".join(runs) + "\n")
    return "".join(lines_of_text)


def _trimmed(line: Sequence[Run]) -> list[Run]:
    """Return a line without trailing space."""
    runs = list(line)
    while runs and not runs[-1][0].strip():
        del runs[-1]
    return [*runs[:-1], (runs[-1][0].rstrip(), runs[-1][1])] if runs else runs
