"""Programs under limits of CPU time and memory, each in a fork of one process that has imported costcalc already.

Starting an interpreter and importing costcalc takes longer than most of these programs run. A fork has its own limits,
standard streams and exit status, and its CPU time counts from zero.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from processes import PATIENCE

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).parents[1]
STREAMS = ("stdin", "stdout", "stderr")
SERVER = """
import io, json, os, resource, signal, sys
from costcalc.cli import main
import costcalc.report.csv, costcalc.report.faults, costcalc.report.table

standard = sys.stdin, sys.stdout
sys.stdin, sys.stdout = io.TextIOWrapper(io.BytesIO(b"input: [4]\\nlayers: [relu]\\n")), io.StringIO()
main(["analyze", "-"])  # imports what a command imports late
sys.stdin, sys.stdout = standard

while line := sys.stdin.buffer.readline():
    if process := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
    else:
        break
else:
    sys.exit()

request = json.loads(line)
for number, path in enumerate(request["streams"]):
    os.dup2(os.open(path, os.O_RDWR), number)
sys.stdin = open(0, closefd=False)
os.chdir(request["folder"])
signal.alarm(request["patience"])
for limit, value in (("AS", request["bytes"]), ("CPU", request["seconds"])):
    resource.setrlimit(getattr(resource, f"RLIMIT_{limit}"), (value, value))
exec(request["program"], {"__name__": "__main__"})
"""


class Forks:
    """Runs programs one after the other; they have `sys` and all of costcalc to import."""

    def __init__(self, folder: Path) -> None:
        self.streams = [folder / name for name in STREAMS]
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        environment |= {"COVERAGE_PROCESS_START": "", "PYTHONPATH": str(ROOT)}
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.communicate()  # ends where its standard input does

    def run(
        self, program: str, stdin: bytes = b"", *, seconds: int, megabytes: int, folder: Path = ROOT
    ) -> subprocess.CompletedProcess[bytes]:
        """The exit status and the output of a program; status -9 where it took more CPU time than `seconds`."""
        for path, data in zip(self.streams, (stdin, b"", b""), strict=True):
            path.write_bytes(data)
        request = {
            "program": program,
            "streams": [str(path) for path in self.streams],
            "folder": str(folder),
            "patience": PATIENCE,
            "seconds": seconds,
            "bytes": megabytes << 20,
        }
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        status = int(self.server.stdout.readline())
        return subprocess.CompletedProcess(program, status, *(path.read_bytes() for path in self.streams[1:]))
