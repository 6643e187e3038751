"""What L1 holds, as records. Numbers are ints, digests bytes, addresses checksummed text."""

from dataclasses import dataclass
from typing import Final, Literal

from anh_rollup.primitives import BlockNumber, Gas, Seconds, Wei

#: How a block is named: by number, or relative to the head.
BlockTag = Literal["latest", "safe", "finalized", "pending", "earliest"]
BlockId = int | BlockTag

#: The most gas that one L1 transaction can have (EIP-7825).
TRANSACTION_GAS_CAP: Final = Gas(16_777_216)


@dataclass(frozen=True, slots=True)
class Block:
    """An L1 block's header, as far as the rollup reads it.

    Attributes:
        number: Height.
        hash: Block hash (32 bytes).
        parent: Hash of the parent.
        time: Seconds since 1970.
        gas_limit: Most gas of the block.
        base_fee: Wei a gas; None on chains before London.
        excess_blob_gas: EIP-4844's running excess; None on chains without blobs.
        beacon_root: Hash of the parent's beacon block (EIP-4788); None where there is none.
    """

    number: BlockNumber
    hash: bytes
    parent: bytes
    time: Seconds
    gas_limit: Gas
    base_fee: Wei | None
    excess_blob_gas: Gas | None
    beacon_root: bytes | None


@dataclass(frozen=True, slots=True)
class Log:
    """An event as a contract wrote it.

    Attributes:
        address: Checksummed address of the contract.
        topics: Up to four topics of 32 bytes.
        data: What is not indexed, ABI encoded.
        block: Number of its block.
        block_hash: Hash of its block.
        transaction: Hash of its transaction.
        index: Place in the block.
    """

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block: BlockNumber
    block_hash: bytes
    transaction: bytes
    index: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction that L1 knows.

    Attributes:
        hash: Its hash.
        sender: Checksummed address.
        to: Checksummed address, or None for a creation.
        nonce: Its nonce.
        value: Wei.
        data: Its calldata.
        block: Number of its block; None while it is pending.
        blob_hashes: EIP-4844 versioned hashes, in order.
    """

    hash: bytes
    sender: str
    to: str | None
    nonce: int
    value: Wei
    data: bytes
    block: BlockNumber | None
    blob_hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a transaction.

    Attributes:
        transaction: Its hash.
        block: Number of its block.
        block_hash: Hash of its block.
        succeeded: False where it was reverted.
        gas_used: Gas that it used.
        gas_price: Wei a gas that it paid.
        blob_gas_used: Blob gas; 0 without blobs.
        blob_gas_price: Wei a blob gas; 0 without blobs.
        contract: Checksummed address of the contract that it created, or None.
        logs: Its events.
    """

    transaction: bytes
    block: BlockNumber
    block_hash: bytes
    succeeded: bool
    gas_used: Gas
    gas_price: Wei
    blob_gas_used: Gas
    blob_gas_price: Wei
    contract: str | None
    logs: tuple[Log, ...]

    @property
    def cost(self) -> Wei:
        """Wei paid for execution and blobs, without the value."""
        return Wei(self.gas_used * self.gas_price + self.blob_gas_used * self.blob_gas_price)


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """What is to be done on L1: an intent, before nonce, gas and fees.

    Attributes:
        to: Checksummed address, or None to create a contract.
        data: Calldata, or creation code with its arguments.
        value: Wei.
        blobs: EIP-4844 blobs of 131072 bytes each; empty for an ordinary transaction.
        gas: Gas limit; None to have it estimated.
    """

    to: str | None
    data: bytes = b""
    value: Wei = Wei(0)
    blobs: tuple[bytes, ...] = ()
    gas: Gas | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far L1 was read: a block, named so that a reorg shows.

    Attributes:
        number: Height.
        hash: Hash of the block at that height.
    """

    number: BlockNumber
    hash: bytes
