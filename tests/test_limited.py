"""Programs in forks: their limits, their streams, and that one leaves nothing to the next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from limited import Forks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory as Linux has them")


@pytest.mark.parametrize(
    ("program", "status", "out", "err"),
    [
        ("print(sys.stdin.read()[::-1]); print(1, file=sys.stderr); sys.exit(7)", 7, b"cba\n", b"1\n"),
        ("pass", 0, b"", b""),
        ("print('x'); raise SystemExit('why')", 1, b"x\n", b"why\n"),
        ("while True: pass", -9, b"", b""),
    ],
)
def test_a_program(forks: Forks, program: str, status: int, out: bytes, err: bytes) -> None:
    done = forks.run(f"import sys\n{program}", b"abc", seconds=1, megabytes=600)
    assert (done.returncode, done.stdout, done.stderr) == (status, out, err)


def test_memory_is_limited(forks: Forks) -> None:
    done = forks.run("bytes(600 << 20)", seconds=10, megabytes=600)
    assert done.returncode == 1
    assert b"MemoryError" in done.stderr
    assert forks.run("bytes(600 << 20)", seconds=10, megabytes=900).returncode == 0


def test_a_program_leaves_nothing_to_the_next(forks: Forks) -> None:
    assert forks.run("import builtins; builtins.left = 1", seconds=10, megabytes=600).returncode == 0
    assert b"NameError" in forks.run("left", seconds=10, megabytes=600).stderr
