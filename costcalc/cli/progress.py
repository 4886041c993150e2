"""A progress bar on standard error, and interrupts that let a sweep finish its outputs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from costcalc.cli.context import COLOR
from costcalc.cli.interrupts import Interrupted, handle, interrupt, restore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

T = TypeVar("T")

QUIET = 1.0
"""Seconds of work before a bar appears."""


class Stopped(Exception):  # noqa: N818 - not an error
    """Raised to end the work after an interrupt."""


class Counter(Protocol):
    """An object with the number of points that are done."""

    points: int


class Watch:
    """Shows the progress of work on a number of points, and ends it after an interrupt."""

    def __init__(self, points: int, counter: Counter, *, bar: bool) -> None:
        self.points = points
        self.counter = counter
        self.bar = bar
        self.started = monotonic()
        self.stopping = False
        self.interrupted = False
        self.status = 0
        """The exit status of the signal that ended the work."""
        self.progress: Any = None

    def pause(self) -> None:
        """Show the progress. Raises `Stopped` after an interrupt."""
        if self.stopping:
            raise Stopped
        if self.bar and monotonic() - self.started > QUIET:
            self._show()

    def until_interrupted(self, stream: Iterable[T]) -> Iterator[T]:
        """Yield the items of a stream until its end or an interrupt."""
        try:
            for item in stream:
                yield item
                self.pause()
        except Stopped:
            self.interrupted = self.counter.points < self.points

    def clear(self) -> None:
        """Remove the bar."""
        self.bar = False
        if self.progress is not None:
            self.progress.stop()
            self.progress = None

    def _show(self) -> None:
        if self.progress is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TextColumn("{task.fields[rate]}"))
            context = click.get_current_context(silent=True)
            plain = context is not None and context.meta.get(COLOR) == "never"
            console = Console(stderr=True, no_color=plain or None)
            self.progress = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
            self.task = self.progress.add_task("", total=self.points, rate="", start=True)
            self.progress.start()
        rate = self.counter.points / (monotonic() - self.started)
        self.progress.update(
            self.task, completed=self.counter.points, rate=f"{self.counter.points:,} points, {rate:,.0f}/s"
        )

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal: the first one stops the work at the next pause, the second one at once."""
        if self.stopping:
            interrupt(number, frame)
        self.stopping = True
        self.status = Interrupted(number).status


@contextmanager
def watched(points: int, counter: Counter, *, bar: bool) -> Iterator[Watch]:
    """Watch work. A first interrupt ends it at the next pause, a second one at once."""
    watch = Watch(points, counter, bar=bar and bool(sys.stderr) and sys.stderr.isatty())
    before = handle(watch.interrupt)
    try:
        yield watch
    finally:
        restore(before)
        watch.clear()
