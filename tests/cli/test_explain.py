"""`explain`: whole outputs whose numbers are written out, every format, and what cannot be explained."""

from __future__ import annotations

import csv
import io
import json

import pytest

B3 = 128 * 28 * 28 * 3 * 3 * 96
B5 = 32 * 28 * 28 * 5 * 5 * 16
SMALL = """
name: small
input: [3, 8, 8]
layers:
  - conv: {out: 8, kernel: 3, padding: same, groups: 1, act: relu}
    name: stem
  - maxpool: 2
  - flatten
  - linear: 10
"""


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


LAYER = f"""\
inception: The Inception module with dimension reductions, at the sizes of GoogLeNet's 3a.
Szegedy et al. 2014, arXiv:1409.4842, figure 2b and table 1
input 192×28×28 · batch 1 · b1=64 · r3=96 · b3=128 · r5=16 · b5=32 · pool=32

b5.conv_2 · conv(out=32, kernel=5, padding=same)
  16×28×28 → 32×28×28 · receptive field 5×5 · jump 1×1 · 7.8% of the macs
  followed by b5.relu_2
  macs        = C_out·H_out·W_out·K_h·K_w·C_in = 32·28·28·5·5·16 = {32 * 28 * 28 * 5 * 5 * 16:,}
  params      = C_out·K_h·K_w·C_in + C_out = 32·5·5·16 + 32 = {32 * 5 * 5 * 16 + 32:,}
  add         = C_out·H_out·W_out = 32·28·28 = {32 * 28 * 28:,}
  flops       = 2·macs + add = 2·{B5:,} + {32 * 28 * 28:,} = {2 * B5 + 32 * 28 * 28:,}
  activations = C·H·W = 32·28·28 = {32 * 28 * 28:,}
"""


def test_a_layer_as_on_a_blackboard(cli):
    assert cli("explain", "inception", "b5.conv_2") == (0, LAYER, "")
    assert B5 == 10_035_200  # GoogLeNet's 10 M, against 120 M without the reduction


def test_the_origin_of_it_all(cli, tmp_path):
    """5×5 over 28×28×192 to 32 channels: 120 M."""
    spec = tmp_path / "conv.yaml"
    spec.write_text("input: [192, 28, 28]\nlayers: [conv: {out: 32, kernel: 5, padding: same, bias: false}]")
    assert (
        "C_out·H_out·W_out·K_h·K_w·C_in = 32·28·28·5·5·192 = 120,422,400\n"
        in cli("explain", spec, "conv", "--quantity", "macs").out
    )


TOTALS = f"""
total
  macs         {2 * (8 * 8 * 8 * 3 * 3 * 3 + 128 * 10):>6,}
  params       {8 * 3 * 3 * 3 + 8 + 128 * 10 + 10:>6,}
  add          {2 * (8 * 8 * 8 + 10):>6,}
  cmp          {2 * (8 * 8 * 8 + 3 * 8 * 4 * 4):>6,}
  flops        {2 * (2 * (8 * 8 * 8 * 3 * 3 * 3 + 128 * 10) + 8 * 8 * 8 + 10 + 8 * 8 * 8 + 3 * 8 * 4 * 4):>6,}
  activations  {2 * (8 * 8 * 8 + 8 * 8 * 8 + 8 * 4 * 4 + 8 * 4 * 4 + 10):>6,}
"""
STEM = 8 * 8 * 8 * 3 * 3 * 3
NETWORK = f"""\
small
input 3×8×8 · batch 2

1 of 5 layers make up {STEM / (STEM + 128 * 10):.1%} of {2 * (STEM + 128 * 10):,} macs

stem   91.5%  batch·C_out·H_out·W_out·K_h·K_w·C_in = 2·8·8·8·3·3·3 = {2 * 8 * 8 * 8 * 3 * 3 * 3:,}
"""


def test_a_network_by_its_dearest_layers(cli, small):
    assert cli("explain", small, "--batch", 2) == (0, NETWORK + TOTALS, "")


def test_several_quantities_of_a_network(cli, small):
    lines = cli("explain", small, "--quantity", "params,macs").out.splitlines()
    assert lines[3] == f"1 of 5 layers make up {1290 / 1514:.1%} of {8 * 3 * 3 * 3 + 8 + 128 * 10 + 10:,} params"
    assert lines[5:7] == [
        f"linear   85.2%  params = D_in·D_out + D_out = 128·10 + 10 = {128 * 10 + 10:,}",
        f"                macs = D_in·D_out = 128·10 = {128 * 10:,}",
    ]


def test_a_line_too_wide_for_the_terminal_is_broken_at_its_signs_of_equality():
    import costcalc
    from costcalc.report.explanation import board

    explanation = costcalc.explain("inception", "b5.conv_2", quantities=["macs"])
    assert board(explanation, width=60).splitlines()[-3:] == [
        "  macs = C_out·H_out·W_out·K_h·K_w·C_in",
        "       = 32·28·28·5·5·16",
        "       = 10,035,200",
    ]
    ranked = costcalc.explain("inception", quantities=["macs"])
    assert board(ranked, width=60).splitlines()[8:11] == [
        "b3.conv_2   67.7%  C_out·H_out·W_out·K_h·K_w·C_in",
        "                 = 128·28·28·3·3·96",
        "                 = 86,704,128",
    ]
    assert "\x1b[" in board(explanation, color=True)


def test_json_is_the_contract(cli):
    document = json.loads(cli("explain", "inception", "b5.conv_2", "--quantity", "macs", "-o", "json").out)
    assert document["format"] == "costcalc.explanation/1"
    assert document["totals"]["macs"] == 128_049_152
    assert document["layers"] == [
        {
            "name": "b5.conv_2",
            "op": "conv",
            "quantity": "macs",
            "symbols": "C_out·H_out·W_out·K_h·K_w·C_in",
            "numbers": "32·28·28·5·5·16",
            "value": 10_035_200,
            "share": 10_035_200 / 128_049_152,
            "shared": None,
            "receptive_field": [5, 5],
            "jump": [1, 1],
        }
    ]


def test_csv_has_raw_integers(cli):
    rows = list(csv.DictReader(io.StringIO(cli("explain", "inception", "b3.conv_2", "-o", "csv").out)))
    assert [row["quantity"] for row in rows] == ["macs", "params", "add", "flops", "activations"]
    assert rows[0]["value"] == str(B3)
    assert [row["share"] for row in rows] == [str(B3 / 128_049_152), "", "", "", ""]
    assert rows[1]["numbers"] == "128·3·3·96 + 128"


FORMULA = r"C\_out·H\_out·W\_out·K\_h·K\_w·C\_in"


def test_markdown(cli):
    lines = cli("explain", "inception", "b5.conv_2", "--quantity", "macs", "-o", "markdown").out.splitlines()
    assert lines[-1] == rf"| b5.conv\_2 | macs | {FORMULA} | 32·28·28·5·5·16 | {B5:,} | 7.8% | 5×5 | 1×1 |"
    total = cli("explain", "inception", "-o", "markdown").out
    assert "| **total** | **macs** |  |  | **128,049,152** |  |  |  |\n" in total


LATEX = r"""#### b5.conv\_2

conv\(out=32, kernel=5, padding=same\) · 16×28×28 → 32×28×28 · receptive field 5×5 · jump 1×1 · 7.8% of the macs

followed by b5.relu\_2

$$\text{macs} = FORMULA = 32 \cdot 28 \cdot 28 \cdot 5 \cdot 5 \cdot 16 = 10{,}035{,}200$$

$$\text{flops} = 2 \cdot \text{macs} + \text{add} = 2 \cdot 10{,}035{,}200 + 25{,}088 = 20{,}095{,}488$$
""".replace(
    "FORMULA",
    r"C_{\text{out}} \cdot H_{\text{out}} \cdot W_{\text{out}} \cdot K_h \cdot K_w \cdot C_{\text{in}}",
)


def test_markdown_in_latex(cli):
    written = cli("explain", "inception", "b5.conv_2", "--quantity", "macs,flops", "-o", "markdown", "--latex").out
    assert written.endswith(f"\n\n{LATEX}")
    assert r"$$\text{macs} = 128{,}049{,}152$$" in cli("explain", "inception", "-o", "markdown", "--latex").out


def test_shared_weights_are_said(cli, tmp_path):
    spec = tmp_path / "siamese.yaml"
    spec.write_text("""
input: {left: [16], right: [16]}
layers:
  - {linear: {out: 8}, name: fc, from: left}
  - {linear: {out: 8}, name: again, from: right, share: fc}
""")
    assert "  params      = 0  (weights shared with fc)\n" in cli("explain", spec, "again").out
    assert "weights shared with fc" in cli("explain", spec, "again", "-o", "markdown", "--latex").out
    entries = json.loads(cli("explain", spec, "again", "-o", "json").out)["layers"]
    assert ("params", 0, "fc") in [(entry["quantity"], entry["value"], entry["shared"]) for entry in entries]


def test_set_and_input_reach_the_formula(cli):
    line = cli("explain", "inception", "b5.conv_2", "--set", "r5=24", "--input", "192x14x14", "--quantity", "macs").out
    assert f"= 32·14·14·5·5·24 = {32 * 14 * 14 * 5 * 5 * 24:,}\n" in line


def test_every_format_at_once(cli, tmp_path):
    made = {name: tmp_path / name for name in ("table", "json", "csv", "markdown")}
    options = [option for name, path in made.items() for option in ("-o", f"{name}={path}")]
    assert cli("explain", "lenet5", "**", "--latex", *options) == (0, "", "")
    assert all(path.read_text() for path in made.values())


def test_text_of_a_spec_does_not_act(cli, tmp_path):
    spec = tmp_path / "bad.yaml"
    spec.write_text('name: "\\e[31m$$x$$ <b>[red]"\ninput: [4]\nlayers: [linear: 2]\n')
    for options in ([], ["linear"], ["-o", "markdown", "--latex"], ["-o", "markdown"], ["--color", "always"]):
        written = cli("explain", spec, *options).out
        assert "\x1b[31m" not in written
    latex = cli("explain", spec, "-o", "markdown", "--latex").out
    assert latex.startswith("### \\\\x1b\\[31m\\$\\$x\\$\\$ \\<b\\>\\[red\\]\n")


@pytest.mark.parametrize(
    ("arguments", "said", "help"),
    [
        (["inception", "b5.conv_9"], "no layer of inception matches b5.conv_9", "did you mean b5.conv_2?"),
        (["inception", "b5"], "no layer of inception matches b5", "write b5.** for the layers below it"),
        (["inception", "b5.*", "x.**"], "no layer of inception matches x.**", ""),
        (["inception", "--quantity", "mcas"], "cannot explain mcas", "did you mean macs?"),
        (["inception", "--latex"], "--latex requires -o markdown", "-o markdown"),
        (["incepton"], "incepton", "inception"),
        (["inception", "--batch", "0"], "--batch 0", ""),
        (["inception", "-o", "yaml"], "unknown format yaml", ""),
        ([], "missing argument 'SPEC'", ""),
    ],
)
def test_what_cannot_be_explained(cli, arguments, said, help):
    status, out, err = cli("explain", *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert help in err


def test_a_rule_of_the_gate_is_explained(cli):
    status, out, err = cli("explain", "CC103")
    assert (status, err) == (0, "")
    assert cli("explain", "cc103").out == out
    heading, *paragraphs = out.split("\n\n")
    assert heading == "CC103 (error): increased by more than allowed"
    headings = [paragraph.split("\n")[0] for paragraph in paragraphs if not paragraph.startswith(" ")]
    assert headings == ["What it checks", "Why", "Example", "How to repair", "How to accept"]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("rule", ["CC001", "CC101", "CC102", "CC103", "CC104", "CC105", "CC106"])
def test_every_rule_of_the_gate_is_explained(cli, rule):
    assert cli("explain", rule).out.startswith(f"{rule} (")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["CC999"], "unknown rule CC999"),
        (["CC103", "-o", "json"], "cannot write a rule as json"),
        (["CC103", "b5.*"], "CC103"),  # with layers it is a spec, and there is none of that name
    ],
)
def test_what_is_no_rule(cli, arguments, said):
    status, out, err = cli("explain", *arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_what_no_layer_has_is_said(cli):
    out = cli("explain", "lenet5", "--quantity", "buffers").out
    assert "\n\nno layer has buffers\n\ntotal\n" in out


def test_a_layer_in_another_strategy(cli):
    """Inception's 3×3 branch, 192 to 128 channels at 28×28: 1/128 + 1/9 of the multiply-adds."""
    run = cli("explain", "inception", "b3.conv_2", "--strategy", "separable", "--quantity", "macs")
    assert run.status == 0
    depthwise, pointwise = 28 * 28 * 9 * 192, 28 * 28 * 192 * 128
    assert f"{depthwise:,}" in run.out
    assert f"{pointwise:,}" in run.out
    assert "b3.conv_2.depthwise" in run.out
    assert run.out.endswith(
        "separable in theory: 1/N + 1/K² = 1/128 + 1/9 = 0.1189 of the MACs · in practice 0.1189\n"
        "C input channels · N output channels · K kernel · P positions\n"
    )
    options = ("--strategy", "separable", "--quantity", "macs", "-o", "json")
    document = json.loads(cli("explain", "inception", "b3.conv_2", *options).out)
    layers = {layer["name"]: layer["value"] for layer in document["layers"] if layer["value"]}
    assert layers == {"b3.conv_2.depthwise": depthwise, "b3.conv_2.pointwise": pointwise}
    assert document["theory"]["separable"]["value"] == 1 / 128 + 1 / 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--strategy requires one LAYER, got 0"),
        (("b3.conv_2", "b5.conv_2"), "--strategy requires one LAYER, got 2"),
        (("*.conv_2",), "--strategy explains one cell, but *.conv_2 matches 2"),
        (("b1.conv",), "no cell contains a layer that matches b1.conv"),
    ],
)
def test_a_strategy_explains_one_cell(cli, arguments, message):
    run = cli("explain", "inception", *arguments, "--strategy", "separable")
    assert (run.status, run.out) == (2, "")
    assert message in run.err


@pytest.mark.parametrize("options", [("-o", "markdown"), ("-o", "markdown", "--latex")])
def test_the_theory_is_in_every_text(cli, options):
    run = cli("explain", "inception", "b3.conv_2", "--strategy", "separable", *options)
    assert run.status == 0
    assert "1/N + 1/K² = 1/128 + 1/9 = 0.1189" in run.out


def test_a_strategy_that_cannot_write_the_cell(cli):
    run = cli("explain", "inception", "b3.conv_2", "--strategy", "ghost:ratio=5")
    assert (run.status, run.out) == (2, "")
    assert "ghost:ratio=5: ratio 5 must be above 1 and divide the 128 output channels" in run.err
