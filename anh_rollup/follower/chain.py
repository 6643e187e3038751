"""The follower's chain: what L1 holds, and behind it the blocks that the sequencer has signed since.

L1 decides. Blocks of the sequencer stand until L1 says otherwise; they are checked like a batch, and their
signatures are. Each block goes into the world, too, which executes nothing until it is asked.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol

from anh_rollup.encoding.transactions import SignedTransaction, encode_record
from anh_rollup.follower.errors import RefusalReason, RefusedBlockError
from anh_rollup.follower.memory import Confirmation, FollowerMemory
from anh_rollup.follower.pending import Pending
from anh_rollup.follower.signed_blocks import Signatures, SignedBlock
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.primitives import Address, BlockNumber, Digest, Gas, Wei
from anh_rollup.protocol.called import Ending
from anh_rollup.protocol.derivation import Head, L2Block, Placement
from anh_rollup.protocol.fees import next_base_fee
from anh_rollup.protocol.ledger import Account, Origin, Outcome
from anh_rollup.protocol.sealed import SealedBlocks, first_difference, first_unfounded, mark_of

LOG = logging.getLogger(__name__)

MOST_SOFT: Final = 100_000
"""Most blocks that may wait for L1 (choice): a sequencer that never posts cannot fill the disk."""

CHUNK: Final = 256
"""Blocks whose marks are written together (choice)."""

Progress = Callable[[int, int], None]
"""Told how many blocks of how many are taken in."""


class World(Protocol):
    """What the chain tells the L2's state; see `anh_rollup.world`."""

    @property
    def head(self) -> int:
        """Number of the last block that it was given; 0 at genesis."""

    def transaction(self) -> AbstractContextManager[object]:
        """Groups what is appended inside: it is kept together, and written at once."""

    def append(self, block: L2Block, origins: Sequence[Origin]) -> None:
        """Takes in the next block."""

    def truncate(self, number: BlockNumber) -> None:
        """Forgets the blocks from this one on."""

    def finalize(self, number: BlockNumber) -> None:
        """Notes that the blocks up to here are final on L1."""

    def learn(self, cells: Mapping[bytes, Ending]) -> None:
        """Takes over what L1 says about called jobs, by their terms."""

    def close(self) -> None:
        """Stops what is executed, and closes what is kept on the disk."""


class FollowerChain:
    """Follows, remembers, answers; usable from several threads, which take turns.

    `align` and `take` change it and are for one thread at a time, which also refreshes the reader.

    Args:
        reader: The order that L1 holds; it was refreshed at least once.
        world: The L2's state; it has what earlier runs gave it.
        memory: What earlier runs noted.
        signatures: Whose signatures count.
        clock: Seconds that only grow.

    Raises:
        WrongDataError: The memory is of another chain.
    """

    def __init__(
        self,
        reader: OrderReader,
        world: World,
        memory: FollowerMemory,
        signatures: Signatures,
        clock: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._world = world
        self._memory = memory
        self._signatures = signatures
        self._lock = threading.RLock()
        self._pending = Pending(clock)
        self._sealed = SealedBlocks(reader.new_order())
        self.genesis = self._sealed.order.first
        memory.require_chain(self.genesis.hash)
        self._marks = memory.marks()[: world.head]
        self._reorgs = reader.reorgs
        self._learned: tuple[int, int] | None = None
        self._started = min(world.head, reader.order.head.header.number)
        self._asked = max(memory.last_signed(), reader.order.head.header.number)

    # --- reading ---

    @property
    def head(self) -> Head:
        """The last block."""
        return self._sealed.order.head

    @property
    def safe_number(self) -> BlockNumber:
        """Height of the last block that is on L1."""
        return min(self._reader.order.head.header.number, self.head.header.number)

    @property
    def wanted(self) -> int:
        """The height from which on the sequencer's signed blocks are to be had."""
        return min(self._asked, self.head.header.number) + 1

    @property
    def syncing(self) -> tuple[int, int, int] | None:
        """Where it started, where it is, and the last block on L1; None where it has that one."""
        highest, head = self._reader.order.head.header.number, self.head.header.number
        return (self._started, head, highest) if highest > head else None

    @property
    def next_base_fee(self) -> Wei:
        """The base fee of the block after the last one, wei a gas."""
        head = self.head
        return next_base_fee(head.header.base_fee, head.ordered_gas)

    @property
    def waiting(self) -> int:
        """Transactions that the sequencer accepted through this follower and that have no block."""
        return len(self._pending)

    @property
    def pending(self) -> list[Placement]:
        """These transactions, in the order of their acceptance."""
        with self._lock:
            return list(self._pending)

    def block(self, number: BlockNumber) -> L2Block | None:
        """A block; None for the genesis block, which has no transactions, and beyond the head."""
        return self._sealed.block(number)

    def number_of(self, digest: Digest) -> BlockNumber | None:
        """The height of a block, by its hash; 0 for the genesis block."""
        return self._sealed.number_of(digest)

    def ordered_gas(self, number: BlockNumber) -> Gas:
        """Gas limits of the own transactions of a block."""
        return self._sealed.ordered_gas(number)

    def fee_history(self, first: BlockNumber, last: BlockNumber) -> tuple[list[Wei], list[float]]:
        """Base fees of the blocks from `first` to `last` and of the one after, and the fullness of each."""
        return self._sealed.fee_history(first, last, self.next_base_fee)

    def outcomes(self, number: BlockNumber) -> Sequence[Outcome]:
        """What the ledger says of a block's transactions."""
        return tuple(self._sealed.order.outcomes[number - 1])

    def placement(self, digest: Digest) -> Placement | None:
        """Where a transaction stands, or None for an unknown one."""
        with self._lock:
            sealed, pending = self._sealed.placed.get(digest), self._pending.get(digest)
            found = pending if pending is not None and not (sealed and sealed.had_effect) else sealed
        return found or self._sealed.archived(digest)  # which may take a while

    def account(self, address: Address, *, pending: bool) -> Account:
        """An account after the last block, or after what it has sent through this follower besides."""
        with self._lock:
            ledger = self._sealed.order.ledger
            return (
                self._pending.account(address, ledger, self.next_base_fee)
                if pending
                else ledger.account(address)
            )

    def escrow(self, job: Digest) -> Wei | None:
        """The wei in escrow for a job after the last block, or None."""
        with self._lock:
            held = self._sealed.order.ledger.escrows.get(job)
            return None if held is None else held.reward

    def confirmation(self, number: BlockNumber, block_hash: Digest) -> bytes | None:
        """The sequencer's signature of a block, where the follower has seen it."""
        known = self._memory.confirmation(number)
        return known.signature if known is not None and known.hash == block_hash else None

    # --- writing ---

    def accepted(self, transaction: SignedTransaction) -> None:
        """Notes that the sequencer accepted a transaction: it counts as pending until it has a block."""
        with self._lock:
            if not self._sealed.had_effect(transaction.hash):
                self._pending.add(Placement(transaction, encode_record(transaction)))

    def align(self, progress: Progress = lambda _done, _all: None) -> None:
        """Takes in what the reader has read: L1's blocks, and what still stands of those behind them."""
        held, posted = self._standing(), self._reader.order.blocks
        if held < len(self._sealed.order.blocks):
            kept = SealedBlocks(self._reader.new_order())
            for block in self._sealed.order.blocks[kept.order.archived : held]:
                kept.append(block, self._origin(kept.order.head, block))
            with self._lock:
                self._sealed = kept
            self._asked = BlockNumber(min(self._asked, held))  # did the sequencer sign these heights twice?
        self._append(posted[held:], progress)
        self._reorgs = self._reader.reorgs
        self._take_again()
        self._settle()
        self._learn()

    def take(self, signed: SignedBlock) -> bool:
        """Takes the next of the sequencer's blocks; False where L1 has to be read further first.

        Of a block that L1 has already only the signature is kept. After a reorg none is taken before `align`.

        Raises:
            RefusedBlockError: It is not the next block, or the sequencer did not sign it.
        """
        if self._reader.reorgs != self._reorgs:
            return False
        ours = self.block(signed.number)
        if ours is not None:
            if signed.signature is not None and self._signatures.is_signed(
                ours.number, ours.hash, signed.signature
            ):
                self._keep(ours, signed)
            self._asked = signed.number
            return True
        taken = signed.signature is not None and self._extend(signed)
        if taken:
            self._asked = signed.number
            self._settle()
        return taken

    def finalize(self, number: BlockNumber) -> None:
        """Notes that the blocks up to a height are final on L1."""
        self._memory.finalize(number)
        self._world.finalize(number)

    # --- inside ---

    def _learn(self) -> None:
        """Tells the world what L1 says about called jobs; without a reorg there can only be more of it."""
        known = (self._reader.reorgs, len(self._reader.cells))
        if known != self._learned:
            self._world.learn(self._reader.cells)
            self._learned = known

    def _standing(self) -> int:
        """How many of our blocks, from the first one on, still stand."""
        ours, posted = self._sealed.order.blocks, self._reader.order.blocks
        first = first_difference(ours, posted)
        standing = len(ours) if first is None else first
        if self._reorgs == self._reader.reorgs:
            return standing
        return self._confirmed(self._same_origins(standing), len(posted))

    def _same_origins(self, standing: int) -> int:
        """How many of the first blocks L1 still gives the same events, after a reorg."""
        last, order = self._reader.cursor.number, self._reader.new_order()
        head = order.head
        for place, block in enumerate(self._sealed.order.blocks[order.archived : standing], order.archived):
            if (
                block.header.origin_number > last
                or mark_of(block, self._origin(head, block)) != self._marks[place]
            ):
                return place
            head = Head(block.header)
        return standing

    def _confirmed(self, standing: int, posted: int) -> int:
        """Of the blocks behind L1's, those that are signed and whose forced transactions L1 still has."""
        behind = self._sealed.order.blocks[posted:standing]
        queue = self._reader.queue_until(self._reader.cursor.number)
        unfounded = first_unfounded(behind, queue, self._reader.order.head.forced_end)
        for place, block in enumerate(behind[:unfounded]):
            if self.confirmation(block.number, block.hash) is None:
                return posted + place
        return standing if unfounded is None else posted + unfounded

    def _extend(self, signed: SignedBlock) -> bool:
        """Appends a signed block; False where L1 is not read far enough.

        Raises:
            RefusedBlockError: It is not the next one.
        """
        head, cursor = self.head, self._reader.cursor
        queue = self._reader.queue_until(cursor.number)
        forced = queue[head.forced_end : head.forced_end + signed.forced]
        if signed.origin_number > cursor.number or len(forced) < signed.forced:
            return False
        if head.header.number - self._reader.order.head.header.number >= MOST_SOFT:
            raise RefusedBlockError(signed.number, RefusalReason.TOO_MANY)
        block = self._signatures.next_block(head, signed, forced)
        self._keep(block, signed)
        self._append([block])
        return True

    def _take_again(self) -> None:
        """Puts the signed blocks that are known behind the head, as far as they still follow."""
        for known in self._memory.confirmations_after(self.head.header.number):
            if known.payload is None:
                return
            try:
                number = BlockNumber(known.number)
                if not self._extend(SignedBlock.read(number, known.payload, known.signature)):
                    return
            except RefusedBlockError:
                return

    def _append(self, blocks: Sequence[L2Block], progress: Progress = lambda _done, _all: None) -> None:
        """Appends blocks; the world is told only what it does not have from before."""
        for start in range(0, len(blocks), CHUNK):
            chunk = blocks[start : start + CHUNK]
            origins, head = [], self.head
            for block in chunk:
                origins.append(self._origin(head, block))
                head = Head(block.header)
            self._note(chunk, origins)
            self._give(chunk, origins)
            with self._lock:
                for block, origin in zip(chunk, origins, strict=True):
                    self._sealed.append(block, origin)
            progress(start + len(chunk), len(blocks))

    def _give(self, blocks: Sequence[L2Block], origins: Sequence[Origin]) -> None:
        """Gives the world those blocks that it does not have."""
        known = self._world.head
        with self._world.transaction():
            for block, origin in zip(blocks, origins, strict=True):
                if block.number > known:
                    self._world.append(block, [origin])

    def _note(self, blocks: Sequence[L2Block], origins: Sequence[Origin]) -> None:
        """Notes what the world is given next, and lets it forget what it was given instead."""
        marks = [mark_of(block, origin) for block, origin in zip(blocks, origins, strict=True)]
        first = blocks[0].number - 1
        known = self._marks[first : first + len(marks)]
        if known == marks:
            return
        pairs = zip(known, marks, strict=False)
        place = first + next((at for at, (one, other) in enumerate(pairs) if one != other), len(known))
        if place < self._world.head:
            self._world.truncate(BlockNumber(place + 1))
        self._marks[place:] = marks[place - first :]
        self._memory.note(place + 1, marks[place - first :])

    def _settle(self) -> None:
        """Lets the world forget what is beyond the head, and the pending ones what has a block."""
        head = self.head.header.number
        if self._world.head > head:
            self._world.truncate(BlockNumber(head + 1))
            self._memory.note(head + 1, [])
        del self._marks[head:]
        with self._lock:
            self._pending.settle(self._sealed.order.ledger)

    def _keep(self, block: L2Block, signed: SignedBlock) -> None:
        """Keeps a signature; where there was one for another block of the height, both are told."""
        if signed.signature is None:
            return
        kept = Confirmation(block.number, block.hash, signed.signature, signed.payload)
        known = self._memory.confirmation(block.number)
        if known == kept:
            return
        if known is not None and known.hash != kept.hash:
            proof = [(each.hash.hex(), each.signature.hex()) for each in (known, kept)]
            LOG.warning(
                "the sequencer has signed two blocks of height %d; next: take its stake with "
                "`anh slash --height %d --block 0x%s:0x%s --block 0x%s:0x%s`",
                block.number,
                block.number,
                *proof[0],
                *proof[1],
            )
        self._memory.keep(kept)

    def _origin(self, before: Head, block: L2Block) -> Origin:
        return self._reader.origin(before.header.origin_number, block.header.origin_number)


def is_given(marks: Sequence[Digest], memory: FollowerMemory, world: World) -> bool:
    """Whether a world was given just these blocks at its beginning, with what L1 brought to each.

    Args:
        marks: What tells each block from every other, see `mark_of`.
        memory: What earlier runs noted of the world.
        world: What it holds.
    """
    return memory.marks()[: world.head][: len(marks)] == marks
