"""The machine gives what the order and its ledger give, whatever L1 holds."""

from hypothesis import given, settings
from hypothesis import strategies as st

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ETHER
from anh_rollup.protocol.derivation import Order
from anh_rollup.protocol.ledger import Charged, Effect
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.state import State, first_state
from anh_rollup.protocol.machine.steps import is_at_rest, step
from anh_rollup.protocol.machine.tree import RELEASED, LedgerTree, account_key, escrow_key
from scripts.generate_vectors.ledger_history import History
from tests.doubles.ledger_story import Story


def folded(history: History) -> State:
    state, last = first_state(history.first), len(history.postings)
    while not is_at_rest(state.machine, last):
        state, _ = step(state, last, history)
    return state


def tree_of(order: Order) -> LedgerTree:
    """The tree of what the order's ledger holds; the escrows that are over have their leaves, too."""
    tree = LedgerTree()
    for address, account in order.ledger.accounts.items():
        tree = tree.update(account_key(address), (account.nonce, account.cleared, account.withdrawn))
    for block, outcomes in zip(order.blocks, order.outcomes, strict=True):
        for (record, _), outcome in zip(block.transactions, outcomes, strict=True):
            if isinstance(outcome, Charged) and outcome.effect is Effect.ORDER:
                tree = tree.update(escrow_key(keccak256(record)), RELEASED)
    for transaction, escrow in order.ledger.escrows.items():
        fields = (int.from_bytes(escrow.payer, "big"), escrow.reward)
        tree = tree.update(escrow_key(transaction), fields)
    return tree


def check(history: History) -> None:
    state, order = folded(history), history.order
    machine, head = state.machine, order.head
    assert machine.phase is Phase.IDLE
    assert (machine.height, machine.head, machine.forced) == (
        head.header.number,
        head.header.hash,
        head.forced_end,
    )
    assert (machine.time, machine.origin, machine.origin_hash, machine.base_fee) == (
        head.header.time,
        head.header.origin_number,
        head.header.origin_hash,
        head.header.base_fee,
    )
    assert machine.ordered_gas == min(head.ordered_gas, 2**64 - 1)
    assert machine.ledger == state.tree.root == tree_of(order).root
    assert order.ledger.held == order.ledger.deposited <= 10 * ETHER


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_machine_ends_where_the_order_does(data: st.DataObject) -> None:
    story = Story(data)
    acts = [story.tell, story.tell, story.force, story.post, story.post, story.post, story.post_forced]
    for _ in range(data.draw(st.integers(3, 12))):
        data.draw(st.sampled_from(acts))()
    check(story.history)
