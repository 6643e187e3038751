"""The step that ends a block, and with a batch's last block the batch."""

from dataclasses import replace

from anh_rollup.encoding.batches import EMPTY_TRIE_ROOT, BatchHeader, Header
from anh_rollup.primitives import BlockNumber
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.reading import entry_of
from anh_rollup.protocol.machine.state import Look, State, idle, void


def seal(state: State, look: Look) -> State:
    """Seal: the block under construction becomes the last one."""
    head = header_of(state)
    machine = replace(state.machine, height=head.number, head=head.hash)
    if machine.is_void:
        return idle(machine, state.tree)
    if machine.blocks_left:
        return replace(state, machine=replace(machine, phase=Phase.BLOCK))
    posting = look.view.posting(machine.batch)
    if _is_complete(state, machine, posting.header):
        return idle(machine, state.tree)
    return void(entry_of(state), posting)


def header_of(state: State) -> Header:
    """The header of the block under construction."""
    machine = state.machine
    root = state.block_frontier.root if machine.block_count else EMPTY_TRIE_ROOT
    return Header(
        number=BlockNumber(machine.height + 1),
        parent=machine.head,
        time=machine.time,
        origin_number=machine.origin,
        origin_hash=machine.origin_hash,
        transactions_root=root,
        gas_limit=BLOCK_GAS_LIMIT,
        base_fee=machine.base_fee,
    )


def _is_complete(state: State, machine: Machine, header: BatchHeader) -> bool:
    """Whether all of a batch was read, and its transactions are those of its header."""
    ends = (machine.record_at, machine.block_at) == (machine.records_end, machine.payload_end)
    consumed = machine.records_left == 0 and machine.forced == header.forced_end
    return ends and consumed and state.batch_frontier.root == header.transactions_root
