from collections.abc import Callable
from dataclasses import replace

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ETHER, ZERO_DIGEST
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, next_base_fee
from anh_rollup.protocol.machine.fields import BATCH_FIELDS, Phase
from anh_rollup.protocol.machine.frontier import NO_LEAVES
from anh_rollup.protocol.machine.state import State, first_state
from anh_rollup.protocol.machine.steps import step
from anh_rollup.protocol.machine.tree import RELEASED, account_key, escrow_key
from scripts.generate_vectors.ledger_cases import ordinary, steps_of
from scripts.generate_vectors.ledger_faults import FAULTS, SHOWN_TWICE, finds_fault
from scripts.generate_vectors.ledger_history import ALICE, BOB, CAROL, History, Sealed

#: In which phase each fault shows.
SHOWS_IN = {
    **dict.fromkeys(list(FAULTS)[:8], Phase.IDLE),
    **dict.fromkeys(list(FAULTS)[8:18], Phase.BLOCK),
    **dict.fromkeys(list(FAULTS)[18:23], Phase.READ),
    **dict.fromkeys(list(FAULTS)[23:29], Phase.UNPACK),
    **dict.fromkeys(list(FAULTS)[29:34], Phase.SEAL),
    **dict.fromkeys(list(FAULTS)[34:], Phase.IDLE),
}


def faulty_step(history: History) -> tuple[State, State]:
    """The step that finds a history's last batch void."""
    number = len(history.postings)
    return next((pair for *pair, _ in steps_of(history) if finds_fault(*pair, number)))


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "an entry that no block has"])
def test_a_fault_leaves_nothing_of_a_batch(name: str) -> None:
    history = FAULTS[name]()
    before, after = faulty_step(history)
    assert before.machine.phase is SHOWS_IN[name]
    first = first_state(history.first)
    assert after == replace(first, machine=replace(first.machine, batch=1))
    assert history.order.blocks == []


@pytest.mark.parametrize("name", [*SHOWN_TWICE, "an entry that no block has"])
def test_the_entries_of_a_void_batch_stand_by_themselves(name: str) -> None:
    history = FAULTS[name](forced=name != "an entry that no block has")
    before, after = faulty_step(history)
    entered, posting = before.entered or before, history.postings[-1]
    first = entered.machine
    assert after.machine == replace(
        first,
        phase=Phase.NOTICES,
        batch=first.batch + 1,
        checkpoint=first.hash,
        is_void=True,
        forced_left=1,
        time=posting.block_time,
        origin=posting.block_number,
        origin_hash=posting.header.commitment(),
        base_fee=next_base_fee(first.base_fee, first.ordered_gas),
        ordered_gas=0,
        batch_frontier=keccak256(b""),
        block_frontier=keccak256(b""),
    )
    assert (after.tree, after.entered) == (entered.tree, entered)
    *_, (end, _, _) = steps_of(history)
    assert end.machine.head == history.order.head.header.hash
    assert (end.machine.height, end.machine.forced) == (first.height + 1, 1)


def test_a_batch_is_entered_and_its_blocks_are_read() -> None:
    history = History()
    history.post(Sealed((ALICE.record(), ALICE.record(nonce=1)), origins=1), Sealed(seconds=3))
    states = [state for state, _, _ in steps_of(history)]
    first, entered, begun = (state.machine for state in states[:3])
    assert entered == replace(
        first,
        phase=Phase.BLOCK,
        batch=1,
        checkpoint=first.hash,
        payload_end=len(history.postings[0].payload or b""),
        blocks_left=2,
        records_left=2,
        bodies_at=entered.bodies_at,
        record_at=entered.bodies_at,
        records_end=entered.block_at,
        block_at=entered.payload_end - 53 - 13,
        batch_frontier=NO_LEAVES.digest,
    )
    block = history.order.blocks[0].header
    assert begun == replace(
        entered,
        phase=Phase.NOTICES,
        time=block.time,
        origin=block.origin_number,
        origin_hash=block.origin_hash,
        base_fee=block.base_fee,
        blocks_left=1,
        block_at=entered.block_at + 53,
        own_left=2,
        block_frontier=NO_LEAVES.digest,
    )


@pytest.mark.parametrize("blobs", [False, True])
def test_the_machine_passes_through_every_block_of_the_order(blobs: bool) -> None:
    history = ordinary(blobs)
    heads = [after.machine.head for state, after, _ in steps_of(history) if state.machine.phase is Phase.SEAL]
    assert heads == [block.hash for block in history.order.blocks]


def test_what_belongs_to_a_batch_is_zero_between_two() -> None:
    idle = [state.machine for state, _, _ in steps_of(ordinary(False)) if state.machine.phase is Phase.IDLE]
    assert [machine.batch for machine in idle] == [0, 1, 2, 3]
    assert {getattr(machine, name) for machine in idle for name in BATCH_FIELDS} == {0, ZERO_DIGEST}


def test_the_machine_stands_still_after_the_last_batch() -> None:
    history = History()
    first = first_state(history.first)
    after, look = step(first, 0, history)
    assert after is first
    assert (look.ranges, look.notice, look.touched) == (None, None, [])


def _exit_of_bob(history: History) -> None:
    history.force(BOB.record(to=b"\0" * 18 + b"\x0e\x17", value=ETHER // 2))


def _nothing(_: History) -> None:
    pass


@pytest.mark.parametrize(("act", "withdrawn"), [(_exit_of_bob, ETHER // 2), (_nothing, 0)])
def test_an_exit_is_counted_with_its_account(act: Callable[[History], None], withdrawn: int) -> None:
    history = History()
    history.deposit(BOB.address)
    history.force(b"so that there is a block")
    act(history)
    history.post_forced()
    *_, (state, _, _) = steps_of(history)
    nonce, cleared, out = state.tree.get(account_key(BOB.address)) or ()
    fee = 21_000 * (history.order.head.header.base_fee + 1) if withdrawn else 0
    assert (nonce, cleared, out) == (int(withdrawn > 0), ETHER - withdrawn - fee, withdrawn)


def test_a_released_escrow_keeps_its_leaf() -> None:
    history = ordinary(False)
    *_, (state, _, _) = steps_of(history)
    escrows = [escrow_key(notice.transaction) for notice in history.log if notice.kind > 1]
    assert [state.tree.get(key) for key in escrows] == [RELEASED, RELEASED, RELEASED, None]
    assert state.tree.get(account_key(CAROL)) is not None


def test_a_block_that_forced_transactions_fill_has_no_room_for_others() -> None:
    history = History()
    history.deposit(ALICE.address)
    heavy = {"to": CAROL, "gas": BLOCK_GAS_LIMIT}
    for nonce in (0, 1):
        history.force(ALICE.record(nonce=nonce, **heavy))
    history.mine()
    history.post(Sealed((ALICE.record(nonce=2, to=CAROL),), forced=2, origins=2))
    *_, (state, _, _) = steps_of(history)
    applied = [after.machine for before, after, _ in steps_of(history) if before.machine.phase is Phase.APPLY]
    assert [machine.room for machine in applied] == [
        BLOCK_GAS_LIMIT,
        2 * BLOCK_GAS_LIMIT,
        2 * BLOCK_GAS_LIMIT,
    ]
    assert [machine.ordered_gas for machine in applied] == [0, 0, 21_000]
    assert (state.tree.get(account_key(ALICE.address)) or ())[0] == 2
