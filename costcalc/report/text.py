"""Text that is safe to print: without control characters or workflow commands, and in any encoding."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"^([^\S\n]*)::", re.MULTILINE)
_BRACKET = re.compile(r"(##[\w-]*)\[")
_ESCAPED = {
    **dict.fromkeys(("json", "gitlab", "sarif", "spec"), r"\u005b"),
    **dict.fromkeys(("junit", "svg", "dot"), "&#91;"),
}
"""The escape of an opening bracket in the strings of formats other than plain text."""

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
"""Replacements in ASCII for the characters that reports use."""


def visible(text: str) -> str:
    r"""Escape control, format and private characters, including line ends and tabs.

    >>> print(visible("a\x1b[31m\u202eb\n"))
    a\x1b[31m\u202eb\n
    """
    if text.isprintable():
        return text
    return "".join([char if char.isprintable() else char.encode("unicode_escape").decode() for char in text])


def inert(text: str, form: str = "text") -> str:
    r"""Escape workflow commands, so that a CI system does not run text from a spec.

    GitHub runs commands that begin with `::` at the start of a line or with `##[`, Azure and TeamCity with `##NAME[`.
    The bracket is replaced by an escape of the format, which does not change values. In plain text, a backslash is
    added before it.

    >>> print(inert("::error::a\n  a ##[error]b"))
    \::error::a
      a ##\[error]b
    >>> print(inert('"##vso[a]"', "json"))
    "##vso\u005ba]"
    """
    if "##" in text:
        text = _BRACKET.sub(lambda found: found[1] + _ESCAPED.get(form, r"\["), text)
    if "::" in text and form != "github":  # the github format consists of commands
        text = _COMMAND.sub(r"\1\\::", text)
    return text


def columns(text: str) -> int:
    """Return the width of a printable text in columns of a terminal: wide characters take two, combining ones none.

    >>> columns("conv"), columns("畳み込み"), columns("e\u0301")
    (4, 8, 1)
    """
    if text.isascii() or max(text) < "\u0300":
        return len(text)
    from unicodedata import category, east_asian_width

    wide = sum([east_asian_width(char) in "WF" for char in text])
    return len(text) + wide - sum([category(char) in ("Mn", "Me") for char in text])


def encodable(text: str, encoding: str) -> str:
    r"""Replace characters that an encoding lacks, by ASCII if possible and by escapes otherwise.

    A dot between items becomes a bar, and a dot between factors a star.

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
