"""Text from a spec as a terminal may show it: nothing in it acts, everything in it is seen."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""The text with each control, format or private character as a visible escape, line ends and tabs too.

    >>> print(visible("a\x1b[31m\u202eb\n"))
    a\x1b[31m\u202eb\n
    """
    if text.isprintable():
        return text
    return "".join([char if char.isprintable() else char.encode("unicode_escape").decode() for char in text])


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
