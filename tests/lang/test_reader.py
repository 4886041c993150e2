"""The strict YAML reader: values, locations of faults, and corrected lines."""

from __future__ import annotations

import os
import subprocess
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from costcalc.errors import Source, SpecError, UsageError
from costcalc.lang import yaml_nodes
from costcalc.lang.reader import decode, read, read_file, read_stream, text_offset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from costcalc.errors import Fault
    from costcalc.lang.reader import Node

PARSERS = {"python": yaml.SafeLoader}
if hasattr(yaml, "CSafeLoader"):
    PARSERS["libyaml"] = yaml.CSafeLoader


def reworded(parser: type) -> Callable[[str], Any]:
    """Return a parser with other error messages. Costcalc's messages must not depend on those of PyYAML."""

    class Reworded(parser):  # type: ignore[misc]
        def get_event(self) -> Any:
            try:
                return super().get_event()
            except yaml.MarkedYAMLError as error:
                error.context = error.context and "reworded"
                error.problem = error.problem and "reworded"
                raise

    return Reworded


LOADERS = [
    *[pytest.param(parser, id=name) for name, parser in PARSERS.items()],
    *[pytest.param(reworded(parser), id=f"{name}, reworded") for name, parser in PARSERS.items()],
]


@pytest.fixture(autouse=True, params=LOADERS)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_nodes, "LOADER", request.param)


def plain(node: Node) -> Any:
    """Return a node as plain values."""
    if node.kind == "list":
        return [plain(item) for item in node.value]
    if node.kind == "map":
        return {key.value: plain(value) for key, value in node.value}
    return node.value


def load(text: str) -> Any:
    return plain(read(Source("x.yaml", text))[0])


def faults(text: str) -> list[Fault]:
    with pytest.raises(SpecError) as caught:
        read(Source("x.yaml", text))
    return list(caught.value.faults)


def brief(text: str) -> list[tuple[int, int, str]]:
    return [(fault.span.line, fault.span.column, fault.message) for fault in faults(text) if fault.span]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("-0", 0),
        ("1_000", 1000),
        ("25_557_032", 25_557_032),
        ("1__0", "1__0"),
        ("1_", "1_"),
        ("1e3", 1000),
        ("1E+3", 1000),
        ("1.5e3", 1500),
        ("4.1e9", 4_100_000_000),
        ("1_0e1_0", "1_0e1_0"),
        ("1e30", 10**30),
        ("-1e30", -(10**30)),
        ("1000000000000000000000000000000", 10**30),
        ("9007199254740993.0", 9007199254740993),
        ("2.5e-1", 0.25),
        ("1.0", 1.0),
        ("0.0", 0.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("1e-400", 0.0),
        ("10e-1", 1),
        ("3:22", "3:22"),
        ("4.1G", "4.1G"),
        ("1.2.3", "1.2.3"),
        ("0b2", "0b2"),
        ("- ", [None]),
        ("-", [None]),
        ("-1 * x", "-1 * x"),
        ("2 * mid", "2 * mid"),
        ("2026-01-02", "2026-01-02"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("FALSE", "FALSE"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("null", None),
        ("~", None),
        ("", None),
        ("Null", "Null"),
        ("# nothing", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("''", ""),
        ("=", "="),
        ("!!str 1", "1"),
        ("!!str", ""),
        ("!!int 1e3", 1000),
        ("!!float 3", 3.0),
        ("!!bool true", True),
        ("!!null ~", None),
        ("!!seq [1]", [1]),
        ("!!map {a: 1}", {"a": 1}),
        ("{1: x, true: y, ~: z}", {"1": "x", "true": "y", "~": "z"}),
        ("!!int 1: x", {"1": "x"}),
        ("{a: &x [1, 2], b: *x}", {"a": [1, 2], "b": [1, 2]}),
        ("{a: &x 5, *x : 6}", {"a": 5, "5": 6}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: >-\r\n  x\r\n  y\r\n", {"a": "x y"}),
        ("{note: sad :(, k: 3}", {"note": "sad :(", "k": 3}),
        ("k: max(a, b)", {"k": "max(a, b)"}),
        ("k: (a, b)[0]", {"k": "(a, b)[0]"}),
        ("f(a, b=1): []", {"f(a, b=1)": []}),
        ('{"a":1, b: "x{"}', {"a": 1, "b": "x{"}),
    ],
)
def test_values(text: str, value: object) -> None:
    found = load(text)
    assert found == value
    assert type(found) is type(value)


def test_examples_have_the_values_of_yaml() -> None:
    text = "a: [1, {b: c}]\nd:\n  - e: f\n    g: ~\n  - [x, 'y']\n"
    assert load(text) == yaml.safe_load(text)


def test_an_alias_is_the_same_node() -> None:
    root, _ = read(Source("x.yaml", "{a: &x [1], b: *x}"))
    (_, first), (_, second) = root.value
    assert first is second


@pytest.mark.parametrize(("text", "value"), [("010", 10), ("-007", -7), ("00", 0), ("0_10", 10)])
def test_a_leading_zero_is_decimal_with_a_warning(text: str, value: int) -> None:
    root, warnings = read(Source("x.yaml", f"a: {text}"))
    assert plain(root) == {"a": value}
    (warning,) = warnings
    assert warning.severity == "warning"
    assert warning.span
    assert warning.span[1:] == (1, 4, len(text))
    assert f"write {value}:" in warning.help


@pytest.mark.parametrize(
    ("text", "value"), [("0x10", 16), ("0o7", 7), ("0b1", 1), ("-0x10", -16), ("0XfF", 255), ("0x_f", 15)]
)
def test_a_number_in_another_base_is_an_error_with_its_decimal(text: str, value: int) -> None:
    (fault,) = faults(f"a: {text}")
    assert fault.message == f"expected a decimal number, got {text}"
    assert fault.help == f"write {value}"


@pytest.mark.parametrize(
    "text",
    [".inf", "-.inf", "+.Inf", ".nan", ".NaN", "1e31", "-1e31", "1e999999999", "9" * 32, "9" * 5000, "1" + "_1" * 99],
)
def test_numbers_that_are_not_finite(text: str) -> None:
    (fault,) = faults(f"a: {text}")
    assert fault.span
    assert fault.span[1:] == (1, 4, len(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", [(3, 1, "duplicate key a")]),
        ("{a: 1, 'a': 2}", [(1, 8, "duplicate key a")]),
        ("a: !x 1", [(1, 4, "the tag !x is not supported")]),
        ("a: ! x", [(1, 4, "the tag ! is not supported")]),
        ("a: !!set {b}", [(1, 4, "the tag !!set is not supported")]),
        ("a: !!python/name:os.system ''", [(1, 4, "the tag !!python/name:os.system is not supported")]),
        ("!!str {a: 1}", [(1, 1, "expected a value of type !!str, got a mapping")]),
        (
            "a: !!int x\nb: !!bool 1",
            [(1, 4, "expected a value of type !!int, got x"), (2, 4, "expected a value of type !!bool, got 1")],
        ),
        ("a: &x {b: 1}\n<<: *x", [(2, 1, "the merge key << is not supported")]),
        ("a: *x", [(1, 4, "unknown anchor &x")]),
        ("&a [*a]", [(1, 5, "*a is inside the value that it refers to")]),
        ("[&a 1, &a 2]", [(1, 8, "duplicate anchor &a")]),
        ("a: 1\n---\nb: 2", [(2, 1, "expected one document, got a second")]),
        ("? [a]\n: b", [(1, 3, "expected a key, got a list")]),
        ("{{ width }}", [(1, 2, "expected a key, got a mapping")]),
        ("? \n: 1", [(1, 2, "a key is missing")]),
        (
            "a: 0x10\nb: !x 1\na: .inf",
            [
                (1, 4, "expected a decimal number, got 0x10"),
                (2, 4, "the tag !x is not supported"),
                (3, 1, "duplicate key a"),
                (3, 4, "expected a finite number, got .inf"),
            ],
        ),
        ("a: 0x1\nb: ]", [(1, 4, "expected a decimal number, got 0x1"), (2, 4, "unmatched ]")]),
        # syntax
        ("a:\n\tb: 1", [(2, 1, "unexpected tab in the indentation")]),
        ("a:\n  b: 1\n c: 2", [(3, 2, "expected another key, or the end of the mapping")]),
        ("- a\nb: c", [(2, 1, "expected another item, or the end of the list")]),
        ("- conv: 64\n    name: x", [(2, 5, "YAML reads this line as a part of the line above")]),
        ('a: "x', [(1, 4, '" was never closed')]),
        ("a: 'x\n---\n'", [(1, 4, "' was never closed")]),
        ('a: "c:\\q"', [(1, 7, "invalid escape \\q in double quotes")]),
        ("a: [1,\n  2\n", [(1, 4, "[ was never closed")]),
        ("a: {b: {c: 1}", [(1, 4, "{ was never closed")]),
        ("a: {b: 1}}", [(1, 10, "unmatched }")]),
        ("[a}", [(1, 3, "expected ], got }")]),
        ("[1,, 2]", [(1, 4, "a value is missing before ,")]),
        ("{: 1}", [(1, 2, "a key is missing before :")]),
        ("a: 1\n...\nb: 2", [(3, 1, "unexpected text after the end of the document")]),
        ("a:\n- b\nc", [(3, 1, "a colon is missing after a key")]),
        ("%FOO\na: 1", [(1, 1, "a line that begins with % is a YAML directive")]),
        ("k" * 1100 + ": 1", [(1, 1101, "key too long: more than 1,024 characters")]),
        ("a: 1\nb: \x07", [(2, 4, "invalid character U+0007")]),
        ("a: \0", [(1, 4, "invalid character U+0000")]),
        ("a: \ud800", [(1, 4, "invalid character U+D800")]),
        ("a: \ufeff", [(1, 4, "invalid character U+FEFF")]),
    ],
)
def test_faults_and_their_locations(text: str, expected: list[tuple[int, int, str]]) -> None:
    assert brief(text) == expected


def test_a_duplicate_key_has_the_location_of_the_first() -> None:
    (fault,) = faults("a:\n  x: 1\n  x: 2")
    assert fault.notes == ("first defined at line 2, column 3",)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("{out: max(a, b)}", '{out: "max(a, b)"}'),
        ("- conv: {out: max(a, b), kernel: 3}", '- conv: {out: "max(a, b)", kernel: 3}'),
        ("{k: (a, b)}", "{k: [a, b]}"),
        ("[max(a, b), 3]", '["max(a, b)", 3]'),
        ("- conv: {out: 4 * max(a, b) // (c, d), k: 3}", '- conv: {out: "4 * max(a, b) // (c, d)", k: 3}'),
        ("{out: f(a[0], b)}", '{out: "f(a[0], b)"}'),
        ("{out: w[0]}", '{out: "w[0]"}'),
        ("{out: w[0] + w[1], k: 3}", '{out: "w[0] + w[1]", k: 3}'),
        ("{out: w[0], kernel: k[i]}", '{out: "w[0]", kernel: "k[i]"}'),
        ("{out:64}", "{out: 64}"),
        ("- conv: {out:64, kernel:3}", "- conv: {out: 64, kernel: 3}"),
        ("{out:max(a, b)}", '{out: "max(a, b)"}'),
        (
            "- conv: {out: max(a, b), kernel: w[0], stride:2}  # c",
            '- conv: {out: "max(a, b)", kernel: "w[0]", stride: 2}  # c',
        ),
        ("out: [1, 2][i]", 'out: "[1, 2][i]"'),
        ("- [1, 2][i]", '- "[1, 2][i]"'),
        ("{x: [1, 2][i], y: 3}", '{x: "[1, 2][i]", y: 3}'),
        ("out: [a, b][i]  # c", 'out: "[a, b][i]"  # c'),
        ("out: *", 'out: "*"'),
        ("out: *mid", 'out: "*mid"'),
        ("out: * 2", 'out: "* 2"'),
        ("out: *mid * 2", 'out: "*mid * 2"'),
        ("{out: *mid, k: 3}", '{out: "*mid", k: 3}'),
        ("if: !last", 'if: "!last"'),
        ("if: ! last", 'if: "! last"'),
        ("if: !", 'if: "!"'),
        ("out: % 2", 'out: "% 2"'),
        ("{out: %2, k: 3}", '{out: "%2", k: 3}'),
        ("out: @a", 'out: "@a"'),
        ("out: `a`", 'out: "`a`"'),
        ("out: &", 'out: "&"'),
        ("if: > 3", 'if: "> 3"'),
        ("if: | x", 'if: "| x"'),
        ("out: - 1", 'out: "- 1"'),
        ("{out: - 1}", '{out: "- 1"}'),
        ('mode: "a" if x else "b"', 'mode: \'"a" if x else "b"\''),
        ('{mode: "a" if x else "b", k: 1}', '{mode: \'"a" if x else "b"\', k: 1}'),
        ("description: ResNet: a net", 'description: "ResNet: a net"'),
        ("conv:{p: me}", "conv: {p: me}"),
        ("- conv {out: 64}", "- conv: {out: 64}"),
        ("- conv {out: 64, k: 3}", "- conv: {out: 64, k: 3}"),
        ("- conv:{p: me, a: 3}", "- conv: {p: me, a: 3}"),
    ],
)
def test_a_trap_shows_the_corrected_line(text: str, right: str) -> None:
    first, *_ = faults(text)
    assert first.help.removesuffix(" (write not x for negation)") == f"write {right}"
    _, warnings = read(Source("x.yaml", right))
    assert not warnings


@pytest.mark.parametrize(
    ("text", "line", "right"),
    [
        ("layers:\n  - conv: {out: w[0],\n           kernel: k[1]}\n", 2, '- conv: {out: "w[0]",'),
        ("layers:\n  - conv: {out: 3,\n           kernel: max(a, b)}\n", 3, 'kernel: "max(a, b)"}'),
        ("conv:\n  out:64\n  kernel: 3", 2, "out: 64"),
        ("conv:\n  kernel: 3\n  out:64\nnext: 1", 3, "out: 64"),
        ("- conv:64\n  name: x", 1, "- conv: 64"),
    ],
)
def test_a_trap_in_several_lines(text: str, line: int, right: str) -> None:
    first, *_ = faults(text)
    assert first.span
    assert (first.span.line, first.help) == (line, f"write {right}")


def test_a_mapping_in_one_line_is_put_in_braces() -> None:
    (fault,) = faults("- conv: out: 64")
    assert fault.help == "write the inner mapping in braces: - conv: {out: 64}"


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("out: 64", [(1, 1, 3), (1, 6, 2)]),
        ('a: "x y"  # c', [(1, 1, 1), (1, 4, 5)]),
        ("'a b': c", [(1, 1, 5), (1, 8, 1)]),
        ("a:\n  b", [(1, 1, 1), (2, 3, 1)]),
        ("a: x\n  y", [(1, 1, 1), (1, 4, 1)]),
        ("a: |\n  x", [(1, 1, 1), (1, 4, 1)]),
        ("a: [1]", [(1, 1, 1), (1, 4, 1)]),
        ("a:   # c\n", [(1, 1, 1), (1, 3, 1)]),
        ("é: 畳 み", [(1, 1, 1), (1, 4, 3)]),
        ("a: &x y", [(1, 1, 1), (1, 4, 4)]),
    ],
)
def test_spans(text: str, spans: list[tuple[int, int, int]]) -> None:
    root, _ = read(Source("x.yaml", text))
    key, value = root.value[0]
    assert [key.span[1:], value.span[1:]] == spans


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("a: 4 * x", 0),
        ('a: "4 * x"', 1),
        ("a: 'x'", 1),
        ("a: &n x", 3),
        ('a: !!str "x"', 7),
        ('a: "\\x41"', None),
        ("a: 'it''s'", None),
        ("a: x\n  y", None),
        ("a: |\n  x", None),
        ("a: [x]", None),
    ],
)
def test_the_offset_of_the_text_of_a_scalar(text: str, offset: int | None) -> None:
    root, _ = read(Source("x.yaml", text))
    node = root.value[0][1]
    assert text_offset(node) == offset
    if offset is not None:
        start = node.span.column - 1 + offset
        assert text[start : start + len(node.text)] == node.text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_lines_are_counted_as_in_yaml(end: str) -> None:
    assert brief(end.join(["a: 1", "b: 2", "a: 3"])) == [(3, 1, "duplicate key a")]


class Shallow:
    """A parser that rejects 150 nested brackets while it looks ahead, before it returns their events."""

    def __init__(self, text: str) -> None:
        self.inner = yaml.SafeLoader(text)
        opening = [index for index, char in enumerate(text) if char in "[{"]
        self.limit = opening[150] if len(opening) > 150 else None

    def get_event(self) -> Any:
        event = self.inner.get_event()
        if self.limit is not None and not isinstance(event, yaml.StreamStartEvent):
            mark = yaml.Mark("", self.limit, 0, self.limit, None, None)
            raise yaml.scanner.ScannerError("while looking ahead", mark, "too deep", mark)
        return event


@pytest.mark.parametrize(("opening", "column"), [("[", 101), ("{", 101), ("[ ", 201), ("{a: ", 401)])
def test_a_limit_of_the_parser_does_not_hide_the_limit_of_the_language(
    monkeypatch: pytest.MonkeyPatch, opening: str, column: int
) -> None:
    monkeypatch.setattr(yaml_nodes, "LOADER", Shallow)
    assert brief(opening * 200) == [(1, column, "the spec is nested more than 100 levels deep")]


def test_an_empty_file() -> None:
    root, _ = read(Source("x.yaml", ""))
    assert (root.kind, root.value, root.span[1:]) == ("scalar", None, (1, 1, 1))


def test_decode() -> None:
    assert decode("a: é".encode(), "x").text == "a: é"
    assert decode(b"\xef\xbb\xbfa: 1", "x").text == "a: 1"


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        (b"a: 1\nb: \xff\xfe", 2, 4, "invalid UTF-8: byte 0xff"),
        ("é: ".encode() + b"\xc3", 1, 4, "invalid UTF-8: byte 0xc3"),
        (b"a: \xed\xa0\x80", 1, 4, "invalid UTF-8: byte 0xed"),
        ("a: 1".encode("utf-16"), 1, 1, "expected UTF-8, got UTF-16 or UTF-32"),
        ("a: 1".encode("utf-32"), 1, 1, "expected UTF-8, got UTF-16 or UTF-32"),
        (b" " * (16 * 2**20 + 1), 1, 1, "the spec is larger than 16 MiB"),
    ],
    ids=["ff", "cut", "surrogate", "utf-16", "utf-32", "size"],
)
def test_decode_faults(data: bytes, line: int, column: int, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        decode(data, "x.yaml")
    (fault,) = caught.value.faults
    assert fault.span
    assert (fault.span.line, fault.span.column, fault.message) == (line, column, message)


def test_read_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: 1\r\n")
    assert read_file(path) == Source(str(path), "a: 1\r\n")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, said in [
        (tmp_path / "missing.yaml", "file not found"),
        (tmp_path, "got the folder"),
        (fifo, "is not a regular file"),
        ("/dev/zero", "is not a regular file"),
        (tmp_path / "loop", "cannot read"),
        (tmp_path / "a.yaml" / "b", "file not found"),
        ("a\0b", "cannot read"),
        ("x" * 5000, "cannot read"),
    ]:
        with pytest.raises(UsageError, match=said):
            read_file(path)


def test_a_stream_is_read_up_to_the_limit() -> None:
    class Endless(BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            size = min(size or 0, 2**20)
            assert size > 0
            self.taken += size
            return b" " * size

    stream = Endless()
    with pytest.raises(SpecError, match="larger than 16 MiB"):
        read_stream(stream, "-")
    assert stream.taken == 16 * 2**20 + 1


def test_imported_modules() -> None:
    code = (
        "import sys, re, yaml, costcalc.errors; before = set(sys.modules); import costcalc.lang.reader;"
        "print(*sorted(m for m in set(sys.modules) - before if not m.startswith('costcalc')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
