"""`costcalc diff A B`, `costcalc diff REF`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costcalc.cli import FINE, GATE_FAILED
from costcalc.cli.common import STDIN, Loader, batch_option, complete_spec, loader_options, standard_input
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.errors import UsageError
from costcalc.report.formats import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.gate.diff import Difference
    from costcalc.report.table_data import Grid


@click.command(
    cls=Command,
    examples="""
    costcalc diff main:models/net.yaml models/net.yaml
    costcalc diff resnet50 resnet101 --stat
    costcalc diff v1.0
    """,
)
@click.argument("sides", metavar="A B | REF", nargs=-1, required=True, shell_complete=complete_spec)
@click.option("--stat", is_flag=True, help="A line for each group; of several specs a line for each of them.")
@click.option("--depth", type=click.IntRange(min=1), default=1, metavar="N", help="Group by N levels of names.")
@click.option("--exit-code", is_flag=True, help="Status 1 where a layer or a total is not what it was.")
@loader_options
@batch_option
@output_option("tables")
@color_option
def diff(
    sides: tuple[str, ...],
    stat: bool,
    depth: int,
    exit_code: bool,
    load: Loader,
    batch: int,
    outputs: tuple[Output, ...],
) -> int:
    """What changed between two specs: layers added, removed, changed or moved, groups, and totals.

    A and B are paths, names of bundled networks, - for standard input, or REF:path, with the path from the repository's
    root. With one REF: every spec that the configuration names, against what it was there. Layers are matched through
    renames.
    """
    from costcalc.gate.analysis_cache import AnalysisCache
    from costcalc.gate.diff_inputs import Asked, project, two

    if len(sides) > 2:
        raise UsageError("diff takes two specs, or one ref", help="costcalc diff --help")
    cache = AnalysisCache(load.max_layers, load.inputs, batch)
    asked = Asked(load.params, depth)
    stdin = standard_input() if len(sides) == 2 and STDIN in sides else None
    found = [two(*sides, cache, asked, stdin)] if len(sides) == 2 else project(sides[0], cache, asked)
    _report(found, outputs, stat=stat, alone=len(sides) == 2)
    return GATE_FAILED if exit_code and any(each.differs for each in found) else FINE


def _report(found: Sequence[Difference], outputs: tuple[Output, ...], *, stat: bool, alone: bool) -> None:
    from costcalc.report import difference as report

    def tables(form: str) -> list[Grid]:
        if form == "csv":
            return [report.flat(found)]
        if stat:
            return [report.groups(found[0]) if alone else report.stat(found)]
        differing = [each for each in found if each.differs or alone]
        return [*map(report.layers, differing), *([] if alone else [report.stat(found)])]

    emit(outputs, "tables", Report(tables, lambda: report.document(found)))
