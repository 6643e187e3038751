"""From the pool into the block under construction, and back: whose turn has come, and what can have one."""

from collections.abc import Callable, Sequence
from typing import Final

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import Address
from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.sequencer.construction import Construction
from anh_rollup.sequencer.pool import Pool, Pooled

PASSING: Final = (RejectReason.BLOCK_FULL, RejectReason.BACKLOG_FULL, RejectReason.BLOCK_GAS)
"""Why a transaction whose turn has come goes on waiting: the next block may have room for it."""

Accept = Callable[[bytes, SignedTransaction], None]
"""Notes that a record, with its transaction, was put into the block under construction."""


def let_wait(pool: Pool, building: Construction, pooled: Pooled) -> None:
    """Keeps a transaction whose nonce is ahead until its turn comes.

    Raises:
        RejectedError: It is none that could have a turn, or there is no room.
    """
    transaction = pooled.transaction
    pool.require_replaceable(transaction)
    others = pool.cost(transaction.sender, but=transaction.nonce)
    building.require_possible(pooled.record, transaction, others)
    pool.add(pooled)


def promote(pool: Pool, building: Construction, senders: Sequence[Address], accept: Accept) -> None:
    """Puts what waits and whose turn has come into the block under construction, where it has room.

    What can have no turn any more is forgotten: its nonce is used, or its cover is spent.
    """
    for sender in senders:
        while (pooled := pool.first(sender)) is not None:
            ahead = pooled.transaction.nonce - building.ledger.account(sender).nonce
            if ahead > 0 or (ahead == 0 and not _take_turn(building, pooled, accept)):
                break
            pool.remove(pooled.transaction.hash)


def _take_turn(building: Construction, pooled: Pooled, accept: Accept) -> bool:
    """Whether a transaction need not wait any more: it is in the block now, or can be in none."""
    if pooled.transaction.max_fee < building.terms.base_fee:
        return False
    try:
        building.admit(pooled.record, pooled.transaction)
    except RejectedError as error:
        return error.reason not in PASSING
    accept(pooled.record, pooled.transaction)
    return True
