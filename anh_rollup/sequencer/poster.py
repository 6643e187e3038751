"""Posting sealed blocks to L1: what to post next is read from L1 each time, never remembered.

The Inbox takes a batch only on top of the one that it names, so a batch that is sent twice, or on a view
that is out of date, reverts. After a crash or a reorg the same blocks are posted again from where L1 stands.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from anh_rollup.encoding.batches import BatchHeader, genesis_commitment
from anh_rollup.encoding.blobs import MOST_PAYLOAD, pack
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import ZERO_DIGEST, BatchNumber, BlockNumber
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.sealed import first_unfounded
from anh_rollup.sequencer.chain import SequencerChain
from anh_rollup.sequencer.packing import Packer

LOG = logging.getLogger(__name__)

MOST_CALLDATA: Final = 56_000
"""Bytes of a batch as calldata: a dispute shows it beside a record of it in the 128 KiB that nodes relay."""

MOST_IDLE_ORIGINS: Final = 300
"""L1 blocks that blocks without transactions wait for a batch: an hour on Ethereum (choice)."""


@dataclass(frozen=True, slots=True)
class Post:
    """A batch to be posted.

    Attributes:
        blocks: Its blocks.
        batch: What the Inbox is told.
        payload: Its bytes.
        left: Sealed blocks that wait for the next batch.
    """

    blocks: tuple[L2Block, ...]
    batch: BatchHeader
    payload: bytes
    left: int = 0


def decide(
    reader: OrderReader,
    chain: SequencerChain,
    most_bytes: int,
    packer: Packer = Packer(),  # noqa: B008, it is frozen
) -> Post | None:
    """The batch that continues what L1 holds; None where there is nothing worth one.

    Blocks whose origin, or whose forced transactions, L1 does not have (yet, after a reorg) wait: such a
    batch would be void, or not what was signed.
    """
    waiting, cursor = chain.blocks_after(reader.order.head.header.number), reader.cursor
    reached = [block for block in waiting if block.header.origin_number <= cursor.number]
    unfounded = first_unfounded(reached, reader.queue_until(cursor.number), reader.order.head.forced_end)
    founded = reached[:unfounded]
    due = _due(founded, cursor.number, chain.forced_depth)
    if not due or due[0].header.parent != reader.order.head.header.hash:
        return None
    packed = packer.pack(due, most_bytes)
    batch, blocks = packed.batch, due[: len(packed.batch.blocks)]
    latest = reader.batches[-1] if reader.batches else None
    previous = latest.commitment if latest is not None else genesis_commitment(chain.chain_id)
    number = BatchNumber(latest.header.number + 1 if latest is not None else 1)
    forced_end = reader.order.head.forced_end + batch.forced
    count = len(batch.records)
    head = BatchHeader(number, previous, batch.transactions_root, count, ZERO_DIGEST, forced_end)
    return Post(tuple(blocks), head, packed.payload, len(waiting) - len(blocks))


def _due(blocks: Sequence[L2Block], l1_block: BlockNumber, depth: int) -> Sequence[L2Block]:
    """The first blocks that are worth a batch and can be one, whatever a reorg of this depth does to it.

    A reorg can put a batch into an L1 block that is as low as its last origin, which makes it void. Blocks of
    the sequencer's own transactions are posted again, but forced ones would stand in another block: so a
    block with any waits until its origin is deep, and lets those before it go.
    """
    before = list(takewhile(lambda block: not block.forced, blocks))
    if is_due(before, l1_block):
        return before
    deep = [block for block in blocks if block.header.origin_number <= l1_block - depth]
    return deep if is_due(deep, l1_block) else ()


def is_due(blocks: Sequence[L2Block], l1_block: BlockNumber) -> bool:
    """Whether blocks are worth a batch: there are transactions, or the oldest block has waited for long.

    What a block without transactions does (deposits, payments, refunds) follows from L1, so it can wait for
    the next transaction. It does not wait for ever: who reads only L1 shall see it.

    Args:
        blocks: Consecutive blocks that are not on L1.
        l1_block: How far L1 is read.
    """
    if any(block.transactions for block in blocks):
        return True
    return bool(blocks) and l1_block - blocks[0].header.origin_number >= MOST_IDLE_ORIGINS


def most_batch_bytes(*, blobs: bool) -> int:
    """Bytes of one batch, by where it is posted."""
    return MOST_PAYLOAD if blobs else MOST_CALLDATA


class Poster:
    """Posts what is sealed.

    Args:
        chain: The sealed blocks.
        reader: The order that L1 holds; refreshed by the chain's `follow`.
        inbox: The contract.
        sender: The sequencer's account.
        blobs: Whether own transactions go into blobs instead of calldata.
        packer: Packs the batches.
    """

    def __init__(
        self,
        chain: SequencerChain,
        reader: OrderReader,
        inbox: Inbox,
        sender: TransactionSender,
        *,
        blobs: bool,
        packer: Packer = Packer(),  # noqa: B008, it is frozen
    ) -> None:
        self._chain = chain
        self._reader = reader
        self._inbox = inbox
        self._sender = sender
        self._blobs = blobs
        self._packer = packer

    def step(self) -> Post | None:
        """Posts one batch if there is something to post; what was posted.

        Raises:
            L1Error: L1 cannot be reached, or refuses for a reason that a fresh view does not explain; or the
                process that packs failed.
        """
        most = most_batch_bytes(blobs=self._blobs)
        post = decide(self._reader, self._chain, most, self._packer)
        if post is None:
            return None
        try:
            receipt = self._sender.send(self._request(post))
        except L1RevertedError as error:
            if error.reason not in ("WrongPrevious", "WrongForcedEnd", "ForcedEntryLeftOut"):
                raise
            LOG.warning("batch %d: L1 has moved on (%s); reading again", post.batch.number, error.reason)
            if error.reason == "ForcedEntryLeftOut" and post.left:
                self._post_queue()
            return None
        LOG.info(
            "batch %d: blocks %d to %d, %d transactions, %d bytes, %d gas",
            post.batch.number,
            post.blocks[0].number,
            post.blocks[-1].number,
            post.batch.count,
            len(post.payload),
            receipt.gas_used,
        )
        return post

    def _post_queue(self) -> None:
        """Puts the overdue queue into the order, as anybody may.

        After a long stop the blocks that wait may be more than a batch, with a due entry in a later one:
        then no batch of theirs is taken any more.
        """
        try:
            self._sender.send(self._inbox.post_forced())
        except L1RevertedError as error:
            LOG.warning("the queue cannot be posted yet: %s", error.message)

    def _request(self, post: Post) -> TransactionRequest:
        """A batch without own transactions is a few bytes: a blob would be paid for nothing."""
        if self._blobs and (post.batch.count or len(post.payload) > MOST_CALLDATA):
            return self._inbox.post(post.batch, tuple(pack(post.payload)))
        return self._inbox.post_calldata(post.batch, post.payload)
