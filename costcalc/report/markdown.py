"""Tables in GitHub-flavoured Markdown. Text from a spec is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costcalc.report.table_data import NUMBERS, Paragraph, Remark, figure, full, without
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.report.formats import Medium, Report
    from costcalc.report.table_data import Cell, Column, Table

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#|~&$!^])")
_ACTIVE = re.compile(r"(://|\bwww\.|@|#(?=\w)|^[-+=](?=\s|$)|^\d+[.)](?=\s|$))", re.IGNORECASE)
_BREAK = "\u200b"


def write(report: Report, _: Medium) -> str:
    """Write a report's tables in Markdown."""
    return "\n".join(map(render, report.tables("markdown")))


def render(table: Table) -> str:
    """Return a table in Markdown, with its heading and notes."""
    table = without(table, "bar")
    title, *above = [escape(text) for text in table.heading] or [""]
    parts = [f"### {title}"] if title else []
    parts += above
    lines = [_line([escape(column.title) for column in table.columns])]
    lines.append(_line(["---:" if column.kind in NUMBERS else "---" for column in table.columns]))
    for row in table.rows:
        if row.role != "heading":
            cells = [_cell(column, value) for column, value in zip(table.columns, row.cells, strict=True)]
            lines.append(_line([f"**{cell}**" if cell and row.role == "total" else cell for cell in cells]))
    parts += ["\n".join(lines)] if table.columns else []
    parts += [escape(text) for text in map(_note, table.notes) if text]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    r"""Escape a text so that Markdown reads no markup, HTML, links, mentions or ends of cells in it.

    Markup is escaped with backslashes. Text that a host links automatically (addresses, mentions, issue numbers) is
    broken by a zero-width space.

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
