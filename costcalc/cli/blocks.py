"""`costcalc blocks [NAME]`"""

from __future__ import annotations

import click

from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.report.formats import Report


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from costcalc.lang.builtin_blocks import builtin

    return [name for name in builtin() if name.startswith(incomplete)]


@click.command(
    cls=Command,
    examples="""
    costcalc blocks
    costcalc blocks inverted_residual
    """,
)
@click.argument("name", required=False, shell_complete=_complete)
@output_option("tables")
@color_option
def blocks(name: str | None, outputs: tuple[Output, ...]) -> None:
    """List the bundled blocks. With NAME, show the definition of one block in the spec language."""
    from costcalc import catalog
    from costcalc.report.catalog import block, entries

    listed = catalog.blocks(*[name] if name else [])
    report = Report(
        lambda form: [entries(listed, tree=form == "table")],
        lambda: {"format": "costcalc.blocks/1", "blocks": [one.to_dict() for one in listed]},
    )
    own = {"table": lambda medium: block(listed[0], width=medium.width)} if name else {}
    emit(outputs, "tables", report, own)
