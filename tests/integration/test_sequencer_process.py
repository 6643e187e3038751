"""A sequencer as a process on a real chain: clients, crashes, censorship, reorgs, equivocation."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey
from eth_utils.address import to_checksum_address
from web3.exceptions import Web3RPCError
from web3.types import TxParams

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.primitives import L2_CHAIN_ID, Digest
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.jobs import DNN_ADDRESS, Job, JobKind, Property, order_calldata
from anh_rollup.protocol.ledger import Skipped
from anh_rollup.protocol.soft_confirmation import confirmation_digest
from tests.integration.conftest import Chain
from tests.integration.processes import BOB, ETHER, RULES, Rollup, eventually

pytestmark = pytest.mark.anvil

#: How often the process is killed, and the longest that it lives after it accepted something.
KILLS = 10
LONGEST_LIFE = 0.6


#: A job whose time is not over while a test runs.
JOB = Job(JobKind.TRAINING, b"\1" * 32, bytes(32), (Property(b"\2" * 32, b"\3" * 32, 10),), 2**40, "")


@pytest.fixture
def make_rollup(tmp_path: Path) -> Iterator[Callable[[Chain], Rollup]]:
    made: list[Rollup] = []

    def make(chain: Chain) -> Rollup:
        made.append(Rollup.deployed(chain, tmp_path))
        return made[-1]

    yield make
    for rollup in made:
        rollup.kill()


@pytest.fixture
def rollup(anvil: Chain, make_rollup: Callable[[Chain], Rollup]) -> Rollup:
    return make_rollup(anvil)


def test_web3_sends_a_transfer_and_reads_it_back(rollup: Rollup) -> None:
    rollup.start()
    alice = rollup.deposit(2)
    l2 = rollup.l2
    key = rollup.chain.accounts[2].key
    plain: TxParams = {"from": alice, "to": BOB, "value": 5, "chainId": l2.eth.chain_id}
    fees = {"maxFeePerGas": 2 * l2.eth.gas_price, "maxPriorityFeePerGas": l2.eth.max_priority_fee}
    nonce = l2.eth.get_transaction_count(alice, "pending")
    ready = {**plain, **fees, "nonce": nonce, "gas": l2.eth.estimate_gas(plain)}
    sent = l2.eth.send_raw_transaction(l2.eth.account.sign_transaction(ready, key).raw_transaction)
    receipt = l2.eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.1)
    assert (receipt["status"], receipt["gasUsed"], receipt["to"]) == (1, 21_000, BOB)
    block = l2.eth.get_block(receipt["blockNumber"], full_transactions=True)
    assert block["transactions"][receipt["transactionIndex"]] == l2.eth.get_transaction(sent)
    assert rollup.cleared(BOB) == 5
    assert l2.eth.fee_history(1, "latest", [50])["oldestBlock"] >= 1
    with pytest.raises(Web3RPCError, match="eth_getBalance is not served"):
        l2.eth.get_balance(alice)
    with pytest.raises(Web3RPCError, match="nonce too low"):
        l2.eth.send_raw_transaction(rollup.signed(2, 0, value=6))
    placed = eventually(lambda: rollup.in_batch(sent))
    follower = rollup.followed()
    assert follower.order.blocks[int(placed["blockNumber"], 16) - 1].hash.hex() == placed["blockHash"][2:]
    assert follower.order.ledger.account(bytes.fromhex(BOB[2:])).cleared == 5  # type: ignore[arg-type]


def test_transfers_of_every_type_are_ordered_and_confirmed(rollup: Rollup) -> None:
    rollup.start()
    rollup.deposit(2)
    priced = {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 2 * 10**9}
    kinds: list[dict[str, Any]] = [priced, {**priced, "type": 1, "accessList": []}, {"type": 2}]
    for nonce, fields in enumerate(kinds):
        digest = rollup.l2.eth.send_raw_transaction(rollup.signed(2, nonce, **fields))
        receipt = rollup.l2.eth.wait_for_transaction_receipt(digest, timeout=30, poll_latency=0.1)
        assert (receipt["type"], receipt["status"], receipt["gasUsed"]) == (nonce, 1, 21_000)
        assert rollup.signer(rollup.anh("anh_getPosition", "0x" + digest.hex())) == rollup.sequencer
    assert rollup.cleared(BOB) == 3


def test_an_ordered_job_has_a_confirmed_position_and_a_proof_for_l1(rollup: Rollup) -> None:
    rollup.start("--calldata")
    rollup.deposit(2)
    order = {"to": to_checksum_address(DNN_ADDRESS), "value": 7, "gas": 200_000, "data": order_calldata(JOB)}
    raw = rollup.signed(2, 0, **order)
    digest = "0x" + rollup.l2.eth.send_raw_transaction(raw).hex()
    position = eventually(lambda: rollup.in_batch(keccak256(raw)))
    assert rollup.signer(position) == rollup.sequencer
    proof = rollup.anh("anh_getInclusionProof", digest)
    commitment = rollup.inbox.commitment(int(position["batch"], 16))
    assert (proof["commitment"], proof["index"]) == ("0x" + commitment.hex(), position["indexInBatch"])
    assert bytes.fromhex(proof["record"][2:]) == encode_record(decode_signed(raw))
    job = rollup.anh("anh_getJob", digest)
    assert (job["state"], job["reward"], job["recordHash"]) == ("open", "0x7", position["recordHash"])
    (held,) = rollup.followed().jobs()
    assert (held.job, held.reward, held.index) == (JOB, 7, int(position["indexInBatch"], 16))


def test_kill_9_loses_and_repeats_nothing(rollup: Rollup) -> None:
    rollup.start("--post-interval", "0.1", "--calldata")
    rollup.deposit(2)
    sent: list[bytes] = []
    for life in range(KILLS):
        for _ in range(3):
            raw = rollup.signed(2, len(sent))
            rollup.l2.eth.send_raw_transaction(raw)
            sent.append(raw)
        # From just accepted, through sealed, to being posted.
        time.sleep(LONGEST_LIFE * life / KILLS)
        rollup.kill()
        # The last life posts blobs: loading what they need takes a process five seconds.
        rollup.start("--post-interval", "0.1", *["--calldata"] * (life < KILLS - 1))
    last = keccak256(sent[-1])
    eventually(lambda: rollup.in_batch(last))
    follower = rollup.followed()
    ordered = [
        transaction.nonce
        for block in follower.order.blocks
        for _, transaction in block.transactions
        if transaction is not None
    ]
    assert ordered == list(range(len(sent)))
    assert not [each for block in follower.order.outcomes for each in block if isinstance(each, Skipped)]
    assert rollup.inbox.read("latest") == (len(follower.batches),)
    assert rollup.cleared(BOB) == len(sent)


def test_what_the_sequencer_leaves_out_comes_in_through_l1(rollup: Rollup) -> None:
    rollup.start("--calldata")
    alice = rollup.deposit(2)
    raw = rollup.signed(2, 0, value=9)
    record = encode_record(decode_signed(raw))
    rollup.chain.sender(2).send(rollup.inbox.request("force", record, value=RULES.force_fee))
    rollup.chain.mine(2)
    eventually(lambda: rollup.l2.eth.get_transaction_count(alice) == 1)
    rollup.chain.mine()
    position = eventually(lambda: rollup.in_batch(keccak256(raw)))
    assert (position["forced"], position["skipped"]) == (True, None)
    assert (rollup.cleared(BOB), rollup.l2.eth.get_transaction_count(alice)) == (9, 1)


def test_a_sequencer_that_was_away_past_the_timeout_accepts_the_order_of_l1(rollup: Rollup) -> None:
    rollup.start("--post-interval", "600")
    rollup.deposit(2)
    rollup.deposit(3)
    ours = rollup.signed(2, 0)
    rollup.l2.eth.send_raw_transaction(ours)
    eventually(lambda: rollup.anh("anh_getPosition", "0x" + keccak256(ours).hex()))
    rollup.kill()
    forced = encode_record(decode_signed(rollup.signed(3, 0, value=7)))
    rollup.chain.sender(3).send(rollup.inbox.request("force", forced, value=RULES.force_fee))
    rollup.chain.request("evm_increaseTime", RULES.force_timeout + 1)
    rollup.chain.mine()
    rollup.chain.sender(3).send(rollup.inbox.post_forced())
    rollup.start("--post-interval", "0.3", "--calldata")
    eventually(lambda: rollup.in_batch(keccak256(ours)))
    assert rollup.cleared(BOB) == 8
    assert rollup.inbox.read("latest") == (2,)
    spent = rollup.chain.client.nonce(rollup.chain.accounts[1].address)
    time.sleep(2)
    assert rollup.chain.client.nonce(rollup.chain.accounts[1].address) == spent


@pytest.mark.parametrize(
    "depth", [2, pytest.param(1, marks=pytest.mark.slow), pytest.param(5, marks=pytest.mark.slow)]
)
def test_a_reorg_under_a_posted_batch_is_mended(rollup: Rollup, depth: int) -> None:
    rollup.start("--post-interval", "0.3")
    rollup.deposit(2)
    rollup.chain.mine(6)
    raw = rollup.signed(2, 0)
    rollup.l2.eth.send_raw_transaction(raw)
    before = eventually(lambda: rollup.in_batch(keccak256(raw)))
    rollup.chain.request("anvil_reorg", depth, [])
    rollup.chain.mine(depth + 2)

    def on_l1() -> bool:
        order = rollup.followed().order
        return any(raw_hash(block) == keccak256(raw) for block in order.blocks)

    def raw_hash(block: Any) -> Digest | None:
        transaction = block.transactions[0][1] if block.transactions else None
        return None if transaction is None else transaction.hash

    eventually(on_l1)
    after = eventually(lambda: rollup.in_batch(keccak256(raw)))
    assert (after["blockHash"], after["signature"]) == (before["blockHash"], before["signature"])
    assert rollup.cleared(BOB) == 1


def test_two_signatures_for_one_height_cost_the_stake(rollup: Rollup) -> None:
    rollup.start()
    rollup.chain.sender(1).send(rollup.inbox.request("stake", value=ETHER))
    rollup.deposit(2)
    raw = rollup.signed(2, 0)
    rollup.l2.eth.send_raw_transaction(raw)
    position = eventually(lambda: rollup.anh("anh_getPosition", "0x" + keccak256(raw).hex()))
    number, honest = int(position["blockNumber"], 16), bytes.fromhex(position["blockHash"][2:])
    other = keccak256(b"another block")
    key = PrivateKey(bytes(rollup.chain.accounts[1].key))
    digest = confirmation_digest(L2_CHAIN_ID, rollup.inbox.address, number, other)
    assert (digest,) == rollup.inbox.read("confirmation", number, other)
    forged = key.sign_recoverable(digest, hasher=None)
    signatures = (bytes.fromhex(position["signature"][2:]), forged[:64] + bytes([27 + forged[64]]))
    slash = rollup.inbox.slash(number, (honest, signatures[0]), (other, signatures[1]))
    reporter = rollup.chain.sender(4)
    reporter.send(rollup.inbox.seal(seal(rollup.chain.accounts[4].address, slash.data)))
    reporter.send(slash)
    assert rollup.inbox.staked() == 0


def test_sigterm_ends_a_sequencer_with_code_0(rollup: Rollup) -> None:
    rollup.start()
    process = rollup.process
    assert process is not None
    rollup.kill(signal.SIGTERM)
    assert process.returncode == 0
