"""How a role's command wires who claims the ledger, or checks it."""

from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.l1.inbox_reader import InboxReader
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.ledger_player.service import LedgerPlayer
from anh_rollup.ledger_player.strategy import Policy
from anh_rollup.node import PollingService


def ledger_service(
    role: str, chain: LedgerDisputes, reader: InboxReader, policy: Policy, interval: float
) -> PollingService:
    """The loop of a player of ledger claims.

    Args:
        role: The role that it belongs to.
        chain: The disputes on L1, and the account.
        reader: What L1 holds of the order.
        policy: What it is there for.
        interval: Seconds between two rounds.
    """
    player = LedgerPlayer(chain, reader, policy)
    return PollingService(f"{role}: ledger", player.play, interval, (TransientL1Error,), player.close)
