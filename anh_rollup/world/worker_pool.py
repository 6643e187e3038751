"""Worker processes of this machine: each is given batches of tasks, and is replaced when it dies."""

import logging
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.resource_tracker import ensure_running
from threading import Lock
from typing import Final, Protocol

from anh_rollup.world.engines import LoadEngine, load_engine
from anh_rollup.world.errors import WorldClosedError
from anh_rollup.world.worker import Batch, Outcomes, serve

_LOG = logging.getLogger(__name__)

MOST_AHEAD: Final = 2
"""Batches that a worker has at a time: the next one is there when it has done the first (choice)."""


class Pool(Protocol):
    """Executes batches elsewhere; one thread at a time sends to it and asks it."""

    @property
    def working(self) -> int:
        """How many have come to work: batches that are executed at a time."""
        ...

    def room(self) -> int:
        """Batches that can be sent now; 0 while nobody is there yet."""
        ...

    def send(self, number: int, batch: Batch) -> None:
        """Hands out a batch under a number; there has to be room."""
        ...

    def answers(self, *, patient: bool) -> list[tuple[int, Outcomes]]:
        """What has come back since, with the batches' numbers; for what got lost None for each task.

        Args:
            patient: Whether to wait until there is something.

        Raises:
            WorldClosedError: The pool was closed.
        """
        ...

    def forget(self) -> None:
        """Lets go of all that is out: nobody wants it any more."""
        ...

    def close(self) -> None:
        """Ends everything at once, from any thread."""
        ...


@dataclass(frozen=True, slots=True)
class Engines:
    """What a world executes with.

    Attributes:
        load: Makes the engine of this process.
        pool: Executes what is independent at the same time; None leaves everything to this process.
    """

    load: LoadEngine = load_engine
    pool: Pool | None = None


HERE: Final = Engines()
"""Everything in this process."""


@dataclass(slots=True)
class _Worker:
    """One process, and what it has: numbers of batches, None for those that nobody wants, and their sizes."""

    process: SpawnProcess
    connection: Connection
    is_ready: bool = False
    batches: deque[tuple[int | None, int]] = field(default_factory=deque)


class WorkerPool:
    """A `Pool` of processes that are started when they are first asked for room.

    Args:
        size: How many.
        load: Makes the engine; importable by name.

    Attributes:
        size: How many there are to be.
    """

    def __init__(self, size: int, load: LoadEngine = load_engine) -> None:
        self.size = size
        self._load = load
        self._workers: list[_Worker] = []
        self._begun = self._closed = False
        # Whoever closes must not miss a process that is just being started.
        self._lock = Lock()

    @property
    def working(self) -> int:
        """See `Pool.working`."""
        return len(self.processes)

    @property
    def processes(self) -> list[int]:
        """The identifiers of those that can work."""
        return [worker.process.pid or 0 for worker in list(self._workers) if worker.is_ready]

    def start(self) -> None:
        """Starts the processes, and waits until each has come to work or has died."""
        self.room()
        while not all(worker.is_ready for worker in self._workers):
            self._hear(patient=True)

    def room(self) -> int:
        """See `Pool.room`; starts the processes at the first call, and does not wait for them."""
        if not self._begun:
            self._begun = True
            _LOG.info("starting %d worker processes", self.size)
            for _ in range(self.size):
                self._start()
        return sum(MOST_AHEAD - len(worker.batches) for worker in self._workers if worker.is_ready)

    def send(self, number: int, batch: Batch) -> None:
        """See `Pool.send`; the worker that has the least gets it."""
        worker = min((each for each in self._workers if each.is_ready), key=lambda each: len(each.batches))
        worker.batches.append((number, len(batch)))
        try:
            worker.connection.send(batch)
        except OSError:
            _LOG.debug("worker process %s is gone; what it had comes back", worker.process.pid)

    def answers(self, *, patient: bool) -> list[tuple[int, Outcomes]]:
        """See `Pool.answers`."""
        found: list[tuple[int, Outcomes]] = []
        while not found:
            found = self._hear(patient=patient)
            if not patient:
                break
        return found

    def forget(self) -> None:
        """See `Pool.forget`."""
        for worker in self._workers:
            worker.batches = deque((None, size) for _, size in worker.batches)

    def close(self) -> None:
        """See `Pool.close`."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.process.kill()
            for worker in self._workers:
                worker.process.join()

    # --- inside ---

    def _require_open(self) -> None:
        if self._closed:
            raise WorldClosedError

    def _hear(self, *, patient: bool) -> list[tuple[int, Outcomes]]:
        """What workers say, once; nothing where one has come to work, or answers what nobody wants."""
        self._require_open()
        signs = wait([worker.connection for worker in self._workers], None if patient else 0)
        signed = [worker for worker in self._workers if worker.connection in signs]
        return [answer for worker in signed for answer in self._answer(worker)]

    def _answer(self, worker: _Worker) -> list[tuple[int, Outcomes]]:
        try:
            outcomes: Outcomes | None = worker.connection.recv()
        except (EOFError, OSError):
            return self._replace(worker)
        if outcomes is None:
            worker.is_ready = True
            return []
        number, _ = worker.batches.popleft()
        return [] if number is None else [(number, outcomes)]

    def _replace(self, dead: _Worker) -> list[tuple[int, Outcomes]]:
        """Starts another worker, unless this one never came to work; gives back what it had."""
        self._workers.remove(dead)
        dead.connection.close()
        dead.process.join()
        self._require_open()
        if dead.is_ready:
            _LOG.warning("worker process %s died; another one is started", dead.process.pid)
            self._start()
        else:
            _LOG.error("worker process %s died while it started; it is not replaced", dead.process.pid)
        return [(number, [None] * size) for number, size in dead.batches if number is not None]

    def _start(self) -> None:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, self._load), name="world worker", daemon=True)
        with self._lock, interrupts_blocked():
            self._require_open()
            process.start()
            self._workers.append(_Worker(process, ours))
        theirs.close()


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Processes that are started inside never see Ctrl-C: their parent ends them."""
    ensure_running()  # it would let interrupts through again when the first process is started
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
