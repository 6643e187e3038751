"""Every lie about the ledger against an honest challenger, on a real chain: how it falls, and its price.

A liar is the honest player with one corrupted step: all that follows is folded rightly from there.
"""

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from anh_rollup.encoding.batches import decode_batch
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState
from anh_rollup.ledger_player.strategy import latest_own
from anh_rollup.primitives import L2_CHAIN_ID, Address
from anh_rollup.protocol.ledger import Account, decode_or_none
from anh_rollup.protocol.machine.book import Book
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.sealing import header_of
from anh_rollup.protocol.machine.state import idle, void
from anh_rollup.protocol.machine.steps import is_at_rest, step
from anh_rollup.protocol.machine.trace import Trace
from anh_rollup.protocol.machine.tree import RELEASED, escrow_key
from anh_rollup.protocol.machine.view import NoticeKind
from tests.doubles.ordering import record_of
from tests.scenarios.ledger_world import ALICE, BOB, CAROL, CHECKING, CLAIMING, LONG, ORDER, LedgerWorld
from tests.scenarios.world import ETHER

THIEF = Address(b"\x66" * 20)

#: A game may take each side so many moves, and the honest one so much gas.
MOST_MOVES, MOST_GAS = 6, 2_000_000


class LyingTrace(Trace):
    """A trace in which one step is not as it should be."""

    def __init__(self, lie, base, last, view):
        self._lie = lie
        super().__init__(base, last, view)

    def _run(self, state):
        told = False
        while not is_at_rest(state.machine, self._last):
            before = state
            state, look = step(before, self._last, self._view)
            wrong = None if told else self._lie(before, state, look)
            if wrong is not None:
                state, told = wrong, True
            self._hashes += state.machine.hash
        assert told, "there was nothing to lie about"
        return state


class ShortTrace(Trace):
    """A trace that leaves a machine out."""

    def _run(self, state):
        end = super()._run(state)
        del self._hashes[32 * 7 : 32 * 8]
        return end


class LongTrace(Trace):
    """A trace that goes on where it should stand still, and comes back."""

    def _run(self, state):
        end = super()._run(state)
        self._hashes += keccak256(b"somewhere else") + end.machine.hash
        return end


# --- lies: from a step's states before and after, and what was looked at, to a wrong state; None goes on ---


def _written(state, change):
    """A state with a change of its ledger."""
    book = Book(state.tree)
    change(book)
    return replace(state, tree=book.tree, machine=replace(state.machine, ledger=book.tree.root))


def _about_transaction(change, wallet=None, counts=True):
    """A lie about the first transaction that counts, or is skipped, of a wallet or of anybody."""

    def lie(before, after, _look):
        if before.machine.phase is not Phase.APPLY or (before.tree.root != after.tree.root) != counts:
            return None
        transaction = decode_or_none(before.record, L2_CHAIN_ID)
        if wallet is not None and transaction.sender != wallet.address:
            return None
        return change(transaction, before, after)

    return lie


def _nonce(transaction, _before, after):
    account = Book(after.tree).account(transaction.sender)
    kept = account._replace(nonce=account.nonce - 1)
    return _written(
        after, lambda book: (book.account(transaction.sender), book.write(transaction.sender, kept))
    )


def _amount(transaction, _before, after):
    return _written(after, lambda book: book.credit(transaction.to, 1))


def _counted(transaction, _before, after):
    return _written(after, lambda book: book.credit(transaction.to, transaction.value))


def _skipped(_transaction, before, after):
    kept = replace(after.machine, ledger=before.machine.ledger, room=before.machine.room)
    return replace(after, tree=before.tree, machine=kept)


def _signature(transaction, before, after):
    """Somebody else pays: as if the signature were his."""

    def change(book):
        own, other = Book(before.tree).account(transaction.sender), book.account(BOB.address)
        book.write(
            BOB.address, other._replace(nonce=other.nonce + 1, cleared=other.cleared - transaction.value)
        )
        book.account(transaction.sender)
        book.write(transaction.sender, own)

    return _written(after, change)


def _exit(_transaction, _before, after):
    stolen = Account(0, 0, ETHER)
    return _written(after, lambda book: (book.account(THIEF), book.write(THIEF, stolen)))


def _swapped(before, after, look):
    """The second transaction of a batch is read first."""
    if before.machine.phase is not Phase.READ or before.machine.forced_left or not look.ranges:
        return None
    other = decode_batch(look.view.posting(before.machine.batch).payload).records[1]
    return replace(after, record=other, machine=replace(after.machine, pending=keccak256(other)))


def _left_out(before, after, _look):
    """Something else stands for an entry of the queue."""
    if before.machine.phase is not Phase.READ or not before.machine.forced_left:
        return None
    return replace(after, record=b"-", machine=replace(after.machine, pending=keccak256(b"-")))


def misread(size):
    """A lie about what a record of so many bytes is, which was read in parts."""

    def lie(before, after, _look):
        if before.machine.phase is not Phase.UNPACK or len(after.record) < size:
            return None
        return replace(after, record=b"-", machine=replace(after.machine, pending=keccak256(b"-")))

    return lie


def other_part(start):
    """A lie about a part of a record, so many bytes behind its begin or more."""

    def lie(before, after, _look):
        size = len(after.drafted.packed) - len(before.drafted.packed)
        if before.machine.phase is not Phase.GATHER or len(before.drafted.packed) < start:
            return None
        return drafted_as(after, before.drafted.with_part(b"-" * size))

    return lie


def drafted_as(state, drafted):
    """A state with another draft."""
    return replace(state, drafted=drafted, machine=replace(state.machine, pending=drafted.draft.digest))


def _told(change, is_possible=lambda _tree: True):
    """A lie about a notice that is not there."""

    def lie(before, _after, _look):
        if before.machine.phase is not Phase.NOTICES or not is_possible(before.tree):
            return None
        wrong = _written(before, change)
        return replace(wrong, machine=replace(wrong.machine, notices=wrong.machine.notices + 1))

    return lie


def _in_escrow(tree):
    return tree.get(escrow_key(ORDER_ID)) not in (None, RELEASED)


def _doubled(before, after, look):
    notice = look.notice
    if before.tree is after.tree or notice is None or notice.kind is not NoticeKind.DEPOSIT:
        return None
    return _written(after, lambda book: book.credit(notice.account, notice.amount))


def _in_phase(phase, **changes):
    """A lie about fields of the machine behind the first step of a phase."""

    def lie(before, after, _look):
        if before.machine.phase is not phase:
            return None
        wrong = {name: change(getattr(after.machine, name)) for name, change in changes.items()}
        return replace(after, machine=replace(after.machine, **wrong))

    return lie


def _taken(number):
    """A lie about a void batch: that its transactions root is that of its bytes."""

    def lie(before, _after, _look):
        if before.machine.phase is not Phase.SEAL or before.machine.batch != number:
            return None
        head = header_of(before)
        return idle(replace(before.machine, height=head.number, head=head.hash), before.tree)

    return lie


def _voided(before, after, look):
    """A lie about a batch that counts."""
    if before.machine.phase is not Phase.SEAL or after.machine.phase is not Phase.IDLE:
        return None
    return void(before.entered, look.view.posting(before.machine.batch))


ORDER_ID = keccak256(record_of(ORDER))

#: What makes the trace of each liar.
LIES = {
    **{
        name: partial(LyingTrace, lie)
        for name, lie in {
            "ledger-nonce": _about_transaction(_nonce, ALICE),
            "ledger-cover": _about_transaction(_counted, CAROL, counts=False),
            "ledger-signature": _about_transaction(_signature, ALICE),
            "ledger-amount": _about_transaction(_amount),
            "ledger-order-of-two": _swapped,
            "ledger-skipped-one-counted": _about_transaction(_counted, ALICE, counts=False),
            "ledger-valid-one-skipped": _about_transaction(_skipped, ALICE),
            "ledger-payout-invented": _told(lambda book: book.release(ORDER_ID, THIEF), _in_escrow),
            "ledger-lapse-invented": _told(lambda book: book.release(ORDER_ID), _in_escrow),
            "ledger-deposit-invented": _told(lambda book: book.credit(THIEF, ETHER)),
            "ledger-deposit-doubled": _doubled,
            "ledger-exit-invented": _about_transaction(_exit),
            "ledger-base-fee": _in_phase(Phase.BLOCK, base_fee=lambda fee: fee - 1),
            "ledger-block-hash": _in_phase(Phase.SEAL, head=keccak256),
            "ledger-forced-one-left-out": _left_out,
            "ledger-long-record": misread(len(LONG)),
            "ledger-part-of-a-record": other_part(len(LONG) // 2),
            "ledger-valid-batch-void": _voided,
            "ledger-wrong-root-in-blob": _taken(4),
            "ledger-wrong-root-in-calldata": _taken(5),
        }.items()
    },
    "ledger-machine-left-out": ShortTrace,
    "ledger-no-end": LongTrace,
}

#: Lies that stand for the others where time is short: by a blob, by calldata, and about the trace itself.
FEW = (
    "ledger-signature",
    "ledger-deposit-invented",
    "ledger-wrong-root-in-blob",
    "ledger-wrong-root-in-calldata",
    "ledger-no-end",
)


@dataclass(frozen=True)
class Cost:
    """What a side of a game did: moves, gas of all its calls, wei won without the gas."""

    moves: int
    gas: int
    gain: int


@dataclass(frozen=True)
class Outcome:
    """How a lie fell."""

    lie: str
    steps: int
    liar: Cost
    challenger: Cost


def play_lie(world, name, most_gas=MOST_GAS):
    """Plays one lie to its end, in a world that has had others.

    Raises:
        AssertionError: The lie is not refuted, or at too high a price.
    """
    liar = world.player(f"liar {name}", CLAIMING, LIES[name])
    challenger = world.player(f"challenger {name}", CHECKING)
    before = [world.held(each) for each in (liar, challenger)]
    try:
        world.play([liar, challenger], lambda: _is_over(world, liar, challenger))
    finally:
        for each in (liar, challenger):
            each.close()
    claim = latest_own(liar.chain.docket, liar.chain.address).claim
    costs = [_cost(world, role, start) for role, start in zip((liar, challenger), before, strict=True)]
    assert all(each.moves <= MOST_MOVES for each in costs), f"it took {costs}"
    assert costs[1].gas <= most_gas, f"it took {costs}"
    return Outcome(name, claim.steps, *costs)


def _is_over(world, liar, challenger):
    liar.policy = replace(liar.policy, claim_every=None)  # one lie is enough
    challenger.chain.refresh()
    own = latest_own(challenger.chain.docket, liar.chain.address)
    assert own is None or own.state is not LedgerClaimState.FINAL, "the lie became final"
    return own is not None and own.state is LedgerClaimState.REFUTED


def _cost(world, player, start):
    calls, spending = player.chain.spending.calls, player.chain.spending
    moves = sum(calls.get(name, 0) for name in ("open", "reveal", "choose", "prove"))
    return Cost(moves, spending.gas, world.held(player) + spending.cost - start)


HEAD = (
    f"{'':<36}{'liar':>26}{'challenger':>26}\n"
    f"{'lie about the ledger':<30}{'steps':>6}" + f"{'moves':>6}{'gas':>12}{'ETH':>8}" * 2
)


def row(outcome):
    """One line of the table."""
    sides = "".join(
        f"{side.moves:>6}{side.gas:>12,}{side.gain / ETHER:>+8.2f}"
        for side in (outcome.liar, outcome.challenger)
    )
    return f"{outcome.lie:<30}{outcome.steps:>6}{sides}"


@contextmanager
def eventful_world():
    """A world in which every lie has something to be about; in the end it is known where the ether is.

    Raises:
        AssertionError: Wei came or went.
    """
    world = LedgerWorld()
    try:
        world.eventful()
        yield world
        world.check_ether()
    finally:
        world.chain.close()


def play_lies(names):
    """Plays lies one after the other on one chain; for each its line of the table, and whether it fell."""
    with eventful_world() as world:
        for name in names:
            try:
                outcome = play_lie(world, name)
            except AssertionError as error:
                yield f"{name:<30}NOT REFUTED: {error}", False
            else:
                yield row(outcome), True
