"""What L1 holds of the order, as the machine asks for it."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ADDRESS_SIZE, DIGEST_SIZE, Address, BatchNumber, BlockNumber, Digest, Wei
from anh_rollup.protocol.derivation import Posting
from anh_rollup.protocol.ledger import LedgerRules


class NoticeKind(IntEnum):
    """What L1 tells the ledger."""

    NONE = 0
    DEPOSIT = 1
    PAYOUT = 2
    LAPSE = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """An entry of the Inbox's log of what L1 tells the ledger: its struct Notice.

    Attributes:
        kind: What happened.
        account: Who gets the deposit or the reward; zero for a lapse.
        amount: Wei deposited; 0 otherwise.
        transaction: keccak of the job's record; zero for a deposit.
        block_number: L1 block of the notice.
    """

    kind: NoticeKind
    account: Address
    amount: Wei
    transaction: Digest
    block_number: BlockNumber

    @property
    def digest(self) -> Digest:
        """keccak256(abi.encode(notice)): what the Inbox keeps of it."""
        words = [
            self.kind.to_bytes(DIGEST_SIZE, "big"),
            bytes(DIGEST_SIZE - ADDRESS_SIZE) + self.account,
            self.amount.to_bytes(DIGEST_SIZE, "big"),
            self.transaction,
            self.block_number.to_bytes(DIGEST_SIZE, "big"),
        ]
        return keccak256(b"".join(words))


class View(Protocol):
    """What L1 holds; each answer never changes."""

    @property
    def rules(self) -> LedgerRules:
        """What the fold takes from the deployment."""

    def posting(self, number: BatchNumber) -> Posting:
        """A batch that was posted."""

    def entry(self, index: int) -> bytes:
        """The record of an entry of the queue that a batch consumed."""

    def notice(self, index: int) -> Notice | None:
        """An entry of the log, from 0; None where there is none yet."""
