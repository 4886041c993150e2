"""An analysis as one reads it: layers under the groups that their names form, folded, sorted, or cut to the dearest.

However it is arranged, the lines that carry figures sum to the totals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from costcalc.errors import UsageError, suggest
from costcalc.model import Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from costcalc.formula import Shapes
    from costcalc.model import Analysis, Row

SORTS = (*Totals._fields, "share", "name", "op", "output")
"""What lines can be sorted by: figures from the largest, texts from A."""


class OutlineLine(NamedTuple):
    """A layer with those that share its line, a folded group, the rest of a cut, or the heading of a group.

    `name` is the whole path and `label` the part of it that no heading above says, or what a line of no name stands
    for; `ops` are the ops on this line, none where a group is folded. A heading has no figures. `share` is the part of
    the network's macs, from 0 to 1.
    """

    name: str
    label: str = ""
    level: int = 0
    ops: tuple[str, ...] = ()
    outputs: Shapes = ()
    totals: Totals | None = None
    share: float = 0.0
    others: int = 0
    """How many lines a cut has put into this one, which has no name."""


def sort_key(name: str) -> str:
    """A name of `SORTS`. Raises `UsageError` with the nearest one."""
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
) -> list[OutlineLine]:
    """The lines of an analysis.

    A layer's norm and act stand on its line, unless `full`. `depth` keeps so many segments of each name and sums what
    is below. `sort` (one of `SORTS`) and `top` (the first so many, by macs where nothing is said, and one line for the
    rest) give up the tree for a list. `last` cuts a tree of more than twice as many lines to its last ones, below one
    line for all before them.
    """
    lines = _hosted(analysis.layers, full=full)
    if depth is not None:
        lines = _folded(lines, depth)
    if sort or top is not None:
        lines = _sorted(lines, sort or "macs")
        if top is not None and top < len(lines):
            lines[top:] = [_cut(lines[top:], "everything else")]
    elif last is not None and len(lines) > 2 * last:
        lines = [_cut(lines[:-last], f"{len(lines) - last:,} lines before"), *_tree(lines[-last:])]
    else:
        lines = _tree(lines)
    macs = analysis.totals.macs
    return [line._replace(share=line.totals.macs / macs) if macs and line.totals else line for line in lines]


def _hosted(rows: Sequence[Row], *, full: bool) -> list[OutlineLine]:
    """A line for each layer, or for each with those that its arguments wrote."""
    lines: list[OutlineLine] = []
    where: dict[int, int] = {}
    for index, row in enumerate(rows):
        if full or row.host is None:
            where[index] = len(lines)
            lines.append(OutlineLine(row.name, row.name, 0, (row.op,), row.outputs, row.totals))
        else:
            where[index] = at = where[row.host]
            host = lines[at]
            lines[at] = host._replace(
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
    """Headings above the groups of more than one member; a chain of single members is one label.

    The copies of a repetition, which are numbered, have headings of their own: a number never stands alone.
    """
    members: dict[tuple[str, ...], int] = {}
    paths = [tuple(line.name.split(".")) for line in lines]
    numbered = {path[:at] for path in paths for at in range(1, len(path)) if path[at].isdecimal()}
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
        said = len(open_groups[-1]) if open_groups else 0
        for length in range(said + 1, len(path)):
            if members[path[:length]] > 1 and path[:length] not in numbered:
                label = ".".join(path[said:length])
                tree.append(OutlineLine(".".join(path[:length]), label, len(open_groups)))
                open_groups.append(path[:length])
                said = length
        tree.append(line._replace(label=".".join(path[said:]), level=len(open_groups)))
    return tree


def _sum(figures: Iterable[Totals | None]) -> Totals:
    columns = zip(*(totals for totals in figures if totals), strict=True)
    return Totals(*map(sum, columns))
