"""The evaluation of a sweep on a Dask cluster. The chunks and their order are the same as without a cluster."""

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
"""The number of boxes per worker thread that are submitted ahead."""
PATIENCE = 10.0
"""The timeout in seconds to connect to the scheduler, to get an answer, and to wait for a worker after all are lost."""
POLL = 0.5
"""The number of seconds between two checks for workers."""


def cluster_chunks(task: Task, address: str, pause: Callable[[], None] = lambda: None) -> Iterator[Chunk]:
    """Yield all chunks of the grid in order. Dask repeats the work of a lost worker on another one.

    Raises `UsageError` if the scheduler cannot be reached, if it or all of its workers are lost, and if `distributed`
    is not installed.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise UsageError(
            "--scheduler requires distributed, which is not installed", help="run pip install 'costcalc[dask]'"
        ) from None
    with _silent("distributed", "distributed.client"):  # failures are reported once, as an error
        yield from _Cluster(distributed, address).chunks(task, pause)


@contextmanager
def _silent(*loggers: str) -> Iterator[None]:
    import logging

    before = [(logger, logger.disabled) for logger in map(logging.getLogger, loggers)]
    for logger, _ in before:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in before:
            logger.disabled = disabled


def evaluated(task: Task, box: Box) -> list[Chunk]:
    """Evaluate a box on a worker, and return its chunks."""
    return list(evaluate(task, box))


class _Cluster:
    """A client of a scheduler. Failures of the scheduler and its workers become `UsageError`."""

    def __init__(self, distributed: Any, address: str) -> None:
        self.distributed = distributed
        self.address = address
        try:
            distributed.comm.resolve_address(address)  # with an invalid address, a client takes long to stop
            self.client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UsageError(
                "cannot connect to a Dask scheduler at {}", address, note=str(error).partition("\n")[0]
            ) from None

    def chunks(self, task: Task, pause: Callable[[], None]) -> Iterator[Chunk]:
        """Yield all chunks of the grid in order."""
        try:
            threads = self.threads()
            if not threads:
                help = f"run dask worker {self.address}"
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
            raise UsageError("the Dask scheduler at {} does not answer", self.address) from None
        finally:
            with suppress(OSError):  # the scheduler may be gone
                self.client.close(timeout=PATIENCE)

    def threads(self) -> int:
        """Return the number of threads of all workers. Raises `OSError` if the scheduler does not answer in time."""
        return sum(self.client.nthreads(callback_timeout=PATIENCE).values())

    def result(self, box: Box, future: Any, pause: Callable[[], None]) -> list[Chunk]:
        """Return the chunks of a box. There is no time limit as long as there are workers."""
        idle = 0.0
        while idle < PATIENCE:
            pause()
            try:
                chunks: list[Chunk] = future.result(timeout=POLL)
            except self.distributed.TimeoutError:
                idle = 0 if self.threads() else idle + POLL
            except self.distributed.KilledWorker:
                raise UsageError("every worker dies when it evaluates the points from {:,} on", box.start) from None
            except ImportError as error:
                raise UsageError("the workers at {} cannot run costcalc: {}", self.address, error) from None
            else:
                return chunks
        help = f"run dask worker {self.address} within {PATIENCE:g} seconds after the last worker stops"
        raise UsageError("the Dask scheduler at {} has lost all its workers", self.address, help=help)
