"""From what L1 holds to the order of the L2: the same function for the sequencer and for every follower.

A batch counts only if its bytes say what its header on L1 says. One that does not is void: its transactions
are dropped, and the entries of the queue that it consumed stand in one block by themselves, like those of a
forced batch. L1 hashes inside blocks are not compared with L1: a reorg must not force the sequencer to sign
another block of the same height.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

from anh_rollup.encoding.batches import (
    Batch,
    BatchHeader,
    BlockRecord,
    Header,
    block_transactions_root,
    decode_batch,
)
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.transactions import SignedTransaction, encode_signed
from anh_rollup.primitives import DIGEST_SIZE, BlockNumber, ChainId, Digest, Gas, Seconds
from anh_rollup.protocol.continued import Continued
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, FIRST_BASE_FEE, next_base_fee
from anh_rollup.protocol.ledger import Charged, Ledger, Origin, Outcome, decode_or_none, fold_block

OrderedTransaction = tuple[bytes, SignedTransaction | None]
"""A record and its transaction; None where the record is none."""

Decoder = Callable[[bytes, ChainId], SignedTransaction | None]
"""What gives the transaction of a record on a chain, or None where it is none."""

MOST_CLOCK_SKEW: Final = 900
"""Seconds that a block's time may be ahead of the L1 block that takes it in (choice)."""


class UndecodedTransactions(Continued[OrderedTransaction]):
    """The transactions of a block that was kept as records: each is decoded when somebody asks for it.

    Args:
        records: The records.
        decode: Gives the transaction of one, or None.

    Attributes:
        records: The same.
    """

    __slots__ = ("records",)

    def __init__(self, records: Sequence[bytes], decode: Callable[[bytes], SignedTransaction | None]) -> None:
        super().__init__(
            len(records), lru_cache(None)(lambda place: (records[place], decode(records[place])))
        )
        self.records = records


@dataclass(frozen=True, slots=True)
class L2Block:
    """A block of the order.

    Attributes:
        header: Its header.
        forced: How many of its transactions came from the Inbox's queue; they stand first.
        transactions: All of them, in order.
    """

    header: Header
    forced: int
    transactions: Sequence[OrderedTransaction]

    @property
    def number(self) -> BlockNumber:
        """Its height."""
        return self.header.number

    @property
    def hash(self) -> Digest:
        """Its hash."""
        return self.header.hash

    @property
    def own_records(self) -> tuple[bytes, ...]:
        """The records that its batch carries: those that were not forced."""
        if isinstance(self.transactions, UndecodedTransactions):
            return tuple(self.transactions.records[self.forced :])
        return tuple([record for record, _ in self.transactions[self.forced :]])

    @property
    def ordered_gas(self) -> Gas:
        """Gas limits of its own transactions together: what the next base fee follows.

        Whether they were valid does not matter. That depends on L1's events, and a reorg of L1 must not
        change the hashes of blocks that are signed. Forced transactions do not count: anybody can queue
        invalid ones.
        """
        own = self.transactions[self.forced :]
        return Gas(sum(transaction.gas_limit for _, transaction in own if transaction is not None))

    def record(self) -> BlockRecord:
        """The block as a batch carries it."""
        head = self.header
        return BlockRecord(head.time, head.origin_number, head.origin_hash, self.forced, self.own_records)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a transaction stands.

    Attributes:
        transaction: The transaction.
        record: Its record.
        block: Its block; None while it waits for one.
        index: Its place in the block; -1 while it waits.
        outcome: What the ledger says of it; None while it waits.
    """

    transaction: SignedTransaction
    record: bytes
    block: L2Block | None = None
    index: int = -1
    outcome: Outcome | None = None

    @property
    def had_effect(self) -> bool:
        """Whether it was valid in its block."""
        return isinstance(self.outcome, Charged)

    @property
    def raw(self) -> bytes:
        """The signed transaction as it was sent."""
        return encode_signed(self.transaction)


@dataclass(frozen=True, slots=True)
class Posting:
    """A batch as L1 has it.

    Attributes:
        header: What the Inbox committed to.
        payload: Its bytes; None for a forced batch, or where they are no payload at all.
        block_number: The L1 block that took it in.
        block_time: Its time.
    """

    header: BatchHeader
    payload: bytes | None
    block_number: BlockNumber
    block_time: Seconds


@dataclass(frozen=True, slots=True)
class Head:
    """The end of an order: all that the next block depends on.

    Attributes:
        header: Of the last block.
        ordered_gas: Gas that it ordered.
        forced_end: Entries of the queue that were consumed so far.
    """

    header: Header
    ordered_gas: Gas = Gas(0)
    forced_end: int = 0


def genesis(chain_id: ChainId, origin_number: BlockNumber, origin_hash: Digest) -> Header:
    """The first block's header: it holds nothing, and names the chain in its parent hash.

    Args:
        chain_id: The L2's.
        origin_number: The L1 block before the deployment.
        origin_hash: Its hash.
    """
    parent = Digest(chain_id.to_bytes(DIGEST_SIZE, "big"))
    root = block_transactions_root([])
    first, start = BlockNumber(0), Seconds(0)
    return Header(first, parent, start, origin_number, origin_hash, root, BLOCK_GAS_LIMIT, FIRST_BASE_FEE)


def build_block(
    head: Head,
    place: tuple[Seconds, BlockNumber, Digest],
    forced: Sequence[OrderedTransaction],
    own: Sequence[OrderedTransaction],
) -> L2Block:
    """The block after `head`.

    Args:
        head: The end of the order.
        place: Time, origin number and origin hash.
        forced: Entries of the queue.
        own: Transactions of the sequencer's choice.
    """
    time, origin_number, origin_hash = place
    transactions = (*forced, *own)
    header = Header(
        number=BlockNumber(head.header.number + 1),
        parent=head.header.hash,
        time=time,
        origin_number=origin_number,
        origin_hash=origin_hash,
        transactions_root=block_transactions_root([record for record, _ in transactions]),
        gas_limit=BLOCK_GAS_LIMIT,
        base_fee=next_base_fee(head.header.base_fee, head.ordered_gas),
    )
    return L2Block(header, len(forced), transactions)


def batch_of(blocks: Sequence[L2Block]) -> Batch:
    """The batch that carries consecutive blocks."""
    first = blocks[0].header
    return Batch(first.number, first.parent, tuple([block.record() for block in blocks]))


def read_posting(posting: Posting, head: Head) -> Batch | None:
    """The batch of a posting, or None where it is void."""
    if posting.payload is None:
        return None
    try:
        batch = decode_batch(posting.payload)
    except EncodingError:
        return None
    return batch if _agrees(batch, posting, head) else None


def blocks_of(
    posting: Posting,
    head: Head,
    queue: Sequence[bytes],
    chain_id: ChainId,
    decode: Decoder = decode_or_none,
) -> Iterable[tuple[BlockRecord, tuple[OrderedTransaction, ...], tuple[OrderedTransaction, ...]]]:
    """What the blocks of a posting are built from, in order: record, forced and own transactions.

    Args:
        posting: The batch on L1.
        head: The end of the order before it.
        queue: The records of all queue entries up to the posting's `forced_end` at least.
        chain_id: The L2's.
        decode: Gives the transaction of a record.
    """
    batch = read_posting(posting, head)
    entries = list(queue[head.forced_end : posting.header.forced_end])
    records = batch.blocks if batch is not None else _block_by_itself(posting, head, len(entries))
    for record in records:
        forced, entries = entries[: record.forced], entries[record.forced :]
        yield record, _decoded(forced, chain_id, decode), _decoded(record.records, chain_id, decode)


class Archive(Protocol):
    """The first blocks of an order, kept elsewhere than in memory; there may be more of them later."""

    def head(self, number: BlockNumber) -> Head:
        """The end of the order at a block, but for the entries of the queue."""

    def number_of(self, digest: Digest) -> BlockNumber | None:
        """The height of a block by its hash; None where it is not here."""

    def place_of(self, digest: Digest) -> tuple[BlockNumber, int] | None:
        """Block and place where a transaction counts, by its hash; None where it is not here."""

    def had_effect(self, digest: Digest) -> bool:
        """Whether a transaction stands in one of the blocks that it was valid in."""


@dataclass(slots=True)
class Order:
    """An order under derivation: blocks, the ledger after them, and what came of each transaction.

    Attributes:
        ledger: After the last block.
        head: The last block.
        first: Header of the genesis block.
        blocks: All blocks, genesis excluded.
        outcomes: Per block, what came of each transaction.
        archive: What keeps the first blocks; None where all are in memory.
        archived: How many of them it keeps.
    """

    ledger: Ledger
    head: Head
    first: Header
    blocks: Continued[L2Block] = field(default_factory=Continued)
    outcomes: Continued[list[Outcome]] = field(default_factory=Continued)
    archive: Archive | None = None
    archived: int = 0

    @classmethod
    def begin(cls, ledger: Ledger, first: Header) -> "Order":
        """The order that has only its genesis."""
        return cls(ledger, Head(first), first)

    def head_at(self, number: BlockNumber) -> Head:
        """The end of the order at a block, 0 for the genesis block, but for the entries of the queue."""
        if number == 0:
            return Head(self.first)
        if self.archive is not None and number <= self.archived:
            return self.archive.head(number)
        block = self.blocks[number - 1]
        return Head(block.header, block.ordered_gas)

    def append(self, block: L2Block, origins: Iterable[Origin]) -> list[Outcome]:
        """Folds the next block; what came of its transactions."""
        fee = block.header.base_fee
        outcomes, _ = fold_block(self.ledger, block.transactions, fee, origins, block.forced)
        self.take(block, self.ledger, outcomes)
        return outcomes

    def take(self, block: L2Block, ledger: Ledger, outcomes: list[Outcome]) -> None:
        """Appends a block that was folded already: the ledger after it, and what came of its transactions."""
        self.ledger = ledger
        self.blocks.append(block)
        self.outcomes.append(outcomes)
        # Last: whoever reads in another thread finds what there is up to the head.
        self.head = Head(block.header, block.ordered_gas, self.head.forced_end + block.forced)


def _agrees(batch: Batch, posting: Posting, head: Head) -> bool:
    """Whether a batch's bytes say what its header says, and continue the order."""
    header = posting.header
    if (batch.first_number, batch.parent) != (head.header.number + 1, head.header.hash):
        return False
    if len(batch.records) != header.count or batch.transactions_root != header.transactions_root:
        return False
    if batch.forced != header.forced_end - head.forced_end:
        return False
    time, origin = head.header.time, head.header.origin_number
    for block in batch.blocks:
        if block.time < time or block.origin_number < origin:
            return False
        time, origin = block.time, block.origin_number
    return origin < posting.block_number and time <= posting.block_time + MOST_CLOCK_SKEW


def _block_by_itself(posting: Posting, head: Head, forced: int) -> list[BlockRecord]:
    """The block of the entries that a void or forced batch consumed; none where there are none.

    L1 cannot look up the hash of an old block, so the batch's own commitment stands for it.
    """
    if forced == 0:
        return []
    time = max(posting.block_time, head.header.time)
    return [BlockRecord(time, posting.block_number, posting.header.commitment(), forced, ())]


def _decoded(records: Iterable[bytes], chain_id: ChainId, decode: Decoder) -> tuple[OrderedTransaction, ...]:
    return tuple([(record, decode(record, chain_id)) for record in records])
