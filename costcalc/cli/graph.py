"""`costcalc graph SPEC`"""

from __future__ import annotations

import click

from costcalc.cli.common import Loader, loader_options, spec_argument
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option, tell_faults
from costcalc.errors import Fault

MOST_ARROWS = 500
"""What Mermaid draws unless it is configured otherwise, as on GitHub it cannot be."""


@click.command(
    cls=Command,
    examples="""
    costcalc graph inception
    costcalc graph resnet50 --depth 2 --heat macs
    costcalc graph googlenet -o dot | dot -Tsvg > googlenet.svg
    """,
)
@spec_argument()
@loader_options
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help="Draw what lies below N levels of names as one arrow.  [default: as deep as 20 ops allow]",
)
@click.option(
    "--heat",
    metavar="COST",
    default="",
    help="Colour boxes by their share of the macs, params, buffers, flops or activations.",
)
@click.option(
    "--direction",
    type=click.Choice(["LR", "TB"]),
    help="From left to right, or from top to bottom.  [default: LR where it is short]",
)
@output_option("picture")
@color_option
def graph(
    spec: str, load: Loader, depth: int | None, heat: str, direction: str | None, outputs: tuple[Output, ...]
) -> None:
    """The network as a flowchart: shapes in boxes, ops on arrows, frames around blocks and branches.

    Shapes of images and volumes are written with the channels last, as papers draw them.
    """
    from costcalc.graph import draw

    picture = draw(load(spec), depth=depth, heat=heat, direction=direction or "")
    if len(picture.arrows) > MOST_ARROWS and any(output.format == "mermaid" for output in outputs):
        said = f"Mermaid refuses more than {MOST_ARROWS} arrows unless its maxEdges is raised; these are"
        repair = "--depth N draws what lies below N levels of names as one arrow"
        tell_faults([Fault(f"{said} {len(picture.arrows):,}", help=repair, severity="warning")])
    emit(outputs, "picture", picture)
