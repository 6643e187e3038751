"""How earned money leaves the L2: the exit, and what L1 pays against a final ledger claim."""

from threading import Thread
from typing import Final

from anh_rollup.client.cashier import Cashier, WithdrawalWish
from anh_rollup.client.exiting import send_exit
from anh_rollup.client.ordering import batch_on_l1
from anh_rollup.client.withdrawing import NotClaimedError, NotFinalError
from anh_rollup.client.wording import short, show_ether
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blobs import load_trusted_setup
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import ETHER
from scripts.story.acts import HONEST, PATIENCE
from scripts.story.stage import Stage

#: What the honest accountant takes out of the L2: half of its first reward.
TAKEN: Final = ETHER // 2


def take_out(stage: Stage) -> None:
    """Act 5: the honest accountant takes some of its pay out of the L2, as any account can."""
    stage.act(f"5. The honest accountant takes {show_ether(TAKEN, 2)} of its pay out of the L2")
    customer = stage.network.customer(HONEST)
    placed = send_exit(customer, TAKEN, stage.say)
    # Takes seconds, and is needed at the end: while others work it costs nobody time.
    Thread(target=load_trusted_setup, daemon=True).start()
    number = stage.until("the exit's batch", lambda: batch_on_l1(customer, placed), PATIENCE)
    stage.say(f"L1 holds the exit in batch {number}; L1 will pay when a claim about the ledger is final")


def paid_out(stage: Stage) -> None:
    """Act 7: L1 pays, against a ledger claim that nobody refuted; the proof is made from L1 alone."""
    stage.act(f"7. L1 pays the {show_ether(TAKEN, 2)}, against a final claim about the ledger")
    network, client = stage.network, stage.view.client
    deployment, inbox = network.deployment, stage.view.contracts.inbox.address
    view, before = LedgerView(deployment, client, BatchDataReader(client)), client.balance(inbox)
    sender = TransactionSender(client, network.accounts["user"])
    cashier = Cashier(view, sender, stage.address(HONEST), stage.say)
    stage.until("a final ledger claim", lambda: _pay(cashier), PATIENCE)
    view.refresh()
    final = view.final()
    what = "the ledger claim that it was paid against"
    stage.require(f"{what} is true and final", True, final is not None)
    stage.checked(what, "none" if final is None else short(final.identifier))
    stage.require("wei that L1 has paid the honest accountant", TAKEN, view.paid(stage.address(HONEST)))
    stage.require("wei that have left the Inbox", TAKEN, before - client.balance(inbox))


def _pay(cashier: Cashier) -> int | None:
    """Withdraws where that is possible now; None where a claim is not there, or not final yet."""
    try:
        return cashier.run(WithdrawalWish())
    except (NotClaimedError, NotFinalError):
        return None
