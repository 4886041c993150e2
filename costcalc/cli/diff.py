"""`costcalc diff A B`, `costcalc diff REF`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costcalc.cli.common import (
    STDIN,
    Loader,
    batch_option,
    complete_spec,
    execution_options,
    loader_options,
    standard_input,
)
from costcalc.cli.exit_status import GATE_FAILED, SUCCESS
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.errors import UsageError
from costcalc.report.formats import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.gate.diff import Difference
    from costcalc.model import Execution
    from costcalc.report.table_data import Table


@click.command(
    cls=Command,
    examples="""
    costcalc diff main:models/net.yaml models/net.yaml
    costcalc diff resnet50 resnet101 --stat
    costcalc diff v1.0
    """,
)
@click.argument("sides", metavar="A B | REF", nargs=-1, required=True, shell_complete=complete_spec)
@click.option("--stat", is_flag=True, help="Show one line per group; with REF alone, one line per spec.")
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Group layers by the first N levels of their names.",
)
@click.option("--exit-code", is_flag=True, help="Exit with status 1 if a layer or a total differs.")
@loader_options
@batch_option
@execution_options
@output_option("tables")
@color_option
def diff(
    sides: tuple[str, ...],
    stat: bool,
    depth: int,
    exit_code: bool,
    load: Loader,
    batch: int,
    execution: Execution,
    outputs: tuple[Output, ...],
) -> int:
    """Show the differences between two specs: layers added, removed, changed or moved, groups, and totals.

    A and B are paths, names of bundled networks, - for standard input, or REF:PATH, where PATH is relative to the root
    of the repository. With REF alone, compare every spec of the configuration with its version at that ref. Renamed
    layers are matched.
    """
    from costcalc.gate.analysis_cache import KEPT, AnalysisCache
    from costcalc.gate.diff_inputs import DiffOptions, project, two
    from costcalc.run_budget import bounded

    if len(sides) > 2:
        raise UsageError("expected two specs or one ref, got {} arguments", len(sides), help="see costcalc diff --help")
    cache = AnalysisCache(load.max_layers, load.inputs, batch, KEPT, execution)
    asked = DiffOptions(load.params, depth)
    stdin = standard_input() if len(sides) == 2 and STDIN in sides else None

    def run() -> list[Difference]:
        return [two(*sides, cache, asked, stdin)] if len(sides) == 2 else project(sides[0], cache, asked)

    differences = bounded(run, load.max_layers, "compare two specs at a time: costcalc diff A B")
    _report(differences, outputs, stat=stat, alone=len(sides) == 2)
    return GATE_FAILED if exit_code and any(each.differs for each in differences) else SUCCESS


def _report(differences: Sequence[Difference], outputs: tuple[Output, ...], *, stat: bool, alone: bool) -> None:
    from costcalc.report import difference as report

    def tables(form: str) -> list[Table]:
        if form == "csv":
            return [report.flat(differences)]
        if stat:
            return [report.groups(differences[0]) if alone else report.stat(differences)]
        differing = [each for each in differences if each.differs or alone]
        return [*map(report.layers, differing), *([] if alone else [report.stat(differences)])]

    emit(outputs, "tables", Report(tables, lambda: report.document(differences)))
