"""Ordering a job: gas, waiting, and what the sequencer's word is worth."""

from types import SimpleNamespace
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_account import Account

from anh_rollup.client import ordering
from anh_rollup.client.l2 import L2Client
from anh_rollup.client.ordering import (
    Customer,
    NotSeenError,
    OrderFundsError,
    PositionError,
    check_position,
    fill_ledger,
    sign_order,
    wait_for,
)
from anh_rollup.encoding.recovery import CURVE_ORDER
from anh_rollup.encoding.transactions import decode_signed
from anh_rollup.l1.deployment import CONTRACTS, Deployment, Rules
from anh_rollup.l1.errors import InsufficientFundsError
from anh_rollup.primitives import ETHER, Digest, Wei
from anh_rollup.protocol.fees import intrinsic_gas
from anh_rollup.protocol.jobs import Job as OrderedWork
from anh_rollup.protocol.jobs import JobKind, Property, decode_order, order_calldata
from anh_rollup.protocol.soft_confirmation import confirmation_digest

KEY = bytes(range(1, 33))
SEQUENCER = str(Account.from_key(KEY).address)
INBOX = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
BLOCK_HASH = Digest(b"\x17" * 32)
CHAIN = 210_614_763

JOB = OrderedWork(
    JobKind.TRAINING, b"\x01" * 32, bytes(32), (Property(b"\x02" * 32, b"\x03" * 32, 5),), 2_000_000_000, "u"
)


def deployment() -> Deployment:
    addresses = dict.fromkeys(CONTRACTS, INBOX)
    return Deployment(31_337, CHAIN, SEQUENCER, 0, bytes(32), addresses, Rules())


def position(key: bytes = KEY, **changes: Any) -> dict[str, Any]:
    signed = PrivateKey(key).sign_recoverable(confirmation_digest(CHAIN, INBOX, 9, BLOCK_HASH), hasher=None)
    told = {
        "blockNumber": "0x9",
        "blockHash": "0x" + BLOCK_HASH.hex(),
        "signature": "0x" + (signed[:64] + bytes([signed[64] + 27])).hex(),
    }
    return {**told, **changes}


def test_a_position_that_the_sequencer_signed_is_good() -> None:
    check_position(deployment(), position())


def test_a_position_that_somebody_else_signed_is_refused() -> None:
    with pytest.raises(PositionError, match=f"instead of {SEQUENCER}"):
        check_position(deployment(), position(key=b"\x05" * 32))


@pytest.mark.parametrize("change", [{"blockNumber": "0xa"}, {"blockHash": "0x" + "18" * 32}])
def test_a_signature_of_another_block_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(PositionError):
        check_position(deployment(), position(**change))


@pytest.mark.parametrize(
    "change",
    [
        {"blockNumber": None},
        {"blockNumber": "nine"},
        {"blockHash": "0x12"},
        {"signature": "0x"},
        {"signature": "0x" + "00" * 65},
        {"signature": "0x" + "ff" * 65},
        {"blockNumber": "9"},
        {"blockNumber": "0x_9"},
        {"blockHash": "0x" + " 17" * 32},
        {"signature": position()["signature"] + "00"},
        {"signature": 5},
    ],
)
def test_a_malformed_position_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PositionError) as refused:
        check_position(deployment(), position(**change))

    assert refused.value.remedy == "Do not rely on it; wait until the transaction's batch is on L1."


def test_a_signature_that_l1_would_not_slash_for_is_refused() -> None:
    told = bytes.fromhex(position()["signature"][2:])
    high = (CURVE_ORDER - int.from_bytes(told[32:64], "big")).to_bytes(32, "big")
    other = "0x" + (told[:32] + high + bytes([55 - told[64]])).hex()

    with pytest.raises(PositionError) as refused:
        check_position(deployment(), position(signature=other))

    assert refused.value.reason == "its signature is none"


class FixedL2:
    """Answers what signing asks."""

    def chain_id(self) -> int:
        return CHAIN

    def nonce(self, _address: str) -> int:
        return 4


def test_an_order_is_an_ordinary_transaction_that_pays_exactly_its_intrinsic_gas() -> None:
    data = order_calldata(JOB)
    l2: L2Client = FixedL2()  # type: ignore[assignment]
    customer = Customer(Account.from_key(KEY), None, l2, deployment())  # type: ignore[arg-type]

    decoded = decode_signed(sign_order(customer, data, 10**18, 3 * 10**9), CHAIN)

    assert decode_order(decoded.data) == JOB
    assert (decoded.kind, decoded.nonce, decoded.value, decoded.max_fee) == (2, 4, 10**18, 3 * 10**9)
    assert decoded.gas_limit == intrinsic_gas(decoded)


class Ledger:
    """An L2 balance of 1 ether, and an L1 account of 5 that pays deposits into it with 1 ether of gas."""

    held = 1 * ETHER
    funds = 5 * ETHER

    def cleared(self, _address: str) -> int:
        return self.held

    def deposit(self, _address: str, value: Wei) -> Wei:
        return value

    def send(self, value: Wei) -> None:
        needed = value + ETHER
        if needed > self.funds:
            raise InsufficientFundsError(SEQUENCER, Wei(needed), Wei(self.funds))
        self.held += value


def paying(monkeypatch: pytest.MonkeyPatch) -> tuple[Ledger, Customer]:
    """Both accounts of a customer, and the customer."""
    ledger = Ledger()
    monkeypatch.setattr(ordering, "bind", lambda *_: SimpleNamespace(inbox=ledger))
    monkeypatch.setattr(ordering, "TransactionSender", lambda *_: ledger)
    chains: Any = ledger
    return ledger, Customer(Account.from_key(KEY), chains, chains, deployment())


def test_a_deposit_is_told_once_it_has_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, customer = paying(monkeypatch)
    told: list[tuple[str, int]] = []
    fill_ledger(customer, 3 * ETHER, lambda line: told.append((line, ledger.held)))
    assert told == [(f"deposited 2.0000 ETH on L1: Inbox.deposit({SEQUENCER})", 3 * ETHER)]


def test_too_little_ether_is_told_with_what_is_needed_and_no_deposit(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, customer = paying(monkeypatch)
    told: list[str] = []
    with pytest.raises(OrderFundsError) as refused:
        fill_ledger(customer, 6 * ETHER, told.append)
    assert (told, ledger.held) == ([], 1 * ETHER)
    assert refused.value.message == (
        f"{SEQUENCER} cannot pay for the order: the deposit needs 6.000000 ETH on L1, and it has 5.000000 ETH"
    )
    assert refused.value.remedy == "Give a smaller --reward, or send ether to the account on L1."


def test_waiting_ends_with_what_is_found() -> None:
    answers = iter([None, None, 7])
    assert wait_for("it", lambda: next(answers), seconds=10, pause=0) == 7


def test_waiting_has_an_end() -> None:
    with pytest.raises(NotSeenError) as late:
        wait_for("the deposit", lambda: None, seconds=0, pause=0)

    assert late.value.message == "the deposit did not happen in 0 seconds"
