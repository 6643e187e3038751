"""Reading events in order, with a cursor that notices when L1 changed behind it."""

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anh_rollup.l1.client import L1Client
from anh_rollup.l1.errors import L1AnswerError, L1RejectedError, TransientL1Error
from anh_rollup.l1.types import Block, Cursor, Log
from anh_rollup.primitives import BlockNumber

LOG = logging.getLogger(__name__)

#: Blocks asked for at once; most public endpoints allow more, and a refusal halves it.
SPAN: Final = 2_000

#: Cursors remembered to find the last common block after a reorg.
TRAIL: Final = 512

#: Replaced blocks to walk back over by their parents' hashes; deeper reorgs fall back to the trail.
LONGEST_WALK: Final = 64


class ReorgDetectedError(TransientL1Error):
    """L1 replaced blocks that were read already; what came from after `to` must be forgotten.

    Attributes:
        to: The newest cursor that still stands; reading goes on from there.
        lost: The cursor that does not stand any more.
    """

    def __init__(self, to: Cursor, lost: Cursor) -> None:
        super().__init__(
            f"L1 block {lost.number} (0x{lost.hash.hex()}) was replaced; block {to.number} still stands",
            remedy="Forget what was read after it and read again from there.",
        )
        self.to = to
        self.lost = lost


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of L1 that was read.

    Attributes:
        logs: Its events, in order.
        cursor: Its last block; keep it together with what came of the logs.
        head: Number of the newest block that may be read; `cursor.number < head` means there is more.
    """

    logs: tuple[Log, ...]
    cursor: Cursor
    head: BlockNumber


class EventReader:
    """Reads the events of some contracts, page by page.

    It keeps a trail of cursors in memory only; after a restart the start and the given cursor are enough.

    Args:
        client: The chain.
        addresses: The contracts.
        start: A block before the first event that can never be reorganised away (the deployment's parent).
        span: Most blocks of a page.
    """

    def __init__(
        self,
        client: L1Client,
        addresses: Sequence[str],
        start: Cursor,
        *,
        span: int = SPAN,
    ) -> None:
        self._client = client
        self._addresses = tuple(addresses)
        self._span = span
        self._start = start
        self._trail: deque[Cursor] = deque(maxlen=TRAIL)

    def read(self, cursor: Cursor) -> Page:
        """The next page after `cursor`; empty where there is nothing new.

        Raises:
            ReorgDetectedError: The cursor's block, or one read just now, is not canonical any more.
            TransientL1Error: The chain cannot be read.
        """
        head = self._client.block("latest")
        self._require_standing(cursor)
        if head is None or head.number <= cursor.number:
            return Page((), cursor, cursor.number)
        last = BlockNumber(min(head.number, cursor.number + self._span))
        end, logs = self._stretch(BlockNumber(cursor.number + 1), last)
        self._require_canonical(logs, cursor)
        self._require_standing(cursor)
        read = Cursor(end.number, end.hash)
        self._remember(cursor)
        self._remember(read)
        return Page(logs, read, head.number)

    def read_all(self, cursor: Cursor) -> Page:
        """Everything after `cursor` in one page; for a reader that starts."""
        page = self.read(cursor)
        logs = list(page.logs)
        while page.cursor.number < page.head:
            page = self.read(page.cursor)
            logs.extend(page.logs)
        return Page(tuple(logs), page.cursor, page.head)

    def read_on(self, cursor: Cursor) -> tuple[Page, ReorgDetectedError | None]:
        """Everything after `cursor`; or, where L1 replaced what was read, everything from the start and why.

        Raises:
            ReorgDetectedError: L1 changed a second time while it was read.
            TransientL1Error: The chain cannot be read.
        """
        try:
            return self.read_all(cursor), None
        except ReorgDetectedError as reorg:
            LOG.warning("%s; reading everything again", reorg.message)
            return self.read_all(self._start), reorg

    def _stretch(self, first: BlockNumber, last: BlockNumber) -> tuple[Block, tuple[Log, ...]]:
        """The events from `first` to at most `last`, and the block where they end; fewer if refused."""
        while True:
            end = self._client.block(last)
            if end is None:
                raise L1AnswerError(f"block {last}, which the node has announced", None)
            try:
                logs = self._client.logs(self._addresses, first, last)
            except L1RejectedError:
                if last == first:
                    raise
                last = BlockNumber(first + (last - first) // 2)
                self._span = max(last - first + 1, 1)
                continue
            return end, logs

    def _require_canonical(self, logs: Sequence[Log], cursor: Cursor) -> None:
        """A node may serve events of blocks that are no longer on the chain."""
        for number, digest in sorted({(log.block, log.block_hash) for log in logs}):
            block = self._client.block(number)
            if block is None or block.hash != digest:
                raise ReorgDetectedError(cursor, Cursor(number, digest))

    def _require_standing(self, cursor: Cursor) -> None:
        """A block that the node does not have is a lag, one that it has differently a reorg."""
        block = self._client.block(cursor.number)
        if block is not None and block.hash == cursor.hash:
            return
        ancestor, replaced = self._last_standing(cursor)
        if block is not None or replaced:
            raise ReorgDetectedError(ancestor, cursor)

    def _last_standing(self, cursor: Cursor) -> tuple[Cursor, bool]:
        """The newest known canonical block below `cursor`, and whether a later one was replaced.

        The replaced blocks themselves lead there while the node keeps them, then the trail, then the start.
        """
        replaced = False
        lost = self._client.block_by_hash(cursor.hash)
        for _ in range(LONGEST_WALK):
            if lost is None or lost.number <= self._start.number:
                break
            parent = self._client.block(lost.number - 1)
            if parent is not None and parent.hash == lost.parent:
                return Cursor(parent.number, parent.hash), replaced
            replaced |= parent is not None
            lost = self._client.block_by_hash(lost.parent)
        for known in reversed([item for item in self._trail if item.number < cursor.number]):
            block = self._client.block(known.number)
            if block is not None and block.hash == known.hash:
                return known, replaced
            replaced |= block is not None
        return self._start, replaced

    def _remember(self, cursor: Cursor) -> None:
        while self._trail and self._trail[-1].number >= cursor.number:
            self._trail.pop()
        self._trail.append(cursor)
