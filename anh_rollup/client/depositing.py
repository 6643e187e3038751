"""Bringing ether from L1 to the L2."""

from anh_rollup.client.l2 import L2Client
from anh_rollup.client.ordering import Report, wait_for
from anh_rollup.client.wording import show_ether
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import Wei


def make_deposit(
    sender: TransactionSender, inbox: Inbox, l2: L2Client | None, wei: Wei, report: Report
) -> None:
    """Deposits for the sender's own account.

    Args:
        sender: Who pays.
        inbox: The contract.
        l2: Where to wait for it; None for not at all.
        wei: How much.
        report: Told each step in a line.

    Raises:
        AnhError: L1 refuses, or the L2 does not have it in time.
    """
    before = 0 if l2 is None else l2.cleared(sender.address)
    receipt = sender.send(inbox.deposit(sender.address, wei))
    where = f"by L1 transaction 0x{receipt.transaction.hex()}"
    report(f"{show_ether(wei, 6)} are deposited for {sender.address} {where}")
    if l2 is not None:
        cleared = wait_for("the deposit on the L2", lambda: _above(l2.cleared(sender.address), before))
        report(f"the account has {show_ether(cleared, 6)} of cleared money on the L2 now")


def _above(cleared: int, before: int) -> int | None:
    """The money, where it is more than before."""
    return cleared if cleared > before else None
