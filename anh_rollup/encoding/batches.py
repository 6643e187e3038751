"""Batches of L2 blocks as L1 holds them, and the header whose hash is a block's.

docs/encoding.md draws both layouts. The Solidity twin of the commitment is contracts/Inbox.sol;
tests/vectors/records.json binds the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.checks import UINT16_MOST, UINT32_MOST, UINT64_MOST, digest, in_range
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.indexed_items import MOST_ITEM, MOST_OVERHEAD, encode_items, read_items
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.packed_records import (
    TABLE_NUMBER_SIZE,
    pack_record,
    repeated_numbers,
    split,
    unpack_record,
)
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.rlp import encode_bytes, encode_list, encode_uint
from anh_rollup.primitives import (
    ADDRESS_SIZE,
    DIGEST_SIZE,
    ZERO_DIGEST,
    BatchNumber,
    BlockNumber,
    ChainId,
    Digest,
    Gas,
    Seconds,
    Wei,
)

BATCH_VERSION: Final = 3
"""First byte of a batch."""

EMPTY_OMMERS_HASH: Final = keccak256(encode_list([]))
"""The ommers hash of a block without ommers, which every Ethereum client expects."""

EMPTY_TRIE_ROOT: Final = keccak256(encode_bytes(b""))
"""The root of an empty Merkle-Patricia trie: what clients expect of a block without transactions."""

MOST_RECORD_BYTES: Final = MOST_ITEM - 1
"""Longest record in a batch."""

RECORD_HEAD_SIZE: Final = MOST_OVERHEAD + 1
"""Most bytes that a record takes in a batch besides its own; packing makes it one byte longer at worst."""

BATCH_HEAD_WIDTHS: Final = (1, 8, DIGEST_SIZE, 2, 4, 2, 3)
"""Bytes of each field before a batch's table: version, first number, parent, number of blocks, of own
transactions and of the table's entries, bytes of the packed records."""

BATCH_HEAD_SIZE: Final = sum(BATCH_HEAD_WIDTHS)
"""Bytes of a batch before its table."""

BLOCK_COUNTS_WIDTHS: Final = (8, 2, 2, 1)
"""Bytes of each field of a block's head but its origin: time, own transactions, forced entries, the flag that
says whether the origin stays."""

BLOCK_COUNTS_SIZE: Final = sum(BLOCK_COUNTS_WIDTHS)
"""Bytes of a block's head without its origin."""

ORIGIN_WIDTHS: Final = (8, DIGEST_SIZE)
"""Bytes of an origin's number, and of its hash."""

ORIGIN_SIZE: Final = sum(ORIGIN_WIDTHS)
"""Bytes of an origin."""

BLOCK_HEAD_SIZE: Final = BLOCK_COUNTS_SIZE + ORIGIN_SIZE
"""Most bytes of a block's head in a batch."""

_VERSION, _HEIGHT, _PARENT, _BLOCKS, _OWN, _TABLE, _PACKED = BATCH_HEAD_WIDTHS
_TIME, _BLOCK_OWN, _FORCED, _FLAG = BLOCK_COUNTS_WIDTHS
_ORIGIN_NUMBER, _ORIGIN_HASH = ORIGIN_WIDTHS

_BLOOM_SIZE: Final = 256
_NONCE_SIZE: Final = 8


@dataclass(frozen=True, slots=True)
class Header:
    """An L2 block's header: nothing in it depends on what transactions do.

    Attributes:
        number: Height; the genesis block is 0.
        parent: Hash of the block before.
        time: Seconds.
        origin_number: The newest L1 block whose events the block has seen.
        origin_hash: Its hash.
        transactions_root: `block_transactions_root` of its transactions.
        gas_limit: Most gas that its transactions may order together.
        base_fee: Wei a gas.
    """

    number: BlockNumber
    parent: Digest
    time: Seconds
    origin_number: BlockNumber
    origin_hash: Digest
    transactions_root: Digest
    gas_limit: Gas
    base_fee: Wei

    def encode(self) -> bytes:
        """The RLP of an Ethereum header as of London, whose execution fields say "nothing": 16 fields."""
        fields = [
            encode_bytes(self.parent),
            encode_bytes(EMPTY_OMMERS_HASH),
            encode_bytes(bytes(ADDRESS_SIZE)),  # coinbase
            encode_bytes(ZERO_DIGEST),  # state root
            encode_bytes(self.transactions_root),
            encode_bytes(EMPTY_TRIE_ROOT),  # receipts root
            encode_bytes(bytes(_BLOOM_SIZE)),
            encode_uint(0),  # difficulty
            encode_uint(self.number),
            encode_uint(self.gas_limit),
            encode_uint(0),  # gas used
            encode_uint(self.time),
            encode_bytes(self.extra_data),
            encode_bytes(self.origin_hash),  # mix hash
            encode_bytes(bytes(_NONCE_SIZE)),
            encode_uint(self.base_fee),
        ]
        return encode_list(fields)

    @property
    def extra_data(self) -> bytes:
        """The header's extra data: the origin's number as uint64."""
        return self.origin_number.to_bytes(8, "big")

    @property
    def hash(self) -> Digest:
        """The block hash."""
        return keccak256(self.encode())


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """An L2 block in a batch.

    Attributes:
        time: Seconds.
        origin_number: The newest L1 block whose events the block has seen.
        origin_hash: Its hash.
        forced: Entries of the Inbox's queue that come first in the block, at most 65,535.
        records: Its own transactions behind them, at most 65,535 records of 1 to 2**18 - 1 bytes.
    """

    time: Seconds
    origin_number: BlockNumber
    origin_hash: Digest
    forced: int
    records: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one post brings: consecutive L2 blocks.

    Attributes:
        first_number: Height of the first block.
        parent: Hash of the block before it.
        blocks: 1 to 65,535 blocks.
    """

    first_number: BlockNumber
    parent: Digest
    blocks: tuple[BlockRecord, ...]

    @property
    def records(self) -> tuple[bytes, ...]:
        """Its own transactions, in order."""
        return tuple([record for block in self.blocks for record in block.records])

    @property
    def forced(self) -> int:
        """Entries of the queue that it consumes."""
        return sum([block.forced for block in self.blocks])

    @property
    def transactions_root(self) -> Digest:
        """What the Inbox stores of its transactions."""
        return transactions_root(self.records)


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """What the Inbox hashes: its struct Batch.

    Attributes:
        number: From 1.
        previous: Commitment of the batch before; `genesis_commitment` before the first.
        transactions_root: `transactions_root` of its own records.
        count: How many they are.
        data: keccak-256 of the blobs' versioned hashes in a row or of the calldata; zero for a forced batch.
        forced_end: Entries of the queue that this and all batches before it consumed.
    """

    number: BatchNumber
    previous: Digest
    transactions_root: Digest
    count: int
    data: Digest
    forced_end: int

    def commitment(self) -> Digest:
        """keccak256(abi.encode(batch)).

        Raises:
            EncodingError: A field does not fit its type (OUT_OF_RANGE, WRONG_LENGTH).
        """
        words = [
            _word(in_range(self.number, 0, UINT64_MOST, name="the batch number")),
            digest(self.previous, name="previous"),
            digest(self.transactions_root, name="the transactions root"),
            _word(in_range(self.count, 0, UINT32_MOST, name="the count")),
            digest(self.data, name="the data hash"),
            _word(in_range(self.forced_end, 0, UINT64_MOST, name="forced_end")),
        ]
        return keccak256(b"".join(words))


def genesis_commitment(chain_id: ChainId) -> Digest:
    """The commitment of batch 0: keccak256(abi.encode(chain id))."""
    return keccak256(_word(chain_id))


def transactions_root(records: Sequence[bytes]) -> Digest:
    """The Merkle root over keccak256(record) of each; zero where there are none."""
    if not records:
        return ZERO_DIGEST
    return MerkleTree([keccak256(record) for record in records]).root


def block_transactions_root(records: Sequence[bytes]) -> Digest:
    """The transactions root of a block's header, over all its records, forced ones first.

    It is `transactions_root`, save that a block without transactions has the empty trie's root, which tells
    clients so.
    """
    return transactions_root(records) if records else EMPTY_TRIE_ROOT


def encode_batch(batch: Batch) -> bytes:
    """The bytes of a batch.

    Raises:
        EncodingError: A count, a length or a number does not fit its field (OUT_OF_RANGE, WRONG_LENGTH).
    """
    in_range(len(batch.blocks), 1, UINT16_MOST, name="the number of blocks")
    table, packed = _packed(batch.records)
    index, bodies = encode_items(packed)
    parts = [
        _uint(BATCH_VERSION, _VERSION, "the version"),
        _uint(batch.first_number, _HEIGHT, "the first block's number"),
        digest(batch.parent, name="the parent hash"),
        _uint(len(batch.blocks), _BLOCKS, "the number of blocks"),
        _uint(len(packed), _OWN, "the number of transactions"),
        _uint(len(table), _TABLE, "the size of the table"),
        _uint(len(bodies), _PACKED, "the length of the packed records"),
    ]
    parts += [number.to_bytes(TABLE_NUMBER_SIZE, "big") for number in table]
    parts += [index, bodies]
    befores = (None, *batch.blocks)
    parts += [_encode_block(block, before) for before, block in zip(befores, batch.blocks, strict=False)]
    return b"".join(parts)


def decode_batch(data: bytes) -> Batch:
    """The batch in `data`.

    Each fault shows in a few bytes, as L1 has to see it in a dispute; whether the records could be packed
    better is not looked at, so several bytes can be one batch.

    Raises:
        EncodingError: Another version (UNSUPPORTED), wrong length (TRUNCATED, TRAILING), no blocks, an empty
            or too long record or a number without a place (OUT_OF_RANGE), counts of the blocks that do not
            add up or a group of records that begins elsewhere than the index says (NOT_CANONICAL).
    """
    reader = Reader(data, "the batch")
    version = reader.uint(_VERSION)
    if version != BATCH_VERSION:
        raise EncodingError(
            EncodingReason.UNSUPPORTED, f"a batch of version {version}; {BATCH_VERSION} is known"
        )
    first_number, parent = BlockNumber(reader.uint(_HEIGHT)), Digest(reader.take(_PARENT))
    blocks = in_range(reader.uint(_BLOCKS), 1, UINT16_MOST, name="the number of blocks")
    count, size, length = reader.uint(_OWN), reader.uint(_TABLE), reader.uint(_PACKED)
    table = [reader.uint(TABLE_NUMBER_SIZE) for _ in range(size)]
    records = [unpack_record(item, table) for item in read_items(reader, count, length)]
    batch = Batch(first_number, parent, _read_blocks(reader, blocks, records))
    reader.end()
    return batch


def _packed(records: Sequence[bytes]) -> tuple[list[int], list[bytes]]:
    """The table of a batch, and its records with the help of it."""
    for record in records:
        in_range(len(record), 1, MOST_RECORD_BYTES, name="a record's length")
    parts = [split(record) for record in records]
    table = repeated_numbers([each for each in parts if each is not None])
    places = {number: place for place, number in enumerate(table)}
    packed = [pack_record(record, each, places) for record, each in zip(records, parts, strict=True)]
    return table, packed


def _encode_block(block: BlockRecord, before: BlockRecord | None) -> bytes:
    """A block's head; an origin that is that of the block before it is left out."""
    same = before is not None and _origin(before) == _origin(block)
    origin_number = _uint(block.origin_number, _ORIGIN_NUMBER, "the origin's number")
    origin = origin_number + digest(block.origin_hash, name="the origin's hash")
    return b"".join(
        [
            _uint(block.time, _TIME, "the time"),
            _uint(len(block.records), _BLOCK_OWN, "the number of transactions of a block"),
            _uint(block.forced, _FORCED, "the number of forced entries of a block"),
            _uint(same, _FLAG, "whether the origin stays"),
            b"" if same else origin,
        ]
    )


def _read_blocks(reader: Reader, count: int, records: Sequence[bytes]) -> tuple[BlockRecord, ...]:
    """The blocks of a batch, with its own records shared out among them."""
    blocks, used = list[BlockRecord](), 0
    for _ in range(count):
        time, own, forced = Seconds(reader.uint(_TIME)), reader.uint(_BLOCK_OWN), reader.uint(_FORCED)
        origin = _read_origin(reader, blocks[-1] if blocks else None)
        blocks.append(BlockRecord(time, *origin, forced, tuple(records[used : used + own])))
        used += own
    if used != len(records):
        message = f"the blocks of a batch of {len(records)} transactions hold {used}"
        raise EncodingError(EncodingReason.NOT_CANONICAL, message)
    return tuple(blocks)


def _origin(block: BlockRecord) -> tuple[BlockNumber, Digest]:
    return block.origin_number, block.origin_hash


def _read_origin(reader: Reader, before: BlockRecord | None) -> tuple[BlockNumber, Digest]:
    """A block's origin; the first block of a batch has to name it."""
    same = in_range(reader.uint(_FLAG), 0, before is not None, name="whether the origin stays")
    if same and before is not None:
        return _origin(before)
    return BlockNumber(reader.uint(_ORIGIN_NUMBER)), Digest(reader.take(_ORIGIN_HASH))


def _uint(value: int, size: int, name: str) -> bytes:
    return in_range(value, 0, (1 << 8 * size) - 1, name=name).to_bytes(size, "big")


def _word(value: int) -> bytes:
    return value.to_bytes(DIGEST_SIZE, "big")
