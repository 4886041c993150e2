"""The chunks of a sweep on a Dask cluster: the same chunks in the same order, evaluated by its workers."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from costcalc.errors import UsageError
from costcalc.sweep.chunks import boxes, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from costcalc.sweep.chunks import Box, Chunk, Task

AHEAD = 2
"""Boxes per worker thread that are under way before the first of them is asked for."""
PATIENCE = 10.0
"""Seconds to find the scheduler."""


def cluster_chunks(task: Task, address: str, pause: Callable[[], None] = lambda: None) -> Iterator[Chunk]:
    """Every chunk of the grid, in its order. Dask does the work of a worker that dies again on another.

    Raises `UsageError` where there is no such scheduler, or `distributed` is not installed.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UsageError(
            "a scheduler needs the package distributed, which is not installed", help="pip install 'costcalc[dask]'"
        ) from None
    try:
        distributed.comm.resolve_address(address)  # a client of what is no address would wait long for its end
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError("no Dask scheduler at {}", address, note=str(error).partition("\n")[0]) from None
    with client:
        if not client.ncores():
            raise UsageError("the Dask scheduler at {} has no workers", address, help=f"dask worker {address}")
        waiting = boxes(task.sizes)
        ahead = AHEAD * sum(client.ncores().values())
        running: deque[tuple[Box, Any]] = deque()
        while True:
            while len(running) < ahead and (box := next(waiting, None)) is not None:
                running.append((box, client.submit(evaluated, task, box, pure=False)))
            if not running:
                return
            box, future = running.popleft()
            try:
                chunks = _result(future, distributed.TimeoutError, pause)
            except distributed.KilledWorker:
                raise UsageError("every worker dies on the points from {:,} on", box.start) from None
            except ImportError as error:
                raise UsageError("the workers at {} cannot run costcalc: {}", address, error) from None
            yield from chunks


def evaluated(task: Task, box: Box) -> list[Chunk]:
    """The chunks of a box, on a worker."""
    return list(evaluate(task, box))


def _result(future: Any, timeout: type[Exception], pause: Callable[[], None]) -> list[Chunk]:
    while True:
        pause()
        with suppress(timeout):  # the evaluation itself has no time limit
            chunks: list[Chunk] = future.result(timeout=0.5)
            return chunks
