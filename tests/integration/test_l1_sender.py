"""Sending on a real chain: mined, late, dropped, outbid, raced, reverted, without money, without answers."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from anh_rollup.encoding.blobs import BLOB_SIZE
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blobs import versioned_hash
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.errors import (
    FeeCapError,
    GasCapError,
    InsufficientFundsError,
    L1RevertedError,
    L1UnreachableError,
    StaleViewError,
    TransactionPendingError,
)
from anh_rollup.l1.fees import FeePolicy
from anh_rollup.l1.sender import Outcome, TransactionSender
from anh_rollup.l1.transport import Patience, Transport
from anh_rollup.l1.types import Receipt, TransactionRequest
from anh_rollup.primitives import GWEI
from tests.integration.conftest import Chain, Proxy

pytestmark = pytest.mark.anvil

#: CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY CALLDATASIZE PUSH0 REVERT: reverts with its calldata.
REVERTER = bytes.fromhex("365f5f37365ffd")

#: JUMPDEST PUSH0 JUMP: burns all gas.
BURNER = bytes.fromhex("5b5f56")

STRANGER = "0x1111111111111111111111111111111111111111"


def creation(runtime: bytes) -> bytes:
    return bytes([0x60, len(runtime), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3]) + runtime


def transfer(amount: int) -> TransactionRequest:
    return TransactionRequest(STRANGER, value=amount)


class Background:
    """A send in a thread, with its outcome."""

    def __init__(self, sender: TransactionSender, request: TransactionRequest) -> None:
        self.receipt: Receipt | None = None
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(sender, request))
        self._thread.start()

    def _run(self, sender: TransactionSender, request: TransactionRequest) -> None:
        try:
            self.receipt = sender.send(request)
        except Exception as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def wait(self) -> Receipt:
        self._thread.join(40)
        if self.error is not None:
            raise self.error
        assert self.receipt is not None
        return self.receipt


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def pooled(chain: Chain, index: int = 0) -> list[dict[str, str]]:
    address = chain.accounts[index].address
    content = chain.request("txpool_content")["pending"]
    listed = {key.lower(): value for key, value in content.items()}
    return list(listed.get(address.lower(), {}).values())


def test_sends_and_waits_for_the_receipt(anvil: Chain) -> None:
    receipt = anvil.sender().send(transfer(5))
    assert receipt.succeeded
    assert receipt.gas_used == 21_000
    assert anvil.client.balance(STRANGER) == 5
    assert receipt.cost == 10_000 * 10**18 - 5 - anvil.client.balance(anvil.accounts[0].address)


def test_creates_a_contract_and_names_its_address(anvil: Chain) -> None:
    receipt = anvil.sender().send(TransactionRequest(None, creation(REVERTER)))
    assert receipt.contract is not None
    assert anvil.client.code(receipt.contract) == REVERTER


def test_many_threads_share_one_account_without_gaps(anvil: Chain) -> None:
    sender = anvil.sender()
    sends = [Background(sender, transfer(amount)) for amount in range(1, 6)]
    assert all(send.wait().succeeded for send in sends)
    assert anvil.client.balance(STRANGER) == 15
    assert anvil.client.nonce(sender.address) == 5


def test_a_revert_is_told_by_its_name_and_nothing_is_sent(anvil: Chain) -> None:
    sender = anvil.sender()
    address = sender.send(TransactionRequest(None, creation(REVERTER))).contract
    panic = keccak(text="Panic(uint256)")[:4] + (0x11).to_bytes(32, "big")
    with pytest.raises(L1RevertedError) as caught:
        sender.send(TransactionRequest(address, panic))
    assert (caught.value.reason, caught.value.arguments) == ("Panic", (0x11,))
    assert anvil.client.nonce(sender.address) == 1


def test_a_mined_revert_is_told_by_its_name(anvil: Chain) -> None:
    sender = anvil.sender()
    address = sender.send(TransactionRequest(None, creation(REVERTER))).contract
    panic = keccak(text="Panic(uint256)")[:4] + (0x12).to_bytes(32, "big")
    with pytest.raises(L1RevertedError, match=r"Panic\(18\)"):
        sender.send(TransactionRequest(address, panic, gas=100_000))
    assert anvil.client.nonce(sender.address) == 2
    assert sender.send(transfer(1)).succeeded


def test_more_gas_than_l1_allows_is_refused_before_sending(anvil: Chain) -> None:
    sender = anvil.sender(gas_cap=50_000)
    with pytest.raises(GasCapError) as caught:
        sender.send(TransactionRequest(None, creation(REVERTER)))
    assert (caught.value.needed > 50_000, caught.value.cap) == (True, 50_000)


def test_an_empty_account_is_a_typed_error_and_resumes_after_a_refill(anvil: Chain) -> None:
    sender = anvil.sender()
    anvil.request("anvil_setBalance", sender.address, hex(10**9))
    for _ in range(3):
        with pytest.raises(InsufficientFundsError) as caught:
            sender.send(transfer(1))
    assert caught.value.held == 10**9
    anvil.request("anvil_setBalance", sender.address, hex(10**18))
    assert sender.send(transfer(1)).succeeded
    assert anvil.client.balance(STRANGER) == 1


def test_a_dropped_transaction_is_sent_again(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    send = Background(chain.sender(bump_after=20.0), transfer(7))
    wait_for(lambda: len(pooled(chain)) == 1)
    dropped = pooled(chain)[0]["hash"]
    chain.request("anvil_dropTransaction", dropped)
    wait_for(lambda: len(pooled(chain)) == 1)
    chain.mine()
    assert "0x" + send.wait().transaction.hex() == dropped
    assert chain.client.balance(STRANGER) == 7


def test_a_late_transaction_is_replaced_under_its_nonce_by_a_better_offer(
    start_anvil: Callable[..., Chain],
) -> None:
    chain = start_anvil("--no-mining")
    send = Background(chain.sender(bump_after=1.0), transfer(7))
    wait_for(lambda: len(pooled(chain)) == 1)
    first = pooled(chain)[0]
    wait_for(lambda: len(pooled(chain)) == 1 and pooled(chain)[0]["hash"] != first["hash"])
    second = pooled(chain)[0]
    assert second["nonce"] == first["nonce"]
    assert int(second["maxFeePerGas"], 16) * 8 >= int(first["maxFeePerGas"], 16) * 9
    assert int(second["maxPriorityFeePerGas"], 16) * 8 >= int(first["maxPriorityFeePerGas"], 16) * 9
    chain.mine()
    assert send.wait().succeeded
    assert chain.client.balance(STRANGER) == 7


def test_a_base_fee_spike_is_outbid(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    send = Background(chain.sender(bump_after=2.0), transfer(7))
    wait_for(lambda: len(pooled(chain)) == 1)
    for _ in range(3):
        chain.request("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
        chain.mine()
    assert send.receipt is None
    until = time.monotonic() + 25
    while send.receipt is None and send.error is None and time.monotonic() < until:
        chain.request("anvil_setNextBlockBaseFeePerGas", hex(50 * GWEI))
        chain.mine()
        time.sleep(0.2)
    assert send.wait().gas_price > 50 * GWEI
    assert chain.client.balance(STRANGER) == 7


def test_fees_above_the_cap_send_nothing(anvil: Chain) -> None:
    sender = anvil.sender(cap=GWEI // 100)
    with pytest.raises(FeeCapError) as caught:
        sender.send(transfer(1))
    assert caught.value.cap == GWEI // 100
    assert anvil.client.nonce(sender.address, "pending") == 0


def test_an_intent_that_is_not_mined_is_waited_for_again_and_never_doubled(
    start_anvil: Callable[..., Chain],
) -> None:
    chain = start_anvil("--no-mining")
    sender = chain.sender(patience=1.0, bump_after=60.0)
    for _ in range(2):
        with pytest.raises(TransactionPendingError):
            sender.send(transfer(7))
    assert len(pooled(chain)) == 1
    with pytest.raises(TransactionPendingError):
        sender.send(transfer(8))
    chain.mine()
    with pytest.raises(StaleViewError):
        sender.send(transfer(8))
    assert chain.client.balance(STRANGER) == 7


def test_an_answer_that_gets_lost_does_not_double_the_transaction(anvil: Chain, proxy: Proxy) -> None:
    client = L1Client(Transport(proxy.url, Patience(timeout=5.0, attempts=1)))
    client.chain_id()
    sender = TransactionSender(client, anvil.accounts[0], FeePolicy(bump_after=60.0, patience=10.0))
    requests_before_sending = 8
    for place in range(requests_before_sending + 6):
        proxy.faults[:] = [""] * place + ["swallow"]
        amount = 1 << place
        for _ in range(3):
            try:
                sender.send(transfer(amount))
            except L1UnreachableError:
                continue
            break
    assert anvil.client.balance(STRANGER) == (1 << requests_before_sending + 6) - 1


def test_a_nonce_that_went_to_another_process_is_reported(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    send = Background(chain.sender(bump_after=60.0), transfer(7))
    wait_for(lambda: len(pooled(chain)) == 1)
    foreign = chain.accounts[0].sign_transaction(
        {
            "to": STRANGER, "value": 1, "nonce": 0, "gas": 21_000, "chainId": 31337, "type": 2,
            "maxFeePerGas": 300 * GWEI, "maxPriorityFeePerGas": 30 * GWEI,
        }
    )  # fmt: skip
    chain.client.send_raw(bytes(foreign.raw_transaction))
    chain.mine()
    with pytest.raises(StaleViewError):
        send.wait()
    assert chain.client.balance(STRANGER) == 1


def test_a_gap_that_a_reorg_leaves_below_a_transaction_is_filled(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    sender = chain.sender()
    first = Background(sender, transfer(1))
    wait_for(lambda: chain.client.nonce(sender.address, "pending") == 1)
    chain.mine()
    first.wait()
    second = Background(sender, transfer(2))
    wait_for(lambda: chain.client.nonce(sender.address, "pending") == 2)
    chain.request("anvil_reorg", 1, [])
    assert chain.client.nonce(sender.address) == 0

    def is_mined() -> bool:
        chain.mine()
        return second.receipt is not None

    wait_for(is_mined)
    assert second.wait().succeeded
    assert (chain.client.balance(STRANGER), chain.client.nonce(sender.address)) == (2, 2)


def test_a_restart_settles_what_was_pending_before_it_decides(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    with pytest.raises(TransactionPendingError):
        chain.sender(patience=0.5).send(transfer(7))
    send = Background(chain.sender(bump_after=20.0), transfer(8))
    time.sleep(0.5)
    chain.mine()
    with pytest.raises(StaleViewError):
        send.wait()
    assert chain.client.balance(STRANGER) == 7


def test_a_transaction_of_an_earlier_life_that_is_stuck_is_replaced_by_nothing(
    start_anvil: Callable[..., Chain],
) -> None:
    chain = start_anvil("--no-mining")
    with pytest.raises(TransactionPendingError):
        chain.sender(patience=0.5).send(transfer(7))
    old = pooled(chain)[0]["hash"]
    send = Background(chain.sender(bump_after=1.0), transfer(8))
    wait_for(lambda: len(pooled(chain)) == 1 and pooled(chain)[0]["hash"] != old)
    chain.mine()
    with pytest.raises(StaleViewError):
        send.wait()
    assert chain.client.balance(STRANGER) == 0


def test_a_burnt_gas_limit_is_a_revert_without_name(anvil: Chain) -> None:
    sender = anvil.sender()
    address = sender.send(TransactionRequest(None, creation(BURNER))).contract
    with pytest.raises(L1RevertedError) as caught:
        sender.send(TransactionRequest(address, gas=60_000))
    assert caught.value.reason == "Unknown"


def test_blobs_travel_and_come_back_verified(anvil: Chain) -> None:
    blobs = tuple(bytes([0] + [number] * 31) * (BLOB_SIZE // 32) for number in (1, 2))
    receipt = anvil.sender().send(TransactionRequest(STRANGER, blobs=blobs))
    assert receipt.blob_gas_used == 2 * BLOB_SIZE
    reader = BatchDataReader(anvil.client)
    assert reader.blobs(receipt.transaction) == blobs
    assert reader.transaction(receipt.transaction).blob_hashes == tuple(map(versioned_hash, blobs))
    plain = anvil.sender().send(TransactionRequest(STRANGER, b"batch bytes"))
    assert reader.calldata(plain.transaction) == b"batch bytes"
    assert reader.blobs(plain.transaction) == ()


class Group(threading.Thread):
    """A group that is sent in a thread, with its outcomes."""

    def __init__(self, sender: TransactionSender, requests: list[TransactionRequest]) -> None:
        super().__init__()
        self.sender, self.requests, self.outcomes = sender, requests, list[Outcome]()
        self.start()

    def run(self) -> None:
        self.outcomes = self.sender.send_all(self.requests)

    def wait(self) -> list[Outcome]:
        self.join(40)
        assert not self.is_alive()
        return self.outcomes


def transfers(*amounts: int) -> list[TransactionRequest]:
    return [transfer(amount) for amount in amounts]


def mined(outcomes: list[Outcome]) -> list[bool]:
    return [isinstance(each, Receipt) and each.succeeded for each in outcomes]


def test_a_group_is_mined_in_one_block(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    group = Group(chain.sender(), transfers(1, 2, 4))
    wait_for(lambda: len(pooled(chain)) == 3)
    chain.mine()
    outcomes = group.wait()
    assert mined(outcomes) == [True] * 3
    assert len({each.block for each in outcomes if isinstance(each, Receipt)}) == 1
    assert chain.client.balance(STRANGER) == 7


def test_what_a_contract_refuses_takes_no_nonce_from_a_group(anvil: Chain) -> None:
    sender = anvil.sender()
    address = sender.send(TransactionRequest(None, creation(REVERTER))).contract
    refused = TransactionRequest(address, keccak(text="Panic(uint256)")[:4] + bytes(32))
    late = replace(refused, gas=100_000)
    outcomes = sender.send_all([transfer(1), refused, late, transfer(2)])
    assert [type(each) for each in outcomes] == [Receipt, L1RevertedError, L1RevertedError, Receipt]
    assert (anvil.client.balance(STRANGER), anvil.client.nonce(sender.address)) == (3, 4)
    assert sender.send(transfer(4)).succeeded


def test_a_group_is_covered_by_the_account_as_a_whole(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    sender = chain.sender()
    chain.request("anvil_setBalance", sender.address, hex(10**18))
    group = Group(sender, transfers(6 * 10**17, 6 * 10**17, 5))
    wait_for(lambda: len(pooled(chain)) == 2)
    chain.mine()
    assert [type(each) for each in group.wait()] == [Receipt, InsufficientFundsError, Receipt]
    assert chain.client.balance(STRANGER) == 6 * 10**17 + 5


def test_a_group_that_is_not_mined_is_waited_for_and_never_doubled(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    sender = chain.sender(patience=1.0, bump_after=60.0)
    late = sender.send_all(transfers(1, 2))
    assert [type(each) for each in late] == [TransactionPendingError] * 2
    with pytest.raises(TransactionPendingError):
        sender.send_all(transfers(1, 2))
    assert len(pooled(chain)) == 2
    chain.mine()
    with pytest.raises(StaleViewError):
        sender.send(transfer(1))
    assert chain.client.balance(STRANGER) == 3


def test_dropped_transactions_of_a_group_are_sent_again(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    group = Group(chain.sender(bump_after=60.0), transfers(1, 2, 4))
    wait_for(lambda: len(pooled(chain)) == 3)
    for each in pooled(chain):
        chain.request("anvil_dropTransaction", each["hash"])

    def is_over() -> bool:
        chain.mine()
        return not group.is_alive()

    wait_for(is_over)
    assert mined(group.wait()) == [True] * 3
    assert chain.client.balance(STRANGER) == 7


def test_a_late_group_is_outbid_under_its_nonces(start_anvil: Callable[..., Chain]) -> None:
    chain = start_anvil("--no-mining")
    group = Group(chain.sender(bump_after=1.0), transfers(1, 2, 4))
    wait_for(lambda: len(pooled(chain)) == 3)
    first = {each["nonce"]: int(each["maxFeePerGas"], 16) for each in pooled(chain)}
    wait_for(lambda: all(int(each["maxFeePerGas"], 16) > first[each["nonce"]] for each in pooled(chain)))
    assert {each["nonce"] for each in pooled(chain)} == set(first)
    chain.mine()
    assert mined(group.wait()) == [True] * 3
    assert chain.client.balance(STRANGER) == 7


def test_a_nonce_of_a_group_that_went_to_another_process_stops_no_other(
    start_anvil: Callable[..., Chain],
) -> None:
    chain = start_anvil("--no-mining")
    group = Group(chain.sender(bump_after=60.0), transfers(1, 2, 4))
    wait_for(lambda: len(pooled(chain)) == 3)
    foreign = chain.accounts[0].sign_transaction(
        {
            "to": STRANGER, "value": 64, "nonce": 1, "gas": 21_000, "chainId": 31337, "type": 2,
            "maxFeePerGas": 300 * GWEI, "maxPriorityFeePerGas": 30 * GWEI,
        }
    )  # fmt: skip
    chain.client.send_raw(bytes(foreign.raw_transaction))
    chain.mine()
    assert [type(each) for each in group.wait()] == [Receipt, StaleViewError, Receipt]
    assert chain.client.balance(STRANGER) == 1 + 64 + 4


def test_answers_that_get_lost_do_not_double_a_group(anvil: Chain, proxy: Proxy) -> None:
    client = L1Client(Transport(proxy.url, Patience(timeout=5.0, attempts=1)))
    client.chain_id()
    sender = TransactionSender(client, anvil.accounts[0], FeePolicy(bump_after=60.0, patience=10.0))
    requests_before_sending, requests_in_between = 8, 5
    for place in range(requests_before_sending + requests_in_between + 6):
        before = anvil.client.balance(STRANGER)
        proxy.faults[:] = [""] * place + ["swallow"]
        with suppress(L1UnreachableError):
            sender.send_all(transfers(1, 1))
        with suppress(StaleViewError):
            sender.send(transfer(0))
        assert anvil.client.balance(STRANGER) - before <= 2
        assert sender.send(transfer(0)).succeeded
    assert anvil.client.nonce(sender.address) == anvil.client.nonce(sender.address, "pending")


def test_a_price_is_what_would_be_offered(anvil: Chain) -> None:
    sender = anvil.sender()
    base_fee = anvil.client.head().base_fee
    assert base_fee is not None
    assert sender.price() >= 2 * base_fee
    assert anvil.sender(cap=1).price() == 1


@pytest.mark.ganache
def test_a_chain_without_base_fee_takes_legacy_transactions(old_chain: Chain) -> None:
    assert not old_chain.client.supports_blobs()
    assert old_chain.client.head().base_fee is None
    receipt = old_chain.sender().send(TransactionRequest(STRANGER, b"batch", 3))
    assert receipt.succeeded
    assert old_chain.client.balance(STRANGER) == 3
    assert BatchDataReader(old_chain.client).calldata(receipt.transaction) == b"batch"
