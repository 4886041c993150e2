"""Tables of cells, which commands create and formats write."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from costcalc.notation import SI_POWERS
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from costcalc.formula import Shape, Shapes

NUMBERS = ("count", "change", "share", "growth", "ratio")
"""The kinds of columns that are aligned on the right."""

SEPARATOR = " · "


class TextCell(NamedTuple):
    """A text with a short form for narrow terminals."""

    full: str
    short: str


Cell: TypeAlias = str | TextCell | int | float | None


class Column(NamedTuple):
    """A column: its key in machine-readable formats, its title, and the kind of its cells.

    Kinds: `text`; `shape`, sizes with `×` between them; `count`, an exact integer; `change`, a signed integer; `share`,
    a part of 1; `growth`, a relative change; `bar`, a part of 1 shown as a bar; `ratio`, a factor.
    A table is narrowed in steps until it fits. A column uses short forms from step `shortens` on, and is dropped at
    step `yields`; 0 is never. A column with `wraps` wraps its texts from step `shortens` on, and is at least `wraps`
    characters wide; 0 is no wrapping.
    """

    key: str
    title: str
    kind: str = "text"
    shortens: int = 0
    yields: int = 0
    wraps: int = 0


class TableRow(NamedTuple):
    """A row of cells, one for each column. Its role is empty, `heading`, `rest` or `total`.

    `level` is the depth of the row in a tree, and `name` the full name of what it shows.
    """

    cells: tuple[Cell, ...]
    role: str = ""
    level: int = 0
    name: str = ""


class Remark(NamedTuple):
    """An explanation below a table. With the key of a column, it is only shown together with that column."""

    text: str
    column: str = ""


class Paragraph(NamedTuple):
    """Lines below a table that are wrapped together on a narrow terminal."""

    lines: tuple[str, ...]


class Table(NamedTuple):
    """A table, its heading and its notes. The first line of the heading is the title.

    Facts in a line are joined by `SEPARATOR`, at which the line may be wrapped.
    """

    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    heading: tuple[str, ...] = ()
    notes: tuple[str | Remark | Paragraph, ...] = ()


def full(value: Cell) -> str | int | float | None:
    """Return the full form of a cell."""
    return value.full if isinstance(value, TextCell) else value


def without(table: Table, *kinds: str) -> Table:
    """Return a table without the columns of some kinds.

    >>> without(Table((Column("a", "A"), Column("b", "B", "bar")), (TableRow(("x", 0.5)),)), "bar").rows
    (TableRow(cells=('x',), role='', level=0, name=''),)
    """
    if not any(column.kind in kinds for column in table.columns):
        return table
    kept = [index for index, column in enumerate(table.columns) if column.kind not in kinds]
    return table._replace(
        columns=tuple([table.columns[index] for index in kept]),
        rows=tuple([row._replace(cells=tuple([row.cells[index] for index in kept])) for row in table.rows]),
    )


def figure(kind: str, value: int | float) -> str:
    """Format a number of a column of some kind.

    >>> figure("count", 4089184256), figure("share", 0.25), figure("ratio", 0.10334)
    ('4,089,184,256', '25.0%', '0.103')
    """
    if kind == "count":
        return f"{value:,}"
    if kind == "change":
        return f"{value:+,}"
    if kind == "growth":
        return f"{value:+.1%}" if abs(value) >= 0.0005 or not value else "<+0.1%" if value > 0 else ">-0.1%"
    return percent(value) if kind == "share" else f"{value:.3g}"


def brief(number: int) -> str:
    """Format a number with three digits and an SI suffix.

    >>> brief(4089184256), brief(12443648), brief(672), brief(10**40)
    ('4.09G', '12.4M', '672', '1.00e+40')
    """
    if number >= 10**15:
        from decimal import Decimal

        return f"{Decimal(number):.2e}"
    for suffix in "TGMk":
        value = number / 10 ** SI_POWERS[suffix]
        if value >= 1:
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}{suffix}"
    return str(number)


def metric_title(name: str) -> str:
    """Return the title of the column of a metric.

    >>> metric_title("macs"), metric_title("params")
    ('MACs', 'params')
    """
    return {"macs": "MACs", "flops": "FLOPs"}.get(name, name)


def metric_kind(name: str) -> str:
    """Return the kind of the column of a metric.

    >>> metric_kind("macs"), metric_kind("intensity")
    ('count', 'ratio')
    """
    return "ratio" if name == "intensity" else "count"


def percent(part: float) -> str:
    """Format a part of 1 as a percentage with one decimal. 0 is an empty text.

    >>> percent(0.02886), percent(0.0), percent(0.0001), percent(1)
    ('2.9%', '', '<0.1%', '100%')
    """
    if part in (0, 1):
        return "100%" if part else ""
    return "<0.1%" if part < 0.0005 else f"{part:.1%}"


def sizes(shape: Shape) -> str:
    """Format a shape.

    >>> sizes((64, 112, 112)), sizes(())
    ('64×112×112', '1')
    """
    return "×".join(map(str, shape)) or "1"


def tensors(shapes: Shapes) -> str:
    """Format the shapes of the outputs of a layer.

    >>> tensors(((64, 56, 56),)), tensors(((8, 4), (8, 4))), tensors(((1,), (2,), (3,), (4,)))
    ('64×56×56', '2 of 8×4', '1, 2, 3, and 1 more')
    """
    if len(shapes) > 1 and len(set(shapes)) == 1:
        return f"{len(shapes)} of {sizes(shapes[0])}"
    more = [f"and {len(shapes) - 3:,} more"] if len(shapes) > 3 else []
    return ", ".join([*map(sizes, shapes[:3]), *more])
