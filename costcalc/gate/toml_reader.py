"""TOML with places. `tomllib` reads the values; a scan of the same text finds where each key and value stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.errors import Fault, Span, SpecError

if TYPE_CHECKING:
    from costcalc.errors import Source

MAX_CHARACTERS = 2**20
"""Characters of a configuration."""
MAX_KEYS = 64
"""Names in one dotted key. `tomllib` keeps each of its beginnings, so its memory grows with the square of them."""
MAX_WORD = 1_000
"""Characters of a number, or of a key without quotes. Python neither reads nor writes ints of some thousand digits."""

Path = tuple[str | int, ...]
"""Keys, and positions in arrays, from the root to a value."""


class Place(NamedTuple):
    """Where a value's key stands, and the value itself; an array's entry has no key of its own."""

    key: Span
    value: Span


class Document(NamedTuple):
    """The values of a TOML text, and the places of those that it writes out."""

    values: dict[str, Any]
    places: dict[Path, Place]
    source: Source

    def place(self, *path: str | int) -> Place:
        """Where a value stands; of one that is not written out, the nearest one around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        start = Span(self.source, 1, 1)
        return Place(start, start)


def read(source: Source) -> Document:
    r"""The values of a text and their places. Raises `SpecError` with the place where the text is no TOML.

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
        raise SpecError([Fault("arrays or tables nested too deeply", Span(source, 1, 1))]) from None
    return Document(values, _Scan(source).places(), source)


def refuse_bombs(source: Source) -> None:
    """Raise `SpecError` for a text that would take `tomllib` much time or memory."""
    text = source.text
    if len(text) > MAX_CHARACTERS:
        message = f"a file of {len(text):,} characters; a configuration has at most {MAX_CHARACTERS:,}"
        raise SpecError([Fault(message, Span(source, 1, 1))])
    for token in _TOKEN.finditer(text):
        refused = _REFUSED.get(token.lastgroup or "")
        if refused:
            start = token.start()
            place = Span(source, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))
            raise SpecError([Fault(refused, place)])


def _fault(source: Source, message: str) -> Fault:
    match = re.search(r" \(at line (\d+), column (\d+)\)", message)
    lines = source.text.replace("\r\n", "\n").split("\n")
    line, column = (int(match[1]), int(match[2])) if match else (len(lines), len(lines[-1]) + 1)
    what = message.partition(" (at ")[0]
    bare = re.search(r"=\s*([+\d][\d._]*(?:[kKMGT]|%))", lines[line - 1] if line <= len(lines) else "")
    help = f'a figure with a unit is a text: "{bare[1]}"' if bare else ""
    return Fault(f"no TOML: {what[:1].lower()}{what[1:]}", Span(source, line, column), (), help)


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
"""Comments, texts and keys: so that dots in a text or a comment are none of a key."""
_REFUSED = {
    "dotted": f"a key of more than {MAX_KEYS} names",
    "long": f"a number or key of {MAX_WORD:,} characters or more",
}
_BARE = re.compile(r"[^,\]}#\r\n]+")


class _Scan:
    """One pass over a text that `tomllib` has accepted, so that every token is where the grammar wants it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.at = 0
        self.found: dict[Path, Place] = {}
        self.sizes: dict[Path, int] = {}
        self.lines = [0, *[match.end() for match in re.finditer("\n", self.text)]]
        """Where each line begins."""

    def places(self) -> dict[Path, Place]:
        """Scan the whole text."""
        table: Path = ()
        while self.skip(_BLANK) < len(self.text):
            begin = self.at
            if self.text[self.at] != "[":
                self.pair(table)
                continue
            repeated = self.text.startswith("[[", self.at)
            self.at += 1 + repeated
            keys = self.keys()
            self.at = self.text.index("]", self.at) + 1 + repeated
            table = ()
            for key in keys[:-1]:
                table = self.last((*table, key))
            table = (*table, keys[-1])
            if repeated:
                self.sizes[table] = self.sizes.get(table, 0) + 1
                table = self.last(table)
            span = self.span(begin, self.at)
            self.found.setdefault(table, Place(span, span))
            if repeated:
                self.found.setdefault(table[:-1], Place(span, span))
        return self.found

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def last(self, table: Path) -> Path:
        """The last entry of an array of tables, or the table itself."""
        return (*table, self.sizes[table] - 1) if table in self.sizes else table

    def span(self, begin: int, end: int) -> Span:
        """A part of the text; of one over several lines what is on the first."""
        line = bisect_right(self.lines, begin)
        start = self.lines[line - 1]
        stop = self.text.find("\n", begin, end)
        first = self.text[begin : end if stop < 0 else stop].rstrip()
        return Span(self.source, line, begin - start + 1, len(first) or 1)

    def keys(self) -> list[str]:
        keys = []
        while True:
            self.skip(_SPACE)
            match = _KEY.match(self.text, self.at)
            assert match
            self.at = match.end()
            written = match[0]
            if written[0] == '"':
                import tomllib

                keys.append(str(tomllib.loads(f"key = {written}")["key"]))
            else:
                keys.append(written.strip("'"))
            if self.text[self.skip(_SPACE) : self.at + 1] != ".":
                return keys
            self.at += 1

    def pair(self, table: Path) -> None:
        begin = self.at
        keys = self.keys()
        end = self.at
        while self.text[end - 1] in " \t":
            end -= 1
        self.at = self.text.index("=", self.at) + 1
        self.skip(_SPACE)
        key = self.span(begin, end)
        path = (*table, *keys)
        value = self.value(path)
        self.found[path] = Place(key, value)
        for length in range(len(table) + 1, len(path)):
            self.found.setdefault(path[:length], Place(key, value))

    def value(self, path: Path) -> Span:
        begin = self.at
        opening = self.text[begin]
        if opening in "\"'":
            self.skip(_STRING)
        elif opening not in "[{":
            self.skip(_BARE)
            return self.span(begin, self.at)
        else:
            self.at += 1
            count = 0
            while self.text[self.skip(_BLANK)] not in "]}":
                if self.text[self.at] == ",":
                    self.at += 1
                elif opening == "{":
                    self.pair(path)
                else:
                    value = self.value((*path, count))
                    self.found[*path, count] = Place(value, value)
                    count += 1
            self.at += 1
        return self.span(begin, self.at)
