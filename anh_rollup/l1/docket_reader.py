"""Reading L1's events into a docket: the one loop behind the roles and behind everybody who only looks."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.base import Contract, Emitted
from anh_rollup.l1.docket import Docket
from anh_rollup.l1.events import EventReader, ReorgDetectedError
from anh_rollup.l1.types import Cursor, Log

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one refresh brought.

    Attributes:
        emitted: The events, oldest first; after a reorg all of them since the start.
        reorg: What L1 replaced, or None.
    """

    emitted: tuple[Emitted[Any], ...]
    reorg: ReorgDetectedError | None = None


class Folding(Protocol):
    """A fold over events."""

    @property
    def apply(self) -> Any:
        """A method that takes in the next event; kinds that change nothing are passed over."""


F = TypeVar("F", bound=Folding)


class FoldReader(Generic[F]):
    """Keeps a fold at what L1 says; after a reorg it is made anew from the start.

    Args:
        client: The chain.
        contracts: Those whose events are read.
        start: A block before their first event, as of `EventReader`.
        make: Makes an empty fold.

    Attributes:
        docket: The fold, as of the last `refresh`.
        cursor: The block up to which everything is read.
    """

    def __init__(
        self, client: L1Client, contracts: Sequence[Contract], start: Cursor, make: Callable[[], F]
    ) -> None:
        self.docket = make()
        self.cursor = start
        self._contracts = tuple(contracts)
        self._make = make
        self._reader = EventReader(client, [each.address for each in contracts], start)

    def refresh(self) -> Reading:
        """Reads what is new.

        Raises:
            TransientL1Error: L1 cannot be read; nothing changed, call again.
        """
        page, reorg = self._reader.read_on(self.cursor)
        if reorg is not None:
            self.docket = self._make()
        found = tuple(each for log in page.logs if (each := self._decode(log)) is not None)
        for each in found:
            self.docket.apply(each.event)
        self.cursor = page.cursor
        return Reading(found, reorg)

    def _decode(self, log: Log) -> Emitted[Any] | None:
        """The event of a log. One that a stranger filled with what is no job or claim must not stop us.

        Nothing is lost with it: what the contract takes as claim and job, whatever roots and texts they hold,
        can be read here, too.
        """
        try:
            found = (each.decode(log) for each in self._contracts)
            return next((each for each in found if each is not None), None)
        except AnhError as error:
            LOG.warning("event %d of L1 block %d is passed over: %s", log.index, log.block, error.message)
            return None


class DocketReader(FoldReader[Docket]):
    """Keeps a docket of claims, games and demands; see `FoldReader`."""

    def __init__(self, client: L1Client, contracts: Sequence[Contract], start: Cursor) -> None:
        super().__init__(client, contracts, start, Docket)
