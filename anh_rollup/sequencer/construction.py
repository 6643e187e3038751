"""The block under construction: what is admitted to it is valid in it, so no acknowledged one is skipped."""

from dataclasses import dataclass, field
from typing import Final

from anh_rollup.encoding.batches import BATCH_HEAD_SIZE, BLOCK_HEAD_SIZE, RECORD_HEAD_SIZE
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import BlockNumber, Digest, Seconds, Wei
from anh_rollup.protocol.admission import REJECTED, RejectedError, RejectReason
from anh_rollup.protocol.derivation import OrderedTransaction
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, intrinsic_gas
from anh_rollup.protocol.ledger import (
    BlockTerms,
    Ledger,
    Origin,
    Outcome,
    Skipped,
    SkipReason,
    asked_cover,
    effect_of,
)

MOST_TRANSACTIONS: Final = 60_000
"""Most own transactions of one block: below a batch's uint16 (docs/encoding.md)."""


def room_of(most_batch_bytes: int) -> int:
    """Bytes that the records of one block can have, lengths included, so that a batch holds the block."""
    return most_batch_bytes - BATCH_HEAD_SIZE - BLOCK_HEAD_SIZE


@dataclass(slots=True)
class Construction:
    """A block that is still open.

    Attributes:
        origin_number: Its L1 origin.
        origin_hash: The origin's hash.
        origin_time: Time of the last L1 block that is known, seconds.
        brings: What the origin tells the ledger.
        forced: Its forced transactions.
        terms: Base fee, and gas ordered so far.
        ledger: The ledger after everything in it.
        capacity: Bytes that its own records can have, lengths included.
        room: Bytes that they can have now, for what waits to be posted before it.
        outcomes: What came of its transactions, the forced ones first.
        own: Accepted transactions, in order.
        size: Bytes of their records, lengths included.
    """

    origin_number: BlockNumber
    origin_hash: Digest
    origin_time: Seconds
    brings: Origin
    forced: tuple[OrderedTransaction, ...]
    terms: BlockTerms
    ledger: Ledger
    capacity: int
    room: int
    outcomes: list[Outcome]
    own: list[OrderedTransaction] = field(default_factory=list)
    size: int = 0

    def admit(self, record: bytes, transaction: SignedTransaction) -> None:
        """Appends a transaction.

        Raises:
            RejectedError: The ledger would skip it, or it does not fit.
        """
        size = self._size_of(record)
        if size > self.capacity - self.size or len(self.own) >= MOST_TRANSACTIONS:
            raise RejectedError(RejectReason.BLOCK_FULL)
        if size > self.room - self.size:
            raise RejectedError(RejectReason.BACKLOG_FULL)
        outcome = self.ledger.apply(record, transaction, self.terms)
        if isinstance(outcome, Skipped):
            raise self._rejection(transaction, outcome.reason)
        self.outcomes.append(outcome)
        self.own.append((record, transaction))
        self.size += size

    def require_possible(self, record: bytes, transaction: SignedTransaction, others: Wei) -> None:
        """Checks a transaction that cannot be next by all rules but that of its nonce.

        Args:
            record: Its record.
            transaction: The same, decoded.
            others: Cleared wei that its sender's other transactions ask for that wait.

        Raises:
            RejectedError: It would be refused if it were next, or is not covered beside the others.
        """
        self._size_of(record)
        least, cleared = intrinsic_gas(transaction), self.ledger.account(transaction.sender).cleared
        if transaction.gas_limit < least:
            raise RejectedError(RejectReason.INTRINSIC_GAS)
        if transaction.gas_limit > BLOCK_GAS_LIMIT:
            detail = f"block gas limit {BLOCK_GAS_LIMIT}, tx gas {transaction.gas_limit}"
            raise RejectedError(RejectReason.BLOCK_GAS, detail)
        if transaction.max_fee < self.terms.base_fee:
            raise self._rejection(transaction, SkipReason.BASE_FEE)
        if cleared < others + asked_cover(transaction, effect_of(transaction)):
            detail = f"cleared balance {cleared} wei, of which {others} wei cover what waits"
            raise RejectedError(RejectReason.FUNDS, detail)

    def _size_of(self, record: bytes) -> int:
        """Bytes that a record takes in a block.

        Raises:
            RejectedError: No block has so many.
        """
        size = RECORD_HEAD_SIZE + len(record)
        if size > self.capacity:
            raise RejectedError(RejectReason.TOO_LARGE, f"record of {size} bytes, limit {self.capacity}")
        return size

    def _rejection(self, transaction: SignedTransaction, reason: SkipReason) -> RejectedError:
        """The ledger's reason with the values that matter, as Ethereum's clients phrase it."""
        account = self.ledger.account(transaction.sender)
        nonces = f"next nonce {account.nonce}, tx nonce {transaction.nonce}"
        details = {
            SkipReason.NONCE_TOO_LOW: nonces,
            SkipReason.NONCE_TOO_HIGH: nonces,
            SkipReason.FUNDS: f"cleared balance {account.cleared} wei",
            SkipReason.BASE_FEE: f"maxFeePerGas {transaction.max_fee}, baseFee {self.terms.base_fee}",
            SkipReason.BLOCK_GAS: f"gas left {self.terms.room}, tx gas {transaction.gas_limit}",
        }
        return RejectedError(REJECTED[reason], details.get(reason, ""))
