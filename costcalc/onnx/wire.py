"""Reads the messages of an ONNX file from the wire format of Protocol Buffers.

Only what describes the graph is read. The elements of large tensors stay in the file, which is mapped into memory: a
file of 350 MB takes milliseconds and a few megabytes, where the `onnx` package takes 190 ms to import and 700 MB.

Source: onnx.proto of ONNX 1.23; https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Any, TypeAlias

MAX_DEPTH = 60
MAX_MESSAGES = 3_000_000
INLINE = 65_536
"""The largest field, in bytes, that is copied; a longer one is a place in the file."""

Buffer: TypeAlias = "bytes | mmap.mmap"

INT, TEXT, BYTES, FLOAT = "int", "text", "bytes", "float"
SCHEMA: dict[str, dict[int, tuple[str, str, bool]]] = {
    "Model": {
        7: ("graph", "Graph", False), 8: ("opset_import", "Opset", True), 14: ("metadata", "Entry", True),
        25: ("functions", "Function", True),
    },
    "Opset": {1: ("domain", TEXT, False), 2: ("version", INT, False)},
    "Entry": {1: ("key", TEXT, False), 2: ("value", TEXT, False)},
    "Graph": {
        1: ("node", "Node", True), 2: ("name", TEXT, False), 5: ("initializer", "Tensor", True),
        11: ("input", "Value", True), 12: ("output", "Value", True), 13: ("value_info", "Value", True),
        15: ("sparse_initializer", "Sparse", True),
    },
    "Node": {
        1: ("input", TEXT, True), 2: ("output", TEXT, True), 3: ("name", TEXT, False), 4: ("op_type", TEXT, False),
        5: ("attribute", "Attribute", True), 7: ("domain", TEXT, False), 9: ("metadata", "Entry", True),
    },
    "Attribute": {
        1: ("name", TEXT, False), 2: ("f", FLOAT, False), 3: ("i", INT, False), 4: ("s", BYTES, False),
        5: ("t", "Tensor", False), 6: ("g", "Graph", False), 7: ("floats", FLOAT, True), 8: ("ints", INT, True),
        9: ("strings", BYTES, True), 21: ("ref_attr_name", TEXT, False),
    },
    "Tensor": {
        1: ("dims", INT, True), 2: ("data_type", INT, False), 4: ("float_data", FLOAT, True),
        5: ("int32_data", INT, True), 7: ("int64_data", INT, True), 8: ("name", TEXT, False),
        9: ("raw_data", BYTES, False), 14: ("data_location", INT, False),
    },
    "Sparse": {1: ("values", "Tensor", False), 3: ("dims", INT, True)},
    "Value": {1: ("name", TEXT, False), 2: ("type", "Type", False)},
    "Type": {1: ("tensor_type", "TensorType", False)},
    "TensorType": {1: ("elem_type", INT, False), 2: ("shape", "Shape", False)},
    "Shape": {1: ("dim", "Dim", True)},
    "Dim": {1: ("dim_value", INT, False), 2: ("dim_param", TEXT, False)},
    "Function": {
        1: ("name", TEXT, False), 4: ("input", TEXT, True), 5: ("output", TEXT, True), 7: ("node", "Node", True),
        9: ("opset_import", "Opset", True), 10: ("domain", TEXT, False), 11: ("attribute_proto", "Attribute", True),
    },
}  # fmt: skip
"""The fields of each message that are read: name, kind or message, and whether it is repeated."""

EMPTY: dict[str, Any] = {INT: 0, TEXT: "", BYTES: b"", FLOAT: 0.0}
DEFAULTS = {
    kind: {name: () if repeated else EMPTY.get(what) for name, what, repeated in fields.values()}
    for kind, fields in SCHEMA.items()
}


class MalformedError(Exception):
    """The file is not an ONNX model, or is cut short."""


class Message:
    """A message. A field that is not in the file has its default."""

    def __init__(self, kind: str) -> None:
        self.__dict__["kind"] = kind

    def __getattr__(self, name: str) -> Any:
        """Return the default of a field."""
        try:
            return DEFAULTS[self.__dict__["kind"]][name]
        except KeyError:
            raise AttributeError(name) from None

    def has(self, name: str) -> bool:
        """Return whether the file has a field."""
        return name in self.__dict__

    def changed(self, **fields: Any) -> Message:
        """Return a copy with some fields replaced."""
        other = Message(self.kind)
        other.__dict__.update(self.__dict__)
        other.__dict__.update(fields)
        return other


class FilePlace(tuple[int, int]):
    """The place of a long field in the file: its start and its end."""

    __slots__ = ()


class Reader:
    """Reads messages from a buffer."""

    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.messages = 0

    def message(self, start: int, end: int, kind: str, depth: int = 0) -> Message:
        """Return the message between two places."""
        self.messages += 1
        if depth > MAX_DEPTH or self.messages > MAX_MESSAGES:
            raise MalformedError("nested too deeply" if depth > MAX_DEPTH else f"more than {MAX_MESSAGES:,} messages")
        buffer, fields, message, position = self.buffer, SCHEMA[kind], Message(kind), start
        values = message.__dict__
        while position < end:
            tag, position = self.varint(position, end)
            wire, field = tag & 7, fields.get(tag >> 3)
            if wire == 2:
                length, position = self.varint(position, end)
                stop = position + length
                if stop > end:
                    raise MalformedError("a field is longer than its message")
                if field is not None:
                    self.field(values, field, position, stop, depth)
                position = stop
            elif wire == 0:
                number, position = self.varint(position, end)
                if field is not None and field[1] == INT:
                    _put(values, field, _signed(number))
            elif wire in (1, 5):
                size = 8 if wire == 1 else 4
                if position + size > end:
                    raise MalformedError("the file is cut short")
                if field is not None and field[1] == FLOAT and wire == 5:
                    _put(values, field, struct.unpack_from("<f", buffer, position)[0])
                position += size
            else:
                raise MalformedError(f"unknown wire type {wire}")
        return message

    def field(self, values: dict[str, Any], field: tuple[str, str, bool], start: int, end: int, depth: int) -> None:
        """Read a field with a length: a text, bytes, a message, or packed numbers."""
        name, what, repeated = field
        if what == TEXT:
            _put(values, field, bytes(self.buffer[start:end]).decode("utf-8", "replace"))
        elif what == BYTES:
            _put(values, field, FilePlace((start, end)) if end - start > INLINE else bytes(self.buffer[start:end]))
        elif what in (INT, FLOAT):
            if end - start > INLINE and values.get(name) is None:
                values[name] = FilePlace((start, end))
            elif repeated and not isinstance(values.get(name), FilePlace):
                values.setdefault(name, []).extend(self.packed(start, end, what))
        else:
            _put(values, field, self.message(start, end, what, depth + 1))

    def packed(self, start: int, end: int, what: str) -> list[Any]:
        """Return packed numbers."""
        if what == FLOAT:
            if (end - start) % 4:
                raise MalformedError("packed floats are cut short")
            return list(struct.unpack(f"<{(end - start) // 4}f", self.buffer[start:end]))
        numbers = []
        while start < end:
            number, start = self.varint(start, end)
            numbers.append(_signed(number))
        return numbers

    def varint(self, position: int, end: int) -> tuple[int, int]:
        """Return a number of variable length, and the place after it."""
        buffer, shift, value = self.buffer, 0, 0
        while position < end and shift < 70:
            byte = buffer[position]
            position += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & 0xFFFFFFFFFFFFFFFF, position
            shift += 7
        raise MalformedError("the file is cut short")


def _put(values: dict[str, Any], field: tuple[str, str, bool], value: Any) -> None:
    name, _, repeated = field
    if repeated and not isinstance(values.get(name), FilePlace):
        values.setdefault(name, []).append(value)
    elif not repeated:
        values[name] = value


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number


DATA = frozenset((4, 5, 7, 9, 10))
"""The fields of a tensor with its elements."""


def without_weights(buffer: Buffer) -> bytes:
    """Return a model without the elements of its large tensors. Raises `MalformedError`."""
    return b"".join(_kept(Reader(buffer), 0, len(buffer), "Model"))


def _kept(reader: Reader, start: int, end: int, kind: str) -> list[bytes]:
    """Return the parts of a message, without long fields that hold elements."""
    parts, buffer, position = [], reader.buffer, start
    while position < end:
        begin = position
        tag, position = reader.varint(position, end)
        number, wire = tag >> 3, tag & 7
        if wire == 2:
            key = position
            length, position = reader.varint(position, end)
            stop = position + length
            if stop > end:
                raise MalformedError("a field is longer than its message")
            what = SCHEMA[kind].get(number, ("", "", False))[1]
            if length > INLINE and what in SCHEMA:
                inner = b"".join(_kept(reader, position, stop, what))
                parts += [bytes(buffer[begin:key]), _varint(len(inner)), inner]
            elif length <= INLINE or not (kind == "Tensor" and number in DATA):
                parts.append(bytes(buffer[begin:stop]))
            position = stop
        elif wire == 0:
            position = reader.varint(position, end)[1]
            parts.append(bytes(buffer[begin:position]))
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
            parts.append(bytes(buffer[begin:position]))
        else:
            raise MalformedError(f"unknown wire type {wire}")
    if position > end:
        raise MalformedError("the file is cut short")
    return parts


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def read_without_weights(path: str) -> bytes:
    """Return the model of a file without the elements of its large tensors. Raises `MalformedError` and `OSError`."""
    with open(path, "rb") as file:  # noqa: PTH123
        size = os.fstat(file.fileno()).st_size
        if size <= INLINE:
            return without_weights(file.read())
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
            return without_weights(buffer)


def loads(buffer: Buffer) -> Message:
    """Return the model in a buffer. Raises `MalformedError`."""
    model = Reader(buffer).message(0, len(buffer), "Model")
    if not model.has("graph"):
        raise MalformedError("there is no graph in it")
    return model
