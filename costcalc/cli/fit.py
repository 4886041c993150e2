"""`costcalc fit SPEC... [--device NAME]`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costcalc.cli.common import Loader, batch_option, execution_options, loader_options, spec_argument
from costcalc.cli.exit_status import GATE_FAILED, SUCCESS
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option
from costcalc.errors import CostcalcError, UsageError
from costcalc.report.formats import Medium, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from costcalc.model import Execution
    from costcalc.report.table_data import Table


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from costcalc.fit.device import bundled

    return [name for name in bundled() if name.startswith(incomplete)]


@click.command(
    cls=Command,
    examples="""
    costcalc fit ds_cnn mobilenet_v1_vww --device stm32f746 --dtype int8
    costcalc fit llama3_8b --device rtx4090 --dtype weights=int4,activations=fp16 --set length=1 --set cache=2048
    costcalc fit resnet50 --device a100 --dtype fp16 --batch 64 -o png=roofline.png
    """,
)
@spec_argument("specs", many=True)
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete,
    help="A bundled device, or a YAML file. Can be repeated. By default, all bundled devices.",
)
@click.option("--exit-code", is_flag=True, help="Exit with status 1 if a network does not fit.")
@loader_options
@batch_option
@execution_options
@output_option("tables", "png", "svg")
@color_option
def fit(
    specs: tuple[str, ...],
    devices: tuple[str, ...],
    exit_code: bool,
    load: Loader,
    batch: int,
    execution: Execution,
    outputs: tuple[Output, ...],
) -> int:
    """Show whether networks fit a device, by how much, and a lower bound of the time that they take there.

    Weights are compared with the device's flash or other storage, and the arena of tensors with its memory. A step
    takes at least as long as its operations at the peak rate, and as its traffic at the bandwidth.
    """
    from costcalc.analysis import analyze
    from costcalc.fit.device import bundled, open_device
    from costcalc.fit.verdict import judge
    from costcalc.report import fit as report

    opened = [open_device(name) for name in devices or bundled()]
    verdicts = []
    left_out: dict[str, CostcalcError] = {}
    for spec in specs:
        network = load(spec)
        analysis = analyze(network, batch=batch, execution=execution)
        for device in opened:
            try:
                verdicts.append(judge(network, analysis, device))
            except UsageError as error:
                if devices:
                    raise
                left_out[str(error)] = error
    if not verdicts:
        raise next(iter(left_out.values()))
    drawn = [output.format for output in outputs if output.format in ("png", "svg")]
    if drawn and len(verdicts) > 1:
        raise UsageError("-o {} draws one network on one device, got {}", drawn[0], len(verdicts))

    def tables(form: str) -> list[Table]:
        if form == "csv":
            return [report.flat(verdicts)]
        return [report.summary(verdicts, [*left_out]), *([report.layers(verdicts[0])] if len(verdicts) == 1 else [])]

    def picture(form: str) -> Callable[[Medium], bytes]:
        def write(_: Medium) -> bytes:
            from costcalc.report.plot import draw

            return draw(report.roofline(verdicts[0]), form)

        return write

    own = {form: picture(form) for form in ("png", "svg")}
    emit(outputs, "tables", Report(tables, lambda: report.document(verdicts, [*left_out])), own)
    return GATE_FAILED if exit_code and not all(verdict.fits for verdict in verdicts) else SUCCESS
