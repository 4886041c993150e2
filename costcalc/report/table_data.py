"""A table before it has a look: what each command makes of its value, and what each format makes its text of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from costcalc.formula import Shape, Shapes

NUMBERS = ("count", "change", "share", "growth", "ratio")
"""The kinds of columns whose cells stand at the right."""

SEPARATOR = " · "


class Text(NamedTuple):
    """A text, and what it becomes where a terminal is too narrow for it."""

    full: str
    short: str


Cell: TypeAlias = str | Text | int | float | None


class Column(NamedTuple):
    """A column: its key in machine-readable formats, its title for people, and what its cells are.

    Kinds: `text`; `shape`, sizes with `×` between them; `count`, an exact integer; `change`, one with its sign;
    `share`, a part of 1; `growth`, a relative change; `bar`, a part of 1 as a length; `ratio`, a factor.
    On a terminal that is too narrow, a column takes the short forms of its texts and counts at step `shortens` and goes
    at step `yields`; 0: never. One that `wraps` has its texts on several lines from step `shortens` on, where they are
    wider than its room, but is never less than so many characters wide; 0: it does not wrap.
    """

    key: str
    title: str
    kind: str = "text"
    shortens: int = 0
    yields: int = 0
    wraps: int = 0


class Entry(NamedTuple):
    """A line of cells, one for each column. Its role: none, or `heading`, `rest`, `total`."""

    cells: tuple[Cell, ...]
    role: str = ""


class Remark(NamedTuple):
    """A line below a table that says how to read it; with the key of a column, only where that column is."""

    text: str
    column: str = ""


class Paragraph(NamedTuple):
    """Lines below a table that are filled anew on a terminal that is too narrow for them."""

    lines: tuple[str, ...]


class Grid(NamedTuple):
    """A table, the lines above it, the first of which is its title, and the lines below it.

    A line of several facts has them joined by `SEPARATOR`, where it may be broken.
    """

    columns: tuple[Column, ...]
    entries: tuple[Entry, ...]
    heading: tuple[str, ...] = ()
    notes: tuple[str | Remark | Paragraph, ...] = ()


def full(value: Cell) -> str | int | float | None:
    """A cell at its full length."""
    return value.full if isinstance(value, Text) else value


def without(grid: Grid, *kinds: str) -> Grid:
    """The table without columns of some kinds.

    >>> without(Grid((Column("a", "A"), Column("b", "B", "bar")), (Entry(("x", 0.5)),)), "bar").entries
    (Entry(cells=('x',), role=''),)
    """
    kept = [index for index, column in enumerate(grid.columns) if column.kind not in kinds]
    return grid._replace(
        columns=tuple([grid.columns[index] for index in kept]),
        entries=tuple([entry._replace(cells=tuple([entry.cells[index] for index in kept])) for entry in grid.entries]),
    )


def figure(kind: str, value: int | float) -> str:
    """A number of a kind of column, for people.

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
    """A number in three digits and an SI suffix, where a terminal has no room for all of it.

    >>> brief(4089184256), brief(12443648), brief(672), brief(10**40)
    ('4.09G', '12.4M', '672', '1.00e+40')
    """
    if number >= 10**15:
        from decimal import Decimal

        return f"{Decimal(number):.2e}"
    for suffix, unit in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= unit:
            value = number / unit
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}{suffix}"
    return str(number)


def metric_title(name: str) -> str:
    """The title of a metric's column.

    >>> metric_title("macs"), metric_title("params")
    ('MACs', 'params')
    """
    return {"macs": "MACs", "flops": "FLOPs"}.get(name, name)


def percent(part: float) -> str:
    """A part of 1 as a percentage of one decimal; nothing for nothing.

    >>> percent(0.02886), percent(0.0), percent(0.0001), percent(1)
    ('2.9%', '', '<0.1%', '100%')
    """
    if part in (0, 1):
        return "100%" if part else ""
    return "<0.1%" if part < 0.0005 else f"{part:.1%}"


def sizes(shape: Shape) -> str:
    """A shape as one writes it.

    >>> sizes((64, 112, 112)), sizes(())
    ('64×112×112', '1')
    """
    return "×".join(map(str, shape)) or "1"


def tensors(shapes: Shapes) -> str:
    """Shapes of a layer's outputs.

    >>> tensors(((64, 56, 56),)), tensors(((8, 4), (8, 4))), tensors(((1,), (2,), (3,), (4,)))
    ('64×56×56', '2 of 8×4', '1, 2, 3, and 1 more')
    """
    if len(shapes) > 1 and len(set(shapes)) == 1:
        return f"{len(shapes)} of {sizes(shapes[0])}"
    more = [f"and {len(shapes) - 3:,} more"] if len(shapes) > 3 else []
    return ", ".join([*map(sizes, shapes[:3]), *more])


def value(given: object) -> str:
    """A param's value as a spec writes it.

    >>> value((3, 4)), value(True), value(0.5)
    ('[3, 4]', 'true', '0.5')
    """
    if isinstance(given, (list, tuple)):
        return f"[{', '.join(map(value, given))}]"
    return str(given).lower() if isinstance(given, bool) else str(given)
