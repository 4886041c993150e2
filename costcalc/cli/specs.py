"""`costcalc specs`"""

from __future__ import annotations

import click

from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.report.formats import Report


@click.command(
    cls=Command,
    examples="""
    costcalc specs
    costcalc specs -o csv
    """,
)
@output_option("tables")
@color_option
def specs(outputs: tuple[Output, ...]) -> None:
    """List the bundled networks with their cost and source.

    Commands accept these names as SPEC.
    """
    import costcalc
    from costcalc.lang.library import bundled
    from costcalc.report import catalog

    analyses = {name: costcalc.analyze(name, in_bytes=False) for name in bundled()}
    emit(outputs, "tables", Report(lambda _: [catalog.specs(analyses)], lambda: catalog.specs_document(analyses)))
