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
    try:
        return _main(arguments)
    except MemoryError:
        return _out_of_memory()


def _main(arguments: Sequence[str] | None) -> int:
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
        except MemoryError:
            raise
        except Exception as error:
            return _failed(error)
        finally:
            _flush_streams()
    except KeyboardInterrupt as stop:
        return getattr(stop, "status", INTERRUPTED)
    finally:
        restore(handlers)


def _out_of_memory() -> int:
    """Report it without an import, for which there may be no memory, and return the exit status."""
    try:
        if sys.stderr:
            sys.stderr.write("costcalc: error: out of memory\n")
            sys.stderr.flush()
    except (OSError, MemoryError):
        pass  # the exit status still reports the error
    return ERROR


def _failed(error: Exception) -> int:
    """Report an exception that no command handles, and return the exit status."""
    cause = _surroundings(error)
    if os.environ.get("COSTCALC_TRACEBACK"):
        import traceback

        _write_error(traceback.format_exc())
    elif cause:
        _write_error(f"costcalc: error: {cause}")
    else:
        _write_error(
            f"costcalc: internal error: {_reason(error)}. This is a bug: please report it, "
            "with the output of the same command with COSTCALC_TRACEBACK=1"
        )
    return ERROR if cause else INTERNAL_ERROR


def _surroundings(error: Exception) -> str:
    """Return what is wrong with the system, the installation or the input; nothing where it is a bug."""
    if isinstance(error, RecursionError):
        return "the input is nested too deeply"
    if isinstance(error, OSError):
        return _reason(error)
    if isinstance(error, ImportError) and not (error.name or "").startswith("costcalc"):
        package = (error.name or "a package").partition(".")[0]
        return f"cannot import {package}: {_reason(error)}; is the installation complete?"
    return ""


def _reason(error: Exception) -> str:
    from costcalc.report.text import visible

    name = "" if isinstance(error, (OSError, ImportError)) else f"{type(error).__name__}: "
    return visible(f"{name}{error}".partition("\n")[0][:300])


def _write_error(text: str) -> None:
    from contextlib import suppress

    from costcalc.report.text import inert

    if sys.stderr:  # print would write to standard output otherwise
        with suppress(OSError):  # standard error may be closed; the exit status still reports the error
            print(inert(text), file=sys.stderr, flush=True)


def _flush_streams() -> None:
    """Flush the standard streams, and discard what they cannot write.

    Python flushes them again when it exits, and a second failure would change the exit status.
    """
    from contextlib import suppress

    for stream in (sys.stdout, sys.stderr):
        try:
            if stream:
                stream.flush()
        except OSError:
            with suppress(OSError):  # there may be no null device or no free descriptor
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
