"""Mutants that no test can notice, each with the reason."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .mutants import Mutant

FILE = Path(__file__).with_name("equivalent.toml")
FIELDS = {"file", "where", "before", "after", "number", "reason"}


class Equivalent(NamedTuple):
    """The reasons, by the mutants' keys."""

    reasons: dict[tuple[object, ...], str]

    def without(self, file: str, every: list[Mutant]) -> list[Mutant]:
        """Those of a file's mutants that are not listed. Raises `ValueError` for an entry that matches none."""
        keys = {mutant.key for mutant in every}
        for key in self.reasons:
            if key[0] == file and key not in keys:
                raise ValueError(f"{FILE.name}: no such mutant any more: {key}")
        return [mutant for mutant in every if mutant.key not in self.reasons]


def read(text: str | None = None) -> Equivalent:
    """The list of known equivalent mutants. Raises `ValueError` for an entry without a reason."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8") if text is None else text).get("mutant", [])
    reasons = {}
    for entry in entries:
        if not entry.keys() <= FIELDS or not entry.get("reason", "").strip():
            raise ValueError(f"{FILE.name}: {entry}: expected {', '.join(sorted(FIELDS))}, with a reason")
        key = entry["file"], entry.get("where", ""), entry["before"], entry["after"], entry.get("number", 1)
        reasons[key] = entry["reason"]
    return Equivalent(reasons)
