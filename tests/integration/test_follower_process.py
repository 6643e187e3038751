"""Followers as processes on a real chain: wallets use them, crashes and reorgs change nothing."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from web3.exceptions import Web3RPCError
from web3.types import TxReceipt

from tests.integration.conftest import Chain, free_port
from tests.integration.processes import BOB, ETHER, FollowerProcess, Rollup, eventually, funded

pytestmark = pytest.mark.anvil

#: Called with a word it keeps it and logs 0x42; called with nothing it gives the word.
RUNTIME = "36600c575f545f5260205ff35b5f355f5560425f5fa100"
CREATION = "0x6017600a5f3960175ff3" + RUNTIME


@pytest.fixture
def rollup(anvil: Chain, tmp_path: Path) -> Iterator[Rollup]:
    """A deployment with a sequencer that posts soon."""
    made = Rollup.deployed(anvil, tmp_path)
    made.start("--post-interval", "0.3")
    yield made
    made.kill()


@pytest.fixture
def make_follower(rollup: Rollup) -> Iterator[Callable[[str], FollowerProcess]]:
    made: list[FollowerProcess] = []

    def make(name: str) -> FollowerProcess:
        made.append(FollowerProcess(rollup, name, free_port()))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def follower(make_follower: Callable[[str], FollowerProcess]) -> FollowerProcess:
    made = make_follower("follower")
    made.start()
    return made


def spent(*receipts: TxReceipt) -> int:
    """Wei paid for gas."""
    return sum(each["gasUsed"] * each["effectiveGasPrice"] for each in receipts)


def is_posted(follower: FollowerProcess, number: int) -> bool:
    return follower.l2.eth.get_block("safe")["number"] >= number


def test_a_wallet_sends_deploys_and_reads_through_a_follower(follower: FollowerProcess) -> None:
    alice = funded(follower)
    paid = follower.send(2, to=BOB, value=5)
    assert (paid["status"], paid["gasUsed"], follower.l2.eth.get_balance(BOB)) == (1, 21_000, 5)
    created = follower.send(2, data=CREATION)
    contract = created["contractAddress"]
    assert contract is not None
    assert (created["status"], follower.l2.eth.get_code(contract).hex()) == (1, RUNTIME)
    called = follower.send(2, to=contract, data="0x" + (77).to_bytes(32, "big").hex())
    assert [log["topics"][0][-1] for log in called["logs"]] == [0x42]
    assert int.from_bytes(follower.l2.eth.get_storage_at(contract, 0), "big") == 77
    assert int.from_bytes(follower.l2.eth.call({"to": contract}), "big") == 77
    assert int.from_bytes(follower.l2.eth.call({"to": contract}, created["blockNumber"]), "big") == 0
    found = follower.l2.eth.get_logs({"fromBlock": 0, "toBlock": "latest", "address": contract})
    assert [log["transactionHash"] for log in found] == [called["transactionHash"]]
    assert follower.l2.eth.get_balance(alice) == ETHER - 5 - spent(paid, created, called)
    with pytest.raises(Web3RPCError, match="nonce too low"):
        follower.l2.eth.send_raw_transaction(follower.rollup.signed(2, 0, value=6))


def test_a_position_has_the_sequencers_signature(follower: FollowerProcess) -> None:
    funded(follower)
    paid = follower.send(2, to=BOB, value=5)
    name = "0x" + paid["transactionHash"].hex()
    eventually(lambda: follower.anh("anh_getPosition", name)["signature"])
    position = follower.anh("anh_getPosition", name)
    assert follower.rollup.signer(position) == follower.rollup.sequencer


def test_a_killed_follower_goes_on_and_one_from_nothing_agrees(
    follower: FollowerProcess, make_follower: Callable[[str], FollowerProcess]
) -> None:
    owner = funded(follower)
    receipts = [follower.send(2, data=CREATION)]
    contract = receipts[0]["contractAddress"]
    for number in range(2):
        receipts.append(follower.send(2, to=contract, data="0x" + (number + 1).to_bytes(32, "big").hex()))
        follower.kill()
        follower.start()
    receipts.append(follower.send(2, to=BOB, value=9))
    assert follower.l2.eth.get_balance(owner) == ETHER - 9 - spent(*receipts)
    before = follower.view()
    follower.kill()
    follower.start()
    assert follower.view() == before
    eventually(lambda: is_posted(follower, before[0][0]))
    fresh = make_follower("fresh")
    fresh.start(alone=True)
    assert fresh.view() == before
    assert fresh.l2.eth.get_storage_at(contract, 0) == follower.l2.eth.get_storage_at(contract, 0)


def test_without_a_sequencer_it_serves_what_l1_has(follower: FollowerProcess) -> None:
    funded(follower)
    contract = follower.send(2, data=CREATION)["contractAddress"]
    paid = follower.send(2, to=BOB, value=5)
    eventually(lambda: is_posted(follower, paid["blockNumber"]))
    follower.rollup.kill()
    before = follower.view()
    follower.kill()
    follower.start()
    assert follower.view() == before
    assert follower.l2.eth.get_code(contract).hex() == RUNTIME
    assert follower.l2.eth.get_transaction_receipt(paid["transactionHash"]) == paid
    with pytest.raises(Web3RPCError, match="does not answer"):
        follower.l2.eth.send_raw_transaction(follower.rollup.signed(2, 2))
    assert "the sequencer at 127.0.0.1" in follower.log.read_text()


def test_a_reorg_of_l1_under_a_posted_batch_is_mended(follower: FollowerProcess) -> None:
    funded(follower)
    follower.rollup.chain.mine(6)
    contract = follower.send(2, data=CREATION)["contractAddress"]
    paid = follower.send(2, to=BOB, value=5)
    eventually(lambda: is_posted(follower, paid["blockNumber"]))
    before = follower.view()
    follower.rollup.chain.request("anvil_reorg", 2, [])
    follower.rollup.chain.mine(4)
    eventually(lambda: is_posted(follower, paid["blockNumber"]))
    assert follower.view() == before
    assert follower.l2.eth.get_code(contract).hex() == RUNTIME


def test_a_deposit_that_a_reorg_took_back_is_gone(follower: FollowerProcess) -> None:
    funded(follower)
    follower.rollup.chain.mine(6)
    owner = follower.rollup.deposit(3)
    eventually(lambda: follower.l2.eth.get_balance(owner) == ETHER)
    follower.rollup.chain.request("anvil_reorg", 3, [])
    follower.rollup.chain.mine(5)
    eventually(lambda: follower.l2.eth.get_balance(owner) == 0)
    eventually(lambda: follower.rollup.cleared(owner) == 0)
    assert follower.head()[1] == follower.rollup.l2.eth.get_block("latest")["hash"].hex()


def test_it_stops_when_it_is_told_to(follower: FollowerProcess) -> None:
    assert follower.kill(signal.SIGTERM) == 0
