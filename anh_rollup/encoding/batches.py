"""Batches of L2 blocks as L1 holds them, and the header whose hash is a block's.

docs/encoding.md draws both layouts. The Solidity twin of the commitment is contracts/Inbox.sol;
tests/vectors/records.json binds the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.checks import UINT16_MOST, UINT24_MOST, UINT32_MOST, UINT64_MOST, digest, in_range
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
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

BATCH_VERSION: Final = 1
"""First byte of a batch."""

EMPTY_OMMERS_HASH: Final = keccak256(encode_list([]))
"""The ommers hash of a block without ommers, which every Ethereum client expects."""

EMPTY_TRIE_ROOT: Final = keccak256(encode_bytes(b""))
"""The root of an empty Merkle-Patricia trie: what clients expect of a block without transactions."""

RECORD_HEAD_SIZE: Final = 3
"""Bytes of a record's length in a batch."""

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
        records: Its own transactions behind them, at most 65,535 records of 1 to 2**24 - 1 bytes.
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
    records = batch.records
    parts = [
        bytes([BATCH_VERSION]),
        _uint(batch.first_number, 8, "the first block's number"),
        digest(batch.parent, name="the parent hash"),
        _uint(len(batch.blocks), 2, "the number of blocks"),
        _uint(len(records), 4, "the number of transactions"),
    ]
    parts += [_encode_block(block) for block in batch.blocks]
    parts += [_length(record) for record in records]
    return b"".join([*parts, *records])


def decode_batch(data: bytes) -> Batch:
    """The batch in `data`.

    Raises:
        EncodingError: Another version (UNSUPPORTED), wrong length (TRUNCATED, TRAILING), no blocks or an
            empty record (OUT_OF_RANGE), or counts of the blocks that do not add up (NOT_CANONICAL).
    """
    reader = Reader(data, "the batch")
    version = reader.uint(1)
    if version != BATCH_VERSION:
        raise EncodingError(
            EncodingReason.UNSUPPORTED, f"a batch of version {version}; {BATCH_VERSION} is known"
        )
    first_number, parent = BlockNumber(reader.uint(8)), Digest(reader.take(DIGEST_SIZE))
    blocks = in_range(reader.uint(2), 1, UINT16_MOST, name="the number of blocks")
    count = reader.uint(4)
    heads = [_read_block(reader) for _ in range(blocks)]
    if sum([own for _, own in heads]) != count:
        message = f"the blocks of a batch of {count} transactions hold {sum([own for _, own in heads])}"
        raise EncodingError(EncodingReason.NOT_CANONICAL, message)
    lengths = iter([_read_length(reader) for _ in range(count)])
    filled = [_filled(head, [reader.take(next(lengths)) for _ in range(own)]) for head, own in heads]
    reader.end()
    return Batch(first_number, parent, tuple(filled))


def _encode_block(block: BlockRecord) -> bytes:
    return b"".join(
        [
            _uint(block.time, 8, "the time"),
            _uint(block.origin_number, 8, "the origin's number"),
            digest(block.origin_hash, name="the origin's hash"),
            _uint(len(block.records), 2, "the number of transactions of a block"),
            _uint(block.forced, 2, "the number of forced entries of a block"),
        ]
    )


def _read_block(reader: Reader) -> tuple[BlockRecord, int]:
    """A block still without its own records, and how many they are."""
    time, origin_number = Seconds(reader.uint(8)), BlockNumber(reader.uint(8))
    origin_hash = Digest(reader.take(DIGEST_SIZE))
    own, forced = reader.uint(2), reader.uint(2)
    return BlockRecord(time, origin_number, origin_hash, forced, ()), own


def _filled(head: BlockRecord, records: list[bytes]) -> BlockRecord:
    return BlockRecord(head.time, head.origin_number, head.origin_hash, head.forced, tuple(records))


def _uint(value: int, size: int, name: str) -> bytes:
    return in_range(value, 0, (1 << 8 * size) - 1, name=name).to_bytes(size, "big")


def _length(record: bytes) -> bytes:
    return in_range(len(record), 1, UINT24_MOST, name="a record's length").to_bytes(RECORD_HEAD_SIZE, "big")


def _read_length(reader: Reader) -> int:
    return in_range(reader.uint(RECORD_HEAD_SIZE), 1, UINT24_MOST, name="a record's length")


def _word(value: int) -> bytes:
    return value.to_bytes(DIGEST_SIZE, "big")


_EMPTY_BLOCK: Final = BlockRecord(Seconds(0), BlockNumber(0), ZERO_DIGEST, 0, ())

BLOCK_HEAD_SIZE: Final = len(_encode_block(_EMPTY_BLOCK))
"""Bytes of a block's head in a batch."""

BATCH_HEAD_SIZE: Final = (
    len(encode_batch(Batch(BlockNumber(0), ZERO_DIGEST, (_EMPTY_BLOCK,)))) - BLOCK_HEAD_SIZE
)
"""Bytes of a batch before its blocks."""
