"""What the L2's answers become, and the errors of asking."""

from typing import Any

import pytest
import requests

from anh_rollup.client.l2 import (
    Followed,
    L2AnswerError,
    L2Client,
    L2RejectedError,
    L2UnreachableError,
    NotL2Error,
)
from anh_rollup.l1.transport import Patience

ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


class Scripted:
    """A provider that answers from a list; exceptions are raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []

    def make_request(self, method: str, parameters: Any) -> Any:
        self.asked.append((method, list(parameters)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(*answers: Any) -> tuple[L2Client, Scripted]:
    made = L2Client("http://user:secret@localhost:9545/key", Patience(1.0, 2, 0.0))
    provider = Scripted(*answers)
    made._transport._provider = provider  # type: ignore[assignment]
    return made, provider


def result(value: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "result": value}


def test_numbers_are_read_from_standard_methods() -> None:
    l2, provider = client(result("0xc8da16b"), result("0x7"), result("0x3b9aca00"))

    assert (l2.chain_id(), l2.nonce(ADDRESS), l2.gas_price()) == (210_608_491, 7, 10**9)
    assert provider.asked == [
        ("eth_chainId", []),
        ("eth_getTransactionCount", [ADDRESS, "pending"]),
        ("eth_gasPrice", []),
    ]


def test_the_cleared_balance_is_read_from_the_ledger() -> None:
    l2, provider = client(result({"nonce": "0x1", "cleared": "0xde0b6b3a7640000"}))

    assert l2.cleared(ADDRESS) == 10**18
    assert provider.asked == [("anh_getLedgerAccount", [ADDRESS])]


@pytest.mark.parametrize("answer", [None, {}, {"cleared": 5}, {"cleared": "much"}])
def test_a_ledger_account_without_a_balance_is_told(answer: object) -> None:
    l2, _ = client(result(answer))

    with pytest.raises(L2AnswerError, match="for a cleared balance"):
        l2.cleared(ADDRESS)


def test_a_position_may_not_be_there_yet() -> None:
    l2, _ = client(result(None), result({"waiting": "nonce"}), result({"blockNumber": "0x3"}))

    assert l2.position("0x12") is None
    assert l2.position("0x12") is None
    assert l2.position("0x12") == {"blockNumber": "0x3"}


START = {"number": "0x5", "hash": "0x" + "ab" * 32}


def test_the_deployment_that_is_followed_is_read_from_the_heads() -> None:
    l2, provider = client(result({"safe": "0x1", "inbox": ADDRESS, "l1Start": START}))

    assert l2.followed() == Followed(ADDRESS, b"\xab" * 32)
    assert provider.asked == [("anh_syncStatus", [])]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"inbox": ADDRESS},
        {"inbox": 5, "l1Start": START},
        {"inbox": ADDRESS, "l1Start": "0x5"},
        {"inbox": ADDRESS, "l1Start": {**START, "hash": "0x12"}},
    ],
)
def test_heads_without_a_deployment_are_told(answer: object) -> None:
    l2, _ = client(result(answer))

    with pytest.raises(L2AnswerError, match="for the deployment that it follows"):
        l2.followed()


def test_an_answer_that_is_no_object_is_told() -> None:
    l2, _ = client(result("0x1"))

    with pytest.raises(L2AnswerError) as refused:
        l2.position("0x12")

    assert refused.value.message == "the L2 answered '0x1' for anh_getPosition"


def test_a_transaction_is_sent_as_hexadecimal() -> None:
    l2, provider = client(result("0xab"))

    assert l2.send_raw(b"\x02\xff") == "0xab"
    assert provider.asked == [("eth_sendRawTransaction", ["0x02ff"])]


def test_an_l1_in_place_of_the_l2_is_told() -> None:
    unknown = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}}
    l2, _ = client(unknown, unknown)

    with pytest.raises(NotL2Error) as refused:
        l2.followed()
    assert refused.value.message == "the endpoint at localhost:9545 is no L2: it does not know anh_syncStatus"
    with pytest.raises(L2RejectedError):
        l2.gas_price()


def test_a_refusal_keeps_code_and_words() -> None:
    l2, _ = client({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "nonce too low"}})

    with pytest.raises(L2RejectedError) as refused:
        l2.send_raw(b"\x02")

    assert (refused.value.method, refused.value.code) == ("eth_sendRawTransaction", -32000)
    assert refused.value.message == "the L2 refused eth_sendRawTransaction: nonce too low (code -32000)"


def test_silence_is_told_without_the_key_in_the_url() -> None:
    l2, _ = client(requests.ConnectionError("refused"), requests.ConnectionError("refused"))

    with pytest.raises(L2UnreachableError) as refused:
        l2.chain_id()

    assert refused.value.host == "localhost:9545"
    assert "secret" not in refused.value.message
    assert refused.value.remedy == "Check --l2, and that `anh sequencer` (or `anh devnet`) runs."
