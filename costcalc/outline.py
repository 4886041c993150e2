"""The lines of an analysis: layers in groups by name, folded, sorted, or limited to the most expensive.

In every arrangement, the lines that have figures sum to the totals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.errors import UsageError, suggest
from costcalc.model import Totals
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.formula import Shapes
    from costcalc.model import Analysis, Row

SORTS = (*Totals._fields, "intensity", "share", "name", "op", "output")
"""The sort keys of lines. Figures are sorted in descending order, texts in ascending order."""


class OutlineLine(NamedTuple):
    """A layer with its norm and act, a folded group, the heading of a group, or the sum of omitted lines.

    `name` is the full path, or empty for omitted lines. `label` is the name without the headings above, or the text for
    omitted lines. `ops` are the ops of the line, empty for a folded group. A heading has no figures. `share` is the
    fraction of the network's macs, and `params_share` that of its params.
    """

    name: str
    label: str = ""
    level: int = 0
    ops: tuple[str, ...] = ()
    outputs: Shapes = ()
    totals: Totals | None = None
    share: float = 0.0
    others: int = 0
    """The number of omitted lines that this line sums."""
    params_share: float = 0.0


def sort_key(name: str) -> str:
    """Return the name if it is one of `SORTS`. Raises `UsageError` otherwise."""
    if name not in SORTS:
        raise UsageError("cannot sort by {}", name, help=suggest(name, SORTS))
    return name


def outline(
    analysis: Analysis,
    *,
    full: bool = False,
    depth: int | None = None,
    sort: str = "",
    top: int | None = None,
    last: int | None = None,
    by: str = "",
) -> list[OutlineLine]:
    """Return the lines of an analysis.

    The norm and act of a layer are on its line, unless `full` is true. `depth` keeps that many segments of each name
    and sums the layers below. `sort` (one of `SORTS`) and `top` return a list instead of a tree. `top` keeps that many
    lines, by default those with most macs, and sums the others in one line. `last` applies to a tree of more than
    2·`last` lines: it keeps the last ones, after one line that sums the others. `by` returns a line for each group, by
    one of `GROUPS`: ops with most macs first, stages and blocks in order. `full` and `depth` do not change them.
    """
    lines = _grouped(analysis.layers, by) if by else _hosted(analysis.layers, full=full)
    if depth is not None and not by:
        lines = _folded(lines, depth)
    if sort or top is not None or by in ("op", "kernel"):
        lines = _sorted(lines, sort or "macs")
        if top is not None and top < len(lines):
            lines[top:] = [_cut(lines[top:], "everything else")]
    elif by:
        pass  # in the order of the network
    elif last is not None and len(lines) > 2 * last:
        lines = [_cut(lines[:-last], f"{len(lines) - last:,} lines before"), *_tree(lines[-last:])]
    else:
        lines = _tree(lines)
    return [_shared(line, analysis.totals) for line in lines]


def _shared(line: OutlineLine, whole: Totals) -> OutlineLine:
    """Return a line with its shares of the totals."""
    if line.totals is None:
        return line
    share, params = (
        part / total if total else 0.0
        for part, total in ((line.totals.macs, whole.macs), (line.totals.params, whole.params))
    )
    return line._replace(share=share, params_share=params)


def _grouped(rows: Sequence[Row], by: str) -> list[OutlineLine]:
    """Return a line for each group of layers."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(_group(row, by), []).append(row)
    return [OutlineLine(name, name, 0, (), (), _sum(row.totals for row in members)) for name, members in groups.items()]


def _group(row: Row, by: str) -> str:
    if by in ("op", "kernel"):
        return row.op if by == "op" else row.kind
    path = row.name.split(".")
    numbers = [place for place, segment in enumerate(path[:-1]) if segment.isdecimal()]
    if not numbers:
        return path[0]
    return ".".join(path[: numbers[0 if by == "stage" else -1] + 1])


def _hosted(rows: Sequence[Row], *, full: bool) -> list[OutlineLine]:
    """Return one line per layer, or per layer with its norm and act unless `full` is true."""
    lines: list[OutlineLine] = []
    positions: dict[int, int] = {}
    for index, row in enumerate(rows):
        if full or row.host is None:
            positions[index] = len(lines)
            lines.append(OutlineLine(row.name, row.name, 0, (row.op,), row.outputs, row.totals))
        else:
            positions[index] = position = positions[row.host]
            host = lines[position]
            lines[position] = host._replace(
                ops=(*host.ops, row.op), outputs=row.outputs, totals=_sum((host.totals, row.totals))
            )
    return lines


def _folded(lines: Sequence[OutlineLine], depth: int) -> list[OutlineLine]:
    groups: dict[str, list[OutlineLine]] = {}
    for line in lines:
        groups.setdefault(".".join(line.name.split(".")[:depth]), []).append(line)
    return [
        members[0]._replace(name=name, label=name)
        if len(members) == 1
        else OutlineLine(name, name, 0, (), members[-1].outputs, _sum(line.totals for line in members))
        for name, members in groups.items()
    ]


def _sorted(lines: list[OutlineLine], by: str) -> list[OutlineLine]:
    if by in ("name", "op", "output"):
        return sorted(lines, key=lambda line: {"name": (line.name,), "op": line.ops, "output": line.outputs}[by])
    figure = "macs" if by == "share" else by
    return sorted(lines, key=lambda line: getattr(line.totals, figure), reverse=True)


def _cut(lines: Sequence[OutlineLine], label: str) -> OutlineLine:
    return OutlineLine("", label, totals=_sum(line.totals for line in lines), others=len(lines))


def _tree(lines: Sequence[OutlineLine]) -> list[OutlineLine]:
    """Add a heading for each group of more than one member. A chain of groups with one member is a single label.

    Numbered copies of a block are headings together with the block's name, so that a number is never a label alone.
    """
    members: dict[tuple[str, ...], int] = {}
    paths = [tuple(line.name.split(".")) for line in lines]
    numbered = {path[:length] for path in paths for length in range(1, len(path)) if path[length].isdecimal()}
    for path in paths:
        for length in range(len(path) - 1, 0, -1):
            group = path[:length]
            members[group] = members.get(group, 0) + 1
            if members[group] > 1:
                break
    tree: list[OutlineLine] = []
    open_groups: list[tuple[str, ...]] = []
    for line, path in zip(lines, paths, strict=True):
        while open_groups and path[:-1][: len(open_groups[-1])] != open_groups[-1]:
            open_groups.pop()
        shown = len(open_groups[-1]) if open_groups else 0
        for length in range(shown + 1, len(path)):
            if members[path[:length]] > 1 and path[:length] not in numbered:
                label = ".".join(path[shown:length])
                tree.append(OutlineLine(".".join(path[:length]), label, len(open_groups)))
                open_groups.append(path[:length])
                shown = length
        tree.append(line._replace(label=".".join(path[shown:]), level=len(open_groups)))
    return tree


def _sum(figures: Iterable[Totals | None]) -> Totals:
    return Totals.of([totals for totals in figures if totals])
