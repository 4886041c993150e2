"""Explanations as equations, as a table, and in LaTeX. `Count` formats its own formulas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costcalc.model import LARGEST
from costcalc.report.analyses import heading
from costcalc.report.markdown import escape
from costcalc.report.table import Run, joined, wrap
from costcalc.report.table_data import SEPARATOR, Column, Table, TableRow, percent, sizes, tensors
from costcalc.report.text import columns, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from costcalc.explanation import Explained, Explanation
    from costcalc.formula import Count
    from costcalc.model import Totals

_LONG = re.compile(r"\d{4,}")
_PIECE = 1_000
"""The number of lines that are joined at once."""


def board(
    explanation: Explanation, *, remarks: Sequence[str] = (), width: int | None = None, color: bool = False
) -> str:
    """Write the equations of the chosen layers, or of the most expensive layers of a network with one line per layer.

    An equation is quantity = symbols = numbers = value. Lines wider than the terminal are broken at equals signs.
    Remarks follow chosen layers.
    """
    lines: list[list[Run]] = []
    for number, text in enumerate(heading(explanation.analysis)):
        lines += [[(line, "dim" if number else "bold")] for line in wrap(visible(text), width)]
    lines.append([])
    if explanation.chosen:
        below: list[list[Run]] = [[(line, "")] for remark in remarks for line in wrap(remark, width)]
        pieces = [*_pieces(lines, explanation, width), [[], *below] if below else []]
        return "".join([joined(piece, color=color) for piece in pieces])
    ranking = [*_ranking(explanation, width), []] if explanation.layers else []
    lines += [*([(line, "")] for line in wrap(_summary(explanation), width)), [], *ranking]
    lines += [[(text, "")] for text in _totals(explanation.analysis.totals)]
    return joined(lines, color=color)


def _pieces(lines: list[list[Run]], explanation: Explanation, width: int | None) -> Iterator[list[list[Run]]]:
    """Yield lines, then those of all layers, in pieces, as the lines of a large network take much memory."""
    equations: dict[tuple[int, str], list[list[Run]]] = {}
    for number, layer in enumerate(explanation.layers):
        lines += [*([[]] if number else []), *_layer(layer, explanation, width)]
        key = id(layer.counts), layer.row.shared
        if key not in equations:
            longest = max(map(len, layer.counts), default=0)
            equations[key] = [
                line
                for quantity, count in layer.counts.items()
                for line in _equations(f"  {quantity:<{longest}} =", count, _note(layer, quantity), width)
            ]
        lines += equations[key]
        if len(lines) > _PIECE:
            yield lines
            lines = []
    yield lines


def table(explanation: Explanation, remarks: Sequence[str] = ()) -> Table:
    """Return a row for each layer and quantity. Without chosen layers, the totals follow."""
    shown = (
        Column("name", "layer"),
        Column("quantity", "quantity"),
        Column("symbols", "formula"),
        Column("numbers", "with numbers"),
        Column("value", "value", "count"),
        Column("share", f"share of {explanation.quantity}", "share"),
        Column("receptive_field", "receptive field", "shape"),
        Column("jump", "jump", "shape"),
    )
    rows = []
    for layer in explanation.layers:
        reach = _reach(layer)
        for quantity, count in layer.counts.items():
            share = layer.share if quantity == explanation.quantity else None
            written = layer.row.name, quantity, count.symbols(), count.numbers(), count.value
            rows.append(TableRow((*written, share, *reach)))
    if not explanation.chosen:
        totals = [(name, value) for name, value in _figures(explanation.analysis.totals) if value]
        rows += [TableRow(("total", name, None, None, value, None, None, None), "total") for name, value in totals]
    above = [text for text in (*heading(explanation.analysis), _summary(explanation)) if text]
    return Table(shown, tuple(rows), tuple(above), ("", *remarks) if remarks else ())


def latex(explanation: Explanation, remarks: Sequence[str] = ()) -> str:
    """Write Markdown in which each equation is a line of LaTeX between `$$`, as GitHub and KaTeX show it."""
    from costcalc.report.latex import latex as written

    title, *above = [escape(text) for text in heading(explanation.analysis)]
    parts = [f"### {title}", *above, escape(_summary(explanation))]
    for layer in explanation.layers:
        parts.append(f"#### {escape(layer.row.name)}")
        parts.append(escape(SEPARATOR.join([layer.op, *_facts(layer, explanation)])))
        parts.append(escape(_followers(layer)))
        for quantity, count in layer.counts.items():
            sides = " = ".join([rf"\text{{{quantity}}}", *[written(side) for side in _sides(count)]])
            parts.append(f"$${sides}$$")
            parts.append(escape(_note(layer, quantity)))
    if not explanation.chosen:
        totals = [(name, value) for name, value in _figures(explanation.analysis.totals) if value]
        parts += ["#### total", *[rf"$$\text{{{name}}} = {written(str(value))}$$" for name, value in totals]]
    parts += map(escape, remarks)
    return "\n\n".join([part for part in parts if part]) + "\n"


def equation(count: Count) -> list[str]:
    """Return the sides of `symbols = numbers = value`, with separators of thousands and without repeated sides.

    >>> from costcalc.formula import product
    >>> equation(product(("D_in", 2048), ("D_out", 10))), equation(product(("D_out", 10)))
    (['D_in·D_out', '2,048·10', '20,480'], ['D_out', '10'])
    """
    return [_LONG.sub(lambda found: f"{int(found[0]):,}", side) for side in _sides(count)]


def _sides(count: Count) -> list[str]:
    return list(dict.fromkeys([count.symbols(), count.numbers(), str(count.value)]))


def _layer(layer: Explained, explanation: Explanation, width: int | None) -> list[list[Run]]:
    """Return the lines above the equations of a layer."""
    name, op = visible(layer.row.name), visible(layer.op)
    lines: list[list[Run]] = [[(name, "bold"), (f"{SEPARATOR}{op}", "")]]
    if width is not None and columns(f"{name}{SEPARATOR}{op}") > width:
        lines = [[(name, "bold")], *([(line, "")] for line in wrap(f"  {op}", width, margin=4))]
    for facts in (SEPARATOR.join(_facts(layer, explanation)), visible(_followers(layer))):
        lines += [[(line, "dim")] for line in wrap(f"  {facts}", width, margin=2) if facts]
    return lines


def _ranking(explanation: Explanation, width: int | None) -> list[list[Run]]:
    names = [visible(layer.row.name) for layer in explanation.layers]
    longest = max(map(columns, names), default=0)
    lines: list[list[Run]] = []
    for name, layer in zip(names, explanation.layers, strict=True):
        start = f"{name}{' ' * (longest - columns(name))}  {percent(layer.share):>6} "
        for quantity, count in layer.counts.items():
            label = f" {quantity} =" if len(layer.counts) > 1 else ""
            lines += _equations(start + label, count, _note(layer, quantity), width)
            start = " " * columns(start)
    if width is None or max([sum([columns(text) for text, _ in line]) for line in lines], default=0) <= width:
        return lines
    lines = []
    for name, layer in zip(names, explanation.layers, strict=True):
        lines.append([(name, "cyan"), (f"  {percent(layer.share)}", "")])
        for quantity, count in layer.counts.items():
            lines += _equations(f"  {quantity} =", count, _note(layer, quantity), width)
    return lines


def _equations(start: str, count: Count, note: str, width: int | None) -> list[list[Run]]:
    """Return an equation on one line, or with one line per side if it is too wide."""
    *sides, value = equation(count)
    remark = f"  ({note})" if note else ""
    one = [(start, "cyan"), (" " + "".join([f"{side} = " for side in sides]), ""), (value, "bold"), (remark, "dim")]
    if width is None or sum([columns(text) for text, _ in one]) <= width:
        return [one]
    margin = " " * (columns(start) - 1) + "="
    lines = [[(margin, "cyan"), (f" {side}", "")] for side in sides] + [[(margin, "cyan"), (f" {value}", "bold")]]
    lines[0][0] = start, "cyan"
    lines[-1].append((remark, "dim"))
    return lines


def _summary(explanation: Explanation) -> str:
    if explanation.chosen:
        return ""
    analysis, quantity = explanation.analysis, explanation.quantity
    total = getattr(analysis.totals, quantity)
    if not total:
        return f"no layer has {quantity}"
    if quantity in LARGEST:
        return f"{explanation.layers[0].row.name} is the first layer at {total:,} {quantity}"
    return (
        f"{len(explanation.layers):,} of {analysis.totals.layers:,} layers make up {percent(explanation.covered)} "
        f"of {total:,} {quantity}"
    )


def _facts(layer: Explained, explanation: Explanation) -> list[str]:
    taken = ", ".join(dict.fromkeys(map(sizes, layer.row.inputs)))
    facts = [f"{taken} → {tensors(layer.row.outputs)}"]
    field, jump = _reach(layer)
    if field:
        facts += [f"receptive field {field}", f"jump {jump}"]
    if layer.share:
        facts.append(f"{percent(layer.share)} of the {explanation.quantity}")
    return facts


def _followers(layer: Explained) -> str:
    return f"followed by {', '.join(layer.followers)}" if layer.followers else ""


def _reach(layer: Explained) -> tuple[str | None, str | None]:
    return (sizes(layer.reach.field), sizes(layer.reach.jump)) if layer.reach else (None, None)


def _note(layer: Explained, quantity: str) -> str:
    shared = visible(layer.row.shared)
    return f"weights shared with {shared}" if shared and quantity in ("params", "buffers") else ""


def _totals(totals: Totals) -> list[str]:
    figures = [(name, f"{value:,}") for name, value in _figures(totals) if value]
    names, values = (max([len(each[side]) for each in figures], default=0) for side in (0, 1))
    return ["total", *[f"  {name:<{names}}  {value:>{values}}" for name, value in figures]]


def _figures(totals: Totals) -> list[tuple[str, int]]:
    order = ("macs", "params", "buffers", *totals.operations, "flops", "activations")
    return [(name, getattr(totals, name)) for name in order]
