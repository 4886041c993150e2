"""Reads the text of a spec from bytes, a stream or a file: UTF-8, of limited size."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

from costcalc.errors import Fault, Source, Span, SpecError, UsageError

MAX_BYTES = 16 * 2**20
_SAVE = "save the file as UTF-8"


def decode(data: bytes, name: str) -> Source:
    """Decode the text of a spec: UTF-8, with or without a byte order mark. Raises `SpecError`."""
    if len(data) > MAX_BYTES:
        message = f"the spec is larger than {MAX_BYTES // 2**20} MiB"
        raise SpecError([Fault(message, Span(Source(name, ""), 1, 1))])
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        fault = Fault("expected UTF-8, got UTF-16 or UTF-32", Span(Source(name, ""), 1, 1), (), _SAVE)
        raise SpecError([fault])
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return Source(name, data.decode())
    except UnicodeDecodeError as error:
        source = Source(name, data.decode(errors="replace"))
        span = Span(source, *place(source.text, len(data[: error.start].decode())))
        raise SpecError([Fault(f"invalid UTF-8: byte 0x{data[error.start]:02x}", span, (), _SAVE)]) from None


def place(text: str, index: int) -> tuple[int, int]:
    r"""Return the line and the column of a character, with the line breaks of YAML.

    >>> place("a\nb\r\ncd", 6)
    (3, 2)
    """
    lines = sum([text.count(sign, 0, index) for sign in "\n\r\x85\u2028\u2029"]) - text.count("\r\n", 0, index)
    return lines + 1, index - max([text.rfind(sign, 0, index) for sign in "\n\r\x85\u2028\u2029"])


def read_stream(stream: BinaryIO, name: str) -> Source:
    """Read the text of a spec from a stream, up to the limit. Raises `SpecError`."""
    parts: list[bytes] = []
    left = MAX_BYTES + 1
    while left > 0 and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return decode(b"".join(parts), name)


def read_file(path: str | os.PathLike[str]) -> Source:
    """Read the text of a spec from a regular file, not from a pipe or a device. Raises `UsageError`, `SpecError`."""
    name = os.fspath(path)
    try:
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as stream:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError("{} is not a regular file", name, help="use - to read a spec from standard input")
            return read_stream(stream, name)
    except IsADirectoryError:
        raise UsageError("expected a spec, got the folder {}", name, help="name a file in the folder") from None
    except FileNotFoundError:
        raise UsageError("cannot read {}: file not found", name) from None
    except (OSError, ValueError) as error:
        raise UsageError("cannot read {}: {}", name, getattr(error, "strerror", None) or error) from None
