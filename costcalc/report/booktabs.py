"""Tables in LaTeX with the package booktabs, for papers. Text from a spec is escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costcalc.report.table_data import NUMBERS, SEPARATOR, Paragraph, Remark, figure, full, without
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.report.formats import Medium, Report
    from costcalc.report.table_data import Cell, Column, Table

_ACTIVE = re.compile(r"[\\{}$&#%_^~<>|\"`]|--")
_WRITTEN = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "--": "-{}-",
}
_SYMBOLS = {
    "×": r"$\times$", "·": r"$\cdot$", "→": r"$\to$", "≤": r"$\le$", "≥": r"$\ge$", "µ": r"$\mu$", "²": "$^2$",
}  # fmt: skip


def write(report: Report, _: Medium) -> str:
    """Write a report's tables in LaTeX."""
    return "\n".join(map(render, report.tables("latex")))


def render(table: Table) -> str:
    """Return a table as a float: the columns, the title as its caption, and the facts and notes below."""
    table = without(table, "bar")
    title, *above = table.heading or ("",)
    below = [SEPARATOR.join(above)] if above else []
    below += [text for text in map(_note, table.notes) if text]
    if any(column.title == "MACs" for column in table.columns):
        below.append("One MAC is one multiplication and one addition.")
    form = "".join(["r" if column.kind in NUMBERS else "l" for column in table.columns])
    lines = ["\\begin{table}", "  \\centering"]
    lines += [f"  \\caption{{{escape(title)}}}"] if title else []
    lines += [f"  \\begin{{tabular}}{{{form}}}", "    \\toprule", _line([escape(c.title) for c in table.columns])]
    lines.append("    \\midrule")
    for row in table.rows:
        if row.role != "heading":
            if row.role == "total":
                lines.append("    \\midrule")
            lines.append(_line([_cell(column, cell) for column, cell in zip(table.columns, row.cells, strict=True)]))
    lines += ["    \\bottomrule", "  \\end{tabular}"]
    lines += [f"  \\par\\smallskip\\footnotesize {escape(text)}" for text in below]
    return "\n".join([*lines, "\\end{table}"]) + "\n"


def escape(text: str) -> str:
    r"""Escape a text so that LaTeX reads no command in it.

    >>> print(escape("batch_norm & 50% of x^2"))
    batch\_norm \& 50\% of x\textasciicircum{}2
    """
    one_line = " ".join(visible(text).split())
    escaped = _ACTIVE.sub(lambda match: _WRITTEN.get(match[0], f"\\{match[0]}"), one_line)
    return "".join([_SYMBOLS.get(char, char) for char in escaped])


def _note(note: str | Remark | Paragraph) -> str:
    if isinstance(note, Paragraph):
        return " ".join(note.lines)
    return "" if isinstance(note, Remark) else note


def _line(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"


def _cell(column: Column, value: Cell) -> str:
    value = full(value)
    if value is None:
        return ""
    return escape(value if isinstance(value, str) else figure(column.kind, value))
