"""Formulas in LaTeX, as KaTeX and MathJax read it."""

from __future__ import annotations

import re

_NAME = re.compile(r"[^\W\d_]+(?:_\w+)?'?")
_LONG = re.compile(r"\d{4,}")
_ACTIVE = re.compile(r"[#$%&~^\\{}]")


def latex(text: str) -> str:
    r"""Convert a formula to LaTeX, with upright words and indices and with separators of thousands.

    Special characters of LaTeX are removed: no symbol of a formula contains them.

    >>> print(latex("4·T·D' + (layers - 1)·C_in·2048"))
    4 \cdot T \cdot D' + (\text{layers} - 1) \cdot C_{\text{in}} \cdot 2{,}048
    """
    numbers = _LONG.sub(lambda found: f"{int(found[0]):,}".replace(",", "{,}"), _ACTIVE.sub("", text))
    return _NAME.sub(lambda found: _variable(found[0]), numbers).replace("·", r" \cdot ")


def _variable(name: str) -> str:
    prime = "'" if name.endswith("'") else ""
    stem, _, index = name.removesuffix("'").partition("_")
    if len(stem) > 1:
        stem = rf"\text{{{stem}}}"
    if len(index) > 1:
        index = rf"{{\text{{{index}}}}}"
    return stem + (f"_{index}" if index else "") + prime
