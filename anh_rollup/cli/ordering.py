"""What a user does to order a job: deposit on L1, sign an ordinary transaction, send it to the L2.

Everything here is what any Ethereum library does; scripts/submit_training_job.py shows it from the outside.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from anh_rollup.cli.l2 import L2Client
from anh_rollup.cli.options import show_ether
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.fees import FLOOR_TOKEN_GAS, TRANSFER_GAS, calldata_tokens
from anh_rollup.protocol.jobs import DNN_ADDRESS, Job, order_calldata

T = TypeVar("T")

#: How many times the suggested gas price an order offers at most; what is not needed is not paid.
PRICE_MARGIN: Final = 2

#: Seconds between two looks while something is waited for.
PAUSE: Final = 0.5

#: Seconds within which a deposit or a position has to show; L1 blocks and reorg margins pass in them.
PATIENCE: Final = 120.0

Report = Callable[[str], None]


class NotSeenError(AnhError):
    """Something that should have happened by now did not.

    Attributes:
        what: What was waited for.
        seconds: How long.
    """

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(
            f"{what} did not happen in {seconds:g} seconds",
            remedy="See whether sequencer and L1 make blocks, then wait or send again.",
        )
        self.what = what
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Customer:
    """A user with an account on both chains.

    Attributes:
        account: The key.
        l1: The L1.
        l2: The L2.
        deployment: Where the contracts are.
    """

    account: LocalAccount
    l1: L1Client
    l2: L2Client
    deployment: Deployment

    @property
    def address(self) -> str:
        """The account's checksummed address."""
        return str(self.account.address)


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """A job that the sequencer has put in order.

    Attributes:
        hash: The transaction's hash, 0x and 64 digits, as clients know it.
        record: keccak of the transaction's record: how claims on L1 name it.
        position: What anh_getPosition said: block, place, the sequencer's signature.
    """

    hash: str
    record: bytes
    position: Mapping[str, Any]


def place_order(customer: Customer, job: Job, reward: int, report: Report) -> PlacedOrder:
    """Orders a job, with a deposit before where the ledger's balance is too small.

    Args:
        customer: Who orders and pays.
        job: What is wanted.
        reward: Wei for the accountant.
        report: Told each step in a line.

    Raises:
        AnhError: One of the chains refuses, or does not answer in time.
    """
    data = order_calldata(job)
    price = customer.l2.gas_price() * PRICE_MARGIN
    fill_ledger(customer, reward + order_gas(data) * price, report)
    raw = sign_order(customer, data, reward, price)
    return send_order(customer, raw, report)


def fill_ledger(customer: Customer, needed: int, report: Report) -> None:
    """Deposits what the L2 balance lacks, and waits until the L2 shows it.

    Raises:
        NotSeenError: The L2 does not take the deposit in.
    """
    held = customer.l2.cleared(customer.address)
    if held >= needed:
        return
    report(f"deposit {show_ether(needed - held)} on L1: Inbox.deposit({customer.address})")
    inbox = bind(customer.deployment, customer.l1).inbox
    TransactionSender(customer.l1, customer.account).send(inbox.deposit(customer.address, needed - held))
    wait_for("the deposit on the L2", lambda: customer.l2.cleared(customer.address) >= needed or None)


def order_gas(data: bytes) -> int:
    """Gas of an order: what its calldata owes (EIP-7623), since ordering runs nothing."""
    return TRANSFER_GAS + FLOOR_TOKEN_GAS * calldata_tokens(data)


def sign_order(customer: Customer, data: bytes, reward: int, price: int) -> bytes:
    """An ordinary signed type-2 transaction that orders a job."""
    transaction: dict[str, Any] = {
        "type": 2,
        "chainId": customer.l2.chain_id(),
        "nonce": customer.l2.nonce(customer.address),
        "to": to_checksum_address(DNN_ADDRESS),
        "value": reward,
        "data": data,
        "gas": order_gas(data),
        "maxFeePerGas": price,
        "maxPriorityFeePerGas": 0,
    }
    return bytes(customer.account.sign_transaction(transaction).raw_transaction)


def send_order(customer: Customer, raw: bytes, report: Report) -> PlacedOrder:
    """Sends a signed order and waits for its position.

    Raises:
        L2RejectedError: The sequencer refuses it.
        NotSeenError: It gets no position.
    """
    chain_id = customer.l2.chain_id()
    record = keccak256(encode_record(decode_signed(raw, chain_id)))
    sent = customer.l2.send_raw(raw)
    report(f"eth_sendRawTransaction: {sent}")
    position = wait_for("the order's position", lambda: customer.l2.position(sent))
    return PlacedOrder(sent, record, position)


def wait_for(what: str, look: Callable[[], T | None], seconds: float = PATIENCE, pause: float = PAUSE) -> T:
    """Looks again and again until there is something.

    Raises:
        NotSeenError: There is nothing in time.
    """
    until = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > until:
            raise NotSeenError(what, seconds)
        time.sleep(pause)
    return found
