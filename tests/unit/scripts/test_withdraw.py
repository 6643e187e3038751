"""scripts/withdraw.py sends no call of a follower that is not the withdrawal it asked for."""

from types import SimpleNamespace
from typing import Any

import pytest
from web3 import Web3

from anh_rollup.primitives import Address
from scripts import withdraw as script
from scripts.chains import Rollup
from tests.doubles.ledger_snapshot import CONTRACT, snapshot
from tests.doubles.memory_l1 import DEPLOYMENT

OWNER, OTHER = Address(b"\x31" * 20), Address(b"\x32" * 20)


@pytest.fixture
def rollup() -> Rollup:
    account: Any = SimpleNamespace(address="0x" + OWNER.hex())
    return Rollup(Web3(), Web3(), DEPLOYMENT, account)


def call_for(account: Address, **changed: str) -> dict[str, str]:
    request = snapshot(account, withdrawn=7, paid=0).withdrawal(account)
    assert request is not None
    return {"to": request.to, "data": "0x" + request.data.hex(), **changed}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (call_for(OWNER, to="0x" + "12" * 20), "it calls 0x1212121212121212121212121212121212121212"),
        (call_for(OWNER, data="0x12345678"), "it cannot be read"),
        (call_for(OTHER), "withdraw for 0x3232323232323232323232323232323232323232"),
        (call_for(OWNER, data="0x" + CONTRACT.seal(bytes(32)).data.hex()), "seal for None"),
    ],
)
def test_another_call_is_not_sent(
    rollup: Rollup, monkeypatch: pytest.MonkeyPatch, call: dict[str, str], told: str
) -> None:
    monkeypatch.setattr(script, "send", lambda *_given: pytest.fail("it is sent"))
    with pytest.raises(script.WrongCallError) as caught:
        script.withdraw(rollup, call, print)
    assert caught.value.what == told


def test_the_right_call_is_sent_as_it_is(rollup: Rollup, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def send(_l1: Web3, _account: Any, made: Any) -> Any:
        fees = {"gas": 1, "maxFeePerGas": 1, "maxPriorityFeePerGas": 1}
        sent.append(made.build_transaction({**fees, "nonce": 0, "chainId": 1, "value": 0})["data"])
        raise KeyboardInterrupt

    monkeypatch.setattr(script, "send", send)
    call = call_for(OWNER)
    with pytest.raises(KeyboardInterrupt):
        script.withdraw(rollup, call, print)
    assert sent == [call["data"]]


@pytest.mark.parametrize(("amount", "found"), [(4, True), (5, True), (6, False)])
def test_it_waits_until_enough_is_payable(
    rollup: Rollup, monkeypatch: pytest.MonkeyPatch, amount: int, found: bool
) -> None:
    call = call_for(OWNER)
    answer = {"paid": "0x0", "payable": "0x5", "claim": None, "call": call}
    monkeypatch.setattr(script, "ask", lambda *_given: answer)
    assert script.payment(rollup, amount) == (call if found else None)
