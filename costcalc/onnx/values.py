"""The tensors of an ONNX graph: shapes, and the elements of small ones."""

from __future__ import annotations

import struct
from math import prod
from typing import TYPE_CHECKING, Any

from costcalc.onnx.wire import FilePlace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costcalc.onnx.wire import Buffer, Message

MOST = 8192
"""The largest tensor, in elements, that is followed by value."""
BOOL, INT64, FLOAT = 9, 7, 1
FLOATS = frozenset((1, 10, 11, 16, 17, 18, 19, 20, 23, 24))
"""The number formats that learned weights have: float, float16, double, bfloat16 and the floats of 8 and 4 bits."""
QUANTIZED = frozenset((2, 3, 6, 21, 22))
"""Those of quantised weights and biases: uint8, int8, int32, uint4, int4. Indices and shapes are int64."""
NAMES = {
    1: "fp32", 2: "int8", 3: "int8", 4: "int16", 5: "int16", 6: "int32", 7: "int64", 9: "int8", 10: "fp16", 11: "fp64",
    12: "int32", 13: "int64", 16: "bf16", 17: "fp8", 18: "fp8", 19: "fp8", 20: "fp8", 21: "int4", 22: "int4",
}  # fmt: skip
"""The formats of this package by those of ONNX. A format without a sign takes as many bits."""
_FORMATS = {1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d", 12: "I", 13: "Q"}


class NodeError(Exception):
    """A node that cannot be read: its shapes do not fit, or depend on what is not known."""


class UnknownShapeError(NodeError):
    """The shape of a tensor depends on data."""


class Value:
    """A tensor: its shape, None if it depends on data; its number format; its elements if they are few and known.

    `stored` are the tensors in the file that it is, or is computed from: name, elements and number format.
    """

    __slots__ = ("constant", "data", "dtype", "name", "shape", "stored")

    def __init__(
        self,
        shape: Sequence[int] | None,
        dtype: int = FLOAT,
        data: list[Any] | None = None,
        *,
        name: str = "",
        constant: bool = False,
        stored: tuple[tuple[str, int, int], ...] = (),
    ) -> None:
        self.shape = None if shape is None else tuple(shape)
        self.dtype = dtype
        self.data = data if data is None or len(data) <= MOST else None
        self.name = name
        self.constant = constant
        self.stored = stored

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.known)

    @property
    def known(self) -> tuple[int, ...]:
        """The shape. Raises `UnknownShapeError` if it depends on data."""
        if self.shape is None:
            raise UnknownShapeError(f"the shape of {self.name or 'its input'} depends on data")
        return self.shape


def stored(tensor: Message, buffer: Buffer, name: str = "") -> Value:
    """Return the value of a tensor in the file."""
    shape, name = tuple(tensor.dims), name or tensor.name
    size = prod(shape)
    if any(dim < 0 for dim in shape):
        raise NodeError(f"{name} has a negative size")
    data = None if size > MOST or tensor.data_location else _elements(tensor, buffer, size)
    if data is not None and len(data) != size:
        data = None
    return Value(shape, tensor.data_type, data, name=name, constant=True, stored=((name, size, tensor.data_type),))


def _elements(tensor: Message, buffer: Buffer, size: int) -> list[Any] | None:
    """Return the elements of a small tensor, or None if they are in a format that is not followed."""
    kind = tensor.data_type
    if tensor.has("raw_data"):
        raw = tensor.raw_data
        if isinstance(raw, FilePlace):
            raw = bytes(buffer[raw[0] : raw[1]])
        code = _FORMATS.get(kind)
        if code is None or len(raw) != size * struct.calcsize(f"<{code}"):
            return None
        return list(struct.unpack(f"<{size}{code}", raw))
    fields = {1: "float_data", 7: "int64_data", 13: "int64_data"} | dict.fromkeys((2, 3, 4, 5, 6, 9), "int32_data")
    data = getattr(tensor, fields[kind]) if kind in fields else None
    return None if data is None or isinstance(data, FilePlace) else list(data)


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that some shapes broadcast to. Raises `NodeError`.

    >>> broadcast((3, 1), (4,)), broadcast((), (2, 0))
    ((3, 4), (2, 0))
    """
    rank = max(map(len, shapes), default=0)
    out = []
    for place in range(-rank, 0):
        sizes = {shape[place] for shape in shapes if len(shape) >= -place} - {1}
        if len(sizes) > 1:
            raise NodeError(f"the shapes {', '.join(str(list(shape)) for shape in shapes)} do not broadcast")
        out.append(sizes.pop() if sizes else 1)
    return tuple(out)


def spread(value: Value, shape: tuple[int, ...]) -> list[Any]:
    """Return the elements of a value, broadcast to a shape."""
    data, own = value.data or [], value.known
    if own == shape:
        return data
    if len(data) == 1:
        return data * prod(shape)
    steps, step = [], 1
    for size in reversed(own):
        steps.append(0 if size == 1 else step)
        step *= size
    steps = [0] * (len(shape) - len(own)) + steps[::-1]
    places = [0]
    for size, by in zip(shape, steps, strict=True):
        places = [place + index * by for place in places for index in range(size)]
    return [data[place] for place in places]


def axis_of(axis: int, rank: int) -> int:
    """Return an axis as an index from 0. Raises `NodeError`."""
    if not -rank <= axis < max(rank, 1):
        raise NodeError(f"axis {axis} is out of range for {rank} dimensions")
    return axis % rank if rank else 0
