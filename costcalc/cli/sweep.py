"""`costcalc sweep SPEC --set NAME=VALUES ...`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.common import Loader, batch_option, execution_options, loader_options, spec_argument
from costcalc.cli.exit_status import SUCCESS
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, output_option, write_stderr
from costcalc.errors import UsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from costcalc.cli.sinks import Sinks
    from costcalc.lang.spec import Spec
    from costcalc.model import Execution
    from costcalc.report.sweep import Summary
    from costcalc.sweep.axis import Axis
    from costcalc.sweep.chunks import Chunk, Task
    from costcalc.sweep.select import Query

MOST_POINTS = 10_000_000_000


def _names(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    from costcalc.cost import OPERATIONS
    from costcalc.sweep.select import FIGURES

    known = (*FIGURES, "operations")
    names: list[str] = []
    for name in [name.strip() for name in text.split(",") if name.strip()]:
        if name not in known:
            raise UsageError("unknown column {}", name, help=suggest(name, known))
        names += OPERATIONS if name == "operations" else [name]
    if not names:
        raise UsageError("--columns: expected at least one column", help=f"known: {', '.join(known)}")
    return tuple(dict.fromkeys(names))


def _items(_ctx: click.Context, _param: click.Parameter, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    from costcalc.sweep.axis import items

    return tuple([item.strip() for item in items(text) if item.strip()])


@click.command(
    cls=Command,
    examples="""
    costcalc sweep mobilenet_v1 --set alpha=0.25,0.5,0.75,1 --set resolution=128:224:32 --columns macs
    costcalc sweep mobilenet_v1 --set alpha=0.1:1.5:0.01 --where 'macs <= 300M' --best alpha --top 1
    costcalc sweep resnet50 --set width=16:128:16 --set 'depths=[3,4,6,3],[3,4,23,3]' -o csv=grid.csv -o png=grid.png
    """,
)
@spec_argument()
@loader_options
@batch_option
@execution_options
@click.option(
    "--where", default="", metavar="EXPRESSION", help="Show only points that satisfy a condition: 'macs <= 300M'."
)
@click.option(
    "--best", default="", metavar="EXPRESSION", help="Sort points in descending order; --best=-macs: fewest macs first."
)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="With --best, show only the first N points.")
@click.option(
    "--pareto", metavar="A,B,...", callback=_items, help="Show the Pareto front: minimize all of these expressions."
)
@click.option("--columns", metavar="NAMES", callback=_names, help="Comma-separated metrics and operations to show.")
@click.option("--count", is_flag=True, help="Show the number of points and exit.")
@click.option(
    "--max-points",
    type=click.IntRange(1, 10**18),
    metavar="N",
    help="Maximum number of points.  [default: 10,000,000,000]",
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Evaluate on a Dask cluster with this scheduler.")
@output_option("tables", "npz", "png", "svg")
@color_option
def sweep(
    spec: str,
    load: Loader,
    batch: int,
    execution: Execution,
    columns: tuple[str, ...],
    outputs: tuple[Output, ...],
    count: bool,
    max_points: int | None,
    scheduler: str,
    **asked: Any,
) -> int:
    """Evaluate a network for all combinations of param values.

    --set NAME=VALUES gives the values of a param: comma-separated values such as 0.25,0.5,1, ranges FROM:TO:STEP, or
    both. Write lists in brackets: 'depths=[3,4,6,3],[3,4,23,3]'. A combination that gives an invalid network is shown
    with the error.
    """
    document = load.document(spec)
    axes = _axes(document, load)
    sizes = {axis.name: axis.size for axis in axes}
    if count:
        print_count(sizes)
        return SUCCESS

    from costcalc.cli.sinks import Sinks
    from costcalc.report.sweep import Plan
    from costcalc.sweep.recipe import Recipe
    from costcalc.sweep.run import prepare
    from costcalc.sweep.select import question

    query = question(asked["where"], asked["best"], asked["top"], asked["pareto"])
    ranking, inputs = _ranking(**asked), document.given(load.inputs)
    plans = {
        form: Plan(document.name, sizes, columns or default, asked["where"], ranking, batch, inputs)
        for form, default in _defaults(sizes).items()
    }
    shown = dict.fromkeys(name for output in outputs for name in plans[output.format].metrics)
    task = prepare(Recipe(document, load.inputs, load.max_layers), axes, shown, query, batch, execution)
    _refuse(task, max_points or MOST_POINTS)
    return run(task, query, Sinks(outputs, plans, task, query), scheduler)


def _defaults(sizes: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """Return the default columns of each format."""
    from costcalc.report.formats import FORMATS
    from costcalc.report.sweep import COLUMNS, SHOWN

    scattered = sum(size > 1 for size in sizes.values()) > 2
    picture = ("params", "macs") if scattered else ("macs",)
    return {
        **dict.fromkeys(FORMATS["tables"], SHOWN),
        **dict.fromkeys(("csv", "json", "npz"), COLUMNS),
        **dict.fromkeys(("png", "svg"), picture),
    }


def _axes(document: Spec, load: Loader) -> tuple[Axis, ...]:
    from costcalc.sweep.axis import check_params, parse_axis

    check_params(document, load.params)
    return tuple([parse_axis(name, text) for name, text in load.params.items()])


def print_count(sizes: dict[str, int]) -> None:
    """Write the number of points to standard output."""
    from math import prod

    from costcalc.cli.output import harmless, write_stdout

    points = prod(sizes.values())
    axes = " × ".join(f"{name} {size:,}" for name, size in sizes.items())
    write_stdout(harmless(f"{points:,} point{'' if points == 1 else 's'}: {axes}\n"))


def _ranking(best: str, top: int | None, pareto: Sequence[str], **_: Any) -> str:
    parts = [f"undominated in {', '.join(pareto)}"] if pareto else []
    if best:
        parts.append(f"{f'the first {top:,} ' if top else ''}by {best}, the largest first")
    return ", ".join(parts)


def _refuse(task: Task, most: int) -> None:
    """Raise `UsageError` with the estimated time if there are more points than allowed."""
    if task.points <= most:
        return
    from time import perf_counter

    from costcalc.sweep.run import seconds

    raise UsageError(
        "{:,} points would take about {}; the limit is {:,}",
        task.points,
        duration(seconds(task, perf_counter)),
        most,
        help="use larger steps, or raise the limit with --max-points",
    )


def duration(seconds: float) -> str:
    """Format a time in a suitable unit.

    >>> duration(90), duration(3 * 365.25 * 86400)
    ('1.5 minutes', '3.0 years')
    """
    for unit, size in (("years", 365.25 * 86400), ("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} seconds"


def run(task: Task, query: Query, sinks: Sinks, scheduler: str) -> int:
    """Evaluate the points, write rows as they are evaluated, and report interrupts and invalid points."""
    from costcalc.cli.progress import watched
    from costcalc.sweep.cluster import cluster_chunks
    from costcalc.sweep.run import Tally, chunks, survey

    tally = Tally()
    with watched(task.points, tally, bar=not sinks.fills_terminal()) as watch, sinks:
        source = cluster_chunks(task, scheduler, watch.pause) if scheduler else chunks(task, watch.pause)
        stream: Iterator[Chunk] = watch.until_interrupted(source)
        selected = survey(task, query, stream, tally, sinks.see)
        for rows in selected if query.best or query.pareto else watch.until_interrupted(selected):
            sinks.add(rows)
        watch.clear()
        summary = sinks.finish(tally)
    report_summary(summary, sinks, query)
    return watch.status if watch.interrupted else SUCCESS


def report_summary(summary: Summary, sinks: Sinks, query: Query) -> None:
    """Write notes that the outputs do not contain to standard error."""
    from costcalc.report.text import visible
    from costcalc.sweep.select import MOST

    if summary.partial:
        write_stderr(
            f"interrupted after {summary.seen:,} of {summary.points:,} points; the outputs contain the points so far\n"
        )
    if summary.rows == MOST < summary.matching and query.best and query.top is None:
        write_stderr(f"only the first {MOST:,} of {summary.matching:,} points are shown; add --top N to show fewer\n")
    if sinks.table is None:
        if query.where and not summary.matching:
            write_stderr(f"no point satisfies {query.where.text}\n")
        if summary.invalid:
            write_stderr(f"{summary.invalid:,} of {summary.seen:,} points are invalid: {visible(summary.reason)}\n")
