"""The command line. `main` is its entry point and defines the exit statuses."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from costcalc.cli.exit_status import BROKEN_PIPE, ERROR, INTERNAL_ERROR, INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. Exceptions become messages on standard error."""
    gc.set_threshold(100_000, 50, 50)  # a command makes many objects and few cycles: collecting early wastes time
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
            _write_error(f"costcalc: error: {_reason(error)}")
            return ERROR
        except Exception as error:
            return _internal_error(error)
        finally:
            _flush_streams()
    except KeyboardInterrupt as stop:
        return getattr(stop, "status", INTERRUPTED)
    finally:
        restore(handlers)


def _internal_error(error: Exception) -> int:
    if os.environ.get("COSTCALC_TRACEBACK"):
        import traceback

        _write_error(traceback.format_exc())
    else:
        _write_error(
            f"costcalc: internal error: {_reason(error)}. This is a bug: please report it, "
            "with the output of the same command with COSTCALC_TRACEBACK=1"
        )
    return INTERNAL_ERROR


def _reason(error: Exception) -> str:
    from costcalc.report.text import visible

    name = "" if isinstance(error, OSError) else f"{type(error).__name__}: "
    return visible(f"{name}{error}".partition("\n")[0][:300])


def _write_error(text: str) -> None:
    from contextlib import suppress

    from costcalc.report.text import inert

    with suppress(OSError):  # standard error may be closed; the exit status still reports the error
        print(inert(text), file=sys.stderr, flush=True)


def _flush_streams() -> None:
    """Flush the standard streams, and discard what they cannot write.

    Python flushes them again when it exits, and a second failure would change the exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
