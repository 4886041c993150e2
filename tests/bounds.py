"""A bound of time that holds on a loaded machine."""

from __future__ import annotations

from contextlib import contextmanager
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def cpu_time_below(seconds: float) -> Iterator[None]:
    """Fail where the body takes more CPU time of this process."""
    begin = process_time()
    yield
    assert process_time() - begin < seconds
