"""The order as a follower derives it from L1: batches, forced transactions, deposits, payouts.

Everything is rebuilt from L1. After a reorg it is rebuilt from the start, or from what is archived: deriving
is cheap, and a state that was patched by hand is not worth having.
"""

import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from eth_utils.address import to_canonical_address

from anh_rollup.encoding.batches import Header
from anh_rollup.encoding.blobs import unpack
from anh_rollup.encoding.checks import digest
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.errors import AnhError
from anh_rollup.l1.abi import signature_hash
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.base import Emitted
from anh_rollup.l1.contracts.claims import Finalized, Lapsed, Revealed
from anh_rollup.l1.contracts.inbox import Forced, Noted, Posted
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.l1.events import EventReader, Page, ReorgDetectedError
from anh_rollup.l1.order_archive import OrderArchive, Stretch, deep_batches, identity_of
from anh_rollup.l1.posted_batch import PostedBatch
from anh_rollup.l1.types import Cursor, Log
from anh_rollup.primitives import Address, BatchNumber, BlockNumber, Seconds
from anh_rollup.protocol.called import UNTRAINED, Ending, cell_of, is_called
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.continued import Continued
from anh_rollup.protocol.derivation import (
    Decoder,
    L2Block,
    Order,
    Posting,
    blocks_of,
    build_block,
    genesis,
)
from anh_rollup.protocol.jobs import decode_order
from anh_rollup.protocol.ledger import (
    Charged,
    Deposit,
    Effect,
    Lapse,
    Ledger,
    LedgerEvent,
    LedgerRules,
    Origin,
    Outcome,
    Payout,
    decode_or_none,
)
from anh_rollup.protocol.machine.view import Notice, NoticeKind
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _State:
    """What was read so far; replaced as a whole after a reorg."""

    order: Order
    cursor: Cursor
    batches: Continued[PostedBatch] = field(default_factory=Continued)
    events: dict[int, list[LedgerEvent]] = field(default_factory=lambda: defaultdict(list))
    queue: list[bytes] = field(default_factory=list)
    queued_at: list[int] = field(default_factory=list)
    jobs: dict[bytes, OrderedJob] = field(default_factory=dict)
    called: dict[bytes, Claim] = field(default_factory=dict)
    cells: dict[bytes, Ending] = field(default_factory=dict)
    counted: list[tuple[Log, bool]] = field(default_factory=list)
    _records: dict[bytes, bytes] = field(default_factory=dict)
    _blocks_indexed: int = 0

    def record(self, transaction: bytes) -> bytes | None:
        """The record whose keccak is `transaction`; each block is hashed once, when somebody first asks."""
        end = len(self.order.blocks)
        for block in self.order.blocks[self._blocks_indexed : end]:
            self._records.update((keccak256(record), record) for record, _ in block.transactions)
        self._blocks_indexed = end
        return self._records.get(transaction)


class OrderReader:
    """Derives the order; `refresh` takes in what is new on L1.

    Args:
        deployment: Where the contracts are.
        client: The L1 node.
        data: Where batches' bytes are read.
        decode: Gives the transaction of a record.
        archive: What keeps the deep part of the order; None derives all of it from L1 at every start.
    """

    def __init__(
        self,
        deployment: Deployment,
        client: L1Client,
        data: BatchDataReader,
        decode: Decoder = decode_or_none,
        archive: OrderArchive | None = None,
    ) -> None:
        self._deployment = deployment
        self._archive = archive
        self._client = client
        self._data = data
        self._decode = decode
        self._contracts = bind(deployment, client)
        addresses = [self._contracts.inbox.address, self._contracts.claims.address]
        self._reader = EventReader(client, addresses, deployment.start)
        self._final_topic, self._lapsed_topic, self._revealed_topic = (
            signature_hash(self._contracts.claims.artifact.entry("event", name))
            for name in ("Finalized", "Lapsed", "Revealed")
        )
        self._times: dict[BlockNumber, Seconds] = {}
        self._state = self._begin(archive)
        self.reorgs = 0

    @property
    def order(self) -> Order:
        """The order that L1 holds."""
        return self._state.order

    @property
    def cursor(self) -> Cursor:
        """The L1 block up to which everything is read."""
        return self._state.cursor

    def queue_until(self, block: BlockNumber) -> Sequence[bytes]:
        """The records of the forced transactions that L1 took in up to a block, in order."""
        return self._state.queue[: bisect_right(self._state.queued_at, block)]

    @property
    def cells(self) -> Mapping[bytes, Ending]:
        """What the called jobs have come to that have ended, by their terms.

        Orders that have lapsed are among them, by the hashes of their records, which are nobody's terms.
        """
        return self._state.cells

    @property
    def batches(self) -> Sequence[PostedBatch]:
        """All batches, in order."""
        return self._state.batches

    def refresh(self) -> bool:
        """Reads what is new; whether there was anything.

        Raises:
            TransientL1Error: L1 cannot be read; nothing changed, call again.
        """
        before = self._state.cursor
        try:
            page = self._reader.read_all(before)
        except ReorgDetectedError as reorg:
            LOG.warning("%s; reading again", reorg.message)
            self._read_again()
            return True
        self._take(self._state, page)
        return self._state.cursor != before

    def archive_deep(self) -> None:
        """Lets the archive grow by the batches that are deep; its role has taken them in before.

        Raises:
            DatabaseError: It cannot be written, or was found damaged by whoever read it.
        """
        archive, state = self._archive, self._state
        if archive is not None:
            archive.require_sound()
        end = 0 if archive is None else deep_batches(state.batches, state.cursor.number)
        if archive is None or end <= archive.batches:
            return
        batches = state.batches[archive.batches : end]
        blocks, after = [], archive.end.header.origin_number
        for block in state.order.blocks[archive.blocks : batches[-1].end_block - 1]:
            blocks.append((block, _origin(state, after, block.header.origin_number)))
            after = block.header.origin_number
        deep = [each for each in state.counted if each[0].block <= batches[-1].l1_block]
        archive.extend(Stretch(batches, blocks, state.jobs, deep))
        state.counted = state.counted[len(deep) :]

    def close(self) -> None:
        """Closes the archive."""
        if self._archive is not None:
            self._archive.close()

    def origin(self, after: BlockNumber, last: BlockNumber) -> Origin:
        """What the L1 blocks above `after`, up to `last`, tell the ledger, as far as they are there."""
        return _origin(self._state, after, min(last, self._state.cursor.number))

    def time(self, number: BlockNumber) -> Seconds:
        """An L1 block's time; kept, as the same blocks are asked for again and again.

        Raises:
            TransientL1Error: L1 cannot be read.
        """
        if number not in self._times:
            block = self._client.block(number)
            if block is None:
                raise L1AnswerError(f"block {number}, which the order names", None)
            self._times[number] = block.time
        return self._times[number]

    def new_ledger(self) -> Ledger:
        """The empty ledger of this deployment."""
        return Ledger(rules_of(self._deployment))

    def new_order(self) -> Order:
        """The order that has only its genesis, or what is archived."""
        if self._archive is not None:
            return self._archive.order()
        return Order.begin(self.new_ledger(), genesis_of(self._deployment))

    def jobs(self) -> Sequence[OrderedJob]:
        """The jobs whose reward is in escrow, in order."""
        jobs = self._state.jobs
        return [jobs[transaction] for transaction in self._state.order.ledger.escrows]

    def unsettled_jobs(self) -> list[OrderedJob]:
        """The jobs whose reward L1 has neither paid out nor given up, in order.

        A payout or a refund moves the escrow in the next L2 block only; `jobs` has such a job until then.
        """
        state, ledger = self._state, self._state.order.ledger.copy()
        ledger.apply_origin(_origin(state, state.order.head.header.origin_number, state.cursor.number))
        return [state.jobs[transaction] for transaction in ledger.escrows]

    def all_jobs(self) -> list[OrderedJob]:
        """Every job that was ever ordered with effect by a posted batch, in order.

        Those that had ended when they were archived are not among them.
        """
        return list(self._state.jobs.values())

    def batch(self, number: BatchNumber) -> OrderedBatch | None:
        """A batch, or None where there is none."""
        if not 1 <= number <= len(self._state.batches):
            return None
        posted = self._state.batches[number - 1]
        previous = self._state.batches[number - 2].header if number > 1 else None
        blocks = _blocks(self._state.order, posted)
        records = tuple([record for block in blocks for record in block.own_records])
        start = previous.forced_end if previous is not None else 0
        return OrderedBatch(
            posted.header, records, tuple(self._state.queue[start : posted.header.forced_end]), previous
        )

    def record(self, transaction: bytes) -> bytes | None:
        """The record whose keccak is `transaction`, wherever it is ordered; None where it is not."""
        return self._state.record(transaction)

    def _begin(self, archive: OrderArchive | None) -> _State:
        if archive is None:
            return _State(self.new_order(), self._deployment.start)
        state = _State(archive.order(), archive.cursor or self._deployment.start, archive.posted())
        state.jobs.update((job.transaction, job) for job in archive.jobs())
        for item in self._emitted(archive.events()):
            _record(state, item)
        return state

    def _read_again(self) -> None:
        """Reads all that is not archived; all of L1, where the archive is none of what L1 has now."""
        archive = self._archive
        fresh = self._begin(archive)
        try:
            page = self._reader.read_all(fresh.cursor)
        except ReorgDetectedError:
            if archive is None:
                raise
            archive = archive.renewed()
            fresh = self._begin(archive)
            page = self._reader.read_all(fresh.cursor)
        self._times.clear()
        self._take(fresh, page)
        self._state, self._archive = fresh, archive
        self.reorgs += 1

    def _emitted(self, logs: Iterable[Log]) -> list[Emitted[Any]]:
        """The events among some logs that matter here."""
        emitted: list[Emitted[Any]] = []
        for log in logs:
            found = self._contracts.inbox.decode(log)
            # Of Claims only what is claimed about called jobs matters here.
            if log.topics[:1] in ((self._final_topic,), (self._lapsed_topic,)):
                found = self._contracts.claims.decode(log)
            elif log.topics[:1] == (self._revealed_topic,):
                found = self._revealed(log)
            if found is not None:
                emitted.append(found)
        return emitted

    def _take(self, state: _State, page: Page) -> None:
        """Takes in a page. All that can fail is read first, so that an error leaves nothing half done."""
        emitted = self._emitted(page.logs)
        # By the event's place: one L1 transaction can post several batches, each with its own bytes.
        payloads = {_place(item): self._payload(item) for item in emitted if isinstance(item.event, Posted)}
        times = {item.log.block: self.time(item.log.block) for item in emitted if _place(item) in payloads}
        # A block of forced transactions has its posting's L1 block as origin, with all that is in it.
        for item in emitted:
            if _record(state, item) and self._archive is not None:
                state.counted.append((item.log, isinstance(item.event, Noted)))
        for item in emitted:
            if isinstance(item.event, Posted):
                at = item.log.block
                posting = Posting(item.event.batch, payloads[_place(item)], at, times[at])
                self._derive(state, posting, item)
        state.cursor = page.cursor

    def _revealed(self, log: Log) -> Emitted[Revealed] | None:
        """A claim about a called job; None for all others, and for what cannot be read as a claim."""
        try:
            found: Emitted[Revealed] | None = self._contracts.claims.decode(log)
        except AnhError as error:
            LOG.warning("event %d of L1 block %d is passed over: %s", log.index, log.block, error.message)
            return None
        return found if found is not None and is_called(found.event.claim) else None

    def _derive(self, state: _State, posting: Posting, item: Emitted[Posted]) -> None:
        """Appends the blocks of a posting."""
        first = BlockNumber(state.order.head.header.number + 1)
        chain = self._deployment.l2_chain_id
        for record, forced, own in blocks_of(posting, state.order.head, state.queue, chain, self._decode):
            head = state.order.head
            place = (record.time, record.origin_number, record.origin_hash)
            brought = _origin(state, head.header.origin_number, record.origin_number)
            state.order.append(build_block(head, place, forced, own), [brought])
        end = BlockNumber(state.order.head.header.number + 1)
        state.order.head = replace(state.order.head, forced_end=posting.header.forced_end)
        commitment = digest(item.event.commitment, name="a commitment")
        log = item.log
        at = (log.transaction, log.block, log.block_hash)
        batch = PostedBatch(posting.header, commitment, first, end, *at)
        state.batches.append(batch)
        state.jobs.update((job.transaction, job) for job in _jobs_of(state.order, batch))

    def _payload(self, item: Emitted[Posted]) -> bytes | None:
        """The bytes of a batch; None where there are none, or where its blobs hold no payload."""
        if item.event.data:
            return bytes(item.event.data)
        if not item.event.blobs:
            return None
        try:
            return unpack(self._data.blobs(item.log.transaction))
        except EncodingError:
            return None


def genesis_of(deployment: Deployment) -> Header:
    """The header of a deployment's genesis block."""
    origin = digest(deployment.block_hash, name="the deployment's block")
    return genesis(deployment.l2_chain_id, deployment.block, origin)


def rules_of(deployment: Deployment) -> LedgerRules:
    """What the ledger takes from a deployment."""
    recipient = Address(to_canonical_address(deployment.sequencer))
    return LedgerRules(deployment.l2_chain_id, recipient)


def open_archive(path: Path, deployment: Deployment) -> OrderArchive:
    """The archive of a deployment's order in a file.

    Raises:
        DatabaseError: The file cannot be opened.
    """
    first = genesis_of(deployment)
    identity = identity_of(first, *sorted(deployment.addresses.values()), deployment.sequencer)
    return OrderArchive(path, identity, first, rules_of(deployment))


def _place(item: Emitted[Any]) -> tuple[int, int]:
    """Where an event stands: its block, and its place there."""
    return item.log.block, item.log.index


def _origin(state: _State, after: BlockNumber, last: BlockNumber) -> Origin:
    events = [event for number in range(after + 1, last + 1) for event in state.events.get(number, ())]
    return Origin(tuple(events))


def _blocks(order: Order, batch: PostedBatch) -> list[L2Block]:
    return order.blocks[batch.first_block - 1 : batch.end_block - 1]


def _jobs_of(order: Order, batch: PostedBatch) -> Iterator[OrderedJob]:
    """The jobs among a batch's transactions; the forced ones have the places behind its own."""
    own, forced = count(), count(batch.header.count)
    for block in _blocks(order, batch):
        outcomes = order.outcomes[block.number - 1]
        for index, ((record, transaction), outcome) in enumerate(
            zip(block.transactions, outcomes, strict=True)
        ):
            place = next(forced if index < block.forced else own)
            if transaction is not None and _is_order(outcome):
                where = (batch.header.number, batch.commitment, place)
                job = decode_order(transaction.data)
                yield OrderedJob(*where, keccak256(record), job, transaction.value)


def _is_order(outcome: Outcome) -> bool:
    return isinstance(outcome, Charged) and outcome.effect is Effect.ORDER


def _told(notice: Notice) -> LedgerEvent:
    """A notice as the ledger takes it."""
    if notice.kind is NoticeKind.DEPOSIT:
        return Deposit(notice.account, notice.amount)
    job = notice.transaction
    return Payout(job, notice.account) if notice.kind is NoticeKind.PAYOUT else Lapse(job)


def _record(state: _State, item: Emitted[Any]) -> bool:
    """Notes an event that is no batch; whether it counts."""
    event = item.event
    if isinstance(event, Revealed):
        state.called[event.claim_id] = event.claim
    elif isinstance(event, Finalized) and event.claim_id in state.called:
        state.cells.setdefault(event.transaction, cell_of(state.called.pop(event.claim_id)))
    elif isinstance(event, Lapsed):
        state.cells.setdefault(event.transaction, UNTRAINED)
    elif isinstance(event, Forced):
        state.queue.append(bytes(event.record))
        state.queued_at.append(item.log.block)
    elif isinstance(event, Noted):
        state.events[item.log.block].append(_told(event.notice))
    else:
        return False
    return True
