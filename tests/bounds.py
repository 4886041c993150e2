"""A bound of CPU time that holds on a loaded machine, and on a slow one."""

from __future__ import annotations

from contextlib import contextmanager
from time import process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = 0.035
"""The CPU time of a million additions in seconds on the machine for which the bounds in the tests were chosen."""


@contextmanager
def cpu_time_below(seconds: float) -> Iterator[None]:
    """Fail where the body takes more CPU time of this process, in seconds of the reference machine.

    The speed of a shared machine changes within seconds, so it is measured on both sides of the body.
    """
    before = _slowness()
    begin = process_time()
    yield
    taken = process_time() - begin
    assert taken < seconds * max(before, _slowness())


def _slowness() -> float:
    """Return the time that this machine takes for a fixed piece of work, relative to the reference; at least 1."""
    begin = process_time()
    total = 0
    for number in range(1_000_000):
        total += number
    return max(1.0, (process_time() - begin) / REFERENCE)
