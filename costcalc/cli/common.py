"""The arguments and options that several commands have, and their shell completion."""

from __future__ import annotations

import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from costcalc.cli.output import refuse_overwriting, report_faults
from costcalc.errors import CostcalcError, UsageError
from costcalc.model import IN_PLACE, Execution
from costcalc.number_formats import NumberFormats
from costcalc.pytorch import TypedShape, is_target
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from costcalc.errors import Source
    from costcalc.lang.spec import Spec
    from costcalc.model import Network

    Function = TypeVar("Function", bound=Callable[..., Any])

STDIN = "-"


class Loader(NamedTuple):
    """Loads specs with the params, inputs and layer limit of the command line."""

    params: Mapping[str, str] = {}
    inputs: Mapping[str, Sequence[int]] = {}
    max_layers: int | None = None

    def __call__(self, spec: str) -> Network:
        """Build the network of a path, a bundled name, or `-` for standard input. Raises `CostcalcError`."""
        if ":" in spec and is_target(spec):
            from costcalc.pytorch.target import TorchModel

            return TorchModel(spec).build(self.params, self.inputs, self.max_layers)
        return self.document(spec).build(self.params, self.inputs, self.max_layers)

    def document(self, spec: str) -> Spec:
        """Read a spec without building it, and write its warnings to standard error."""
        from costcalc.lang.loader import open_spec

        if ":" in spec and is_target(spec):
            raise UsageError(
                "{} is a PyTorch model; this command takes a spec", spec, help="write one with costcalc expand"
            )
        document = open_spec(standard_input() if spec == STDIN else spec)
        files = [file.name for file in document.files if not file.bundled]
        refuse_overwriting(files, click.get_current_context().params.get("outputs", ()))
        report_faults(document.warnings)
        return document


def standard_input() -> Source:
    """Read a spec from standard input. Raises `UsageError` if standard input is closed."""
    from costcalc.lang.reader import read_stream

    if not sys.stdin:
        raise UsageError("standard input is closed")
    return read_stream(sys.stdin.buffer, "<stdin>")


def loader_options(function: Function) -> Function:
    """Add `--set`, `--input` and `--max-layers` to a command, and pass them to it as `load`, a `Loader`."""

    @click.option(
        "--set",
        "params",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_params,
        shell_complete=complete_param,
        help="Override a param of the spec. Can be repeated.",
    )
    @click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="[NAME=]SHAPE",
        callback=_inputs,
        help="Override the shape of an input, such as 3x192x192. Can be repeated.",
    )
    @click.option("--max-layers", metavar="N", callback=_count, help="Maximum number of layers.  [default: 100,000]")
    @wraps(function)
    def command(
        *args: Any,
        params: Mapping[str, str],
        inputs: Mapping[str, Sequence[int]],
        max_layers: int | None,
        **options: Any,
    ) -> Any:
        return function(*args, load=Loader(params, inputs, max_layers), **options)

    return command  # type: ignore[return-value]


def batch_option(function: Function) -> Function:
    """Add `--batch N` to a command. N may have an SI suffix, such as 1k."""
    return click.option(
        "--batch",
        metavar="N",
        default="1",
        callback=_count,
        help="Batch size: multiply macs, operations and activations by N.  [default: 1]",
    )(function)


def execution_options(function: Function) -> Function:
    """Add `--dtype`, `--eager` and `--in-place` to a command, and pass them to it as `execution`."""

    @click.option(
        "--dtype",
        metavar="FORMAT",
        callback=_formats,
        help="Number format: int8, or weights=int4,activations=fp16.  [default: fp32]",
    )
    @click.option("--eager", is_flag=True, help="Run each norm and activation as a step, as a framework does.")
    @click.option(
        "--in-place",
        type=click.Choice(IN_PLACE),
        default=IN_PLACE[0],
        help="Let activations and additions, or all ops that can, write over an input that dies.  [default: none]",
    )
    @wraps(function)
    def command(*args: Any, dtype: NumberFormats, eager: bool, in_place: str, **options: Any) -> Any:
        return function(*args, execution=Execution(dtype, eager, in_place), **options)

    return command  # type: ignore[return-value]


def _formats(_ctx: click.Context, param: click.Parameter, text: str | None) -> NumberFormats:
    if text is None:
        return NumberFormats()
    from costcalc.number_formats import formats

    try:
        return formats(text)
    except UsageError as error:
        raise UsageError("{}: {}", param.opts[0], error, help=error.help) from None


def spec_argument(name: str = "spec", *, many: bool = False) -> Callable[[Function], Function]:
    """Add the argument `SPEC` to a command, or `SPEC...` for one or more."""
    metavar, count = ("SPEC...", -1) if many else ("SPEC", 1)
    return click.argument(name, metavar=metavar, nargs=count, required=True, shell_complete=complete_spec)


def _params(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    params = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            raise UsageError("--set {}: expected NAME=VALUE", value)
        if name.strip() in params:
            raise UsageError(
                "--set {} is given twice", name.strip(), help="in a sweep, write several values with commas"
            )
        params[name.strip()] = text
    return params


def _inputs(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> dict[str, tuple[int, ...]]:
    inputs: dict[str, tuple[int, ...]] = {}
    for value in values:
        name, _, text = value.rpartition("=")
        shape, colon, dtype = text.partition(":")
        sizes = shape.replace("×", "x").split("x")
        if not all(size.isascii() and size.replace("_", "").isdecimal() for size in sizes) or len(shape) > 200:
            raise UsageError(
                "--input {}: expected a shape", value, help="write --input 3x192x192, or --input NAME=3x192x192"
            )
        own = name or ("input" if "input" not in inputs else f"input_{len(inputs) + 1}")
        inputs[own] = tuple([int(size.replace("_", "")) for size in sizes])
        if colon:
            inputs[own] = TypedShape(inputs[own], dtype)
    return inputs


def _count(_ctx: click.Context, param: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    if text == "1":
        return 1
    from costcalc.lang.expression import parse_value

    try:
        number = parse_value(text)
    except CostcalcError:
        number = None
    if type(number) is not int or number < 1:
        raise UsageError(
            "{} {}: expected an integer from 1 to 10^30", param.opts[0], text, help="write a number such as 64 or 1k"
        )
    return number


def given_options(*names: str) -> list[str]:
    """Return the options that the command line contains, of those with these parameter names or of all."""
    from click.core import ParameterSource

    ctx = click.get_current_context()
    return [
        max(param.opts, key=len)
        for param in ctx.command.params
        if isinstance(param, click.Option)
        and (param.name in names or not names)
        and ctx.get_parameter_source(param.name or "") is ParameterSource.COMMANDLINE
    ]


def complete_strategy(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a strategy."""
    from costcalc.strategies import registered

    return [name for name in registered() if name.startswith(incomplete)]


def complete_spec(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete paths of specs and folders, and names of bundled networks."""
    from pathlib import Path

    from costcalc.lang.library import SUFFIXES, bundled

    folder, slash, start = incomplete.rpartition("/")
    try:
        entries = sorted(Path(folder + slash or ".").iterdir())
    except OSError:
        entries = []
    paths = [
        f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in entries
        if entry.name.startswith(start)
        and (start.startswith(".") or not entry.name.startswith("."))
        and (entry.is_dir() or entry.suffix in SUFFIXES)
    ]
    return paths + [name for name in bundled() if name.startswith(incomplete)]


def complete_convention(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of conventions."""
    from costcalc.conventions.convention import names

    return [name for name in names() if name.startswith(incomplete)]


def complete_layer(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of layers of the spec on the command line."""
    network = _typed_network(ctx)
    return [layer.name for layer in network.layers if layer.name.startswith(incomplete)] if network else []


def complete_param(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of params of the spec on the command line, followed by `=`."""
    network = _typed_network(ctx)
    return [f"{name}=" for name in network.params if name.startswith(incomplete)] if network else []


def _typed_network(ctx: click.Context) -> Network | None:
    """Return the network of the first spec on an incomplete command line, or None if it cannot be read."""
    from costcalc.lang.loader import open_spec

    specs = ctx.params.get("specs") or ctx.params.get("spec") or ctx.args
    names: Iterable[str] = (specs,) if isinstance(specs, str) else specs
    for spec in names:
        if spec != STDIN:
            try:
                return open_spec(spec).build()
            except CostcalcError:
                return None  # completion cannot show an error
    return None
