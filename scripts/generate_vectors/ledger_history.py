"""What L1 could hold of an order: deposits, a queue, batches honest and not, from known keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from eth_account import Account as Keys
from eth_utils.address import to_checksum_address

from anh_rollup.encoding.batches import BatchHeader, encode_batch, genesis_commitment, transactions_root
from anh_rollup.encoding.blobs import BLOB_ELEMENTS, pack, unpack
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.l1.blobs import open_element, versioned_hash
from anh_rollup.primitives import (
    ETHER,
    GWEI,
    L2_CHAIN_ID,
    ZERO_ADDRESS,
    ZERO_DIGEST,
    Address,
    BatchNumber,
    BlockNumber,
    Digest,
    Seconds,
    Wei,
)
from anh_rollup.protocol.derivation import (
    L2Block,
    Order,
    Posting,
    batch_of,
    blocks_of,
    build_block,
    genesis,
)
from anh_rollup.protocol.ledger import (
    Deposit,
    Lapse,
    Ledger,
    LedgerEvent,
    LedgerRules,
    Origin,
    Payout,
    decode_or_none,
)
from anh_rollup.protocol.machine.view import Notice, NoticeKind
from anh_rollup.protocol.machine.witnesses import FieldElement

SEQUENCER: Final = Address(b"\x5e" * 20)
FIRST_BLOCK: Final = BlockNumber(100)
"""The L1 block before the deployment."""

FIRST_TIME: Final = Seconds(1_700_000_000)
BLOCK_SECONDS: Final = 12


@dataclass(frozen=True)
class Signer:
    """A key that everybody knows."""

    name: str

    @property
    def address(self) -> Address:
        """Its account."""
        return Address(bytes.fromhex(Keys.from_key(self._key).address[2:]))

    def record(self, **fields: Any) -> bytes:
        """The record of a transaction; a plain transfer of nothing unless fields say otherwise."""
        base: dict[str, Any] = {
            "type": 2,
            "chainId": L2_CHAIN_ID,
            "nonce": 0,
            "value": 0,
            "gas": 21_000,
            "maxFeePerGas": 2 * GWEI,
            "maxPriorityFeePerGas": 1,
        }
        chosen = {name: value for name, value in {**base, **fields}.items() if value is not None}
        if isinstance(chosen.get("to"), bytes):
            chosen["to"] = to_checksum_address(chosen["to"])
        raw = bytes(Keys.sign_transaction(chosen, self._key).raw_transaction)
        return encode_record(decode_signed(raw))

    @property
    def _key(self) -> bytes:
        return keccak256(b"a key that everybody knows: " + self.name.encode())


ALICE, BOB = Signer("alice"), Signer("bob")
CAROL: Final = Address(b"\xca" * 20)
"""Somebody without a key."""


@dataclass(frozen=True)
class Sealed:
    """A block to be posted: time and origin count from those of the block before.

    Attributes:
        own: Its own records.
        forced: Entries of the queue.
        seconds: Time since the block before.
        origins: L1 blocks since the origin before.
    """

    own: tuple[bytes, ...] = ()
    forced: int = 0
    seconds: int = 2
    origins: int = 0


@dataclass
class History:
    """What L1 holds, and the order that follows from it; it grows by one call at a time.

    Attributes:
        number: The latest L1 block.
        log: Notices.
        queue: Records of forced transactions.
        postings: Batches.
    """

    number: BlockNumber = BlockNumber(FIRST_BLOCK + 1)
    log: list[Notice] = field(default_factory=list)
    queue: list[bytes] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begins with the genesis block."""
        self.first = genesis(L2_CHAIN_ID, FIRST_BLOCK, keccak256(b"the block before the deployment"))
        self.order = Order.begin(Ledger(self.rules), self.first)
        self._blobs: dict[BatchNumber, list[bytes]] = {}
        self._hashes: dict[BatchNumber, tuple[bytes, ...]] = {}
        self._opened: dict[tuple[BatchNumber, int], FieldElement] = {}

    # --- L1 goes on ---

    def mine(self, blocks: int = 1) -> None:
        """L1 has more blocks."""
        self.number = BlockNumber(self.number + blocks)

    def deposit(self, to: Address, amount: int = ETHER) -> None:
        """Ether comes in."""
        self._note(NoticeKind.DEPOSIT, to, amount, ZERO_DIGEST)

    def pay_out(self, transaction: Digest, to: Address) -> None:
        """A claim about a job becomes final."""
        self._note(NoticeKind.PAYOUT, to, 0, transaction)

    def lapse(self, transaction: Digest) -> None:
        """No claim about a job can become final any more."""
        self._note(NoticeKind.LAPSE, ZERO_ADDRESS, 0, transaction)

    def force(self, record: bytes) -> None:
        """A transaction is queued."""
        self.queue.append(record)

    def blocks(self, *sealed: Sealed) -> list[L2Block]:
        """Blocks on top of the order, as an honest sequencer builds them."""
        head, built = self.order.head, list[L2Block]()
        entries = self.queue[head.forced_end :]
        for each in sealed:
            before = head.header
            time = max(before.time, self.time - BLOCK_SECONDS) + each.seconds
            origin = BlockNumber(before.origin_number + each.origins)
            place = (Seconds(time), origin, keccak256(b"block %d" % origin))
            forced, entries = entries[: each.forced], entries[each.forced :]
            block = build_block(head, place, _decoded(forced), _decoded(each.own))
            head = replace(head, header=block.header, ordered_gas=block.ordered_gas)
            built.append(block)
        return built

    def post(
        self,
        *sealed: Sealed,
        payload: bytes | None = None,
        blobs: bool = False,
        carried: Sequence[bytes] | None = None,
        **header: Any,
    ) -> None:
        """A batch of blocks on top of the order comes onto L1.

        Args:
            sealed: The blocks.
            payload: Bytes instead of the right ones.
            blobs: Whether it travels in blobs.
            carried: Blobs instead of the right ones.
            header: Fields of its header instead of the right ones.
        """
        batch = batch_of(self.blocks(*sealed))
        data = encode_batch(batch) if payload is None else payload
        consumed = self.order.head.forced_end + batch.forced
        self.mine()
        if blobs or carried is not None:
            packed = list(carried) if carried is not None else pack(data)
            hashes = tuple([versioned_hash(blob) for blob in packed])
            number = BatchNumber(len(self.postings) + 1)
            self._blobs[number], self._hashes[number] = packed, hashes
            held, digest = _unpacked(packed), keccak256(b"".join(hashes))
        else:
            held, digest = data, keccak256(data)
        fields = {
            "transactions_root": transactions_root(batch.records),
            "count": len(batch.records),
            "data": digest,
            "forced_end": consumed,
        }
        self._append(held, **{**fields, **header})

    def post_forced(self) -> None:
        """Somebody puts the queue into the order."""
        self.mine()
        fields = {"transactions_root": ZERO_DIGEST, "count": 0, "data": ZERO_DIGEST}
        self._append(None, **fields, forced_end=len(self.queue))

    @property
    def time(self) -> Seconds:
        """The latest L1 block's time."""
        return Seconds(FIRST_TIME + BLOCK_SECONDS * self.number)

    # --- what the machine asks for ---

    @property
    def rules(self) -> LedgerRules:
        """What the fold takes from the deployment."""
        return LedgerRules(L2_CHAIN_ID, SEQUENCER)

    def posting(self, number: BatchNumber) -> Posting:
        """A batch that was posted."""
        return self.postings[number - 1]

    def entry(self, index: int) -> bytes:
        """The record of an entry of the queue."""
        return self.queue[index]

    def notice(self, index: int) -> Notice | None:
        """An entry of the log."""
        return self.log[index] if index < len(self.log) else None

    def hashes(self, number: BatchNumber) -> tuple[bytes, ...]:
        """The versioned hashes of a batch's blobs."""
        return self._hashes.get(number, ())

    def open(self, number: BatchNumber, index: int) -> FieldElement:
        """A field element of a batch's blobs, opened."""
        place = number, index
        if place not in self._opened:
            at, within = divmod(index, BLOB_ELEMENTS)
            opened = open_element(self._blobs[number][at], within)
            self._opened[place] = FieldElement(index, *opened)
        return self._opened[place]

    # --- internal ---

    def _note(self, kind: NoticeKind, account: Address, amount: int, transaction: Digest) -> None:
        self.log.append(Notice(kind, account, Wei(amount), transaction, self.number))

    def _append(self, payload: bytes | None, **fields: Any) -> None:
        last = self.postings[-1].header if self.postings else None
        previous = genesis_commitment(L2_CHAIN_ID) if last is None else last.commitment()
        header = BatchHeader(BatchNumber(len(self.postings) + 1), previous, **fields)
        posting = Posting(header, payload, self.number, self.time)
        self.postings.append(posting)
        self._derive(posting)
        # Followers take in whole blocks, so whatever comes later is in a later one.
        self.mine()

    def _derive(self, posting: Posting) -> None:
        """Appends a posting's blocks to the order, as every follower does."""
        order = self.order
        for record, forced, own in blocks_of(posting, order.head, self.queue, L2_CHAIN_ID):
            place = (record.time, record.origin_number, record.origin_hash)
            brought = self._brought(order.head.header.origin_number, record.origin_number)
            order.append(build_block(order.head, place, forced, own), [brought])
        order.head = replace(order.head, forced_end=posting.header.forced_end)

    def _brought(self, after: BlockNumber, last: BlockNumber) -> Origin:
        return Origin(tuple([_event(each) for each in self.log if after < each.block_number <= last]))


def _event(notice: Notice) -> LedgerEvent:
    if notice.kind is NoticeKind.DEPOSIT:
        return Deposit(notice.account, notice.amount)
    if notice.kind is NoticeKind.PAYOUT:
        return Payout(notice.transaction, notice.account)
    return Lapse(notice.transaction)


def _decoded(records: Sequence[bytes]) -> list[Any]:
    return [(record, decode_or_none(record, L2_CHAIN_ID)) for record in records]


def _unpacked(blobs: Sequence[bytes]) -> bytes | None:
    try:
        return unpack(blobs)
    except EncodingError:
        return None
