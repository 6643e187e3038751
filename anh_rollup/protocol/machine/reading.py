"""The steps that read a batch's head and the heads of its blocks."""

from dataclasses import replace

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.primitives import BatchNumber, Gas
from anh_rollup.protocol.derivation import MOST_CLOCK_SKEW, Posting
from anh_rollup.protocol.fees import next_base_fee
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.frontier import NO_LEAVES
from anh_rollup.protocol.machine.payload import (
    BatchHead,
    BlockHead,
    PayloadReader,
    read_batch_head,
    read_block_head,
)
from anh_rollup.protocol.machine.state import Look, State, void


def enter(state: State, look: Look) -> State:
    """Idle: the next batch is entered, and its payload's head read."""
    machine = state.machine
    posting = look.view.posting(BatchNumber(machine.batch + 1))
    reader = _open(posting, look)
    head = None if reader is None else read_batch_head(reader)
    if reader is None or head is None or not _continues(head, machine, posting.header, reader.size):
        return void(state, posting)
    entered = replace(
        machine,
        phase=Phase.BLOCK,
        batch=posting.header.number,
        checkpoint=machine.hash,
        payload_end=reader.size,
        blocks_left=head.blocks,
        records_left=head.own,
        bodies_at=head.bodies_at,
        record_at=head.bodies_at,
        records_end=head.bodies_end,
        block_at=head.bodies_end,
        batch_frontier=NO_LEAVES.digest,
    )
    return State(entered, state.tree, state)


def read_block(state: State, look: Look) -> State:
    """Block: the head of the batch's next block is read."""
    machine, entered = state.machine, entry_of(state)
    posting = look.view.posting(machine.batch)
    reader = opened(posting, look)
    first = machine.height == entered.machine.height
    head = read_block_head(reader, machine.block_at, first)
    if head is None or not _fits(head, machine, posting):
        return void(entered, posting)
    origin, origin_hash = head.origin or (machine.origin, machine.origin_hash)
    begun = replace(
        machine,
        phase=Phase.NOTICES,
        time=head.time,
        origin=origin,
        origin_hash=origin_hash,
        base_fee=next_base_fee(machine.base_fee, machine.ordered_gas),
        ordered_gas=Gas(0),
        blocks_left=machine.blocks_left - 1,
        block_at=head.end,
        own_left=head.own,
        forced_left=head.forced,
        room=Gas(0),
        block_frontier=NO_LEAVES.digest,
        block_count=0,
    )
    return replace(state, machine=begun, block_frontier=NO_LEAVES)


def entry_of(state: State) -> State:
    """The state in which the batch was entered."""
    return state if state.entered is None else state.entered


def opened(posting: Posting, look: Look) -> PayloadReader:
    """The payload of a batch that was entered, which therefore has one."""
    look.ranges = []
    return PayloadReader(posting.payload or b"", look.ranges)


def _open(posting: Posting, look: Look) -> PayloadReader | None:
    """A batch's payload, or None where it has none; what is read from now on is noted."""
    look.ranges = []
    return None if posting.payload is None else PayloadReader(posting.payload, look.ranges)


def _continues(head: BatchHead, machine: Machine, header: BatchHeader, size: int) -> bool:
    """Whether a batch says that it follows on the order, and what its header says."""
    follows = head.is_known and (head.first_number, head.parent) == (machine.height + 1, machine.head)
    return follows and head.blocks > 0 and head.own == header.count and head.bodies_end <= size


def _fits(head: BlockHead, machine: Machine, posting: Posting) -> bool:
    """Whether a block's time and origin lie where they may, and its counts within what is left."""
    timely = machine.time <= head.time <= posting.block_time + MOST_CLOCK_SKEW
    origin = machine.origin if head.origin is None else head.origin[0]
    rooted = machine.origin <= origin < posting.block_number
    counted = head.own <= machine.records_left and machine.forced + head.forced <= posting.header.forced_end
    return timely and rooted and counted
