"""The group of commands, which imports the module of a command when it is used, and reports errors."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.context import COLOR
from costcalc.cli.exit_status import ERROR, SUCCESS
from costcalc.errors import CostcalcError, Fault, SpecError, UsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

COMMANDS = {
    "analyze": "Show the cost of a network and of each layer.",
    "compare": "Compare convolution strategies on a network or on one convolution.",
    "explain": "Show how each count is calculated.",
    "graph": "Draw a network as a flowchart, for Mermaid or Graphviz.",
    "sweep": "Evaluate a network for all combinations of param values.",
    "reconcile": "Show why other tools give other figures for a network.",
    "fit": "Show whether networks fit a device, and what bounds their time.",
    "check": "Check specs against budgets, published totals and a git ref.",
    "diff": "Show the differences between two specs, layer by layer.",
    "history": "Show the cost of a spec at each commit that changed it.",
    "import": "Write a network from elsewhere as a short spec.",
    "expand": "Write a spec with all blocks, loops and expressions expanded.",
    "specs": "List the bundled networks.",
    "ops": "List the ops of the spec language and their arguments.",
    "blocks": "List the bundled blocks.",
    "schema": "Write the JSON Schema of the spec language, for editors.",
}
"""The summary of each command. A command is a function in the module of the same name in `costcalc.cli`."""

COMPLETE = "_COSTCALC_COMPLETE"


class WithHelp(click.Command):
    """A command with `-h` and `--help`. Click's own option translates its text, which imports `locale`."""

    help_option: click.Option | None = None

    def get_help_option(self, ctx: click.Context) -> click.Option:
        """Return the option that shows the help."""
        if self.help_option is None:
            names, text = ["-h", "--help"], "Show this message and exit."
            self.help_option = click.Option(
                names, help=text, is_flag=True, is_eager=True, expose_value=False, callback=_show_help
            )
        return self.help_option


class Command(WithHelp):
    """A command whose help begins with examples, one per line."""

    def __init__(self, *args: Any, examples: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then the usual help."""
        _write_examples(self.examples, formatter)
        super().format_help(ctx, formatter)

    def make_parser(self, ctx: click.Context) -> Any:
        """Return the parser, which finds short options at its first look.

        Click looks for `-o` among the long options first, and makes an error that imports `difflib` and `locale` before
        it looks among the short ones: a twentieth of the time of a small command.
        """
        parser = super().make_parser(ctx)
        getattr(parser, "_long_opt", {}).update(getattr(parser, "_short_opt", {}))
        return parser

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments. Errors get the context of this command, so that they can refer to its help."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, after checking that its inputs and outputs do not conflict."""
        from costcalc.cli import light_yaml
        from costcalc.cli.output import refuse_conflicts

        light_yaml.load()
        refuse_conflicts(ctx)
        return super().invoke(ctx)


class Commands(WithHelp, click.Group):
    """The group of the commands in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if cmd_name == "import" else cmd_name  # a word of Python
        command: click.Command = getattr(import_module(f"costcalc.cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first argument names. Raises `UsageError` with the nearest name."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            raise UsageError("unknown command {}", name, help=suggest(name, COMMANDS))
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then the usual help."""
        _write_examples(_EXAMPLES, formatter)
        super().format_help(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries of the commands, without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands and the options of the group."""
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


def _show_help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


@click.group(
    cls=Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and exit."
)
@click.pass_context
def root(ctx: click.Context) -> int:
    """Calculate the parameters, multiply-adds, operations and activation memory of a neural network from a spec."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return ERROR
    return SUCCESS


def run(arguments: Sequence[str]) -> int:
    """Run a command, report its errors, and return the exit status."""
    instruction = os.environ.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, "costcalc", COMPLETE, instruction)
    context = None
    try:
        with root.make_context("costcalc", list(arguments)) as context:
            status = root.invoke(context)
        return status if isinstance(status, int) else SUCCESS
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
    return ERROR


def _usage_fault(error: click.ClickException) -> Fault:
    """Convert an error of click to a `Fault`."""
    if isinstance(error, click.NoSuchOption):
        nearest = error.possibilities[0] if error.possibilities else ""
        return Fault(
            f"unknown option {error.option_name}", help=f"did you mean {nearest}?" if nearest else _help(error)
        )
    message = error.format_message().rstrip(".")
    return Fault(message[:1].lower() + message[1:], help=_help(error))


def _help(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see {context.command_path if context else 'costcalc'} --help"


def _show(faults: Sequence[Fault], context: click.Context | None) -> None:
    from costcalc.cli.output import report_faults

    report_faults(faults, color=context.meta.get(COLOR) if context else None)
