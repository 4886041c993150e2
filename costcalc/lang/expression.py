"""Parses and evaluates expressions of the spec language, without Python's `eval`.

    >>> evaluate("make_divisible(alpha * 24)", {"alpha": 0.75})
    24
    >>> evaluate("[k // 2, 0] if k > 1 else 0", {"k": 7})
    (3, 0)

A value is a bool, an int, a float, a tuple of values (a list), or a `Word`. In a sweep, a number may also be an array
with one entry per configuration, which supports the same operators.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from costcalc.errors import ExpressionError, suggest
from costcalc.formula import MAX_NUMBER
from costcalc.lang.functions import FUNCTIONS, OPERATORS, Word, checked, gathered, truth
from costcalc.lang.grammar import Tree, number, tree_of
from costcalc.notation import BINARY_POWERS, SI_POWERS
from costcalc.record import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value: TypeAlias = Any

TENSOR_NAMES = ("in_channels", "in_features", "in_shape", "block_channels", "block_features", "block_shape")
RESERVED = frozenset({"and", "or", "not", "if", "else", "true", "false", *TENSOR_NAMES, *FUNCTIONS})
"""Names that params, arguments and loop variables must not have."""


class Environment:
    """The values of the names in an expression. Subclasses override `other` for names that are not variables."""

    __slots__ = ("names",)

    def __init__(self, names: Mapping[str, Value]) -> None:
        self.names = names

    def spend(self, work: int) -> None:
        """Count the work of an operation on lists, if the subclass limits it."""

    def other(self, name: str) -> Value:
        """Return the value of a name that is not a variable. Raises `ExpressionError` for an unknown name."""
        raise ExpressionError("unknown name {}", name, help=suggest(name, (*self.names, *FUNCTIONS)))


class Expression(NamedTuple):
    """A parsed expression: text, syntax tree, names with their offsets, and the function that evaluates it."""

    text: str
    tree: Tree
    names: tuple[tuple[str, int], ...]
    run: Callable[[Environment], Value]


_cache: dict[str, Expression] = {}
_CACHED = 60
"""The largest number of characters of a cached expression. Longer ones are seldom used again."""


def parse(text: str) -> Expression:
    """Parse an expression. Raises `ExpressionError` with the offset of the error.

    >>> parse("4 * mid").names
    (('mid', 4),)
    """
    expression = _cache.get(text)
    if expression is None:
        tree, names = tree_of(text)
        expression = Expression(text, tree, names, build(tree))
        if len(_cache) >= 4096:
            _cache.clear()
        if len(text) <= _CACHED:
            _cache[text] = expression
    return expression


def evaluate(text: str, names: Mapping[str, Value]) -> Value:
    """Evaluate an expression with the given names."""
    return parse(text).run(Environment(names))


def build(tree: Tree) -> Callable[[Environment], Value]:
    """Return the function that evaluates a syntax tree."""
    return _BUILD[tree.kind](tree)


def _located(tree: Tree, error: ExpressionError, at: int | None = None, length: int = 0) -> ExpressionError:
    error.offset = tree.offset if at is None else at
    error.length = length or tree.length
    return error


def _value(tree: Tree) -> Callable[[Environment], Value]:
    value = tree.parts[0]
    return lambda env: value


def _name(tree: Tree) -> Callable[[Environment], Value]:
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


def _chain(tree: Tree) -> Callable[[Environment], Value]:
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


def _power(tree: Tree) -> Callable[[Environment], Value]:
    base, exponent, at = build(tree.parts[0]), build(tree.parts[1]), tree.parts[2]

    def run(env: Environment) -> Value:
        try:
            return OPERATORS["**"](base(env), exponent(env))
        except ExpressionError as error:
            raise error if error.offset else _located(tree, error, at, 2) from None

    return run


def _unary(sign: str) -> Callable[[Tree], Callable[[Environment], Value]]:
    def make(tree: Tree) -> Callable[[Environment], Value]:
        operand = build(tree.parts[0])

        def run(env: Environment) -> Value:
            value = operand(env)
            try:
                return OPERATORS[sign](0, value)
            except ExpressionError as error:
                raise _located(tree, error, tree.offset, 1) from None

        return run

    return make


def _not(tree: Tree) -> Callable[[Environment], Value]:
    operand = _condition(tree.parts[0])
    return lambda env: not operand(env)


def _condition(tree: Tree) -> Callable[[Environment], bool]:
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


def _and(tree: Tree) -> Callable[[Environment], Value]:
    operands = [_condition(part) for part in tree.parts]
    return lambda env: all(operand(env) for operand in operands)


def _or(tree: Tree) -> Callable[[Environment], Value]:
    operands = [_condition(part) for part in tree.parts]
    return lambda env: any(operand(env) for operand in operands)


def _compare(tree: Tree) -> Callable[[Environment], Value]:
    first = build(tree.parts[0])
    rest = [(OPERATORS[sign], build(operand)) for sign, operand in tree.parts[1]]

    def run(env: Environment) -> Value:
        left = first(env)
        result: Value = True
        for position, (operator, operand) in enumerate(rest):
            right = operand(env)
            try:
                if isinstance(left, tuple):
                    env.spend(gathered(left))
                result = operator(left, right)
            except ExpressionError as error:
                raise _located(tree, error) from None
            if position + 1 < len(rest) and not result:
                return False
            left = right
        return result

    return run


def _if(tree: Tree) -> Callable[[Environment], Value]:
    condition, then, otherwise = _condition(tree.parts[0]), build(tree.parts[1]), build(tree.parts[2])
    return lambda env: then(env) if condition(env) else otherwise(env)


def _list(tree: Tree) -> Callable[[Environment], Value]:
    items = [build(part) for part in tree.parts]

    def run(env: Environment) -> Value:
        values = tuple([item(env) for item in items])
        try:
            env.spend(gathered(values))
        except ExpressionError as error:
            raise _located(tree, error) from None
        return values

    return run


def _index(tree: Tree) -> Callable[[Environment], Value]:
    whole, index = build(tree.parts[0]), build(tree.parts[1])

    def run(env: Environment) -> Value:
        values, at = whole(env), index(env)
        if not isinstance(values, tuple):
            raise _located(tree, ExpressionError("expected a list before [{1}], got {0}", values, at))
        try:
            return values[at]
        except IndexError:
            help = "entries are numbered from 0"
            error = ExpressionError("index {} is out of range for a list of length {}", at, len(values), help=help)
            raise _located(tree, error) from None
        except TypeError:
            raise _located(tree, ExpressionError("expected an integer as index, got {}", at)) from None

    return run


def _call(tree: Tree) -> Callable[[Environment], Value]:
    name, arguments, named = tree.parts
    function = FUNCTIONS[name]
    positional = [build(argument) for argument in arguments]
    keywords = [(key, build(argument)) for key, argument in named]

    def run(env: Environment) -> Value:
        values = [argument(env) for argument in positional]
        by_name = {key: argument(env) for key, argument in keywords}
        for value in values:
            if isinstance(value, tuple):
                env.spend(3 * len(value))
        try:
            return checked(function(*values, **by_name))
        except ExpressionError as error:
            raise _located(tree, error) from None
        except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
            text = ", ".join(map(str, (*values, *by_name.values())))
            failed = ExpressionError("cannot compute {}({})", name, text, note=_reason(error))
            raise _located(tree, failed) from None

    return run


def _reason(error: Exception) -> str:
    return str(error).replace("_", " ").replace("{", "(").replace("}", ")")


_BUILD: dict[str, Callable[[Tree], Callable[[Environment], Value]]] = {
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
    """The environment of a value on the command line: every name is a word."""

    def other(self, name: str) -> Value:
        if name in TENSOR_NAMES:
            raise ExpressionError("{} has no value outside of layers", name)
        return Word(name)


_SI = r"([+-]?)(\d[\d_]*(?:\.\d+)?|\.\d+)([kKMGT]|[KMGT]i)"


def parse_value(text: str) -> Value:
    """Return a value of the command line: number with optional SI suffix, true or false, list, word, or expression.

    >>> parse_value("0.25"), parse_value("4.1G"), parse_value("[3, 4, 23, 3]"), parse_value("relu")
    (0.25, 4100000000, (3, 4, 23, 3), 'relu')
    """
    return suffixed(text) if re.fullmatch(_SI, text.strip(), re.ASCII) else parse(text).run(_Literals({}))


def suffixed(text: str) -> int | float:
    """Return the exact value of a decimal number with an optional suffix: 4.1G is 4,100,000,000, and 256Ki is 262,144.

    >>> suffixed("4.1G"), suffixed("256Ki"), suffixed("1_500"), suffixed("0.5")
    (4100000000, 262144, 1500, 0.5)
    """
    from decimal import Decimal

    match = re.fullmatch(_SI, text.strip(), re.ASCII)
    if match:
        sign, digits, suffix = match.groups()
        if len(digits) > 60:
            raise ExpressionError("number out of range: the limit is 10^30")
        exact = Decimal(sign + digits.replace("_", ""))
        if suffix in SI_POWERS:
            exact = exact.scaleb(SI_POWERS[suffix])
        else:
            exact *= 2 ** BINARY_POWERS[suffix]
        if abs(exact) > MAX_NUMBER:
            raise ExpressionError("number out of range: the limit is 10^30")
        return int(exact) if exact == exact.to_integral_value() else float(exact)
    value = number(text.strip())
    if value is None:
        help = "write a number, with an optional suffix k, M, G or T: 4.1G"
        raise ExpressionError("expected a number, got {}", repr(text), help=help)
    return value
