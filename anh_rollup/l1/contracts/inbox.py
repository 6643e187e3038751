"""The Inbox: deposits, batches, forced transactions, the sequencer's stake."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.l1.contracts.seals import Sealing
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.l1.types import BlockId, TransactionRequest
from anh_rollup.primitives import BatchNumber, BlockNumber, ChainId, Digest, Seconds, Wei
from anh_rollup.protocol.machine.view import Notice, NoticeKind


@dataclass(frozen=True, slots=True)
class InboxRules:
    """What was fixed at deployment (see `Rules` in l1/deployment.py)."""

    chain_id: ChainId
    sequencer: str
    force_delay: Seconds
    force_timeout: Seconds
    force_fee: Wei
    prize_share_bps: int


@dataclass(frozen=True, slots=True)
class Deposited:
    """Wei were deposited for an L2 account."""

    to: str
    amount: Wei


@dataclass(frozen=True, slots=True)
class Noted:
    """L1 told the ledger something; numbers ascend from 0.

    Raises:
        L1AnswerError: The notice is of no kind, which the Inbox never tells.
    """

    number: int
    notice: Notice

    def __post_init__(self) -> None:
        if self.notice.kind is NoticeKind.NONE:
            raise L1AnswerError("a kind of notice", int(self.notice.kind))


@dataclass(frozen=True, slots=True)
class Posted:
    """A batch was appended; `data` holds its bytes if they came as calldata, else `blobs` the hashes."""

    number: BatchNumber
    commitment: bytes
    batch: BatchHeader
    blobs: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Forced:
    """A transaction was queued past the sequencer."""

    index: int
    digest: bytes
    time: Seconds
    record: bytes


class Inbox(Sealing):
    """Wrapper of contracts/Inbox.sol."""

    NAME = "Inbox"
    EVENTS: ClassVar[Mapping[str, type]] = {
        item.__name__: item for item in (Deposited, Noted, Posted, Forced)
    }

    def deposit(self, to: str, amount: Wei) -> TransactionRequest:
        """Deposits wei for an L2 account."""
        return self.request("deposit", to, value=amount)

    def post(self, batch: BatchHeader, blobs: tuple[bytes, ...]) -> TransactionRequest:
        """Appends a batch whose bytes are blobs; number and data of `batch` are the contract's to compute."""
        data = self.calldata("post", batch.previous, batch.transactions_root, batch.count, batch.forced_end)
        return TransactionRequest(self.address, data, blobs=blobs)

    def post_calldata(self, batch: BatchHeader, data: bytes) -> TransactionRequest:
        """Appends a batch whose bytes are given in the call."""
        place = (batch.previous, batch.transactions_root, batch.count, batch.forced_end)
        return self.request("postCalldata", *place, data)

    def post_forced(self) -> TransactionRequest:
        """Appends the overdue queue as a batch."""
        return self.request("postForced")

    def force(self, record: bytes, fee: Wei) -> TransactionRequest:
        """Queues a transaction past the sequencer."""
        return self.request("force", record, value=fee)

    def slash(
        self, height: BlockNumber, one: tuple[Digest, bytes], other: tuple[Digest, bytes]
    ) -> TransactionRequest:
        """Takes the stake over two blocks of one height, each with the sequencer's signature (r, s, v)."""
        return self.request("slash", height, *one, *other)

    def staked(self) -> Wei:
        """What the sequencer has at stake."""
        return Wei(self.read("staked")[0])

    def consumed(self) -> int:
        """Entries of the queue that batches have consumed."""
        return int(self.read("consumed")[0])

    def queue_length(self) -> int:
        """Entries that the queue ever had."""
        return int(self.read("queueLength")[0])

    def queued_at(self, index: int) -> Seconds:
        """L1 time at which an entry was queued; 0 for one that was not."""
        return Seconds(self.read("entry", index)[0][1])

    def commitment(self, number: BatchNumber, at: BlockId = "latest") -> bytes:
        """A batch's commitment; zeros where there is none."""
        return bytes(self.read("commitments", number, at=at)[0])

    def rules(self) -> InboxRules:
        """What was fixed at deployment."""
        return self.read_record(InboxRules, "rules")
