from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import root_from_proof
from anh_rollup.protocol.ledger import EXIT, Payout
from tests.doubles.ordering import ALICE, BOB, ETHER, JOB, FakeL1, NodeDouble, decoded, record_of
from tests.unit.rpc.conftest import Ask

RAW = ALICE.transfer(0, BOB.address, 5)
NAME = "0x" + decoded(RAW).hash.hex()


def post(node: NodeDouble, l1: FakeL1) -> None:
    node.chain.seal()
    l1.post(node.chain.blocks_after(node.chain.safe_number))
    node.chain.follow()


def test_an_account_shows_nonce_and_cleared_money(ask: Ask, node: NodeDouble) -> None:
    name = "0x" + ALICE.address.hex()
    assert ask("anh_getLedgerAccount", name) == {"nonce": "0x0", "cleared": "0x0", "withdrawn": "0x0"}
    node.submit([ALICE.transfer(0, EXIT, 7)])
    left = {"nonce": "0x1", "cleared": hex(ETHER - 7 - 21_000 * node.chain.next_base_fee), "withdrawn": "0x7"}
    assert ask("anh_getLedgerAccount", name, "pending") == left
    assert ask("anh_getLedgerAccount", name, "safe")["code"] == -32602


def test_a_position_is_signed_and_grows_a_batch(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    node.submit([RAW])
    assert ask("anh_getPosition", NAME) is None
    node.chain.seal()
    block = node.chain.block(1)
    assert block is not None
    signature = node.confirm(1, block.hash)
    assert signature is not None
    expected = {
        "blockNumber": "0x1",
        "blockHash": "0x" + block.hash.hex(),
        "index": "0x0",
        "recordHash": "0x" + keccak256(record_of(RAW)).hex(),
        "signature": "0x" + signature.hex(),
        "sequencer": node.deployment.sequencer,
        "forced": False,
        "skipped": None,
        "batch": None,
        "indexInBatch": None,
    }
    assert ask("anh_getPosition", NAME) == expected
    post(node, l1)
    assert ask("anh_getPosition", NAME) == {**expected, "batch": "0x1", "indexInBatch": "0x0"}


def test_what_waits_for_lower_nonces_has_no_position_and_says_so(ask: Ask, node: NodeDouble) -> None:
    later = ALICE.transfer(1, BOB.address, 5)
    node.submit([later])
    assert ask("anh_getPosition", "0x" + decoded(later).hash.hex()) == {"waiting": "nonce"}
    assert ask("eth_getTransactionCount", "0x" + ALICE.address.hex(), "pending") == "0x0"
    node.submit([RAW])
    assert ask("anh_getPosition", "0x" + decoded(later).hash.hex()) is None
    node.chain.seal()
    assert ask("anh_getPosition", "0x" + decoded(later).hash.hex())["index"] == "0x1"


def test_a_forced_transaction_has_a_batch_but_no_place_among_its_own(
    ask: Ask, node: NodeDouble, l1: FakeL1
) -> None:
    raw = ALICE.transfer(3, BOB.address, 5)
    l1.force(record_of(raw))
    l1.mine(2)
    node.chain.follow()
    post(node, l1)
    found = ask("anh_getPosition", "0x" + decoded(raw).hash.hex())
    assert (found["forced"], found["batch"], found["indexInBatch"]) == (True, "0x1", None)
    assert found["skipped"] == "nonce too high"
    assert ask("anh_getInclusionProof", "0x" + decoded(raw).hash.hex()) is None


def test_an_inclusion_proof_can_be_checked_by_its_reader(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    node.submit([RAW, ALICE.sign(nonce=1), ALICE.sign(nonce=2)])
    assert ask("anh_getInclusionProof", NAME) is None
    post(node, l1)
    found = ask("anh_getInclusionProof", NAME)
    leaf = keccak256(bytes.fromhex(found["record"][2:]))
    proof = [bytes.fromhex(each[2:]) for each in found["proof"]]
    root = root_from_proof(leaf, int(found["index"], 16), proof, 2)
    assert found["batch"]["transactionsRoot"] == "0x" + root.hex()
    assert found["batch"]["count"] == "0x3"
    assert found["commitment"] == "0x" + l1.batches[0].commitment.hex()


def test_a_job_is_followed_from_order_to_payout(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    raw = ALICE.order(0, 70)
    name = "0x" + decoded(raw).hash.hex()
    node.submit([raw])
    assert ask("anh_getJob", name)["state"] == "waiting"
    node.chain.seal()
    found = ask("anh_getJob", name)
    assert (found["state"], found["reward"], found["blockNumber"]) == ("open", "0x46", "0x1")
    assert found["job"] == {
        "kind": "training",
        "architecture": "0x" + "01" * 32,
        "model": "0x" + "00" * 32,
        "properties": [{"program": "0x" + "02" * 32, "dataset": "0x" + "03" * 32, "threshold": "10"}],
        "deadline": hex(JOB.deadline),
        "uri": "",
    }
    l1.emit(Payout(keccak256(record_of(raw)), BOB.address))
    node.chain.follow()
    node.chain.seal()
    assert ask("anh_getJob", name)["state"] == "settled"


def test_only_orders_are_jobs(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    node.submit([RAW])
    assert ask("anh_getJob", NAME) is None
    assert ask("anh_getJob", "0x" + "77" * 32) is None
    poor = BOB.order(5, 70)
    l1.force(record_of(poor))
    l1.mine(2)
    node.chain.follow()
    node.chain.seal()
    assert ask("anh_getJob", "0x" + decoded(poor).hash.hex())["state"] == "without effect"


def test_the_sync_status_names_every_head(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    node.submit([RAW])
    post(node, l1)
    node.submit([ALICE.sign(nonce=1)])
    assert ask("anh_syncStatus") == {
        "head": {"number": "0x1", "hash": "0x" + node.chain.head.header.hash.hex()},
        "safe": "0x1",
        "finalized": "0x0",
        "waiting": "0x1",
        "batches": "0x1",
        "l1": {"number": "0x2", "hash": "0x" + l1.cursor.hash.hex()},
        "l1Origin": "0x1",
        "inbox": node.deployment.addresses["inbox"],
        "l1Start": {"number": "0x0", "hash": "0x" + node.deployment.block_hash.hex()},
    }
