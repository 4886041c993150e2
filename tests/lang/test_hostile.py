"""Any spec gives a network or a located error, in limited time and memory, and never another exception.

`test_reader_hostile` has the tests of YAML.
"""
# ruff: noqa: E501 (tables)

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import costcalc
from costcalc.errors import CostcalcError
from costcalc.lang.builtin_blocks import builtin
from costcalc.lang.functions import FUNCTIONS
from costcalc.lang.loader import KEYS
from costcalc.lang.template import MODIFIERS, NONE, STRUCTURES
from costcalc.ops.argument_types import WORDS
from costcalc.ops.base import registered

from .language import spec
from .networks import specs
from .networks import text as written

if TYPE_CHECKING:
    import subprocess

ROOT = Path(__file__).parents[2]
TEXTS = [path.read_text() for path in sorted([*(ROOT / "specs").glob("*.yaml"),
                                              *(ROOT / "tests" / "specs" / "extra").glob("*.yaml")])]  # fmt: skip
many = settings(max_examples=150)


def check(text: str) -> None:
    """Check that a spec gives a network with costs, or faults with locations in the text."""
    try:
        network = costcalc.loads(text, max_layers=2_000)
    except CostcalcError as error:
        faults = getattr(error, "faults", (error.fault(),))
        lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)
        for fault in faults:
            assert fault.message
            assert fault.span is not None
            if fault.span.source.text == text:
                assert 1 <= fault.span.line <= len(lines)
                assert 1 <= fault.span.column <= len(lines[fault.span.line - 1]) + 1
    else:
        analysis = costcalc.analyze(network)
        assert analysis.totals.layers == len(network.layers)
        assert len({layer.name for layer in network.layers}) == len(network.layers)


# Any bytes, any YAML with the words of the language, any mutation


@many
@given(st.binary(max_size=200))
@example(b"\xff\xfe")
@example(b"input: [4]\0")
def test_any_bytes(data):
    check(data.decode("utf-8", "replace"))


words = st.sampled_from(
    sorted({*KEYS, *MODIFIERS, *STRUCTURES, NONE, *WORDS, *registered(), *builtin(), "let", "prev", "i", "row", "set", "a", "b",
            "out", "kernel", "stride", "padding", "heads", "hidden", "axis", "sizes", "shape", "bias", "macs", "params",
            "in_channels", "in_features", "block_channels", "in_shape", "unit(a, b=2)", "unit", "max(1, 2)", "a + b",
            "x.0", "-1", "1e3", "0.5", "1e30", "null"})
)  # fmt: skip
scalars = st.one_of(words, st.integers(-3, 300), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none(),
                    st.text(max_size=5), st.just(10**30))  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=12,
)
ops = st.sampled_from(sorted([*registered(), *builtin(), *STRUCTURES, "unit", "let"]))
items = st.recursive(
    st.one_of(
        ops,
        st.builds(lambda op, value, beside: {op: value, **beside}, ops, values,
                  st.dictionaries(st.sampled_from([*MODIFIERS, "skip", "shortcut", "axis"]), values, max_size=2)),
    ),
    lambda inner: st.builds(
        lambda op, body, beside: {op: body, **beside},
        st.sampled_from(sorted(STRUCTURES)),
        st.one_of(st.lists(inner, max_size=3), st.lists(st.lists(inner, max_size=2), max_size=3)),
        st.dictionaries(st.sampled_from([*MODIFIERS, "skip", "shortcut", "axis"]), values, max_size=2),
    ),
    max_leaves=6,
)  # fmt: skip
documents = st.fixed_dictionaries(
    {
        "input": st.one_of(st.just([4, 8, 8]), st.just([5, 4]), st.just([4]), values),
        "layers": st.one_of(st.lists(items, max_size=5), values),
    },
    optional={
        "params": st.one_of(st.just({"a": 2, "b": [1, 2]}), values),
        "blocks": st.one_of(
            st.dictionaries(st.sampled_from(["unit(a, b=2)", "unit", "b"]), st.lists(items, max_size=2)), values
        ),
        "defaults": st.one_of(st.dictionaries(ops, st.dictionaries(words, values, max_size=2), max_size=3), values),
        "output": values,
        "budget": values,
        "expect": values,
        "name": values,
        "extends": st.one_of(st.just("lenet5"), values),
    },
)


@settings(many, max_examples=400)
@given(documents)
def test_any_yaml_of_the_languages_words(document):
    check(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


NUMBER = re.compile(r"\d+")
TOKEN = re.compile(r"[\w.]+|[^\w\s]|\s+")


@st.composite
def mutated(draw):
    text = draw(st.one_of(st.sampled_from(TEXTS), specs.map(written)))
    for _ in range(draw(st.integers(1, 4))):
        pattern, join = draw(st.sampled_from([(re.compile(r"[^\n]*\n"), ""), (TOKEN, ""), (NUMBER, None)]))
        if join is None:
            number = draw(
                st.sampled_from(["0", "1", "-1", "2", "1e9", "10**12", "0.5", "1e30", "x", "''", "[1, 2]", "{a: 1}"])
            )
            found = list(pattern.finditer(text))
            if found:
                match = draw(st.sampled_from(found))
                text = text[: match.start()] + number + text[match.end() :]
            continue
        parts = pattern.findall(text)
        if len(parts) < 2:
            continue
        one, other = draw(st.integers(0, len(parts) - 1)), draw(st.integers(0, len(parts) - 1))
        change = draw(st.sampled_from(["delete", "duplicate", "swap", "word"]))
        if change == "delete":
            del parts[one]
        elif change == "duplicate":
            parts.insert(other, parts[one])
        elif change == "swap":
            parts[one], parts[other] = parts[other], parts[one]
        else:
            parts[one] = str(draw(words))
        text = "".join(parts)
    return text


@settings(many, max_examples=400)
@given(mutated())
def test_any_mutation_of_a_spec(text):
    check(text)


@many
@given(st.text("abiw0123456789+-*/%<>=!()[], .notfelsrdx", max_size=40))
def test_any_expression(text):
    quoted = text.replace("'", "''")
    check(spec(f"[{{linear: '{quoted}', for: {{a: [1, 2], b: '{quoted}'}}, if: '{quoted}', repeat: '{quoted}'}}]"))
    check(spec("[relu]", head=f"params: {{a: 3, b: '{quoted}'}}\nblocks: {{'unit(x={quoted})': [relu]}}\n"))


@many
@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(st.sampled_from(["1", "0", "-1", "0.5", "1e30", "[]", "[1, 2]", "relu",
       "true", "in_shape", "x=1", "divisor=0", "in_channels"]), max_size=4))  # fmt: skip
def test_any_call(function, arguments):
    check(spec(f"[linear: '{function}({', '.join(arguments)})']"))


# Hostile specs: each runs in a forked process with limited time and memory


def nest(count: int, inner: str = "relu", opening: str = "{group: [", closing: str = "]}") -> str:
    return f"- {opening * count}{inner}{closing * count}\n"


def listed(text: str, count: int) -> str:
    return "[" + ", ".join([text] * count) + "]"


def lines(pattern: str, count: int) -> str:
    return "".join(pattern.format(n, n - 1, n + 1) for n in range(count))


SMALL = ["--max-layers", "5000"]
"""The limit of layers also limits work. A low limit makes these tests faster."""

Case = Callable[[], tuple[str | bytes, list[str]]]
"""A spec, which is only made where it is run, and options."""

REFUSED: dict[str, Case] = {
    "lists that double": lambda: ("params:\n  a0: [1, 1]\n" + "".join(f"  a{n}: '[a{n - 1}, a{n - 1}]'\n" for n in range(1, 60))
        + spec("[relu]"), []),
    "lists that double, compared": lambda: ("params:\n  a0: [1, 1]\n" + lines("  b{0}: '[a0, a0, a0, a0, a0, a0, a0, a0]'\n", 7)
        + "  c: '[[b0, b0, b0, b0], [b0, b0, b0, b0]]'\n" + spec("[{linear: c == c, repeat: 99000}]"), []),
    "10^12 repeats": lambda: (spec("[{relu: , repeat: 1_000_000_000_000}]"), []),
    "10^30 repeats": lambda: (spec("[{relu: , repeat: 1e30}]"), []),
    "nested repeats": lambda: (spec("[{group: [{group: [{relu: , repeat: 1000}], repeat: 1000}], repeat: 1000}]"), SMALL),
    "nested repeats of nothing": lambda: (spec("[{group: [{group: [], repeat: 1000}], repeat: 1000}]"), SMALL),
    "many times no copy": lambda: (spec(f"[{{group: {listed('{relu: , repeat: 0}', 9000)}, repeat: 9000}}]"), SMALL),
    "many times left out": lambda: (spec(f"[{{group: {listed('{relu: , if: false}', 9000)}, repeat: 9000}}]"), SMALL),
    "many times a let": lambda: (spec(f"[{{group: {listed('let: {a: 1}', 9000)}, repeat: 9000}}]"), SMALL),
    "rows of no copies": lambda: (spec(f"[{{group: [{{relu: , for: [[a], {listed('[1]', 9000)[1:-1]}], repeat: 0}}], repeat: 9000}}]"),
        SMALL),
    "a table of 300,000 rows": lambda: (spec("- relu:\n  for:\n    - [a]\n" + "    - [1]\n" * 300_000), SMALL),
    "a column of a million": lambda: (spec(f"[{{linear: w, for: {{w: {listed('1', 900_000)}}}}}]"), SMALL),
    "blocks that double": lambda: (spec("[b0]", head="blocks:\n" + lines("  b{0}: [b{2}, b{2}]\n", 60) + "  b60: []\n"), SMALL),
    "blocks that double, with layers": lambda: (spec("[b0]", head="blocks:\n" + lines("  b{0}: [b{2}, b{2}]\n", 60)
        + "  b60: [relu]\n"), SMALL),
    "many arguments, many calls": lambda: (spec("[{b: , repeat: 9000}]", head="blocks:\n  ? b("
        + ", ".join(f"a{n}=a{n - 1} + 1" if n else "a0=1" for n in range(250)) + ")\n  : [relu]\n"), SMALL),
    "a long list as an argument": lambda: (spec(f"[{{b: {{w: {listed('i', 90_000)}}}, repeat: 9000}}]", head="blocks: {'b(w)': [relu]}\n"),
        SMALL),
    "a long sum": lambda: (spec("[{linear: sum(w), repeat: 5000}]", head=f"params: {{w: {listed('1', 90_000)}}}\n"), SMALL),
    "a tower of powers": lambda: (spec("[linear: 9**9**9**9]"), []),
    "a tower of powers of params": lambda: (spec("[linear: a**a**a**a]", head="params: {a: 9}\n"), []),
    "a product beyond": lambda: (spec("[linear: a ** 30 * a ** 30]", head="params: {a: 10}\n"), []),
    "an attribute": lambda: (spec("[linear: in_shape.__class__]"), []),
    "a subclass": lambda: (spec('[linear: "().__class__.__bases__[0].__subclasses__()"]'), []),
    "an import": lambda: (spec("[linear: '__import__(''os'').system(''id'')']"), []),
    "a lambda": lambda: (spec("[linear: '(lambda: 1)()']"), []),
    "builtins": lambda: (spec("[linear: __builtins__]"), []),
    "100,000 brackets": lambda: ("[" * 100_000, []),
    "100,000 brackets closed": lambda: ("[" * 100_000 + "]" * 100_000, []),
    "100,000 maps": lambda: ("{a: " * 100_000, []),
    "100,000 dashes": lambda: ("- " * 100_000, []),
    "a number of 5,000 digits": lambda: (spec(f"[linear: {'9' * 5000}]"), []),
    "an expression of 5,000 digits": lambda: (spec(f"[linear: '{'9' * 5000}']"), []),
    "an exponent of 5,000 digits": lambda: (spec(f"[linear: 1e{'9' * 5000}]"), []),
    "an exponent in an expression": lambda: (spec("[linear: '1 + 1e999999999']"), []),
    "an alias bomb": lambda: ("params:\n  a0: &a0 [1, 1]\n" + lines("  b{0}: &b{0} [*b{1}, *b{1}, *b{1}]\n", 40).replace("*b-1", "*a0")
        + spec("[relu]"), []),
    "a tag": lambda: (spec("[!!python/object/apply:os.system [id]]"), []),
    "a file of the system": lambda: ("extends: ../../etc/passwd\n", []),
    "a file of the system by its path": lambda: ("extends: /etc/passwd\n", []),
    "a device": lambda: ("extends: /dev/zero\n", []),
    "NUL": lambda: (b"input: [4]\nlayers: [re\0lu]\n", []),
    "NUL in a path": lambda: ('extends: "a\\0b"\n', []),
    "invalid UTF-8": lambda: (b"input: [4]\nlayers: [\xc3\x28]\n", []),
    "half a surrogate pair": lambda: ('input: [4]\nlayers: ["\\ud800"]\n', []),
    "an escape sequence in a name": lambda: (spec('- relu:\n  name: "\\e]0;x\\a\\e[31m"'), []),
    "an escape sequence as an op": lambda: (spec('["\\e[31mred\\e[0m"]'), []),
    "an escape sequence in an expression": lambda: (spec('[linear: "\\e[31m"]'), []),
    "an escape sequence in a key": lambda: (spec("[relu]", head='"\\e[2J": 3\n'), []),
    "an escape sequence in a param": lambda: (spec("[relu]", head='params: {"\\e[2J": 3}\n'), []),
    "an escape sequence in a file's name": lambda: ('extends: "\\e[2J"\n', []),
    "markup": lambda: (spec("['[bold red]x[/] [link=http://x.y]z[/link]']"), []),
    "a name of 10^6 characters": lambda: (spec(f"- relu:\n  name: {'a' * 10**6}"), []),
    "an op of 10^6 characters": lambda: (spec(f"- {'a' * 10**6}"), []),
    "a reference of 10^6 parts": lambda: (spec(f"- relu:\n  from: {'a.' * 10**6}a"), []),
    "a path of 10^4 characters, often": lambda: (spec("- " + "".join(f"{{name: {'a' * 200}{n}, group: [" for n in range(45))
        + "{relu: , repeat: 90000}" + "]}" * 45), []),
    "an expression of 2 * 10^6 characters": lambda: (spec(f"[linear: '{'x+' * 10**6}x']"), []),
    "10^7 characters of expressions": lambda: (spec(lines("- linear: '" + "1-" * 480 + "in_channels + {0}'\n", 10_000)), []),
    "10^5 params, each of the one before": lambda: ("params:\n  p-1: 1\n".replace("p-1", "q") + lines("  p{0}: p{1} + 1\n", 100_000).replace(
        "p-1", "q") + spec("[linear: p99999]"), []),
    "unknown names among 10^5 params": lambda: ("params:\n" + lines("  p{0}: {0}\n", 100_000) + spec(lines("- linear: q{0}\n", 1000)), []),
    "30,000 blocks inside each other": lambda: ("blocks:\n" + lines("  b{0}: [b{2}]\n", 30_000) + "  b30000: [relu]\n" + spec("[b0]"), []),
    "20,000 blocks in a circle": lambda: ("blocks:\n" + lines("  b{0}: [b{2}]\n", 20_000) + "  b20000: [b0]\n" + spec("[b0]"), []),
    "20,000 unknown ops": lambda: (spec(lines("- rel{0}\n", 20_000)), []),
    "20,000 unknown keys": lambda: (spec(lines("- relu:\n  k{0}: 1\n", 20_000)), []),
    "20,000 unknown sections": lambda: (spec("[relu]") + lines("k{0}: 1\n", 20_000), []),
    "20,000 unknown arguments": lambda: (spec("- conv: {" + ", ".join(f"k{n}: 1" for n in range(20_000)) + "}"), []),
    "20,000 faults of many kinds": lambda: (spec(lines("- conv: {{out: q{0}, kernal: 3, foo{0}: 1}}\n", 20_000)), []),
    "names from many, left out": lambda: (spec(f"[{{group: [{{concat: , if: false, from: {listed('prev', 9000)}}}], repeat: 9000}}]"), SMALL),
    "names from many, often": lambda: (spec(f"[{{group: [{{linear: 4, name: x}}, {{add: , from: {listed('x', 9000)}}}], repeat: 9000}}]"), SMALL),
    "many outputs, often": lambda: (spec("[{group: [split: 4096, concat], repeat: 9000}]", "[4096]"), SMALL),
    "a shape that doubles": lambda: (spec("[{concat: [[], []], repeat: 1000}]"), []),
    "a follower that follows itself": lambda: (spec("[linear]", head="defaults: {linear: {out: 4, act: linear}}\n"), []),
    "followers that follow each other": lambda: (spec("[linear]", head="defaults: {linear: {out: 4, act: conv}, "
        "conv: {out: 3, kernel: 1, act: linear}}\n"), []),
    "a follower through a block": lambda: (spec("[linear: 4]", head="defaults: {linear: {act: u}}\nblocks: {u: [linear: 4]}\n"), []),
    "deep groups in deep blocks": lambda: (spec(nest(47, "b"), head=f"blocks:\n  b:\n    {nest(46, 'c')}\n  c:\n    {nest(46)}"), []),
    "an expression at its limit, in lists at theirs": lambda: (spec("[linear: " + "[" * 90 + "'" + "(" * 24 + "in_channels" + ")" * 24
        + "'" + "]" * 90 + "]"), []),
    "columns of 10^5 names": lambda: (spec("- relu:\n  for:\n    - [" + ", ".join(f"a{n}" for n in range(100_000)) + "]\n    - [1]\n"), []),
}  # fmt: skip

TAKEN: dict[str, Case] = {
    "10^5 params, and many layers": lambda: ("params:\n" + lines("  p{0}: {0}\n", 100_000) + spec("[{linear: p9, repeat: 3000}]"), []),
    "10^5 params, and many lists": lambda: ("params:\n" + lines("  p{0}: {0}\n", 100_000)
        + spec("- group: [let: {a: p9}, linear: a]\n" * 3000), []),
    "10^5 blocks": lambda: ("blocks:\n" + lines("  b{0}: [relu]\n", 100_000) + spec("[b10]"), []),
    "10^5 rows": lambda: (spec("- relu:\n  for:\n    - [a]\n" + "    - [1]\n" * 90_000 + "  repeat: 0\n"), []),
    "one layer of 10^5 inputs": lambda: (spec(f"[relu, {{concat: , from: {listed('relu', 100_000)}}}]"), []),
    "one layer of 10^5 branches": lambda: (spec(f"[add: {listed('[]', 100_000)}]"), []),
    "shared weights among many layers": lambda: (spec("[{group: [{relu: , repeat: 9000}, linear: 4], name: g}, "
        "{linear: 4, share: g, repeat: 9000}]", "[4]"), []),
    "names that are taken": lambda: (spec(lines("- relu:\n  name: relu_{2}\n", 9000) + "- relu\n" * 9000), []),
    "48 groups": lambda: (spec(nest(48)), []),
    "48 residuals with everything beside them": lambda: (
        spec(nest(48, "relu", "{repeat: 1, for: {a: [1]}, if: true, residual: [", "]}")), []),
    "an expression at its limits": lambda: (spec(f"[linear: '{'(' * 24}in_channels{')' * 24}']"), []),
    "signs": lambda: (spec(f"[linear: '{'-' * 900}in_channels']"), []),
    "the widest shapes": lambda: (spec("[linear: 1e30, {conv: {out: 1e30, kernel: 1}}]", "[1e30, 1e30, 1e30]"), []),
    "followers of followers": lambda: (spec("- linear: {out: 4, act: " + "{linear: {out: 4, act: " * 40 + "relu" + "}}" * 40 + "}"), []),
}  # fmt: skip

PROGRAM = """
import sys
from costcalc.cli import main
sys.exit(main({arguments}))
"""


@pytest.fixture
def run(forks):
    """Run `analyze -` with at most 10 s of CPU time and 600 MiB of memory."""

    def run(text: str | bytes, options: list[str]) -> subprocess.CompletedProcess[bytes]:
        data = text if isinstance(text, bytes) else text.encode()
        if len(data) > 200_000 and not yaml.__with_libyaml__:
            pytest.skip("the parser in Python takes longer")
        program = PROGRAM.format(arguments=["analyze", "-", "--color", "never", *options])
        return forks.run(program, data, seconds=10, megabytes=600)

    return run


limited = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory as Linux has them")


@limited
@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_rejected_specs(run, case):
    text, options = case()
    done = run(text, options)
    said = done.stderr.decode()
    assert done.returncode == 2, said[-500:]
    assert re.search(r"<stdin>:\d+:\d+: error: ", said)
    assert done.stdout == b""
    assert "Traceback" not in said
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said)
    assert len(said) < 100_000
    assert "root:" not in said


@limited
@pytest.mark.parametrize("case", TAKEN.values(), ids=TAKEN)
def test_accepted_specs(run, case):
    text, options = case()
    done = run(text, [*options, "-o", "csv"])
    assert done.returncode == 0
    assert b"error" not in done.stderr
    assert len(done.stderr) < 100_000


ESCAPES = "\\e[31m \\x9b31m \\u202e [red]x[/red] \\t end"


def test_texts_of_a_spec_are_escaped(run):
    """Those that may hold any character are shown without what acts on a terminal, and are no markup."""
    text = spec("[relu]", head=f'name: "{ESCAPES}"\nsource: "{ESCAPES}"\ndescription: "{ESCAPES}"\n')
    for options in ([], ["--color", "always"], ["-o", "markdown"], ["-o", "csv"]):
        shown = run(text, options).stdout.decode()
        assert "\x1b[31m" not in shown
        assert "\x9b" not in shown
        assert "\u202e" not in shown
        if not options:
            assert "[red]x[/red]" in shown


# Python's own stack


def deep(function, frames: int):
    return function() if frames == 0 else deep(function, frames - 1)


DEEPEST = [
    spec(nest(48, "relu", "{repeat: 1, for: {a: [1]}, if: true, residual: [", "]}")),
    spec(f"[linear: '{'(' * 24}in_channels{')' * 24}']"),
    spec(f"[linear: '{'(not 1+1*-' * 14}in_channels{')' * 14} + 1']"),
    spec(f"[linear: '{'[[' * 3}in_channels{']' * 6}{'[0]' * 6}']"),
    spec(
        nest(
            45,
            f"{{linear: '{'(' * 24}in_features{')' * 24}'}}",
            "{repeat: 1, for: {a: [1]}, if: true, residual: [",
            "]}",
        )
    ),
    spec("- linear: {out: 4, act: " + "{linear: {out: 4, act: " * 40 + "relu" + "}}" * 40 + "}"),
    spec("[b0]", head="blocks:\n" + lines("  b{0}: [residual: [b{2}]]\n", 31) + "  b31: [relu]\n"),
]


@pytest.mark.parametrize("text", DEEPEST)
@pytest.mark.parametrize("frames", [0, 100, 300, 600, 800, 900])
def test_a_deep_stack(text, frames):
    """A spec within the limits fits Python's stack. Too little remaining stack is reported as a limit."""
    said = ""
    try:
        deep(lambda: costcalc.loads(text), frames)
    except CostcalcError as error:
        said = str(error)
    except RecursionError:
        said = "the stack of the test"
    assert "stack" in said or not said
    assert not said or frames >= 200
