"""The JSON Schema (draft 7) of the spec language, which editors use to complete and check specs.

It covers keys, ops, arguments and argument types. It does not cover names, expressions, shapes and the blocks of a
spec, which costcalc checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.lang.builtin_blocks import builtin
from costcalc.lang.template import STRUCTURES
from costcalc.model import MEASURES, SUSPICIONS
from costcalc.number_formats import BITS, PARTS
from costcalc.ops.argument_types import type_of
from costcalc.ops.base import registered, signature, summary

if TYPE_CHECKING:
    from costcalc.ops.base import Op

Schema = dict[str, object]

_NAME: Schema = {"type": "string", "pattern": "^(?![0-9]+$)[A-Za-z0-9_-]+$", "maxLength": 255}
_REFERENCE: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+(\\.([A-Za-z0-9_-]+|\\*)|\\[.+\\])*$"}
_REFERENCES: Schema = {"anyOf": [_REFERENCE, {"type": "array", "items": _REFERENCE, "minItems": 1}]}
_EXPRESSION: Schema = {"type": "string", "description": "an expression", "maxLength": 1000}
_EXACT: Schema = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9][0-9_]*$"}]}
"""An editor that follows YAML 1.2 reads 25_557_032 as a string."""
_COUNT: Schema = {"anyOf": [{"type": "integer", "minimum": 0}, _EXPRESSION]}
_CONDITION: Schema = {"anyOf": [{"type": "boolean"}, {"type": "integer"}, _EXPRESSION]}
_SHAPE: Schema = {
    "type": "array",
    "items": {"anyOf": [{"type": "integer", "minimum": 1}, _EXPRESSION]},
    "minItems": 1,
    "maxItems": 8,
}
_LAYERS: Schema = {"$ref": "#/definitions/layers"}
_VALUE: Schema = {"type": ["number", "boolean", "string", "array"]}
_FOLLOWER: Schema = {
    "anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "maxProperties": 1}],
    "description": "an op added after this one: a name, a name with arguments, or none",
}


_RULE: dict[str, object] = {"enum": list(SUSPICIONS)}
_FORMAT: Schema = {"enum": [*BITS]}
_DTYPE: Schema = {
    "anyOf": [
        _FORMAT,
        {"type": "string", "pattern": "^(weights|activations)="},
        {"type": "object", "properties": dict.fromkeys(PARTS, _FORMAT), "additionalProperties": False},
    ],
    "description": "the number formats of weights and activations",
}
_ALLOW: dict[str, object] = {
    "description": "rules of suspicions that are meant",
    "anyOf": [_RULE, {"type": "array", "items": _RULE}],
}


def schema() -> Schema:
    """Return the JSON Schema of a spec."""
    ops = registered()
    arguments = {name: _arguments(op) for name, op in ops.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "costcalc spec",
        "description": "A neural network for costcalc.",
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["input", "layers"]}, {"required": ["extends"]}],
        "properties": {
            "name": {"type": ["string", "integer"], "description": "default: the file's stem"},
            "description": {"type": "string"},
            "source": {"type": "string", "description": "the paper or code that defines the network"},
            "extends": {"type": "string", "description": "a spec in this folder or below, or a bundled spec"},
            "params": {
                "type": "object",
                "propertyNames": {"pattern": "^[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*$"},
                "additionalProperties": _VALUE,
                "description": "named values; --set changes them",
            },
            "input": {
                "anyOf": [_SHAPE, {"type": "object", "additionalProperties": _SHAPE, "minProperties": 1}],
                "description": "channels first, no batch: [3, 224, 224]",
            },
            "defaults": {
                "type": "object",
                "properties": dict(arguments),
                "additionalProperties": {"type": "object"},
                "description": "default arguments per op or block",
            },
            "blocks": {
                "type": "object",
                "propertyNames": {"pattern": "^\\s*[A-Za-z0-9_-]+\\s*(\\(.*\\))?\\s*$"},
                "additionalProperties": _LAYERS,
                "description": "templates: bottleneck(mid, stride=1): [...]",
            },
            "layers": _LAYERS,
            "output": {**_REFERENCES, "description": "default: the last layer"},
            "dtype": _DTYPE,
            "allow": _ALLOW,
            "expect": _limits("exact totals, for example from a paper", _EXACT),
            "budget": _limits("limits for costcalc check", {"type": ["integer", "string"]}),
        },
        "definitions": {
            "layers": {"type": "array", "items": {"$ref": "#/definitions/layer"}},
            "layer": {
                "anyOf": [
                    {"type": "string", "anyOf": [{"enum": [*ops, *builtin()]}, {"type": "string"}]},
                    {"$ref": "#/definitions/item"},
                ]
            },
            "item": _item(ops, arguments),
        },
    }


def _item(ops: dict[str, type[Op]], arguments: dict[str, Schema]) -> Schema:
    properties: dict[str, object] = {
        name: {**_call(op, arguments[name]), "description": f"{signature(op)}\n\n{summary(op)}"}
        for name, op in ops.items()
    }
    branches: Schema = {
        "anyOf": [
            {"type": "array", "items": _LAYERS, "minItems": 1},
            {"type": "object", "additionalProperties": _LAYERS, "minProperties": 1},
        ]
    }
    joins = {name: _call(ops[name], arguments[name]) for name in STRUCTURES if name in ops}
    properties |= {name: {"anyOf": [branches, _LAYERS, call]} for name, call in joins.items()}
    properties |= {
        "group": {**_LAYERS, "description": "a list of layers with one name"},
        "map": {**_LAYERS, "description": "applies the list to each of several tensors; i is the number of the tensor"},
        "residual": {**_LAYERS, "description": "adds its input to the result of the list"},
        "moe": {**_LAYERS, "description": "a mixture of experts: the list is one of them"},
        "experts": {**_COUNT, "description": "number of experts beside moe"},
        "active": {**_COUNT, "description": "number of experts that a token goes to"},
        "shared": {**_LAYERS, "description": "the layers of the expert that every token goes to"},
        "shortcut": {**_LAYERS, "description": "the layers of the other branch of a residual"},
        "skip": {**_CONDITION, "description": "if false, a residual adds nothing"},
        "axis": {"type": ["integer", "string"]},
        "branches": {**_COUNT, "description": "number of equal branches beside concat, add or mul; i is the index"},
        "let": {
            "type": "object",
            "additionalProperties": _VALUE,
            "description": "named values for the following items",
        },
        "name": _NAME,
        "from": _REFERENCES,
        "repeat": {**_COUNT, "description": "number of copies in sequence; i is the index, from 0"},
        "tied": {"type": "boolean", "description": "the copies of repeat share their weights"},
        "for": {
            "anyOf": [
                {"type": "object", "additionalProperties": {"type": ["array", "string"]}, "minProperties": 1},
                {"type": "array", "items": {"type": "array"}, "minItems": 1},
            ],
            "description": "one copy per row of values: columns, or a table with a header row",
        },
        "if": {**_CONDITION, "description": "if false, the layer is left out"},
        "else": {**_LAYERS, "description": "the layers in place of this one if the condition is false"},
        "output": {**_REFERENCES, "description": "as the last item: the outputs of the list"},
        "share": {**_REFERENCE, "description": "the layer, block or group whose weights are used"},
        "dtype": _DTYPE,
        "allow": _ALLOW,
        "note": {"type": ["string", "number", "boolean"]},
    }
    return {
        "type": "object",
        "minProperties": 1,
        "properties": properties,
        "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},
        "if": {"not": {"required": ["branches"]}},
        "then": {"properties": {name: {"anyOf": [branches, call]} for name, call in joins.items()}},
    }


def _arguments(op: type[Op]) -> Schema:
    """Return the schema of the arguments of an op."""
    properties: dict[str, object] = {}
    for field, annotation in op.fields.items():
        kind = type_of(annotation)
        properties[field] = {"anyOf": [kind.schema, _EXPRESSION], "description": kind.takes}
    if op.followed:
        properties |= {"norm": _FOLLOWER, "act": _FOLLOWER}
    properties["dtype"] = _DTYPE
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _call(op: type[Op], arguments: Schema) -> Schema:
    """Return the schema of the value of an op: arguments, a single value, or nothing."""
    if not op.fields:
        return {"anyOf": [arguments, {"type": "null"}]}
    first = type_of(next(iter(op.fields.values())))
    return {"anyOf": [arguments, first.schema, _EXPRESSION, {"type": "null"}]}


def _limits(description: str, figure: Schema) -> Schema:
    entry: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **dict.fromkeys(MEASURES, figure),
            "set": {"type": "object", "additionalProperties": _VALUE},
        },
    }
    return {"anyOf": [entry, {"type": "array", "items": entry}], "description": description}
