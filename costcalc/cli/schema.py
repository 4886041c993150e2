"""`costcalc schema`"""

from __future__ import annotations

import click

from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option


@click.command(
    cls=Command,
    examples="""
    costcalc schema
    costcalc schema -o json=costcalc.schema.json
    """,
)
@output_option("", "json")
@color_option
def schema(outputs: tuple[Output, ...]) -> None:
    """Write the JSON Schema of the spec language.

    Editors use it to complete names and to show errors.
    """
    import json

    from costcalc.lang.schema import schema

    emit(outputs, own={"json": lambda _: json.dumps(schema(), indent=2) + "\n"})
