"""What a user does to order a job: deposit on L1, sign an ordinary transaction, send it to the L2.

Everything here is what any Ethereum library does; scripts/submit_training_job.py shows it from the outside.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from anh_rollup.client.l2 import L2Client
from anh_rollup.client.wording import show_ether
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import depth_of, root_from_proof
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.errors import AnhError
from anh_rollup.l1 import wire
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.errors import InsufficientFundsError, L1AnswerError
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import DIGEST_SIZE, BatchNumber, BlockNumber, Digest, Wei
from anh_rollup.protocol.fees import call_gas
from anh_rollup.protocol.jobs import DNN_ADDRESS, Job, order_calldata
from anh_rollup.protocol.soft_confirmation import SIGNATURE_SIZE, confirmation_digest, confirmation_signer

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


class OrderFundsError(AnhError):
    """An account that cannot pay for an order; nothing is sent.

    Attributes:
        address: The account.
        needed: Wei that the L1 account needs for the deposit and its gas.
        held: Wei that it has on L1.
    """

    def __init__(self, address: str, needed: int, held: int) -> None:
        super().__init__(
            f"{address} cannot pay for the order: the deposit needs {show_ether(needed, 6)} on L1, "
            f"and it has {show_ether(held, 6)}",
            remedy="Give a smaller --reward, or send ether to the account on L1.",
        )
        self.address, self.needed, self.held = address, needed, held


class PositionError(AnhError):
    """A position that the sequencer did not sign.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the position is not signed as it should be: {reason}",
            remedy="Do not rely on it; wait until the transaction's batch is on L1.",
        )
        self.reason = reason


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
    fill_ledger(customer, reward + call_gas(data) * price, report)
    raw = sign_order(customer, data, reward, price)
    return send_order(customer, raw, report)


def fill_ledger(customer: Customer, needed: int, report: Report) -> None:
    """Deposits what the L2 balance lacks, and waits until the L2 shows it.

    Raises:
        OrderFundsError: The account on L1 has too little for the deposit and its gas.
        NotSeenError: The L2 does not take the deposit in.
    """
    held = customer.l2.cleared(customer.address)
    if held >= needed:
        return
    inbox = bind(customer.deployment, customer.l1).inbox
    call = inbox.deposit(customer.address, Wei(needed - held))
    try:
        TransactionSender(customer.l1, customer.account).send(call)
    except InsufficientFundsError as error:
        raise OrderFundsError(customer.address, error.needed, error.held) from error
    report(f"deposited {show_ether(needed - held)} on L1: Inbox.deposit({customer.address})")
    wait_for("the deposit on the L2", lambda: customer.l2.cleared(customer.address) >= needed or None)


def sign_order(customer: Customer, data: bytes, reward: int, price: int) -> bytes:
    """An ordinary signed type-2 transaction that orders a job."""
    return sign(
        customer.account,
        price,
        chainId=customer.l2.chain_id(),
        nonce=customer.l2.nonce(customer.address),
        to=to_checksum_address(DNN_ADDRESS),
        value=reward,
        data=data,
        gas=call_gas(data),  # ordering runs nothing
    )


def sign(account: LocalAccount, price: int, **fields: Any) -> bytes:
    """A signed type-2 transaction, in bytes.

    Args:
        account: Who signs.
        price: Most wei a gas that it pays; the sequencer gets no tip.
        **fields: The rest, by JSON-RPC's names.
    """
    priced = {"type": 2, "maxFeePerGas": price, "maxPriorityFeePerGas": 0}
    return bytes(account.sign_transaction({**priced, **fields}).raw_transaction)


def send_order(customer: Customer, raw: bytes, report: Report) -> PlacedOrder:
    """Sends a signed order and waits for its position.

    Raises:
        L2RejectedError: The sequencer refuses it.
        NotSeenError: It gets no position.
        PositionError: The position is not signed by the sequencer that L1 names.
    """
    chain_id = customer.l2.chain_id()
    record = keccak256(encode_record(decode_signed(raw, chain_id)))
    sent = customer.l2.send_raw(raw)
    report(f"eth_sendRawTransaction: {sent}")
    position = wait_for("the order's position", lambda: customer.l2.position(sent))
    check_position(customer.deployment, position)
    return PlacedOrder(sent, record, position)


def check_position(deployment: Deployment, position: Mapping[str, Any]) -> None:
    """Checks the sequencer's signature of a position: it costs the sequencer its stake to sign another one.

    Raises:
        PositionError: It is malformed, or somebody else's.
    """
    try:
        told = wire.members("a position", position)
        number = BlockNumber(wire.quantity("its block", told.get("blockNumber"), wire.SHORT_DIGITS))
        block_hash = Digest(wire.data("its block hash", told.get("blockHash"), DIGEST_SIZE))
        signed = confirmation_digest(
            deployment.l2_chain_id, deployment.addresses["inbox"], number, block_hash
        )
        signature = wire.data("its signature", told.get("signature"), SIGNATURE_SIZE)
    except L1AnswerError as error:
        raise PositionError(f"{error.what} is malformed") from error
    signed_by = confirmation_signer(signed, signature)
    if signed_by is None:
        raise PositionError("its signature is none")
    signer = to_checksum_address(signed_by)
    if signer != deployment.sequencer:
        raise PositionError(f"it is signed by {signer} instead of {deployment.sequencer}")


class InclusionError(AnhError):
    """What anh_getInclusionProof answered does not show that L1 holds the transaction.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the inclusion proof shows nothing: {reason}",
            remedy="Derive the order from L1: `anh job status`.",
        )
        self.reason = reason


def batch_on_l1(customer: Customer, placed: PlacedOrder) -> BatchNumber | None:
    """Number of the batch that holds an order, proven against the Inbox; None before there is one.

    The L2's answer is only a claim: leaf, root and header are hashed here up to what L1 stores.

    Raises:
        InclusionError: The proof is malformed, or leads elsewhere.
    """
    proof = customer.l2.record("anh_getInclusionProof", placed.hash)
    if proof is None:
        return None
    try:
        header = _proven_header(proof, placed.record)
        commitment = header.commitment()
    except L1AnswerError as error:
        raise InclusionError(f"{error.what} is malformed") from error
    except EncodingError as error:
        raise InclusionError(error.message) from error
    if bind(customer.deployment, customer.l1).inbox.commitment(header.number) != commitment:
        raise InclusionError(f"L1 holds another batch {header.number}")
    return header.number


def _proven_header(proof: Mapping[str, Any], record: bytes) -> BatchHeader:
    """The header of a batch that has a record where an inclusion proof says."""
    head = wire.members("its batch", proof.get("batch"))
    count = wire.quantity("its count", head.get("count"), wire.SHORT_DIGITS)
    index = wire.quantity("its index", proof.get("index"), wire.SHORT_DIGITS)
    siblings = [
        wire.data("a sibling", each, DIGEST_SIZE) for each in wire.items("its proof", proof.get("proof"))
    ]
    return BatchHeader(
        number=BatchNumber(wire.quantity("its batch's number", head.get("number"), wire.SHORT_DIGITS)),
        previous=Digest(wire.data("its previous commitment", head.get("previous"), DIGEST_SIZE)),
        transactions_root=root_from_proof(record, index, siblings, depth_of(count)),
        count=count,
        data=Digest(wire.data("its data hash", head.get("data"), DIGEST_SIZE)),
        forced_end=wire.quantity("its end of the queue", head.get("forcedEnd"), wire.SHORT_DIGITS),
    )


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
