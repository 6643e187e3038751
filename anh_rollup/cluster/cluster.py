"""A cluster as a role sees it: tasks go in, futures come back; what is lost says so, and the rest goes on."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Event, Lock, Thread
from typing import Any, Final
from uuid import uuid4

from anh_rollup.cluster.errors import (
    ClusterClosedError,
    ClusterError,
    ClusterLostError,
    ClusterUnreachableError,
    TaskFailedError,
)
from anh_rollup.cluster.messages import (
    Cancel,
    Done,
    Failed,
    Nodes,
    Release,
    Share,
    Shared,
    Stop,
    Submit,
    Unusable,
)
from anh_rollup.world.worker_pool import MOST_AHEAD, interrupts_blocked

_LOG = logging.getLogger(__name__)

#: In which a cluster has to answer, and its nodes to say what they run (choice).
START_SECONDS: Final = 60.0

#: Between two tries to reach a cluster that was lost (choice).
RETRY_SECONDS: Final = 15.0

#: After so much silence a bridge is taken for lost: it speaks each second unless Ray keeps it (choice).
SILENCE_SECONDS: Final = 20.0

#: In which a bridge leaves the cluster by itself, so that nothing of ours goes on there (choice).
STOP_SECONDS: Final = 3.0

NOBODY: Final = Nodes(0, 0)
"""A cluster that is lost."""


@dataclass(slots=True)
class _BridgeProcess:
    """A bridge process, the other end of its pipe, and what it was given to share."""

    process: SpawnProcess
    connection: Connection
    shared: set[Shared] = field(default_factory=set)


class Cluster:
    """Runs functions of this package on a Ray cluster. Several threads may use it.

    Args:
        address: `auto`, the cluster's `host:port` or `ray://host:port`.
        most: Tasks at a time, at most; None for all cores of the cluster.
    """

    def __init__(self, address: str, most: int | None = None) -> None:
        self._address = address
        self._most = most
        self._lock = Lock()
        self._bridge: _BridgeProcess | None = None
        self._starting: _BridgeProcess | None = None
        self._thread = Thread(target=self._attend, name="cluster", daemon=True)
        self._nodes = NOBODY
        self._numbers = count()
        self._out: dict[int, tuple[str, Future[Any]]] = {}
        self._values: dict[Shared, Any] = {}
        self._closed = Event()
        self._told: set[tuple[str, str]] = set()

    # --- what there is ---

    @property
    def nodes(self) -> int:
        """Nodes that work for us now; 0 while the cluster is lost."""
        return self._nodes.count

    @property
    def working(self) -> int:
        """Tasks that are carried out at a time."""
        return self._nodes.cores if self._most is None else min(self._most, self._nodes.cores)

    @property
    def places(self) -> int:
        """Tasks that should be out at a time: each core has the next one when it has done the first."""
        places = MOST_AHEAD * self._nodes.cores
        return places if self._most is None else min(self._most, places)

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed.is_set()

    # --- what it does ---

    def start(self) -> None:
        """Connects, and waits until the nodes have said what they run.

        Raises:
            ClusterUnreachableError: There is no cluster, or no node of it can work for us.
        """
        self._open()
        self._thread.start()

    def submit(self, work: str, *arguments: Any) -> Future[Any]:
        """Has a node call a function of this package.

        Args:
            work: The function, as `module:name`.
            arguments: For it; `Shared` stands for what was shared, and fails the task once that is released.

        Returns:
            What comes of it, or `TaskFailedError`, `ClusterLostError` or `ClusterClosedError`: then it has to
            be done elsewhere.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._closed.is_set():
                future.set_exception(ClusterClosedError())
            elif self._bridge is None:
                future.set_exception(ClusterLostError())
            else:
                self._share(self._bridge, [each for each in arguments if isinstance(each, Shared)])
                number = next(self._numbers)
                self._out[number] = work, future
                self._send(self._bridge, Submit(number, work, arguments))
        return future

    def cancel(self, futures: Sequence[Future[Any]]) -> None:
        """Gives up tasks: nothing comes of them any more."""
        with self._lock:
            for number in [each for each, (_, future) in self._out.items() if future in futures]:
                self._out.pop(number)
                if self._bridge is not None:
                    self._send(self._bridge, Cancel(number))

    def share(self, value: Any) -> Shared:
        """Keeps a value where every node can read it, until it is released."""
        shared = Shared(uuid4().hex)
        self._values[shared] = value
        return shared

    def release(self, shared: Shared) -> None:
        """Forgets what was shared."""
        with self._lock:
            self._values.pop(shared)
            if self._bridge is not None and shared in self._bridge.shared:
                self._bridge.shared.remove(shared)
                self._send(self._bridge, Release(shared))

    def close(self) -> None:
        """Gives up everything and leaves the cluster, from any thread; soon, whatever the cluster does."""
        with self._lock:
            self._closed.set()
            bridge, starting = self._bridge, self._starting
            if bridge is not None:
                self._send(bridge, Stop())
        self._give_up(ClusterClosedError())
        if starting is not None:
            starting.process.kill()
        if bridge is not None:
            bridge.process.join(STOP_SECONDS)
            bridge.process.kill()
        if self._thread.is_alive():
            self._thread.join()

    def tell_once(self, error: TaskFailedError) -> None:
        """Logs an error of a task, unless one of its kind was logged before: strangers may cause many."""
        kind = error.task, error.reason.partition(":")[0]
        if kind not in self._told:
            self._told.add(kind)
            _LOG.warning("%s; next: %s", error.message, error.remedy)

    # --- the bridge ---

    def _open(self) -> None:
        """Starts a bridge, and waits until it has a cluster.

        Raises:
            ClusterUnreachableError: It has none.
            ClusterClosedError: This one was closed.
        """
        bridge = _started(self._address)
        with self._lock:
            self._starting = bridge
        try:
            first = self._first_word(bridge)
            _LOG.info("the Ray cluster has %d node(s) with %d core(s) for us", first.count, first.cores)
            self._take(first)
            with self._lock:
                self._require_open()
                self._bridge = bridge
        except BaseException:
            _end(bridge)
            raise
        finally:
            self._starting = None

    def _require_open(self) -> None:
        if self._closed.is_set():
            raise ClusterClosedError

    def _first_word(self, bridge: _BridgeProcess) -> Nodes:
        self._require_open()
        try:
            said = bridge.connection.recv() if bridge.connection.poll(START_SECONDS) else None
        except (EOFError, OSError):
            said = Unusable("the connection to it ended at once")
        if isinstance(said, Nodes):
            return said
        reason = said.reason if isinstance(said, Unusable) else f"no answer within {START_SECONDS:g} s"
        raise ClusterUnreachableError(self._address, reason)

    def _attend(self) -> None:
        """Hears what the bridge says; where it is lost, says so and starts another one."""
        while (bridge := self._bridge) is not None:
            self._hear(bridge)
            with self._lock:
                self._bridge, self._nodes = None, NOBODY
            _end(bridge)
            if self._closed.is_set():
                return
            _LOG.warning(
                "the Ray cluster is lost; work goes on here, and it is tried every %g s", RETRY_SECONDS
            )
            self._give_up(ClusterLostError())
            self._reopen()

    def _reopen(self) -> None:
        while not self._closed.wait(RETRY_SECONDS):
            try:
                self._open()
            except ClusterError as error:
                _LOG.info("%s; next: it is tried again, unless this process ends", error.message)
            else:
                return

    def _hear(self, bridge: _BridgeProcess) -> None:
        """Takes in all that a bridge says until it is gone, or silent for too long."""
        try:
            while bridge.connection.poll(SILENCE_SECONDS):
                self._take(bridge.connection.recv())
        except (EOFError, OSError):
            return

    def _take(self, message: object) -> None:
        match message:
            case Nodes(news=news):
                self._nodes = message
                for each in news:
                    _LOG.log(logging.WARNING if each.is_trouble else logging.INFO, "%s", each.sentence)
            case Done(number, value):
                for _, future in self._popped(number):
                    future.set_result(value)
            case Failed(number, reason):
                for work, future in self._popped(number):
                    future.set_exception(TaskFailedError(work, reason))

    def _popped(self, number: int) -> Iterable[tuple[str, Future[Any]]]:
        """A task that is out no more; none where nobody wants it any more."""
        with self._lock:
            return [self._out.pop(number)] if number in self._out else []

    def _give_up(self, error: ClusterLostError | ClusterClosedError) -> None:
        with self._lock:
            out, self._out = self._out, {}
        for _, future in out.values():
            future.set_exception(error)

    def _share(self, bridge: _BridgeProcess, wanted: Sequence[Shared]) -> None:
        for shared in wanted:
            if shared in self._values and shared not in bridge.shared:
                bridge.shared.add(shared)
                self._send(bridge, Share(shared, self._values[shared]))

    def _send(self, bridge: _BridgeProcess, message: object) -> None:
        """Says something to a bridge; one that is gone is noticed by who hears it."""
        try:
            bridge.connection.send(message)
        except OSError:
            _LOG.debug("the bridge to the Ray cluster is gone")


def _started(address: str) -> _BridgeProcess:
    """A bridge process that begins to look for its cluster."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, address), name="cluster bridge", daemon=True)
    with interrupts_blocked():
        process.start()
    theirs.close()
    return _BridgeProcess(process, ours)


def _end(bridge: _BridgeProcess) -> None:
    bridge.process.kill()
    bridge.process.join()
    bridge.connection.close()


def _serve(connection: Connection, address: str) -> None:
    """In the bridge: imports ray there alone."""
    import_module("anh_rollup.cluster.bridge").serve(connection, address)
