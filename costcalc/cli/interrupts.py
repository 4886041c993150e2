"""Handlers of SIGINT, SIGTERM and SIGHUP, which end a command after it cleans up its files and child processes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator
    from types import FrameType
else:
    import _signal as signal  # `signal` makes enums of the same names, which costs a millisecond at every start

ENDING = tuple([getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)])
"""The signals that end a command. Windows has no SIGHUP."""


class Interrupted(KeyboardInterrupt):
    """Raised when a signal ends the command. `status` is its exit status: 128 plus the signal number, as in a shell."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    """Raise `Interrupted`. The default handler of the ending signals."""
    raise Interrupted(number)


def handle(handler: Callable[[int, FrameType | None], Any]) -> dict[int, Any]:
    """Install a handler for the ending signals, and return the previous handlers.

    An ignored signal stays ignored, as `nohup` and the shell's `&` require. Only the main thread can handle signals;
    in other threads this does nothing.
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
    """Restore the handlers that `handle` returned."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """Delay signals that arrive in the block until its end."""
    arrived: list[int] = []
    before = handle(lambda number, _frame: arrived.append(number))
    try:
        yield
    finally:
        restore(before)
        if arrived:
            signal.raise_signal(arrived[0])
