"""Reads TOML with locations. `tomllib` reads the values; a scan of the same text finds the location of each."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from costcalc.errors import Fault, Span, SpecError
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from costcalc.errors import Source

MAX_CHARACTERS = 2**20
"""The number of characters of a configuration."""
MAX_KEYS = 64
"""The number of names in a dotted key. `tomllib` stores each prefix, so its memory grows with the square."""
MAX_WORD = 1_000
"""The number of characters of a number or bare key. Python does not convert integers of thousands of digits."""

Path = tuple[str | int, ...]
"""Keys, and positions in arrays, from the root to a value."""


class Place(NamedTuple):
    """The locations of a key and its value. For an entry of an array, both are that of the value."""

    key: Span
    value: Span


class Document(NamedTuple):
    """The values of a TOML text, and their locations."""

    values: dict[str, Any]
    places: dict[Path, Place]
    source: Source

    def place(self, *path: str | int) -> Place:
        """Return the location of a value; for a missing value, that of the nearest table around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        start = Span(self.source, 1, 1)
        return Place(start, start)


def read(source: Source) -> Document:
    r"""Read a TOML text. Raises `SpecError` with the location of an error.

    >>> from costcalc.errors import Source
    >>> document = read(Source("costcalc.toml", '[[budget]]\nmacs = "130M"  # per image\n'))
    >>> document.values
    {'budget': [{'macs': '130M'}]}
    >>> document.place("budget", 0, "macs").value[1:]
    (2, 8, 6)
    """
    import tomllib

    refuse_bombs(source)
    try:
        values = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError([_fault(source, str(error))]) from None
    except RecursionError:
        raise SpecError([Fault("arrays or tables are nested too deeply", Span(source, 1, 1))]) from None
    return Document(values, _Scan(source).places(), source)


def refuse_bombs(source: Source) -> None:
    """Raise `SpecError` for a text for which `tomllib` would need much time or memory."""
    text = source.text
    if len(text) > MAX_CHARACTERS:
        message = f"the file has {len(text):,} characters; the maximum for a configuration is {MAX_CHARACTERS:,}"
        raise SpecError([Fault(message, Span(source, 1, 1))])
    for token in _TOKEN.finditer(text):
        refusal = _REFUSED.get(token.lastgroup or "")
        if refusal:
            start = token.start()
            span = Span(source, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
            raise SpecError([Fault(refusal, span)])


def _fault(source: Source, message: str) -> Fault:
    match = re.search(r" \(at line (\d+), column (\d+)\)", message)
    lines = source.text.replace("\r\n", "\n").split("\n")
    line, column = (int(match[1]), int(match[2])) if match else (len(lines), len(lines[-1]) + 1)
    reason = message.partition(" (at ")[0]
    bare = re.search(r"=\s*([+\d][\d._]*(?:[kKMGT]|%))", lines[line - 1] if line <= len(lines) else "")
    help = f'write the figure as a string: "{bare[1]}"' if bare else ""
    return Fault(f"invalid TOML: {reason[:1].lower()}{reason[1:]}", Span(source, line, column), (), help)


_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+')
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
_TOKEN = re.compile(
    r'#[^\n]*|"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|'
    rf"(?P<dotted>(?:{_KEY.pattern})(?:[ \t]*\.[ \t]*(?:{_KEY.pattern})){{{MAX_KEYS},}})|"
    rf"(?P<long>[A-Za-z0-9_-]{{{MAX_WORD},}})|{_KEY.pattern}",
    re.DOTALL,
)
"""Comments, strings and keys, so that dots in a string or a comment do not count."""
_REFUSED = {
    "dotted": f"the key has more than {MAX_KEYS} names",
    "long": f"the number or key has {MAX_WORD:,} characters or more",
}
_BARE = re.compile(r"[^,\]}#\r\n]+")


class _Scan:
    """A pass over a text that `tomllib` has accepted, so every token is valid."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.offset = 0
        self.located: dict[Path, Place] = {}
        self.sizes: dict[Path, int] = {}
        self.lines = [0, *[match.end() for match in re.finditer("\n", self.text)]]
        """The offset of each line."""

    def places(self) -> dict[Path, Place]:
        """Return the location of each key and value."""
        table: Path = ()
        while self.skip(_BLANK) < len(self.text):
            begin = self.offset
            if self.text[self.offset] != "[":
                self.pair(table)
                continue
            repeated = self.text.startswith("[[", self.offset)
            self.offset += 1 + repeated
            keys = self.keys()
            self.offset = self.text.index("]", self.offset) + 1 + repeated
            table = ()
            for key in keys[:-1]:
                table = self.last((*table, key))
            table = (*table, keys[-1])
            if repeated:
                self.sizes[table] = self.sizes.get(table, 0) + 1
                table = self.last(table)
            span = self.span(begin, self.offset)
            self.located.setdefault(table, Place(span, span))
            if repeated:
                self.located.setdefault(table[:-1], Place(span, span))
        return self.located

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.offset)
        self.offset = match.end() if match else self.offset
        return self.offset

    def last(self, table: Path) -> Path:
        """Return the last entry of an array of tables, or the table itself."""
        return (*table, self.sizes[table] - 1) if table in self.sizes else table

    def span(self, begin: int, end: int) -> Span:
        """Return the location of a part of the text, up to the end of its first line."""
        line = bisect_right(self.lines, begin)
        start = self.lines[line - 1]
        stop = self.text.find("\n", begin, end)
        first = self.text[begin : end if stop < 0 else stop].rstrip()
        return Span(self.source, line, begin - start + 1, len(first) or 1)

    def keys(self) -> list[str]:
        keys = []
        while True:
            self.skip(_SPACE)
            match = _KEY.match(self.text, self.offset)
            assert match
            self.offset = match.end()
            written = match[0]
            if written[0] == '"':
                import tomllib

                keys.append(str(tomllib.loads(f"key = {written}")["key"]))
            else:
                keys.append(written.strip("'"))
            if self.text[self.skip(_SPACE) : self.offset + 1] != ".":
                return keys
            self.offset += 1

    def pair(self, table: Path) -> None:
        begin = self.offset
        keys = self.keys()
        end = self.offset
        while self.text[end - 1] in " \t":
            end -= 1
        self.offset = self.text.index("=", self.offset) + 1
        self.skip(_SPACE)
        key = self.span(begin, end)
        path = (*table, *keys)
        value = self.value(path)
        self.located[path] = Place(key, value)
        for length in range(len(table) + 1, len(path)):
            self.located.setdefault(path[:length], Place(key, value))

    def value(self, path: Path) -> Span:
        begin = self.offset
        opening = self.text[begin]
        if opening in "\"'":
            self.skip(_STRING)
        elif opening not in "[{":
            self.skip(_BARE)
            return self.span(begin, self.offset)
        else:
            self.offset += 1
            count = 0
            while self.text[self.skip(_BLANK)] not in "]}":
                if self.text[self.offset] == ",":
                    self.offset += 1
                elif opening == "{":
                    self.pair(path)
                else:
                    value = self.value((*path, count))
                    self.located[*path, count] = Place(value, value)
                    count += 1
            self.offset += 1
        return self.span(begin, self.offset)
