"""Parses the signature of a block: `bottleneck(mid, stride=1)`."""

from __future__ import annotations

import re

from costcalc.errors import ExpressionError
from costcalc.lang.expression import RESERVED
from costcalc.record import NamedTuple

MAX_NAME = 255
"""The largest number of characters of a name."""
MAX_ARGUMENTS = 255
"""The largest number of arguments of a block."""
_NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
NAME_TOO_LONG = "name too long: {:,} characters, at most {} are allowed"
_SIGNATURE = r"\s*([\w-]+)\s*(?:\((.*)\)\s*)?"


class BlockArgument(NamedTuple):
    """An argument of a block: its name, the text of its default (empty if it has none), and the offset of that.

    A tensor stands before the semicolon of the signature.
    """

    name: str
    default: str
    offset: int
    tensor: bool = False


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a layer or a block: ASCII letters, digits, _ and -, not only digits.

    >>> is_name("conv-1"), is_name("1"), is_name("é")
    (True, False, False)
    """
    return bool(text) and _NAME_CHARACTERS.issuperset(text) and not text.isdigit()


def is_identifier(text: str) -> bool:
    r"""Return whether a text can be the name of a value: the pattern `[^\W\d]\w*`, without compiling it.

    >>> is_identifier("größe_1"), is_identifier("1st"), is_identifier("a-b")
    (True, False, False)
    """
    return text.replace("_", "a").isalnum() and not text[0].isdecimal()


def split_signature(text: str) -> tuple[str, list[BlockArgument]]:
    """Return the name of a block and its arguments. Raises `ExpressionError`.

    >>> [one[:3] for one in split_signature("bottleneck(mid, stride=max(1, 2))")[1]]
    [('mid', '', 11), ('stride', 'max(1, 2)', 23)]
    >>> [(one.name, one.tensor) for one in split_signature("decoder(x, memory; heads)")[1]]
    [('x', True), ('memory', True), ('heads', False)]
    """
    match = re.fullmatch(_SIGNATURE, text, re.DOTALL)
    if not match or not is_name(match[1]):
        raise _at(
            ExpressionError("invalid signature of a block: {}", text, help="write name: or name(a, b=1):"), 0, len(text)
        )
    if len(match[1]) > MAX_NAME:
        raise _at(ExpressionError(NAME_TOO_LONG, len(match[1]), MAX_NAME), 0, len(text))
    parameters: list[BlockArgument] = []
    depth, start = 0, 0
    inside = match[2] or ""
    for position, sign in enumerate(inside + ","):
        depth += (sign in "([") - (sign in ")]")
        if depth < 0 or (depth and position == len(inside)):
            at = match.start(2) + min(position, len(inside) - 1)
            raise _at(ExpressionError("unbalanced bracket in the signature"), at, 1)
        if sign in ",;" and depth == 0:
            part, at = inside[start:position], match.start(2) + start
            if part.strip() or position < len(inside) or (parameters and inside[start - 1] == ","):
                parameters.append(_parameter(part, at))
                if len(parameters) > MAX_ARGUMENTS:
                    error = ExpressionError("the block has more than {} arguments", MAX_ARGUMENTS)
                    raise _at(error, 0, len(match[1]))
            if sign == ";":
                parameters = [_tensor(parameter, at) for parameter in parameters]
            start = position + 1
    names = [parameter.name for parameter in parameters]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise _at(ExpressionError("duplicate argument {}", name), parameters[position].offset, len(name))
    return match[1], parameters


def _tensor(parameter: BlockArgument, at: int) -> BlockArgument:
    if parameter.tensor:
        raise _at(ExpressionError("a signature has one semicolon"), at, 1)
    if parameter.default:
        error = ExpressionError(
            "the tensor {} has a default", parameter.name, help="write arguments after the semicolon"
        )
        raise _at(error, parameter.offset, len(parameter.default))
    return parameter._replace(tensor=True)


def _parameter(part: str, at: int) -> BlockArgument:
    name, equals, default = part.partition("=")
    lead = len(name) - len(name.lstrip())
    name = name.strip()
    if not is_identifier(name) or name in RESERVED:
        if name in RESERVED:
            error = ExpressionError("{} is a reserved name", name, help="choose another name")
        else:
            help = "use letters, digits and _, without a leading digit; separate arguments with commas"
            error = ExpressionError("invalid name of an argument: {}", repr(name), help=help)
        raise _at(error, at + lead, max(1, len(name)))
    if equals and not default.strip():
        raise _at(ExpressionError("the default of {} is missing", name), at + lead, len(part) - lead)
    if not equals:
        return BlockArgument(name, "", at + lead)
    return BlockArgument(name, default.strip(), at + part.index("=") + 1 + len(default) - len(default.lstrip()))


def _at(error: ExpressionError, offset: int, length: int) -> ExpressionError:
    error.offset, error.length = offset, length
    return error
