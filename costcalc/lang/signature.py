"""The signature of a block: `bottleneck(mid, stride=1)`."""

from __future__ import annotations

import re
from typing import NamedTuple

from costcalc.errors import ExpressionError
from costcalc.lang.expression import RESERVED

MAX_NAME = 255
"""The characters of a name."""
MAX_ARGUMENTS = 255
"""The arguments of a block."""
NAME = re.compile(r"(?!\d+\Z)[A-Za-z0-9_-]+", re.ASCII)
"""The name of a layer or a block."""
IDENTIFIER = re.compile(r"[^\W\d]\w*")
"""The name of a value."""
_SIGNATURE = re.compile(r"\s*([\w-]+)\s*(?:\((.*)\)\s*)?", re.DOTALL)


class Parameter(NamedTuple):
    """An argument of a block: its name, the text of its default (empty where there is none), and where that stands."""

    name: str
    default: str
    offset: int


def split_signature(text: str) -> tuple[str, list[Parameter]]:
    """The name of a block and its arguments. Raises `ExpressionError`.

    >>> split_signature("bottleneck(mid, stride=max(1, 2))")[1]
    [Parameter(name='mid', default='', offset=11), Parameter(name='stride', default='max(1, 2)', offset=23)]
    """
    match = _SIGNATURE.fullmatch(text)
    if not match or not NAME.fullmatch(match[1]):
        raise _at(
            ExpressionError("{} is no signature of a block", repr(text), help="name: or name(a, b=1):"), 0, len(text)
        )
    if len(match[1]) > MAX_NAME:
        raise _at(ExpressionError("a name of {:,} characters; at most {}", len(match[1]), MAX_NAME), 0, len(text))
    found: list[Parameter] = []
    depth, start = 0, 0
    inside = match[2] or ""
    for position, sign in enumerate(inside + ","):
        depth += (sign in "([") - (sign in ")]")
        if depth < 0 or (depth and position == len(inside)):
            at = match.start(2) + min(position, len(inside) - 1)
            raise _at(ExpressionError("a bracket of the signature has no partner"), at, 1)
        if sign == "," and depth == 0:
            part = inside[start:position]
            if part.strip() or position < len(inside) or found:
                found.append(_parameter(part, match.start(2) + start))
                if len(found) > MAX_ARGUMENTS:
                    raise _at(ExpressionError("a block of more than {} arguments", MAX_ARGUMENTS), 0, len(match[1]))
            start = position + 1
    names = [parameter.name for parameter in found]
    for position, name in enumerate(names):
        if name in names[:position]:
            raise _at(ExpressionError("the argument {} is named twice", name), found[position].offset, len(name))
    return match[1], found


def _parameter(part: str, at: int) -> Parameter:
    name, equals, default = part.partition("=")
    lead = len(name) - len(name.lstrip())
    name = name.strip()
    if not IDENTIFIER.fullmatch(name) or name in RESERVED:
        help = "letters, digits and _, not a digit first, no word of the language; a comma divides arguments"
        error = ExpressionError("{} cannot be the name of an argument", repr(name), help=help)
        raise _at(error, at + lead, max(1, len(name)))
    if equals and not default.strip():
        raise _at(ExpressionError("{} has an empty default", name), at + lead, len(part) - lead)
    if not equals:
        return Parameter(name, "", at + lead)
    return Parameter(name, default.strip(), at + part.index("=") + 1 + len(default) - len(default.lstrip()))


def _at(error: ExpressionError, offset: int, length: int) -> ExpressionError:
    error.offset, error.length = offset, length
    return error
