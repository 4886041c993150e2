"""The JSON Schema for editors: it is valid, accepts all bundled specs, and rejects the errors that a schema can find."""
# ruff: noqa: E501 (tables)

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from jsonschema import Draft7Validator

from costcalc.lang.builtin_blocks import builtin
from costcalc.lang.schema import schema
from costcalc.lang.template import STRUCTURES
from costcalc.ops.base import registered

from .language import spec
from .networks import specs, text

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "specs").glob("*.yaml"), *(ROOT / "tests" / "specs" / "extra").glob("*.yaml")])
SCHEMA = json.loads(json.dumps(schema()))
VALIDATOR = Draft7Validator(SCHEMA)


class Editor(yaml.SafeLoader):
    """A loader for YAML 1.2, as in editors: only plain decimal numbers, null, true and false are not strings."""

    yaml_implicit_resolvers = {}  # noqa: RUF012


for tag, pattern, first in (
    ("bool", "true|false", "tf"),
    ("null", "null|~|", ["n", "~", ""]),
    ("int", "[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|[0-9]+)([eE][-+]?[0-9]+)?", "-+0123456789"),
    ("merge", "<<", "<"),
):
    Editor.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


def valid(document: str) -> bool:
    return VALIDATOR.is_valid(yaml.safe_load(document))


def test_it_is_a_schema_of_draft_7():
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_every_reference_has_a_target():
    def references(node):
        if isinstance(node, dict):
            yield from (value for key, value in node.items() if key == "$ref" and isinstance(value, str))
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    found = set(references(SCHEMA))
    assert found
    for reference in found:
        node = SCHEMA
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("loader", [yaml.SafeLoader, Editor])
def test_it_accepts_every_spec(path, loader):
    VALIDATOR.validate(yaml.load(path.read_text(), loader))


@settings(max_examples=60)
@given(specs)
def test_it_accepts_every_drawn_spec(drawn):
    VALIDATOR.validate(yaml.safe_load(text(drawn)))


def test_it_has_every_op_block_and_structure():
    item = SCHEMA["definitions"]["item"]["properties"]
    words = json.dumps(SCHEMA["definitions"]["layer"])
    assert set(registered()) | set(STRUCTURES) <= set(item)
    assert all(f'"{name}"' in words for name in (*registered(), *builtin()))
    assert all(item[name]["description"].startswith(f"{name}(") for name in registered() if name not in STRUCTURES)


WRITTEN = [
    "[relu]", "[relu: ]", "[relu: {}]", "[linear: 5]", "[linear: 2 * w]", "[linear: {out: 5, bias: false, act: relu}]",
    "[conv: {out: 5, kernel: [3, w], norm: {groupnorm: 2}, act: none}]", "[reshape: [8, -1]]", "[split: {sizes: [1, 2]}]",
    "[{relu: , name: a, from: b, repeat: 2, if: true, note: x}]", "[{relu: , from: [a, b.0]}]", "[{relu: , share: a}]",
    "[{relu: , for: {a: [1, 2], b: c}}]", "[{relu: , for: [[a], [1], [relu]]}]", "[{group: [relu], repeat: n}]",
    "[{residual: [relu], shortcut: [], skip: a == 1}]", "[{concat: [[], [relu]], axis: 1}]", "[{concat: {a: [], b: []}}]",
    "[{concat: , from: [a, b]}]", "[{add: , from: [a, b]}]", "[{let: {a: 1, b: [1, 2], c: in_channels}}]", "[my_block: 5]",
    "[my_block]", "[my_block: {a: {groupnorm: 3}}]", "[mlp: 5]", "[]", "[pad: [[1, 2], [0, 0]]]", "[dropout: 0.5]",
    "[{relu: , name: 1a}]", "[{relu: , if: 1}]", "[mean: {axis: [1, 2]}]", "[mean: -1]", "[layernorm: {axes: all}]",
]  # fmt: skip
HEADS = [
    "name: x", "name: 12", "description: x", "source: x", "extends: x", "params: {a: 1, b: true, c: [1, [2]], d: a + 1}",
    "output: a", "output: [a, b.0]", "expect: {macs: 5, params: 4_000}", "budget: {macs: 4.1G, layers: 3}",
    "budget: [{macs: 5, set: {a: 0.5}}, {params: 5}]", "defaults: {conv: {bias: false, norm: batchnorm}, my_block: {a: 3}}",
    "blocks: {'unit(a, b=max(1, 2))': [relu], other: [], 'third()': []}",
]  # fmt: skip


@pytest.mark.parametrize("layers", WRITTEN)
def test_accepted_layers(layers):
    VALIDATOR.validate(yaml.safe_load(spec(layers)))


@pytest.mark.parametrize("head", HEADS)
def test_accepted_sections(head):
    VALIDATOR.validate(yaml.safe_load(spec("[relu]", head=f"{head}\n")))


@pytest.mark.parametrize("shape", ["[3, 224, 224]", "[3, r, 2 * r]", "{a: [3], b: [4, n]}"])
def test_accepted_inputs(shape):
    VALIDATOR.validate(yaml.safe_load(spec("[relu]", shape)))


REFUSED = [
    "", "[]", "5", "relu", "{}", "input: [3]", "layers: [relu]", "name: x", "input: []\nlayers: []",
    "input: [0]\nlayers: []", "input: 5\nlayers: []", "input: [3]\nlayers: 5", "input: [3]\nlayers: {relu: }",
    "input: [1, 1, 1, 1, 1, 1, 1, 1, 1]\nlayers: []", "input: {}\nlayers: []", "input: [[3]]\nlayers: []",
    *(spec("[relu]", head=f"{head}\n") for head in (
        "nam: x", "layer: []", "description: [x]", "params: [1]", "params: {1a: 3}", "params: {a-b: 3}", "params: {a: {b: 1}}",
        "params: {a: null}", "defaults: [conv]", "defaults: {conv: 3}", "defaults: {conv: {kernal: 3}}",
        "defaults: {relu: {x: 1}}", "blocks: [a]", "blocks: {a: 5}", "blocks: {'a b': []}", "output: {a: b}", "output: []",
        "expect: {mac: 5}", "expect: {macs: 4.1G}", "expect: {macs: -1}", "budget: {macs: 1.5}", "budget: 5",
        "budget: [5]", "budget: {set: 5}", "extends: [a]",
    )),
    *(spec(layers) for layers in (
        "[5]", "[null]", "[[relu]]", "[{}]", "[conv: {out: 3, kernal: 3}]", "[conv: {out: true, kernel: 3}]",
        "[conv: {out: 0, kernel: 3}]", "[conv: {out: 3, kernel: []}]", "[conv: {out: 3, kernel: 3, bias: 3}]",
        "[conv: {out: 3, kernel: 3, act: 5}]", "[conv: {out: 3, kernel: 3, norm: {}}]", "[linear: [3]]", "[linear: 0]",
        "[linear: true]", "[relu: {a: 3}]", "[dropout: 5]", "[upsample: {mode: 5}]", "[{relu: , name: a.b}]", "[{relu: , name: 12}]",
        "[{relu: , name: [a]}]", "[{relu: , from: 5}]", "[{relu: , from: []}]", "[{relu: , from: a..b}]", "[{relu: , repeat: -1}]",
        "[{relu: , repeat: [1]}]", "[{relu: , for: 5}]", "[{relu: , for: {}}]", "[{relu: , for: [1, 2]}]", "[{relu: , if: [1]}]",
        "[{relu: , share: [a]}]", "[{group: relu}]", "[{group: }]", "[{residual: 5}]", "[{residual: [relu], shortcut: gelu}]",
        "[{residual: [relu], skip: [1]}]", "[{concat: []}]", "[{concat: [relu, gelu]}]", "[{concat: {a: relu}}]",
        "[{let: 5}]", "[{let: {a: {b: 1}}}]", "[{split: {parts: 2, size: 3}}]", "[{'a b': 3}]",
    )),
]  # fmt: skip


@pytest.mark.parametrize("document", REFUSED)
def test_rejected_documents(document):
    assert not valid(document)
