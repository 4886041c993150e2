"""`analyze`: what is read, what is overridden, what is shown, in every format."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from .conftest import SMALL

CONV = 8 * 8 * 8 * 3 * 3 * 3
LINEAR = 8 * 8 * 8 * 10
PARAMS = 8 * 3 * 3 * 3 + 8 + 512 * 10 + 10


def totals(run):
    return json.loads(run.out)["totals"]


TABLE = """\
model
input 3×8×8 · batch 1 · width=8

layer    op           output  params    MACs  share
───────────────────────────────────────────────────────────────
stem     conv · relu  8×8×8      224  13,824  73.0%  ██████████
flatten  flatten      512          0       0
linear   linear       10       5,130   5,120  27.0%  ███▊
───────────────────────────────────────────────────────────────
total    4 layers              5,354  18,944   100%

38,922 FLOPs · 1,546 activations · 0 buffers
norm and act share their layer's row; --full lists them
"""


def test_a_table(cli, small):
    assert cli("analyze", small) == (0, TABLE, "")
    assert (CONV, LINEAR, PARAMS) == (13824, 5120, 5354)
    assert 2 * (CONV + LINEAR) + 512 + 512 + 10 == 38922


def test_json_is_the_contract(cli, small):
    document = json.loads(cli("analyze", small, "-o", "json", "--batch", "2").out)
    assert document["layers"][1] == {
        "name": "relu",
        "op": "relu",
        "line": 4,
        "inputs": [[8, 8, 8]],
        "output": [8, 8, 8],
        "params": 0,
        "buffers": 0,
        "macs": 0,
        "flops": 2 * 512,
        "activations": 2 * 512,
        "conv_activations": 0,
        "active_params": 0,
        "weight_bytes": 0,
        "peak_bytes": 2 * (3 * 64 + 512) * 4,  # it is the act of the convolution: the input and its own output
        "arena_bytes": 2 * (3 * 64 + 512) * 4,
        "traffic_bytes": 2 * 512 * 4,
        "intensity": 512 / (512 * 4),
        "bops": 0,
        "operations": {"add": 0, "mul": 0, "div": 0, "cmp": 2 * 512, "exp": 0},
    }
    del document["layers"], document["totals"]
    assert document == {
        "format": "costcalc.analysis/1",
        "network": "model",
        "source": "",
        "params": {"width": 8},
        "inputs": {"input": [3, 8, 8]},
        "batch": 2,
        "partial": False,
        "uncounted": [],
        "suspicions": [],
        "dtype": {"weights": "fp32", "activations": "fp32"},
        "eager": False,
        "in_place": "none",
        "peak": {
            "layer": "stem",
            "tensors": [
                {"name": "relu", "shape": [8, 8, 8], "dtype": "fp32", "bytes": 2 * 512 * 4},
                {"name": "input", "shape": [3, 8, 8], "dtype": "fp32", "bytes": 2 * 3 * 64 * 4},
            ],
        },
    }


MANY = """\
params: {n: 3, half: 0.5, on: true, sizes: [1, [2, 3]], act: relu, acts: [relu, none], twice: n * 2}
input: {left: [4, 8, 8], right: [4, 8, 8]}
layers:
  - split: {sizes: [1, 3]}
    from: left
  - split: 2
    from: right
  - concat:
    from: [split.0, split.1, split_2]
  - conv: {out: "int(half * twice) * sizes[0] * n", kernel: 1, act: "act if on else acts[1]"}
"""


def test_json_of_values_of_every_kind(cli, spec):
    document = json.loads(cli("analyze", spec(MANY), "-o", "json", "--set", "acts=[gelu, none]").out)
    assert document["params"] == {
        "n": 3,
        "half": 0.5,
        "on": True,
        "sizes": [1, [2, 3]],
        "act": "relu",
        "acts": ["gelu", "none"],
        "twice": 6,
    }
    assert document["inputs"] == {"left": [4, 8, 8], "right": [4, 8, 8]}
    assert [(layer["name"], layer["inputs"], layer["output"]) for layer in document["layers"]] == [
        ("split", [[4, 8, 8]], [[1, 8, 8], [3, 8, 8]]),
        ("split_2", [[4, 8, 8]], [[2, 8, 8], [2, 8, 8]]),
        ("concat", [[1, 8, 8], [3, 8, 8], [2, 8, 8], [2, 8, 8]], [8, 8, 8]),
        ("conv", [[8, 8, 8]], [9, 8, 8]),
        ("relu", [[9, 8, 8]], [9, 8, 8]),
    ]


@pytest.mark.parametrize("spec", ["resnet50", "resnet50.yaml", "mobilenet_v2"])
@pytest.mark.parametrize(
    "arguments",
    [[], ["--batch", "3"], ["--depth", "2"], ["--full"], ["--depth", "1", "--top", "2", "--sort", "output"]],
)
def test_rows_sum_to_the_totals_in_every_format(cli, spec, arguments):
    """Bundled networks are found by name in any folder, with and without `.yaml`."""
    document = json.loads(cli("analyze", spec, *arguments, "-o", "json").out)
    for metric in ("params", "buffers", "macs", "flops", "activations"):
        assert sum(layer[metric] for layer in document["layers"]) == document["totals"][metric]
    for name, value in document["totals"]["operations"].items():
        assert sum(layer["operations"][name] for layer in document["layers"]) == value
    assert len(document["layers"]) == document["totals"]["layers"]
    rows = list(csv.DictReader(io.StringIO(cli("analyze", spec, *arguments, "-o", "csv").out)))
    for metric in ("params", "macs", "flops", "activations", "buffers"):
        assert sum(int(row[metric]) for row in rows) == document["totals"][metric]
    lines = cli("analyze", spec, *arguments, "--columns", "params,macs").out.split("\n")
    begin, end = [at for at, line in enumerate(lines) if line.startswith("─")]
    words = [line.split() for line in [*lines[begin + 1 : end], lines[end + 1]]]
    macs = [int(found[-1].replace(",", "")) for found in words if len(found) > 1]
    assert sum(macs[:-1]) == macs[-1] == document["totals"]["macs"]
    cells = [line.split(" | ") for line in cli("analyze", spec, *arguments, "-o", "markdown").out.split("\n| ")[3:]]
    macs = [int(cell[4].replace(",", "").replace("*", "")) for cell in cells]
    assert sum(macs[:-1]) == macs[-1] == document["totals"]["macs"]


def test_standard_input(cli):
    run = cli("analyze", "-", "-o", "json", stdin=SMALL.encode())
    assert json.loads(run.out)["network"] == "stdin"
    assert totals(run)["macs"] == CONV + LINEAR


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (b"", "<stdin>:1:1: error: the spec is empty"),
        (b"\xff", "<stdin>:1:1: error: "),
        (b"layers: [\n", "<stdin>:"),
        (b"a" * (16 * 2**20 + 1), "larger than 16 MiB"),
    ],
)
def test_a_standard_input_that_is_no_spec(cli, stdin, said):
    run = cli("analyze", "-", stdin=stdin)
    assert (run.status, run.out) == (2, "")
    assert said in run.err


@pytest.mark.parametrize(
    ("arguments", "macs"),
    [
        (["--set", "width=16"], 2 * (CONV + LINEAR)),
        (["--set", "width = 1k"], 125 * (CONV + LINEAR)),
        (["--input", "3x16x16"], 4 * (CONV + LINEAR)),
        (["--input", "3×16×16"], 4 * (CONV + LINEAR)),
        (["--input", "input=3x1_6x16"], 4 * (CONV + LINEAR)),
        (["--input", "6x8x8"], 2 * CONV + LINEAR),
        (["--set", "width=2 * (1 + 3)"], CONV + LINEAR),
        (["--set", "width=8.000000000001"], CONV + LINEAR),
        (["--batch", "1k"], 1000 * (CONV + LINEAR)),
        (["--batch", "1_000"], 1000 * (CONV + LINEAR)),
        (["--batch", "1000000000000000000000000000000"], 10**30 * (CONV + LINEAR)),
    ],
)
def test_overrides(cli, small, arguments, macs):
    assert totals(cli("analyze", small, "-o", "json", *arguments))["macs"] == macs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "widht=16"], "unknown param widht of model\n  = help: did you mean width?"),
        (["--set", "width"], "--set width: expected NAME=VALUE"),
        (["--set", "width=4", "--set", "width=16"], "--set width is given twice"),
        (["--set", "=3"], "--set =3: expected NAME=VALUE"),
        (["--set", "width=2 +"], "error: "),
        (["--set", "width=1.5"], "error: "),
        (["--input", "3x"], "--input 3x: expected a shape\n  = help: write --input 3x192x192"),
        (["--input", "x"], "expected a shape"),
        (["--input", "3x-1x2"], "expected a shape"),
        (["--input", "img=3x8x8"], "unknown input img of model"),
        (["--input", "0x8x8"], "error: "),
        (["--batch", "0"], "--batch 0: expected an integer from 1 to 10^30\n  = help: write a number such as 64 or 1k"),
        (["--batch", "1.5"], "--batch 1.5: expected an integer from 1 to 10^30"),
        (["--batch", "many"], "--batch many: expected an integer from 1 to 10^30"),
        (["--batch", "2 +"], "--batch 2 +: expected an integer from 1 to 10^30"),
        (["--batch", "1e40"], "--batch 1e40: expected an integer from 1 to 10^30"),
        (["--max-layers", "2"], "more than 2 layers"),
        (["--columns", "parms"], "unknown column parms\n  = help: did you mean params?"),
        (["--sort", "mac"], "cannot sort by mac\n  = help: did you mean macs?"),
        (["--top", "0"], "0 is not in the range"),
    ],
)
def test_overrides_that_cannot_be(cli, small, arguments, said):
    run = cli("analyze", small, *arguments)
    assert (run.status, run.out) == (2, "")
    assert said in run.err


def test_a_param_may_have_any_name(cli, spec):
    path = spec("params: {inputs: 1, max_layers: 2, name: 3, source: 4, self: 5}\ninput: [4]\nlayers: [relu]\n")
    sets = [part for name in ("inputs", "max_layers", "name", "source", "self") for part in ("--set", f"{name}=7")]
    run = cli("analyze", path, "-o", "json", *sets)
    assert json.loads(run.out)["params"] == dict.fromkeys(("inputs", "max_layers", "name", "source", "self"), 7)


def test_several_specs_are_one_table_and_one_document(cli, small):
    run = cli("analyze", small, "lenet5")
    assert [line.split()[0] for line in run.out.splitlines()] == ["network", "─" * len(run.out.splitlines()[1]),
                                                                 "model", "lenet5"]  # fmt: skip
    document = json.loads(cli("analyze", small, "lenet5", "-o", "json").out)
    assert document["format"] == "costcalc.analyses/1"
    assert [one["network"] for one in document["analyses"]] == ["model", "lenet5"]
    rows = list(csv.DictReader(io.StringIO(cli("analyze", small, "lenet5", "-o", "csv", "--batch", "2").out)))
    assert [(row["name"], row["input"], int(row["macs"])) for row in rows] == [
        ("model", "3x8x8", 2 * (CONV + LINEAR)),
        ("lenet5", "1x32x32", 2 * 416520),
    ]
    assert "| model | 3×8×8 | 4 | 5,354 | 18,944 | 38,922 |" in cli("analyze", small, "lenet5", "-o", "markdown").out


def test_columns(cli, small):
    run = cli("analyze", small, "--columns", "operations,buffers")
    assert run.out.splitlines()[3].split() == ["layer", "op", "output", "add", "mul", "div", "cmp", "exp", "buffers"]
    assert run.out.splitlines()[-2] == "5,354 params · 18,944 MACs · 38,922 FLOPs · 1,546 activations"
    assert cli("analyze", small, "--columns", "layers", "-o", "csv").out == (
        "name,op,output,layers\nstem,conv,8x8x8,1\nrelu,relu,8x8x8,1\nflatten,flatten,512,1\nlinear,linear,10,1\n"
    )


def test_top_and_sort(cli, small):
    assert [line.split()[:2] for line in cli("analyze", small, "--top", "1").out.splitlines()[5:7]] == [
        ["stem", "conv"],
        ["everything", "else"],
    ]
    assert cli("analyze", small, "--top", "1", "-o", "csv", "--columns", "layers").out == (
        "name,op,output,layers\nstem,conv,8x8x8,1\neverything else,,,3\n"
    )
    assert cli("analyze", small, "--sort", "params").out.splitlines()[5].startswith("linear")


FAULTY = """\
input: [3, 8, 8]
layers:
  - conv: {out: 8, kernel: 3}
    name: stem
  - conv: {out: 8, kernel: 9}
    name: wide
  - relu
"""


def test_a_shape_error_is_followed_by_the_table_up_to_it(cli, spec):
    path = spec(FAULTY)
    run = cli("analyze", path, "-o", "json")
    assert (run.status, run.out) == (2, "")
    fault, _, table = run.err.partition("\n\n")
    assert table.startswith("model, layers before the error\ninput 3×8×8")
    assert re.search(r"^stem +conv +8×6×6 +224 +7,776", table, re.MULTILINE)
    assert fault.startswith(f"{path}:5:5: error: ")
    assert " 5 |   - conv: {out: 8, kernel: 9}" in fault
    assert "= help: " in fault


def test_every_spec_with_a_shape_error_has_its_table(cli, spec):
    run = cli("analyze", spec(FAULTY, "a.yaml"), "lenet5", spec(FAULTY, "b.yaml"))
    assert (run.status, run.out) == (2, "")
    assert re.findall(r"^\S+(?=:5:5: error)|^\w(?=, layers before)", run.err, re.MULTILINE) == [
        *[str(spec(FAULTY, f"{name}.yaml")) for name in "ab"],
        *"ab",
    ]


def test_of_a_long_network_the_last_layers_before_a_fault_are_shown(cli, spec):
    layers = ["  - conv: {out: 3, kernel: 1}"] * 41 + ["  - conv: {out: 8, kernel: 9}"]
    path = spec("\n".join(["input: [3, 8, 8]", "layers:", *layers]))
    rows = cli("analyze", path, "--top", "3").err.partition("─\n")[2].partition("\n─")[0].splitlines()
    assert rows[0].split()[:5] == ["21", "lines", "before", "21", "layers"]
    assert [row.split()[0] for row in rows[1:]] == [f"conv_{number}" for number in range(22, 42)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--top", "1", "--depth", "1", "lenet5"], "--depth, --top have no effect with several specs"),
        (["--full", "lenet5", "-o", "csv"], "--full has no effect with several specs"),
        (["--columns", "macs", "lenet5"], ""),
        (
            ["--columns", "macs", "-o", "json", "lenet5"],
            "--columns has no effect on -o json, which contains every layer",
        ),
        (
            ["--sort", "macs", "-o", "json"],
            "--sort has no effect on -o json, which contains every layer and every metric",
        ),
        (["--sort", "macs", "-o", "json", "-o", "csv=/dev/null"], ""),
        (["--full", "-o", "json"], ""),
        (["--batch", "2", "-o", "json"], ""),
    ],
)
def test_options_that_change_nothing_are_named(cli, small, arguments, said):
    run = cli("analyze", small, *arguments)
    assert run.status == 0
    assert run.err.startswith(f"warning: {said}" if said else "")
    assert bool(run.err) is bool(said)


def test_every_fault_of_every_spec_is_told(cli, spec):
    first = spec("input: [3, 8, 8]\nlayers:\n  - cnv: 3\n  - rellu\n", "a.yaml")
    second = spec("input: [3, 8, 8]\nlayers:\n  - conv: {out: 8, kernal: 3}\n", "b.yaml")
    run = cli("analyze", first, second, "no-such-spec", "lenet5", "-o", "json")
    assert (run.status, run.out) == (2, "")
    for said in (f"{first}:3:5: error", f"{first}:4:5: error", f"{second}:3:", "no-such-spec"):
        assert said in run.err


def test_warnings_are_told_and_are_no_errors(cli, spec):
    path = spec("input: [010, 8, 8]\nlayers: [relu]\n")
    run = cli("analyze", path, "-o", "json")
    assert run.status == 0
    assert f"{path}:1:9: warning: " in run.err
    assert "\x1b[" in cli("analyze", path, "-o", "json", "--color", "always").err
    assert json.loads(run.out)["inputs"] == {"input": [10, 8, 8]}


HOSTILE = r"""
name: "\e[31mred\e[0m [bold]x[/bold] <script>alert(1)</script> | `code` [link](http://example.com) @user #1"
description: "\e]0;title\a \u202e [red]"
source: "https://example.com www.example.com \x9b31m"
input: [3, 8, 8]
layers: [relu]
"""


@pytest.mark.parametrize("format", ["table", "csv", "markdown", "json"])
@pytest.mark.parametrize("count", [1, 2])
def test_text_of_a_spec_is_only_text(cli, spec, format, count):
    path = spec(HOSTILE)
    run = cli("analyze", *[path] * count, "-o", format)
    assert run.status == 0
    assert all(sign.isprintable() or sign in "\n\u200b" for sign in run.out)
    if format == "table":
        assert "[bold]x[/bold]" in run.out
    if format == "markdown":
        assert not re.search(r"(?<!\\)[<>`\[\]]|://|www\.|@\w|#\d", run.out)
        assert all(line.count(" | ") in (0, 5) for line in run.out.split("\n"))
