"""costcalc as a process of its own that is sent signals, and is gone afterwards with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 1200
"""Seconds until a process that does not do what is waited for is a failure: a safety net, not a bound on its time."""


@contextmanager
def started(*arguments, ignored=(), before="", **options):
    """Run a command. Its signals are handled as by default however the tests were started, but for those `ignored`.

    `before` is Python code that runs first, with `signal` and `sys` imported.
    """
    lines = ["import signal, sys", "signal.signal(signal.SIGINT, signal.default_int_handler)"]
    lines += [f"signal.signal({int(number)}, signal.SIG_DFL)" for number in ENDING[1:]]
    lines += [f"signal.signal({int(number)}, signal.SIG_IGN)" for number in ignored]
    lines += [before, "from costcalc.cli import main", f"sys.exit(main({[str(each) for each in arguments]!r}))"]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(
        [sys.executable, "-c", "\n".join(lines)], start_new_session=True, **{**pipes, **options}
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def until(condition):
    """What a condition comes to, as soon as it is something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited for nothing"
        time.sleep(0.02)
    return found


def alive(process_id):
    """Whether there is such a process, which is not only waiting to be reaped."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    with suppress(OSError), open(f"/proc/{process_id}/stat") as stream:  # noqa: PTH123
        return stream.read().rpartition(")")[2].split()[0] != "Z"
    return True
