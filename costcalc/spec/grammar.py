"""The grammar of expressions: from a text to a tree, by recursive descent of bounded depth."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from costcalc.errors import ExpressionError, suggest
from costcalc.spec.functions import FUNCTIONS, LIMIT

MAX_LENGTH = 1_000
MAX_DEPTH = 25


class Node(NamedTuple):
    """A node of a parsed expression: its kind, its place in the text, and its parts (nodes, or names, or a value).

    Kinds: value, name, minus, plus, not, chain (operators of one precedence, from left to right), power, compare, and,
    or, if, list, index, call.
    """

    kind: str
    offset: int
    length: int
    parts: tuple[Any, ...]


_TOKEN = re.compile(
    r"[ \t\n]*(?:(?P<number>(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?(?P<tail>\w*))"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|//|==|!=|<=|>=|[-+*/%<>()\[\],=])|(?P<end>$)|(?P<bad>.))"
)
_BINARY = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}
_COMPARE = ("==", "!=", "<", "<=", ">", ">=")


def tree_of(text: str) -> tuple[Node, tuple[tuple[str, int], ...]]:
    """The tree of an expression, and the names in it with their offsets. Raises `ExpressionError` at the fault."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError("an expression of {:,} characters; at most {:,}", len(text), MAX_LENGTH)
    parser = _Parser(text)
    return parser.whole(), tuple(parser.names)


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
        if (self.kind == "sign" and self.token == sign) or (self.kind == "name" and self.token == sign):
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
