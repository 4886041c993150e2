"""Faults as text: the caret stands under the fault, whatever the line holds, and nothing acts on a terminal."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costcalc.errors import Fault, Source, Span
from costcalc.report.faults import excerpt, render
from costcalc.report.text import columns, inert, visible

SPEC = Source("models/x.yaml", "name: x\nlayers:\n  - conv: {out: 64, kernal: 3}\n")


def at(text: str, column: int, length: int = 1, line: int = 1) -> Span:
    return Span(Source("x.yaml", text), line, column, length)


def test_the_whole_form() -> None:
    fault = Fault("conv has no argument kernal", Span(SPEC, 3, 21, 6), ("one", "two"), "did you mean kernel?")
    assert render([fault]) == (
        "models/x.yaml:3:21: error: conv has no argument kernal\n"
        "   |\n"
        " 3 |   - conv: {out: 64, kernal: 3}\n"
        "   |                     ^^^^^^\n"
        "   = note: one\n"
        "   = note: two\n"
        "   = help: did you mean kernel?\n"
    )


def test_several_faults_are_apart() -> None:
    first, second = Fault("a", Span(SPEC, 1, 1, 4)), Fault("b", Span(SPEC, 3, 5, 4), severity="warning")
    assert render([first, second]) == render([first]) + "\n" + render([second])
    assert "models/x.yaml:3:5: warning: b\n" in render([second])
    assert render([]) == ""


def test_without_a_place() -> None:
    assert render([Fault("no spec x", None, ("seen",), "repair")]) == (
        "error: no spec x\n  = note: seen\n  = help: repair\n"
    )


@pytest.mark.parametrize("source", [Source("x.yaml", ""), Source("x.yaml", "one line")])
def test_without_the_line(source: Source) -> None:
    assert render([Fault("m", Span(source, 2, 1))]) == "x.yaml:2:1: error: m\n"


@pytest.mark.parametrize(
    ("text", "column", "length", "line", "caret"),
    [
        ("a: b", 4, 1, "a: b", "   ^"),
        ("a: b", 1, 4, "a: b", "^^^^"),
        ("a:", 3, 1, "a:", "  ^"),  # behind the end
        ("a: b", 9, 5, "a: b", "    ^"),
        ("a: b", 4, 99, "a: b", "   ^"),
        ("\ta: b", 5, 1, "    a: b", "       ^"),
        ("畳み: b", 5, 1, "畳み: b", "      ^"),  # two columns each
        ("a: 畳み", 4, 2, "a: 畳み", "   ^^^^"),
        ("e\u0301: b", 5, 1, "e\u0301: b", "   ^"),  # a combining accent
        ("\x1b[2J: b", 7, 1, "\\x1b[2J: b", "         ^"),
        ("\u202ea: b", 5, 1, "\\u202ea: b", "         ^"),
        ("a: \0", 4, 1, "a: \\x00", "   ^^^^"),
    ],
)
def test_the_caret(text: str, column: int, length: int, line: str, caret: str) -> None:
    assert excerpt(at(text, column, length)) == f"   |\n 1 | {line}\n   | {caret}\n"


def test_a_label_beside_the_caret() -> None:
    assert excerpt(at("r5: 24", 5, 2), "was 16 at main").endswith("   |     ^^ was 16 at main\n")


def test_lines_of_more_digits() -> None:
    source = Source("x.yaml", "\n" * 99 + "a: b")
    assert excerpt(Span(source, 100, 4)) == "     |\n 100 | a: b\n     |    ^\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"])
def test_lines_end_as_in_yaml(end: str) -> None:
    text = end.join(["one", "two", "three"])
    faults = [Fault(word, at(text, 1, 1, line)) for line, word in ((1, "one"), (2, "two"), (3, "three"), (2, "two"))]
    for fault, shown in zip(faults, render(faults).split("\n\n"), strict=True):
        assert f" | {fault.message}\n" in shown + "\n"


def test_lines_far_down_are_found() -> None:
    count = 70_000
    source = Source("x.yaml", "".join(f"l{n}\r\n" for n in range(1, count + 1)))
    for line in (1, 2, 7_000, 65_536, count):
        assert f" | l{line}\n" in excerpt(Span(source, line, 1))
    faults = [Fault("", Span(source, line, 1)) for line in (7_000, 65_536, 65_536, 5)]
    assert all(f" | l{fault.span.line}\n" in render(faults) for fault in faults if fault.span)


@pytest.mark.parametrize("width", [None, 40, 60, 100, 200])
@pytest.mark.parametrize("column", [1, 2, 150, 501, 1_000, 1_003])
@pytest.mark.parametrize("letter", ["a", "畳", "\x1b"])
def test_a_long_line_is_cut_around_the_caret(width: int | None, column: int, letter: str) -> None:
    text = letter * (column - 1) + "XYZ" + letter * (1_003 - column)
    _, line, under, _ = excerpt(at(text, column, 3), width=width).split("\n")
    caret = columns(under[:-3])
    assert under[-3:] == "^^^"
    assert columns(line) <= (width or 165)
    assert columns(line[: line.index("XYZ")]) == caret
    assert ("…" in line[: line.index("XYZ")]) == (column > 70) or column == 2
    assert line.endswith("…") == (1_003 - column > 70)


def test_a_fault_longer_than_the_window_is_cut() -> None:
    _, line, under, _ = excerpt(at("a" * 10_000, 5_000, 4_000), width=80).split("\n")
    assert line.endswith("…")
    assert columns(line) <= 80
    assert under.count("^") > 40


def test_a_line_of_16_mib_is_not_walked() -> None:
    assert len(excerpt(at("畳" * 2**24, 2**23, 5))) < 1_000


def test_messages_of_millions_are_cut() -> None:
    assert len(render([Fault("m" * 10**6, None, ("n" * 10**6,), "h" * 10**6)])) < 4_000


def test_nothing_forms_a_command_of_a_ci_system() -> None:
    assert render([Fault("m", Span(Source("::error::x", ""), 1, 1))]) == "./::error::x:1:1: error: m\n"
    place = Span(Source("##[error]x", "a: ##[group]"), 1, 4)
    shown = inert(render([Fault("##[error]", place, ("##[add-mask]x",), "##[debug]")]))
    assert "##[" not in shown, "GitHub finds these anywhere in a line"
    assert shown.startswith("./##\\[error]x:1:4: error: ##\\[error]\n")


def test_color() -> None:
    shown = render([Fault("m", at("a: b", 4), ("n",), "h"), Fault("w", None, severity="warning")], color=True)
    assert shown == (
        "\x1b[1mx.yaml:1:4\x1b[0m: \x1b[1;31merror\x1b[0m: \x1b[1mm\x1b[0m\n"
        "   \x1b[1;34m|\x1b[0m\n"
        " \x1b[1;34m1\x1b[0m \x1b[1;34m|\x1b[0m a: b\n"
        "   \x1b[1;34m|\x1b[0m    \x1b[1;31m^\x1b[0m\n"
        "   \x1b[1;34m=\x1b[0m \x1b[1mnote\x1b[0m: n\n"
        "   \x1b[1;34m=\x1b[0m \x1b[1mhelp\x1b[0m: h\n"
        "\n"
        "\x1b[1;33mwarning\x1b[0m: \x1b[1mw\x1b[0m\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 畳", "plain é 畳"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\n\t\rb", "a\\n\\t\\rb"),
        ("\0\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202e\u2066\u200b", "\\u202e\\u2066\\u200b"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("[bold]x[/bold] \\", "[bold]x[/bold] \\"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@example(":", "", "", "", 1, 1, 0, False)
@example("##[", "", "", "", 1, 1, 0, False)
@given(
    st.text(), st.text(), st.text(), st.text(), st.integers(1, 9), st.integers(1, 99), st.integers(0, 99), st.booleans()
)
def test_anything_is_shown_and_nothing_acts(
    name: str, text: str, message: str, help: str, line: int, column: int, length: int, narrow: bool
) -> None:
    fault = Fault(message, Span(Source(name, text), line, column, length), (message,), help)
    shown = render([fault], width=40 if narrow else None)
    assert all(char == "\n" or char.isprintable() for char in shown)
    written = inert(shown)  # as every command writes it
    assert not re.match(r"::|##\w*\[", written)
    for row in shown.splitlines()[1:]:
        assert row.startswith("  ") or row.partition("|")[0].strip().isdigit()
