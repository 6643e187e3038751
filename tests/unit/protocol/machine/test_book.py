from anh_rollup.primitives import Address, Digest
from anh_rollup.protocol.ledger import EMPTY_ACCOUNT, Account
from anh_rollup.protocol.machine.book import Book
from anh_rollup.protocol.machine.tree import RELEASED, LedgerTree, account_key, escrow_key

ALICE, BOB = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
JOB = Digest(b"\x0c" * 32)


def test_what_was_written_is_read_again() -> None:
    book = Book(LedgerTree())
    assert book.account(ALICE) == EMPTY_ACCOUNT
    book.write(ALICE, Account(1, 2, 3))
    assert book.account(ALICE) == Account(1, 2, 3)
    assert book.tree == LedgerTree().update(account_key(ALICE), (1, 2, 3))


def test_a_credit_leaves_nonce_and_withdrawals_alone() -> None:
    book = Book(LedgerTree())
    book.write(ALICE, Account(1, 2, 3))
    book.credit(ALICE, 40)
    assert book.account(ALICE) == Account(1, 42, 3)


def test_a_credit_of_nothing_writes_the_account_all_the_same() -> None:
    book = Book(LedgerTree())
    book.credit(BOB, 0)
    assert book.tree.get(account_key(BOB)) == (0, 0, 0)


def test_an_escrow_ends_once() -> None:
    book = Book(LedgerTree())
    book.lock(JOB, ALICE, 9)
    book.release(JOB, BOB)
    book.release(JOB, ALICE)
    book.release(JOB)
    assert (book.account(ALICE), book.account(BOB)) == (EMPTY_ACCOUNT, Account(0, 9, 0))
    assert book.tree.get(escrow_key(JOB)) == RELEASED


def test_an_escrow_goes_back_to_its_payer_where_nobody_else_gets_it() -> None:
    book = Book(LedgerTree())
    book.lock(JOB, ALICE, 9)
    book.release(JOB)
    assert book.account(ALICE) == Account(0, 9, 0)


def test_each_touch_is_noted_with_the_tree_in_which_it_was() -> None:
    book = Book(LedgerTree())
    book.lock(JOB, ALICE, 9)
    locked = book.tree
    book.release(JOB, BOB)
    released = locked.update(escrow_key(JOB), RELEASED)
    assert book.touched == [
        (escrow_key(JOB), LedgerTree()),
        (escrow_key(JOB), locked),
        (account_key(BOB), released),
    ]
