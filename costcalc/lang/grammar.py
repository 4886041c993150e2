"""The grammar of expressions: from a text to a tree, by recursive descent of bounded depth."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from costcalc.errors import ExpressionError, suggest
from costcalc.lang import scalars
from costcalc.lang.functions import FUNCTIONS

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
_SIGNS = {
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "^": "write **",
    ".": "no attributes are known here",
    ":": "there are no slices here: an index is one entry, w[0]",
    "'": "words need no quotes",
    '"': "words need no quotes",
}
"""What people write that is no part of the language, and what they probably mean."""
_COMMA = "a list is written in brackets: [1, 2]; arguments stand in braces with their names: {out: 64, kernel: 3}"
_BINARY = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}
_COMPARE = ("==", "!=", "<", "<=", ">", ">=")


def tree_of(text: str) -> tuple[Node, tuple[tuple[str, int], ...]]:
    """The tree of an expression, and the names in it with their offsets. Raises `ExpressionError` at the fault."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError("an expression of {:,} characters; at most {:,}", len(text), MAX_LENGTH)
    parser = _Parser(text)
    return parser.whole(), tuple(parser.names)


def number(text: str) -> int | float | None:
    """The number that a text writes, as an unquoted scalar does, or None.

    >>> number("1_000"), number("1e3"), number("2.5e-1"), number("3:22")
    (1000, 1000, 0.25, None)
    """
    try:
        value = scalars.number(text)
    except ValueError as error:
        message, help = error.args
        raise ExpressionError("{}", message, help=help) from None
    return None if isinstance(value, str) else value


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
            self.fail("{} is no part of an expression", repr(self.token), help=_SIGNS.get(self.token, ""))
        if self.kind == "number" and match["tail"]:
            sizes = self.token.split("x")
            listed = f"; a number per dimension is a list: [{', '.join(sizes)}]" if all(sizes) and sizes[1:] else ""
            self.fail("{} is no number", self.token, help=f"numbers are decimal; a product is written with *{listed}")

    def fail(self, message: str, *values: object, help: str = "", at: int | None = None, length: int = 0) -> None:
        error = ExpressionError(message, *values, help=help)
        error.offset = self.start if at is None else at
        error.length = max(1, length or self.end - error.offset)
        raise error

    def whole(self) -> Node:
        if self.kind == "end":
            self.fail("an empty expression", at=0)
        tree = self.ternary()
        if self.kind != "end":
            self.unexpected()
        return tree

    def unexpected(self) -> None:
        if self.kind == "end":
            self.fail("the expression ends too early", at=max(0, len(self.text.rstrip()) - 1))
        help = {"=": "== compares", ",": _COMMA}.get(self.token, "")
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
            self.fail("expected {}, got {}", repr(sign), repr(self.token), help=_COMMA if self.token == "," else "")

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
            try:
                value = number(token)
            except ExpressionError as error:
                error.offset, error.length = start, len(token)
                raise
            if value is None:
                self.fail("{} is no number", token)
            self.advance()
            return self.node("value", start, value)
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
