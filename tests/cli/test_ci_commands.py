"""No text of a spec forms a command of a CI system: in any command, format or stream, in a log or in a file."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costcalc.report.text import inert

COMMANDS = [
    "::error file=x::owned",
    "::add-mask::b",
    " \t::set-output name=a::b",
    "\u00a0::error::x",
    "##[error]owned",
    "a ##[add-path]/tmp",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[buildStatus]",
    "###[group]",
    "##[##[",
    "a\n::error::b",
    "a\r::error::b",
    "a\u2028::error::b",
    "%0A::error::b",
    "\x1b[0m::error::",
]


def commands(text, form=""):
    """The lines that GitHub, Azure or TeamCity take for commands, without those that the format `github` is made of."""
    meant = re.compile(r"::(error|warning) (file|title)=[^:]*::.*" if form == "github" else "(?!)")
    begin = [line for line in re.split(r"[\r\n]", text) if line.lstrip().startswith("::") and not meant.match(line)]
    return begin + re.findall(r"##[\w-]*\[", text)


def spec(text):
    """A spec in which the text stands wherever any text can."""
    document = {
        "name": text,
        "description": text,
        "source": text,
        "params": {"width": 3, "word": "relu"},
        "input": [3, 4, 4],
        "layers": [{"conv": {"out": "width", "kernel": 1, "act": "word"}}, {"conv": {"out": 2, "kernel": 1}}],
        "budget": {"macs": 1},
    }
    return yaml.safe_dump(document, allow_unicode=True)


BROKEN = "input: [3, 4, 4]\nlayers:\n  - {key}: 1\n  - conv: {{out: {value}}}\n  - conv: {value}\n{key}: {value}\n"
FORMS = ("table", "json", "csv", "markdown")
RUNS = [
    *(["analyze", "a.yaml", "-o", form] for form in FORMS),
    *(["analyze", "a.yaml", "lenet5", "-o", form] for form in FORMS),
    *(["analyze", "./NAME.yaml", "lenet5", "-o", form] for form in FORMS),
    *(["check", "./NAME.yaml", "-o", form] for form in ("text", "markdown", "github", "junit")),
    ["analyze", "a.yaml", "--full", "--color", "always"],
    *(["explain", "a.yaml", "-o", form] for form in FORMS),
    ["explain", "a.yaml", "-o", "markdown", "--latex"],
    *(["compare", "a.yaml", "-o", form] for form in FORMS),
    *(["diff", "a.yaml", "lenet5", "-o", form] for form in FORMS),
    *(["graph", "a.yaml", "-o", form] for form in ("mermaid", "dot")),
    ["expand", "a.yaml"],
    *(["sweep", "a.yaml", "--set", "width=1,2", "-o", form] for form in FORMS),
    ["sweep", "a.yaml", "--set", "width=1,0", "-o", "csv"],
    *(["check", "a.yaml", "-o", form] for form in ("text", "json", "markdown", "github", "gitlab", "junit", "sarif")),
    ["analyze", "broken.yaml"],
    ["check", "broken.yaml", "-o", "github"],
    ["check", "broken.yaml", "-o", "json"],
    ["analyze", "TEXT"],
    ["analyze", "a.yaml", "--set", "TEXT=1"],
    ["analyze", "a.yaml", "--columns", "TEXT"],
    ["analyze", "a.yaml", "-o", "json=gone/TEXT"],
    ["explain", "a.yaml", "TEXT"],
    ["sweep", "a.yaml", "--set", "width=1", "--where", "TEXT"],
    ["sweep", "a.yaml", "--set", "word=TEXT", "-o", "csv"],
    ["TEXT"],
    ["ops", "TEXT"],
]


def parsed(form, text):
    """Whether a report is still of its format."""
    if form in ("json", "gitlab", "sarif"):
        json.loads(text)
    elif form == "junit":
        ElementTree.fromstring(text)
    elif form == "csv":
        assert len({len(row) for row in csv.reader(io.StringIO(text))}) == 1
    elif form == "spec":
        assert yaml.safe_load(text)["layers"]


def file_name(text):
    return text.replace("/", "∕")


def check(cli, text, arguments):
    run = cli(*[argument.replace("TEXT", text).replace("NAME", file_name(text)) for argument in arguments])
    form = arguments[-1] if arguments[-2:-1] == ["-o"] else "spec" if arguments[0] == "expand" else ""
    assert run.status in (0, 1, 2), run.err
    assert run.out or run.err
    assert commands(run.out, form) == []
    assert commands(run.err) == []
    if run.status < 2:
        parsed(form, run.out)
    return run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def write(text):
        for name in ("a", file_name(text)):
            (tmp_path / f"{name}.yaml").write_text(spec(text), encoding="utf-8")
        scalar = json.dumps(text)
        (tmp_path / "broken.yaml").write_text(BROKEN.format(key=scalar, value=scalar), encoding="utf-8")

    return write


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=[ascii(text) for text in COMMANDS])
def test_no_command_prints_one(cli, folder, number):
    """Each text in every third run, another third for the next text."""
    text = COMMANDS[number]
    folder(text)
    for arguments in RUNS[number % 3 :: 3]:
        run = check(cli, text, arguments)
        known = {"analyze", "explain", "compare", "graph", "expand", "sweep"}
        if "a.yaml" in arguments and "TEXT" not in " ".join(arguments) and arguments[0] in known:
            assert run.status == 0, (arguments, run.err)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.sampled_from("#[]:ae \n\r\t\u00a0\u2028\\\"'&<-"), max_size=12),
    arguments=st.sampled_from(RUNS),
    form=st.sampled_from(["::{}", "##[{}", "{}", "a\n::{}", "##{}[x"]),
)
def test_no_text_makes_a_command(cli, folder, text, arguments, form):
    text = form.format(text)
    folder(text)
    check(cli, text.replace("\0", ""), arguments)


@pytest.mark.parametrize("form", ["json", "spec", "junit", "dot", "text", "github"])
@given(text=st.text(st.sampled_from("#[]:ae \n\t\u00a0\\"), max_size=40))
def test_inert(form, text):
    found = inert(text, form)
    assert not re.search(r"##[\w-]*\[", found)
    assert form == "github" or not [line for line in found.split("\n") if line.lstrip().startswith("::")]
    assert inert(found, form) == found


def test_the_same_values(cli, folder):
    """What is written in another way reads as what it was."""
    text = 'a ##[error] ##vso[x] "&<'
    folder(text)
    assert json.loads(cli("analyze", "a.yaml", "-o", "json").out)["network"] == text
    assert yaml.safe_load(cli("expand", "a.yaml").out)["description"] == text
    rows = list(csv.reader(io.StringIO(cli("sweep", "a.yaml", "--set", "width=1,2", "-o", "csv").out)))
    assert len(rows) == 3
    document = json.loads(cli("sweep", "a.yaml", "--set", "width=1,2", "-o", "json").out)
    assert document["network"] == text
    xml = ElementTree.fromstring(cli("check", "a.yaml", "--max", "macs=1", "-o", "junit").out)
    assert xml.get("name") == "costcalc"


def test_pictures(cli, folder, tmp_path):
    pytest.importorskip("matplotlib")
    folder("##[error]a\n::error::b")
    assert cli("sweep", "a.yaml", "--set", "width=1,2", "-o", "svg=a.svg").status == 0
    svg = (tmp_path / "a.svg").read_text("utf-8")
    assert commands(svg) == []
    ElementTree.fromstring(svg)


def test_a_file_is_as_harmless_as_a_log(cli, folder, tmp_path):
    folder("##[error]a\n::error::b")
    for form in FORMS:
        assert cli("analyze", "a.yaml", "-o", f"{form}=out").status == 0
        assert commands((tmp_path / "out").read_text("utf-8")) == []


def test_a_traceback_is_harmless(process):
    done = process(
        "import costcalc.catalog\n"
        "def ops(*names): raise RuntimeError('a\\n::error::b\\n##[error]c')\n"
        "costcalc.catalog.ops = ops\n"
        "sys.exit(main(['ops']))",
        env={"COSTCALC_TRACEBACK": "1"},
        stderr=subprocess.PIPE,
    )
    assert done.returncode == 3
    assert b"RuntimeError" in done.stderr
    assert commands(done.stderr.decode()) == []
