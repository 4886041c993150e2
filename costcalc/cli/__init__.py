"""The command line: `main` is its entry point, and decides what every exit status means."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FINE = 0
GATE_FAILED = 1
UNUSABLE = 2
"""A usage, config or spec error, or a spec, layer or ref that matches nothing."""
BUG = 3
INTERRUPTED = 130
"""By SIGINT. SIGHUP and SIGTERM end with 129 and 143: 128 plus the signal's number, as in a shell."""
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. Nothing that happens inside comes out as an exception."""
    gc.set_threshold(100_000, 50, 50)  # a command makes many objects and few cycles: at start there are none to collect
    from costcalc.cli.interrupts import handle, interrupt, restore

    handlers = handle(interrupt)
    try:
        try:
            from costcalc.cli.group import run

            status = run(sys.argv[1:] if arguments is None else arguments)
            if sys.stdout:
                sys.stdout.flush()
            return status
        except BrokenPipeError:
            return BROKEN_PIPE
        except OSError as error:
            _tell(f"costcalc: error: {_reason(error)}")
            return UNUSABLE
        except Exception as error:
            return _bug(error)
        finally:
            _let_go()
    except KeyboardInterrupt as stop:
        return getattr(stop, "status", INTERRUPTED)
    finally:
        restore(handlers)


def _bug(error: Exception) -> int:
    if os.environ.get("COSTCALC_TRACEBACK"):
        import traceback

        _tell(traceback.format_exc())
    else:
        _tell(
            f"costcalc: internal error: {_reason(error)}. This is a bug: please report it, "
            "with what the same command prints when COSTCALC_TRACEBACK=1 is set"
        )
    return BUG


def _reason(error: Exception) -> str:
    from costcalc.report.text import visible

    name = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return visible(f"{name}{error}".partition("\n")[0][:300])


def _tell(text: str) -> None:
    from contextlib import suppress

    from costcalc.report.text import inert

    with suppress(OSError):  # nobody listens any more; the status still says it
        print(inert(text), file=sys.stderr, flush=True)


def _let_go() -> None:
    """What a stream could not take would be tried again when Python exits, and change the status: drop it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
