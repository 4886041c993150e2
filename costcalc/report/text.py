"""Text as a terminal may show it: nothing in it acts, everything in it is seen, in any encoding."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"^([^\S\n]*)::", re.MULTILINE)
_BRACKET = re.compile(r"(##[\w-]*)\[")
_ESCAPED = {
    **dict.fromkeys(("json", "gitlab", "sarif", "spec"), r"\u005b"),
    **dict.fromkeys(("junit", "svg", "dot"), "&#91;"),
}
"""An opening bracket inside a string, where the format is not plain text."""

_PLAIN = {
    "·": "*",
    "×": "x",
    "²": "^2",
    "³": "^3",
    "√": "sqrt ",
    "≥": ">=",
    "≤": "<=",
    "→": "->",
    "…": "...",
    "─": "-",
    **dict.fromkeys("█▉▊▋▌", "#"),
    **dict.fromkeys("▍▎▏", " "),
}
"""What reports write and draw with, in ASCII."""


def visible(text: str) -> str:
    r"""The text with each control, format or private character as a visible escape, line ends and tabs too.

    >>> print(visible("a\x1b[31m\u202eb\n"))
    a\x1b[31m\u202eb\n
    """
    if text.isprintable():
        return text
    return "".join([char if char.isprintable() else char.encode("unicode_escape").decode() for char in text])


def inert(text: str, form: str = "text") -> str:
    r"""A report in which a CI system takes nothing from a spec for a command of its own.

    GitHub finds commands where `::` begins a line, and from `##[` on; Azure and TeamCity from `##NAME[` on. The bracket
    is written as the format writes any character: its values are the same. In plain text a backslash is put before it.

    >>> print(inert("::error::a\n  a ##[error]b"))
    \::error::a
      a ##\[error]b
    >>> print(inert('"##vso[a]"', "json"))
    "##vso\u005ba]"
    """
    if "##" in text:
        text = _BRACKET.sub(lambda found: found[1] + _ESCAPED.get(form, r"\["), text)
    if "::" in text and form != "github":  # whose lines are commands
        text = _COMMAND.sub(r"\1\\::", text)
    return text


def columns(text: str) -> int:
    """How many columns of a terminal a printable text takes: wide characters two, combining ones none.

    >>> columns("conv"), columns("畳み込み"), columns("e\u0301")
    (4, 8, 1)
    """
    if text.isascii() or max(text) < "\u0300":
        return len(text)
    from unicodedata import category, east_asian_width

    wide = sum([east_asian_width(char) in "WF" for char in text])
    return len(text) + wide - sum([category(char) in ("Mn", "Me") for char in text])


def encodable(text: str, encoding: str) -> str:
    r"""The text in which the characters that an encoding lacks are put in others' words, or else in escapes.

    A dot between items becomes a bar, one between factors a star.

    >>> text = "K²·N · 3×3 · 層"
    >>> print(encodable(text, "ascii"), encodable(text, "latin-1"), sep="; ")
    K^2*N | 3x3 | \u5c64; K²·N · 3×3 · \u5c64
    """
    lacking = [sign for sign in set(text) if not sign.isascii() and not sign.encode(encoding, "ignore")]
    if "·" in lacking:
        text = text.replace(" · ", " | ")
    for sign in lacking:
        text = text.replace(sign, _PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode())
    return text
