"""The exit statuses of every command."""

from __future__ import annotations

SUCCESS = 0
GATE_FAILED = 1
ERROR = 2
"""A usage, config or spec error, or a spec, layer or ref that matches nothing."""
INTERNAL_ERROR = 3
INTERRUPTED = 130
"""The status after SIGINT. SIGHUP and SIGTERM give 129 and 143: 128 plus the signal number, as in a shell."""
BROKEN_PIPE = 141
