"""`costcalc analyze SPEC...`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.common import (
    Loader,
    batch_option,
    complete_convention,
    execution_options,
    given_options,
    loader_options,
    spec_argument,
)
from costcalc.cli.exit_status import ERROR, SUCCESS
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option, report_faults, report_table
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError
from costcalc.model import GROUPS, IN_BYTES, OPTIMIZERS, TRAINING
from costcalc.report.formats import Medium, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from costcalc.explanation import Explanation
    from costcalc.model import Analysis, Execution
    from costcalc.report.table_data import Table


FIT_COLUMNS = ("params", "macs", "weight_bytes", "peak_bytes", "arena_bytes")
"""The columns where options of memory are given, and no columns."""
NOT_OF_MEMORY = ("columns", "sort", "top", "depth", "by", "training", "read_as")
"""The parameters of options that `--memory` does not combine with."""
LAST = 20
"""The number of layers to show before an error, of a network that could not be built."""


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
@execution_options
@click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="Group layers by the first N levels of their names."
)
@click.option(
    "--by",
    type=click.Choice(GROUPS),
    callback=lambda _ctx, _param, value: value or "",
    help="Show a line for each op, each op with its kernel, or each stage or block of the names.",
)
@click.option("--full", is_flag=True, help="Show norms and activations on separate lines.")
@click.option("--sort", metavar="COLUMN", callback=_sort, help="Sort layers by a column, numbers in descending order.")
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help="Show the N most expensive lines, and the sum of the rest."
)
@click.option(
    "--columns",
    metavar="NAMES",
    callback=_columns,
    help="Comma-separated columns: params, macs, share, flops, activations, buffers, layers, conv_activations, "
    "active_params, weight_bytes, peak_bytes, arena_bytes, traffic_bytes, intensity, bops, add, mul, div, cmp, exp, "
    "or operations for the last five.",
)
@click.option("--training", is_flag=True, help="Add the cost of a step of training, in both passes.")
@click.option(
    "--optimizer",
    type=click.Choice(OPTIMIZERS),
    default=OPTIMIZERS[-1],
    help=f"With --training, the optimizer.  [default: {OPTIMIZERS[-1]}]",
)
@click.option(
    "--as",
    "read_as",
    default="",
    metavar="NAME",
    shell_complete=complete_convention,
    help="Add the figure of another tool: fvcore, thop, ptflops, torch and others; see costcalc reconcile.",
)
@click.option(
    "--strict", is_flag=True, help="Fail if the network has an operation without a rule, instead of a partial total."
)
@click.option("--memory", is_flag=True, help="Show what is in memory at each step, and the tensors at the peak.")
@output_option("tables", "png", "svg")
@color_option
def analyze(
    specs: tuple[str, ...],
    load: Loader,
    batch: int,
    execution: Execution,
    columns: tuple[str, ...],
    outputs: tuple[Output, ...],
    full: bool,
    memory: bool,
    training: bool,
    optimizer: str,
    read_as: str,
    strict: bool,
    **arrangement: Any,
) -> int:
    """Show the parameters, multiply-adds and output shape of each layer, and the totals of the network.

    SPEC is a file, the name of a bundled network, or - for standard input. With several specs, only their totals are
    shown. By default a norm or activation is shown on the line of the layer before it.
    """
    import costcalc

    _warn(several=len(specs) > 1, documents={output.format for output in outputs} == {"json"})

    def table(form: str) -> Table:
        from costcalc.outline import outline
        from costcalc.report.analyses import BYTES, FIGURES, PAGE, layers, networks

        every = (*FIGURES, *BYTES, *(TRAINING if training else ()))
        chosen = every if form == "csv" and not given_options("columns") else columns
        chosen = chosen or (PAGE if form == "html" else ())
        if len(specs) > 1:
            return networks(analyses, specs, chosen)
        lines = outline(analyses[0], full=full or form == "csv", **arrangement)
        return layers(analyses[0], lines, chosen, tree=form in ("table", "html"), by=arrangement["by"])

    def explanation() -> Explanation:
        return costcalc.explain(load(specs[0]), "**", batch=batch, execution=execution)

    if not columns and not memory and given_options("dtype", "eager", "in_place"):
        columns = FIT_COLUMNS
    wanted = {*columns, arrangement["sort"]}
    if not training and (chosen := [*given_options("optimizer"), *sorted(wanted.intersection(TRAINING))]):
        raise UsageError("{} requires --training", chosen[0], help="add --training")
    if memory and len(specs) > 1:
        raise UsageError("--memory shows one network, got {} specs", len(specs))
    if memory and (unused := given_options(*NOT_OF_MEMORY)):
        raise UsageError("--memory cannot be combined with {}", unused[0], help=f"remove {unused[0]}")
    drawn = [output.format for output in outputs if output.format in ("png", "svg")]
    if drawn and not memory:
        raise UsageError("-o {} requires --memory", drawn[0], help="add --memory, or write a table: -o html=PATH")
    complete = any(output.format in ("json", "csv") for output in outputs)
    in_bytes = memory or complete or not wanted.isdisjoint(IN_BYTES)
    settings: dict[str, Any] = {"batch": batch, "execution": execution, "in_bytes": in_bytes}
    settings |= {"optimizer": optimizer if training else "", "read_as": read_as}
    analyses: list[Analysis] = []
    unfinished: list[Analysis] = []
    faults: list[Fault] = []
    for spec in specs:
        try:
            analysis = costcalc.analyze(load(spec), **settings)
            analyses.append(analysis)
            if strict and analysis.partial:
                raise UsageError(
                    "{} has no rule for {}",
                    analysis.network,
                    ", ".join(analysis.uncounted),
                    help="without --strict, the totals are marked as partial",
                )
        except SpecError as error:
            faults += error.faults
            if error.partial and error.partial.layers:
                unfinished.append(costcalc.analyze(error.partial, **settings))
        except CostcalcError as error:
            faults.append(error.fault())
    if faults:
        report_faults(faults)
        for analysis in unfinished:
            report_table(_unfinished(analysis, columns, full=full))
        return ERROR
    report_faults([suspicion.fault() for analysis in analyses for suspicion in analysis.suspicions])
    if memory:
        _emit_memory(outputs, analyses[0], full=full)
        return SUCCESS
    formulas = explanation if len(specs) == 1 and analyses[0].layers else None
    emit(outputs, "tables", Report(lambda form: [table(form)], lambda: _document(analyses), formulas))
    return SUCCESS


def _emit_memory(outputs: Sequence[Output], analysis: Analysis, *, full: bool) -> None:
    """Write the memory of a network over its steps."""
    from costcalc.report import memory

    def tables(form: str) -> list[Table]:
        return [memory.flat(analysis)] if form == "csv" else memory.profile(analysis, full=full)

    def drawn(form: str) -> Callable[[Medium], bytes]:
        def write(_: Medium) -> bytes:
            from costcalc.report.plot import draw

            return draw(memory.picture(analysis), form)

        return write

    own = {form: drawn(form) for form in ("png", "svg")}
    emit(outputs, "tables", Report(tables, lambda: _document([analysis])), own)


def _unfinished(analysis: Analysis, columns: Sequence[str], *, full: bool) -> Table:
    """Return the table of the last layers before an error."""
    from costcalc.outline import outline
    from costcalc.report.analyses import layers

    table = layers(analysis, outline(analysis, full=full, last=LAST), columns)
    title, *facts = table.heading
    return table._replace(heading=(f"{title}, layers before the error", *facts))


def _warn(*, several: bool, documents: bool) -> None:
    """Warn of options that have no effect."""
    arrangement = ("depth", "sort", "top", "by")
    unused = []
    if several:
        unused.append((given_options(*arrangement, "full"), "with several specs, of which only totals are shown"))
    if documents:
        changed = ("columns",) if several else ("columns", *arrangement)
        unused.append((given_options(*changed), "on -o json, which contains every layer and every metric"))
    report_faults(
        [
            Fault(f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} no effect {where}", severity="warning")
            for names, where in unused
            if names
        ]
    )


def _document(analyses: Sequence[Analysis]) -> dict[str, object]:
    """Return the document that `to_dict` returns, with iterators over the layers."""
    documents = ({**analysis._replace(layers=()).to_dict(), "layers": analysis.entries()} for analysis in analyses)
    return next(documents) if len(analyses) == 1 else {"format": "costcalc.analyses/1", "analyses": documents}
