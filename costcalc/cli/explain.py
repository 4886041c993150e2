"""`costcalc explain SPEC [LAYER...]` and `costcalc explain CC103`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from costcalc.cli.common import (
    Loader,
    batch_option,
    complete_layer,
    complete_strategy,
    execution_options,
    given_options,
    loader_options,
    spec_argument,
)
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.errors import UsageError
from costcalc.report.formats import Medium, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from costcalc.model import Execution, Network
    from costcalc.strategies.comparison import Prediction

_RULE = re.compile(r"CC\d{3}", re.IGNORECASE)


def _quantities(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([name.strip() for value in values for name in value.split(",") if name.strip()]))


@click.command(
    cls=Command,
    examples="""
    costcalc explain resnet50
    costcalc explain inception 'b5.*' --quantity macs,params -o markdown --latex
    costcalc explain CC103
    """,
)
@spec_argument()
@click.argument("layers", metavar="[LAYER]...", nargs=-1, shell_complete=complete_layer)
@loader_options
@batch_option
@execution_options
@click.option(
    "--quantity",
    "quantities",
    multiple=True,
    metavar="NAMES",
    callback=_quantities,
    help="Comma-separated quantities: macs, params, buffers, add, mul, div, cmp, exp, flops, activations, peak_bytes.  "
    "[default: macs for a network, all that are not 0 for a layer]",
)
@click.option(
    "--strategy",
    default="",
    metavar="NAME[:OPTION=VALUE]",
    shell_complete=complete_strategy,
    help="Explain the convolution LAYER as a strategy of costcalc compare writes it, and its theory.",
)
@click.option("--latex", is_flag=True, help="With -o markdown, write formulas in LaTeX.")
@output_option("tables")
@color_option
def explain(
    spec: str,
    layers: tuple[str, ...],
    load: Loader,
    batch: int,
    execution: Execution,
    quantities: tuple[str, ...],
    strategy: str,
    latex: bool,
    outputs: tuple[Output, ...],
) -> None:
    """Show how each count is calculated: the formula in symbols, the formula with numbers, and the result.

    LAYER is a name or a glob: * matches one segment of a name, ** any number of segments. Without LAYER, explain the
    layers that make up 80% of the cost. With the name of a rule of costcalc check, such as CC103, explain the rule.
    """
    if _RULE.fullmatch(spec) and not layers:
        _explain_rule(spec.upper(), outputs)
        return
    if latex and all(output.format != "markdown" for output in outputs):
        raise UsageError("--latex requires -o markdown", help="add -o markdown, or -o markdown=PATH")
    import costcalc
    from costcalc.report import explanation as report

    network = load(spec)
    theory: Mapping[str, Prediction] = {}
    remarks: tuple[str, ...] = ()
    if strategy:
        from costcalc.report.comparison import derivation

        network, layers, theory = _rewritten(network, layers, strategy)
        remarks = derivation(theory)
    explanation = costcalc.explain(network, *layers, quantities=quantities, batch=batch, execution=execution)

    def board(medium: Medium) -> str:
        return report.board(explanation, remarks=remarks, width=medium.width, color=medium.color)

    def document() -> dict[str, object]:
        predicted = {label: prediction.to_dict() for label, prediction in theory.items()}
        derived = {"theory": predicted} if strategy else {}
        return {**explanation._replace(layers=()).to_dict(), "layers": explanation.entries(), **derived}

    own: dict[str, Callable[[Medium], str]] = {"table": board}
    if latex:
        own["markdown"] = lambda _: report.latex(explanation, remarks)
    emit(outputs, "tables", Report(lambda _: [report.table(explanation, remarks)], document), own)


def _rewritten(
    network: Network, layers: Sequence[str], strategy: str
) -> tuple[Network, tuple[str, ...], Mapping[str, Prediction]]:
    """Return the network with the cell of a layer in a strategy, the layers of the new cell, and the theory."""
    import costcalc

    if len(layers) != 1:
        raise UsageError("--strategy requires one LAYER, got {}", len(layers), help="name a convolution")
    comparison = costcalc.compare(network, strategies=[strategy], layer=layers[0], stem=True)
    if len(comparison.cells) != 1:
        raise UsageError("--strategy explains one cell, but {} matches {}", layers[0], len(comparison.cells))
    (cell,), candidate = comparison.cells, comparison.candidates[-1]
    for reason in cell.reasons.values():
        raise UsageError("{}: {}", strategy, reason)
    others = {layer.name for layer in network.layers}.difference(cell.layers)
    names = [layer.name for layer in candidate.network.layers if layer.name not in others]
    return candidate.network, tuple(names), cell.predictions


def _explain_rule(name: str, outputs: Sequence[Output]) -> None:
    from costcalc.errors import suggest
    from costcalc.gate.rules import RULES
    from costcalc.report.rule import render

    if name not in RULES:
        raise UsageError("unknown rule {}", name, help=suggest(name, RULES))
    unused = [option for option in given_options() if option not in ("--output", "--color")]
    if unused:
        raise UsageError("{} is a rule and cannot be combined with {}", name, " or ".join(unused))
    for output in outputs:
        if output.format != "table":
            raise UsageError("cannot write a rule as {}", output.format, help="remove -o to write text")
    emit(outputs, own={"table": lambda medium: render(name, RULES[name], width=medium.width)})
