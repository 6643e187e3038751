"""How much may wait for L1: so little that a due forced entry never finds more than a batch before it.

The Inbox takes no batch that leaves a due entry of its queue out. Blocks that were signed before an entry
came have to be on L1 before it is due, with the entry's block in the batch behind them; else posting stops
until the queue itself can be posted, and that order is not the one that was signed.
"""

from typing import Final

from anh_rollup.primitives import Seconds

SLOT: Final = 12
"""Seconds between two L1 blocks (Ethereum's; a development chain is faster)."""

SLOTS_PER_BATCH: Final = 2
"""L1 blocks in which a batch gets in: the next one, or the one after at a higher price (choice)."""


def most_unposted(
    force_delay: Seconds, forced_depth: int, post_interval: float, most_batch_bytes: int
) -> int:
    """Bytes of sealed blocks that can be posted in time, whatever comes into the queue.

    Of the delay, the time in which an entry gets into a block goes off; of the rest, one half is spent and
    the other half is for an L1 that is slow. Two neighbouring batches hold more than one batch's bytes
    together, so a batch counts as half full.

    Args:
        force_delay: Seconds after which an entry is due.
        forced_depth: L1 blocks above an entry before a block takes it in, and above that block's origin
            before it is posted.
        post_interval: Seconds between two batches at least.
        most_batch_bytes: Bytes of one batch.

    Returns:
        At least one batch: less could not hold every transaction.
    """
    left = force_delay - SLOT * (2 * forced_depth + 1)
    batches = int(left / 2 / (SLOT * SLOTS_PER_BATCH + post_interval))
    return max(most_batch_bytes, batches * most_batch_bytes // 2)
