"""SIGINT, SIGTERM and SIGHUP: each ends a command after its files and child processes are cleaned up."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator
    from types import FrameType
else:
    import _signal as signal  # what `signal` wraps in enums, which cost a millisecond at every start

ENDING = tuple([getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)])
"""The signals that ask a command to end. Windows has no SIGHUP."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end. `status` is its exit status, 128 plus the signal's number, as in a shell."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    """The handler of a running command."""
    raise Interrupted(number)


def handle(handler: Callable[[int, FrameType | None], Any]) -> dict[int, Any]:
    """Handle the ending signals, and return their handlers before.

    A signal that is ignored stays ignored: so `nohup` and a shell's `&` ask for it. Only the main thread may handle
    signals; elsewhere nothing changes.
    """
    before: dict[int, Any] = {}
    for number in ENDING:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            try:
                before[number] = signal.signal(number, handler)
            except ValueError:
                break
    return before


def restore(handlers: dict[int, Any]) -> None:
    """Put the handlers back that `handle` returned."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """Run a short block to its end: a signal that arrives meanwhile is handled after it."""
    arrived: list[int] = []
    before = handle(lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        restore(before)
        if arrived:
            signal.raise_signal(arrived[0])
