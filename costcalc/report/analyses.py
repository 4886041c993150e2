"""Analyses as tables: one network with a row per layer, or several networks with a row per network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.cost import OPERATIONS
from costcalc.errors import UsageError, suggest
from costcalc.model import TRAINING
from costcalc.notation import written
from costcalc.report.table_data import (
    SEPARATOR,
    Cell,
    Column,
    Remark,
    Table,
    TableRow,
    TextCell,
    metric_kind,
    metric_title,
    sizes,
    tensors,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costcalc.model import Analysis, Totals
    from costcalc.outline import OutlineLine

BYTES = (
    "conv_activations",
    "active_params",
    "weight_bytes",
    "peak_bytes",
    "arena_bytes",
    "traffic_bytes",
    "intensity",
    "bops",
)
FIGURES = ("params", "macs", "flops", "activations", "buffers", *OPERATIONS)
COLUMNS = (*FIGURES, *BYTES, *TRAINING, "share", "params_share", "operations", "layers")
GROUPED = ("layers", "params", "params_share", "macs", "share")
"""The default columns of groups of layers."""
"""The columns that `--columns` accepts. `operations` stands for all classes of operations."""
DEFAULT = ("params", "macs", "share")
SEVERAL = ("layers", "params", "macs", "flops")
PAGE = ("params", "macs", "share", "flops", "activations")
"""The default columns of one network, of several, and of one network on a page."""


def choose(names: str) -> tuple[str, ...]:
    """Parse a comma-separated list of columns. Raises `UsageError` with the nearest name.

    >>> choose("macs, operations")
    ('macs', 'add', 'mul', 'div', 'cmp', 'exp')
    """
    chosen: list[str] = []
    for name in [name.strip() for name in names.split(",") if name.strip()]:
        if name not in COLUMNS:
            raise UsageError("unknown column {}", name, help=suggest(name, COLUMNS))
        chosen += OPERATIONS if name == "operations" else [name]
    if not chosen:
        raise UsageError("--columns: expected at least one column", help=f"known: {', '.join(COLUMNS)}")
    return tuple(dict.fromkeys(chosen))


def layers(
    analysis: Analysis, lines: Sequence[OutlineLine], columns: Sequence[str] = (), *, tree: bool = True, by: str = ""
) -> Table:
    """Return the lines of an outline and the totals. Without `tree`, names are not shortened.

    With `by`, the lines are groups of layers, without an op and an output.
    """
    columns = columns or (*(GROUPED if by else DEFAULT), *(TRAINING if analysis.optimizer else ()))
    columns = (*columns, *(("convention",) if analysis.read_as else ()))
    names = {"convention": analysis.read_as.convention if analysis.read_as else ""}
    numbers = [column._replace(title=names.get(column.key, column.title)) for column in _figures(columns)]
    shown = (Column("name", by), *numbers) if by else (_NAME, _OP, _OUTPUT, *numbers)
    longest = max([line.share for line in lines if not line.others], default=0.0)
    rows = []
    for line in lines:
        label = TextCell("  " * line.level + line.label, " " * line.level + line.label) if tree else line.name
        if not line.totals:
            rows.append(TableRow((label, *[None] * (len(shown) - 1)), "heading", line.level, line.name))
            continue
        bar = line.share / longest if longest and not line.others else None
        figures = _cells(line.totals, columns, {"share": line.share, "params_share": line.params_share}, bar)
        if by:
            rows.append(TableRow((line.label, *figures), "rest" if line.others else "", name=line.name))
        elif line.others:
            rows.append(TableRow((line.label, _layers(line.totals) if tree else None, None, *figures), "rest"))
        else:
            cells = label, _ops(line), tensors(line.outputs), *figures
            rows.append(TableRow(cells, level=line.level if tree else 0, name=line.name))
    all_of = {"share": 1.0 if analysis.totals.macs else 0.0, "params_share": 1.0 if analysis.totals.params else 0.0}
    whole = _cells(analysis.totals, columns, all_of, None)
    head = ("total",) if by else ("total", _layers(analysis.totals), None)
    rows.append(TableRow((*head, *whole), "total"))
    notes = _notes(analysis, columns) + ((_SHARED,) if any(len(line.ops) > 1 for line in lines) else ())
    return Table(shown, tuple(rows), heading(analysis), notes)


def networks(analyses: Sequence[Analysis], specs: Sequence[str], columns: Sequence[str] = ()) -> Table:
    """Return a row for each network. Networks with the same name are followed by their spec."""
    trained = TRAINING if any(analysis.optimizer for analysis in analyses) else ()
    columns = [name for name in columns or (*SEVERAL, *trained) if name not in ("share", "params_share")]
    names = [analysis.network for analysis in analyses]
    longest = max([analysis.totals.macs for analysis in analyses], default=0)
    rows = []
    for analysis, spec in zip(analyses, specs, strict=True):
        name = analysis.network if names.count(analysis.network) == 1 else f"{analysis.network} ({spec})"
        bar = analysis.totals.macs / longest if longest else 0.0
        rows.append(TableRow((name, _inputs(analysis), *_cells(analysis.totals, columns, {}, None), bar)))
    batch = max([analysis.batch for analysis in analyses], default=1)
    return Table(
        (Column("name", "network"), Column("input", "input", "shape", yields=2), *_figures(columns), _BAR),
        tuple(rows),
        notes=("", f"batch {batch:,}") if batch > 1 else (),
    )


def heading(analysis: Analysis) -> tuple[str, ...]:
    """Return the title, source, inputs, batch and params of a network."""
    about = analysis.description.strip().partition("\n")[0]
    title = f"{analysis.network}: {about}" if about else analysis.network
    params = [f"{name}={written(value)}" for name, value in analysis.params.items()]
    facts = SEPARATOR.join([f"input {_inputs(analysis)}", f"batch {analysis.batch:,}", *params])
    return tuple([" ".join(text.split()) for text in (title, analysis.source, facts) if text])


_SHARED = Remark("norm and act share their layer's row; --full lists them")


def _notes(analysis: Analysis, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the totals without a column, and the ops that the totals do not count."""
    quantities = [name for name in ("params", "macs", "flops", "activations", "buffers") if name not in columns]
    others = SEPARATOR.join([f"{getattr(analysis.totals, name):,} {metric_title(name)}" for name in quantities])
    if analysis.active_params is not None:
        others = f"{analysis.active_params:,} active params{SEPARATOR}{others}"
    read = analysis.read_as
    known = f"{read.convention} {read.version}".strip() if read else ""
    counted = f"{analysis.totals.convention:,} {read.kind} by {known}" if read else ""
    omitted = f"not counted: {', '.join(read.uncounted)}" if read and read.uncounted else ""
    others = "\n".join([others, SEPARATOR.join([text for text in (counted, omitted) if text])]) if read else others
    partial = f"partial: no rule for {', '.join(analysis.uncounted)}" if analysis.partial else ""
    return ("", *[text for text in (*others.split("\n"), partial) if text])


def _inputs(analysis: Analysis) -> str:
    shapes = analysis.inputs
    if len(shapes) == 1:
        return sizes(*shapes.values())
    return ", ".join([f"{name} {sizes(shape)}" for name, shape in shapes.items()])


def _layers(totals: Totals) -> str:
    return f"{totals.layers:,} layer{'' if totals.layers == 1 else 's'}"


def _ops(line: OutlineLine) -> Cell:
    """Return the ops of a line.

    The short form is the first op and the number of others, or empty if the name contains the op.
    """
    if not line.ops:
        return _layers(line.totals) if line.totals else None
    first, *others = line.ops
    named = first in line.label.split(".")[-1]
    return TextCell(SEPARATOR.join(line.ops), f"{first} +{len(others)}" if others else "" if named else first)


_NAME = Column("name", "layer", shortens=3)
_OP = Column("op", "op", shortens=2, yields=5)
_OUTPUT = Column("output", "output", "shape", yields=6)
_SHARE = Column("share", "share", "share", yields=4)
_BAR = Column("bar", "", "bar", yields=1)


def _figures(columns: Sequence[str]) -> list[Column]:
    figures: list[Column] = []
    for name in columns:
        share = Column(name, "of params", "share", yields=3)
        one = share if name == "params_share" else Column(name, metric_title(name), metric_kind(name), shortens=7)
        figures += [_SHARE, _BAR] if name == "share" else [one]
    return figures


def _cells(totals: Totals, columns: Sequence[str], shares: Mapping[str, float], bar: float | None) -> list[Cell]:
    cells: list[Cell] = []
    for name in columns:
        cells.append(shares[name] if name in shares else getattr(totals, name))
        cells += [bar] if name == "share" else []
    return cells
