"""The machine: where the fold of the ledger is between two steps. docs/ledger-claims.md has the table.

The Solidity twin is contracts/types/Machine.sol.
"""

from dataclasses import dataclass, fields
from enum import IntEnum
from operator import attrgetter
from typing import Final

from anh_rollup.encoding.batches import Header
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import (
    DIGEST_SIZE,
    ZERO_DIGEST,
    BatchNumber,
    BlockNumber,
    Digest,
    Gas,
    Seconds,
    Wei,
)


class Phase(IntEnum):
    """What the next step does."""

    IDLE = 0
    BLOCK = 1
    NOTICES = 2
    READ = 3
    GATHER = 4
    UNPACK = 5
    APPLY = 6
    SEAL = 7


@dataclass(frozen=True, slots=True)
class Machine:
    """The fold between two steps; everything from `checkpoint` on is zero while it is idle.

    Attributes:
        phase: What the next step does.
        ledger: Root of the tree.
        notices: Log entries folded in.
        batch: The latest batch that was entered; 0 at genesis.
        forced: Entries of the queue consumed.
        height: Of the last block.
        head: Its hash.
        time: Of the last block, or the one under construction.
        origin: The same: number of its L1 block.
        origin_hash: The same: hash of its L1 block.
        base_fee: The same: wei a gas.
        ordered_gas: The same: gas limits of its own transactions that decode, saturating.
        checkpoint: Hash of the machine in which the batch was entered.
        is_void: Whether only entries of the queue are left of the batch.
        payload_end: Bytes of the payload.
        blocks_left: Blocks whose heads were not read yet.
        records_left: Own transactions that were not read yet.
        bodies_at: Where in the payload the packed records begin.
        record_at: Where the next one begins.
        records_end: Where they end.
        block_at: Where the next block's head begins.
        batch_frontier: Of the own transactions read so far.
        own_left: Own transactions of this block that were not read yet.
        forced_left: Entries of the queue of this block that were not read yet.
        room: Gas limits of its valid transactions so far.
        block_frontier: Of all its transactions read so far.
        block_count: How many those are.
        pending: keccak of the record that is to be applied, or hash of the draft of one that is still read.
        pending_forced: Whether it came from the queue.
    """

    phase: Phase
    ledger: Digest
    notices: int
    batch: BatchNumber
    forced: int
    height: BlockNumber
    head: Digest
    time: Seconds
    origin: BlockNumber
    origin_hash: Digest
    base_fee: Wei
    ordered_gas: Gas = Gas(0)
    checkpoint: Digest = ZERO_DIGEST
    is_void: bool = False
    payload_end: int = 0
    blocks_left: int = 0
    records_left: int = 0
    bodies_at: int = 0
    record_at: int = 0
    records_end: int = 0
    block_at: int = 0
    batch_frontier: Digest = ZERO_DIGEST
    own_left: int = 0
    forced_left: int = 0
    room: Gas = Gas(0)
    block_frontier: Digest = ZERO_DIGEST
    block_count: int = 0
    pending: Digest = ZERO_DIGEST
    pending_forced: bool = False

    def encode(self) -> bytes:
        """abi.encode(machine): a word a field."""
        return b"".join(
            [
                value if isinstance(value, bytes) else value.to_bytes(DIGEST_SIZE, "big")
                for value in _VALUES(self)
            ]
        )

    @property
    def hash(self) -> Digest:
        """keccak256(abi.encode(machine))."""
        return keccak256(self.encode())


_NAMES: Final = tuple([each.name for each in fields(Machine)])
_VALUES: Final = attrgetter(*_NAMES)

BATCH_FIELDS: Final = _NAMES[_NAMES.index("checkpoint") :]
"""The fields that are zero while the machine is idle."""


def first_machine(genesis: Header) -> Machine:
    """The machine before the first batch: an empty ledger, and the genesis block's header."""
    return Machine(
        phase=Phase.IDLE,
        ledger=ZERO_DIGEST,
        notices=0,
        batch=BatchNumber(0),
        forced=0,
        height=genesis.number,
        head=genesis.hash,
        time=genesis.time,
        origin=genesis.origin_number,
        origin_hash=genesis.origin_hash,
        base_fee=genesis.base_fee,
    )
