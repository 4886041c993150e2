"""`costcalc reconcile SPEC --as NAME`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costcalc.cli.common import Loader, batch_option, complete_convention, loader_options, spec_argument
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.errors import UsageError
from costcalc.report.formats import Report

if TYPE_CHECKING:
    from costcalc.model import Network

FIRST = "papers"
"""The convention from which a bridge begins, if one is named."""


@click.command(
    cls=Command,
    examples="""
    costcalc reconcile resnet50
    costcalc reconcile resnet50 --as fvcore --as thop
    costcalc reconcile resnet50 --figure 4.12G
    """,
)
@spec_argument()
@click.option(
    "--as",
    "names",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_convention,
    help="A convention. With one, the bridge begins at costcalc's own count; with two, at the first.",
)
@click.option(
    "--figure", default="", metavar="N", help="Show which conventions give a printed figure, such as 4.12G, and where."
)
@loader_options
@batch_option
@output_option("tables")
@color_option
def reconcile(
    spec: str,
    names: tuple[str, ...],
    figure: str,
    load: Loader,
    batch: int,
    outputs: tuple[Output, ...],
) -> None:
    """Show why another tool gives another figure: the steps from one figure to the other, which sum exactly.

    Without --as, list the figures of all conventions.
    """
    if figure and names:
        raise UsageError("--figure tries every convention", help="remove --as")
    if len(names) > 2:
        raise UsageError("a bridge has two ends, got {} conventions", len(names))
    network = load(spec)
    if figure:
        _figure(spec, network, figure, load, batch, outputs)
    elif names:
        _bridge(network, names, batch, outputs)
    else:
        _list(network, batch, outputs)


def _bridge(network: Network, names: tuple[str, ...], batch: int, outputs: tuple[Output, ...]) -> None:
    from costcalc.conventions.convention import convention
    from costcalc.conventions.reconcile import reconcile
    from costcalc.report import reconcile as report

    start, end = names if len(names) == 2 else (FIRST, names[0])
    bridge = reconcile(network, convention(start), convention(end), batch)
    emit(outputs, "tables", Report(lambda form: [report.bridge(bridge, form)], lambda: report.document([bridge])))


def _list(network: Network, batch: int, outputs: tuple[Output, ...]) -> None:
    from costcalc.conventions.convention import readings
    from costcalc.report import reconcile as report
    from costcalc.report.table_data import sizes

    found = readings(network, (), batch)
    inputs = ", ".join([sizes(shape) for shape in network.inputs.values()])
    facts = f"input {inputs} · batch {batch:,}"
    tables = Report(
        lambda _: [report.every(found, network.name, facts)], lambda: report.list_document(found, network.name)
    )
    emit(outputs, "tables", tables)


def _figure(spec: str, network: Network, figure: str, load: Loader, batch: int, outputs: tuple[Output, ...]) -> None:
    from costcalc.conventions.figure import matches, printed
    from costcalc.report import reconcile as report

    wanted = printed(figure)
    found = matches(wanted, lambda inputs: load._replace(inputs={**load.inputs, **inputs})(spec), network, batch)
    emit(
        outputs,
        "tables",
        Report(
            lambda _: [report.found(found, figure, network.name)],
            lambda: report.matches_document(found, figure, network.name),
        ),
    )
