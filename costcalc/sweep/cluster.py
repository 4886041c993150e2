"""The chunks of a sweep on a Dask cluster: the same chunks in the same order, evaluated by its workers."""

from __future__ import annotations

from collections import deque
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
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
"""Seconds to find the scheduler, to hear from it, and to wait for a worker where all are gone."""
POLL = 0.5
"""Seconds between two looks at whether there are workers."""


def cluster_chunks(task: Task, address: str, pause: Callable[[], None] = lambda: None) -> Iterator[Chunk]:
    """Every chunk of the grid, in its order. Dask does the work of a worker that dies again on another.

    Raises `UsageError` where there is no such scheduler, or it or all its workers are gone in the middle, and where
    `distributed` is not installed.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UsageError(
            "a scheduler needs the package distributed, which is not installed", help="pip install 'costcalc[dask]'"
        ) from None
    with _silent("distributed", "distributed.client"):  # what goes wrong is told once, as an error
        yield from _Cluster(distributed, address).chunks(task, pause)


@contextmanager
def _silent(*loggers: str) -> Iterator[None]:
    import logging

    found = [(logger, logger.disabled) for logger in map(logging.getLogger, loggers)]
    for logger, _ in found:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in found:
            logger.disabled = disabled


def evaluated(task: Task, box: Box) -> list[Chunk]:
    """The chunks of a box, on a worker."""
    return list(evaluate(task, box))


class _Cluster:
    """A client of a scheduler. Whatever happens to the scheduler and its workers ends in a result or a `UsageError`."""

    def __init__(self, distributed: Any, address: str) -> None:
        self.distributed = distributed
        self.address = address
        try:
            distributed.comm.resolve_address(address)  # a client of what is no address would wait long for its end
            self.client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError("no Dask scheduler at {}", address, note=str(error).partition("\n")[0]) from None

    def chunks(self, task: Task, pause: Callable[[], None]) -> Iterator[Chunk]:
        """Every chunk of the grid, in its order."""
        try:
            threads = self.threads()
            if not threads:
                help = f"dask worker {self.address}"
                raise UsageError("the Dask scheduler at {} has no workers", self.address, help=help)
            waiting = boxes(task.sizes)
            submitted: deque[tuple[Box, Any]] = deque()
            while True:
                while len(submitted) < AHEAD * threads and (box := next(waiting, None)) is not None:
                    submitted.append((box, self.client.submit(evaluated, task, box, pure=False)))
                if not submitted:
                    return
                yield from self.result(*submitted.popleft(), pause)
        except (OSError, CancelledError, self.distributed.client.ClosedClientError):
            raise UsageError("the Dask scheduler at {} does not answer any more", self.address) from None
        finally:
            with suppress(OSError):  # there may be nobody left to take leave of
                self.client.close(timeout=PATIENCE)

    def threads(self) -> int:
        """The threads of all workers. Raises `OSError` where the scheduler does not answer in time."""
        return sum(self.client.nthreads(callback_timeout=PATIENCE).values())

    def result(self, box: Box, future: Any, pause: Callable[[], None]) -> list[Chunk]:
        """The chunks of a box. The evaluation itself has no time limit, as long as there are workers."""
        idle = 0.0
        while idle < PATIENCE:
            pause()
            try:
                chunks: list[Chunk] = future.result(timeout=POLL)
            except self.distributed.TimeoutError:
                idle = 0 if self.threads() else idle + POLL
            except self.distributed.KilledWorker:
                raise UsageError("every worker dies on the points from {:,} on", box.start) from None
            except ImportError as error:
                raise UsageError("the workers at {} cannot run costcalc: {}", self.address, error) from None
            else:
                return chunks
        help = f"the next worker is waited for {PATIENCE:g} seconds: dask worker {self.address}"
        raise UsageError("the Dask scheduler at {} has lost all its workers", self.address, help=help)
