"""`costcalc import MODEL`"""

from __future__ import annotations

import click

from costcalc.cli.common import Loader, loader_options, spec_argument
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option, report_faults
from costcalc.errors import Fault


@click.command(
    "import",
    cls=Command,
    examples="""
    costcalc import resnet50 -o spec=short.yaml
    costcalc expand mobilenet_v2 | costcalc import -
    """,
)
@spec_argument()
@loader_options
@output_option("", "spec")
@color_option
def import_(spec: str, load: Loader, outputs: tuple[Output, ...]) -> None:
    """Write a network as a short spec: residuals, branches, and what repeats as loops.

    SPEC is an ONNX file (net.onnx), a PyTorch model (torchvision.models:resnet50 --input 3x224x224), a file of darknet,
    Caffe or Ultralytics, or a spec. The written spec has the same layers with
    the same figures. A network that is not a series of layers and branches is written layer by layer.
    """
    from costcalc.lang.rollup import rolled

    text, readable = rolled(load(spec))
    if not readable:
        message = f"{spec} is not a series of layers and branches, so it is written layer by layer"
        report_faults([Fault(message, severity="warning")])
    emit(outputs, own={"spec": lambda _: text})
