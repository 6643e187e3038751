"""A machine with what its hashes stand for, and what one step looks at."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from anh_rollup.encoding.batches import Header
from anh_rollup.primitives import Digest, Gas, Seconds
from anh_rollup.protocol.derivation import Posting
from anh_rollup.protocol.fees import next_base_fee
from anh_rollup.protocol.machine.drafts import NOTHING_DRAFTED, Drafted
from anh_rollup.protocol.machine.fields import BATCH_FIELDS, Machine, Phase, first_machine
from anh_rollup.protocol.machine.frontier import NO_LEAVES, Frontier
from anh_rollup.protocol.machine.tree import LedgerTree
from anh_rollup.protocol.machine.view import Notice, View


@dataclass(frozen=True, slots=True)
class State:
    """A machine, and the preimages of its hashes.

    Attributes:
        machine: The fields.
        tree: Of its `ledger`.
        entered: Of its `checkpoint`; None while it is idle.
        batch_frontier: Of its `batch_frontier`.
        block_frontier: Of its `block_frontier`.
        record: Of its `pending` in phase Apply; nothing otherwise.
        drafted: Of its `pending` in phases Gather and Unpack; nothing otherwise.
    """

    machine: Machine
    tree: LedgerTree
    entered: "State | None" = None
    batch_frontier: Frontier = NO_LEAVES
    block_frontier: Frontier = NO_LEAVES
    record: bytes = b""
    drafted: Drafted = NOTHING_DRAFTED


@dataclass(slots=True)
class Look:
    """What one step looked at.

    Attributes:
        view: What L1 holds.
        ranges: Starts and ends of what was read of the payload; None where none was opened.
        notice: The next entry of the log, where one was asked for and is there.
        touched: Keys of the tree in order, each with the tree in which it was looked up.
    """

    view: View
    ranges: list[tuple[int, int]] | None = None
    notice: Notice | None = None
    touched: list[tuple[Digest, LedgerTree]] = field(default_factory=list)


_IDLE: Final[dict[str, Any]] = {
    each.name: each.default for each in fields(Machine) if each.name in BATCH_FIELDS
}


def first_state(genesis: Header) -> State:
    """The state before the first batch."""
    return State(first_machine(genesis), LedgerTree())


def idle(machine: Machine, tree: LedgerTree) -> State:
    """A machine between two batches."""
    return State(replace(machine, phase=Phase.IDLE, **_IDLE), tree)


def void(entered: State, posting: Posting) -> State:
    """What is left of a batch that does not count: as it was entered, but for the entries that it consumed.

    Args:
        entered: The state in which the batch was entered.
        posting: The batch.
    """
    before, header = entered.machine, posting.header
    entries = header.forced_end - before.forced
    if not entries:
        return replace(entered, machine=replace(before, batch=header.number))
    machine = replace(
        before,
        phase=Phase.NOTICES,
        batch=header.number,
        time=Seconds(max(posting.block_time, before.time)),
        origin=posting.block_number,
        origin_hash=header.commitment(),
        base_fee=next_base_fee(before.base_fee, before.ordered_gas),
        ordered_gas=Gas(0),
        checkpoint=before.hash,
        is_void=True,
        forced_left=entries,
        batch_frontier=NO_LEAVES.digest,
        block_frontier=NO_LEAVES.digest,
    )
    return State(machine, entered.tree, entered)
