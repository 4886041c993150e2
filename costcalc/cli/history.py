"""`costcalc history SPEC`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costcalc.cli.common import Loader, batch_option, execution_options, loader_options, spec_argument
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.report.formats import Report

if TYPE_CHECKING:
    from costcalc.model import Execution


@click.command(
    cls=Command,
    examples="""
    costcalc history models/net.yaml
    costcalc history models/net.yaml --since v1.0 -o csv
    """,
)
@spec_argument()
@click.option("--since", metavar="REV", default="", help="Show only commits after REV.")
@loader_options
@batch_option
@execution_options
@output_option("tables")
@color_option
def history(spec: str, since: str, load: Loader, batch: int, execution: Execution, outputs: tuple[Output, ...]) -> None:
    """Show the cost of a spec at each commit that changed it or a spec it extends.

    The newest commit comes first. Renames are followed.
    """
    from costcalc.gate.analysis_cache import KEPT, AnalysisCache
    from costcalc.gate.history import history as find
    from costcalc.report.history import document, table
    from costcalc.run_budget import bounded

    cache = AnalysisCache(load.max_layers, load.inputs, batch, KEPT, execution)
    advice = "show fewer commits with --since REV"
    revisions = bounded(lambda: find(spec, since, cache, load.params), load.max_layers, advice)
    emit(outputs, "tables", Report(lambda form: [table(revisions, form)], lambda: document(revisions)))
