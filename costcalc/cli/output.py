"""Where reports go: `-o FORMAT[=PATH]`, files that are whole or untouched, terminals and their colour."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, TypeVar

import click

from costcalc.cli.group import COLOR
from costcalc.errors import UsageError, suggest
from costcalc.report.formats import FORMATS, Medium, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from costcalc.cli.output_files import OutputFiles
    from costcalc.errors import Fault
    from costcalc.report.table_data import Grid

    Function = TypeVar("Function", bound=Callable[..., Any])


BINARY = ("png", "npz")


class Output(NamedTuple):
    """A format, and the file it goes to; without one, standard output."""

    format: str
    path: str = ""


def output_option(kind: str = "", *own: str) -> Callable[[Function], Function]:
    """`-o FORMAT[=PATH]` as the parameter `outputs`: the formats of a kind of report, and a command's own.

    The first format is the default.
    """
    formats = (*FORMATS.get(kind, ()), *own)

    def parse(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[Output, ...]:
        outputs = tuple([_output(value, formats) for value in values]) or (Output(formats[0]),)
        for path in {output.path for output in outputs}:
            if sum(output.path == path for output in outputs) > 1:
                raise UsageError(
                    "more than one format for {}", path or "standard output", help="-o FORMAT=PATH writes a file"
                )
        return outputs

    def complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
        return [name for name in formats if name.startswith(incomplete)]

    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=PATH]",
        callback=parse,
        shell_complete=complete,
        help=f"Formats: {', '.join(formats)}. To standard output, or to a file. Repeatable.",
    )


def _output(value: str, formats: Sequence[str]) -> Output:
    name, equals, path = value.partition("=")
    if name not in formats:
        raise UsageError("no such format: {}", name, help=suggest(name, formats))
    if equals and not path:
        raise UsageError("-o {}= names no file", name, help=f"-o {name}=PATH, or -o {name} for standard output")
    return Output(name, "" if path in ("-", "/dev/stdout") else path)


def refuse_conflicts(ctx: click.Context) -> None:
    """Raise `UsageError` where what a command reads and writes cannot be what was meant."""
    outputs: Sequence[Output] = ctx.params.get("outputs", ())
    specs: list[str] = []
    for name in ("spec", "specs", "sides"):
        given = ctx.params.get(name) or ()
        specs += [given] if isinstance(given, str) else given
    if specs.count("-") > 1:
        raise UsageError("standard input can be given once")
    refuse_overwriting(specs, outputs)
    if not sys.stdout and any(not output.path for output in outputs):
        raise UsageError("standard output is closed", help="-o FORMAT=PATH writes a file")


def refuse_overwriting(inputs: Iterable[str], outputs: Iterable[Output]) -> None:
    """Raise `UsageError` where a file that is read would be written."""
    for form, path in outputs:
        if path and os.path.isfile(path):  # noqa: PTH113 - a command without such files imports no pathlib
            for name in inputs:
                if os.path.exists(name) and os.path.samefile(name, path):  # noqa: PTH110, PTH121
                    raise UsageError("-o {}={} would replace a spec that is read: {}", form, path, name)


def color_option(function: Function) -> Function:
    """`--color auto|always|never`, kept in the context for reports and for errors."""

    def keep(ctx: click.Context, _param: click.Parameter, value: str) -> None:
        ctx.meta[COLOR] = value

    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        is_eager=True,
        expose_value=False,
        callback=keep,
        help="Colours; auto: on a terminal, unless NO_COLOR is set.",
    )(function)


def emit(
    outputs: Sequence[Output],
    kind: str = "",
    value: object = None,
    own: Mapping[str, Callable[[Medium], str | bytes]] | None = None,
    files: OutputFiles | None = None,
) -> None:
    """Write a report in every format that was asked for: the files first, then standard output.

    `own` are formats of this command alone, and come before those of the kind. `files` hold what is written already.
    """
    stdout = Medium(_columns(sys.stdout), _colored(click.get_current_context().meta.get(COLOR), sys.stdout))
    reports = []
    for form, path in outputs:
        medium = Medium() if path else stdout
        special = (own or {}).get(form)
        reports.append((path, _harmless_report(form, special(medium) if special else write(kind, form, value, medium))))
    if files or any(path for path, _ in reports):
        write_files({path: report for path, report in reports if path}, files)
    for path, report in reports:
        if not path:
            write_stdout(report)


def _harmless_report(form: str, report: str | bytes) -> str | bytes:
    if isinstance(report, str):
        return harmless(report, form)
    return report if form in BINARY else harmless(report.decode(), form).encode()


def harmless(text: str, form: str = "text") -> str:
    """A report in which no CI system takes text from a spec for a command, neither now nor when it prints the file.

    Whatever a command writes passes here, on its way to a file, to standard output or to standard error.
    """
    if "##" not in text and "::" not in text:
        return text
    from costcalc.report.text import inert

    return inert(text, form)


def write_stdout(report: str | bytes) -> None:
    """All of a harmless report on standard output. Characters that it cannot encode are put in others' words."""
    stream = sys.stdout
    if not stream:
        raise UsageError("standard output is closed")
    try:
        if isinstance(report, bytes):
            stream.buffer.write(report)
        else:
            _write(stream, report)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError("cannot write to standard output: {}", error.strerror) from None


def tell(text: str) -> None:
    """Text on standard error, where somebody reads it."""
    if sys.stderr:
        _write(sys.stderr, harmless(text))
        sys.stderr.flush()


def tell_faults(faults: Sequence[Fault], color: str | None = None) -> None:
    """Errors and warnings, on standard error. `color` is what `--color` said, where no context knows it."""
    if not faults:
        return
    from costcalc.report.faults import render

    context = click.get_current_context(silent=True)
    choice = context.meta.get(COLOR) if context else color
    tell(render(faults, color=_colored(choice, sys.stderr), width=_columns(sys.stderr)))


def tell_table(grid: Grid) -> None:
    """A table on standard error, below what stands there."""
    from costcalc.report.table import render

    color = _colored(click.get_current_context().meta.get(COLOR), sys.stderr)
    tell("\n" + render(grid, width=_columns(sys.stderr), color=color))


def write_files(reports: Mapping[str, str | bytes], files: OutputFiles | None = None) -> None:
    """Write files so that all of them are whole, or all as they were. `files` are those of the run that stand already.

    Raises `UsageError` with the reason.
    """
    from costcalc.cli.output_files import OutputFiles

    with files or OutputFiles() as files:
        for path, report in reports.items():
            files.write(path, report)
        files.commit()


def _colored(choice: str | None, stream: TextIO | None) -> bool:
    if choice in ("always", "never"):
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(stream and stream.isatty()) and os.environ.get("TERM") != "dumb"


def _columns(stream: TextIO | None) -> int | None:
    if not (stream and stream.isatty()):
        return None
    said = os.environ.get("COLUMNS", "")
    given = int(said) if said.isdecimal() else 0
    return given or os.get_terminal_size(stream.fileno()).columns or None


def _write(stream: TextIO, text: str) -> None:
    if not text.isascii():
        from costcalc.report.text import encodable

        text = encodable(text, stream.encoding or "utf-8")
    stream.write(text)
