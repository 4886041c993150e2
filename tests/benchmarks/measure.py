"""Figures, and the ways to take them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from operator import truediv
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Figure(NamedTuple):
    """What was measured. With a limit, a value above it fails."""

    what: str
    value: float
    unit: str
    limit: float | None = None


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = perf_counter()
    function()
    return perf_counter() - begin


def pairs(ours: Callable[[], object], theirs: Callable[[], object], times: int = 15) -> tuple[float, float, float]:
    """The median of the ratios of calls made in turn, and the median seconds of each."""
    ours(), theirs()
    own, other = zip(*[(seconds(ours), seconds(theirs)) for _ in range(times)], strict=True)
    return median(map(truediv, own, other)), median(own), median(other)


def ratio(
    what: str, ours: Callable[[], object], theirs: Callable[[], object], limit: float, times: int = 15
) -> Iterator[Figure]:
    """The figures of a comparison: the ratio, which has the limit, and what it is of."""
    measured, own, other = pairs(ours, theirs, times)
    yield Figure(what, measured, "times", limit)
    yield Figure("  ours", own * 1000, "ms")
    yield Figure("  theirs", other * 1000, "ms")


@contextmanager
def compiled() -> Iterator[dict[str, str]]:
    """An environment for processes that find their modules compiled, as installed ones are."""
    with tempfile.TemporaryDirectory() as folder:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield {**env, "PYTHONPYCACHEPREFIX": folder}


def process(arguments: Sequence[str], env: dict[str, str]) -> Callable[[], object]:
    """A call that runs Python with these arguments and throws away what it prints."""
    return lambda: subprocess.run([sys.executable, *arguments], env=env, stdout=subprocess.DEVNULL, check=True)


def speed_of_this_machine() -> Iterator[Figure]:
    """A loop of pure Python, beside which figures of different days and machines compare."""

    def loop() -> int:
        total = 0
        for number in range(1_000_000):
            total += number & 7
        return total

    yield Figure("a turn of a loop of pure Python", median([seconds(loop) for _ in range(9)]) * 1000, "ns")
