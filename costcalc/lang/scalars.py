"""Values of unquoted scalars: an exact decimal number, true, false, null, or the text itself."""

from __future__ import annotations

import re
from typing import Any

from costcalc.formula import MAX_NUMBER

CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
NUMERIC = frozenset("0123456789+-.")
"""The first characters of numbers."""

# The module re compiles each at its first use.
_NUMBER = r"[-+]?(?:([0-9]+(?:_[0-9]+)*)(?:(\.)([0-9]+(?:_[0-9]+)*)?)?|(\.)([0-9]+(?:_[0-9]+)*))(?:[eE]([-+]?[0-9]+))?"
_BASED = r"[-+]?0[xXoObB][0-9a-fA-F_]+"
_SPECIAL = r"[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)"
_LONGEST = 100
"""The largest number of characters of a number."""


def is_octal(text: str) -> bool:
    """Return whether YAML 1.1 takes the text of a decimal integer for an octal number.

    >>> is_octal("-010"), is_octal("0"), is_octal("0e3")
    (True, False, False)
    """
    digits = text.lstrip("+-")
    return digits[0] == "0" and len(digits) > 1 and digits.replace("_", "").isdecimal()


def number(text: str) -> int | float | str:
    """Return the exact number of a decimal text, or the text itself. Raises `ValueError(message, help)`.

    A number with an exponent is an int if it is integral. A number with a point is a float.

    >>> [number(text) for text in ("1_000", "1e3", "2.5e-1", "1.0", "3:22", "4.1G", "1e")]
    [1000, 1000, 0.25, 1.0, '3:22', '4.1G', '1e']
    """
    if len(text) > _LONGEST:
        if not text.strip("0123456789_.eE+-"):
            raise ValueError(f"number too long: {len(text):,} characters, at most {_LONGEST} are allowed", "")
        return text
    match = re.fullmatch(_NUMBER, text)
    if match is None:
        if re.fullmatch(_SPECIAL, text):
            raise ValueError(f"expected a finite number, got {text}", "")
        if re.fullmatch(_BASED, text):
            try:
                based = int(text, 0)
            except ValueError:
                return text
            raise ValueError(f"expected a decimal number, got {text}", f"write {based}")
        return text
    beyond = ValueError("number out of range: the limit is 10^30", "")
    whole, point, fraction, leading_point, bare, exponent = match.groups()
    digits = ((whole or "") + (fraction or bare or "")).replace("_", "")
    places = len((fraction or bare or "").replace("_", ""))
    power = (int(exponent) if exponent else 0) - places
    kept = digits.rstrip("0")
    sign = -1 if text[0] == "-" else 1
    if not kept:
        return 0 if exponent or not (point or leading_point) else float(text.replace("_", ""))
    power += len(digits) - len(kept)
    if len(kept.lstrip("0")) + power > 31:
        raise beyond
    integral = sign * int(kept) * int(10**power) if power >= 0 else None
    if integral is not None and abs(integral) > MAX_NUMBER:
        raise beyond
    if integral is not None and (exponent or not (point or leading_point) or abs(integral) > 2**53):
        return integral
    value = float(text.replace("_", ""))
    if abs(value) > MAX_NUMBER:
        raise beyond
    return value
