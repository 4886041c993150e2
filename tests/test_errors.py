"""Message templates are literals; texts from outside are values."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import costcalc
from costcalc.cli import main
from costcalc.errors import CostcalcError, fill

PACKAGE = Path(costcalc.__file__).parent
NAMES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
CALLS = {"fault_at": 1, "argument_error": 1, "fail": 0, "fill": 0}
"""The functions that take a template, and its position. Error classes take it first."""
FAULT_METHODS = ("lang/loader.py", "lang/compiler.py", "lang/call_compiler.py")
"""The modules whose `self.fault(node, message, *values)` takes a template."""


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((PACKAGE / name).read_text("utf-8"))


@cache
def error_classes() -> set[str]:
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for module in NAMES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ClassDef)
    }
    found = {"CostcalcError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found - {"SpecError"}  # takes faults, not a template


def templates(name: str, classes: set[str]) -> list[tuple[ast.FunctionDef, ast.Call, int]]:
    """Return each call with a template in a module: its function, the call, and the template's position."""
    found = []
    for function in ast.walk(tree(name)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call):
                called = getattr(call.func, "id", getattr(call.func, "attr", ""))
                position = 0 if called in classes else CALLS.get(called)
                if name in FAULT_METHODS and called == "fault" and getattr(call.func.value, "id", "") == "self":
                    position = 1
                wraps = called == "fill" and name == "report/rule.py"  # textwrap's
                if position is not None and len(call.args) > position and not wraps:
                    found.append((function, call, position))
    return found


@cache
def constants() -> dict[str, list[str]]:
    """Return the texts of the constants of all modules, by name. Names in capitals are assigned once, in a module."""
    texts: dict[str, list[str]] = {}
    for module in NAMES:
        for node in tree(module).body:
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Constant)
                and isinstance(node.value.value, str)
            ):
                for target in node.targets:
                    if isinstance(target, ast.Name) and target.id.isupper():
                        texts.setdefault(target.id, []).append(node.value.value)
    return texts


def literals(node: ast.expr, function: ast.FunctionDef) -> list[str] | None:
    """Return the possible texts of an expression that consists of literals, else None.

    A parameter `message` is a literal of the caller, and `error.message` one of another error.
    """
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            one, other = literals(left, function), literals(right, function)
            return None if one is None or other is None else [a + b for a in one for b in other]
        case ast.IfExp(body=body, orelse=orelse):
            one, other = literals(body, function), literals(orelse, function)
            return None if one is None or other is None else one + other
        case ast.Attribute(attr="message"):
            return []
        case ast.Name(id=name) if name in constants():
            return constants()[name]
        case ast.Name(id=name):
            if name in {argument.arg for argument in function.args.args} & {"message", "template"}:
                return []
            values = [
                literals(each.value, function)
                for each in ast.walk(function)
                if isinstance(each, ast.Assign) and any(getattr(target, "id", "") == name for target in each.targets)
            ]
            return None if not values or None in values else [text for value in values for text in value or ()]
    return None


@pytest.mark.parametrize("name", NAMES)
def test_template_is_a_literal_with_a_placeholder_per_value(name: str) -> None:
    classes = error_classes()
    for function, call, position in templates(name, classes):
        texts = literals(call.args[position], function)
        where = f"{name}:{call.lineno}: {ast.unparse(call)}"
        assert texts is not None, where
        values = call.args[position + 1 :]
        if texts and not any(isinstance(value, ast.Starred) for value in values):
            for text in texts:
                marks = [f"<{number}>" for number in range(len(values))]
                # fill raises IndexError for a placeholder without a value
                filled = fill(text, [Mark(mark) for mark in marks])
                assert all(mark in filled for mark in marks), where


class Mark(str):
    def __format__(self, spec: str) -> str:
        return str(self)


def test_the_search_finds_the_templates() -> None:
    classes = error_classes()
    assert {"ShapeError", "ArgumentError", "UsageError", "LimitError", "GitError", "NotExpressibleError"} <= classes
    assert sum(len(templates(name, classes)) for name in NAMES) > 150


@pytest.mark.parametrize("source", ["f'unknown name {name}'", "'unknown ' + name", "name", "'{}'.format(name)"])
def test_computed_template_is_rejected(source: str) -> None:
    module = ast.parse(f"def f(name):\n    raise UsageError({source})")
    function = module.body[0]
    assert isinstance(function, ast.FunctionDef)
    call = next(node for node in ast.walk(module) if isinstance(node, ast.Call) and node.func.__class__ is ast.Name)
    assert literals(call.args[0], function) is None


@given(st.lists(st.sampled_from(["{", "}", "{}", "{0}", "{9}", "{0:>900000000}", "{{", ":,", "{x.y[0]}", "a"])))
def test_braces_of_values_notes_and_help_are_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    fault = CostcalcError("{} and {}: {out: 1}", text, text, note=text, help=text).fault()
    assert fault.message == f"{text} and {text}: {{out: 1}}"
    assert fault.notes == ((text,) if text else ())
    assert fault.help == text


ODD = "{9} {0} {0:>900000000} {a.b} %s %(x)s \\1"


@pytest.mark.parametrize(
    "spec",
    [
        "params: {'abcdefghijklmnop{9}': 1}\ninput: [3]\nlayers: [linear: abcdefghijklmnop]",
        "params: {'abcdefghijklmnop{0:>900000000}': 1}\ninput: [3]\nlayers: [linear: abcdefghijklmnop]",
        *(
            f"input: [3]\nlayers: [{layer}]"
            for layer in (
                f"'{ODD}'",
                f"'{ODD}': 3",
                f"linear: '{ODD}'",
                f"linear: {{out: 3, '{ODD}': 1}}",
                f"linear: {{out: '{ODD}'}}",
                f"{{relu: , '{ODD}': 1}}",
                f"{{relu: , name: '{ODD}'}}",
                f"{{relu: , from: '{ODD}'}}",
                f"{{relu: , if: '{ODD}'}}",
                f"{{relu: , for: {{'{ODD}': [1]}}}}",
                f"{{relu: , share: '{ODD}'}}",
                f"linear: {{out: 3, act: '{ODD}'}}",
                f"let: {{'{ODD}': 1}}",
                f"upsample: {{mode: '{ODD}'}}",
            )
        ),
        f"'{ODD}': 1",
        f"extends: '{ODD}'",
        f"params: {{'{ODD}': {{}}}}\ninput: [3]\nlayers: [relu]",
        f"input: {{'{ODD}': [3], b: [4]}}\nlayers: [relu]",
        f"input: ['{ODD}']\nlayers: [relu]",
        f"blocks: {{'{ODD}': [relu]}}\ninput: [3]\nlayers: [relu]",
        f"defaults: {{'{ODD}': {{}}}}\ninput: [3]\nlayers: [relu]",
        f"expect: {{'{ODD}': 1}}\ninput: [3]\nlayers: [relu]",
        f"budget: {{macs: '{ODD}'}}\ninput: [3]\nlayers: [relu]",
        f"budget: {{macs: 1, set: {{'{ODD}': 1}}}}\ninput: [3]\nlayers: [relu]",
        f"output: '{ODD}'\ninput: [3]\nlayers: [relu]",
    ],
)
def test_braces_in_a_spec_are_text(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text(spec)
    assert main(["analyze", str(tmp_path / "a.yaml")]) == 2
    shown = capsys.readouterr().err
    assert "a.yaml:" in shown
    assert len(shown) < 10_000


@pytest.mark.parametrize(
    "arguments",
    [
        [ODD],
        ["analyze", ODD],
        *(
            ["analyze", "lenet5", *more]
            for more in (
                ["--set", ODD],
                ["--set", f"{ODD}=1"],
                ["--set", f"classes={ODD}"],
                ["--input", ODD],
                ["--batch", ODD],
                ["--input", f"{ODD}=1x2x3"],
                ["-o", ODD],
                ["-o", f"json={ODD}/{ODD}"],
                ["--sort", ODD],
                ["--depth", ODD],
                ["--columns", ODD],
                ["--top", ODD],
                ["--color", ODD],
                ["--max-layers", ODD],
                [f"--{ODD}"],
            )
        ),
        *(
            ["sweep", "resnet50", *more]
            for more in (
                ["--set", f"{ODD}=1,2"],
                ["--set", f"width={ODD}"],
                ["--set", "width=1,2", "--where", ODD],
                ["--set", "width=1,2", "--best", ODD],
                ["--set", "width=1,2", "--pareto", ODD],
                ["--set", f"width=1:{ODD}:3"],
            )
        ),
        ["explain", "lenet5", ODD],
        ["explain", ODD],
        ["ops", ODD],
        ["blocks", ODD],
        ["diff", ODD, ODD],
        ["check", "lenet5", "--max", f"{ODD}=1"],
        ["check", "lenet5", "--max", f"macs={ODD}"],
        ["check", "lenet5", "--max", "macs=1", "--base", ODD],
        ["check", "--config", ODD],
        ["history", ODD],
        ["compare", "lenet5", "--strategy", ODD],
        ["compare", "lenet5", "--layer", ODD],
        ["graph", "lenet5", "--heat", ODD],
        ["compare", "lenet5", "--strategy", f"bottleneck:{ODD}=1"],
        ["compare", "--channels", ODD],
    ],
    ids=" ".join,
)
def test_braces_in_an_argument_are_text(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert len(capsys.readouterr().err) < 10_000
