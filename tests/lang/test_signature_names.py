"""Names without regular expressions: the same texts as the patterns that define them."""

from __future__ import annotations

import re
import sys

from costcalc.lang.signature import is_identifier, is_name


def test_every_character() -> None:
    for number in range(sys.maxunicode + 1):
        text = chr(number)
        assert is_identifier(text) == bool(re.fullmatch(r"[^\W\d]\w*", text)), hex(number)
        assert is_identifier(f"a{text}") == bool(re.fullmatch(r"[^\W\d]\w*", f"a{text}")), hex(number)
        assert is_name(f"a{text}") == bool(re.fullmatch(r"(?!\d+\Z)[A-Za-z0-9_-]+", f"a{text}", re.ASCII)), hex(number)


def test_names_of_digits() -> None:
    assert [is_name(text) for text in ("", "12", "1_2", "-1", "1a")] == [False, False, True, True, True]
