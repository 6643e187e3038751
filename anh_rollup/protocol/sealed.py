"""Sealed blocks with what can be asked of them: by hash, by height, by transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from anh_rollup.encoding.batches import BLOCK_HEAD_SIZE, RECORD_HEAD_SIZE
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import BlockNumber, Digest, Gas, Wei
from anh_rollup.protocol.derivation import L2Block, Order, Placement
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT
from anh_rollup.protocol.ledger import Deposit, Ledger, Origin, Outcome, Payout, Skipped


@dataclass(slots=True)
class SealedBlocks:
    """An order with indices.

    Attributes:
        order: Blocks, outcomes, and the ledger after them.
        placed: Where each transaction stands, by its hash; those of archived blocks are not among them.
        numbers: Heights by block hash, without the archived ones.
        ends: Most bytes in batches of all blocks behind the archived ones, up to each.
    """

    order: Order
    placed: dict[Digest, Placement] = field(default_factory=dict)
    numbers: dict[Digest, BlockNumber] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)

    def append(self, block: L2Block, brings: Origin) -> None:
        """Folds the next block and notes where its transactions stand."""
        self._note(block, self.order.append(block, [brings]))

    def take(self, block: L2Block, ledger: Ledger, outcomes: list[Outcome]) -> None:
        """Appends the next block as it was folded during its construction; notes the same."""
        self.order.take(block, ledger, outcomes)
        self._note(block, outcomes)

    def _note(self, block: L2Block, outcomes: Sequence[Outcome]) -> None:
        self.numbers[block.hash] = block.number
        self.ends.append(block_size(block) + (self.ends[-1] if self.ends else 0))
        for index, ((record, transaction), outcome) in enumerate(
            zip(block.transactions, outcomes, strict=True)
        ):
            # A transaction that stands twice counts where it had its effect.
            if transaction is None or (isinstance(outcome, Skipped) and self.placement(transaction.hash)):
                continue
            self.placed[transaction.hash] = Placement(transaction, record, block, index, outcome)

    def placement(self, digest: Digest) -> Placement | None:
        """Where a transaction stands, or None."""
        return self.placed.get(digest) or self.archived(digest)

    def archived(self, digest: Digest) -> Placement | None:
        """Where a transaction of an archived block stands, or None."""
        found = None if self.order.archive is None else self.order.archive.place_of(digest)
        if found is None:
            return None
        number, index = found
        block = self.order.blocks[number - 1]
        record, transaction = block.transactions[index]
        outcome = self.order.outcomes[number - 1][index]
        return None if transaction is None else Placement(transaction, record, block, index, outcome)

    def number_of(self, digest: Digest) -> BlockNumber | None:
        """The height of a block by its hash; 0 for the genesis block."""
        order = self.order
        if digest == order.first.hash:
            return order.first.number
        known = self.numbers.get(digest)
        return order.archive.number_of(digest) if known is None and order.archive is not None else known

    def had_effect(self, digest: Digest) -> bool:
        """Whether a transaction stands in a block that it was valid in."""
        placed, archive = self.placed.get(digest), self.order.archive
        if placed is not None and placed.had_effect:
            return True
        return archive is not None and archive.had_effect(digest)

    def block(self, number: BlockNumber) -> L2Block | None:
        """The block of a height; None for the genesis block and beyond the end."""
        return self.order.blocks[number - 1] if 1 <= number <= len(self.order.blocks) else None

    def bytes_after(self, number: BlockNumber) -> int:
        """Bytes that the blocks above a height take in batches at most."""
        behind = max(number - self.order.archived, 0)
        return self.ends[-1] - (self.ends[behind - 1] if behind else 0) if self.ends else 0

    def ordered_gas(self, number: BlockNumber) -> Gas:
        """Gas limits of the own transactions of a block."""
        return self.order.head_at(number).ordered_gas

    def fee_history(
        self, first: BlockNumber, last: BlockNumber, next_base_fee: Wei
    ) -> tuple[list[Wei], list[float]]:
        """Base fees of the blocks from `first` to `last` and of the one after, and the fullness of each.

        Args:
            first: A height, 0 for the genesis block.
            last: A height up to the last block's.
            next_base_fee: Of the block that is not sealed yet.
        """
        head = self.order.head.header.number
        end = min(last + 1, head)
        heads = [self.order.head_at(BlockNumber(number)) for number in range(first, end + 1)]
        fees = [each.header.base_fee for each in heads]
        if last >= head:
            fees.append(next_base_fee)
        return fees, [each.ordered_gas / BLOCK_GAS_LIMIT for each in heads[: last + 1 - first]]


def block_size(block: L2Block) -> int:
    """Bytes that a block takes in a batch at most."""
    return BLOCK_HEAD_SIZE + sum(RECORD_HEAD_SIZE + len(record) for record in block.own_records)


def mark_of(block: L2Block, origin: Origin) -> Digest:
    """What tells a block with what L1 brought to it from every other."""
    parts: list[bytes] = [block.hash]
    for event in origin.events:
        if isinstance(event, Deposit):
            parts.append(b"\0" + event.to + event.amount.to_bytes(32, "big"))
        elif isinstance(event, Payout):
            parts.append(b"\1" + event.transaction + event.claimant)
        else:
            parts.append(b"\2" + event.transaction)
    return keccak256(b"".join(parts))


def first_difference(ours: Sequence[L2Block], theirs: Sequence[L2Block]) -> int | None:
    """The first place at which two orders from one genesis differ, or None where one begins the other.

    Each block names its parent's hash, so equal blocks have equal pasts and the place is found by halving.
    """
    low, high = 0, min(len(ours), len(theirs))
    if high == 0 or ours[high - 1].hash == theirs[high - 1].hash:
        return None
    high -= 1
    while low < high:
        middle = (low + high) // 2
        if ours[middle].hash == theirs[middle].hash:
            low = middle + 1
        else:
            high = middle
    return low


def first_unfounded(blocks: Sequence[L2Block], queue: Sequence[bytes], consumed: int) -> int | None:
    """The first block whose forced transactions are not in the Inbox's queue (any more), or None.

    Args:
        blocks: Consecutive blocks.
        queue: The records of the whole queue.
        consumed: Its entries that were consumed before the blocks.
    """
    for place, block in enumerate(blocks):
        forced = [record for record, _ in block.transactions[: block.forced]]
        if forced != list(queue[consumed : consumed + block.forced]):
            return place
        consumed += block.forced
    return None
