"""The steps that change the ledger: what L1 tells it, and transactions."""

from dataclasses import replace

from anh_rollup.encoding.checks import UINT64_MOST
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import ZERO_DIGEST, Digest, Gas
from anh_rollup.protocol.ledger import (
    BlockTerms,
    Charged,
    Effect,
    LedgerRules,
    Skipped,
    decode_or_none,
    outcome_of,
)
from anh_rollup.protocol.machine.book import Book
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.state import Look, State
from anh_rollup.protocol.machine.view import Notice, NoticeKind


def take_notice(state: State, look: Look) -> State:
    """Notices: the next entry of the log up to the block's origin, or the block's transactions begin."""
    machine = state.machine
    look.notice = look.view.notice(machine.notices)
    if look.notice is None or look.notice.block_number > machine.origin:
        return replace(state, machine=replace(machine, phase=_next_phase(machine)))
    book = Book(state.tree, look.touched)
    _fold(book, look.notice)
    folded = replace(machine, ledger=book.tree.root, notices=machine.notices + 1)
    return replace(state, machine=folded, tree=book.tree)


def apply(state: State, look: Look) -> State:
    """Apply: the transaction that was read moves money, or is skipped."""
    machine, rules = state.machine, look.view.rules
    transaction = decode_or_none(state.record, rules.chain_id)
    book, ordered, room = Book(state.tree, look.touched), machine.ordered_gas, machine.room
    if transaction is not None:
        if not machine.pending_forced:
            ordered = Gas(min(ordered + transaction.gas_limit, UINT64_MOST))
        if _charge(book, machine, transaction, rules):
            room = Gas(room + transaction.gas_limit)
    applied = replace(
        machine,
        phase=_next_phase(machine),
        ledger=book.tree.root,
        ordered_gas=ordered,
        room=room,
        pending=ZERO_DIGEST,
        pending_forced=False,
    )
    return replace(state, machine=applied, tree=book.tree, record=b"")


def _next_phase(machine: Machine) -> Phase:
    return Phase.READ if machine.own_left or machine.forced_left else Phase.SEAL


def _fold(book: Book, notice: Notice) -> None:
    if notice.kind is NoticeKind.DEPOSIT:
        book.credit(notice.account, notice.amount)
    elif notice.kind is NoticeKind.PAYOUT:
        book.release(notice.transaction, notice.account)
    elif notice.kind is NoticeKind.LAPSE:
        book.release(notice.transaction)


def _charge(book: Book, machine: Machine, transaction: SignedTransaction, rules: LedgerRules) -> bool:
    """Moves a transaction's money; False where it is skipped."""
    sender, before = transaction.sender, book.account(transaction.sender)
    terms = BlockTerms(machine.base_fee, machine.room, int(machine.pending_forced))
    outcome = outcome_of(transaction, before, terms)
    if isinstance(outcome, Skipped):
        return False
    book.write(sender, before.after(outcome))
    _settle(book, machine.pending, transaction, outcome, rules)
    return True


def _settle(
    book: Book, pending: Digest, transaction: SignedTransaction, charged: Charged, rules: LedgerRules
) -> None:
    """Gives what the sender has paid to whom it belongs; what was prepaid or withdrawn is nobody's here."""
    if charged.effect is Effect.PREPAID:
        return
    book.credit(rules.fee_recipient, charged.fee)
    if charged.effect is Effect.TRANSFER and transaction.to is not None:
        book.credit(transaction.to, transaction.value)
    elif charged.effect is Effect.ORDER:
        book.lock(pending, transaction.sender, transaction.value)
