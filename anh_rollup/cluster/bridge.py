"""The process between a role and a Ray cluster: the only one of ours that imports ray.

Ray ends a process whose cluster is gone, takes over its signals, and may wait for minutes. So it has a
process of its own, which the role can end at any time and start again.
"""

import logging
import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Final

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from anh_rollup.cluster.dispatcher import Broken, Calls, Dispatcher
from anh_rollup.cluster.errors import TaskRefusedError
from anh_rollup.cluster.identity import Identity, own_identity
from anh_rollup.cluster.messages import Stop, Unusable
from anh_rollup.cluster.nodes import NodeList, Seen

#: Between two looks at the nodes (choice).
LOOK_SECONDS: Final = 1.0

#: For the first connection: Ray itself would try for two minutes, and say little (choice).
CONNECT_SECONDS: Final = 5.0

#: Characters of a foreign error that are passed on.
MOST_REASON: Final = 200

_SCHEME: Final = "ray://"


@dataclass(frozen=True, slots=True)
class _Ended:
    """A call on a node has ended; who is to be told."""

    tell: Callable[[Future[Any]], None]
    future: Future[Any]


def serve(connection: Connection, address: str) -> None:
    """Joins a cluster, and does what the role at the other end says until that is gone."""
    # Ray has nodes look for modules where its driver is; they are to use the package that they have.
    os.chdir("/")
    # Ray prints pages about nodes that are lost; what there is to know the role says itself.
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        reason = join(address)
        if reason is not None:
            connection.send(Unusable(reason))
            return
        bridge = Bridge(connection)
        Thread(target=bridge.receive, daemon=True).start()
        bridge.run()
        ray.shutdown()


def join(address: str) -> str | None:
    """Connects this process to a cluster; why that cannot be done, or None where it is."""
    try:
        host, _, port = address.removeprefix(_SCHEME).rpartition(":")
        if host:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        return reason_of(error)
    return None


def reason_of(error: BaseException) -> str:
    """A foreign error in one line."""
    cause = getattr(error, "cause", None) if isinstance(error, RayTaskError) else None
    told = cause if isinstance(cause, Exception) else error
    return f"{type(told).__name__}: {' '.join(str(told).split())[:MOST_REASON]}"


class Bridge:
    """Has Ray do what a `Dispatcher` decides. One thread does all of it, event by event.

    Args:
        connection: To the role.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._nodes = NodeList(own_identity())
        calls = Calls(self._submit, _put, ray.cancel)
        self._dispatcher = Dispatcher(self._nodes, calls, connection.send, monotonic())
        self._call, self._ask = ray.remote(_call), ray.remote(_identity)

    def receive(self) -> None:
        """Takes in what the role says, in a thread of its own; the end of the role is a `Stop`."""
        while True:
            try:
                event = self._connection.recv()
            except (EOFError, OSError):
                event = Stop()
            self._events.put(event)
            if isinstance(event, Stop):
                return

    def run(self) -> None:
        """Works until the role says `Stop`, or the cluster cannot be used."""
        due = 0.0
        while True:
            if monotonic() >= due:
                if not self._look():
                    return
                due = monotonic() + LOOK_SECONDS
            try:
                event = self._events.get(timeout=max(0.0, due - monotonic()))
            except Empty:
                continue
            if isinstance(event, Stop):
                return
            if isinstance(event, _Ended):
                event.tell(event.future)
            else:
                self._dispatcher.carry_out(event)

    # --- inside ---

    def _look(self) -> bool:
        """Tells the role how the cluster is; whether it can be used at all."""
        there = [
            Seen(each["NodeID"], each["NodeManagerAddress"], int(each["Resources"].get("CPU", 0)))
            for each in ray.nodes()  # type: ignore[no-untyped-call]
            if each["Alive"]
        ]
        for node in self._nodes.look(there):
            self._watch(self._on(node.name, self._ask, cores=0), partial(self._answered, node.name))
        return self._dispatcher.report(monotonic())

    def _answered(self, node: str, future: Future[Any]) -> None:
        error = future.exception()
        found = future.result() if error is None else f"it cannot import our package ({reason_of(error)})"
        self._nodes.answered(node, found)

    def _submit(self, number: int, node: str, work: str, arguments: Sequence[Any]) -> Any:
        """See `Calls.submit`."""
        try:
            reference = self._on(node, self._call, work, *arguments)
        except RayError as error:
            raise TaskRefusedError(reason_of(error)) from error
        self._watch(reference, partial(self._ended, number))
        return reference

    def _ended(self, number: int, future: Future[Any]) -> None:
        error = future.exception()
        if error is None:
            self._dispatcher.returned(number, future.result())
        else:
            is_lost = isinstance(error, RayError) and not isinstance(error, RayTaskError)
            self._dispatcher.broke(number, Broken(reason_of(error), is_lost))

    def _on(self, node: str, work: Any, *arguments: Any, cores: int = 1) -> Any:
        """Has one node call a function; a reference to what comes of it."""
        where = NodeAffinitySchedulingStrategy(node, soft=False)
        given = work.options(max_retries=0, num_cpus=cores, scheduling_strategy=where)
        return given.remote(*arguments)

    def _watch(self, reference: Any, tell: Callable[[Future[Any]], None]) -> None:
        """Has somebody told when a call has ended, by the thread that does all."""
        reference.future().add_done_callback(lambda future: self._events.put(_Ended(tell, future)))


def _put(value: Any) -> Any:
    """See `Calls.put`."""
    try:
        return ray.put(value)
    except RayError as error:
        raise TaskRefusedError(reason_of(error)) from error


def _identity() -> Identity:
    """On a node: which code it runs."""
    return own_identity()


def _call(work: str, *arguments: Any) -> Any:
    """On a node: calls a function of the package that it has."""
    module, _, name = work.partition(":")
    return getattr(import_module(module), name)(*arguments)
