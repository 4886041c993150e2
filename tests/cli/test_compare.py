"""`compare`: a network or a convolution, in every format, and every way to ask for what cannot be."""

from __future__ import annotations

import csv
import io
import json

import pytest

from costcalc.report.comparison import tables
from costcalc.report.table import render

PROBLEM = ("compare", "--channels", "192", "--size", "28", "--out", "32", "--kernel", "5", "--padding", "same")
SMALL = ("compare", "--channels", "16", "--size", "8", "--out", "8", "--kernel", "3")
P = 28 * 28

CONVOLUTION = """\
convolution 5×5, 192 to 32 channels
input 192×28×28 · stride 1 · padding same · batch 1

strategy              output      params         MACs  activations   ×MACs  ×params
───────────────────────────────────────────────────────────────────────────────────
normal                32×28×28   153,600  120,422,400       25,088       1        1
bottleneck:reduce=16  32×28×28    15,872   12,443,648       37,632   0.103    0.103
  reduce              16×28×28     3,072    2,408,448       12,544
  conv                32×28×28    12,800   10,035,200       25,088
separable             32×28×28    10,944    8,580,096      175,616  0.0712   0.0712
  depthwise           192×28×28    4,800    3,763,200      150,528
  pointwise           32×28×28     6,144    4,816,896       25,088

bottleneck in theory: reduce·(C·P_in + K²·N·P_out) < K²·C·N·P_out · \
reduce·(192·784 + 25·32·784) < 25·192·32·784 · saves up to reduce = 154
separable in theory: 1/N + 1/K² = 1/32 + 1/25 = 0.07125 of the MACs · in practice 0.07125
C input channels · N output channels · K kernel · P positions
×: relative to normal
"""

NETWORK = """\
inception: The Inception module with dimension reductions, at the sizes of GoogLeNet's 3a.
Szegedy et al. 2014, arXiv:1409.4842, figure 2b and table 1
input 192×28×28 · batch 1 · b1=64 · r3=96 · b3=128 · r5=16 · b5=32 · pool=32

strategy     params         MACs  activations  ×MACs  ×params
─────────────────────────────────────────────────────────────
as_is       163,696  128,049,152      928,256      1        1
normal      393,472  308,281,344      752,640   2.41      2.4
bottleneck  163,696  128,049,152      928,256      1        1
separable    56,320   43,653,120    1,354,752  0.341    0.344

×: relative to as_is

MACs of 2 cells

cell       form              as_is       normal   bottleneck   separable  cheapest   \
reduce saves to  separable: theory  practice
─────────────────────────────────────────────────────────────────────────────────────\
────────────────────────────────────────────
b3.conv_2  bottleneck  101,154,816  173,408,256  101,154,816  20,622,336  separable  \
            164              0.119     0.119
b5.conv_2  bottleneck   12,443,648  120,422,400   12,443,648   8,580,096  separable  \
            154             0.0712    0.0712
everything else         14,450,688   14,450,688   14,450,688  14,450,688
─────────────────────────────────────────────────────────────────────────────────────\
────────────────────────────────────────────
total                  128,049,152  308,281,344  128,049,152  43,653,120

bottleneck in theory: fewer MACs than normal while reduce·(C·P_in + K²·N·P_out) < K²·C·N·P_out
separable in theory: 1/N + 1/K² of the MACs of normal · practice: actual ratio
C input channels · N output channels · K kernel · P positions
"""


def test_a_convolution(cli):
    chosen = ("--strategy", "normal", "--strategy", "bottleneck:reduce=16", "--strategy", "separable")
    assert cli(*PROBLEM, *chosen) == (0, CONVOLUTION, "")


def test_a_network(cli):
    assert cli("compare", "inception") == (0, NETWORK, "")


def test_what_cannot_be_written_is_in_parentheses_and_has_its_reason(cli):
    out = cli("compare", "mobilenet_v1").out
    assert "(29,302,784)" in out
    reasons = out.partition("( ) unchanged:\n")[2].split("\n")
    assert reasons[0] == (
        "  bottleneck · reduce 32 must be less than the 32 input channels · depthwise_separable.0.0.depthwise_conv"
    )
    assert "stem, unchanged without --stem: conv" in reasons
    assert "stem" not in cli("compare", "mobilenet_v1", "--stem").out


def test_the_columns_of_cheapest(cli):
    run = cli("compare", "googlenet", "--cheapest", "-o", "csv")
    rows = list(csv.DictReader(io.StringIO(run.out)))
    own = {row["cell"]: int(row["macs"]) for row in rows if row["strategy"] == "cheapest"}
    for row in rows:
        assert own[row["cell"]] <= int(row["macs"])
    assert own["stage4.0.b5.conv_2"] == 14 * 14 * 16 * (480 + 25 * 48)
    header = next(
        line for line in cli("compare", "googlenet", "--cheapest").out.split("\n") if line.startswith("cell ")
    )
    assert header.split()[:8] == ["cell", "form", "as_is", "normal", "bottleneck", "separable", "cheapest", "cheapest"]


@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("subject", ["googlenet", "mobilenet_v2", "resnet152"])
def test_tables_fit(width, subject):
    import costcalc

    text = render(*tables(costcalc.compare(subject, cheapest=True)), width=width)
    assert max(map(len, text.split("\n"))) <= width
    assert "separable" in text


def test_json_is_the_contract(cli):
    document = json.loads(cli("compare", "inception", "-o", "json").out)
    assert document["format"] == "costcalc.comparison/1"
    assert document["network"] == "inception"
    as_is, normal, bottleneck, separable = document["strategies"]
    assert [each["strategy"] for each in document["strategies"]] == ["as_is", "normal", "bottleneck", "separable"]
    assert (as_is["macs"], as_is["params"], as_is["macs_ratio"], as_is["params_ratio"]) == (128049152, 163696, 1.0, 1.0)
    assert normal["macs_ratio"] == 308281344 / 128049152
    assert set(separable) == {
        *("strategy", "options", "params", "buffers", "macs", "flops", "activations"),
        *("macs_ratio", "params_ratio", "layers"),
    }
    for each in document["strategies"]:
        for figure in ("params", "macs", "flops", "activations"):
            assert sum(layer[figure] for layer in each["layers"]) == each[figure]
    assert bottleneck["layers"] == as_is["layers"]
    cell = document["cells"][1]
    assert cell["name"] == "b5.conv_2"
    assert cell["form"] == "bottleneck"
    assert cell["layers"] == ["b5.conv", "b5.relu", "b5.conv_2", "b5.relu_2"]
    assert cell["cheapest"] == "separable"
    assert cell["strategies"]["separable"] == {"macs": P * 192 * (25 + 32), "params": 25 * 192 + 192 + 192 * 32 + 32}
    assert cell["theory"]["separable"]["value"] == (25 + 32) / (32 * 25) == cell["theory"]["separable"]["practice"]
    assert cell["theory"]["bottleneck"]["value"] == (25 * 192 * 32 * P - 1) // (192 * P + 25 * 32 * P) == 154


def test_json_of_options_and_reasons(cli):
    document = json.loads(cli(*PROBLEM, "--strategy", "bottleneck:reduce=16", "-o", "json").out)
    assert document["strategies"][0]["options"] == {"reduce": 16}
    assert document["strategies"][0]["macs_ratio"] == 12443648 / 120422400
    assert document["convolution"]["size"] == [28, 28]
    document = json.loads(cli("compare", "lenet5", "--strategy", "grouped", "-o", "json").out)
    assert document["cells"][0]["strategies"]["grouped"] == {"reason": "cannot divide 6 input channels into 4 groups"}


def test_csv_sums_to_the_totals(cli):
    rows = list(csv.DictReader(io.StringIO(cli("compare", "mobilenet_v1", "-o", "csv").out)))
    for strategy, macs in (("as_is", 568740352), ("normal", 4867293184), ("separable", 568740352)):
        assert sum(int(row["macs"]) for row in rows if row["strategy"] == strategy) == macs
    assert {row["reason"] for row in rows if row["strategy"] == "normal"} == {""}
    rows = list(csv.DictReader(io.StringIO(cli(*PROBLEM, "-o", "csv").out)))
    assert [(row["strategy"], row["layer"], row["macs"]) for row in rows] == [
        ("normal", "conv", "120422400"),
        ("bottleneck", "conv.reduce", "2408448"),
        ("bottleneck", "conv.conv", "10035200"),
        ("separable", "conv.depthwise", "3763200"),
        ("separable", "conv.pointwise", "4816896"),
    ]


def test_markdown(cli):
    out = cli("compare", "inception", "-o", "markdown").out
    assert out.startswith("### inception: The Inception module")
    assert "| separable | 56,320 | 43,653,120 | 1,354,752 | 0.341 | 0.344 |\n" in out
    assert "\n\n### MACs of 2 cells\n\n| cell | form |" in out
    assert "| **total** |  | **128,049,152** |" in out


@pytest.mark.parametrize("network", ["mobilenet_v1", "vgg16", "resnet50", "googlenet", "alexnet_2012"])
@pytest.mark.parametrize("choice", [("--strategy", "separable"), ("--strategy", "spatial", "--stem"), ("--cheapest",)])
def test_the_rewritten_spec_is_what_the_table_says(cli, tmp_path, network, choice):
    path = tmp_path / "new.yaml"
    run = cli("compare", network, *choice, "-o", f"spec={path}", "-o", "json")
    said = json.loads(run.out)["strategies"][-1]
    again = json.loads(cli("analyze", path, "-o", "json").out)["totals"]
    assert {name: said[name] for name in ("params", "buffers", "macs", "flops", "activations")} == {
        name: again[name] for name in ("params", "buffers", "macs", "flops", "activations")
    }


def test_a_convolution_as_a_spec(cli, tmp_path):
    path = tmp_path / "new.yaml"
    assert cli(*PROBLEM, "--strategy", "separable", "-o", f"spec={path}") == (0, "", "")
    assert json.loads(cli("analyze", path, "-o", "json").out)["totals"]["macs"] == 8580096


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (("--size", "28"), [16, 28, 28]),
        (("--size", "28x56"), [16, 28, 56]),
        (("--size", "28×56"), [16, 28, 56]),
        (("--size", "28", "--dims", "1"), [16, 28]),
        (("--size", "6", "--dims", "3"), [16, 6, 6, 6]),
        (("--size", "4x6x8"), [16, 4, 6, 8]),
        (("--size", "4x6x8", "--dims", "3", "--stride", "1x2x2", "--padding", "1x0x0"), [16, 4, 6, 8]),
    ],
)
def test_sizes_and_dimensions(cli, options, shape):
    run = cli("compare", "--channels", "16", "--out", "4", "--kernel", "3", *options, "-o", "json")
    assert json.loads(run.out)["strategies"][0]["layers"][0]["inputs"] == [shape]


def test_batch(cli):
    document = json.loads(cli(*PROBLEM, "--batch", "2", "-o", "json").out)
    assert document["strategies"][0]["macs"] == 2 * 120422400
    assert document["strategies"][0]["params"] == 25 * 192 * 32


def test_params_and_inputs_of_the_spec(cli):
    document = json.loads(cli("compare", "mobilenet_v1", "--set", "alpha=0.5", "-o", "json").out)
    assert document["strategies"][0]["macs"] == document["strategies"][3]["macs"] == 149497088


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compare",), "expected SPEC or the options of a convolution: --channels, --size, --out, --kernel"),
        (("compare", "--channels", "3"), "missing options of the convolution: --size, --out, --kernel"),
        (("compare", "--stride", "2"), "expected SPEC or the options of a convolution: --channels"),
        (
            ("compare", "vgg16", "--channels", "3"),
            "expected SPEC or the options of a convolution, got both: vgg16 and --channels",
        ),
        (
            ("compare", "vgg16", "--padding", "same"),
            "expected SPEC or the options of a convolution, got both: vgg16 and --padding",
        ),
        ((*SMALL, "--stem"), "--stem requires SPEC"),
        ((*SMALL, "--layer", "x"), "--layer requires SPEC"),
        ((*SMALL, "--cheapest"), "--cheapest requires SPEC"),
        ((*SMALL, "--set", "a=1"), "--set, --input and --max-layers require SPEC"),
        ((*SMALL, "--kernel", "1"), "expected a kernel above 1, got 1"),
        ((*SMALL, "--kernel", "9"), "a window of 9 does not fit"),
        ((*SMALL, "--kernel", "0"), "--kernel 0: expected sizes of at least 1"),
        ((*SMALL, "--size", "0"), "--size 0: expected sizes of at least 1"),
        ((*SMALL, "--size", "8y8"), "--size 8y8: expected sizes of at least 1"),
        ((*SMALL, "--size", "8x8", "--dims", "3"), "--size has 2 values, but the convolution has 3 spatial dimensions"),
        ((*SMALL, "--size", "8x8x8x8"), "--size must have at most 3 dimensions, got 4"),
        ((*SMALL, "--kernel", "3x3x3"), "--kernel has 3 values, but the convolution has 2 spatial dimensions"),
        ((*SMALL, "--padding", "full"), "--padding full: expected same, valid, or sizes of at least 0"),
        ((*SMALL, "--channels", "0"), "invalid value for '--channels'"),
        ((*SMALL, "--dims", "4"), "invalid value for '--dims'"),
        ((*SMALL, "--strategy", "bottleneck:reduce=16"), "conv: reduce 16 must be less than the 16 input channels"),
        ((*SMALL, "--strategy", "bottleneck:reduce=0"), "bottleneck: reduce: expected an integer of at least 1, got 0"),
        ((*SMALL, "--strategy", "spatial", "--kernel", "4"), "spatial: the kernel 4×4 is even"),
        ((*SMALL, "--strategy", "grouped:groups=5"), "grouped:groups=5: cannot divide 16 input channels into 5 groups"),
        (
            ("compare", "vgg16", "--strategy", "seperable"),
            "unknown strategy seperable\n  = help: did you mean separable?",
        ),
        (("compare", "vgg16", "--strategy", "bottleneck:r=1"), "bottleneck has no option r\n  = help: known: reduce"),
        (
            ("compare", "vgg16", "--strategy", "bottleneck:reduce=64"),
            "stage.0.conv.1: reduce 64 must be less than the 64",
        ),
        (("compare", "vgg16", "--layer", "stage.9.**"), "no layer matches stage.9.**"),
        (
            ("compare", "vgg16", "--layer", "stage"),
            "no layer matches stage\n  = help: write stage.** for the layers below it",
        ),
        (("compare", "vgg16", "--layer", "linear"), "no cell contains a layer that matches linear"),
        (("compare", "vgg16", "--layer", "{0}"), "no layer matches {0}"),
        (("compare", "vgg16", "-o", "spec"), "-o spec writes one network, got 3 strategies"),
        (("compare", "vgg61"), "unknown spec vgg61"),
        (("compare", "vgg16", "--cheapst"), "unknown option --cheapst\n  = help: did you mean --cheapest?"),
        (
            ("compare", *SMALL[3:], "--channels", "3", "--out", "64", "--strategy", "bottleneck", "-o", "spec"),
            "bottleneck: reduce 32 must be less than the 3 input channels",
        ),
    ],
)
def test_what_cannot_be(cli, arguments, message):
    run = cli(*arguments)
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith(f"error: {message}")
    assert "Traceback" not in run.err


def test_a_default_that_does_not_fit_is_no_error(cli):
    run = cli("compare", "--channels", "3", "--size", "8", "--out", "64", "--kernel", "3")
    assert run.status == 0
    assert "bottleneck   not expressible\n" in run.out
    assert "bottleneck · reduce 32 must be less than the 3 input channels\n" in run.out


def test_a_spec_error_is_one_of_the_spec(cli, spec):
    path = spec("input: [3, 8, 8]\nlayers:\n  - conf: 3\n")
    run = cli("compare", path)
    assert run.status == 2
    assert run.err.startswith(f"{path}:3:5: error: ")


def test_text_from_a_spec_does_not_act(cli, spec):
    path = spec('name: "a\\e[31m|<b>"\ninput: [16, 8, 8]\nlayers:\n  - conv: {out: 8, kernel: 3}\n')
    for form in ("table", "markdown", "csv", "json"):
        run = cli("compare", path, "-o", form)
        assert run.status == 0
        assert "\x1b" not in run.out
        assert "<b>" not in run.out.replace("\\<b\\>", "") or form == "table" or form == "json"


def test_without_cells_there_is_one_table_and_a_line_that_says_so(cli, spec):
    run = cli("compare", spec("input: [16]\nlayers:\n  - linear: 8\n"))
    assert run.status == 0
    assert run.out.endswith("\n×: relative to as_is\nno convolution cells\n")
    assert run.out.count("───\n") == 1
    run = cli("compare", spec("input: [3, 8, 8]\nlayers:\n  - conv: {out: 8, kernel: 3}\n"))
    assert run.out.endswith("\nno convolution cells\nstem, unchanged without --stem: conv\n")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_names_are_whole_and_a_legend_stands_below_its_columns_only(width):
    import costcalc

    text = render(*tables(costcalc.compare("vgg16")), width=width)
    assert "\nstage.4.conv.2 " in text
    assert ("practice: actual ratio" in text) is ("theory practice" in " ".join(text.split())) is (width >= 100)
    assert "stem, unchanged without --stem: stage.0.conv.0\n" in text


def test_what_cheapest_asks_for_is_shown_on_a_narrow_terminal():
    import costcalc

    for subject, width, times in (("mobilenet_v1", 80, 2), ("vgg16", 80, 2), ("resnet50", 80, 2), ("googlenet", 60, 1)):
        text = render(*tables(costcalc.compare(subject, cheapest=True)), width=width)
        assert text.partition(" cells\n\n")[2].partition("─")[0].count("cheapest") == times


def test_shapes_in_csv_are_written_as_in_every_csv(cli):
    rows = list(csv.DictReader(io.StringIO(cli(*SMALL, "-o", "csv").out)))
    assert {row["output"] for row in rows} == {"8x6x6", "4x8x8", "16x6x6"}
    assert "receptive_field" in cli("explain", "lenet5", "C3", "-o", "csv").out
    assert ",14x14,2x2\n" in cli("explain", "lenet5", "C3", "-o", "csv").out


def test_several_networks_are_compared_with_the_first(cli):
    """ResNet-50 takes 4,089,184,256 MACs, MobileNet 568,740,352; params 25,557,032 and 4,231,976."""
    done = cli("compare", "resnet50", "mobilenet_v1", "-o", "csv")
    assert (done.status, done.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [(row["name"], int(row["params"]), int(row["macs"])) for row in rows] == [
        ("resnet50", 25_557_032, 4_089_184_256),
        ("mobilenet_v1", 4_231_976, 568_740_352),
    ]
    document = json.loads(cli("compare", "resnet50", "mobilenet_v1", "--batch", "2", "-o", "json").out)
    assert (document["format"], document["base"], document["batch"]) == ("costcalc.networks/1", "resnet50", 2)
    first, second = document["networks"]
    assert (first["macs_ratio"], first["params_ratio"]) == (1, 1)
    assert second["macs"] == 2 * 568_740_352
    assert second["macs_ratio"] == 568_740_352 / 4_089_184_256
    assert second["params_ratio"] == 4_231_976 / 25_557_032


def test_networks_of_the_same_name_are_told_apart_by_their_specs(cli, spec):
    paths = [spec("name: net\ninput: [1, 4, 4]\nlayers:\n- relu\n", f"{name}.yaml") for name in "ab"]
    shown = cli("compare", *paths).out
    assert all(f"net ({path})" in shown for path in paths)
    assert f"×: relative to net ({paths[0]})" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--strategy", "normal"], "--strategy requires one SPEC, got 2"),
        (["--layer", "**"], "--layer requires one SPEC, got 2"),
        (["--cheapest"], "--cheapest requires one SPEC, got 2"),
        (["--kernel", "3"], "--kernel requires one SPEC, got 2"),
        (["-o", "spec"], "-o spec requires one SPEC, got 2"),
    ],
)
def test_strategies_are_compared_on_one_network(cli, arguments, message):
    done = cli("compare", "lenet5", "alexnet", *arguments)
    assert done.status == 2
    assert message in done.err


def test_every_network_that_cannot_be_read_is_reported(cli, spec):
    bad = spec("input: [1, 4, 4]\nlayers:\n- rleu\n", "bad.yaml")
    done = cli("compare", "lenet5", bad, "nosuch")
    assert (done.status, done.out) == (2, "")
    assert f"{bad}:3:3: error: unknown op or block rleu" in done.err
    assert "unknown spec nosuch" in done.err
