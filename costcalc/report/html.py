"""A page for a browser: one file, without requests to anywhere.

The style and the script of the page are files in `page`. The policy of the page allows these two and nothing else, so
that no text of a spec can run or load anything.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from costcalc.report.formats import joined
from costcalc.report.table_data import NUMBERS, Paragraph, Remark, TextCell, figure, full
from costcalc.report.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from costcalc.explanation import Explanation
    from costcalc.report.formats import Medium, Report
    from costcalc.report.table_data import Cell, Column, Table, TableRow

LARGE = 1_000
"""The rows from which on a browser is given the widths of columns. It takes seconds to measure ten thousand rows."""
TOOLS = """<div class="tools" hidden><input type="search" placeholder="Filter rows" aria-label="Filter rows">
<button type="button" class="folds">Fold all</button>
<fieldset><legend class="hidden">Columns</legend></fieldset></div>"""
END = """<dialog aria-labelledby="what"><h2 id="what"></h2><div></div>
<form method="dialog"><button>Close</button></form></dialog>"""
BAR = '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
TREEMAP = """<section id="treemap" hidden><h2>Where the cost lies</h2>
<label>Area: <select aria-label="Figure of the treemap"></select></label><div id="map"></div></section>"""


def write(report: Report, _: Medium) -> Iterator[str]:
    """Return a report's tables as a page."""
    return joined(_page(report.tables("html"), report.explanation and report.explanation()))


def _page(tables: Sequence[Table], explanation: Explanation | None) -> Iterator[str]:
    style = "".join([_file("page.css"), *[_widths(number, table) for number, table in enumerate(tables)]])
    script = _file("page.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'"
    title = next((table.heading[0] for table in tables if table.heading), "costcalc")
    yield f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{_text(title)}</title>
<style>{style}</style></head><body>
"""
    for number, table in enumerate(tables):
        yield from _heading(table, "h2" if number else "h1")
        if explanation and not number:
            yield TREEMAP
        yield from _body(table, number)
    yield END
    yield f'<script type="application/json" id="formulas">{_formulas(tables, explanation)}</script>'
    yield f"<script>{script}</script></body></html>\n"


def _file(name: str) -> str:
    from importlib.resources import files

    return files("costcalc.report").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return a text's entry in the policy of a page."""
    from base64 import b64encode
    from hashlib import sha256

    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _text(value: str) -> str:
    """Return a text as HTML, in which no CI system that prints the page finds a workflow command."""
    return escape(visible(value)).replace("##", "#&#35;").replace("::", ":&#58;")


def _heading(table: Table, head: str) -> Iterator[str]:
    for number, text in enumerate(table.heading):
        yield f'<p class="above">{_text(text)}</p>\n' if number else f"<{head}>{_text(text)}</{head}>\n"


def _widths(number: int, table: Table) -> str:
    """Return the style of the columns of a table with so many rows that a browser should not measure them."""
    if len(table.rows) < LARGE:
        return ""
    deepest = max([row.level for row in table.rows])
    rules = []
    for place, column in enumerate(table.columns):
        texts = [column.title, *[_plain(column, row.cells[place]) for row in table.rows if column.kind != "bar"]]
        width = f"{max(map(len, texts))}ch + {2 if place else 2 + 1.1 * deepest:g}rem"
        rules.append(f"#t{number} tr > :nth-child({place + 1}) {{ flex: 0 0 calc({width}); }}\n")
    return "".join(rules)


def _body(table: Table, number: int) -> Iterator[str]:
    if table.columns:
        kinds = ["tree"] if any(row.level for row in table.rows) else []
        kinds += ["large"] if len(table.rows) >= LARGE else []
        yield f'<section class="table">{TOOLS}<div class="scroll"><table id="t{number}" class="{" ".join(kinds)}">'
        yield "<thead><tr>"
        yield from map(_title, table.columns)
        yield "</tr></thead><tbody>\n"
        for row in table.rows:
            yield _row(table.columns, row)
        yield "</tbody></table></div></section>\n"
    yield f'<div class="notes">{"".join([f"<p>{_text(note)}</p>" for note in map(_note, table.notes) if note])}</div>\n'


def _title(column: Column) -> str:
    title = f'<button type="button">{_text(column.title)}</button>' if column.title else ""
    return f'<th scope="col" data-key="{_text(column.key)}" data-kind="{column.kind}"{_class(column)}>{title}</th>'


def _class(column: Column) -> str:
    return ' class="n"' if column.kind in NUMBERS else ' class="w"' if column.wraps else ""


def _row(columns: Sequence[Column], row: TableRow) -> str:
    role = f' class="{row.role}"' if row.role else ""
    level = f' data-level="{min(row.level, 6)}"' if row.level else ""
    name = f' data-name="{_text(row.name)}"' if row.name else ""
    cells = "".join(map(_cell, columns[1:], row.cells[1:]))
    return f'<tr{role}{level}{name}><th scope="row">{_text(_plain(columns[0], row.cells[0]))}</th>{cells}</tr>\n'


def _plain(column: Column, value: Cell) -> str:
    value = full(value)
    return value.strip() if isinstance(value, str) else "" if value is None else figure(column.kind, value)


def _cell(column: Column, value: Cell) -> str:
    """Return a cell. Numbers keep their value for sorting."""
    if value is None or isinstance(value, (str, TextCell)):
        return f"<td{_class(column)}>{_text(_plain(column, value))}</td>"
    if column.kind == "bar":
        return f'<td>{BAR}<rect width="{100 * value:.4g}" height="8"/></svg></td>'
    return f'<td{_class(column)} data-v="{value}">{_text(_plain(column, value))}</td>'


def _note(note: str | Remark | Paragraph) -> str:
    if isinstance(note, Paragraph):
        return " ".join(note.lines)
    return note.text if isinstance(note, Remark) else note


def _formulas(tables: Sequence[Table], explanation: Explanation | None) -> str:
    """Return the formulas of each row and figure as JSON: names of layers, symbols, numbers and values.

    A layer without a row of its own is on the row of the layer whose norm or act it is.
    """
    import json

    rows = {row.name for table in tables for row in table.rows}
    known: dict[str, dict[str, list[tuple[str, ...]]]] = {}
    layers = explanation.analysis.layers if explanation else ()
    for explained in explanation.layers if explanation else ():
        name, host = explained.row.name, explained.row.host
        row = known.setdefault(name if name in rows or host is None else layers[host].name, {})
        for quantity, count in explained.counts.items():
            sides = count.symbols(), count.numbers(), f"{count.value:,}"
            row.setdefault(quantity, []).append((name, *sides))
    return json.dumps(known).replace("<", "\\u003c").replace("##", "#\\u0023")
