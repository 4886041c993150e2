"""The grammar of expressions: a recursive-descent parser with limited depth."""

from __future__ import annotations

import re
from typing import Any

from costcalc.errors import ExpressionError, suggest
from costcalc.lang import scalars
from costcalc.lang.functions import FUNCTIONS
from costcalc.record import NamedTuple

MAX_LENGTH = 1_000
MAX_DEPTH = 25


class Tree(NamedTuple):
    """A node of a syntax tree: its kind, its location in the text, and its parts (trees, names, or a value).

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
    ".": "remove it: expressions have no attributes",
    ":": "write the index of one entry: w[0]",
    "'": "write words without quotes",
    '"': "write words without quotes",
}
"""Help for characters that are not part of the language."""
_COMMA = "write a list in brackets: [1, 2]; write several arguments in braces with names: {out: 64, kernel: 3}"
_TOO_DEEP = "the expression is nested more than {} levels deep"
_BINARY = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}
_COMPARE = ("==", "!=", "<", "<=", ">", ">=")


def tree_of(text: str) -> tuple[Tree, tuple[tuple[str, int], ...]]:
    """Return the syntax tree of an expression, and its names with their offsets. Raises `ExpressionError`."""
    if len(text) > MAX_LENGTH:
        message = "expression too long: {:,} characters, at most {:,} are allowed"
        raise ExpressionError(message, len(text), MAX_LENGTH)
    parser = _Parser(text)
    return parser.whole(), tuple(parser.names)


def number(text: str) -> int | float | None:
    """Return the number of a text, with the rules of unquoted scalars, or None.

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
    """A recursive-descent parser. Its depth is limited to protect Python's stack."""

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
            self.fail("unexpected {}", repr(self.token), help=_SIGNS.get(self.token, ""))
        if self.kind == "number" and match["tail"]:
            sizes = self.token.split("x")
            listed = f", or a list for several dimensions: [{', '.join(sizes)}]" if all(sizes) and sizes[1:] else ""
            self.fail("invalid number {}", self.token, help=f"write a decimal number, or a product with *{listed}")

    def fail(self, message: str, *values: object, help: str = "", at: int | None = None, length: int = 0) -> None:
        error = ExpressionError(message, *values, help=help)
        error.offset = self.start if at is None else at
        error.length = max(1, length or self.end - error.offset)
        raise error

    def whole(self) -> Tree:
        if self.kind == "end":
            self.fail("the expression is empty", at=0)
        tree = self.ternary()
        if self.kind != "end":
            self.unexpected()
        return tree

    def unexpected(self) -> None:
        if self.kind == "end":
            self.fail("unexpected end of the expression", at=max(0, len(self.text.rstrip()) - 1))
        help = {"=": "write == to compare", ",": _COMMA}.get(self.token, "")
        self.fail("unexpected {}", repr(self.token), help=help)

    def take(self, sign: str) -> bool:
        if (self.kind == "sign" and self.token == sign) or (self.kind == "name" and self.token == sign):
            self.advance()
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            if self.kind == "end":
                self.fail(
                    "expected {} at the end of the expression", repr(sign), at=max(0, len(self.text.rstrip()) - 1)
                )
            self.fail("expected {}, got {}", repr(sign), repr(self.token), help=_COMMA if self.token == "," else "")

    def node(self, kind: str, start: int, *parts: Any) -> Tree:
        return Tree(kind, start, max(1, self.before - start), parts)

    def ternary(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(_TOO_DEEP, MAX_DEPTH)
        start = self.start
        tree = self.either()
        if self.take("if"):
            condition = self.either()
            self.expect("else")
            tree = self.node("if", start, condition, tree, self.ternary())
        self.depth -= 1
        return tree

    def either(self) -> Tree:
        start, parts = self.start, [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else self.node("or", start, *parts)

    def both(self) -> Tree:
        start, parts = self.start, [self.negation()]
        while self.take("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else self.node("and", start, *parts)

    def negation(self) -> Tree:
        start, negations = self.start, 0
        while self.take("not"):
            negations += 1
        tree = self.comparison()
        if negations:
            tree = self.node("not", start, tree)
            tree = tree if negations % 2 else self.node("not", start, tree)
        return tree

    def comparison(self) -> Tree:
        start, first = self.start, self.sum(1)
        rest = []
        while self.kind == "sign" and self.token in _COMPARE:
            sign = self.token
            self.advance()
            rest.append((sign, self.sum(1)))
        return self.node("compare", start, first, tuple(rest)) if rest else first

    def sum(self, level: int) -> Tree:
        operand = self.unary if level == 2 else lambda: self.sum(2)
        start, first = self.start, operand()
        rest = []
        while self.kind == "sign" and _BINARY.get(self.token) == level:
            sign, at = self.token, self.start
            self.advance()
            rest.append((sign, operand(), at))
        return self.node("chain", start, first, tuple(rest)) if rest else first

    def unary(self) -> Tree:
        start, minus, signs = self.start, 0, 0
        while self.kind == "sign" and self.token in "+-":
            minus += self.token == "-"
            signs += 1
            self.advance()
        tree = self.power()
        if not signs:
            return tree
        return self.node("minus" if minus % 2 else "plus", start, tree)

    def power(self) -> Tree:
        start, base = self.start, self.postfix()
        at = self.start
        if self.take("**"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.fail(_TOO_DEEP, MAX_DEPTH)
            base = self.node("power", start, base, self.unary(), at)
            self.depth -= 1
        return base

    def postfix(self) -> Tree:
        start, tree = self.start, self.atom()
        steps = 0
        while self.kind == "sign" and self.token in ("[", "("):
            steps += 1
            if steps > MAX_DEPTH:
                self.fail(_TOO_DEEP, MAX_DEPTH)
            if self.token == "(":
                self.fail("only functions can be called", help=f"known: {', '.join(FUNCTIONS)}")
            self.advance()
            index = self.ternary()
            self.expect("]")
            tree = self.node("index", start, tree, index)
        return tree

    def atom(self) -> Tree:
        start, token, kind = self.start, self.token, self.kind
        if kind == "number":
            try:
                value = number(token)
            except ExpressionError as error:
                error.offset, error.length = start, len(token)
                raise
            if value is None:
                self.fail("invalid number {}", token)
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
            items: list[Tree] = []
            while not self.take("]"):
                items.append(self.ternary())
                if not self.take(","):
                    self.expect("]")
                    break
            return self.node("list", start, *items)
        self.unexpected()
        raise AssertionError

    def call(self, start: int, name: str) -> Tree:
        if name not in FUNCTIONS:
            length = len(name)
            self.fail("unknown function {}", name, at=start, length=length, help=suggest(name, FUNCTIONS))
        self.advance()
        arguments: list[Tree] = []
        named: list[tuple[str, Tree]] = []
        while not self.take(")"):
            key, at = self.token, self.start
            if self.kind == "name" and re.match(r"\s*=(?!=)", self.text[self.end :]):
                self.advance()
                self.advance()
                if key in dict(named):
                    self.fail("duplicate argument {}", key, at=at, length=len(key))
                named.append((key, self.ternary()))
            elif named:
                self.fail("positional argument after a named argument")
            else:
                arguments.append(self.ternary())
            if not self.take(","):
                self.expect(")")
                break
        return self.node("call", start, name, tuple(arguments), tuple(named))
