"""A network written as a spec is the same network. Other changes also keep the cost of a network."""

# ruff: noqa: E501 (a line is a spec)

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings

import costcalc
from costcalc.analysis import analyze
from costcalc.lang.expand import quoted, write
from costcalc.lang.library import bundled

from .language import load, paths
from .networks import specs, text

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "specs").glob("*.yaml"), *(ROOT / "tests" / "specs" / "extra").glob("*.yaml")])
SETTINGS = {
    "resnet50": {"classes": 10, "width": 32, "depths": [1, 2, 0, 1]},
    "mobilenet_v1": {"alpha": 0.5, "resolution": 160},
    "mobilenet_v2": {"alpha": 1.4, "resolution": 192},
    "inception": {"r5": 8},
    "gpt2": {"depth": 2},
}
drawn = settings(max_examples=60)


def rows(network):
    """Return the op and cost of each layer, without its name."""
    return [(row.op, row.inputs, row.outputs, row.totals.counts) for row in analyze(network).layers]


def sources(network):
    return [[(tensor.layer, tensor.port) for tensor in layer.inputs] for layer in network.layers]


def check(network):
    written = write(network)
    again = costcalc.loads(written)
    assert rows(again) == rows(network)
    assert sources(again) == sources(network)
    assert analyze(again).totals.counts == analyze(network).totals.counts
    assert list(again.inputs.items()) == list(network.inputs.items())
    assert [(tensor.layer, tensor.port) for tensor in again.outputs.values()] == [
        (tensor.layer, tensor.port) for tensor in network.outputs.values()
    ]
    assert (again.name, again.description, again.source) == (network.name, network.description, network.source)
    assert write(again) == written
    assert not re.search(r"\b(repeat|for|if|params|blocks|defaults|group|residual|let):", written)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_spec(path):
    check(costcalc.load(path))


@pytest.mark.parametrize(("name", "params"), SETTINGS.items(), ids=SETTINGS)
def test_at_other_params(name, params):
    path = next(path for path in FILES if path.stem == name)
    known = costcalc.load(path).params
    check(costcalc.load(path, **{param: value for param, value in params.items() if param in known}))


@drawn
@given(specs)
def test_every_drawn_spec(drawn_spec):
    check(costcalc.loads(text(drawn_spec)))


KINDS = {
    "nothing": "[]",
    "names with dots": "[{group: [relu, {group: [relu], repeat: 2}]}]",
    "names that would meet": "[{group: [{relu: , name: b}], name: a}, {relu: , name: a-b}, {relu: , name: a-b_2}]",
    "norm and act": "[{conv: {out: 4, kernel: 1, norm: batchnorm, act: relu}}, {conv: {out: 4, kernel: 1, act: gelu}}]",
    "norm with arguments": "[{conv: {out: 4, kernel: 1, norm: {groupnorm: 2}, act: {prelu: {per_channel: true}}}}]",
    "an act in place of the norm": "[{conv: {out: 4, kernel: 1, norm: relu, act: batchnorm}}]",
    "a norm that others look into": "[{conv: {out: 4, kernel: 1, norm: batchnorm, act: relu}}, {add: , from: [prev, batchnorm]}]",
    "a block as act": "[{conv: {out: 4, kernel: 1, act: {mlp: 3}}}]",
    "an act with an act": "[{conv: {out: 4, kernel: 1, act: {linear: {out: 3, act: relu}}}}]",
    "several outputs": "[split: 2, {relu: , from: split.1}, {add: , from: [split.0, prev]}, {concat: , from: split}]",
    "several outputs for the next": "[split: 2, add]",
    "share": "[{linear: 8, name: a}, {linear: 8, share: a}, {linear: 8, share: a}]",
    "share with a norm": "[{conv: {out: 16, kernel: 1, norm: batchnorm}, name: a}, {conv: {out: 16, kernel: 1, norm: batchnorm}, share: a}]",
    "share of a block": "[{mlp: 4, name: a}, {mlp: 4, share: a}]",
    "a table shared": "[{reshape: [-1]}, {embedding: {vocab: 9, dim: 4}, name: e}, {linear: 9, share: e}]",
    "the input again": "[relu, {add: , from: [prev, input]}, {gelu: , from: input}]",
    "lists and words": "[{conv: {out: 4, kernel: [3, 1], padding: same}}, {pad: [[1, 2], [0, 1]]}, {upsample: {mode: bilinear}}]",
    "numbers beyond 2^53": "[{linear: 9_007_199_254_740_993}]",
    "floats": "[{dropout: 0.1}]",
    "an axis": "[{concat: [[], []], axis: 1}]",
}


@pytest.mark.parametrize("layers", KINDS.values(), ids=KINDS)
def test_kinds_of_layers(layers):
    check(load(layers))


HEADS = [
    ("{a: [3, 4], b: [4, 5]}", "[{matmul: , from: [a, b]}]", "output: matmul"),
    ("{a: [3, 4], b: [3, 4]}", "[{relu: , from: a}, {gelu: , from: b}]", "output: [gelu, relu, a]"),
    ("{relu: [3, 4]}", "[relu, {add: , from: [prev, relu]}]", ""),
    ("{image: [3, 4]}", "[]", ""),
    ("[16]", "[split: 2]", ""),
    ("[16]", "[split: 2]", "output: split.1"),
    ("[16]", "[split: 2, {relu: , from: split.0}]", "output: [split, relu]"),
    ("[16]", "[relu, gelu]", "output: relu"),
    ("[16]", "[{linear: {out: 4, act: relu}}]", "output: linear"),
    ("[4]", "[relu]", 'name: "a: b"\ndescription: "\\e[31m \\" # é\\n"\nsource: "true"'),
    ("[4]", "[relu]", "name: true\nsource: 12"),
    ("[4]", "[relu]", "params: {a: [1, 2]}"),
]


@pytest.mark.parametrize(("input", "layers", "head"), HEADS)
def test_inputs_outputs_and_texts(input, layers, head):
    check(load(layers, input, head=f"{head}\n"))


def test_the_written_text():
    network = load(
        "[{group: [{conv: {out: 2 * w, kernel: 3}}], name: g, repeat: 2}, {residual: [relu]}]",
        head="name: x\nparams: {w: 4}\ndefaults: {conv: {bias: false, act: relu}}\n",
    )
    assert write(network) == (
        "name: x\n"
        "input: [16, 8, 8]\n"
        "layers:\n"
        "  - conv: {out: 8, kernel: 3, bias: false, act: relu}\n"
        "    name: g-0-conv\n"
        "  - conv: {out: 8, kernel: 3, bias: false, act: relu}\n"
        "    name: g-1-conv\n"
        "  - relu:\n"
        "    name: body-relu\n"
        "  - add:\n"
        "    name: add\n"
        "    from: [body-relu, g-1-conv]\n"
    )


TEXTS = {
    "a": "a",
    "a-b_1": "a-b_1",
    "": '""',
    "true": '"true"',
    "null": '"null"',
    "12": '"12"',
    "a b": '"a b"',
    "é": '"\\u00e9"',
    "\x1b[31m": '"\\u001b[31m"',
    'a"b': '"a\\"b"',
    "1a": '"1a"',
    "~": '"~"',
}


@pytest.mark.parametrize(("given_text", "written"), TEXTS.items())
def test_texts_are_quoted_if_needed(given_text, written):
    assert quoted(given_text) == written


# Other changes that keep the cost


@drawn
@given(specs)
def test_rows_sum_to_totals_and_names_are_unique(drawn_spec):
    analysis = analyze(costcalc.loads(text(drawn_spec)))
    assert len({row.name for row in analysis.layers}) == len(analysis.layers)
    for position, total in enumerate(analysis.totals.counts):
        assert total == sum(row.totals.counts[position] for row in analysis.layers)


@drawn
@given(specs)
def test_work_is_linear_in_the_batch_and_weights_are_not(drawn_spec):
    network = costcalc.loads(text(drawn_spec))
    one, seven = analyze(network).totals, analyze(network, batch=7).totals
    assert (seven.params, seven.buffers, seven.layers) == (one.params, one.buffers, one.layers)
    assert (seven.macs, seven.flops, seven.activations) == (7 * one.macs, 7 * one.flops, 7 * one.activations)
    assert list(seven.operations.values()) == [7 * count for count in one.operations.values()]


@drawn
@given(specs)
def test_names_change_nothing(drawn_spec):
    network = costcalc.loads(text(drawn_spec))
    for number, item in enumerate(drawn_spec["layers"]):
        key = next(iter(item)) if isinstance(item, dict) else item
        if key != "let":
            drawn_spec["layers"][number] = {**(item if isinstance(item, dict) else {item: None}), "name": f"x{number}"}
    renamed = costcalc.loads(text(drawn_spec))
    assert rows(renamed) == rows(network)
    assert sources(renamed) == sources(network)


@drawn
@given(specs)
def test_a_group_or_a_block_around_everything_changes_names_only(drawn_spec):
    network = costcalc.loads(text(drawn_spec))
    inner = drawn_spec["layers"]
    blocks = {**drawn_spec["blocks"], "whole": inner}
    for wrapped in ({"layers": [{"group": inner, "name": "whole"}]}, {"layers": ["whole"], "blocks": blocks}):
        around = costcalc.loads(text({**drawn_spec, **wrapped}))
        assert rows(around) == rows(network)
        assert sources(around) == sources(network)
        assert paths(around) == [f"whole.{name}" for name in paths(network)]


@drawn
@given(specs)
def test_a_repetition_of_one_changes_names_only(drawn_spec):
    network = costcalc.loads(text(drawn_spec))
    around = costcalc.loads(text({**drawn_spec, "layers": [{"group": drawn_spec["layers"], "repeat": 1}]}))
    assert rows(around) == rows(network)
    assert paths(around) == [f"group.0.{name}" for name in paths(network)]


def test_every_bundled_spec_is_tested():
    assert {path.stem for path in FILES} >= set(bundled())


def test_long_list():
    """Errors cut a list after 32 values. A spec has all of them."""
    check(costcalc.loads(f"input: [40, 4, 4]\nlayers: [{{split: {{sizes: [{'1, ' * 33}7]}}}}, concat]"))
