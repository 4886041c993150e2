"""`costcalc check [SPEC...]`"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import click

from costcalc.cli.common import STDIN, complete_spec, given_options, standard_input
from costcalc.cli.exit_status import ERROR, GATE_FAILED, SUCCESS
from costcalc.cli.group import Command
from costcalc.cli.output import Output, color_option, emit, output_option, report_faults
from costcalc.errors import CostcalcError, UsageError, suggest
from costcalc.report.formats import CheckReport, Medium, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from costcalc.gate.limits import Allowance
    from costcalc.gate.results import Check

STATUS = {"pass": SUCCESS, "fail": GATE_FAILED, "error": ERROR}


def _limits(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Mapping[str, int]:
    from costcalc.gate.limits import figure

    return _named(param, values, figure)


def _increases(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> Mapping[str, Allowance]:
    from costcalc.gate.limits import allowance

    return _named(param, values, allowance)


def _named(param: click.Parameter, values: tuple[str, ...], convert: Callable[[str], Any]) -> dict[str, Any]:
    """Return converted values by metric. Raises `UsageError` with the name of the option."""
    from costcalc.model import MEASURES

    found = {}
    for value in values:
        metric, equals, text = value.partition("=")
        if not equals:
            raise UsageError(
                "{} {}: expected METRIC=VALUE", param.opts[0], value, help=f"write {param.opts[0]} macs=..."
            )
        if metric not in MEASURES:
            raise UsageError("{}: unknown metric {}", param.opts[0], metric, help=suggest(metric, MEASURES))
        if metric in found:
            raise UsageError("{} {} is given twice", param.opts[0], metric)
        try:
            found[metric] = convert(text)
        except CostcalcError as error:
            raise UsageError("{} {}: {}", param.opts[0], value, error, help=error.help) from None
    return found


@click.command(
    cls=Command,
    examples="""
    costcalc check
    costcalc check --base main
    costcalc check models/net.yaml --max macs=130M --max-increase macs=2% --base main -o text -o sarif=cost.sarif
    """,
)
@click.argument("specs", metavar="[SPEC]...", nargs=-1, shell_complete=complete_spec)
@click.option("--base", metavar="REF|FILE", default="", help="Compare with a ref's merge base, or with a .json report.")
@click.option("--config", metavar="PATH", help="Use this configuration instead of the nearest one above each spec.")
@click.option("--max", "limits", multiple=True, metavar="METRIC=N", callback=_limits, help="A budget for every spec.")
@click.option(
    "--max-increase",
    "increases",
    multiple=True,
    metavar="METRIC=N",
    callback=_increases,
    help="An allowed increase: 2%, +500k or 0.",
)
@click.option("--exit-zero", is_flag=True, help="Exit with status 0 if a rule fails. Errors keep status 2.")
@click.option(
    "--strict", is_flag=True, help="Also fail for stale waivers, loosened limits, suspicions and rules not evaluated."
)
@click.option("--init", is_flag=True, help="Write a costcalc.toml with the current totals as budgets.")
@click.option("--ratchet", is_flag=True, help="Lower the budgets to the largest figures of the specs.")
@click.option("--max-layers", type=click.IntRange(min=1), metavar="N", help="Allow more than 100,000 layers.")
@output_option("check")
@color_option
@click.pass_context
def check(
    ctx: click.Context,
    specs: tuple[str, ...],
    base: str,
    config: str | None,
    limits: Mapping[str, int],
    increases: Mapping[str, Allowance],
    exit_zero: bool,
    strict: bool,
    init: bool,
    ratchet: bool,
    max_layers: int | None,
    outputs: tuple[Output, ...],
) -> int:
    """Check specs against their limits: published totals, budgets, and increases since a git ref.

    SPEC can be a folder. The default is the specs that costcalc.toml, or [tool.costcalc] of pyproject.toml, names.
    Exit status 1: a rule fails; 2: the check could not be completed.
    """
    from datetime import datetime

    today = datetime.now().astimezone().date()
    if init:
        _alone("--init", "--color", help="--init only writes a configuration")
        return _init(specs, today)
    if ratchet:
        _alone("--ratchet", "--config", "--max-layers", "--color", help="--ratchet only lowers the budgets")
        if specs:
            raise UsageError(
                "--ratchet takes no SPEC", help="remove it: a budget is lowered to the figures of all of its specs"
            )
        return _ratchet(config, max_layers, today)
    from costcalc.gate.check import Request
    from costcalc.gate.check import check as run
    from costcalc.gate.requirements import CommandLineLimits

    outcome = run(
        Request(
            today=today,
            specs=specs,
            base=base,
            candidates=() if base else targets(os.environ),
            config=config,
            limits=CommandLineLimits(max=limits, increase=increases),
            strict=strict,
            max_layers=max_layers,
            stdin=standard_input() if STDIN in specs else None,
        )
    )
    asked = ctx.get_parameter_source("outputs") is not click.core.ParameterSource.DEFAULT
    outputs = outputs if asked else (Output("text"),)
    in_actions = os.environ.get("GITHUB_ACTIONS") == "true" and (not asked or all(output.path for output in outputs))
    if in_actions and asked:
        outputs = (*outputs, Output("text"))
    report_faults(outcome.notices)
    report = report_of(outcome)
    emit(outputs, "check", report)
    if in_actions:
        _annotate(report)
    status = STATUS[outcome.verdict]
    return SUCCESS if exit_zero and status == GATE_FAILED else status


def _alone(mode: str, *allowed: str, help: str) -> None:
    """Raise `UsageError` if an option is given together with a mode that does not use it."""
    others = [option for option in given_options() if option not in (mode, *allowed)]
    if others:
        raise UsageError("{} and {} exclude each other", mode, others[0], help=help)


def _ratchet(config: str | None, max_layers: int | None, today: date) -> int:
    """Lower budgets, and report them."""
    from costcalc.cli.output import write_files, write_stderr
    from costcalc.gate.ratchet import ratchet
    from costcalc.report.text import visible

    done = ratchet(config, max_layers, today)
    write_files(done.texts)
    for span, metric, before, after in done.lowered:
        write_stderr(f"{visible(span.source.name)}:{span.line}: {metric} {before:,} -> {after:,}\n")
    count = len(done.lowered)
    write_stderr(
        f"lowered {count:,} budget{'' if count == 1 else 's'}\n"
        if count
        else "no budget is above the figures of its specs\n"
    )
    return SUCCESS


def _init(specs: tuple[str, ...], today: date) -> int:
    """Write a first configuration, and report it."""
    from costcalc.cli.output import write_stderr
    from costcalc.cli.output_files import OutputFiles
    from costcalc.gate.check import bounded
    from costcalc.gate.init_config import survey

    path = "costcalc.toml"
    if os.path.lexists(path):
        raise UsageError("costcalc.toml exists already", help="edit it, or remove it first")
    start = bounded(lambda: survey(specs, today), None)
    with OutputFiles() as files:
        files.write(path, start.text, new=True)
        files.commit()
    write_stderr(f"wrote costcalc.toml with budgets for {start.specs:,} spec{'' if start.specs == 1 else 's'}\n")
    return SUCCESS


def targets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the refs of the target branch of a pull or merge request, from the environment of GitHub or GitLab.

    In a merge queue of GitHub, the name of the queue's branch contains it. In a pipeline of a fork on GitLab, the
    branch of `origin` is that of the fork, which may be outdated, so the commit that GitLab compares with comes first.
    """
    queued = re.fullmatch(r"refs/heads/gh-readonly-queue/(.+)/pr-\d+-[0-9a-f]+", environment.get("GITHUB_REF", ""))
    branch = environment.get("GITHUB_BASE_REF") or (queued[1] if queued else "")
    if branch:
        return (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}")
    branch = environment.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
    commit = environment.get("CI_MERGE_REQUEST_DIFF_BASE_SHA")
    found = [*([f"refs/remotes/origin/{branch}"] if branch else []), *([commit] if commit else [])]
    in_fork = environment.get("CI_PROJECT_ID") != environment.get("CI_MERGE_REQUEST_PROJECT_ID")
    return tuple(reversed(found) if in_fork else found)


def report_of(outcome: Check) -> CheckReport:
    """Return the report of a check."""
    from costcalc import __version__
    from costcalc.gate.rules import RULES

    return CheckReport(outcome, RULES, __version__)


def _annotate(report: CheckReport) -> None:
    """In GitHub Actions, write workflow commands to standard output and the Markdown to the job's summary."""
    from costcalc.cli.output import harmless, write_stdout

    write_stdout(harmless(str(write("check", "github", report, Medium())), "github"))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            with open(summary, "a", encoding="utf-8") as stream:  # noqa: PTH123
                stream.write(str(write("check", "markdown", report, Medium())))
        except OSError as error:
            raise UsageError("cannot write the job summary {}: {}", summary, error.strerror or error) from None
