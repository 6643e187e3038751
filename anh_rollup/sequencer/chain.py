"""The sequencer's chain: sealed blocks, and the block under construction to which transactions are admitted.

The block under construction has its origin and its forced transactions from its first moment on, so what is
admitted to it is valid in it: no transaction is acknowledged that the ledger would skip. Nothing is executed.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.transactions import SignedTransaction, decode_signed, encode_record
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.primitives import Address, Digest
from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.protocol.derivation import (
    Head,
    L2Block,
    Order,
    OrderedTransaction,
    Placement,
    build_block,
)
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, next_base_fee
from anh_rollup.protocol.ledger import (
    Account,
    BlockTerms,
    Charged,
    Ledger,
    Outcome,
    Skipped,
    SkipReason,
    decode_or_none,
    fold_block,
)
from anh_rollup.sequencer.errors import JournalBehindError
from anh_rollup.sequencer.journal import Journal, JournalledBlock

#: Most own transactions of one block: below a batch's uint16 (docs/encoding.md).
MOST_TRANSACTIONS = 60_000

#: Most forced transactions of one block; the rest comes in the next one.
MOST_FORCED = 1_000


@dataclass(frozen=True, slots=True)
class Setting:
    """What a chain is told at its start.

    Attributes:
        chain_id: The L2's.
        clock: Seconds since 1970.
        forced_depth: L1 blocks above a forced transaction before a block takes it in: a block that was signed
            cannot give it back after a reorg.
    """

    chain_id: int
    clock: Callable[[], float]
    forced_depth: int = 2


@dataclass(slots=True)
class _Construction:
    """The block under construction.

    Attributes:
        origin_number: Its origin.
        origin_hash: The origin's hash.
        forced: Its forced transactions.
        terms: Base fee, and gas ordered so far.
        ledger: The ledger after everything in it.
        own: Accepted transactions, in order.
    """

    origin_number: int
    origin_hash: Digest
    forced: tuple[OrderedTransaction, ...]
    terms: BlockTerms
    ledger: Ledger
    own: list[OrderedTransaction] = field(default_factory=list)


class SequencerChain:
    """Admits, seals, remembers; usable from several threads, which take turns.

    `follow` and `seal` are for one thread, the one that reads L1; everything else is for any.

    Args:
        reader: The order that L1 holds, and L1's events; it was refreshed at least once.
        journal: The memory.
        setting: Chain id, clock, and how deep a forced transaction lies before it is taken in.
    """

    def __init__(self, reader: OrderReader, journal: Journal, setting: Setting) -> None:
        self._reader = reader
        self._journal = journal
        self._setting = setting
        self._chain_id = setting.chain_id
        self._clock = setting.clock
        self._lock = threading.RLock()
        self._placed: dict[Digest, Placement] = {}
        self._numbers: dict[Digest, int] = {}
        self._sealed = reader.new_order()
        self._reorgs = 0
        self._is_ahead = False
        self.genesis = self._sealed.head.header
        self._restore()
        self._next = self._construct()
        self._adopt()
        self._next = self._construct()
        self._admit_again([(each, decode_or_none(each, self._chain_id)) for each in journal.pending()])

    # --- reading ---

    @property
    def head(self) -> Head:
        """The last sealed block."""
        return self._sealed.head

    @property
    def safe_number(self) -> int:
        """Height of the last block that is on L1."""
        return self._reader.order.head.header.number

    def block(self, number: int) -> L2Block | None:
        """A sealed block; None for the genesis block, which has no transactions, and beyond the head."""
        with self._lock:
            return self._sealed.blocks[number - 1] if 1 <= number <= len(self._sealed.blocks) else None

    def number_of(self, digest: Digest) -> int | None:
        """The height of a sealed block, by its hash; 0 for the genesis block."""
        return 0 if digest == self.genesis.hash else self._numbers.get(digest)

    def ordered_gas(self, number: int) -> int:
        """Gas that the valid transactions of a sealed block ordered."""
        with self._lock:
            block = self._sealed.blocks[number - 1]
            pairs = zip(block.transactions, self._sealed.outcomes[number - 1], strict=True)
            return sum(
                transaction.gas_limit
                for (_, transaction), outcome in pairs
                if transaction is not None and isinstance(outcome, Charged)
            )

    def fee_history(self, first: int, last: int) -> tuple[list[int], list[float], int]:
        """Base fees of the blocks from `first` to `last` and of the next, fullness of each, and `first`."""
        with self._lock:
            blocks = self._sealed.blocks[max(first - 1, 0) : last + 1]
            fees = [self.genesis.base_fee] if first == 0 else []
            fees += [block.header.base_fee for block in blocks]
            if last == len(self._sealed.blocks):
                fees.append(self.next_base_fee)
            ratios = [
                0.0 if number == 0 else self.ordered_gas(number) / BLOCK_GAS_LIMIT
                for number in range(first, last + 1)
            ]
            return fees, ratios, first

    def outcomes(self, number: int) -> Sequence[Outcome]:
        """What came of the transactions of a sealed block."""
        with self._lock:
            return tuple(self._sealed.outcomes[number - 1])

    def blocks_after(self, number: int) -> list[L2Block]:
        """The sealed blocks above a height."""
        with self._lock:
            return self._sealed.blocks[number:]

    def placement(self, digest: Digest) -> Placement | None:
        """Where an accepted transaction stands, or None for an unknown one."""
        with self._lock:
            return self._placed.get(digest)

    def account(self, address: Address, *, pending: bool) -> Account:
        """An account after the last sealed block, or after everything that was accepted."""
        with self._lock:
            ledger = self._next.ledger if pending else self._sealed.ledger
            return ledger.account(address)

    def escrow(self, job: Digest) -> int | None:
        """The wei in escrow for a job after the last sealed block, or None."""
        with self._lock:
            held = self._sealed.ledger.escrows.get(job)
            return None if held is None else held.reward

    @property
    def next_base_fee(self) -> int:
        """The base fee of the block under construction, wei a gas."""
        return self._next.terms.base_fee

    @property
    def waiting(self) -> int:
        """Accepted transactions without a block."""
        return len(self._next.own)

    # --- writing ---

    def submit(self, raws: Sequence[bytes]) -> list[SignedTransaction | RejectedError]:
        """Admits signed transactions; those that are admitted are on the disk when this returns.

        Returns:
            For each, the transaction or why it is rejected.
        """
        results: list[SignedTransaction | RejectedError] = []
        decoded = [self._decoded(raw) for raw in raws]
        with self._lock:
            accepted: list[tuple[Digest, bytes]] = []
            for each in decoded:
                try:
                    results.append(self._admit(each, accepted))
                except RejectedError as error:
                    results.append(error)
            self._journal.accept(accepted)
        return results

    def seal(self) -> L2Block | None:
        """Closes the block under construction if it holds anything; the block, on the disk, or None."""
        with self._lock:
            building = self._next
            before = self._sealed.head.header
            brings = self._reader.origin(before.origin_number, building.origin_number)
            refunds = any(
                brings.time >= escrow.deadline + self._sealed.ledger.rules.settlement
                for escrow in self._sealed.ledger.escrows.values()
            )
            if not (building.own or building.forced or brings.events or refunds):
                return None
            time = max(int(self._clock()), before.time)
            place = (time, building.origin_number, building.origin_hash)
            block = build_block(self._sealed.head, place, building.forced, building.own)
            taken = [each.hash for _, each in building.own if each is not None]
            self._journal.seal(_journalled(block), taken)
            self._append(block)
            self._next = self._construct()
            return block

    def follow(self) -> None:
        """Takes in what is new on L1: events for the next block, and an order that differs from ours.

        Raises:
            L1Error: L1 cannot be read; nothing changed.
        """
        changed = self._reader.refresh()
        with self._lock:
            if self._reader.reorgs != self._reorgs or self._is_ahead:
                self._reorgs = self._reader.reorgs
                self._refold()
            self._adopt()
            if changed:
                waiting = self._next.own
                self._next = self._construct()
                self._admit_again(waiting)

    # --- inside ---

    def _decoded(self, raw: bytes) -> SignedTransaction | RejectedError:
        try:
            return decode_signed(raw, self._chain_id)
        except EncodingError as error:
            return RejectedError(RejectReason.MALFORMED, error.message)

    def _admit(
        self, decoded: SignedTransaction | RejectedError, accepted: list[tuple[Digest, bytes]]
    ) -> SignedTransaction:
        """Puts a transaction into the block under construction.

        Raises:
            RejectedError: The ledger would skip it.
        """
        if isinstance(decoded, RejectedError):
            raise decoded
        if decoded.hash in self._placed:
            raise RejectedError(RejectReason.ALREADY_KNOWN)
        if len(self._next.own) >= MOST_TRANSACTIONS:
            raise RejectedError(RejectReason.NOT_READY, "the block under construction is full")
        record = encode_record(decoded)
        outcome = self._next.ledger.apply(record, decoded, self._next.terms)
        if isinstance(outcome, Skipped):
            raise self._rejection(decoded, outcome.reason)
        self._next.own.append((record, decoded))
        self._placed[decoded.hash] = Placement(decoded, record)
        accepted.append((decoded.hash, record))
        return decoded

    def _rejection(self, transaction: SignedTransaction, reason: SkipReason) -> RejectedError:
        account = self._next.ledger.account(transaction.sender)
        details = {
            SkipReason.NONCE_TOO_LOW: f"next nonce {account.nonce}, tx nonce {transaction.nonce}",
            SkipReason.NONCE_TOO_HIGH: f"next nonce {account.nonce}, tx nonce {transaction.nonce}",
            SkipReason.FUNDS: f"cleared balance {account.cleared} wei",
            SkipReason.BASE_FEE: f"maxFeePerGas {transaction.max_fee}, baseFee {self.next_base_fee}",
        }
        return RejectedError(RejectReason[reason.name], details.get(reason, ""))

    def _construct(self) -> _Construction:
        """An empty block on top of the sealed ones, with the newest origin and what the queue holds."""
        cursor = self._reader.cursor
        head = self._sealed.head
        origin_number = max(cursor.number, head.header.origin_number)
        same = origin_number == cursor.number
        origin_hash = Digest(cursor.hash) if same else head.header.origin_hash
        entries = self._reader.queue_until(cursor.number - self._setting.forced_depth)
        entries = entries[head.forced_end : head.forced_end + MOST_FORCED]
        forced = tuple([(record, decode_or_none(record, self._chain_id)) for record in entries])
        ledger = self._sealed.ledger.copy()
        brings = self._reader.origin(head.header.origin_number, origin_number)
        base_fee = next_base_fee(head.header.base_fee, head.ordered_gas)
        _, gas = fold_block(ledger, forced, base_fee, [brings])
        return _Construction(origin_number, origin_hash, forced, BlockTerms(base_fee, gas), ledger)

    def _append(self, block: L2Block) -> None:
        """Folds a sealed block and notes where its transactions stand."""
        after = self._sealed.head.header.origin_number
        origin = self._reader.origin(after, block.header.origin_number)
        outcomes = self._sealed.append(block, [origin])
        self._numbers[block.hash] = block.number
        for index, ((record, transaction), outcome) in enumerate(
            zip(block.transactions, outcomes, strict=True)
        ):
            known = transaction is not None and self._placed.get(transaction.hash)
            # A transaction that stands twice counts where it had its effect.
            if transaction is None or (known and known.block and isinstance(outcome, Skipped)):
                continue
            self._placed[transaction.hash] = Placement(transaction, record, block, index, outcome)

    def _restore(self) -> None:
        """Rebuilds the sealed blocks from the journal.

        Raises:
            JournalBehindError: They are of another chain.
        """
        known = self._journal.genesis()
        if known is None:
            self._journal.begin(self.genesis.hash)
        elif known != self.genesis.hash:
            raise JournalBehindError(f"its genesis block is 0x{known.hex()}, not 0x{self.genesis.hash.hex()}")
        for kept in self._journal.blocks():
            self._append(self._rebuilt(kept))

    def _rebuilt(self, kept: JournalledBlock) -> L2Block:
        decoded = [(record, decode_or_none(record, self._chain_id)) for record in kept.records]
        place = (kept.time, kept.origin_number, kept.origin_hash)
        block = build_block(self._sealed.head, place, decoded[: kept.forced], decoded[kept.forced :])
        if block.hash != kept.hash:
            raise JournalBehindError(f"block {kept.number} does not follow from the blocks before it")
        return block

    def _refold(self) -> None:
        """Folds all sealed blocks again, after L1 replaced some of its events; the blocks stay as signed."""
        blocks = self._sealed.blocks
        # Until L1 has grown back to the newest origin, events of blocks that are sealed may still come.
        self._is_ahead = self._sealed.head.header.origin_number > self._reader.cursor.number
        self._sealed = self._reader.new_order()
        self._placed = {digest: each for digest, each in self._placed.items() if each.block is None}
        for block in blocks:
            self._append(block)

    def _adopt(self) -> None:
        """Where L1's order differs from the sealed one, L1's holds; what is dropped by that waits again."""
        derived = self._reader.order
        common = min(len(derived.blocks), len(self._sealed.blocks))
        differ = next(
            (
                place
                for place in range(common)
                if derived.blocks[place].hash != self._sealed.blocks[place].hash
            ),
            None,
        )
        if differ is None and len(derived.blocks) <= len(self._sealed.blocks):
            return
        first = common if differ is None else differ
        self._replace(first, derived)

    def _replace(self, first: int, derived: Order) -> None:
        lost = [pair for block in self._sealed.blocks[first:] for pair in block.transactions[block.forced :]]
        replaced, kept = derived.blocks[first:], self._sealed.blocks[:first]
        held = {each.hash for block in replaced for _, each in block.transactions if each is not None}
        again = [(record, each) for record, each in lost if each is not None and each.hash not in held]
        back = [(each.hash, record) for record, each in again]
        self._journal.replace_from(first + 1, [_journalled(block) for block in replaced], back)
        waiting = [*again, *self._next.own]
        self._sealed = self._reader.new_order()
        self._placed, self._numbers = {}, {}
        for block in [*kept, *replaced]:
            self._append(block)
        self._next = self._construct()
        self._admit_again(waiting)

    def _admit_again(self, waiting: Sequence[OrderedTransaction]) -> None:
        """Puts accepted transactions into a new block under construction; what cannot be in it is dropped."""
        for record, transaction in waiting:
            if transaction is None:
                continue
            outcome = self._next.ledger.apply(record, transaction, self._next.terms)
            if isinstance(outcome, Charged):
                self._next.own.append((record, transaction))
                self._placed[transaction.hash] = Placement(transaction, record)
            else:
                self._placed.pop(transaction.hash, None)
                self._journal.forget([transaction.hash])


def _journalled(block: L2Block) -> JournalledBlock:
    head = block.header
    records = tuple([record for record, _ in block.transactions])
    place = (head.time, head.origin_number, head.origin_hash)
    return JournalledBlock(head.number, head.hash, *place, block.forced, records)
