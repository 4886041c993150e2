"""The group of commands, which imports a command's module when that command is used, and the errors of all of them."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli import FINE, UNUSABLE
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

COMMANDS = {
    "analyze": "What each layer costs, and the whole network.",
    "compare": "Convolution strategies side by side, on a network or on one convolution.",
    "explain": "Each count written out: the formula, the numbers, the result.",
    "graph": "The network as a flowchart, for Mermaid or Graphviz.",
    "sweep": "Every combination of the values of some params.",
    "check": "Hold specs to their limits, against a git ref.",
    "diff": "What changed between two specs, layer by layer.",
    "history": "What a spec cost at every commit that changed it.",
    "expand": "A spec with every block, loop and expression written out.",
    "specs": "The networks that come with costcalc.",
    "ops": "The ops that specs are written in, with their arguments.",
    "blocks": "The blocks that come with costcalc.",
    "schema": "JSON Schema of the spec language, for editors.",
}
"""A command's name is its module in `costcalc.cli` and its function there; beside it, its line in the group's help."""

COMPLETE = "_COSTCALC_COMPLETE"
COLOR = "costcalc.color"
"""Where a context keeps what `--color` said."""


class Command(click.Command):
    """A command whose help begins with examples, one a line."""

    def __init__(self, *args: Any, examples: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, then what click writes."""
        _write_examples(self.examples, formatter)
        super().format_help(ctx, formatter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse them; what is wrong with one knows its command, whose help is the place to look."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, where what it reads and what it writes go together."""
        from costcalc.cli.output import refuse_conflicts

        refuse_conflicts(ctx)
        return super().invoke(ctx)


class Commands(click.Group):
    """The group, on the table `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"costcalc.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names. Raises `UsageError` with the nearest name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            raise UsageError("no such command: {}", name, help=suggest(name, COMMANDS))
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, then what click writes."""
        _write_examples(_EXAMPLES, formatter)
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands from the table, and the group's own options."""
        from click.shell_completion import CompletionItem

        items = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return items + click.Command.shell_complete(self, ctx, incomplete)


_EXAMPLES = """
costcalc analyze resnet50
costcalc analyze model.yaml --set width=32 --batch 8 -o table -o json=cost.json
costcalc ops conv
"""


def _write_examples(examples: str, formatter: click.HelpFormatter) -> None:
    with formatter.section("Examples"):
        for line in examples.split("\n"):
            if line.strip():
                formatter.write(f"{'':{formatter.current_indent}}{line.strip()}\n")
    formatter.write_paragraph()


def _version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from costcalc import __version__

        click.echo(f"costcalc {__version__}")
        ctx.exit()


@click.group(
    cls=Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")
@click.pass_context
def root(ctx: click.Context) -> int:
    """What a neural network costs before anyone trains it: parameters, multiply-adds, operations, activations."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return UNUSABLE
    return FINE


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name, tell its errors, and return the exit status."""
    instruction = os.environ.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, "costcalc", COMPLETE, instruction)
    context = None
    try:
        with root.make_context("costcalc", list(arguments)) as context:
            status = root.invoke(context)
        return status if isinstance(status, int) else FINE
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        _show([_usage_fault(error)], context)
    except SpecError as error:
        _show(error.faults, context)
    except CostcalcError as error:
        _show([error.fault()], context)
    return UNUSABLE


def _usage_fault(error: click.ClickException) -> Fault:
    """What click found wrong with the arguments, in the form of every other fault."""
    if isinstance(error, click.NoSuchOption):
        nearest = error.possibilities[0] if error.possibilities else ""
        return Fault(
            f"no such option: {error.option_name}", help=f"did you mean {nearest}?" if nearest else _help(error)
        )
    message = error.format_message().rstrip(".")
    return Fault(message[:1].lower() + message[1:], help=_help(error))


def _help(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path if context else 'costcalc'} --help"


def _show(faults: Sequence[Fault], context: click.Context | None) -> None:
    from costcalc.cli.output import tell_faults

    tell_faults(faults, color=context.meta.get(COLOR) if context else None)
