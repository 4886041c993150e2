"""Tables in GitHub-flavoured Markdown, in which no text from a spec can become anything but text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costcalc.report.table_data import NUMBERS, Paragraph, Remark, figure, full, without
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.report.formats import Medium, Report
    from costcalc.report.table_data import Cell, Column, Grid

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#|~&$!^])")
_ACTIVE = re.compile(r"(://|\bwww\.|@|#(?=\w)|^[-+=](?=\s|$)|^\d+[.)](?=\s|$))", re.IGNORECASE)
_BREAK = "\u200b"


def write(report: Report, _: Medium) -> str:
    """Write a report's tables in Markdown."""
    return "\n".join(map(render, report.tables("markdown")))


def render(grid: Grid) -> str:
    """A title, a table, and notes."""
    grid = without(grid, "bar")
    title, *above = [escape(text) for text in grid.heading] or [""]
    parts = [f"### {title}"] if title else []
    parts += above
    table = [_line([escape(column.title) for column in grid.columns])]
    table.append(_line(["---:" if column.kind in NUMBERS else "---" for column in grid.columns]))
    for entry in grid.entries:
        if entry.role != "heading":
            cells = [_cell(column, value) for column, value in zip(grid.columns, entry.cells, strict=True)]
            table.append(_line([f"**{cell}**" if cell and entry.role == "total" else cell for cell in cells]))
    parts += ["\n".join(table)] if grid.columns else []
    parts += [escape(text) for text in map(_note, grid.notes) if text]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    r"""A text that reads the same in Markdown and is nothing else there: no markup, HTML, link, mention or table cell.

    Backslashes serve the markup. What a host links by itself (addresses, mentions, issue numbers) is broken by a space
    of no width.

    >>> escape("batch_norm | <b>")
    'batch\\_norm \\| \\<b\\>'
    """
    one_line = " ".join(visible(text).split())
    broken = _ACTIVE.sub(lambda match: _cut(match[0]), one_line)
    return _MARKUP.sub(r"\\\1", broken)


def _note(note: str | Remark | Paragraph) -> str:
    if isinstance(note, Paragraph):
        return " ".join(note.lines)
    return note.text if isinstance(note, Remark) else note


def _cut(text: str) -> str:
    return f"{text[:-1]}{_BREAK}{text[-1]}" if len(text) > 1 else f"{text}{_BREAK}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(column: Column, value: Cell) -> str:
    value = full(value)
    if value is None:
        return ""
    return escape(value) if isinstance(value, str) else figure(column.kind, value)
