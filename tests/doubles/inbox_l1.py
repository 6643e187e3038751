"""An L1 in memory with an Inbox: deposits, forced transactions, payouts, batches as calldata or in blobs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from anh_rollup.encoding.batches import BatchHeader, encode_batch, genesis_commitment, transactions_root
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.abi import load_artifact
from anh_rollup.l1.errors import BlobsUnavailableError
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST, Digest
from anh_rollup.protocol.derivation import L2Block, batch_of
from anh_rollup.protocol.machine.view import NoticeKind
from tests.doubles.memory_l1 import MemoryL1, topic
from tests.doubles.ordering import ETHER, Wallet


@dataclass
class InboxL1(MemoryL1):
    """A chain with an Inbox; stands in for a `BatchDataReader`, too."""

    carried: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict)
    headers: list[BatchHeader] = field(default_factory=list)
    queued: int = 0

    def blobs(self, transaction: bytes) -> tuple[bytes, ...]:
        self._answer()
        if transaction not in self.carried:
            raise BlobsUnavailableError(self.height, "they are gone")
        return self.carried[transaction]

    def reorg(self, depth: int) -> None:
        super().reorg(depth)
        posted = sum(each.topics[0] == topic("Inbox", "Posted") for each in self.written)
        self.headers = self.headers[:posted]

    def deposit(self, wallet: Wallet, amount: int = ETHER) -> None:
        self.mine()
        self.note(NoticeKind.DEPOSIT, wallet.address, amount)

    def force(self, record: bytes) -> None:
        self.mine()
        self.emit("Inbox", "Forced", index=self.queued, digest=keccak256(record), time=1, record=record)
        self.queued += 1

    def pay(self, job: Digest, wallet: Wallet) -> None:
        self.mine()
        self.note(NoticeKind.PAYOUT, wallet.address, job=job)

    def post(self, blocks: Sequence[L2Block], payload: bytes | None = None, **header: Any) -> None:
        """A batch in a new L1 block, as calldata; `payload` and `header` say what is false about it."""
        self.mine()
        batch = batch_of(blocks)
        given = encode_batch(batch) if payload is None else payload
        end = self.consumed + batch.forced
        root = transactions_root(batch.records) if batch.records else ZERO_DIGEST
        self.append(given, **{"root": root, "count": len(batch.records), "end": end, **header})

    @property
    def consumed(self) -> int:
        return self.headers[-1].forced_end if self.headers else 0

    def append(self, data: bytes, root: bytes, count: int, end: int, blobs: Sequence[bytes] = ()) -> bytes:
        last = self.headers[-1] if self.headers else None
        previous = genesis_commitment(L2_CHAIN_ID) if last is None else last.commitment()
        number = 1 if last is None else last.number + 1
        header = BatchHeader(number, previous, Digest(root), count, keccak256(data), end)
        self.headers.append(header)
        batch = (number, previous, root, count, keccak256(data), end)
        named = dict(zip(batch_fields(), batch, strict=True))
        return self.emit(
            "Inbox",
            "Posted",
            number=number,
            commitment=header.commitment(),
            batch=tuple(named.values()),
            blobs=list(blobs),
            data=data,
        )


def batch_fields() -> list[str]:
    inputs = load_artifact("Inbox").entry("event", "Posted")["inputs"]
    (batch,) = [item for item in inputs if item["name"] == "batch"]
    return [item["name"] for item in batch["components"]]
