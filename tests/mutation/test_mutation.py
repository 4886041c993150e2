"""What a mutant is, and what the list of equivalent ones may hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import CodeType

import pytest

from .equivalent import read
from .mutants import mutants, mutated

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("a < b", ["pass", "a <= b"]),
        ("a >= b", ["pass", "a > b"]),
        ("a == b", ["pass", "a != b"]),
        ("a < b != c", ["pass", "a <= b != c", "a < b == c"]),
        ("a is not b", ["pass", "a is b"]),
        ("a not in b", ["pass", "a in b"]),
        ("f(3)", ["pass", "f(4)", "f(2)"]),
        ("f(-1)", ["pass", "f(1)", "f(-2)", "f(-0)"]),
        ("f(True)", ["pass", "f(False)"]),
        ("f(a[0])", ["pass", "f(a[1])"]),
        ("a + b", ["pass", "a - b"]),
        ("a * b", ["pass", "a + b"]),
        ("a // b", ["pass", "a * b"]),
        ("a % b", ["pass", "a * b"]),
        ("a and b", ["pass", "a or b"]),
        ("not a", ["pass", "a"]),
        ("min(a)", ["pass", "max(a)"]),
        ("any(a)", ["pass", "all(a)"]),
        ("a if b else c", ["pass", "a if not b else c"]),
        ("a += b", ["a -= b", "pass"]),
        ("a = b", []),
        ("a.b = c", ["pass"]),
        ("raise a", ["pass"]),
        ("'text'", []),
        ("a: Literal[1] = b", []),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    f(1)", []),
        ("def f():\n    '''Text.'''\n    return a", ["return None"]),
        ("def f():\n    return None", []),
        ("while a:\n    break", ["while not a:\n    break", "while a:\n    pass"]),
    ],
)
def test_the_mutants_of_a_text(text, changed):
    found = mutants("x.py", text)
    assert [mutant.index for mutant in found] == list(range(len(changed)))
    whole = [ast.unparse(mutated(text, mutant.index)) for mutant in found]
    head = 'def f():\n    """Text."""\n    ' if "Text" in text else ""
    assert whole == [head + each for each in changed]


def test_a_mutant_is_named_by_where_it_is_and_what_it_changes():
    text = "class A:\n    def f(self, a):\n        b = a < 1\n        return b or a < 1\n"
    found = [mutant for mutant in mutants("x.py", text) if "<=" in mutant.after]
    assert [str(mutant) for mutant in found] == [
        "x.py:3: A.f: b = a < 1 -> b = a <= 1",
        "x.py:4: A.f: b or a < 1 -> b or a <= 1",
    ]
    keys = [mutant.key for mutant in mutants("x.py", text)]
    assert len(set(keys)) == len(keys)
    assert keys == [mutant.key for mutant in mutants("x.py", f"# a comment\n\n{text}")]


def test_a_mutant_changes_the_code_of_one_function():
    """Not even the lines and columns of the others."""
    text = "def f(a):\n    return not -a\n\ndef g(b):\n    return b < 1\n"
    for mutant in mutants("x.py", text):
        codes = [compile(tree, "x.py", "exec").co_consts for tree in (ast.parse(text), mutated(text, mutant.index))]
        same = {old.co_name for old, new in zip(*codes, strict=True) if isinstance(old, CodeType) and old == new}
        assert same == {"f", "g"} - {mutant.where}


DRAWN = """
import constants
from hypothesis import given, settings, strategies
from tests.mutation.fork import without_constants
without_constants()
drawn = []
@settings(derandomize=True, database=None, max_examples=100)
@given(strategies.lists(strategies.integers(1, 10**30)))
def draw(numbers):
    drawn.append(numbers)
draw()
print(drawn)
"""


def test_examples_do_not_depend_on_numbers_in_the_source(tmp_path):
    drawn = set()
    for text in ("", "A = [777001, 777002, 888123, 31337]"):
        (tmp_path / "constants.py").write_text(text)
        path = {"PYTHONPATH": f"{ROOT}:{tmp_path}", "PYTHONDONTWRITEBYTECODE": "1"}
        drawn.add(subprocess.run([sys.executable, "-c", DRAWN], env=path, stdout=subprocess.PIPE, check=True).stdout)
    assert len(drawn) == 1


def test_every_entry_of_the_list_is_a_mutant_that_there_is():
    known = read()
    assert known.reasons
    for file in {str(key[0]) for key in known.reasons}:
        every = mutants(file, (ROOT / file).read_text(encoding="utf-8"))
        assert len(known.without(file, every)) == len(every) - sum(key[0] == file for key in known.reasons)


ENTRY = '[[mutant]]\nfile = "x.py"\nbefore = "a < b"\nafter = "a <= b"\n'


@pytest.mark.parametrize("reason", ["", 'reason = ""', 'reason = " "', 'reason = "a"\nresaon = "b"'])
def test_no_entry_without_a_reason(reason):
    with pytest.raises(ValueError, match="with a reason"):
        read(ENTRY + reason)


def test_an_entry_that_matches_nothing_is_an_error():
    known = read(ENTRY + 'reason = "a test"')
    with pytest.raises(ValueError, match="no such mutant"):
        known.without("x.py", mutants("x.py", "a > b"))
