"""Every answer of a standard method fits the schema that ethereum/execution-apis has for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from anh_rollup.rpc.dispatch import METHODS
from anh_rollup.rpc.not_served import FOLLOWERS_ONLY
from tests.doubles.ordering import ALICE, BOB, GWEI, FakeL1, NodeDouble, decoded, record_of
from tests.unit.rpc.conftest import Ask
from tests.unit.rpc.schemas import ERROR, RESULTS
from tests.unit.rpc.story import CALL, CONTRACT, DEPLOYMENT, NEXT, WAITING, FollowerStory
from tests.unit.rpc.test_examples import EXAMPLES, given
from tests.unit.rpc.test_examples import NEXT as FOLLOWING

ADDRESS = "0x" + CONTRACT.hex()
OWNER = "0x" + ALICE.address.hex()
STANDARD = {name for name in (*METHODS, *FOLLOWERS_ONLY) if not name.startswith("anh_")}
OLD: dict[str, Any] = {"maxFeePerGas": None, "maxPriorityFeePerGas": None, "gasPrice": 2 * GWEI}


def name_of(raw: bytes) -> str:
    return "0x" + decoded(raw).hash.hex()


#: What is asked in the story: each standard method with answers of every shape.
QUESTIONS: list[tuple[Any, ...]] = [
    ("web3_clientVersion",),
    ("web3_sha3", "0x"),
    ("net_version",),
    ("net_listening",),
    ("net_peerCount",),
    ("eth_chainId",),
    ("eth_syncing",),
    ("eth_accounts",),
    ("eth_blockNumber",),
    ("eth_getBlockByNumber", "earliest", True),
    ("eth_getBlockByNumber", "latest", False),
    ("eth_getBlockByNumber", "0x2", True),
    ("eth_getBlockByNumber", "0x3", True),
    ("eth_getBlockByNumber", "0x99"),
    ("eth_getBlockByHash", "0x" + "11" * 32, True),
    ("eth_getBlockTransactionCountByNumber", "latest"),
    ("eth_getBlockTransactionCountByNumber", "0x99"),
    ("eth_getBlockTransactionCountByHash", "0x" + "11" * 32),
    ("eth_getUncleCountByBlockNumber", "latest"),
    ("eth_getUncleCountByBlockHash", "0x" + "11" * 32),
    ("eth_getUncleByBlockNumberAndIndex", "latest", "0x0"),
    ("eth_getUncleByBlockHashAndIndex", "0x" + "11" * 32, "0x0"),
    ("eth_getTransactionCount", OWNER, "pending"),
    ("eth_getTransactionCount", ADDRESS, "latest"),
    ("eth_gasPrice",),
    ("eth_maxPriorityFeePerGas",),
    ("eth_baseFee",),
    ("eth_blobBaseFee",),
    ("eth_feeHistory", "0x2", "latest"),
    ("eth_feeHistory", "0x2", "latest", [10, 90]),
    ("eth_sendRawTransaction", "0x" + NEXT.hex()),
    ("eth_sendRawTransactionSync", "0x" + NEXT.hex()),
    ("eth_getTransactionByHash", name_of(DEPLOYMENT)),
    ("eth_getTransactionByHash", name_of(WAITING)),
    ("eth_getTransactionByHash", "0x" + "11" * 32),
    ("eth_getRawTransactionByHash", name_of(CALL)),
    ("eth_getRawTransactionByBlockNumberAndIndex", "0x1", "0x0"),
    ("eth_getRawTransactionByBlockHashAndIndex", "0x" + "11" * 32, "0x0"),
    ("eth_getTransactionByBlockNumberAndIndex", "0x1", "0x0"),
    ("eth_getTransactionByBlockHashAndIndex", "0x" + "11" * 32, "0x0"),
    ("eth_getTransactionReceipt", name_of(DEPLOYMENT)),
    ("eth_getTransactionReceipt", name_of(CALL)),
    ("eth_getTransactionReceipt", name_of(WAITING)),
    ("eth_getBlockReceipts", "0x1"),
    ("eth_getBlockReceipts", "0x3"),
    ("eth_getBlockReceipts", "0x99"),
    ("eth_estimateGas", {"from": OWNER, "to": ADDRESS}),
    ("eth_estimateGas", {"to": OWNER}),
    ("eth_createAccessList", {"from": OWNER, "to": ADDRESS}),
    ("eth_call", {"to": ADDRESS}, "latest"),
    ("eth_call", {"to": OWNER}, "0x1"),
    ("eth_getBalance", OWNER, "pending"),
    ("eth_getBalance", ADDRESS, "latest"),
    ("eth_getCode", ADDRESS, "latest"),
    ("eth_getCode", OWNER, "latest"),
    ("eth_getStorageAt", ADDRESS, "0x0", "latest"),
    ("eth_getStorageValues", {ADDRESS: ["0x0", "0x1"]}, "latest"),
    ("eth_getLogs", {"fromBlock": "0x0"}),
    ("eth_getLogs", {"fromBlock": "0x2"}),
    ("eth_newFilter", {}),
    ("eth_newBlockFilter",),
    ("eth_newPendingTransactionFilter",),
    ("eth_uninstallFilter", "0x1"),
    ("txpool_status",),
    ("txpool_content",),
    ("txpool_contentFrom", OWNER),
]
FAILURES: list[tuple[Any, ...]] = [
    ("eth_nothing",),
    ("eth_getProof", OWNER, [], "latest"),
    ("eth_getBalance", OWNER, "0x99"),
    ("eth_call", {"to": "0x"}),
    ("eth_call", {"from": ADDRESS, "to": OWNER, "value": "0x1"}),
    ("eth_call", {"data": "0xfe"}),
    ("eth_call", {"data": "0x60006000fd"}),
    ("eth_estimateGas", {"data": "0xfe"}),
    ("eth_getFilterChanges", "0x1"),
    ("eth_sendRawTransaction", "0x"),
]


@pytest.fixture
def story(l1: FakeL1, tmp_path: Path) -> Iterator[FollowerStory]:
    """The story of the examples."""
    told = FollowerStory(l1, tmp_path)
    told.tell()
    yield told
    told.close()


def faults(schema: Any, value: Any) -> list[str]:
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


def test_every_standard_method_has_a_schema_and_is_asked() -> None:
    assert set(RESULTS) == STANDARD
    assert {question[0] for question in QUESTIONS} | {"eth_getFilterChanges", "eth_getFilterLogs"} == STANDARD


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[0])
def test_an_answer_fits_its_schema(story: FollowerStory, question: tuple[Any, ...]) -> None:
    assert faults(RESULTS[question[0]], story.ask(*question)) == []


@pytest.mark.parametrize("question", FAILURES, ids=lambda question: question[0])
def test_an_error_fits_its_schema(story: FollowerStory, question: tuple[Any, ...]) -> None:
    assert faults(ERROR, story.ask(*question)) == []


def test_what_filters_give_fits_their_schemas(story: FollowerStory) -> None:
    names = [story.ask("eth_newFilter", {"fromBlock": "0x0"})]
    names += [story.ask("eth_newBlockFilter"), story.ask("eth_newPendingTransactionFilter")]
    logging = ALICE.sign(nonce=3, to=None, data=bytes.fromhex("60006000a0"), gas=90_000)
    story.ask("eth_sendRawTransactionSync", "0x" + logging.hex())
    changes = [story.ask("eth_getFilterChanges", name) for name in names]
    assert [len(each) for each in changes] == [1, 1, 1]
    for each in changes:
        assert faults(RESULTS["eth_getFilterChanges"], each) == []
    assert faults(RESULTS["eth_getFilterLogs"], story.ask("eth_getFilterLogs", names[0])) == []


def test_every_type_of_transaction_and_a_skipped_one_fit(story: FollowerStory, l1: FakeL1) -> None:
    listed = [{"address": ADDRESS, "storageKeys": ["0x" + "00" * 32]}]
    types = [
        ALICE.call(3, b"\1", **OLD, type=None),
        ALICE.call(4, b"\1", **OLD, type=1, accessList=listed),
        ALICE.call(5, b"\1", accessList=listed),
    ]
    l1.force(record_of(BOB.transfer(7, ALICE.address, 5)))
    l1.mine(2)
    story.node.chain.follow()
    story.node.submit(types)
    story.seal()
    block = story.ask("eth_getBlockByNumber", "latest", True)
    receipts = story.ask("eth_getBlockReceipts", "latest")
    assert {each["type"] for each in block["transactions"]} == {"0x0", "0x1", "0x2"}
    assert {each["status"] for each in receipts} == {"0x0", "0x1"}
    assert faults(RESULTS["eth_getBlockByNumber"], block) == []
    assert faults(RESULTS["eth_getBlockReceipts"], receipts) == []


@pytest.mark.parametrize(
    ("method", "parameters"), [each[:2] for each in EXAMPLES[:-1]], ids=[each[0] for each in EXAMPLES[:-1]]
)
def test_a_sequencers_answer_fits_its_schema(
    node: NodeDouble, ask: Ask, method: str, parameters: str
) -> None:
    node.submit([ALICE.transfer(0, BOB.address, 5), ALICE.order(1, 7)])
    node.chain.seal()
    if method in RESULTS:
        assert faults(RESULTS[method], ask(method, *given(parameters, FOLLOWING))) == []
