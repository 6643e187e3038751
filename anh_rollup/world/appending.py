"""What a block adds to the order: the ledger is folded, writers are noted, nothing is executed."""

from collections.abc import Sequence

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import Wei
from anh_rollup.protocol.derivation import L2Block, OrderedTransaction
from anh_rollup.protocol.ledger import BlockTerms, Charged, Effect, Ledger, Origin, WatchedAccounts
from anh_rollup.protocol.publications import ordered_publication
from anh_rollup.world.answers import Kind
from anh_rollup.world.dependencies import items_written
from anh_rollup.world.order_store import BlockRows, Ordered
from anh_rollup.world.position import Position
from anh_rollup.world.runs import run_of
from anh_rollup.world.strict import is_strict


def fold(ledger: Ledger, accounts: WatchedAccounts, block: L2Block, origins: Sequence[Origin]) -> BlockRows:
    """Folds a block into a ledger.

    Args:
        ledger: Behind the block before; changed in place.
        accounts: Its accounts.
        block: The block.
        origins: What L1 brings.
    """
    rows, held, first = BlockRows(), set(ledger.escrows), Position(block.number).key
    accounts.take()
    for origin in origins:
        ledger.apply_origin(origin)
    rows.closed = [job for job in held if job not in ledger.escrows]
    rows.accounts = [(first, *each) for each in accounts.take()]
    terms = BlockTerms(block.header.base_fee, forced=block.forced)
    for key, ordered in enumerate(block.transactions, start=first + 1):
        _fold_next(ledger, rows, key, ordered, terms)
        rows.accounts += [(key, *each) for each in accounts.take()]
    return rows


def _fold_next(
    ledger: Ledger, rows: BlockRows, key: int, ordered: OrderedTransaction, terms: BlockTerms
) -> None:
    record, transaction = ordered
    outcome = ledger.apply(record, transaction, terms)
    if transaction is None or not isinstance(outcome, Charged):
        rows.ordered.append((key, Ordered(Kind.SKIPPED, 0, 0, 0, None, b"")))
        return
    strict, kept = None, b""
    if outcome.effect is Effect.PREPAID:
        strict, kept = is_strict(transaction.access_list), record
        published = ordered_publication(transaction)
        if published is not None:
            rows.published.append((key, *published))
    elif outcome.effect is Effect.ORDER:
        job = keccak256(record)
        rows.opened.append((key, job, ledger.escrows[job]))
    if strict:
        rows.writers += _writers(transaction, key, terms.base_fee)
    kind = Kind(outcome.effect.value)
    rows.ordered.append((key, Ordered(kind, outcome.gas, outcome.price, outcome.covered, strict, kept)))


def _writers(transaction: SignedTransaction, key: int, base_fee: Wei) -> list[tuple[bytes, int]]:
    return [(item, key) for item in items_written(run_of(transaction, base_fee))]
