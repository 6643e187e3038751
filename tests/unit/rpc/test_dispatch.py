from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anh_rollup.rpc.dispatch import METHODS, Limits, answer
from anh_rollup.rpc.not_served import NOT_SERVED
from anh_rollup.storage.database import DatabaseError
from tests.doubles.ordering import ALICE, BOB, MALLORY, NodeDouble, decoded

CHAIN_ID = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
CHAIN_ID_ANSWER = {"jsonrpc": "2.0", "id": 1, "result": "0xc8db9eb"}


def asked(node: NodeDouble, request: Any, limits: Limits | None = None) -> Any:
    body = request if isinstance(request, bytes) else orjson.dumps(request)
    answered = answer(node, body, limits or Limits())
    return None if answered is None else orjson.loads(answered)


def send(raw: bytes, identifier: Any = 1) -> dict[str, Any]:
    method = "eth_sendRawTransaction"
    return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": ["0x" + raw.hex()]}


def failure(code: int, message: str, remedy: str, identifier: Any = None) -> Any:
    error = {"code": code, "message": message, "data": remedy}
    return {"jsonrpc": "2.0", "id": identifier, "error": error}


def test_a_request_is_answered(node: NodeDouble) -> None:
    assert asked(node, CHAIN_ID) == CHAIN_ID_ANSWER


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[1,", b'"\\ud800"', b"[" * 5_000])
def test_what_is_no_json_is_a_parse_error(node: NodeDouble, body: bytes) -> None:
    assert asked(node, body) == failure(-32700, "parse error", "Send JSON in UTF-8.")


@pytest.mark.parametrize(
    "request_",
    [
        1,
        None,
        {},
        "eth_chainId",
        {**CHAIN_ID, "jsonrpc": "1.0"},
        {**CHAIN_ID, "method": 5},
        {**CHAIN_ID, "id": []},
        [],
    ],
)
def test_what_is_no_request_is_invalid(node: NodeDouble, request_: Any) -> None:
    answered = asked(node, request_)
    assert (answered["id"], answered["error"]["code"]) == (None, -32600)


def test_an_unknown_method_does_not_exist(node: NodeDouble) -> None:
    assert asked(node, {**CHAIN_ID, "method": "eth_nothing"}) == failure(
        -32601,
        "the method eth_nothing does not exist/is not available",
        "docs/json-rpc.md lists the methods.",
        1,
    )


def test_what_needs_execution_is_not_served_and_says_what_to_do(node: NodeDouble) -> None:
    assert asked(node, {**CHAIN_ID, "method": "eth_getBalance", "params": ["0x" + "11" * 20]}) == failure(
        -32004,
        "eth_getBalance is not served by this node",
        "Ask a follower, or anh_getLedgerAccount for the nonce and the cleared balance.",
        1,
    )


def test_no_method_is_both_served_and_not() -> None:
    assert METHODS.keys() & NOT_SERVED.keys() == set()


@pytest.mark.parametrize("parameters", [{"a": 1}, "x", 5])
def test_parameters_come_by_position(node: NodeDouble, parameters: Any) -> None:
    assert asked(node, {**CHAIN_ID, "params": parameters})["error"]["code"] == -32602


def test_a_notification_is_carried_out_and_not_answered(node: NodeDouble) -> None:
    quiet = {key: value for key, value in send(ALICE.sign()).items() if key != "id"}
    assert asked(node, quiet) is None
    assert asked(node, [quiet, {"jsonrpc": "2.0", "method": "nothing"}]) is None
    assert node.chain.waiting == 1


def test_a_batch_is_answered_in_order_with_each_requests_id(node: NodeDouble) -> None:
    answered = asked(
        node, [CHAIN_ID, 5, {**CHAIN_ID, "id": "x", "method": "nothing"}, {**CHAIN_ID, "id": 2.5}]
    )
    assert [each["id"] for each in answered] == [1, None, "x", 2.5]
    assert [each.get("error", {}).get("code") for each in answered] == [None, -32600, -32601, None]


def test_submissions_that_stand_together_share_one_write(
    node: NodeDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    accept = node.chain._journal.accept

    def counted(each: Sequence[Any]) -> None:
        writes.append(len(each))
        accept(each)

    monkeypatch.setattr(node.chain._journal, "accept", counted)
    raws = [ALICE.transfer(nonce, BOB.address, 1) for nonce in range(4)]
    answered = asked(node, [send(raw, place) for place, raw in enumerate(raws)])
    assert [each["result"] for each in answered] == ["0x" + decoded(raw).hash.hex() for raw in raws]
    assert writes == [4]


def test_a_batch_sees_its_own_submissions(node: NodeDouble) -> None:
    count = {**CHAIN_ID, "method": "eth_getTransactionCount"}
    count["params"] = ["0x" + ALICE.address.hex(), "pending"]
    answered = asked(node, [send(ALICE.sign()), count, send(ALICE.sign(nonce=1)), count])
    assert [each["result"] for each in answered[1::2]] == ["0x1", "0x2"]


def test_a_rejection_carries_its_reason_and_a_remedy(node: NodeDouble) -> None:
    assert asked(node, send(MALLORY.sign())) == failure(
        -32000,
        "insufficient funds for gas * price + value: cleared balance 0 wei",
        "Deposit more ether on L1 with Inbox.deposit, or lower gas limit, price or value.",
        1,
    )
    oversized = asked(node, [send(bytes(131_073))])
    assert oversized[0]["error"]["code"] == -32003


def test_a_disk_that_fails_is_told_and_nothing_is_acknowledged(
    node: NodeDouble, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    def fail(_raws: Any) -> None:
        raise DatabaseError(tmp_path, "disk I/O error")

    monkeypatch.setattr(node, "submit", fail)
    codes = [asked(node, send(ALICE.sign()))["error"]["code"]]
    codes += [each["error"]["code"] for each in asked(node, [send(ALICE.sign()), send(ALICE.sign())])]
    assert codes == [-32603] * 3


# --- limits ---


def test_a_body_has_a_limit(node: NodeDouble) -> None:
    answered = asked(node, CHAIN_ID, Limits(body=10))
    assert answered == failure(-32005, "limit exceeded: a body has at most 10 bytes", "Split it.")


def test_a_batch_has_a_limit(node: NodeDouble) -> None:
    answered = asked(node, [CHAIN_ID] * 3, Limits(batch=2))
    assert answered["error"]["message"] == "limit exceeded: a batch of 3 requests; 2 are allowed"


def test_answers_have_a_limit_together(node: NodeDouble) -> None:
    answered = asked(node, [CHAIN_ID, CHAIN_ID, CHAIN_ID], Limits(answers=60))
    assert [each.get("error", {}).get("code") for each in answered] == [None, None, -32005]


def test_a_batch_has_a_time(node: NodeDouble) -> None:
    ticks: Iterator[float] = iter(range(0, 100, 4))
    silent = {key: value for key, value in CHAIN_ID.items() if key != "id"}
    limits = Limits(seconds=10.0, clock=lambda: next(ticks))
    answered = asked(node, [CHAIN_ID, CHAIN_ID, CHAIN_ID, silent, 7], limits)
    assert [each.get("error", {}).get("code") for each in answered] == [None, None, -32005, -32005]


# --- fuzz ---

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
)
WORDS = st.sampled_from(
    [
        *("latest", "pending", "safe", "earliest", "0x", "0x0", "0x1", "0x00", "0x" + "f" * 64, "0X1"),
        *("0x" + "11" * 20, "0x" + "11" * 32, "0x" + ALICE.sign().hex(), "0xzz", "0x1 1", "0x" + "1" * 65),
    ]
)
VALUES = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from([*METHODS, *NOT_SERVED, "eth_nothing"])
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | VALUES, "method": NAMES | VALUES},
    optional={"id": VALUES, "params": st.lists(WORDS | VALUES, max_size=4) | VALUES},
)
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def is_answer(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0" or "id" not in value:
        return False
    return ("result" in value) != ("error" in value)


@RELAXED
@given(request_=REQUESTS | st.lists(REQUESTS | VALUES, max_size=4) | VALUES)
def test_no_json_breaks_the_server(node: NodeDouble, request_: Any) -> None:
    found = asked(node, request_)
    listed = found if isinstance(found, list) else [found] if found is not None else []
    assert all(is_answer(each) for each in listed)


@RELAXED
@given(body=st.binary(max_size=200))
def test_no_bytes_break_the_server(node: NodeDouble, body: bytes) -> None:
    found = asked(node, body)
    assert found is None or is_answer(found) or all(is_answer(each) for each in found)


@RELAXED
@given(raw=st.binary(max_size=200), place=st.integers(0, 150), flip=st.integers(1, 255))
def test_no_transaction_bytes_break_the_server(node: NodeDouble, raw: bytes, place: int, flip: int) -> None:
    good = bytearray(MALLORY.order(0, 5))
    good[place] ^= flip
    for each in (raw, bytes(good)):
        assert asked(node, send(each))["error"]["code"] in (-32000, -32003)
