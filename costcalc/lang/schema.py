"""The language as a JSON Schema (draft 7), which editors use to complete and to check specs while they are written.

It knows what a schema can know: keys, ops, their arguments and the kinds of these. Names, expressions, shapes and a
file's own blocks are costcalc's own to check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.lang.builtin_blocks import builtin
from costcalc.lang.template import STRUCTURES
from costcalc.model import METRICS
from costcalc.ops.argument_types import type_of
from costcalc.ops.base import registered, signature, summary

if TYPE_CHECKING:
    from costcalc.ops.base import Op

Schema = dict[str, object]

_NAME: Schema = {"type": "string", "pattern": "^(?![0-9]+$)[A-Za-z0-9_-]+$", "maxLength": 255}
_REFERENCE: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$"}
_REFERENCES: Schema = {"anyOf": [_REFERENCE, {"type": "array", "items": _REFERENCE, "minItems": 1}]}
_EXPRESSION: Schema = {"type": "string", "description": "an expression", "maxLength": 1000}
_EXACT: Schema = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9][0-9_]*$"}]}
"""25_557_032 is text to an editor that reads YAML 1.2."""
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
    "description": "an op that is written behind this one: a name, or a name with arguments, or none",
}


def schema() -> Schema:
    """The schema of a spec."""
    ops = registered()
    arguments = {name: _arguments(op) for name, op in ops.items()}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "costcalc spec",
        "description": "A neural network, whose cost costcalc counts.",
        "type": "object",
        "additionalProperties": False,
        "anyOf": [{"required": ["input", "layers"]}, {"required": ["extends"]}],
        "properties": {
            "name": {"type": ["string", "integer"], "description": "default: the file's stem"},
            "description": {"type": "string"},
            "source": {"type": "string", "description": "the paper or the code that the network follows"},
            "extends": {"type": "string", "description": "a spec beside or below this one, or a bundled one"},
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
            "expect": _limits("published totals that this spec is held to", _EXACT),
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
    for name in STRUCTURES:
        if name in ops:
            properties[name] = {"anyOf": [branches, _call(ops[name], arguments[name])]}
    properties |= {
        "group": {**_LAYERS, "description": "a list under one name"},
        "residual": {**_LAYERS, "description": "adds its input to the result of the list"},
        "shortcut": {**_LAYERS, "description": "layers on the other path of a residual"},
        "skip": {**_CONDITION, "description": "when false, a residual adds nothing"},
        "axis": {"type": ["integer", "string"]},
        "let": {"type": "object", "additionalProperties": _VALUE, "description": "names for the items below"},
        "name": _NAME,
        "from": _REFERENCES,
        "repeat": {**_COUNT, "description": "so many times in a row; i counts"},
        "for": {
            "anyOf": [
                {"type": "object", "additionalProperties": {"type": ["array", "string"]}, "minProperties": 1},
                {"type": "array", "items": {"type": "array"}, "minItems": 1},
            ],
            "description": "repeats with values: columns, or a table with a header row",
        },
        "if": {**_CONDITION, "description": "left out when false"},
        "share": {**_REFERENCE, "description": "uses the weights of the layer, block or group of this name"},
        "note": {"type": ["string", "number", "boolean"]},
    }
    return {
        "type": "object",
        "minProperties": 1,
        "properties": properties,
        "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"},
    }


def _arguments(op: type[Op]) -> Schema:
    """The arguments of an op as a mapping."""
    properties: dict[str, object] = {}
    for field, annotation in op.fields.items():
        kind = type_of(annotation)
        properties[field] = {"anyOf": [kind.schema, _EXPRESSION], "description": kind.takes}
    if op.followed:
        properties |= {"norm": _FOLLOWER, "act": _FOLLOWER}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _call(op: type[Op], arguments: Schema) -> Schema:
    """What may stand behind the name of an op: arguments, a lone value, or nothing."""
    if not op.fields:
        return {"anyOf": [arguments, {"type": "null"}]}
    first = type_of(next(iter(op.fields.values())))
    return {"anyOf": [arguments, first.schema, _EXPRESSION, {"type": "null"}]}


def _limits(description: str, figure: Schema) -> Schema:
    entry: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **dict.fromkeys(METRICS, figure),
            "set": {"type": "object", "additionalProperties": _VALUE},
        },
    }
    return {"anyOf": [entry, {"type": "array", "items": entry}], "description": description}
