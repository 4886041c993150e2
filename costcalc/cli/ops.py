"""`costcalc ops [NAME]`"""

from __future__ import annotations

import click

from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.report.formats import Report


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from costcalc.ops import registered

    return [name for name in registered() if name.startswith(incomplete)]


@click.command(
    cls=Command,
    examples="""
    costcalc ops
    costcalc ops conv
    costcalc ops -o json
    """,
)
@click.argument("name", required=False, shell_complete=_complete)
@output_option("tables")
@color_option
def ops(name: str | None, outputs: tuple[Output, ...]) -> None:
    """List the ops of the spec language and their arguments. With NAME, show the shapes, units and source of one op."""
    from costcalc import catalog
    from costcalc.report.catalog import entries, entry

    listed = catalog.ops(*[name] if name else [])
    emit(
        outputs,
        "tables",
        Report(
            lambda form: [entry(listed[0], bare=form != "csv") if name else entries(listed, tree=form == "table")],
            lambda: {"format": "costcalc.ops/1", "ops": [one.to_dict() for one in listed]},
        ),
    )
