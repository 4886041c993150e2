"""Expressions: all operators, functions and limits, the values of names, and the locations of errors."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costcalc.errors import ExpressionError
from costcalc.lang.expression import FUNCTIONS, RESERVED, Environment, evaluate, parse, parse_value, suffixed
from costcalc.lang.functions import OPERATORS, Word
from costcalc.lang.grammar import number

from .language import fault, load, shape, spec

NAMES = {"a": 7, "b": 2.5, "w": (3, 4, 5), "n": ((1, 2), (3, 4)), "yes": True, "act": Word("relu"), "k": 3, "s": 2}

VALUES = {
    "1": 1,
    "1_000": 1000,
    "1.5": 1.5,
    ".5": 0.5,
    "1.": 1.0,
    "1e3": 1000,
    "1E3": 1000,
    "1e+3": 1000,
    "1.5e1": 15,
    "2.5e-1": 0.25,
    "010": 10,
    "true": True,
    "false": False,
    "a": 7,
    " a ": 7,
    "1 + 2": 3,
    "1+2*3": 7,
    "(1 + 2) * 3": 9,
    "10 - 4 - 3": 3,
    "7 / 2": 3.5,
    "8 / 2": 4.0,
    "7 // 2": 3,
    "-7 // 2": -4,
    "7 % 3": 1,
    "-7 % 3": 2,
    "7.5 % 2": 1.5,
    "2 ** 10": 1024,
    "2 ** -1": 0.5,
    "2 ** 3 ** 2": 512,
    "-2 ** 2": -4,
    "(-2) ** 2": 4,
    "2 ** 0.5": math.sqrt(2),
    "- - 3": 3,
    "-+-3": 3,
    "+a": 7,
    "-a": -7,
    "1 + -a": -6,
    "16 // 3 * 3": 15,
    "2 * 3 % 4": 2,
    "1 < 2": True,
    "2 <= 2": True,
    "2 > 2": False,
    "2 >= 2": True,
    "2 == 2.0": True,
    "2 != 3": True,
    "1 < 2 < 3": True,
    "1 < 2 > 3": False,
    "3 < 2 < 4": False,
    "3 < 2 < 1 / 0": False,
    "3 > 2 > 1 > 0": True,
    "1 + 1 == 2": True,
    "true and false": False,
    "true or false": True,
    "not true": False,
    "not not true": True,
    "not not not true": False,
    "not 1 == 2": True,
    "true or true and false": True,
    "(true or true) and false": False,
    "a and b": True,
    "0 or 0.0": False,
    "false and 1 / 0 > 1": False,
    "true or 1 / 0 > 1": True,
    "1 if true else 2": 1,
    "1 if 0 else 2": 2,
    "1 if false else 2 if false else 3": 3,
    "(1 if true else 2) + 10": 11,
    "1 if a > 5 and b < 3 else 2": 1,
    "1 if true else 1 / 0": 1,
    "s if k == 3 else 1": 2,
    "[]": (),
    "[1]": (1,),
    "[1, 2,]": (1, 2),
    "[k // 2, 0]": (1, 0),
    "[[1, 2], w]": ((1, 2), (3, 4, 5)),
    "[1, a > 3, relu]": (1, True, "relu"),
    "w[0]": 3,
    "w[-1]": 5,
    "w[k - 1]": 5,
    "n[1][0]": 3,
    "[4, 5][1]": 5,
    "(w)[1]": 4,
    "relu": "relu",
    "none": "none",
    "act": "relu",
    "act == relu": True,
    "act == gelu": False,
    "act != gelu": True,
    "act != relu": False,
    "relu == 3": False,
    "3 != relu": True,
    "w == [3, 4, 5]": True,
    "w == [3, 4]": False,
    "w == 3": False,
    "w != [3, 4, 6]": True,
    "n == [[1, 2], [3, 4]]": True,
    "[] == []": True,
    "relu if act == relu else gelu": "relu",
    "min(3, 2)": 2,
    "max(3, 2, 9)": 9,
    "min(w)": 3,
    "max([1, a])": 7,
    "max(1)": 1,
    "min(2, 2.0)": 2,
    "abs(-3)": 3,
    "abs(2.5)": 2.5,
    "round(2.5)": 2,
    "round(3.5)": 4,
    "round(-2.5)": -2,
    "round(2.4)": 2,
    "floor(2.9)": 2,
    "floor(-2.1)": -3,
    "ceil(2.1)": 3,
    "ceil(-2.9)": -2,
    "int(2.9)": 2,
    "int(-2.9)": -2,
    "int(3)": 3,
    "sqrt(16)": 4.0,
    "log2(8)": 3.0,
    "len(w)": 3,
    "len([])": 0,
    "len(n)": 2,
    "sum(w)": 12,
    "sum([])": 0,
    "sum([1, 0.5])": 1.5,
    "sum(n[0])": 3,
    "max(w) - min(w)": 2,
    "min(max(1, 2), 3)": 2,
    "round(x=2.5)": 2,
    "make_divisible(33)": 32,
    "make_divisible(x=33)": 32,
    "make_divisible(33, 16)": 32,
    "make_divisible(33, divisor=10)": 30,
    "make_divisible(33, min_value=40)": 40,
    "make_divisible(x=1, divisor=4, min_value=6)": 6,
    "make_divisible(3, 8, 0)": 8,
    "make_divisible(12)": 16,
    "make_divisible(4)": 8,
    "make_divisible(24 * 0.35)": 8,
    "make_divisible(20, 18)": 18,  # 90 % of 20, which is enough
    "make_divisible(21, 18)": 36,  # 18 is below 90 % of 21: 18.9
    "make_divisible(100, 90)": 90,
    "make_divisible(101, 90)": 180,
    "make_divisible(4 * a, 8)": 32,
    "1 +\n 2": 3,
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_values(text, value):
    class Words(Environment):
        def other(self, name):
            return Word(name)

    found = parse(text).run(Words(NAMES))
    assert found == value
    assert type(found) is (Word if isinstance(value, str) else type(value))


# The widths of the stages of MobileNetV2 for alpha 0.35, 0.5, 0.75, 1.3, 1.4, from its reference code
DIVISIBLE = {
    0.35: [16, 8, 8, 16, 24, 32, 56, 112],
    0.5: [16, 8, 16, 16, 32, 48, 80, 160],
    0.75: [24, 16, 24, 24, 48, 72, 120, 240],
    1.3: [40, 24, 32, 40, 80, 128, 208, 416],
    1.4: [48, 24, 32, 48, 88, 136, 224, 448],
}


@pytest.mark.parametrize(("alpha", "widths"), DIVISIBLE.items())
def test_make_divisible_as_in_mobilenet_v2(alpha, widths):
    found = [
        evaluate("make_divisible(alpha * c)", {"alpha": alpha, "c": c}) for c in (32, 16, 24, 32, 64, 96, 160, 320)
    ]
    assert found == widths


@given(st.floats(0.01, 1e6), st.integers(1, 64), st.integers(0, 256))
def test_make_divisible_is_a_near_multiple(x, divisor, least):
    found = FUNCTIONS["make_divisible"](x, divisor)
    assert found % divisor == 0
    assert found >= divisor
    assert 10 * found >= 9 * x
    assert abs(found - x) <= divisor
    assert FUNCTIONS["make_divisible"](x, divisor, least) >= least


FAULTS = {
    # text: (message, offset, length)
    "": ("the expression is empty", 0, 1),
    "   ": ("the expression is empty", 0, 1),
    "1 +": ("unexpected end of the expression", 2, 1),
    "1 + ": ("unexpected end of the expression", 2, 2),
    "* 2": ("unexpected '*'", 0, 1),
    "1 2": ("unexpected '2'", 2, 1),
    "a b": ("unexpected 'b'", 2, 1),
    "(1": ("expected ')' at the end of the expression", 1, 1),
    "[1, 2": ("expected ']' at the end of the expression", 4, 1),
    "max(1": ("expected ')' at the end of the expression", 4, 1),
    "1)": ("unexpected ')'", 1, 1),
    "()": ("unexpected ')'", 1, 1),
    "(1, 2)": ("expected ')', got ','", 2, 1),
    "w[]": ("unexpected ']'", 2, 1),
    "w[0:1]": ("unexpected ':'", 3, 1),
    "a = 3": ("unexpected '='", 2, 1),
    "a & b": ("unexpected '&'", 2, 1),
    "a | b": ("unexpected '|'", 2, 1),
    "!a": ("unexpected '!'", 0, 1),
    "a ^ 2": ("unexpected '^'", 2, 1),
    "a.shape": ("unexpected '.'", 1, 1),
    "'relu'": ('unexpected "\'"', 0, 1),
    "a; b": ("unexpected ';'", 1, 1),
    "a if b": ("expected 'else' at the end of the expression", 5, 1),
    "if a else b": ("unexpected 'if'", 0, 2),
    "a else b": ("unexpected 'else'", 2, 4),
    "not": ("unexpected end of the expression", 2, 1),
    "a and": ("unexpected end of the expression", 4, 1),
    "and a": ("unexpected 'and'", 0, 3),
    "3x3": ("invalid number 3x3", 0, 3),
    "64px": ("invalid number 64px", 0, 4),
    "0x10": ("invalid number 0x10", 0, 4),
    "1e": ("invalid number 1e", 0, 2),
    "foo(1)": ("unknown function foo", 0, 3),
    "ma(1, 2)": ("unknown function ma", 0, 2),
    "a(1)": ("unknown function a", 0, 1),
    "w[0](1)": ("only functions can be called", 4, 1),
    "(a)(1)": ("only functions can be called", 3, 1),
    "max(1)(2)": ("only functions can be called", 6, 1),
    "lambda x: x": ("unexpected 'x'", 7, 1),
    "[x for x in w]": ("expected ']', got 'for'", 3, 3),
    "a.__class__": ("unexpected '.'", 1, 1),
    "__import__(1)": ("unknown function __import__", 0, 10),
    "max(1, key=2, 3)": ("positional argument after a named argument", 14, 1),
    "round(x=1, x=2)": ("duplicate argument x", 11, 1),
    "9" * 40: ("number out of range: the limit is 10^30", 0, 40),
    "1e99": ("number out of range: the limit is 10^30", 0, 4),
    "1e999999999999": ("number out of range: the limit is 10^30", 0, 14),
    "9" * 200: ("number too long: 200 characters, at most 100 are allowed", 0, 200),
    "1__ + 1": ("invalid number 1__", 0, 3),
    "1_": ("invalid number 1_", 0, 2),
    "é + ": ("unexpected end of the expression", 2, 2),
    "unknown": ("unknown name unknown", 0, 7),
    "a + unknown": ("unknown name unknown", 4, 7),
    "1 / 0": ("division by zero", 2, 1),
    "a + 1 // (a - a)": ("division by zero", 6, 2),
    "1 % 0.0": ("division by zero", 2, 1),
    "0 ** -1": ("division by zero", 2, 2),
    "(-8) ** 0.5": ("-8 ** 0.5 is not a real number", 5, 2),
    "9 ** 9 ** 9 ** 9": ("result out of range: the limit is 10^30", 7, 2),
    "10 ** 31": ("result out of range: the limit is 10^30", 3, 2),
    "10.0 ** 309": ("result out of range: the limit is 10^30", 5, 2),
    "10 ** 30 * 10": ("result out of range: the limit is 10^30", 9, 1),
    "10 ** 30 + 1": ("result out of range: the limit is 10^30", 9, 1),
    "-(10 ** 30) - 1": ("result out of range: the limit is 10^30", 12, 1),
    "1e30 * 1e30": ("result out of range: the limit is 10^30", 5, 1),
    "make_divisible(9e29, 7e29)": ("result out of range: the limit is 10^30", 0, 26),
    "sum([1e30, 1e30])": ("result out of range: the limit is 10^30", 0, 17),
    "w + 1": ("+ expects numbers, got a list", 2, 1),
    "1 - w": ("- expects numbers, got a list", 2, 1),
    "act * 2": ("* expects numbers, got the word relu", 4, 1),
    "-w": ("- expects numbers, got a list", 0, 1),
    "-act": ("- expects numbers, got the word relu", 0, 1),
    "w < 3": ("< expects numbers, got a list", 0, 5),
    "3 >= act": (">= expects numbers, got the word relu", 0, 8),
    "1 if act else 2": ("expected true or false, got the word relu", 5, 3),
    "1 if w else 2": ("expected true or false, got a list", 5, 1),
    "not act": ("expected true or false, got the word relu", 4, 3),
    "true and w": ("expected true or false, got a list", 9, 1),
    "act or true": ("expected true or false, got the word relu", 0, 3),
    "w[3]": ("index 3 is out of range for a list of length 3", 0, 4),
    "w[-4]": ("index -4 is out of range for a list of length 3", 0, 5),
    "w[1.5]": ("expected an integer as index, got 1.5", 0, 6),
    "w[act]": ("expected an integer as index, got relu", 0, 6),
    "a[0]": ("expected a list before [0], got 7", 0, 4),
    "act[0]": ("expected a list before [0], got relu", 0, 6),
    "min()": ("an empty list has no minimum or maximum", 0, 5),
    "max([])": ("an empty list has no minimum or maximum", 0, 7),
    "max(w, 3)": ("expected a number, got a list", 0, 9),
    "max(act)": ("expected a number, got the word relu", 0, 8),
    "abs(w)": ("expected a number, got a list", 0, 6),
    "round(act)": ("expected a number, got the word relu", 0, 10),
    "len(3)": ("len expects a list, got 3", 0, 6),
    "len(act)": ("len expects a list, got the word relu", 0, 8),
    "sum(3)": ("sum expects a list, got 3", 0, 6),
    "sum([relu])": ("+ expects numbers, got the word relu", 0, 11),
    "sum(1, 2)": ("cannot compute sum(1, 2)", 0, 9),
    "round(2.5, 1)": ("cannot compute round(2.5, 1)", 0, 13),
    "round()": ("cannot compute round()", 0, 7),
    "round(y=2)": ("cannot compute round(2)", 0, 10),
    "sqrt(-1)": ("cannot compute sqrt(-1)", 0, 8),
    "log2(0)": ("cannot compute log2(0)", 0, 7),
    "make_divisible(3, 0)": ("divisor must be positive, got 0", 0, 20),
    "make_divisible(3, -8)": ("divisor must be positive, got -8", 0, 21),
    "make_divisible(w)": ("expected a number, got a list", 0, 17),
    "make_divisible(act)": ("expected a number, got the word relu", 0, 19),
    "make_divisible()": ("cannot compute make_divisible()", 0, 16),
    "1" + "+1" * 500: ("expression too long: 1,001 characters, at most 1,000 are allowed", 0, 1),
    "(" * 30 + "1" + ")" * 30: ("the expression is nested more than 25 levels deep", 25, 1),
    "[" * 30 + "1" + "]" * 30: ("the expression is nested more than 25 levels deep", 25, 1),
    "1" + " ** 1" * 30: ("the expression is nested more than 25 levels deep", 125, 1),
    "w" + "[0]" * 30: ("the expression is nested more than 25 levels deep", 76, 1),
    "[[[[[[[[[1]]]]]]]]]": ("the list is nested more than 8 levels deep", 0, 19),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message", "offset", "length"), [(text, *case) for text, case in FAULTS.items()])
def test_faults(text, message, offset, length):
    class Words(Environment):
        def other(self, name):
            return Word(name) if name in ("relu", "gelu") else super().other(name)

    with pytest.raises(ExpressionError) as error:
        parse(text).run(Words(NAMES))
    assert str(error.value) == message
    assert error.value.offset == offset
    assert error.value.length == length or length == 1


HELP = {
    "a & b": "write and",
    "a | b": "write or",
    "!a": "write not",
    "a ^ 2": "write **",
    "a.b": "remove it: expressions have no attributes",
    "a = 3": "write == to compare",
    "ma(1)": "did you mean max?",
    "zzz(1)": "known: min, max",
    "w[0](1)": "known: min, max",
    "3x3": "a list for several dimensions: [3, 3]",
    "64px": "write a decimal number",
    "unknwon": "did you mean unknown?",
    "'relu'": "write words without quotes",
    "(1, 2)": "write a list in brackets: [1, 2]",
    "w[0:1]": "the index of one entry",
    "1, 2": "write a list in brackets: [1, 2]",
}


@pytest.mark.parametrize(("text", "help"), HELP.items())
def test_help(text, help):
    with pytest.raises(ExpressionError) as error:
        evaluate(text, {"w": (1,), "a": 1, "b": 2, "unknown": 3})
    assert help in error.value.help


def test_nesting_within_the_limit():
    assert evaluate("(" * 24 + "1" + ")" * 24, {}) == 1
    assert evaluate("not " * 200 + "true", {}) is True
    assert evaluate("-" * 999 + "1", {}) == -1
    assert evaluate("1" + "+1" * 499, {}) == 500
    assert evaluate("1 if 0 else " * 24 + "2", {}) == 2
    assert evaluate("w" + "[0]" * 8, {"w": ((((((((1,),),),),),),),)}) == 1


def test_more_expressions_than_the_cache_holds():
    assert [evaluate(f"a + {n}", {"a": 1}) for n in range(5000)] == list(range(1, 5001))


def test_the_set_of_functions_and_operators():
    assert set(FUNCTIONS) == {
        "min", "max", "abs", "round", "floor", "ceil", "int", "sqrt", "log2", "len", "sum", "make_divisible"
    }  # fmt: skip
    assert set(OPERATORS) == {"+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!="}
    assert {"in_channels", "block_shape", "and", "true", "max"} <= RESERVED


LITERALS = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3)))


@given(LITERALS, LITERALS, LITERALS, st.sampled_from(["+", "-", "*", "//", "%", "/"]),
       st.sampled_from(["+", "-", "*", "//", "%", "/", "<", "=="]))  # fmt: skip
def test_arithmetic_equals_pythons(a, b, c, first, second):
    text = f"a {first} b {second} c"
    try:
        expected = eval(text, {"__builtins__": {}}, {"a": a, "b": b, "c": c})
    except ZeroDivisionError:
        with pytest.raises(ExpressionError, match="division by zero"):
            evaluate(text, {"a": a, "b": b, "c": c})
    else:
        assert evaluate(text, {"a": a, "b": b, "c": c}) == expected


@given(st.text("ab01w+-*/%<>=!()[],. \nnotrifelsa", max_size=30))
def test_any_text_has_a_value_or_a_located_fault(text):
    offset, length = 0, 1
    try:
        evaluate(text, {"a": 3, "b": 2.5, "w": (1, 2)})
    except ExpressionError as error:
        offset, length = error.offset, error.length
    assert 0 <= offset <= max(0, len(text) - 1)
    assert length >= 1


# In a layer

SEEN = {
    "in_channels": 16,
    "in_features": 4,
    "in_shape[1]": 8,
    "len(in_shape)": 3,
    "sum(in_shape)": 28,
    "block_channels": 16,
    "block_features": 4,
    "block_shape[-2]": 8,
    "make_divisible(in_channels * 0.6)": 16,
    "24.000000000000004": 24,
    "0.1 * 3 * 10": 3,
    "8 * 3 / 2": 12,
    "a": 7,
}


@pytest.mark.parametrize(("text", "value"), SEEN.items())
def test_names_in_arguments(text, value):
    assert shape(load(f'[{{linear: "{text}"}}]', "[16, 8, 4]", "params: {a: 7}\n"))[-1] == value


def test_the_first_of_several_tensors():
    network = load("[relu, {linear: 5}, {concat: , axis: 2, from: [relu, linear]}, {linear: in_features}, "
                   "{concat: , from: [linear, linear_2], axis: in_features - 3}]", "[16, 8, 4]")  # fmt: skip
    assert shape(network) == [16, 8, 5 + 9]


def test_in_a_residual_and_in_branches():
    network = load(
        "[{linear: 5}, {residual: [{linear: in_features}], skip: in_features == 5}, "
        "{concat: [[{linear: in_features + 1}], [{linear: 1}, {linear: in_features + 1}]], axis: 2}]"
    )
    assert shape(network) == [16, 8, 6 + 2]


WORDS = {
    "act: relu": "relu",
    "act: a": "gelu",
    "act: 'relu if in_channels > 3 else gelu'": "relu",
    "act: 'chosen[1]'": "silu",
    "act: '[relu, tanh][1]'": "tanh",
    "act: gelu if a == gelu else relu": "gelu",
    "act: elu if a != gelu else selu": "selu",
    "act: hardswish if a == hardswish else mish": "mish",
}


@pytest.mark.parametrize(("text", "op"), WORDS.items())
def test_words(text, op):
    head = "params: {a: gelu, chosen: [relu, silu]}\n"
    assert load(f"[{{linear: {{out: 3, {text}}}}}]", head=head).layers[-1].op.name == op


def test_a_name_in_scope_is_not_a_word():
    assert load("[linear: {out: 3, act: relu}]", head="params: {relu: gelu}\n").layers[-1].op.name == "gelu"
    assert fault(spec("[linear: {out: 3, act: relu}]", head="params: {relu: 3}\n")).message.endswith("got 3")


def test_a_column_of_words():
    network = load("[{linear: {out: 3, act: a}, for: {a: [relu, none, hardswish]}}]")
    assert [layer.op.name for layer in network.layers] == ["linear", "relu", "linear", "linear", "hardswish"]


@pytest.mark.parametrize("word", ["same", "valid"])
def test_keywords(word):
    assert shape(load(f"[{{conv: {{out: 4, kernel: 3, padding: {word}}}}}]"))[1:] == (
        [8, 8] if word == "same" else [6, 6]
    )
    network = load("[{conv: {out: 4, kernel: 3, padding: p}}]", head=f"params: {{p: {word}}}\n")
    assert shape(network)[1] == (8 if word == "same" else 6)


NOT_WHOLE = {"11.2": "11.2", "in_channels * 0.7": "11.2", "7 / 2": "3.5", "24.0001": "24.0001"}


@pytest.mark.parametrize(("text", "shown"), NOT_WHOLE.items())
def test_a_number_that_is_not_an_integer(text, shown):
    found = fault(spec(f"[linear: {text}]"))
    assert found.message.startswith(f"linear: out: expected an integer, got {shown}")
    assert all(name in found.help for name in ("round", "floor", "make_divisible"))


@pytest.mark.parametrize(
    ("layers", "line", "column", "length"),
    [
        ("- linear: 1 + unknown", 3, 17, 7),
        ("- linear: '1 + unknown'", 3, 18, 7),
        ('- linear: "1 + unknown"', 3, 18, 7),
        ("- linear: {out: 3 + (4 / 0)}", 3, 26, 1),
        ("- linear:\n    out: max(1, relu)", 4, 12, 12),
        ("- group:\n  - linear: in_channels / (in_channels - 16)", 4, 27, 1),
        ("- linear: [1, 2 + 'x']", 3, 21, 1),
        ('- linear: "1 \\u002b unknown"', 3, 13, 18),
    ],
)
def test_a_fault_is_located_in_the_expression(layers, line, column, length):
    assert fault(spec(layers)).span[1:] == (line, column, length)


# Values on the command line

GIVEN = {
    "4.1G": 4_100_000_000,
    "1k": 1000,
    "1K": 1000,
    "26M": 26_000_000,
    "2T": 2 * 10**12,
    "0.5k": 500,
    "1_000k": 1_000_000,
    "-1k": -1000,
    "+1k": 1000,
    "0.0001k": 0.1,
    ".5M": 500_000,
    " 3 ": 3,
    "224": 224,
    "1e3": 1000,
    "0.25": 0.25,
    "true": True,
    "[3, 4, 23, 3]": (3, 4, 23, 3),
    "2 ** 10": 1024,
    "relu": "relu",
    "[relu, none]": ("relu", "none"),
    "make_divisible(33)": 32,
}


@pytest.mark.parametrize(("text", "value"), GIVEN.items())
def test_given_values(text, value):
    found = parse_value(text)
    assert found == value
    assert type(found) is (Word if isinstance(value, str) else type(value))


@pytest.mark.parametrize("text", ["4.1g", "1kk", "1 k", "1e3k", "0x10", "1m", "4,1G", "in_channels", "1;2", "."])
def test_invalid_given_values(text):
    with pytest.raises(ExpressionError):
        parse_value(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("4.1G", 4_100_000_000), ("1_500", 1500), ("0.5", 0.5), ("1e3", 1000), ("0.1k", 100), ("-2", -2)],
)
def test_suffixes(text, value):
    assert suffixed(text) == value


@pytest.mark.parametrize(
    "text", ["", "x", "1 + 1", "4.1g", "G", "1.2.3", "--1", "1e", "9" * 70 + "k", "1" + "0" * 30 + "k"]
)
def test_invalid_suffixed_numbers(text):
    with pytest.raises(ExpressionError):
        suffixed(text)


@given(st.decimals(-1000, 1000, places=6), st.sampled_from(["k", "M", "G", "T"]))
def test_suffixes_are_exact(decimal, suffix):
    exact = decimal * 10 ** {"k": 3, "M": 6, "G": 9, "T": 12}[suffix]
    found = suffixed(f"{decimal:f}{suffix}")
    assert found == (int(exact) if exact == int(exact) else float(exact))


NUMBERS = {"1": 1, "-1": -1, "+1": 1, "1_0": 10, "1.5": 1.5, "1e2": 100, "1.5e2": 150, "-.5": -0.5, "15e-1": 1.5,
           "x": None, "": None, "1e": None, "٣": None, "1.0": 1.0}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_numbers(text, value):
    found = number(text)
    assert (found, type(found)) == (value, type(value))
