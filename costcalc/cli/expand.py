"""`costcalc expand SPEC`"""

from __future__ import annotations

import click

from costcalc.cli.common import Loader, loader_options, spec_argument
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option


@click.command(
    cls=Command,
    examples="""
    costcalc expand resnet50
    costcalc expand mobilenet_v1 --set alpha=0.5 -o spec=small.yaml
    costcalc expand inception | costcalc analyze -
    """,
)
@spec_argument()
@loader_options
@output_option("", "spec")
@color_option
def expand(spec: str, load: Loader, outputs: tuple[Output, ...]) -> None:
    """Write a spec with all blocks, defaults, loops and expressions expanded.

    The output is a valid spec with the same cost.
    """
    from costcalc.lang.expand import write

    text = write(load(spec))
    emit(outputs, own={"spec": lambda _: text})
