"""Reading any text gives a node, or faults with locations, in limited time and memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from costcalc.errors import Fault, Source, SpecError
from costcalc.lang import reader, yaml_nodes
from costcalc.lang.reader import decode, read, text_offset
from costcalc.report.faults import render

if TYPE_CHECKING:
    from limited import Forks

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))[:6]
TEXTS = [path.read_text(encoding="utf-8") for path in SPECS]
LOADERS = [yaml.SafeLoader] + ([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])

PIECES = [
    *"ab-?:,[]{}#&*!|>%@`'\"\\()~=<._ \t\n\r\0\x07\x1b\x85\u2028\u202e\ufeffé畳",
    *("b: ", "- ", ", ", " #", "\n  ", "\n- ", "&a ", "*a", "!!str ", "!x ", "---\n", "...\n", "<<: ", "%YAML 1.2\n"),
    *("0x10", "010", "1e3", ".inf", "1_0", "9" * 40, "max(a, b)", "w[0]", "{out:64}", "\\x1b[31m", "\r\n"),
]
bounded = settings(max_examples=250)


def mutations() -> st.SearchStrategy[str]:
    """Return parts of bundled specs with pieces inserted, removed and replaced."""

    def mutate(text: str, edits: list[tuple[float, int, str]]) -> str:
        for place, length, piece in edits:
            at = int(place * len(text))
            text = text[:at] + piece + text[at + length :]
        return text

    places = st.floats(0, 1)
    edits = st.lists(st.tuples(places, st.integers(0, 5), st.sampled_from(["", *PIECES])), min_size=1, max_size=4)
    return st.builds(mutate, st.sampled_from(TEXTS), edits)


def outcome(data: str | bytes) -> Any:
    """Return the read value as plain values, or the faults. Fails on any other exception."""
    try:
        source = decode(data, "x.yaml") if isinstance(data, bytes) else Source("x.yaml", data)
        root, warnings = read(source)
    except SpecError as error:
        check(error.faults)
        return None
    assert all(fault.span for fault in warnings)
    return values(root)


def check(faults: tuple[Fault, ...]) -> None:
    assert faults
    for fault in faults:
        assert fault.message
        assert fault.span
        assert min(fault.span[1:]) >= 1
    assert all(char == "\n" or char.isprintable() for char in render(faults))


def values(node: reader.Node) -> Any:
    where = (node.span[1:], node.plain, text_offset(node))
    if node.kind == "map":
        assert all(key.kind == "scalar" and type(key.value) is str for key, _ in node.value)
        return where, [(key.value, key.span[1:], values(value)) for key, value in node.value]
    if node.kind == "list":
        return where, [values(item) for item in node.value]
    assert node.value is None or type(node.value) in (int, float, bool, str)
    return where, type(node.value), node.value, node.text


@bounded
@given(st.binary(max_size=300))
@example(b"\xff\xfea\0")
@example(b"a: \0")
def test_any_bytes(data: bytes) -> None:
    outcome(data)


@bounded
@given(st.text(max_size=300))
@example("\ud800")
def test_any_text(text: str) -> None:
    outcome(text)


@bounded
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example("!%a b")
@example("? ")
@example("{? a, ? b(c, d)}")
def test_any_pieces_of_yaml(text: str) -> None:
    outcome(text)


@bounded
@given(mutations())
def test_any_mutation_of_a_spec(text: str) -> None:
    outcome(text)


@bounded
@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), mutations()))
def test_both_parsers_read_equal_values(text: str) -> None:
    """A text that both parsers accept has the same value. They reject different texts, such as a tab between tokens."""
    found = []
    for loader in LOADERS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(yaml_nodes, "LOADER", loader)
            found.append(outcome(text))
    accepted = [value for value in found if value is not None]
    assert all(value == accepted[0] for value in accepted)


HEAVY = {
    "100,000 brackets": ("'[' * 100_000", "the spec is nested more than 100 levels deep"),
    "100,000 braces": ("'{' * 100_000", "the spec is nested more than 100 levels deep"),
    "16 MiB of brackets": ("'[' * 2**24", "the spec is nested more than 100 levels deep"),
    "100,000 dashes": ("'- ' * 100_000", "the spec is nested more than 100 levels deep"),
    "100,000 question marks": ("'? ' * 100_000", "the spec is nested more than 100 levels deep"),
    "100,000 levels in blocks": (
        "'\\n'.join(' ' * i + 'a:' for i in range(5_000))",
        "the spec is nested more than 100 levels deep",
    ),
    "aliases that double": (
        "'a0: &a0 [x, x]\\n' + ''.join(f'a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\\n' for i in range(1, 90))",
        "more than 1,000,000 nodes after alias expansion",
    ),
    "aliases in a row": ("'a: &a [' + 'x,' * 1000 + ']\\nb: [' + '*a,' * 10**6 + ']'", "more than 1,000,000 nodes"),
    "aliases in a chain": (
        "'- &a0 []\\n' + ''.join(f'- &a{i} [*a{i - 1}]\\n' for i in range(1, 1_000))",
        "the spec is nested more than 100 levels deep after",
    ),
    "an alias of itself": ("'&a [*a]'", "*a is inside the value that it refers to"),
    "8 million items": ("'[' + 'a,' * (2**23 - 1)", "more than 1,000,000 nodes"),
    "4 million lines": ("'- a\\n' * 2**22", "more than 1,000,000 nodes"),
    "a million lists": ("'- [a]\\n' * 1_200_000", "more than 1,000,000 nodes"),
    "one line of 16 MiB": ("'a' * 2**24", "scalar"),
    "one text of 16 MiB": ("'a: \"' + 'b' * (2**24 - 5) + '\"'", "map"),
    "16 MiB of spaces": ("' ' * 2**24", "scalar"),
    "16 million lines": ("'\\n' * (2**24 - 6) + 'a: }'", "unmatched }"),
    "a control character at the end": ("'\\n' * (2**24 - 2) + '\\x01'", "invalid character U+0001"),
    "a number of 4 million digits": ("'a: ' + '9' * 2**22", "number too long: 4,194,304 characters"),
    "a number of 8 million signs": ("'a: ' + '1_' * 2**22", "number too long: 8,388,608 characters"),
    "a key of 8 MiB": ("'a' * 2**23 + ': 1'", "key too long: more than 1,024 characters"),
    "a tag of 8 MiB": ("'a: !' + 'x' * 2**23 + ' 1'", "the tag !xxx"),
    "100,000 faults": ("'- 0x10\\n' * 100_000", "expected a decimal number, got 0x10"),
    "100,000 traps": ("'- {out:64, k: max(a, b)}\\n' * 100_000", "a space is missing after out:"),
    "a trap in a line of 1 MiB": ("'{' + 'a: max(a, b), ' * 70_000 + '}'", "YAML splits this expression"),
    "wide letters": ("'- \U0001f600\\n' * 2**20", "more than 1,000,000 nodes"),
}


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="the parser in Python takes longer")
@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
@pytest.mark.parametrize(("text", "said"), HEAVY.values(), ids=HEAVY.keys())
def test_time_and_memory_are_bounded(forks: Forks, text: str, said: str) -> None:
    program = f"""
from costcalc.errors import SpecError
from costcalc.report.faults import render
from costcalc.lang.reader import decode, read
data = ({text}).encode()
try:
    print(read(decode(data, "x.yaml"))[0].kind)
except SpecError as error:
    print(render(error.faults))
"""
    done = forks.run(program, seconds=10, megabytes=600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert said in done.stdout.decode()
    assert len(done.stdout) < 100_000
