"""`costcalc graph SPEC`"""

from __future__ import annotations

import click

from costcalc.cli.common import Loader, loader_options, spec_argument
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option, report_faults
from costcalc.errors import Fault

MOST_ARROWS = 500
"""Mermaid's default limit (`maxEdges`), which cannot be changed on GitHub."""


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
    help="Draw layers below N levels of names as one arrow.  [default: the largest N with at most 20 ops]",
)
@click.option(
    "--heat",
    metavar="COST",
    default="",
    help="Colour boxes by their share of macs, params, buffers, flops or activations.",
)
@click.option(
    "--direction",
    type=click.Choice(["LR", "TB"]),
    help="Draw from left to right or from top to bottom.  [default: LR for short graphs]",
)
@output_option("picture")
@color_option
def graph(
    spec: str, load: Loader, depth: int | None, heat: str, direction: str | None, outputs: tuple[Output, ...]
) -> None:
    """Draw a network as a flowchart: shapes in boxes, ops on arrows, frames around blocks and branches.

    Shapes of images and volumes are written with channels last, as in most papers.
    """
    from costcalc.graph import draw

    picture = draw(load(spec), depth=depth, heat=heat, direction=direction or "")
    if len(picture.arrows) > MOST_ARROWS and any(output.format == "mermaid" for output in outputs):
        message = f"the graph has {len(picture.arrows):,} arrows; Mermaid draws at most {MOST_ARROWS} by default"
        repair = "add --depth N to draw layers below N levels of names as one arrow, or raise maxEdges"
        report_faults([Fault(message, help=repair, severity="warning")])
    emit(outputs, "picture", picture)
