"""Taking ether out of the L2: the exit itself, through the sequencer, or past it through L1's queue."""

from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_canonical_address

from anh_rollup.client.ordering import PRICE_MARGIN, Customer, PlacedOrder, Report, send_order, sign
from anh_rollup.client.wording import show_ether, show_time
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.inbox import Forced, Inbox
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import Address, ChainId, Seconds, Wei
from anh_rollup.protocol.fees import TRANSFER_GAS, next_base_fee
from anh_rollup.protocol.ledger import EXIT_ADDRESS, Ledger, decode_or_none, fold_block

#: How many times the base fee a forced exit offers at most (choice): hours may pass until it is ordered, and
#: only what is needed is paid.
FORCED_MARGIN: Final = 16


class ExitFundsError(AnhError):
    """An account without the cleared money for an exit and its fee; nothing was sent.

    Attributes:
        address: The account.
        needed: Wei that the exit and the most that its fee can be need.
        cleared: Cleared wei that the account has.
    """

    def __init__(self, address: str, needed: int, cleared: int) -> None:
        super().__init__(
            f"{address} has {show_ether(cleared, 6)} of cleared money on the L2; the exit and its fee need "
            f"{show_ether(needed, 6)}",
            remedy="Take out less, or `all`, or bring more with `anh deposit`; what execution gave the "
            "account is not cleared: docs/ledger.md.",
        )
        self.address, self.needed, self.cleared = address, needed, cleared


class NothingOverdueError(AnhError):
    """No forced transaction has waited so long that anybody may put the queue into the order.

    Attributes:
        free_at: L1 time from which on the oldest one may; None where the queue is empty.
    """

    def __init__(self, free_at: Seconds | None) -> None:
        waits = "no forced transaction waits on L1"
        if free_at is not None:
            waits = f"the sequencer has time for the oldest forced transaction until {show_time(free_at)}"
        remedy = (
            "Queue one with `anh exit --force`." if free_at is None else "Wait until then; L1's clock counts."
        )
        super().__init__(waits, remedy=remedy)
        self.free_at = free_at


@dataclass(frozen=True, slots=True)
class Means:
    """What an account can exit with.

    Attributes:
        nonce: Of its next transaction.
        cleared: Wei.
        price: Most wei a gas that the exit offers.
        chain_id: The L2's.
    """

    nonce: int
    cleared: int
    price: int
    chain_id: ChainId

    @property
    def most_fee(self) -> int:
        """Most wei that the exit's fee can be."""
        return TRANSFER_GAS * self.price


def sign_exit(account: LocalAccount, amount: int | None, means: Means) -> tuple[bytes, int]:
    """A signed exit, and the wei that it takes out.

    Args:
        account: Whose money.
        amount: Wei; None for all that the fee leaves.
        means: What the account has.

    Raises:
        ExitFundsError: It has too little.
    """
    value = max(means.cleared - means.most_fee, 0) if amount is None else amount
    needed = max(value, 1) + means.most_fee
    if means.cleared < needed:
        raise ExitFundsError(str(account.address), needed, means.cleared)
    to = {"chainId": means.chain_id, "nonce": means.nonce, "to": EXIT_ADDRESS}
    return sign(account, means.price, **to, value=value, data=b"", gas=TRANSFER_GAS), value


def send_exit(customer: Customer, amount: int | None, report: Report) -> PlacedOrder:
    """Exits through the sequencer; the exit has its position when this returns.

    Raises:
        ExitFundsError: The account has too little.
        AnhError: The L2 refuses, or does not answer in time.
    """
    l2, owner = customer.l2, customer.address
    price = l2.gas_price() * PRICE_MARGIN
    means = Means(l2.nonce(owner), l2.cleared(owner), price, l2.chain_id())
    raw, value = sign_exit(customer.account, amount, means)
    report(f"{show_ether(value, 6)} leave the L2: a transfer to {EXIT_ADDRESS}")
    return send_order(customer, raw, report)


def force_exit(
    account: LocalAccount, amount: int | None, reader: OrderReader, sender: TransactionSender, inbox: Inbox
) -> Forced:
    """Exits past the sequencer: puts the exit into the queue on L1.

    Args:
        account: Whose money.
        amount: Wei; None for all that the fee leaves.
        reader: The order, read up to now.
        sender: Who pays L1's gas and the queue's fee.
        inbox: The contract.

    Raises:
        ExitFundsError: The account has too little.
        AnhError: L1 refuses, or does not answer.
    """
    rules = inbox.rules()
    means = means_on_l1(reader, Address(to_canonical_address(account.address)), rules.chain_id)
    raw, _ = sign_exit(account, amount, means)
    record = encode_record(decode_signed(raw, rules.chain_id))
    receipt = sender.send(inbox.force(record, rules.force_fee))
    found = [emitted.event for log in receipt.logs if (emitted := inbox.decode(log)) is not None]
    (queued,) = [event for event in found if isinstance(event, Forced)]
    return queued


def means_on_l1(reader: OrderReader, owner: Address, chain_id: ChainId) -> Means:
    """What an account can exit with as L1 alone knows it: its batches, and what waits to be ordered.

    What the sequencer holds and has not posted is not known here.
    """
    head = reader.order.head
    base_fee = next_base_fee(head.header.base_fee, head.ordered_gas)
    account = ledger_ahead(reader, chain_id, base_fee).account(owner)
    return Means(account.nonce, account.cleared, base_fee * FORCED_MARGIN, chain_id)


def ledger_ahead(reader: OrderReader, chain_id: ChainId, base_fee: Wei) -> Ledger:
    """The ledger after what L1 holds and no block has yet: its events and its queue."""
    head, last = reader.order.head, reader.cursor.number
    queue = reader.queue_until(last)[head.forced_end :]
    ledger = reader.order.ledger.copy()
    waiting = [(record, decode_or_none(record, chain_id)) for record in queue]
    origin = reader.origin(head.header.origin_number, last)
    fold_block(ledger, waiting, base_fee, [origin], forced=len(waiting))
    return ledger


def overdue_since(inbox: Inbox) -> Seconds | None:
    """L1 time from which on anybody may put the queue into the order; None where it is empty."""
    oldest, length = inbox.consumed(), inbox.queue_length()
    if oldest >= length:
        return None
    return Seconds(inbox.queued_at(oldest) + inbox.rules().force_timeout)
