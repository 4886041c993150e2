"""Help, completion, and that a command imports no more than it needs."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import click
import pytest

from costcalc.cli.group import COMMANDS, root


@pytest.mark.parametrize("command", COMMANDS)
def test_help_begins_with_two_or_three_examples_that_are_calls_of_this_command(cli, command):
    run = cli(command, "--help")
    assert run.status == 0
    title, *lines = run.out.split("\n")
    examples = lines[: lines.index("")]
    assert title == "Examples:"
    assert 2 <= len(examples) <= 3
    assert all(f"costcalc {command}" in example for example in examples)
    assert f"Usage: costcalc {command} " in run.out
    assert cli(command, "-h") == run


def calls(command):
    """The examples of a command's help, as arguments; of a pipe, the first part."""
    context = click.Context(root)
    lines = [line.strip() for line in root.get_command(context, command).examples.split("\n") if line.strip()]
    return [shlex.split(line.partition(" | ")[0])[1:] for line in lines]


def repository(folder):
    """A project under git, as the examples of the gate have it."""
    (folder / "models").mkdir()
    (folder / "models/net.yaml").write_text("input: [3, 8, 8]\nlayers: [flatten, linear: 10]\n")
    (folder / "costcalc.toml").write_text('specs = ["models/*.yaml"]\n[[budget]]\nmacs = "1M"\n')
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-qm", "x"], ["tag", "v1.0"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    (folder / "models/net.yaml").write_text("input: [3, 8, 8]\nlayers: [flatten, linear: 9]\n")
    subprocess.run(["git", *identity, "commit", "-qam", "y"], cwd=folder, check=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_work(cli, small, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    if command in ("check", "diff", "history"):
        repository(tmp_path)
    for arguments in calls(command):
        run = cli(*arguments)
        assert run.status == 0 or "is not installed" in run.err, (arguments, run.err)


def test_the_group_lists_commands_without_importing_them():
    code = (
        "import sys\nfrom costcalc.cli import main\nmain(['--help'])\n"
        "print(sorted(name for name in sys.modules if name.startswith('costcalc.cli.')), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (
        done.stderr.strip()
        == "['costcalc.cli.context', 'costcalc.cli.exit_status', 'costcalc.cli.group', 'costcalc.cli.interrupts']"
    )
    for name, text in COMMANDS.items():
        assert f"{name} {text}" in " ".join(done.stdout.split())


HEAVY = ("numpy", "rich", "jsonschema", "importlib.metadata", "dataclasses", "costcalc.sweep", "costcalc.gate")


@pytest.mark.parametrize(
    ("arguments", "light"),
    [
        (["analyze", "resnet50", "-o", "json"], (*HEAVY, "costcalc.report.table", "costcalc.outline")),
        (["analyze", "resnet50"], (*HEAVY, "json")),
        (["--version"], (*HEAVY, "yaml", "costcalc.lang", "costcalc.ops")),
    ],
)
def test_a_command_imports_what_it_needs(process, arguments, light):
    done = process(f"main({arguments})\nprint(*sys.modules, file=sys.stderr)")
    assert not set(light) & set(done.stderr.decode().split())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_a_module_with_help(command):
    found = root.get_command(click.Context(root), command)
    assert found.name == command
    assert found.help
    assert all(param.help for param in found.params if isinstance(param, click.Option))
    assert {"--color", "--output"} <= {name for param in found.params for name in param.opts}


def complete(*words, folder="."):
    """What a shell is offered for the last of the words."""
    done = subprocess.run(
        [sys.executable, "-m", "costcalc"],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
        env={
            **os.environ,
            "_COSTCALC_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("costcalc", *words)),
            "COMP_CWORD": str(len(words)),
        },
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_completion(tmp_path, small):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "resnet.yml").touch()
    (tmp_path / "notes.txt").touch()
    assert complete("an") == ["analyze"]
    assert complete("analyze", "--dep") == ["--depth"]
    assert complete("analyze", "resnet5") == ["resnet50", "resnet50_v1"]
    mobile = ["mobilenet_v1", "mobilenet_v1_vww", "mobilenet_v2", "mobilenet_v3_large"]
    assert complete("analyze", "m", folder=tmp_path) == ["model.yaml", "models/", *mobile]
    assert complete("analyze", "models/", folder=tmp_path) == ["models/resnet.yml"]
    assert complete("analyze", "n", folder=tmp_path) == []
    assert complete("analyze", "no/such/", folder=tmp_path) == []
    assert complete("analyze", "model.yaml", "--set", "w", folder=tmp_path) == ["width="]
    assert complete("analyze", "models/resnet.yml", "--set", "w", folder=tmp_path) == []
    assert complete("analyze", "resnet50", "-o", "m") == ["markdown"]
    assert complete("analyze", "resnet50", "--color", "a") == ["auto", "always"]
    assert complete("ops", "conv") == ["conv", "conv_transpose"]
    assert complete("blocks", "squ") == ["squeeze_excite"]


def test_layers_complete(small):
    from costcalc.cli.common import complete_layer

    context = click.Context(root)
    context.params = {"spec": str(small)}
    parameter = click.Argument(["layer"])
    assert complete_layer(context, parameter, "") == ["stem", "relu", "flatten", "linear"]
    assert complete_layer(context, parameter, "st") == ["stem"]
    context.params = {"spec": "-"}
    assert complete_layer(context, parameter, "") == []


def test_the_script_of_a_shell_is_given(process):
    done = process("sys.exit(main([]))", env={"_COSTCALC_COMPLETE": "bash_source"})
    assert done.returncode == 0
    assert b"_COSTCALC_COMPLETE=bash_complete" in done.stdout
