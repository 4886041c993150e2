"""A spec's text, from bytes, a stream or a file: UTF-8, of bounded size."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

from costcalc.errors import Fault, Source, Span, SpecError, UsageError

MAX_BYTES = 16 * 2**20
_SAVE = "save the file as UTF-8"


def decode(data: bytes, name: str) -> Source:
    """A spec's text from its bytes: UTF-8, with or without a byte order mark. Raises `SpecError`."""
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 2**20} MiB, the limit of a spec"
        raise SpecError([Fault(message, Span(Source(name, ""), 1, 1))])
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")):
        fault = Fault("the text is not UTF-8 but UTF-16 or UTF-32", Span(Source(name, ""), 1, 1), (), _SAVE)
        raise SpecError([fault])
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return Source(name, data.decode())
    except UnicodeDecodeError as error:
        source = Source(name, data.decode(errors="replace"))
        span = Span(source, *place(source.text, len(data[: error.start].decode())))
        raise SpecError([Fault(f"the byte 0x{data[error.start]:02x} is not UTF-8", span, (), _SAVE)]) from None


def place(text: str, index: int) -> tuple[int, int]:
    r"""The line and the column of a character, as YAML counts lines.

    >>> place("a\nb\r\ncd", 6)
    (3, 2)
    """
    lines = sum([text.count(sign, 0, index) for sign in "\n\r\x85\u2028\u2029"]) - text.count("\r\n", 0, index)
    return lines + 1, index - max([text.rfind(sign, 0, index) for sign in "\n\r\x85\u2028\u2029"])


def read_stream(stream: BinaryIO, name: str) -> Source:
    """A spec's text from a stream, which is read no further than the limit. Raises `SpecError`."""
    parts: list[bytes] = []
    left = MAX_BYTES + 1
    while left > 0 and (part := stream.read(left)):
        parts.append(part)
        left -= len(part)
    return decode(b"".join(parts), name)


def read_file(path: str | os.PathLike[str]) -> Source:
    """A spec's text from a regular file; a pipe or a device is never waited for. Raises `UsageError`, `SpecError`."""
    name = os.fspath(path)
    try:
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as stream:  # noqa: PTH123
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError("{} is not a regular file", name, help="- reads a spec from standard input")
            return read_stream(stream, name)
    except IsADirectoryError:
        raise UsageError("{} is a folder, not a spec", name, help="give a file of the folder") from None
    except FileNotFoundError:
        raise UsageError("there is no file {}", name) from None
    except (OSError, ValueError) as error:
        raise UsageError("cannot read {}: {}", name, getattr(error, "strerror", None) or error) from None
