"""A comparison of strategies as tables: totals and cells, or the layers of each strategy for one convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.report.analyses import heading
from costcalc.report.table_data import SEPARATOR, Cell, Column, Remark, Table, TableRow, TextCell, brief, sizes, tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from costcalc.model import Totals
    from costcalc.strategies import Candidate, CellRow, Comparison, NetworkRow, Prediction

FIGURES = ("params", "macs", "flops", "activations")
EVERYTHING_ELSE = "everything else"
_SYMBOLS = SEPARATOR.join(("C input channels", "N output channels", "K kernel", "P positions"))
_TOTALS = (
    Column("params", "params", "count"),
    Column("macs", "MACs", "count"),
    Column("activations", "activations", "count", yields=2),
    Column("macs_ratio", "×MACs", "ratio"),
    Column("params_ratio", "×params", "ratio", yields=3),
)


def tables(comparison: Comparison) -> tuple[Table, ...]:
    """Return the tables for formats other than CSV."""
    if comparison.convolution:
        return (convolution(comparison),)
    return (totals(comparison), cells(comparison)) if comparison.cells else (totals(comparison),)


def networks(rows: Sequence[NetworkRow], specs: Sequence[str]) -> Table:
    """Return several networks side by side. Networks with the same name are followed by their spec."""
    names = [row.analysis.network for row in rows]
    lines = []
    for row, name, spec in zip(rows, names, specs, strict=True):
        whole = row.analysis.totals
        figures = (whole.params, whole.macs, whole.activations, row.macs_ratio, row.params_ratio)
        lines.append(TableRow((name if names.count(name) == 1 else f"{name} ({spec})", *figures)))
    batch = rows[0].analysis.batch
    of_batch = (f"batch {batch:,}",) if batch > 1 else ()
    notes = ("", *of_batch, Remark(f"×: relative to {lines[0].cells[0]}"))
    return Table((Column("name", "network"), *_TOTALS), tuple(lines), notes=notes)


def derivation(predictions: Mapping[str, Prediction]) -> tuple[str, ...]:
    """Return the theory of some strategies with the numbers of one cell, a line for each, and a legend."""
    lines = [_theory(label, one) for label, one in predictions.items()]
    return (*lines, _SYMBOLS) if lines else ()


def convolution(comparison: Comparison) -> Table:
    """Return the strategies of one convolution. A strategy with several layers is followed by its layers."""
    rows = []
    for candidate in comparison.candidates:
        layers = candidate.analysis.layers
        if candidate.reason:
            rows.append(TableRow((_choice(candidate), "not expressible", *[None] * len(_TOTALS))))
            continue
        rows.append(TableRow((_choice(candidate), tensors(layers[-1].outputs), *_totals(candidate))))
        for row in layers if len(layers) > 1 else ():
            figures = (row.totals.params, row.totals.macs, row.totals.activations)
            rows.append(TableRow((f"  {row.name.rpartition('.')[2]}", tensors(row.outputs), *figures, None, None)))
    columns = (Column("strategy", "strategy"), Column("output", "output", yields=4), *_TOTALS)
    reasons = [
        SEPARATOR.join((candidate.label, candidate.reason)) for candidate in comparison.candidates if candidate.reason
    ]
    theory = [Remark(line) for line in derivation(comparison.cells[0].predictions)]
    return Table(columns, tuple(rows), _convolved(comparison), ("", *reasons, *theory, _against(comparison)))


def totals(comparison: Comparison) -> Table:
    """Return the totals of the network with each strategy."""
    rows = [TableRow((_written(comparison, candidate), *_totals(candidate))) for candidate in comparison.candidates]
    columns = (Column("strategy", "strategy"), *_TOTALS)
    notes = ("", _against(comparison), *(() if comparison.cells else _without_cells(comparison)))
    return Table(columns, tuple(rows), heading(comparison.analysis), notes)


def cells(comparison: Comparison) -> Table:
    """Return the MACs of each cell with each strategy, and of all other layers."""
    labels = [candidate.label for candidate in comparison.candidates]
    added = "cheapest" in labels
    theories: dict[str, Prediction] = {}
    for row in comparison.cells:
        for label, prediction in row.predictions.items():
            theories.setdefault(label, prediction)
    columns = [Column("cell", "cell", shortens=6, wraps=16), Column("form", "form", yields=4)]
    columns += [Column(label, label, "count", shortens=2, yields=7 * (label == "cheapest")) for label in labels]
    columns.append(Column("cheapest_form", "cheapest is" if added else "cheapest", yields=8 if added else 5))
    for label, prediction in theories.items():
        columns += _predicted(label, prediction)
    rows = []
    for row in comparison.cells:
        line: list[Cell] = [row.name, row.form]
        line += [_macs(row.figures[_form(row, label)], label in row.reasons) for label in labels]
        line.append(row.cheapest)
        for label, prediction in theories.items():
            line += _prediction(row.predictions.get(label), prediction)
        rows.append(TableRow(tuple(line)))
    blank = [None] * (len(columns) - 2 - len(labels))
    rest = [_macs(comparison.rest) for _ in labels]
    rows.append(TableRow((EVERYTHING_ELSE, None, *rest, *blank), "rest"))
    whole = [_macs(candidate.analysis.totals) for candidate in comparison.candidates]
    rows.append(TableRow(("total", None, *whole, *blank), "total"))
    title = f"MACs of {_counted(len(comparison.cells), 'cell')}"
    return Table(tuple(columns), tuple(rows), (title,), tuple(_notes(comparison, theories)))


def flat(comparison: Comparison) -> Table:
    """Return the table for CSV: a row for each strategy and cell, and one for all other layers.

    The rows of a strategy add up to its totals. For one convolution: a row for each strategy and layer.
    """
    rows = []
    if comparison.convolution:
        columns = ["strategy", "layer", "op", "output", *FIGURES, "reason"]
        for candidate in comparison.candidates:
            if candidate.reason:
                rows.append(TableRow((_choice(candidate), *[None] * (len(columns) - 2), candidate.reason)))
                continue
            for layer in candidate.analysis.layers:
                facts = (_choice(candidate), layer.name, layer.op, tensors(layer.outputs))
                rows.append(TableRow((*facts, *_figures(layer.totals), None)))
    else:
        columns = ["strategy", "cell", "form", *FIGURES, "cheapest", "reason"]
        for candidate in comparison.candidates:
            for row in comparison.cells:
                figures = _figures(row.figures[_form(row, candidate.label)])
                reason = row.reasons.get(candidate.label)
                rows.append(TableRow((_choice(candidate), row.name, row.form, *figures, row.cheapest, reason)))
            rows.append(TableRow((_choice(candidate), None, None, *_figures(comparison.rest), None, None)))
    kinds = {**dict.fromkeys(FIGURES, "count"), "output": "shape"}
    return Table(tuple([Column(name, name, kinds.get(name, "text")) for name in columns]), tuple(rows))


def _choice(candidate: Candidate) -> str:
    given = ",".join([f"{name}={value}" for name, value in candidate.options.items()])
    return f"{candidate.strategy}:{given}" if given else candidate.strategy


def _written(comparison: Comparison, candidate: Candidate) -> str:
    """Return the strategy of a row, with the number of cells that have it where others are unchanged."""
    cells = comparison.cells
    unchanged = sum(candidate.label in row.reasons for row in cells)
    number = f"{len(cells) - unchanged:,} of {_counted(len(cells), 'cell')}" if unchanged else ""
    return SEPARATOR.join([fact for fact in (_choice(candidate), number) if fact])


def _totals(candidate: Candidate) -> tuple[Cell, ...]:
    whole = candidate.analysis.totals
    return whole.params, whole.macs, whole.activations, candidate.macs_ratio, candidate.params_ratio


def _figures(figures: Totals) -> list[int]:
    return [getattr(figures, name) for name in FIGURES]


def _form(row: CellRow, label: str) -> str:
    return label if label in row.figures else row.cheapest


def _macs(figures: Totals, left: bool = False) -> TextCell:
    """Return a number of MACs, in parentheses if the cell is unchanged."""
    long, short = f"{figures.macs:,}", brief(figures.macs)
    return TextCell(f"({long})", f"({short})") if left else TextCell(long, short)


def _predicted(label: str, prediction: Prediction) -> list[Column]:
    if prediction.theory.ratio is None:
        return [Column(f"{label}_limit", f"{prediction.theory.option} saves to", "count", yields=3)]
    return [
        Column(f"{label}_theory", f"{label}: theory", "ratio", yields=3),
        Column(f"{label}_practice", "practice", "ratio", yields=3),
    ]


def _prediction(prediction: Prediction | None, like: Prediction) -> list[Cell]:
    if like.theory.ratio is None:
        return [prediction.value if prediction else None]
    return [prediction.value, prediction.practice] if prediction else [None, None]


def _notes(comparison: Comparison, theories: Mapping[str, Prediction]) -> list[str | Remark]:
    notes: list[str | Remark] = []
    left = _reasons(comparison.cells)
    if left:
        notes.append(Remark("( ) unchanged:"))
        notes += [Remark(SEPARATOR.join(facts)) for facts in left]
    for label, prediction in theories.items():
        symbols, column = prediction.theory.symbols, _predicted(label, prediction)[0].key
        facts: tuple[str, ...]
        if prediction.theory.ratio is None:
            facts = (f"{label} in theory: fewer MACs than normal while {symbols}",)
        else:
            facts = (f"{label} in theory: {symbols} of the MACs of normal", "practice: actual ratio")
        notes.append(Remark(SEPARATOR.join(facts), column))
    if theories:
        notes.append(Remark(_SYMBOLS, column))
    notes += _stem(comparison)
    return ["", *notes] if notes else []


def _without_cells(comparison: Comparison) -> list[str]:
    return ["no convolution cells", *_stem(comparison)]


def _stem(comparison: Comparison) -> list[str]:
    return [f"stem, unchanged without --stem: {_listed(comparison.stem)}"] if comparison.stem else []


def _reasons(rows: Iterable[CellRow]) -> list[tuple[str, ...]]:
    """Return the strategies, reason and cells of each group of unchanged cells."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for reason in dict.fromkeys(row.reasons.values()):
            labels = ", ".join([label for label, why in row.reasons.items() if why == reason])
            found.setdefault((labels, reason), []).append(row.name)
    return [(f"  {labels}", reason, _listed(names)) for (labels, reason), names in found.items()]


def _listed(names: Sequence[str]) -> str:
    more = [f"and {len(names) - 3:,} more"] if len(names) > 3 else []
    return ", ".join([*names[:3], *more])


def _theory(label: str, prediction: Prediction) -> str:
    theory, value = prediction.theory, prediction.value
    if theory.ratio is None:
        limit = f"up to {theory.option} = {value:,}" if value else "never"
        return SEPARATOR.join((f"{label} in theory: {theory.symbols}", theory.numbers, f"saves {limit}"))
    practice = "" if prediction.practice is None else f"in practice {prediction.practice:.4g}"
    facts = (f"{label} in theory: {theory.symbols} = {theory.numbers} = {value:.4g} of the MACs", practice)
    return SEPARATOR.join([fact for fact in facts if fact])


def _convolved(comparison: Comparison) -> tuple[str, ...]:
    one = comparison.convolution
    assert one is not None
    kernel = one.kernel if isinstance(one.kernel, tuple) else (one.kernel,) * len(one.size)
    title = f"convolution {sizes(kernel)}, {one.channels:,} to {one.out:,} channels"
    shape = sizes((one.channels, *one.size))
    facts = [f"input {shape}", f"stride {_sizes(one.stride)}", f"padding {_sizes(one.padding)}"]
    return title, SEPARATOR.join([*facts, f"batch {comparison.analysis.batch:,}"])


def _sizes(value: int | tuple[int, ...] | str) -> str:
    return sizes(value) if isinstance(value, tuple) else str(value)


def _against(comparison: Comparison) -> Remark:
    return Remark(f"×: relative to {comparison.base}")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
