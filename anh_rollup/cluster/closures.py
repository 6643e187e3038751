"""Closures on a cluster: a `Pool` whose workers are the cores of other machines."""

import logging
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from typing import Final

from anh_rollup.cluster.cluster import Cluster
from anh_rollup.cluster.errors import TaskFailedError
from anh_rollup.world.errors import WorldClosedError
from anh_rollup.world.worker import Batch, Outcomes

_LOG = logging.getLogger(__name__)

LOAD: Final = "anh_rollup.cluster.closure_tasks:load"
EXECUTE: Final = "anh_rollup.cluster.closure_tasks:execute_batch"

#: Without any answer for so long, what is out is executed here (choice): a batch takes milliseconds, the
#: heaviest transaction seconds, but a node may hang, or be busy with what is not ours.
PATIENCE_SECONDS: Final = 30.0

Answered = Future[Outcomes]


class ClusterPool:
    """Executes batches on a cluster. Implements `Pool`; closing it closes the cluster.

    Args:
        cluster: The cluster.
        patience: Seconds without any answer after which what is out comes back to be executed here.
    """

    def __init__(self, cluster: Cluster, patience: float = PATIENCE_SECONDS) -> None:
        self._cluster = cluster
        self._patience = patience
        self._out: dict[Answered, tuple[int, int]] = {}
        self._loading: list[Future[None]] | None = None
        self._ended: SimpleQueue[Answered | None] = SimpleQueue()

    @property
    def working(self) -> int:
        """See `Pool.working`."""
        return self._cluster.working

    def start(self) -> None:
        """Has the nodes load their engine, and waits for it."""
        self.room()
        wait(self._loading or ())

    def room(self) -> int:
        """See `Pool.room`; nobody waits for a node that loads its engine, nor for a cluster that is lost."""
        if self._loading is None:
            self._loading = [self._cluster.submit(LOAD) for _ in range(self._cluster.working)]
        if not all(each.done() for each in self._loading):
            return 0
        return max(0, self._cluster.places - len(self._out))

    def send(self, number: int, batch: Batch) -> None:
        """See `Pool.send`."""
        future = self._cluster.submit(EXECUTE, batch)
        self._out[future] = number, len(batch)
        future.add_done_callback(self._ended.put)

    def answers(self, *, patient: bool) -> list[tuple[int, Outcomes]]:
        """See `Pool.answers`."""
        self._require_open()
        found = self._wait() if patient else []
        while not self._ended.empty():
            found += self._answer(self._ended.get())
        self._require_open()
        return found

    def forget(self) -> None:
        """See `Pool.forget`."""
        out, self._out = self._out, {}
        self._cluster.cancel(list(out))

    def close(self) -> None:
        """See `Pool.close`."""
        self._cluster.close()
        self._ended.put(None)

    # --- inside ---

    def _require_open(self) -> None:
        if self._cluster.is_closed:
            raise WorldClosedError

    def _wait(self) -> list[tuple[int, Outcomes]]:
        """What ends next; all that is out, to be executed here, where nothing does for long."""
        try:
            return self._answer(self._ended.get(timeout=self._patience))
        except Empty:
            lost = list(self._out.values())
            self.forget()
            _LOG.warning(
                "no answer of the Ray cluster for %g s: %d batches go on here", self._patience, len(lost)
            )
            return [(number, [None] * size) for number, size in lost]

    def _answer(self, future: Answered | None) -> list[tuple[int, Outcomes]]:
        if future is None or future not in self._out:
            return []
        number, size = self._out.pop(future)
        error = future.exception()
        if isinstance(error, TaskFailedError):
            self._cluster.tell_once(error)
        return [(number, future.result() if error is None else [None] * size)]
