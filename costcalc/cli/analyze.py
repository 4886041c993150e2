"""`costcalc analyze SPEC...`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from costcalc.cli import FINE, UNUSABLE
from costcalc.cli.common import Loader, batch_option, given_options, loader_options, spec_argument
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option, tell_faults, tell_table
from costcalc.errors import CostcalcError, Fault, SpecError
from costcalc.report.formats import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.model import Analysis
    from costcalc.report.table_data import Grid


LAST = 20
"""The lines before a fault that are shown of a network that could not be built."""


def _columns(_ctx: click.Context, _param: click.Parameter, names: str | None) -> tuple[str, ...]:
    if names is None:
        return ()
    from costcalc.report.analyses import choose

    return choose(names)


def _sort(_ctx: click.Context, _param: click.Parameter, name: str | None) -> str:
    if name is None:
        return ""
    from costcalc.outline import sort_key

    return sort_key(name)


@click.command(
    cls=Command,
    examples="""
    costcalc analyze resnet50
    costcalc analyze mobilenet_v1 --set alpha=0.5 --input 3x192x192 --top 10
    costcalc analyze model.yaml resnet50 vgg16 -o table -o json=cost.json
    """,
)
@spec_argument("specs", many=True)
@loader_options
@batch_option
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Sum the layers below N levels of names.")
@click.option("--full", is_flag=True, help="Give norms and activations lines of their own.")
@click.option("--sort", metavar="COLUMN", callback=_sort, help="List layers by a column, figures from the largest.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="The N dearest lines, and the rest as one.")
@click.option(
    "--columns",
    metavar="NAMES",
    callback=_columns,
    help="Of params, macs, share, flops, activations, buffers, layers, add, mul, div, cmp, exp, and operations for the "
    "last five; with commas.",
)
@output_option("tables")
@color_option
def analyze(
    specs: tuple[str, ...],
    load: Loader,
    batch: int,
    columns: tuple[str, ...],
    outputs: tuple[Output, ...],
    full: bool,
    **arrangement: Any,
) -> int:
    """What each layer costs, and the whole network: parameters, multiply-adds, output shapes.

    SPEC is a file, the name of a network that comes with costcalc, or - for standard input. Several are shown a line
    each. A layer's norm and activation share its line.
    """
    import costcalc

    _warn(several=len(specs) > 1, documents={output.format for output in outputs} == {"json"})

    def grid(form: str) -> Grid:
        from costcalc.outline import outline
        from costcalc.report.analyses import FIGURES, layers, networks

        chosen = columns or (FIGURES if form == "csv" else ())
        if len(specs) > 1:
            return networks(analyses, specs, chosen)
        lines = outline(analyses[0], full=full or form == "csv", **arrangement)
        return layers(analyses[0], lines, chosen, tree=form == "table")

    analyses: list[Analysis] = []
    unfinished: list[Analysis] = []
    faults: list[Fault] = []
    for spec in specs:
        try:
            analyses.append(costcalc.analyze(load(spec), batch=batch))
        except SpecError as error:
            faults += error.faults
            if error.partial and error.partial.layers:
                unfinished.append(costcalc.analyze(error.partial, batch=batch))
        except CostcalcError as error:
            faults.append(error.fault())
    if faults:
        tell_faults(faults)
        for analysis in unfinished:
            tell_table(_unfinished(analysis, columns, full=full))
        return UNUSABLE
    emit(outputs, "tables", Report(lambda form: [grid(form)], lambda: _document(analyses)))
    return FINE


def _unfinished(analysis: Analysis, columns: Sequence[str], *, full: bool) -> Grid:
    """The last layers before a fault."""
    from costcalc.outline import outline
    from costcalc.report.analyses import layers

    table = layers(analysis, outline(analysis, full=full, last=LAST), columns)
    title, *facts = table.heading
    return table._replace(heading=(f"{title}, as far as it could be built", *facts))


def _warn(*, several: bool, documents: bool) -> None:
    """Tell of options that change nothing."""
    arrangement = ("depth", "sort", "top")
    idle = []
    if several:
        idle.append((given_options(*arrangement, "full"), "on several specs, which are shown a line each"))
    if documents:
        changed = ("columns",) if several else ("columns", *arrangement)
        idle.append((given_options(*changed), "on -o json, which has every layer and every figure"))
    tell_faults(
        [
            Fault(f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} no effect {where}", severity="warning")
            for names, where in idle
            if names
        ]
    )


def _document(analyses: Sequence[Analysis]) -> dict[str, object]:
    if len(analyses) == 1:
        return analyses[0].to_dict()
    return {"format": "costcalc.analyses/1", "analyses": [analysis.to_dict() for analysis in analyses]}
