from typing import Any

import pytest

from anh_rollup.encoding.batches import EMPTY_TRIE_ROOT
from anh_rollup.protocol.jobs import DNN_ADDRESS, order_calldata
from anh_rollup.rpc.parameters import TAGS
from tests.doubles.ordering import ALICE, BOB, GWEI, JOB, FakeL1, NodeDouble, decoded, record_of
from tests.unit.rpc.conftest import Ask

ALICE_TEXT = "0x" + ALICE.address.hex()
BLOCK_FIELDS = {
    "baseFeePerGas",
    "difficulty",
    "extraData",
    "gasLimit",
    "gasUsed",
    "hash",
    "l1OriginHash",
    "l1OriginNumber",
    "logsBloom",
    "miner",
    "mixHash",
    "nonce",
    "number",
    "orderedGas",
    "parentHash",
    "receiptsRoot",
    "sha3Uncles",
    "size",
    "stateRoot",
    "timestamp",
    "totalDifficulty",
    "transactions",
    "transactionsRoot",
    "uncles",
}
#: Explorers refuse receipts with more or fewer (zkevm-node #3082, alchemy-sdk #291).
RECEIPT_FIELDS = {
    "blockHash",
    "blockNumber",
    "contractAddress",
    "cumulativeGasUsed",
    "effectiveGasPrice",
    "from",
    "gasUsed",
    "logs",
    "logsBloom",
    "status",
    "to",
    "transactionHash",
    "transactionIndex",
    "type",
}


def hash_of(raw: bytes) -> str:
    return "0x" + decoded(raw).hash.hex()


def sealed(node: NodeDouble, *raws: bytes) -> None:
    results = node.submit(raws)
    assert not [each for each in results if isinstance(each, Exception)]
    node.chain.seal()


def test_the_chain_introduces_itself(ask: Ask) -> None:
    assert ask("eth_chainId") == "0xc8db9eb"
    assert ask("net_version") == "210614763"
    assert ask("web3_clientVersion").startswith("anh_rollup/")
    assert (ask("net_listening"), ask("net_peerCount"), ask("eth_syncing")) == (True, "0x0", False)
    assert ask("eth_accounts") == []
    assert ask("web3_sha3", "0x") == "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_a_block_shows_zero_for_what_depends_on_execution(ask: Ask, node: NodeDouble) -> None:
    raw = ALICE.transfer(0, BOB.address, 5)
    sealed(node, raw)
    block = ask("eth_getBlockByNumber", "latest", False)
    assert set(block) == BLOCK_FIELDS
    assert (block["stateRoot"], block["gasUsed"]) == ("0x" + "00" * 32, "0x0")
    assert (block["number"], block["transactions"]) == ("0x1", [hash_of(raw)])
    assert (block["l1OriginNumber"], block["extraData"]) == ("0x1", "0x0000000000000001")
    assert (block["mixHash"], block["orderedGas"]) == (block["l1OriginHash"], "0x5208")


def test_full_transactions_are_those_that_the_hash_lists_name(ask: Ask, node: NodeDouble) -> None:
    sealed(node, ALICE.transfer(0, BOB.address, 5), ALICE.order(1, 7))
    block = ask("eth_getBlockByNumber", "0x1", True)
    named = ask("eth_getBlockByHash", block["hash"], False)["transactions"]
    assert [each["hash"] for each in block["transactions"]] == named
    for place, each in enumerate(block["transactions"]):
        assert ask("eth_getTransactionByHash", each["hash"]) == each
        assert ask("eth_getTransactionByBlockNumberAndIndex", "0x1", hex(place)) == each
        assert ask("eth_getTransactionByBlockHashAndIndex", block["hash"], hex(place)) == each
    assert ask("eth_getBlockTransactionCountByNumber", "0x1") == "0x2"
    assert ask("eth_getBlockTransactionCountByHash", block["hash"]) == "0x2"


def test_the_genesis_block_is_a_block_without_transactions(ask: Ask) -> None:
    genesis = ask("eth_getBlockByNumber", "earliest", True)
    assert (genesis["number"], genesis["transactions"]) == ("0x0", [])
    assert genesis["transactionsRoot"] == "0x" + EMPTY_TRIE_ROOT.hex()
    assert ask("eth_getBlockByHash", genesis["hash"], True) == genesis


def test_tags_name_what_is_sealed_on_l1_and_final_on_l1(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    def tags() -> list[str]:
        names = ("latest", "pending", "safe", "finalized", "earliest")
        return [ask("eth_getBlockByNumber", name, False)["number"] for name in names]

    sealed(node, ALICE.sign())
    assert tags() == ["0x1", "0x1", "0x0", "0x0", "0x0"]
    l1.post(node.chain.blocks_after(0))
    node.chain.follow()
    assert tags() == ["0x1", "0x1", "0x1", "0x0", "0x0"]
    node.finalize(l1.number)
    assert tags() == ["0x1", "0x1", "0x1", "0x1", "0x0"]


def test_what_does_not_exist_is_null(ask: Ask) -> None:
    nobody = "0x" + "77" * 32
    for method in ("eth_getTransactionByHash", "eth_getTransactionReceipt", "eth_getRawTransactionByHash"):
        assert ask(method, nobody) is None
    assert ask("eth_getBlockByNumber", "0x99", False) is None
    assert ask("eth_getBlockByHash", nobody, False) is None
    assert ask("eth_getBlockTransactionCountByNumber", "0x99") is None
    assert ask("eth_getTransactionByBlockNumberAndIndex", "0x0", "0x0") is None
    assert ask("eth_getTransactionByBlockHashAndIndex", nobody, "0x0") is None


@pytest.mark.parametrize(
    ("method", "parameters", "message"),
    [
        ("eth_chainId", ["0x1"], "1 parameters; 0 are expected"),
        ("eth_getBlockByNumber", [], "0 parameters; 1 to 2 are expected"),
        ("eth_getBlockByNumber", ["0x1", "yes"], "the second parameter is true or false"),
        (
            "eth_getBlockByNumber",
            ["newest"],
            f"the block, when it is none of {', '.join(TAGS)}, is a hexadecimal number that starts with 0x",
        ),
        ("eth_getTransactionByHash", ["0x11"], "the transaction hash has 1 bytes instead of 32"),
        ("eth_getTransactionCount", ["11"], "the address is hexadecimal text that starts with 0x"),
        ("eth_sendRawTransaction", ["0x1"], "the transaction is not hexadecimal"),
        ("eth_sendRawTransaction", ["0x11 11"], "the transaction is not hexadecimal"),
        ("eth_feeHistory", ["0x0", "latest", []], "the number of blocks is at least 1"),
        ("eth_feeHistory", ["0x1", "0x5", []], "block 5 is beyond the head"),
        (
            "eth_feeHistory",
            ["0x1", "latest", [50, 10]],
            "the percentiles are ascending numbers from 0 to 100",
        ),
        ("eth_estimateGas", ["x"], "the call is an object"),
    ],
)
def test_wrong_parameters_are_named(ask: Ask, method: str, parameters: list[Any], message: str) -> None:
    error = {"code": -32602, "message": message, "data": "See docs/json-rpc.md."}
    assert ask(method, *parameters) == error


def test_a_nonce_counts_what_is_sealed_or_what_is_accepted(ask: Ask, node: NodeDouble) -> None:
    node.submit([ALICE.sign()])
    assert ask("eth_getTransactionCount", ALICE_TEXT, "pending") == "0x1"
    assert ask("eth_getTransactionCount", ALICE_TEXT, "latest") == "0x0"
    assert ask("eth_getTransactionCount", ALICE_TEXT) == "0x0"
    node.chain.seal()
    assert ask("eth_getTransactionCount", ALICE_TEXT, "0x1") == "0x1"
    assert ask("eth_getTransactionCount", ALICE_TEXT, "earliest")["code"] == -32004


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": None, "gasPrice": 2 * GWEI, "maxFeePerGas": None, "maxPriorityFeePerGas": None}, "0x0"),
        ({"type": 1, "gasPrice": 2 * GWEI, "maxFeePerGas": None, "maxPriorityFeePerGas": None}, "0x1"),
        ({}, "0x2"),
    ],
)
def test_a_transaction_has_the_fields_of_its_type(
    ask: Ask, node: NodeDouble, fields: dict[str, Any], kind: str
) -> None:
    raw = ALICE.transfer(0, BOB.address, 5, **fields)
    node.submit([raw])
    waiting = ask("eth_getTransactionByHash", hash_of(raw))
    assert (waiting["blockHash"], waiting["blockNumber"], waiting["transactionIndex"]) == (None,) * 3
    assert (waiting["type"], "accessList" in waiting) == (kind, kind != "0x0")
    assert ("maxFeePerGas" in waiting) == (kind == "0x2")
    assert waiting["gasPrice"] == hex(2 * GWEI)
    node.chain.seal()
    placed = ask("eth_getTransactionByHash", hash_of(raw))
    assert (placed["blockNumber"], placed["transactionIndex"]) == ("0x1", "0x0")
    assert placed["gasPrice"] == hex(2 * GWEI if kind != "0x2" else GWEI * 7 // 8)
    assert ask("eth_getRawTransactionByHash", hash_of(raw)) == "0x" + raw.hex()


def test_a_transfers_receipt_says_what_the_ledger_did(ask: Ask, node: NodeDouble) -> None:
    first, second = ALICE.call(0, b"\1"), ALICE.transfer(1, BOB.address, 5)
    node.submit([first, second])
    assert ask("eth_getTransactionReceipt", hash_of(second)) is None
    node.chain.seal()
    found = ask("eth_getTransactionReceipt", hash_of(second))
    assert set(found) == RECEIPT_FIELDS
    assert (found["status"], found["gasUsed"], found["logs"]) == ("0x1", "0x5208", [])
    assert found["effectiveGasPrice"] == hex(GWEI * 7 // 8)
    assert found["cumulativeGasUsed"] == hex(100_000 + 21_000)


def test_an_orders_receipt_has_its_intrinsic_gas(ask: Ask, node: NodeDouble) -> None:
    raw = ALICE.order(0, 5)
    sealed(node, raw)
    estimate = ask("eth_estimateGas", {"to": DNN_ADDRESS, "data": "0x" + order_calldata(JOB).hex()})
    assert ask("eth_getTransactionReceipt", hash_of(raw))["gasUsed"] == estimate


def test_a_contract_calls_receipt_needs_execution(ask: Ask, node: NodeDouble) -> None:
    raw = ALICE.call(0, b"\1")
    sealed(node, raw)
    assert ask("eth_getTransactionReceipt", hash_of(raw)) == {
        "code": -32004,
        "message": "eth_getTransactionReceipt of a contract call is not served by this node",
        "data": "Ask anh_getPosition for the transaction's place in the order.",
    }


def test_a_skipped_transaction_has_status_zero(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    raw = ALICE.transfer(9, BOB.address, 5)
    l1.force(record_of(raw))
    l1.mine(2)
    node.chain.follow()
    node.chain.seal()
    found = ask("eth_getTransactionReceipt", hash_of(raw))
    assert (found["status"], found["gasUsed"], found["effectiveGasPrice"]) == ("0x0", "0x0", "0x0")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"to": "0x" + "11" * 20}, "0x5208"),
        ({"to": "0x" + "11" * 20, "data": "0x"}, "0x5208"),
        ({"from": ALICE_TEXT, "to": "0x" + "11" * 20, "value": "0x5", "input": "0x"}, "0x5208"),
        ({"to": "0x" + "11" * 20, "data": "0x01"}, -32004),
        ({"to": "0x" + "11" * 20, "accessList": [{"address": ALICE_TEXT, "storageKeys": []}]}, -32004),
        ({"data": "0x01"}, -32004),
        ({"to": DNN_ADDRESS}, -32004),
        ({}, -32004),
    ],
)
def test_gas_is_estimated_where_it_is_known(ask: Ask, call: dict[str, Any], expected: Any) -> None:
    for extra in ((), ("latest",)):
        found = ask("eth_estimateGas", call, *extra)
        assert (found if isinstance(found, str) else found["code"]) == expected


def test_fees_are_the_next_blocks(ask: Ask, node: NodeDouble) -> None:
    sealed(node, ALICE.sign())
    fee = GWEI * 7 // 8
    following = fee - fee * (60_000_000 - 21_000) // 60_000_000 // 8
    assert ask("eth_gasPrice") == hex(following)
    assert ask("eth_maxPriorityFeePerGas") == "0x0"
    history = ask("eth_feeHistory", "0x5", "latest", [10, 50.5])
    assert history == {
        "oldestBlock": "0x0",
        "baseFeePerGas": [hex(GWEI), hex(fee), hex(following)],
        "gasUsedRatio": [0.0, 21_000 / 120_000_000],
        "reward": [["0x0", "0x0"]] * 2,
    }
    assert ask("eth_feeHistory", 1, "latest")["oldestBlock"] == "0x1"


def test_blocks_have_no_uncles(ask: Ask) -> None:
    assert ask("eth_getUncleCountByBlockNumber", "latest") == "0x0"
