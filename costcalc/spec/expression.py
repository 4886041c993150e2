"""Expressions of the spec language: parsed once, evaluated often, never by Python's own `eval`.

    >>> evaluate("make_divisible(alpha * 24)", {"alpha": 0.75})
    24
    >>> evaluate("[k // 2, 0] if k > 1 else 0", {"k": 7})
    (3, 0)

A value is a bool, an int, a float, a tuple of values (a list), or a `Word`. In a sweep a number may also be an array,
one entry per configuration, that answers the same operators.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from costcalc.errors import ExpressionError, suggest
from costcalc.spec.functions import FUNCTIONS, LIMIT, OPERATORS, Word, checked, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value: TypeAlias = Any

MAX_LENGTH = 1_000
MAX_DEPTH = 25

TENSOR_NAMES = ("in_channels", "in_features", "in_shape", "block_channels", "block_features", "block_shape")
RESERVED = frozenset({"and", "or", "not", "if", "else", "true", "false", *TENSOR_NAMES, *FUNCTIONS})
"""Names that no param, argument or loop variable may take."""


class Environment:
    """What the names of an expression stand for. A subclass answers names that are not variables in `other`."""

    __slots__ = ("names",)

    def __init__(self, names: Mapping[str, Value]) -> None:
        self.names = names

    def other(self, name: str) -> Value:
        """The value of a name that is no variable. Raises `ExpressionError` for an unknown one."""
        raise ExpressionError("unknown name {}", name, help=suggest(name, (*self.names, *FUNCTIONS)))


class Node(NamedTuple):
    """A node of a parsed expression: its kind, its place in the text, and its parts (nodes, or names, or a value).

    Kinds: value, name, minus, plus, not, chain (of operators of one precedence, from left to right), power, compare, and,
    or, if, list, index, call.
    """

    kind: str
    offset: int
    length: int
    parts: tuple[Any, ...]


class Expression(NamedTuple):
    """A parsed expression: its text, its tree, the names in it with their offsets, and the way to its value."""

    text: str
    tree: Node
    names: tuple[tuple[str, int], ...]
    run: Callable[[Environment], Value]


_TOKEN = re.compile(
    r"[ \t\n]*(?:(?P<number>(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?(?P<tail>\w*))"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|//|==|!=|<=|>=|[-+*/%<>()\[\],=])|(?P<end>$)|(?P<bad>.))"
)
_BINARY = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}
_COMPARE = ("==", "!=", "<", "<=", ">", ">=")
_cache: dict[str, Expression] = {}


def parse(text: str) -> Expression:
    """The expression of a text. Raises `ExpressionError` with the offset of the fault.

    >>> parse("4 * mid").names
    (('mid', 4),)
    """
    found = _cache.get(text)
    if found is None:
        if len(text) > MAX_LENGTH:
            raise ExpressionError("an expression of {:,} characters; at most {:,}", len(text), MAX_LENGTH)
        parser = _Parser(text)
        tree = parser.whole()
        found = Expression(text, tree, tuple(parser.names), build(tree))
        if len(_cache) >= 4096:
            _cache.clear()
        _cache[text] = found
    return found


def evaluate(text: str, names: Mapping[str, Value]) -> Value:
    """The value of an expression over some names."""
    return parse(text).run(Environment(names))


def number(text: str) -> int | float | None:
    """The number that a text writes in decimal, or None. `1e3` is an int, as it has no fraction; `_` may stand in it.

    >>> number("1_000"), number("1e3"), number("2.5e-1"), number("3:22")
    (1000, 1000, 0.25, None)
    """
    match = re.fullmatch(r"([+-]?)(\d[\d_]*|(?=\.\d))(?:\.([\d_]*))?(?:[eE]([+-]?\d+))?", text, re.ASCII)
    if not match:
        return None
    sign, whole, fraction, exponent = match.groups()
    if fraction is None and exponent is None:
        digits = whole.replace("_", "").lstrip("0")
        if len(digits) > 31 or int(digits or "0") > LIMIT:
            raise ExpressionError("a number of {} digits; numbers go up to 10^30", len(digits))
        return -int(digits or "0") if sign == "-" else int(digits or "0")
    from decimal import Decimal

    if len(text) > 400 or abs(int((exponent or "0")[:6])) > 400:
        raise ExpressionError("a number beyond 10^30")
    exact = Decimal(text.replace("_", ""))
    if abs(exact) > LIMIT:
        raise ExpressionError("a number beyond 10^30")
    return int(exact) if exponent is not None and exact == exact.to_integral_value() else float(exact)


class _Parser:
    """Recursive descent over tokens; depth is bounded, so Python's stack is too."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[tuple[str, int]] = []
        self.depth = 0
        self.end = 0
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.end)
        assert match is not None
        self.before = self.end
        self.kind = match.lastgroup if match.lastgroup != "tail" else "number"
        self.start, self.end = match.span(self.kind or "end")
        self.token = match[self.kind or "end"]
        if self.kind == "bad":
            known = {"&": "and", "|": "or", "!": "not", "^": "**", ".": "no attributes are known here"}
            found = known.get(self.token, "")
            self.fail(
                "{} is no part of an expression",
                repr(self.token),
                help=found if " " in found else f"write {found}" if found else "",
            )
        if self.kind == "number" and match["tail"]:
            self.fail("{} is no number", self.token, help="numbers are decimal; a product is written with *")

    def fail(self, message: str, *values: object, help: str = "", at: int | None = None, length: int = 0) -> None:
        error = ExpressionError(message, *values, help=help)
        error.offset = self.start if at is None else at
        error.length = max(1, length or self.end - error.offset)
        raise error

    def whole(self) -> Node:
        if self.kind == "end":
            self.fail("an empty expression")
        tree = self.ternary()
        if self.kind != "end":
            self.unexpected()
        return tree

    def unexpected(self) -> None:
        if self.kind == "end":
            self.fail("the expression ends too early", at=max(0, len(self.text.rstrip()) - 1))
        help = "== compares" if self.token == "=" else ""
        self.fail("unexpected {}", repr(self.token), help=help)

    def take(self, sign: str) -> bool:
        if self.kind == "sign" and self.token == sign or self.kind == "name" and self.token == sign:
            self.advance()
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            if self.kind == "end":
                self.fail("{} is missing at the end", repr(sign), at=max(0, len(self.text.rstrip()) - 1))
            self.fail("expected {}, got {}", repr(sign), repr(self.token))

    def node(self, kind: str, start: int, *parts: Any) -> Node:
        return Node(kind, start, max(1, self.before - start), parts)

    def ternary(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail("an expression nested more than {} levels deep", MAX_DEPTH)
        start = self.start
        tree = self.either()
        if self.take("if"):
            condition = self.either()
            self.expect("else")
            tree = self.node("if", start, condition, tree, self.ternary())
        self.depth -= 1
        return tree

    def either(self) -> Node:
        start, parts = self.start, [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else self.node("or", start, *parts)

    def both(self) -> Node:
        start, parts = self.start, [self.negation()]
        while self.take("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else self.node("and", start, *parts)

    def negation(self) -> Node:
        start, negations = self.start, 0
        while self.take("not"):
            negations += 1
        tree = self.comparison()
        if negations:
            tree = self.node("not", start, tree)
            tree = tree if negations % 2 else self.node("not", start, tree)
        return tree

    def comparison(self) -> Node:
        start, first = self.start, self.sum(1)
        rest = []
        while self.kind == "sign" and self.token in _COMPARE:
            sign = self.token
            self.advance()
            rest.append((sign, self.sum(1)))
        return self.node("compare", start, first, tuple(rest)) if rest else first

    def sum(self, level: int) -> Node:
        operand = self.unary if level == 2 else lambda: self.sum(2)
        start, first = self.start, operand()
        rest = []
        while self.kind == "sign" and _BINARY.get(self.token) == level:
            sign, at = self.token, self.start
            self.advance()
            rest.append((sign, operand(), at))
        return self.node("chain", start, first, tuple(rest)) if rest else first

    def unary(self) -> Node:
        start, minus, signs = self.start, 0, 0
        while self.kind == "sign" and self.token in "+-":
            minus += self.token == "-"
            signs += 1
            self.advance()
        tree = self.power()
        if not signs:
            return tree
        return self.node("minus" if minus % 2 else "plus", start, tree)

    def power(self) -> Node:
        start, base = self.start, self.postfix()
        at = self.start
        if self.take("**"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.fail("an expression nested more than {} levels deep", MAX_DEPTH)
            base = self.node("power", start, base, self.unary(), at)
            self.depth -= 1
        return base

    def postfix(self) -> Node:
        start, tree = self.start, self.atom()
        steps = 0
        while self.kind == "sign" and self.token in ("[", "("):
            steps += 1
            if steps > MAX_DEPTH:
                self.fail("an expression nested more than {} levels deep", MAX_DEPTH)
            if self.token == "(":
                self.fail("only functions can be called", help=f"known: {', '.join(FUNCTIONS)}")
            self.advance()
            index = self.ternary()
            self.expect("]")
            tree = self.node("index", start, tree, index)
        return tree

    def atom(self) -> Node:
        start, token, kind = self.start, self.token, self.kind
        if kind == "number":
            self.advance()
            try:
                return self.node("value", start, number(token))
            except ExpressionError as error:
                error.offset, error.length = start, len(token)
                raise
        if kind == "name" and token not in ("and", "or", "not", "if", "else"):
            self.advance()
            if token in ("true", "false"):
                return self.node("value", start, token == "true")
            if self.kind == "sign" and self.token == "(":
                return self.call(start, token)
            self.names.append((token, start))
            return self.node("name", start, token)
        if self.take("("):
            tree = self.ternary()
            self.expect(")")
            return tree
        if self.take("["):
            items: list[Node] = []
            while not self.take("]"):
                items.append(self.ternary())
                if not self.take(","):
                    self.expect("]")
                    break
            return self.node("list", start, *items)
        self.unexpected()
        raise AssertionError

    def call(self, start: int, name: str) -> Node:
        if name not in FUNCTIONS:
            length = len(name)
            self.fail("no function {}", name, at=start, length=length, help=suggest(name, FUNCTIONS))
        self.advance()
        arguments: list[Node] = []
        named: list[tuple[str, Node]] = []
        while not self.take(")"):
            key, at = self.token, self.start
            if self.kind == "name" and re.match(r"\s*=(?!=)", self.text[self.end :]):
                self.advance()
                self.advance()
                if key in dict(named):
                    self.fail("{} given twice", key, at=at, length=len(key))
                named.append((key, self.ternary()))
            elif named:
                self.fail("an argument without a name behind one with a name")
            else:
                arguments.append(self.ternary())
            if not self.take(","):
                self.expect(")")
                break
        return self.node("call", start, name, tuple(arguments), tuple(named))


def build(tree: Node) -> Callable[[Environment], Value]:
    """The function that evaluates a tree."""
    return _BUILD[tree.kind](tree)


def _located(tree: Node, error: ExpressionError, at: int | None = None, length: int = 0) -> ExpressionError:
    error.offset = tree.offset if at is None else at
    error.length = length or tree.length
    return error


def _value(tree: Node) -> Callable[[Environment], Value]:
    value = tree.parts[0]
    return lambda env: value


def _name(tree: Node) -> Callable[[Environment], Value]:
    name = tree.parts[0]

    def run(env: Environment) -> Value:
        try:
            return env.names[name]
        except KeyError:
            pass
        try:
            return env.other(name)
        except ExpressionError as error:
            raise _located(tree, error) from None

    return run


def _chain(tree: Node) -> Callable[[Environment], Value]:
    first = build(tree.parts[0])
    rest = [(OPERATORS[sign], build(operand), at, len(sign)) for sign, operand, at in tree.parts[1]]

    def run(env: Environment) -> Value:
        result = first(env)
        for operator, operand, at, length in rest:
            value = operand(env)
            try:
                result = operator(result, value)
            except ExpressionError as error:
                raise _located(tree, error, at, length) from None
        return result

    return run


def _power(tree: Node) -> Callable[[Environment], Value]:
    base, exponent, at = build(tree.parts[0]), build(tree.parts[1]), tree.parts[2]

    def run(env: Environment) -> Value:
        try:
            return OPERATORS["**"](base(env), exponent(env))
        except ExpressionError as error:
            raise error if error.offset else _located(tree, error, at, 2) from None

    return run


def _unary(sign: str) -> Callable[[Node], Callable[[Environment], Value]]:
    def make(tree: Node) -> Callable[[Environment], Value]:
        operand = build(tree.parts[0])

        def run(env: Environment) -> Value:
            value = operand(env)
            try:
                return OPERATORS[sign](0, value)
            except ExpressionError as error:
                raise _located(tree, error, tree.offset, 1) from None

        return run

    return make


def _not(tree: Node) -> Callable[[Environment], Value]:
    operand = _condition(tree.parts[0])
    return lambda env: not operand(env)


def _condition(tree: Node) -> Callable[[Environment], bool]:
    run = build(tree)

    def decide(env: Environment) -> bool:
        value = run(env)
        if type(value) is bool:
            return value
        try:
            return truth(value)
        except ExpressionError as error:
            raise _located(tree, error) from None

    return decide


def _and(tree: Node) -> Callable[[Environment], Value]:
    operands = [_condition(part) for part in tree.parts]
    return lambda env: all(operand(env) for operand in operands)


def _or(tree: Node) -> Callable[[Environment], Value]:
    operands = [_condition(part) for part in tree.parts]
    return lambda env: any(operand(env) for operand in operands)


def _compare(tree: Node) -> Callable[[Environment], Value]:
    first = build(tree.parts[0])
    rest = [(OPERATORS[sign], build(operand)) for sign, operand in tree.parts[1]]

    def run(env: Environment) -> Value:
        left = first(env)
        result: Value = True
        for position, (operator, operand) in enumerate(rest):
            right = operand(env)
            try:
                result = operator(left, right)
            except ExpressionError as error:
                raise _located(tree, error) from None
            if position + 1 < len(rest) and not result:
                return False
            left = right
        return result

    return run


def _if(tree: Node) -> Callable[[Environment], Value]:
    condition, then, otherwise = _condition(tree.parts[0]), build(tree.parts[1]), build(tree.parts[2])
    return lambda env: then(env) if condition(env) else otherwise(env)


def _list(tree: Node) -> Callable[[Environment], Value]:
    items = [build(part) for part in tree.parts]
    return lambda env: tuple([item(env) for item in items])


def _index(tree: Node) -> Callable[[Environment], Value]:
    whole, index = build(tree.parts[0]), build(tree.parts[1])

    def run(env: Environment) -> Value:
        values, at = whole(env), index(env)
        if not isinstance(values, tuple):
            raise _located(tree, ExpressionError("{} is no list, and has no entry {}", values, at))
        try:
            return values[at]
        except IndexError:
            error = ExpressionError("no entry {} in a list of {}; entries count from 0", at, len(values))
            raise _located(tree, error) from None
        except TypeError:
            raise _located(tree, ExpressionError("an entry is chosen by an integer, got {}", at)) from None

    return run


def _call(tree: Node) -> Callable[[Environment], Value]:
    name, arguments, named = tree.parts
    function = FUNCTIONS[name]
    positional = [build(argument) for argument in arguments]
    keywords = [(key, build(argument)) for key, argument in named]

    def run(env: Environment) -> Value:
        values = [argument(env) for argument in positional]
        by_name = {key: argument(env) for key, argument in keywords}
        try:
            return checked(function(*values, **by_name))
        except ExpressionError as error:
            raise _located(tree, error) from None
        except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
            text = ", ".join(map(str, (*values, *by_name.values())))
            failed = ExpressionError("{}({}) has no value", name, text, note=_reason(error))
            raise _located(tree, failed) from None

    return run


def _reason(error: Exception) -> str:
    return str(error).replace("_", " ").replace("{", "(").replace("}", ")")


_BUILD: dict[str, Callable[[Node], Callable[[Environment], Value]]] = {
    "value": _value,
    "name": _name,
    "chain": _chain,
    "power": _power,
    "minus": _unary("-"),
    "plus": _unary("+"),
    "not": _not,
    "and": _and,
    "or": _or,
    "compare": _compare,
    "if": _if,
    "list": _list,
    "index": _index,
    "call": _call,
}


class _Literals(Environment):
    """Only words: what a value on the command line may consist of."""

    def other(self, name: str) -> Value:
        if name in TENSOR_NAMES:
            raise ExpressionError("{} has no value here", name)
        return Word(name)


_SI = re.compile(r"([+-]?)(\d[\d_]*(?:\.\d+)?|\.\d+)([kKMGT])", re.ASCII)
_POWERS = {"": 0, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12}


def parse_value(text: str) -> Value:
    """A value on the command line: a number, with an SI suffix if wanted, true or false, a list, a word, or arithmetic.

    >>> parse_value("0.25"), parse_value("4.1G"), parse_value("[3, 4, 23, 3]"), parse_value("relu")
    (0.25, 4100000000, (3, 4, 23, 3), 'relu')
    """
    return suffixed(text) if _SI.fullmatch(text.strip()) else parse(text).run(_Literals({}))


def suffixed(text: str) -> int | float:
    """A decimal number with an optional SI suffix, exactly: 4.1G is 4,100,000,000.

    >>> suffixed("4.1G"), suffixed("1_500"), suffixed("0.5")
    (4100000000, 1500, 0.5)
    """
    from decimal import Decimal

    match = _SI.fullmatch(text.strip())
    if match:
        sign, digits, suffix = match.groups()
        if len(digits) > 60:
            raise ExpressionError("a number beyond 10^30")
        exact = Decimal(sign + digits.replace("_", "")).scaleb(_POWERS[suffix])
        if abs(exact) > LIMIT:
            raise ExpressionError("a number beyond 10^30")
        return int(exact) if exact == exact.to_integral_value() else float(exact)
    value = number(text.strip())
    if value is None:
        raise ExpressionError("{} is no number", repr(text), help="a number, or one with k, M, G or T: 4.1G")
    return value
