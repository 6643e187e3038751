"""Supervision: the one task group in which a role's services run, and the one path by which they stop.

A service is anything with a name and a coroutine `run(stop)` that returns soon after `stop` is set. When one
fails, the others are told to stop and the failure leaves `supervise` as it is: a node with half of its
services would be worse than none.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Final, Protocol, cast

from aiohttp import web
from aiohttp.http import HttpProcessingError

from anh_rollup.errors import AnhError
from anh_rollup.rpc.connections import CONNECTIONS

LOG = logging.getLogger(__name__)

#: After failures in a row the interval doubles up to this factor: one minute at two seconds (choice).
LONGEST_BACKOFF: Final = 32

#: Seconds that a thread computes while another one waits (choice). A request changes threads three times, and
#: would wait for the interpreter's usual 5 ms each time while somebody else's is worked on.
SWITCH_INTERVAL: Final = 0.0005

#: Objects that are made between two looks at the new ones, and such looks between two at the survivors
#: (choice). What a role keeps is a history that never becomes garbage: looking through all of it, as the
#: interpreter usually does whenever it has grown by a quarter, stops every request for a third of a second.
NEW_OBJECTS, LOOKS, NEVER = 10_000, 5, 2**31 - 1

#: Seconds between two looks through everything, for cycles that have lived for long (choice).
COLLECTION_INTERVAL: Final = 600.0

#: Connections that the system keeps until they are taken (aiohttp's own).
BACKLOG: Final = 128


class AddressInUseError(AnhError):
    """A service cannot listen where it was told to.

    Attributes:
        host: The address.
        port: The port.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"cannot listen on {host}:{port}", remedy="Choose another address, or stop who uses it."
        )
        self.host = host
        self.port = port


class Service(Protocol):
    """Something that runs until it is told to stop."""

    @property
    def name(self) -> str:
        """What the log calls it."""

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; raising ends the whole node."""


@dataclass(frozen=True, slots=True)
class PollingService:
    """Repeats a blocking round in a thread, so that a slow chain does not hold up other services.

    Attributes:
        name: What the log calls it.
        work: One round; it must be safe to repeat from any point.
        interval: Seconds between the end of a round and the start of the next.
        passing: Errors that end a round but not the service: it logs them and tries again, ever more slowly.
        close: Called once at the end, whatever the reason.
    """

    name: str
    work: Callable[[], object]
    interval: float
    passing: tuple[type[AnhError], ...] = ()
    close: Callable[[], None] = field(default=lambda: None)

    async def run(self, stop: asyncio.Event) -> None:
        """Runs rounds until `stop` is set. A round under way is finished, never cut."""
        failures = 0
        try:
            while not stop.is_set():
                failures = failures + 1 if await self._fails() else 0
                await sleep_until(stop, self.interval * min(2**failures, LONGEST_BACKOFF))
        finally:
            self.close()

    async def _fails(self) -> bool:
        try:
            await asyncio.to_thread(self.work)
        except self.passing as error:
            LOG.warning("%s: %s; next: %s", self.name, error.message, error.remedy)
            return True
        return False


@dataclass(frozen=True, slots=True)
class HttpService:
    """Serves an aiohttp application.

    Attributes:
        name: What the log calls it.
        app: The application.
        host: Address to listen on.
        port: Port to listen on.
    """

    name: str
    app: web.Application
    host: str
    port: int

    async def run(self, stop: asyncio.Event) -> None:
        """Serves until `stop` is set; requests under way get a moment to finish.

        Raises:
            AddressInUseError: Somebody else listens there.
        """
        logger = logging.getLogger(f"{__name__}.http")
        logger.addFilter(shorten_malformed)
        runner = web.AppRunner(self.app, access_log=None, logger=logger)
        await runner.setup()
        try:
            listener = await self._listen(runner)
            try:
                await stop.wait()
            finally:
                listener.close()
        except OSError as error:
            raise AddressInUseError(self.host, self.port) from error
        finally:
            await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> asyncio.Server:
        """Begins to take connections, as many as the application may have."""
        server = cast(web.Server, runner.server)  # there since `setup`
        connections = self.app.get(CONNECTIONS)
        accept = server if connections is None else partial(connections.accept, server)
        return await asyncio.get_running_loop().create_server(accept, self.host, self.port, backlog=BACKLOG)


def shorten_malformed(record: logging.LogRecord) -> bool:
    """A log filter: what a client sent that is no HTTP is one short line, as anybody can send it.

    Any other failure of a request is a defect of ours, and keeps its traceback.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        record.msg, record.args = "answered %d to malformed HTTP: %s", (error.code, type(error).__name__)
        record.exc_info = record.exc_text = None
    return True


@dataclass(frozen=True, slots=True)
class AtStop:
    """Does something as soon as the node is to stop, while other services still finish what they have begun.

    Attributes:
        name: What the log calls it.
        act: What it does: it returns at once.
    """

    name: str
    act: Callable[[], None]

    async def run(self, stop: asyncio.Event) -> None:
        """Waits for `stop`."""
        await stop.wait()
        self.act()


async def sleep_until(stop: asyncio.Event, seconds: float) -> None:
    """Waits for `seconds`, or less if `stop` is set before."""
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return


async def supervise(services: Sequence[Service], stop: asyncio.Event) -> None:
    """Runs all services in one task group until `stop` is set or one of them ends.

    Raises:
        BaseExceptionGroup: With the errors of the services that failed.
    """
    async with asyncio.TaskGroup() as group:
        for service in services:
            group.create_task(_run_one(service, stop), name=service.name)


async def _run_one(service: Service, stop: asyncio.Event) -> None:
    LOG.info("%s: started", service.name)
    try:
        await service.run(stop)
    finally:
        stop.set()
        LOG.info("%s: stopped", service.name)


def run_node(services: Sequence[Service]) -> None:
    """Runs services until SIGINT or SIGTERM, or until one of them fails.

    Raises:
        AnhError: The first failure that the code raised on purpose.
        BaseExceptionGroup: Failures of any other kind.
    """
    collector = PollingService("memory", gc.collect, COLLECTION_INTERVAL)
    try:
        with short_pauses():
            asyncio.run(_until_signal([*services, collector]))
    except BaseExceptionGroup as failures:
        expected = failures.subgroup(AnhError)
        if expected is None:
            raise
        raise first_error(expected) from failures


@contextmanager
def short_pauses() -> Iterator[None]:
    """Sets the interpreter up for a server, whose requests wait neither for other threads nor for memory."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.set_threshold(NEW_OBJECTS, LOOKS, NEVER)
    gc.freeze()  # what there is at the start stays
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)


async def _until_signal(services: Sequence[Service]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop.set)

    previous = [(number, signal.signal(number, ask_to_stop)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        await supervise(services, stop)
    finally:
        for number, handler in previous:
            signal.signal(number, handler)


def first_error(failures: BaseExceptionGroup[AnhError]) -> AnhError:
    """The first leaf of a group of failures."""
    first = failures.exceptions[0]
    return first_error(first) if isinstance(first, BaseExceptionGroup) else first
