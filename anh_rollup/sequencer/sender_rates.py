"""How fast one sender may send: so many transactions and bytes a second, and a burst of them at once."""

from dataclasses import dataclass, field
from typing import Final

from anh_rollup.primitives import Address
from anh_rollup.protocol.admission import RejectedError, RejectReason

BURST_SECONDS: Final = 10.0
"""A sender that was silent for so long may send what the rate allows for as long, at once (choice)."""

MOST_SENDERS: Final = 100_000
"""Senders that are remembered (choice: some ten megabytes); the one silent for longest is forgotten."""


@dataclass(frozen=True, slots=True)
class SenderLimits:
    """What one sender may send.

    Attributes:
        transactions: A second, on average.
        size: Bytes of transactions a second, on average.
    """

    transactions: int = 500
    size: int = 1 << 20


@dataclass(slots=True)
class SenderRates:
    """When each sender may send its whole burst again.

    Attributes:
        limits: What each may send.
    """

    limits: SenderLimits
    _full_at: dict[Address, float] = field(default_factory=dict)

    def take(self, sender: Address, size: int, now: float) -> None:
        """Counts a transaction of so many bytes.

        Raises:
            RejectedError: The sender is too fast; it does not count then.
        """
        known, limits = self._full_at, self.limits
        full_at = known.pop(sender, now)
        if not now <= full_at <= now + BURST_SECONDS:  # it is over, or the clock was put back
            full_at = now
        after = full_at + max(1 / limits.transactions, size / limits.size)
        allowed = after <= now + BURST_SECONDS
        known[sender] = after if allowed else full_at
        if len(known) > MOST_SENDERS:
            del known[next(iter(known))]
        if not allowed:
            detail = f"{self.limits.transactions} transactions and {self.limits.size} bytes a second"
            raise RejectedError(RejectReason.SENDER_RATE, detail)
