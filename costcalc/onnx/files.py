"""Reads ONNX files into sources. Weights are left out."""

from __future__ import annotations

from costcalc.errors import Fault, Source, SpecError

_POINTER = b"version https://git-lfs"


def read_model(path: str) -> Source:
    """Read a model from a file. Raises `SpecError` and `OSError`."""
    from costcalc.onnx.wire import MalformedError, read_without_weights

    try:
        return _source(path, read_without_weights(path))
    except (MalformedError, IndexError, RecursionError) as error:
        with open(path, "rb") as file:  # noqa: PTH123
            raise _malformed(path, file.read(len(_POINTER)), error) from None


def decode_model(data: bytes, name: str) -> Source:
    """Return the source of a model in memory. Raises `SpecError`."""
    from costcalc.onnx.wire import MalformedError, without_weights

    try:
        return _source(name, without_weights(data))
    except (MalformedError, IndexError, RecursionError) as error:
        raise _malformed(name, data[: len(_POINTER)], error) from None


def _source(name: str, data: bytes) -> Source:
    return Source(name, data.decode("latin-1"))


def _malformed(name: str, start: bytes, error: Exception) -> SpecError:
    if start == _POINTER:
        message, help = "a pointer of Git LFS, not the model", "fetch the model with git lfs pull"
    else:
        message, help = f"not an ONNX file: {error}", ""
    return SpecError([Fault(f"{name}: {message}", None, (), help)])
