"""`costcalc compare SPEC...`, and `costcalc compare --channels C --size S --out N --kernel K`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.common import (
    Loader,
    batch_option,
    complete_layer,
    complete_spec,
    complete_strategy,
    given_options,
    loader_options,
)
from costcalc.cli.exit_status import ERROR, SUCCESS
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option, report_faults
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError, counted
from costcalc.report.formats import Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from costcalc.model import Analysis
    from costcalc.strategies import Comparison, Convolution

REQUIRED = ("channels", "size", "out", "kernel")
"""The required options of a convolution. The others have defaults."""


def _sizes(_ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | None:
    """Parse `28`, or `28x56` with one size for each spatial dimension."""
    if text is None:
        return None
    sizes = text.replace("×", "x").split("x")
    if not all(size.isascii() and size.isdecimal() and len(size) < 20 and int(size) > 0 for size in sizes):
        raise UsageError("{} {}: expected sizes of at least 1", param.opts[0], text, help="write 28, or 28x56")
    return tuple(map(int, sizes))


def _padding(ctx: click.Context, param: click.Parameter, text: str | None) -> tuple[int, ...] | str | None:
    """Parse `same`, `valid`, `2`, or `2x0`."""
    if text is None or text in ("same", "valid"):
        return text
    margins = text.replace("×", "x").split("x")
    if not all(margin.isascii() and margin.isdecimal() and len(margin) < 20 for margin in margins):
        raise UsageError("--padding {}: expected same, valid, or sizes of at least 0", text, help="write 2, or 2x0")
    return tuple(map(int, margins))


@click.command(
    cls=Command,
    examples="""
    costcalc compare --channels 192 --size 28 --out 32 --kernel 5 --padding same
    costcalc compare mobilenet_v1 --layer 'depthwise_separable.**' --cheapest
    costcalc compare vgg16 --strategy separable -o spec=vgg16_separable.yaml
    """,
)
@click.argument("specs", metavar="[SPEC]...", nargs=-1, shell_complete=complete_spec)
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    metavar="NAME[:OPTION=VALUE]",
    shell_complete=complete_strategy,
    help="A strategy to compare: normal, bottleneck (option: reduce), separable (multiplier), grouped (groups), "
    "spatial, inverted, fused (expand), ghost (ratio, cheap), partial (ratio), blueprint, shuffle (groups, reduce), "
    "svd, cp (rank), tucker (rank_in, rank_out), octave (alpha), heterogeneous (parts), dilated (kernel), or one from "
    "an installed package. Can be repeated.  [default: normal, bottleneck, separable]",
)
@click.option(
    "--layer", metavar="GLOB", shell_complete=complete_layer, help="Rewrite only cells with a layer that matches."
)
@click.option("--stem", is_flag=True, help="Also rewrite the convolutions of the network's input.")
@click.option("--cheapest", is_flag=True, help="Add the network in which every cell has its cheapest strategy.")
@click.option(
    "--channels", type=click.IntRange(min=1), metavar="C", help="Number of input channels. Required without SPEC."
)
@click.option("--size", callback=_sizes, metavar="S", help="Input size: 28 for 28x28, or 28x56. Required without SPEC.")
@click.option(
    "--out", type=click.IntRange(min=1), metavar="N", help="Number of output channels. Required without SPEC."
)
@click.option("--kernel", callback=_sizes, metavar="K", help="Kernel size: 5 for 5x5, or 5x3. Required without SPEC.")
@click.option("--stride", callback=_sizes, metavar="S", help="Stride of the convolution.  [default: 1]")
@click.option("--padding", callback=_padding, metavar="P", help="Padding: same, valid, or a size.  [default: 0]")
@click.option("--dims", type=click.IntRange(1, 3), metavar="N", help="Number of spatial dimensions.  [default: 2]")
@loader_options
@batch_option
@output_option("tables", "spec")
@color_option
def compare(
    specs: tuple[str, ...],
    load: Loader,
    batch: int,
    strategies: tuple[str, ...],
    layer: str | None,
    stem: bool,
    cheapest: bool,
    outputs: tuple[Output, ...],
    **shape: Any,
) -> int:
    """Compare the cost of several convolution strategies.

    With SPEC, rewrite every cell of the network with each strategy, and compare the results with the original network.
    Without SPEC, compare the strategies on one convolution, which the options describe. With several specs, compare
    the networks with the first.
    """
    import costcalc
    from costcalc.report import comparison as report
    from costcalc.strategies import DEFAULT, choose

    if len(specs) > 1:
        if unused := given_options("strategies", "layer", "stem", "cheapest", *shape):
            raise UsageError("{} requires one SPEC, got {}", unused[0], len(specs))
        return _side_by_side(specs, load, batch, outputs)
    spec = specs[0] if specs else None
    given = {name: value for name, value in shape.items() if value is not None}
    choices = [choose(text) for text in strategies or DEFAULT]
    if any(output.format == "spec" for output in outputs) and not cheapest and len(choices) != 1:
        raise UsageError(
            "-o spec writes one network, got {} strategies",
            len(choices),
            help="give one --strategy, or add --cheapest",
        )
    if spec is None:
        for option, value in (("--layer", layer), ("--stem", stem), ("--cheapest", cheapest)):
            if value:
                raise UsageError("{} requires SPEC", option)
        if load != Loader():
            raise UsageError("--set, --input and --max-layers require SPEC")
        comparison = costcalc.compare(_convolution(given), strategies=choices, batch=batch)
    elif given:
        options = ", ".join([f"--{name}" for name in given])
        raise UsageError("expected SPEC or the options of a convolution, got both: {} and {}", spec, options)
    else:
        comparison = costcalc.compare(
            load(spec), strategies=choices, layer=layer, stem=stem, cheapest=cheapest, batch=batch
        )
    tables = Report(
        lambda form: [report.flat(comparison)] if form == "csv" else report.tables(comparison),
        lambda: _document(comparison),
    )
    emit(outputs, "tables", tables, {"spec": lambda _: _spec(comparison)})
    return SUCCESS


def _side_by_side(specs: tuple[str, ...], load: Loader, batch: int, outputs: tuple[Output, ...]) -> int:
    import costcalc
    from costcalc.report.comparison import networks
    from costcalc.strategies import compare_networks

    if any(output.format == "spec" for output in outputs):
        raise UsageError("-o spec requires one SPEC, got {}", len(specs))
    analyses: list[Analysis] = []
    faults: list[Fault] = []
    for spec in specs:
        try:
            analyses.append(costcalc.analyze(load(spec), batch=batch, in_bytes=False))
        except SpecError as error:
            faults += error.faults
        except CostcalcError as error:
            faults.append(error.fault())
    if faults:
        report_faults(faults)
        return ERROR
    rows = compare_networks(analyses)

    def document() -> dict[str, object]:
        head = {"format": "costcalc.networks/1", "batch": batch, "base": rows[0].analysis.network}
        return {**head, "networks": [row.to_dict() for row in rows]}

    emit(outputs, "tables", Report(lambda _: [networks(rows, specs)], document))
    return SUCCESS


def _convolution(given: Mapping[str, Any]) -> Convolution:
    from costcalc.strategies import Convolution

    missing = [f"--{name}" for name in REQUIRED if name not in given]
    if missing:
        names = ", ".join(missing)
        if len(missing) == len(REQUIRED):
            raise UsageError("expected SPEC or the options of a convolution: {}", names)
        raise UsageError("missing options of the convolution: {}", names)
    rank = given.get("dims") or (len(given["size"]) if len(given["size"]) > 1 else 2)
    if rank > 3:
        raise UsageError("--size must have at most 3 dimensions, got {}", rank)
    for name in ("size", "kernel", "stride", "padding"):
        value = given.get(name)
        if isinstance(value, tuple) and len(value) not in (1, rank):
            values, dimensions = counted(len(value), "value"), counted(rank, "spatial dimension")
            raise UsageError("--{} has {}, but the convolution has {}", name, values, dimensions)
    size = given["size"]
    return Convolution(
        channels=given["channels"],
        size=size if len(size) == rank else size * rank,
        out=given["out"],
        kernel=_one(given["kernel"]),
        stride=_one(given.get("stride", (1,))),
        padding=_one(given.get("padding", (0,))),
    )


def _one(value: tuple[int, ...] | str) -> Any:
    """Return a single value without its tuple. It applies to every dimension."""
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _document(comparison: Comparison) -> dict[str, object]:
    """Return the document that `to_dict` returns, with iterators over the layers and the cells."""
    strategies = []
    for candidate in comparison.candidates:
        document = candidate._replace(analysis=candidate.analysis._replace(layers=())).to_dict()
        strategies.append(document if candidate.reason else {**document, "layers": candidate.analysis.entries()})
    cells = (row.to_dict() for row in comparison.cells)
    return {**comparison._replace(candidates=(), cells=()).to_dict(), "strategies": strategies, "cells": cells}


def _spec(comparison: Comparison) -> str:
    from costcalc.lang.expand import write

    written = comparison.candidates[-1]
    if written.reason:
        raise UsageError("{}: {}", written.label, written.reason)
    return write(written.network)
