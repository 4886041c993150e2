"""Specs that say something else than their writer meant are suspected, and right ones are not."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

import costcalc
from costcalc.cli import main
from costcalc.errors import CostcalcError
from costcalc.layout import layouts
from costcalc.model import SUSPICIONS
from costcalc.ops.base import REGISTRY
from costcalc.suspicions import MOST, suspicions

ROOT = Path(__file__).parents[1]
RIGHT = sorted([*(ROOT / "specs").glob("*.yaml"), *(ROOT / "tests/specs/extra").glob("*.yaml")])
IMAGE, MAP, ROWS, TOKENS = "[3, 224, 224]", "[512, 7, 7]", "[196, 768]", "{tokens: [196, 768]}"


def found(input: str, layers: str, head: str = "") -> list[tuple[str, str]]:
    network = costcalc.loads(f"input: {input}\n{head}layers: {layers}\n")
    return [(each.rule, each.name) for each in suspicions(network)]


@pytest.mark.parametrize("spec", RIGHT, ids=lambda path: path.stem)
def test_right_specs(spec):
    assert suspicions(costcalc.load(spec)) == ()


@pytest.mark.parametrize(
    ("input", "layers", "expected"),
    [
        (MAP, "[global_avgpool, linear: 1000]", ("CC201", "linear")),
        ("[512, 64, 64]", "[attention: {heads: 8}]", ("CC201", "attention")),
        (ROWS, "[global_avgpool, flatten, linear: 1000]", ("CC201", "global_avgpool")),
        (ROWS, "[scale]", ("CC201", "scale")),
        (ROWS, "[prelu: {per_channel: true}]", ("CC201", "prelu")),
        ("[50, 128]", "[concat: [[], []], linear: 10]", ("CC201", "concat")),
        ("[40, 200]", "[conv: {out: 64, kernel: 1}, lstm: 128]", ("CC201", "lstm")),
        (TOKENS, "[dropout, conv: {out: 8, kernel: 3}]", ("CC201", "conv")),
        ("[224, 224, 3]", "[flatten]", ("CC202", "input")),
        ("[1, 3, 224, 224]", "[flatten]", ("CC202", "input")),
        (IMAGE, "[{relu: , name: a}, {relu: , from: input}]", ("CC203", "a")),
        ("[8, 4, 4]", "[split: 2, {relu: , from: split.0}]", ("CC203", "split")),
        ("{a: [8], b: [8]}", "[{linear: 4, from: a}]", ("CC203", "b")),
    ],
)
def test_wrong_specs(input, layers, expected):
    assert found(input, layers) == [expected]


@pytest.mark.parametrize(
    ("input", "layers", "params"),
    [
        (IMAGE, "[{conv: {out: 96, kernel: 4, stride: 4, norm: layernorm}}]", 3 * 4 * 4 * 96 + 96 + 2 * 96),
        (IMAGE, "[{conv: {out: 96, kernel: 4, stride: 4, norm: rmsnorm}}]", 3 * 4 * 4 * 96 + 96 + 96),
        ("[196, 128]", "[{linear: {out: 256, norm: batchnorm}}]", 128 * 256 + 256 + 2 * 256),
        (ROWS, "[layernorm, global_avgpool, flatten, linear: 1000]", 2 * 768 + 768 * 1000 + 1000),
        (TOKENS, "[global_avgpool, flatten, linear: 1000]", 768 * 1000 + 1000),
        (TOKENS, "[scale, shift, {prelu: {per_channel: true}}, batchnorm]", 5 * 768),
        ("[16]", "[{embedding: {vocab: 10, dim: 8}}, batchnorm]", 10 * 8 + 2 * 8),
        (TOKENS, "[{permute: [1, 0]}, batchnorm, {permute: [1, 0]}, scale]", 2 * 768 + 768),
        ("{tokens: [6, 5, 16]}", "[{attention: {heads: 2, bias: false}}, scale]", 4 * 16 * 16 + 16),
        (ROWS, "[{scale: {axis: 0}}, linear: 1]", 196 + 768 + 1),
    ],
)
def test_ops_act_on_features_as_their_frameworks_do(input, layers, params):
    assert found(input, layers) == []
    assert costcalc.analyze(costcalc.loads(f"input: {input}\nlayers: {layers}\n")).totals.params == params


def test_equal_calls_on_other_axes_are_other_layers():
    text = """
        input: {tokens: [6, 4], map: [6, 4]}
        blocks: {unit: [batchnorm]}
        layers:
          - {unit: , from: tokens}
          - {unit: , from: map}
        output: [unit, unit_2]
    """
    norms = [layer.cost.params.value for layer in costcalc.loads(dedent(text)).layers]
    assert norms == [2 * 4, 2 * 6]


@pytest.mark.parametrize(
    ("input", "layers"),
    [
        (MAP, "[global_avgpool, flatten, linear: 1000]"),
        (MAP, "[{flatten: 1}, permute: [1, 0], attention: {heads: 8}]"),
        (MAP, "[permute: [1, 2, 0], layernorm, linear: 8, permute: [2, 0, 1], batchnorm]"),
        ("[40, 200]", "[conv: {out: 64, kernel: 1}, permute: [1, 0], lstm: 128]"),
        ("[40, 200]", "[conv: {out: 64, kernel: 3}, batchnorm, prelu: {per_channel: true}, global_avgpool]"),
        (ROWS, "[scale: -1, linear: 10]"),
        (ROWS, "[{concat: [[], []], axis: -1}, linear: 10]"),
        (TOKENS, "[{mean: 0}, linear: 10]"),
        ("[3, 16, 112, 112]", "[conv: {out: 8, kernel: 3}]"),
        ("[3, 4, 4]", "[flatten]"),
    ],
)
def test_meant_specs(input, layers):
    assert found(input, layers) == []


LAYOUTS = {
    "map": ("[6, 8, 8]", "conv: {out: 6, kernel: 1}", 0),
    "sequence of channels": ("[6, 8]", "conv: {out: 6, kernel: 1}", 0),
    "channels last": ("[6, 8, 8]", "permute: [1, 2, 0]", 2),
    "tokens": ("[8, 6]", "attention: {heads: 2}", 1),
    "embedded": ("[8]", "embedding: {vocab: 9, dim: 6}", 1),
}
"""An input, a layer that makes the layout known, and the axis of the features."""
ARGUMENTS = {
    "conv": {"out": 4, "kernel": 1}, "conv_transpose": {"out": 4, "kernel": 1}, "depthwise_conv": {"kernel": 1},
    "linear": {"out": 4}, "attention": {"heads": 1}, "prelu": {"per_channel": True}, "groupnorm": {"groups": 1},
    "maxpool": {"kernel": 1}, "avgpool": {"kernel": 1}, "split": {"parts": 2}, "channel_shuffle": {"groups": 1},
    "lstm": {"hidden": 4}, "gru": {"hidden": 4}, "rnn": {"hidden": 4}, "pixel_shuffle": {"factor": 1},
    "adaptive_avgpool": {"size": 1}, "adaptive_maxpool": {"size": 1}, "upsample": {"scale": 2},
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_op_reads_the_features_or_is_suspected(layout):
    """An op that takes an axis for the features takes the right one, or there is a suspicion about it."""
    input, before, features = LAYOUTS[layout]
    checked = 0
    for name in REGISTRY:
        try:  # some need other arguments, or other inputs
            REGISTRY[name](**ARGUMENTS.get(name, {}))
            arguments = json.dumps(ARGUMENTS.get(name, {}))
            network = costcalc.loads(f"input: {input}\nlayers:\n- {before}\n- {{{name}: {arguments}, name: it}}\n")
        except CostcalcError:
            continue
        op = network.layers[-1].op
        taken = op.features_axis()
        rank = len(network.layers[-1].inputs[0].shape)
        wrong = taken is not None and taken % rank != features
        assert [each.name for each in suspicions(network) if each.rule == "CC201"] == (["it"] if wrong else []), name
        checked += taken is not None
    assert checked >= 8


def test_one_place_is_suspected_once():
    assert found("[512, 7, 7]", "[{group: [linear: 7], repeat: 50}]") == [("CC201", "group.0.linear")]
    layers = ", ".join([f"linear: {7 + index}" for index in range(2 * MOST)])
    assert len(found("[512, 7, 7]", f"[{layers}]")) == MOST


@pytest.mark.parametrize("rule", SUSPICIONS)
def test_allow(rule):
    specs = {
        "CC201": (MAP, "[global_avgpool, {linear: 10%s}]"),
        "CC202": ("[224, 224, 3]", "[flatten]"),
        "CC203": (IMAGE, "[{relu: %s}, {relu: , from: input}]"),
        "CC204": ("[16, 64]", "[{swiglu: {hidden: 8}%s}]"),
    }
    input, layers = specs[rule]
    head = "defaults: {linear: {bias: true}}\n" if rule == "CC204" else ""
    plain = layers.replace("%s", "")
    assert {each for each, _ in found(input, plain, head)} == {rule}
    assert found(input, plain, f"{head}allow: {rule}\n") == []
    assert found(input, plain, f"{head}allow: [CC201, {rule}]\n") == []
    if "%s" in layers:
        assert found(input, layers.replace("%s", f", allow: [{rule}]")) == []


def test_allow_beside_a_group_is_for_all_of_it():
    assert found(MAP, "[{group: [linear: 7, {group: [linear: 8]}], allow: CC201}]") == []
    assert found(MAP, "[{group: [linear: 7], allow: CC203}]") == [("CC201", "group.linear")]


def test_unknown_rules_are_errors(tmp_path, capsys):
    spec = tmp_path / "net.yaml"
    spec.write_text("input: [8]\nallow: CC20\nlayers: [linear: 4]\n")
    assert main(["analyze", str(spec)]) == 2
    assert "net.yaml:2:8: error: expected a rule of suspicions, got CC20" in capsys.readouterr().err


def test_reports(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(f"input: {MAP}\nlayers:\n  - global_avgpool\n  - linear: 1000\n")
    message = "linear takes axis 2 of [512, 1, 1] for the features; they are axis 0"
    assert main(["analyze", "net.yaml", "-o", "json"]) == 0
    out, err = capsys.readouterr()
    (suspicion,) = json.loads(out)["suspicions"]
    assert suspicion["message"] == message
    assert (suspicion["rule"], suspicion["name"], suspicion["line"]) == ("CC201", "linear", 4)
    assert f"net.yaml:4:5: warning: CC201 {message}" in err
    assert main(["check", "net.yaml", "--max", "macs=1G"]) == 0
    assert f"net.yaml:4:5: CC201 warning: {message}" in capsys.readouterr().out
    assert main(["check", "net.yaml", "--max", "macs=1G", "--strict"]) == 1
    assert f"net.yaml:4:5: CC201 {message}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("input: [224, 224, 3]", (1, 8), "input [224, 224, 3] looks like an image with its channels last"),
        ("input:\n  img: [8, 3, 32, 32]", (2, 8), "img [8, 3, 32, 32] looks like images with a batch in front"),
        ("input:\n  a: [8]\n  b: [9]", (3, 6), "nothing reads the input b"),
    ],
)
def test_inputs_have_a_place(text, place, message):
    (first, *_) = costcalc.loads(text + "\nlayers: []").inputs
    (suspicion,) = suspicions(costcalc.loads(f"{text}\nlayers: [{{flatten: , from: {first}}}]"))
    assert suspicion.span is not None
    assert ((suspicion.span.line, suspicion.span.column), suspicion.message) == (place, message)


def test_layouts_are_unchanged():
    """The names of axes in formulas do not depend on the guesses of suspicions."""
    network = costcalc.loads("input: [50, 128]\nlayers: [concat: [[], []], linear: 10]")
    assert set(layouts(network).values()) == {()}


@pytest.mark.parametrize(
    ("defaults", "layers", "suspected"),
    [
        ("linear: {bias: true}", "[swiglu: {hidden: 8}]", True),
        ("linear: {bias: true}", "[swiglu: {hidden: 8, bias: false}]", False),
        ("linear: {bias: true}", "[swiglu: {hidden: 8, bias: true}]", False),
        ("linear: {bias: false}", "[swiglu: {hidden: 8}]", False),
        ("linear: {bias: false}", "[mlp: {hidden: 8}]", False),
        ("attention: {bias: false}", "[transformer_encoder: {heads: 4, hidden: 8}]", False),
        ("linear: {bias: false}", "[transformer_encoder: {heads: 4, hidden: 8}]", False),
        ("layernorm: {affine: false}", "[transformer_encoder: {heads: 4, hidden: 8}]", False),
    ],
)
def test_a_block_hides_a_default(defaults, layers, suspected):
    rules = [rule for rule, _ in found("[16, 64]", layers, f"defaults: {{{defaults}}}\n")]
    assert rules == (["CC204"] if suspected else [])


def test_bias_of_an_mlp():
    text = "input: [16, 64]\nlayers: [mlp: {hidden: 256, bias: %s}]"
    params = [costcalc.analyze(costcalc.loads(text % bias)).totals.params for bias in ("false", "true")]
    assert params == [2 * 64 * 256, 2 * 64 * 256 + 256 + 64]


def test_groups_of_a_default_are_not_those_of_a_gate():
    text = "input: [64, 8, 8]\ndefaults: {conv: {groups: 4}}\nlayers: [squeeze_excite]"
    assert costcalc.analyze(costcalc.loads(text)).totals.params == 64 * 16 + 16 + 16 * 64 + 64
