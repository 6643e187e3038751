"""An L1 in memory: blocks, events as the shipped contracts write them, reorgs, failures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_utils.address import to_checksum_address

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.abi import encode_arguments, load_artifact, signature_hash
from anh_rollup.l1.deployment import CONTRACTS, Deployment, Rules, predict_addresses
from anh_rollup.l1.errors import L1UnreachableError
from anh_rollup.l1.types import Block, BlockId, Log
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.machine.view import NoticeKind

OWNER = to_checksum_address("0x" + "5e" * 20)
ADDRESSES = predict_addresses(OWNER, 0)
KEYS = {name: key for key, name in CONTRACTS.items()}
GENESIS_HASH = keccak256(b"0/0")
DEPLOYMENT = Deployment(1, L2_CHAIN_ID, OWNER, 0, GENESIS_HASH, ADDRESSES, Rules())


@dataclass
class MemoryL1:
    """A chain whose events a test writes; stands in for an `L1Client`."""

    height: int = 0
    stood: list[int] = field(default_factory=list)  # the last block that each reorg left as it was
    written: list[Log] = field(default_factory=list)
    answers_left: int = 10**9

    def _answer(self) -> None:
        self.answers_left -= 1
        if self.answers_left < 0:
            raise L1UnreachableError("l1", 1, "it is away")

    def hash_of(self, number: int) -> bytes:
        return keccak256(b"%d/%d" % (number, self.fork(number)))

    def fork(self, number: int) -> int:
        """How often a block was replaced."""
        return sum(number > last for last in self.stood)

    def block(self, which: BlockId = "latest") -> Block | None:
        self._answer()
        number = which if isinstance(which, int) else self.height
        if number > self.height:
            return None
        parent = self.hash_of(number - 1) if number else bytes(32)
        time = 1_000 + 12 * number + self.fork(number)  # a fork has other times
        return Block(number, self.hash_of(number), parent, time, 30_000_000, 1, None, None)

    def block_by_hash(self, _digest: bytes) -> Block | None:
        self._answer()
        return None

    def logs(self, addresses: Sequence[str], first: int, last: int) -> tuple[Log, ...]:
        self._answer()
        return tuple(
            each for each in self.written if first <= each.block <= last and each.address in addresses
        )

    # --- what a test does ---

    def mine(self, blocks: int = 1) -> None:
        self.height += blocks

    def reorg(self, depth: int) -> None:
        self.height -= depth
        self.stood.append(self.height)
        self.written = [each for each in self.written if each.block <= self.height]

    def write(self, contract: str, topics: Sequence[bytes], data: bytes) -> bytes:
        """Puts an event into the newest block; the hash of its transaction."""
        transaction = keccak256(b"%d in %d" % (len(self.written), self.height))
        at = (self.height, self.hash_of(self.height), transaction, len(self.written))
        self.written.append(Log(ADDRESSES[KEYS[contract]], tuple(topics), data, *at))
        return transaction

    def emit(self, contract: str, name: str, **values: Any) -> bytes:
        entry = load_artifact(contract).entry("event", name)
        indexed = [item for item in entry["inputs"] if item["indexed"]]
        plain = [item for item in entry["inputs"] if not item["indexed"]]
        topics = [encode_arguments([item], [values[item["name"]]]) for item in indexed]
        data = encode_arguments(plain, [values[item["name"]] for item in plain])
        return self.write(contract, [topic(contract, name), *topics], data)

    def note(
        self, kind: NoticeKind, account: bytes = bytes(20), amount: int = 0, job: bytes = bytes(32)
    ) -> bytes:
        """Lets the Inbox tell the ledger something."""
        noted = topic("Inbox", "Noted")
        number = sum(each.topics[0] == noted for each in self.written)
        notice = (int(kind), "0x" + account.hex(), amount, job, self.height)
        return self.emit("Inbox", "Noted", number=number, notice=notice)


def topic(contract: str, name: str) -> bytes:
    return signature_hash(load_artifact(contract).entry("event", name))
