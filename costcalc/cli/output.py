"""Output of reports to files, standard output and standard error: `-o FORMAT[=PATH]`, colour and width."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from costcalc.cli.context import COLOR
from costcalc.errors import UsageError, suggest
from costcalc.record import NamedTuple
from costcalc.report.formats import FORMATS, Medium, pieces, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from costcalc.cli.output_files import OutputFiles
    from costcalc.errors import Fault
    from costcalc.report.formats import Text
    from costcalc.report.table_data import Table

    Function = TypeVar("Function", bound=Callable[..., Any])


BINARY = ("png", "npz")


class Output(NamedTuple):
    """A format and the path of its file. An empty path is standard output."""

    format: str
    path: str = ""


def output_option(kind: str = "", *own: str) -> Callable[[Function], Function]:
    """Add `-o FORMAT[=PATH]` to a command, as the parameter `outputs`.

    The formats are those of a kind of report and the command's own. The first one is the default.
    """
    formats = (*FORMATS.get(kind, ()), *own)

    def parse(_ctx: click.Context, _param: click.Parameter, values: Sequence[str]) -> tuple[Output, ...]:
        outputs = tuple([_output(value, formats) for value in values]) or (Output(formats[0]),)
        for path in {output.path for output in outputs}:
            if sum(output.path == path for output in outputs) > 1:
                raise UsageError(
                    "more than one format for {}",
                    path or "standard output",
                    help="write one of them to a file: -o FORMAT=PATH",
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
        help=f"Write to standard output, or to the file PATH. Can be repeated. Formats: {', '.join(formats)}.  "
        f"[default: {formats[0]}]",
    )


def _output(value: str, formats: Sequence[str]) -> Output:
    name, equals, path = value.partition("=")
    if name not in formats:
        raise UsageError("unknown format {}", name, help=suggest(name, formats))
    if equals and not path:
        raise UsageError(
            "-o {}=: expected a path", name, help=f"write -o {name}=PATH, or -o {name} for standard output"
        )
    return Output(name, "" if path in ("-", "/dev/stdout") else path)


def refuse_conflicts(ctx: click.Context) -> None:
    """Raise `UsageError` if the inputs and outputs of a command conflict."""
    outputs: Sequence[Output] = ctx.params.get("outputs", ())
    specs: list[str] = []
    for name in ("spec", "specs", "sides"):
        given = ctx.params.get(name) or ()
        specs += [given] if isinstance(given, str) else given
    if specs.count("-") > 1:
        raise UsageError("standard input (-) is given more than once")
    refuse_overwriting(specs, outputs)
    if not sys.stdout and any(not output.path for output in outputs):
        raise UsageError("standard output is closed", help="write to a file: -o FORMAT=PATH")


def refuse_overwriting(inputs: Iterable[str], outputs: Iterable[Output]) -> None:
    """Raise `UsageError` if an output would overwrite an input."""
    for form, path in outputs:
        if path and os.path.isfile(path):  # noqa: PTH113 - a command without such files imports no pathlib
            for name in inputs:
                if os.path.exists(name) and os.path.samefile(name, path):  # noqa: PTH110, PTH121
                    raise UsageError("-o {}={} would overwrite the input {}", form, path, name)


def color_option(function: Function) -> Function:
    """Add `--color auto|always|never` to a command, and store its value in the context."""

    def keep(ctx: click.Context, _param: click.Parameter, value: str) -> None:
        ctx.meta[COLOR] = value

    return click.option(
        "--color",
        type=click.Choice(["auto", "always", "never"]),
        default="auto",
        is_eager=True,
        expose_value=False,
        callback=keep,
        help="When to use colours. auto uses them on a terminal, unless NO_COLOR is set.  [default: auto]",
    )(function)


def emit(
    outputs: Sequence[Output],
    kind: str = "",
    value: object = None,
    own: Mapping[str, Callable[[Medium], Text]] | None = None,
    files: OutputFiles | None = None,
) -> None:
    """Write a report in every requested format, files before standard output.

    `own` are the formats of this command, which take precedence over those of the kind. `files` are the output files
    that are already open.
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


def _harmless_report(form: str, report: Text) -> Text:
    if isinstance(report, str):
        return harmless(report, form)
    if not isinstance(report, bytes):
        return (harmless(piece, form) for piece in report)
    try:
        return report if form in BINARY else harmless(report.decode(), form).encode()
    except UnicodeDecodeError:  # a binary format
        return report


def harmless(text: str, form: str = "text") -> str:
    """Escape workflow commands, so that a CI system that prints the text does not run commands from a spec.

    All output of a command passes through this function: files, standard output and standard error.
    """
    if "##" not in text and "::" not in text:
        return text
    from costcalc.report.text import inert

    return inert(text, form)


def write_stdout(report: Text) -> None:
    """Write a harmless report to standard output. Characters that it cannot encode are replaced."""
    stream = sys.stdout
    if not stream:
        raise UsageError("standard output is closed")
    try:
        for piece in pieces(report):
            if isinstance(piece, bytes):
                stream.buffer.write(piece)
            else:
                _write(stream, piece)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError("cannot write to standard output: {}", error.strerror) from None


def write_stderr(text: str) -> None:
    """Write text to standard error, unless it is closed."""
    if sys.stderr:
        _write(sys.stderr, harmless(text))
        sys.stderr.flush()


def report_faults(faults: Sequence[Fault], color: str | None = None) -> None:
    """Write errors and warnings to standard error. `color` is the value of `--color` if there is no context."""
    if not faults:
        return
    from costcalc.report.faults import render

    context = click.get_current_context(silent=True)
    choice = context.meta.get(COLOR) if context else color
    write_stderr(render(faults, color=_colored(choice, sys.stderr), width=_columns(sys.stderr)))


def report_table(table: Table) -> None:
    """Write a table to standard error, after an empty line."""
    from costcalc.report.table import render

    color = _colored(click.get_current_context().meta.get(COLOR), sys.stderr)
    write_stderr("\n" + render(table, width=_columns(sys.stderr), color=color))


def write_files(reports: Mapping[str, Text], files: OutputFiles | None = None) -> None:
    """Write all of the files or none. `files` are the output files that are already open. Raises `UsageError`."""
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
    value = os.environ.get("COLUMNS", "")
    columns = int(value) if value.isdecimal() else 0
    return columns or os.get_terminal_size(stream.fileno()).columns or None


def _write(stream: TextIO, text: str) -> None:
    if not text.isascii():
        from costcalc.report.text import encodable

        text = encodable(text, stream.encoding or "utf-8")
    stream.write(text)
