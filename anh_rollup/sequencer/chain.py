"""The sequencer's chain: sealed blocks, and the block under construction to which transactions are admitted.

The block under construction has its origin and its forced transactions from its first moment on, so what is
admitted to it is valid in it. Nothing is executed. Whatever can fail for want of L1 is read before anything
changes.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.transactions import SignedTransaction, decode_signed, encode_record
from anh_rollup.errors import AnhError
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.types import Cursor
from anh_rollup.primitives import Address, BlockNumber, ChainId, Digest, Gas, Seconds, Wei
from anh_rollup.protocol.admission import RejectedError, RejectReason, rejection_of
from anh_rollup.protocol.derivation import (
    MOST_CLOCK_SKEW,
    Head,
    L2Block,
    OrderedTransaction,
    Placement,
    build_block,
)
from anh_rollup.protocol.fees import next_base_fee
from anh_rollup.protocol.ledger import (
    Account,
    BlockTerms,
    Origin,
    Outcome,
    decode_or_none,
    fold_block,
)
from anh_rollup.protocol.sealed import SealedBlocks, first_difference, first_unfounded
from anh_rollup.sequencer.construction import Construction, room_of
from anh_rollup.sequencer.errors import JournalMissingError, WrongJournalError
from anh_rollup.sequencer.journal import Journal, JournalledBlock
from anh_rollup.sequencer.known_records import KnownRecords
from anh_rollup.sequencer.pool import Pool, Pooled, PoolLimits
from anh_rollup.sequencer.sender_rates import SenderLimits, SenderRates
from anh_rollup.sequencer.turns import let_wait, promote

LOG = logging.getLogger(__name__)

MOST_FORCED: Final = 1_000
"""Most forced transactions of one block; the rest comes in the next one."""

FORCED_DEPTH: Final = 2
"""L1 blocks above a forced transaction before a block takes it in, if not set (choice)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a chain is told at its start.

    Attributes:
        chain_id: The L2's.
        clock: Seconds since 1970.
        most_batch_bytes: Bytes of one batch on L1, by where batches are posted.
        forced_depth: L1 blocks above a forced transaction before a block takes it in: a block that was signed
            cannot give it back after a reorg.
        most_unposted: Bytes of sealed blocks that may wait for L1, as `backlog` says; at least one batch's.
        new_journal: Whether an empty journal may continue an L2 that has batches.
        pool: What may wait for its turn.
        senders: What one sender may send.
    """

    chain_id: ChainId
    clock: Callable[[], float]
    most_batch_bytes: int
    forced_depth: int = FORCED_DEPTH
    most_unposted: int = 0
    new_journal: bool = False
    pool: PoolLimits = field(default_factory=PoolLimits)
    senders: SenderLimits = field(default_factory=SenderLimits)


class SequencerChain:
    """Admits, seals, remembers; usable from several threads, which take turns.

    Nobody waits for the disk with the turn in hand: submissions that come during a write share the next one.
    `follow` is for one thread, the one that reads L1, and `seal` for one; they do not wait for each other's
    reading. Everything else is for any.

    Args:
        reader: The order that L1 holds, and L1's events; it was refreshed at least once.
        journal: The memory.
        setting: What to go by.
        known: Learns what is admitted; the reader decodes with it.

    Raises:
        WrongJournalError: The journal is of another chain.
        JournalMissingError: There are batches on L1 and nothing in the journal.
    """

    def __init__(
        self, reader: OrderReader, journal: Journal, setting: Setting, known: KnownRecords | None = None
    ) -> None:
        self._reader = reader
        self._journal = journal
        self._setting = setting
        self._known = KnownRecords() if known is None else known
        self._most_unposted = max(setting.most_unposted, setting.most_batch_bytes)
        self._lock = threading.RLock()
        self._writing = threading.Lock()  # taken before the one above, never while it is held
        self._ordering = threading.Lock()  # taken before both: the sealed blocks change by whoever has it
        self._unwritten: list[bytes] = []
        self._waiting: dict[Digest, tuple[bytes, SignedTransaction]] = {}
        self._parked: list[OrderedTransaction] = []
        self._pool = Pool(setting.pool)
        self._rates = SenderRates(setting.senders)
        self.genesis = reader.new_order().first
        self._require_fitting_journal()
        self._reorgs = reader.reorgs
        self._seen = self._look()
        restored = self._restored()
        self._sealed, _ = self._adopted(restored) or (restored, [])
        self._next = self._construct()
        self._admit_again(self._decoded_records(journal.waiting()))
        self._pool_again(self._decoded_records(journal.pooled()))

    # --- reading ---

    @property
    def head(self) -> Head:
        """The last sealed block."""
        return self._sealed.order.head

    @property
    def safe_number(self) -> BlockNumber:
        """Height of the last block that is on L1."""
        return min(self._reader.order.head.header.number, self.head.header.number)

    def block(self, number: BlockNumber) -> L2Block | None:
        """A sealed block; None for the genesis block, which has no transactions, and beyond the head."""
        return self._sealed.block(number)

    def number_of(self, digest: Digest) -> BlockNumber | None:
        """The height of a sealed block, by its hash; 0 for the genesis block."""
        return self._sealed.number_of(digest)

    def ordered_gas(self, number: BlockNumber) -> Gas:
        """Gas limits of the own transactions of a sealed block."""
        return self._sealed.ordered_gas(number)

    def fee_history(self, first: BlockNumber, last: BlockNumber) -> tuple[list[Wei], list[float]]:
        """Base fees of the blocks from `first` to `last` and of the one after, and the fullness of each."""
        return self._sealed.fee_history(first, last, self.next_base_fee)

    def outcomes(self, number: BlockNumber) -> Sequence[Outcome]:
        """What came of the transactions of a sealed block."""
        return tuple(self._sealed.order.outcomes[number - 1])

    def blocks_after(self, number: BlockNumber) -> list[L2Block]:
        """The sealed blocks above a height."""
        with self._lock:
            return self._sealed.order.blocks[number:]

    def placement(self, digest: Digest) -> Placement | None:
        """Where an accepted transaction stands, or None for an unknown one."""
        with self._lock:
            sealed = self._sealed.placed.get(digest)
            waiting, pooled = self._waiting.get(digest), self._pool.get(digest)
        if sealed is not None and sealed.had_effect:
            return sealed
        if waiting is not None:
            return Placement(waiting[1], waiting[0])
        if pooled is not None:
            return Placement(pooled.transaction, pooled.record)
        return sealed or self._sealed.archived(digest)

    def account(self, address: Address, *, pending: bool) -> Account:
        """An account after the last sealed block, or after everything that was accepted."""
        with self._lock:
            ledger = self._next.ledger if pending else self._sealed.order.ledger
            return ledger.account(address)

    def escrow(self, job: Digest) -> Wei | None:
        """The wei in escrow for a job after the last sealed block, or None."""
        with self._lock:
            held = self._sealed.order.ledger.escrows.get(job)
            return None if held is None else held.reward

    def signs(self, number: BlockNumber, digest: Digest) -> bool:
        """Whether a block is the one of its height that was sealed here first: no other is ever signed."""
        return self._journal.first_sealed(number) == digest

    @property
    def next_base_fee(self) -> Wei:
        """The base fee of the block under construction, wei a gas."""
        return self._next.terms.base_fee

    @property
    def waiting(self) -> int:
        """Accepted transactions without a block, those whose turn has not come among them."""
        return len(self._waiting) + len(self._pool)

    @property
    def chain_id(self) -> ChainId:
        """The L2's."""
        return self._setting.chain_id

    @property
    def forced_depth(self) -> int:
        """L1 blocks above a forced transaction before a block takes it in."""
        return self._setting.forced_depth

    # --- writing ---

    def submit(self, raws: Sequence[bytes]) -> list[SignedTransaction | RejectedError]:
        """Admits signed transactions; those that are admitted are on the disk when this returns.

        Returns:
            For each, the transaction or why it is rejected.
        """
        decoded = [self._decode(raw) for raw in raws]
        with self._lock:
            now = self._setting.clock()
            results = [self._admitted(each, now) for each in decoded]
        self._write()
        return results

    def seal(self) -> L2Block | None:
        """Closes the block under construction if it holds anything; the block, on the disk, or None."""
        with self._ordering, self._writing, self._lock:
            self._age_pool()
            building = self._next
            worth = building.own or building.forced or building.brings.events
            if not worth or self._reader.reorgs != self._reorgs:
                return None
            before = self.head
            latest = building.origin_time + MOST_CLOCK_SKEW  # later, and the batch would be void
            time = Seconds(max(min(int(self._setting.clock()), latest), before.header.time))
            place = (time, building.origin_number, building.origin_hash)
            block = build_block(before, place, building.forced, building.own)
            changes = self._pool.take_changes()
            self._journal.seal(_journalled(block), [record for record, _ in self._parked], changes)
            self._unwritten.clear()
            self._sealed.take(block, building.ledger, building.outcomes)
            for _, transaction in building.own:
                if transaction is not None:
                    self._waiting.pop(transaction.hash, None)
            self._next = self._construct()
            if self._parked:
                # The new block may have room for them, before anybody else gets in.
                self._admit_again(list(self._parked))
            self._promote(list(self._pool.senders))
            return block

    def follow(self) -> None:
        """Takes in what is new on L1: events for the next block, and an order that differs from ours.

        Raises:
            L1Error: L1 cannot be read; nothing changed.
        """
        self._reader.refresh()
        reorgs, seen = self._reader.reorgs, self._look()
        with self._ordering:
            self._take_in(reorgs, seen)

    # --- inside ---

    def _take_in(self, reorgs: int, seen: tuple[Cursor, Seconds]) -> None:
        """Brings the blocks in line with what was read; for who has `_ordering`."""
        changed = seen != self._seen or reorgs != self._reorgs
        # Until L1 has grown back to the newest origin, events of blocks that are sealed may still come.
        behind = self.head.header.origin_number > self._seen[0].number
        refold = reorgs != self._reorgs or behind
        sealed = self._folded(self._sealed.order.blocks) if refold else self._sealed
        adopted = self._adopted(sealed)
        if not (changed or refold or adopted):
            return
        with self._writing, self._lock:
            self._reorgs, self._seen = reorgs, seen
            self._sealed, lost = adopted or (sealed, [])
            again = [*lost, *self._parked, *self._next.own]
            self._next = self._construct()
            self._admit_again(again)
            self._promote(list(self._pool.senders))

    def _decode(self, raw: bytes) -> SignedTransaction | RejectedError:
        try:
            return decode_signed(raw, self._setting.chain_id)
        except EncodingError as error:
            return rejection_of(error)

    def _admitted(
        self, decoded: SignedTransaction | RejectedError, now: float
    ) -> SignedTransaction | RejectedError:
        """Puts a transaction into the block under construction, or lets it wait; the reason why not."""
        if isinstance(decoded, RejectedError):
            return decoded
        if self._is_known(decoded):
            return RejectedError(RejectReason.ALREADY_KNOWN)
        record, account = encode_record(decoded), self._next.ledger.account(decoded.sender)
        try:
            if account.nonce or account.cleared:  # one without an account is refused as that
                self._rates.take(decoded.sender, len(record), now)
            if 0 < decoded.nonce - account.nonce <= self._setting.pool.per_sender:
                waiting = Pooled(record, decoded, now)
                let_wait(self._pool, self._next, waiting)
            else:
                self._next.admit(record, decoded)
                self._accept(record, decoded)
        except RejectedError as error:
            return error
        if self._pool.senders:
            self._promote([decoded.sender])
        return decoded

    def _is_known(self, transaction: SignedTransaction) -> bool:
        digest = transaction.hash
        if digest in self._waiting or digest in self._pool:
            return True
        # The archive is asked about nonces that were used only.
        used = transaction.nonce < self._next.ledger.account(transaction.sender).nonce
        return used and self._sealed.had_effect(digest)

    def _accept(self, record: bytes, transaction: SignedTransaction) -> None:
        """Notes what was put into the block under construction; it is to be written before anybody hears."""
        self._waiting[transaction.hash] = (record, transaction)
        self._unwritten.append(record)
        self._known.note(record, transaction)

    def _promote(self, senders: Sequence[Address]) -> None:
        """Gives those their turn whose turn has come."""
        promote(self._pool, self._next, senders, self._accept)

    def _age_pool(self) -> None:
        """Forgets what has waited for too long."""
        expired = self._pool.expire(self._setting.clock())
        if expired:
            LOG.info("%d transactions are forgotten: their turn did not come", expired)

    def _pool_again(self, records: Sequence[OrderedTransaction]) -> None:
        """Lets the transactions of the journal's pool wait again, those with low nonces first."""
        known = [(record, each) for record, each in records if each is not None]
        for record, each in sorted(known, key=lambda pair: pair[1].nonce):
            self._pool.changes[each.hash] = None
            if not self._is_known(each):
                with suppress(RejectedError):
                    self._pool.add(Pooled(record, each, self._setting.clock()))
        self._promote(list(self._pool.senders))
        self._write()

    def _write(self) -> None:
        """Puts all that was accepted onto the disk; what others are writing is there when this returns."""
        with self._writing:
            with self._lock:
                changes, records = self._pool.take_changes(), list(self._unwritten)
            try:
                self._journal.write(records, changes)
            except AnhError:
                with self._lock:
                    self._pool.changes = {**changes, **self._pool.changes}
                raise
            del self._unwritten[: len(records)]

    def _admit_again(self, again: Sequence[OrderedTransaction]) -> None:
        """Puts accepted transactions into a new block under construction.

        One whose nonce is used on L1 is forgotten. One that is not valid now (a reorg took its deposit, or a
        forced one has its nonce) is parked and tried again with each change of L1: it was acknowledged.
        """
        self._parked, self._waiting = [], {}
        posted = self._reader.order.ledger
        kept: list[bytes] = []
        for record, transaction in again:
            if transaction is None:
                continue
            try:
                self._next.admit(record, transaction)
            except RejectedError:
                if posted.account(transaction.sender).nonce > transaction.nonce:
                    continue
                self._parked.append((record, transaction))
            self._waiting[transaction.hash] = (record, transaction)
            kept.append(record)
        if len(kept) < len(again):
            self._journal.keep(kept)
            self._unwritten.clear()

    def _look(self) -> tuple[Cursor, Seconds]:
        """How far L1 is read, and the time there."""
        cursor = self._reader.cursor
        return cursor, self._reader.time(cursor.number)

    def _construct(self) -> Construction:
        """An empty block on top of the sealed ones, with the newest origin and what the queue holds."""
        (cursor, time), head = self._seen, self.head
        number, digest, brings = head.header.origin_number, head.header.origin_hash, Origin()
        if cursor.number > number:
            brings = self._reader.origin(number, cursor.number)
            number, digest = cursor.number, Digest(cursor.hash)
        queue = self._reader.queue_until(BlockNumber(cursor.number - self._setting.forced_depth))
        forced = self._decoded_records(queue[head.forced_end : head.forced_end + MOST_FORCED])
        ledger = self._sealed.order.ledger.copy()
        base_fee = next_base_fee(head.header.base_fee, head.ordered_gas)
        outcomes, gas = fold_block(ledger, forced, base_fee, [brings], len(forced))
        capacity, terms = room_of(self._setting.most_batch_bytes), BlockTerms(base_fee, gas)
        room = room_of(self._most_unposted) - self._sealed.bytes_after(self.safe_number)
        origin = (number, digest, time)
        return Construction(*origin, brings, tuple(forced), terms, ledger, capacity, room, outcomes)

    def _decoded_records(self, records: Sequence[bytes]) -> list[OrderedTransaction]:
        return [(record, self._decoded(record)) for record in records]

    def _decoded(self, record: bytes) -> SignedTransaction | None:
        return decode_or_none(record, self._setting.chain_id)

    def _folded(
        self, ours: Sequence[L2Block], theirs: Sequence[L2Block] = (), first: int | None = None
    ) -> SealedBlocks:
        """Our blocks, or theirs from a place on, folded over L1's events of now; they stay as signed."""
        sealed = SealedBlocks(self._reader.new_order())
        start = sealed.order.archived
        behind = [] if first is None else theirs[max(start, first) :]
        for block in (*ours[start:first], *behind):
            self._fold(sealed, block)
        return sealed

    def _fold(self, sealed: SealedBlocks, block: L2Block) -> None:
        after = sealed.order.head.header.origin_number
        sealed.append(block, self._reader.origin(after, block.header.origin_number))

    def _require_fitting_journal(self) -> None:
        known = self._journal.genesis()
        if known is None:
            if self._reader.batches and not self._setting.new_journal:
                raise JournalMissingError(len(self._reader.batches))
            self._journal.begin(self.genesis.hash)
        elif known != self.genesis.hash:
            raise WrongJournalError(f"its genesis block is 0x{known.hex()}, not 0x{self.genesis.hash.hex()}")

    def _restored(self) -> SealedBlocks:
        """The sealed blocks of the journal.

        Raises:
            WrongJournalError: They are of another chain.
        """
        sealed = SealedBlocks(self._reader.new_order())
        start = sealed.order.archived
        posted = dict(pair for block in self._reader.order.blocks[start:] for pair in block.transactions)
        for kept in self._journal.blocks(start):
            decoded = [(each, posted.get(each) or self._decoded(each)) for each in kept.records]
            place = (kept.time, kept.origin_number, kept.origin_hash)
            block = build_block(sealed.order.head, place, decoded[: kept.forced], decoded[kept.forced :])
            if block.hash != kept.hash:
                raise WrongJournalError(f"block {kept.number} does not follow from the blocks before it")
            self._fold(sealed, block)
        return sealed

    def _adopted(self, sealed: SealedBlocks) -> tuple[SealedBlocks, list[OrderedTransaction]] | None:
        """Where L1's order differs from the sealed one, L1's holds.

        Returns:
            The new order, journalled, and the transactions that it lacks and that wait again; None where L1
            has nothing else.
        """
        ours, theirs = sealed.order.blocks, self._reader.order.blocks
        first = first_difference(ours, theirs)
        if first is None and len(theirs) > len(ours):
            first = len(ours)
        if first is None:
            first = self._first_hopeless(ours, len(theirs))
        if first is None:
            return None
        adopted = self._folded(ours, theirs, first)
        lost = [pair for block in ours[first:] for pair in block.transactions[block.forced :]]
        known = [(record, each) for record, each in lost if each is not None]
        again = [(record, each) for record, each in known if not adopted.had_effect(each.hash)]
        back = [record for record, _ in again]
        self._journal.replace_from(
            BlockNumber(first + 1), [_journalled(block) for block in theirs[first:]], back
        )
        return adopted, list(again)

    def _first_hopeless(self, ours: Sequence[L2Block], posted: int) -> int | None:
        """The first block that can never be posted as it is; None where there is none.

        A deep reorg took a forced transaction back, and L1 has grown past it without.
        """
        cursor, order = self._reader.cursor, self._reader.order
        place = first_unfounded(ours[posted:], self._reader.queue_until(cursor.number), order.head.forced_end)
        if place is None:
            return None
        origin = ours[posted + place].header.origin_number
        return posted + place if origin + self._setting.forced_depth < cursor.number else None


def _journalled(block: L2Block) -> JournalledBlock:
    head = block.header
    records = tuple([record for record, _ in block.transactions])
    place = (head.time, head.origin_number, head.origin_hash)
    return JournalledBlock(head.number, head.hash, *place, block.forced, records)
