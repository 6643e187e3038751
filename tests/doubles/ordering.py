"""An L1 in memory for the sequencer's unit tests: blocks, deposits, the queue, the Inbox; and wallets."""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coincurve import PrivateKey
from eth_account import Account as Keys
from eth_utils.address import to_checksum_address

from anh_rollup.encoding.batches import BatchHeader, encode_batch, genesis_commitment, transactions_root
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import SignedTransaction, decode_signed, encode_record
from anh_rollup.l1.deployment import Deployment, Rules
from anh_rollup.l1.errors import L1UnreachableError
from anh_rollup.l1.inclusion import PostedBlocks
from anh_rollup.l1.posted_batch import PostedBatch
from anh_rollup.l1.types import Cursor
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST, Address, Digest
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.protocol.called import Cell
from anh_rollup.protocol.derivation import L2Block, Order, Posting, batch_of, blocks_of, build_block, genesis
from anh_rollup.protocol.jobs import DNN_ADDRESS, Job, JobKind, Property, order_calldata
from anh_rollup.protocol.ledger import Deposit, Ledger, LedgerEvent, LedgerRules, Origin
from anh_rollup.sequencer.chain import SequencerChain, Setting
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.service import Sequencer

GWEI = 10**9
ETHER = 10**18
GENESIS_TIME = 1_000_000
SEQUENCER = Address(b"\x5e" * 20)
BATCH_BYTES = 100_000


@dataclass(frozen=True)
class Wallet:
    """A key, and signed transactions of it."""

    seed: bytes

    @property
    def key(self) -> bytes:
        return keccak256(self.seed)

    @property
    def address(self) -> Address:
        return Address(bytes.fromhex(Keys.from_key(self.key).address[2:]))

    def sign(self, **fields: Any) -> bytes:
        base: dict[str, Any] = {
            "type": 2,
            "chainId": L2_CHAIN_ID,
            "nonce": 0,
            "to": "0x" + "11" * 20,
            "value": 0,
            "gas": 21_000,
            "maxFeePerGas": 2 * GWEI,
            "maxPriorityFeePerGas": 0,
        }
        fields = {**fields, "to": to_checksum_address(fields["to"])} if fields.get("to") else fields
        chosen = {name: value for name, value in {**base, **fields}.items() if value is not None}
        return bytes(Keys.sign_transaction(chosen, self.key).raw_transaction)

    def transfer(self, nonce: int, to: Address, value: int, **fields: Any) -> bytes:
        return self.sign(nonce=nonce, to="0x" + to.hex(), value=value, **fields)

    def call(self, nonce: int, data: bytes, gas: int = 100_000, **fields: Any) -> bytes:
        return self.sign(nonce=nonce, data=data, gas=gas, **fields)

    def order(self, nonce: int, reward: int, job: Job | None = None, **fields: Any) -> bytes:
        data = order_calldata(job or JOB)
        return self.sign(nonce=nonce, to=DNN_ADDRESS, value=reward, data=data, **{"gas": 200_000, **fields})


JOB = Job(
    JobKind.TRAINING, b"\1" * 32, bytes(32), (Property(b"\2" * 32, b"\3" * 32, 10),), GENESIS_TIME + 500, ""
)
ALICE, BOB, MALLORY = Wallet(b"alice"), Wallet(b"bob"), Wallet(b"mallory")


def decoded(raw: bytes) -> SignedTransaction:
    return decode_signed(raw, L2_CHAIN_ID)


def record_of(raw: bytes) -> bytes:
    return encode_record(decoded(raw))


def pair(raw: bytes) -> tuple[bytes, SignedTransaction]:
    return record_of(raw), decoded(raw)


def empty_ledger() -> Ledger:
    return Ledger(LedgerRules(L2_CHAIN_ID, SEQUENCER))


@dataclass(frozen=True)
class _Seen:
    """What the last refresh saw; L1 moves on without its reader."""

    fork: int
    events: dict[int, list[LedgerEvent]]
    queue: list[bytes]
    queued_at: list[int]


@dataclass
class FakeL1:
    """Stands in for an `OrderReader`; `mine` adds a block, `reorg` takes some back."""

    fork: int = 0
    number: int = 0
    seconds: int = 12
    reorgs: int = 0
    cells: dict[bytes, Cell] = field(default_factory=dict)
    away: bool = False
    events: dict[int, list[LedgerEvent]] = field(default_factory=lambda: defaultdict(list))
    queue: list[bytes] = field(default_factory=list)
    queued_at: list[int] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    batches: list[PostedBatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.order = self.new_order()
        self.cursor = Cursor(0, self.hash_of(0))
        self._seen = _Seen(0, {}, [], [])

    def hash_of(self, number: int) -> Digest:
        return keccak256(b"%d/%d" % (number, self.fork if number else 0))

    def time_of(self, number: int) -> int:
        return GENESIS_TIME + self.seconds * number

    def mine(self, blocks: int = 1) -> None:
        self.number += blocks

    def deposit(self, to: Address, amount: int) -> None:
        self.mine()
        self.events[self.number].append(Deposit(to, amount))

    def emit(self, event: LedgerEvent) -> None:
        self.mine()
        self.events[self.number].append(event)

    def force(self, record: bytes) -> None:
        self.mine()
        self.queue.append(record)
        self.queued_at.append(self.number)

    def post(self, blocks: list[L2Block], payload: bytes | None = None) -> None:
        """The sequencer's batch of these blocks, or of other bytes under their header."""
        self.mine()
        batch = batch_of(blocks)
        consumed = self._consumed() + batch.forced
        root, count = transactions_root(batch.records), len(batch.records)
        self._append(root, count, consumed, payload if payload is not None else encode_batch(batch))

    def post_forced(self) -> None:
        self.mine()
        self._append(ZERO_DIGEST, 0, len(self.queue), None)

    def reorg(self, depth: int) -> None:
        """Takes back the last blocks with all that was in them."""
        self.fork += 1
        self.number -= depth
        self.events = defaultdict(list, {at: e for at, e in self.events.items() if at <= self.number})
        keep = bisect_right(self.queued_at, self.number)
        del self.queue[keep:], self.queued_at[keep:]
        self.postings = [each for each in self.postings if each.block_number <= self.number]

    def _consumed(self) -> int:
        return self.postings[-1].header.forced_end if self.postings else 0

    def _append(self, root: Digest, count: int, consumed: int, payload: bytes | None) -> None:
        last = self.postings[-1].header if self.postings else None
        previous = genesis_commitment(L2_CHAIN_ID) if last is None else last.commitment()
        number = 1 if last is None else last.number + 1
        data = ZERO_DIGEST if payload is None else keccak256(payload)
        header = BatchHeader(number, previous, root, count, data, consumed)
        at = self.number
        self.postings.append(Posting(header, payload, at, self.time_of(at)))

    # --- what an OrderReader answers ---

    def refresh(self) -> bool:
        if self.away:
            raise L1UnreachableError("l1", 1, "it is away")
        self.reorgs += self._seen.fork != self.fork
        self._seen = _Seen(self.fork, dict(self.events), list(self.queue), list(self.queued_at))
        self.order, self.batches = self.new_order(), []
        for posting in self.postings:
            self._derive(posting)
        self.cursor = Cursor(self.number, self.hash_of(self.number))
        return True

    def archive_deep(self) -> None:
        """It keeps no archive."""

    def close(self) -> None:
        """It has nothing to close."""

    def _derive(self, posting: Posting) -> None:
        first = self.order.head.header.number + 1
        for record, forced, own in blocks_of(posting, self.order.head, self._seen.queue, L2_CHAIN_ID):
            head = self.order.head
            place = (record.time, record.origin_number, record.origin_hash)
            brought = self._brought(head.header.origin_number, record.origin_number)
            self.order.append(build_block(head, place, forced, own), [brought])
        end = self.order.head.header.number + 1
        self.order.head = replace(self.order.head, forced_end=posting.header.forced_end)
        commitment = posting.header.commitment()
        at = posting.block_number
        carried = (b"\7" * 32, at, self.hash_of(at))
        self.batches.append(PostedBatch(posting.header, commitment, first, end, *carried))

    def _brought(self, after: int, last: int) -> Origin:
        seen = self._seen.events
        events = [event for number in range(after + 1, last + 1) for event in seen.get(number, ())]
        return Origin(tuple(events))

    def origin(self, after: int, last: int) -> Origin:
        return self._brought(after, min(last, self.cursor.number))

    def time(self, number: int) -> int:
        return self.time_of(number)

    def queue_until(self, block: int) -> list[bytes]:
        return self._seen.queue[: bisect_right(self._seen.queued_at, block)]

    def new_order(self) -> Order:
        return Order.begin(empty_ledger(), genesis(L2_CHAIN_ID, 0, keccak256(b"%d/%d" % (0, 0))))


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = float(GENESIS_TIME + 100)

    def __call__(self) -> float:
        return self.now


def chain_on(l1: FakeL1, folder: Path, clock: Clock | None = None, **setting: Any) -> SequencerChain:
    """A chain with the journal of a folder, as after a (re)start."""
    l1.refresh()
    chosen = {"most_batch_bytes": BATCH_BYTES, **setting}
    journal = Journal(folder / "journal.sqlite3")
    return SequencerChain(l1, journal, Setting(L2_CHAIN_ID, clock or Clock(), **chosen))


class NodeDouble(Sequencer):
    """A sequencer on an L1 in memory."""

    def __init__(self, l1: FakeL1, folder: Path, **setting: Any) -> None:
        self.reader = l1
        self.chain = chain_on(l1, folder, **setting)
        self._posted = PostedBlocks(l1, self.chain.block)
        rules = Rules(settlement=10**7)
        address = str(Keys.from_key(keccak256(b"sequencer")).address)
        at = {"inbox": to_checksum_address("0x" + "1b" * 20)}
        self.deployment = Deployment(1, L2_CHAIN_ID, address, 0, bytes(32), at, rules)
        self._inbox = at["inbox"]
        self._lapser = None
        self._key = PrivateKey(keccak256(b"sequencer"))

    def finalize(self, l1_block: int) -> None:
        self._posted.finalize(l1_block)


def accepted(chain: SequencerChain, *raws: bytes) -> None:
    """Submits what is accepted."""
    for result in chain.submit(raws):
        assert not isinstance(result, RejectedError), result


def rejected(chain: SequencerChain, raw: bytes) -> str:
    """Submits what is rejected; why."""
    (result,) = chain.submit([raw])
    assert isinstance(result, RejectedError)
    return result.message


def outcome(chain: SequencerChain, raw: bytes) -> Any:
    """What came of a transaction; None while it waits."""
    placed = chain.placement(decoded(raw).hash)
    return None if placed is None else placed.outcome
