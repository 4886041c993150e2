"""Writes small ONNX models: the wire format of Protocol Buffers, from onnx.proto."""

from __future__ import annotations

import struct
from math import prod

FLOAT, INT64, BOOL = 1, 7, 9


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def field(number, value):
    """A field: an integer, a text, bytes or a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(number, values):
    return b"".join(field(number, value) for value in values)


def tensor(name, shape, data=None, dtype=FLOAT):
    """A stored tensor: of zeros, or with integers."""
    body = fields(1, shape) + field(2, dtype) + field(8, name)
    if data is None:
        return body + field(9, bytes(prod(shape) * (8 if dtype == INT64 else 4)))
    return body + field(
        9, struct.pack(f"<{len(data)}{'q' if dtype == INT64 else '?' if dtype == BOOL else 'f'}", *data)
    )


def external(name, shape):
    """A stored tensor whose elements are in another file."""
    return fields(1, shape) + field(2, FLOAT) + field(8, name) + field(14, 1)


def value(name, shape, dtype=FLOAT):
    """The declaration of an input or an output. A text in the shape names a dimension."""
    dims = b"".join(field(1, field(2, size) if isinstance(size, str) else field(1, size)) for size in shape)
    return field(1, name) + field(2, field(1, field(1, dtype) + field(2, dims)))


def attribute(name, given):
    if isinstance(given, tuple):  # a kind and its value
        kind, given = given
        return field(1, name) + field({"graph": 6, "tensor": 5, "ref": 21}[kind], given)
    if isinstance(given, int):
        return field(1, name) + field(3, int(given)) + field(20, 2)
    if isinstance(given, str):
        return field(1, name) + field(4, given) + field(20, 3)
    if isinstance(given, float):
        return field(1, name) + varint(2 << 3 | 5) + struct.pack("<f", given)
    return field(1, name) + fields(8, given) + field(20, 7)


def node(kind, inputs, outputs, /, *, name="", domain="", **attributes):
    inputs, outputs = inputs.split(), outputs.split()
    return (
        fields(1, ["" if each == "_" else each for each in inputs])
        + fields(2, outputs)
        + field(3, name)
        + field(4, kind)
        + fields(5, [attribute(key, given) for key, given in attributes.items()])
        + field(7, domain)
    )


def graph(nodes, inputs, outputs, stored=(), info=()):
    """A graph; outputs are names."""
    outs = [each if isinstance(each, bytes) else value(each, ()) for each in outputs]
    return fields(1, nodes) + fields(5, stored) + fields(11, inputs) + fields(12, outs) + fields(13, info)


def model(nodes, inputs, outputs, stored=(), *, info=(), opset=17, functions=()):
    return (
        field(1, 8)
        + field(7, graph(nodes, inputs, outputs, stored, info))
        + field(8, field(1, "") + field(2, opset))
        + fields(25, functions)
    )
