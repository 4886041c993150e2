"""A spec at the base of a comparison."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from costcalc.record import Record

if TYPE_CHECKING:
    from pathlib import Path

    from costcalc.errors import Fault
    from costcalc.gate.analysis_cache import Recorded, Subject


class Before(Record):
    """A spec at the base: its status since then, and its figures, path and faults there."""

    status: str
    subject: Subject | Recorded | None = None
    path: str = ""
    faults: tuple[Fault, ...] = ()
    renamed: bool = False


class Lost(Record):
    """A spec of the base that no spec is compared with."""

    name: str
    file: Path
    """Its path in the work tree, whether or not the file exists."""
    subject: Subject | None
    limits: bool
    """Whether it had limits at the base."""
    note: str = ""
    """A possible reason."""

    @property
    def deleted(self) -> bool:
        """Whether its file does not exist any more."""
        return not os.path.lexists(self.file)
