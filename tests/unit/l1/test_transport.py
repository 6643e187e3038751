"""Repeating requests: when, how often, with which pauses, and what is told in the end."""

from typing import Any

import pytest
import requests

from anh_rollup.l1.client import L1Client
from anh_rollup.l1.errors import L1AnswerError, L1RejectedError, L1RevertedError, L1UnreachableError
from anh_rollup.l1.transport import Patience, Transport
from anh_rollup.l1.types import TransactionRequest


class Scripted:
    """A provider that answers from a list; exceptions are raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []

    def make_request(self, method: str, parameters: Any) -> Any:
        self.asked.append((method, parameters))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(*answers: Any, attempts: int = 4) -> tuple[Transport, Scripted, list[float]]:
    pauses: list[float] = []
    transport = Transport("http://user:key@host:8545/key", Patience(1.0, attempts, 0.5), pauses.append)
    provider = Scripted(*answers)
    transport._provider = provider  # type: ignore[assignment]
    return transport, provider, pauses


def status(code: int) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = code
    return requests.HTTPError("with the url and its key", response=response)


def result(value: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "result": value}


def error(code: int, message: str, data: object = None) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message, "data": data}}


def test_pauses_double_between_attempts() -> None:
    transport, _, pauses = scripted(
        requests.Timeout(), status(429), error(-32005, "limit exceeded"), result("0x1")
    )
    assert transport.request("eth_chainId") == "0x1"
    assert pauses == [0.5, 1.0, 2.0]


def test_the_last_cause_is_told_without_the_key() -> None:
    transport, _, _ = scripted(requests.Timeout(), status(503), attempts=2)
    with pytest.raises(L1UnreachableError) as caught:
        transport.request("eth_chainId")
    assert caught.value.message == (
        "L1 at host:8545 gave no whole answer in 2 attempts; the last one: HTTP status 503"
    )


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413])
def test_a_refusal_of_the_web_server_is_final(code: int) -> None:
    transport, provider, _ = scripted(status(code))
    with pytest.raises(L1RejectedError, match=f"HTTP status {code}"):
        transport.request("eth_chainId")
    assert len(provider.asked) == 1


def test_a_refusal_of_the_node_is_final() -> None:
    transport, provider, _ = scripted(error(-32000, "header not found"))
    with pytest.raises(L1RejectedError) as caught:
        transport.request("eth_call")
    assert (caught.value.code, caught.value.reason, caught.value.data) == (-32000, "header not found", b"")
    assert len(provider.asked) == 1


@pytest.mark.parametrize("answer", [[], "text", {"jsonrpc": "2.0", "id": 1}])
def test_an_answer_without_result_is_reported(answer: object) -> None:
    transport, _, _ = scripted(answer)
    with pytest.raises(L1AnswerError):
        transport.request("eth_chainId")


@pytest.mark.parametrize(
    "answer",
    [
        error(3, "execution reverted", "0x4e487b71" + "00" * 31 + "11"),
        error(
            -32000,
            "VM Exception while processing transaction: revert",
            {"data": "0x4e487b71" + "00" * 31 + "11"},
        ),
        error(-32000, "execution reverted", {"result": "0x4e487b71" + "00" * 31 + "11", "hash": "0x"}),
    ],
)
def test_a_revert_has_its_name_whatever_form_the_node_gives_it(answer: object) -> None:
    transport, _, _ = scripted(answer)
    with pytest.raises(L1RevertedError, match=r"Panic\(17\)"):
        L1Client(transport).call(TransactionRequest("0x" + "ab" * 20))


def test_a_bare_revert_keeps_the_nodes_words() -> None:
    transport, _, _ = scripted(error(-32000, "execution reverted"))
    with pytest.raises(L1RevertedError) as caught:
        L1Client(transport).call(TransactionRequest("0x" + "ab" * 20))
    assert (caught.value.reason, caught.value.arguments) == ("Unknown", ("execution reverted",))


def test_methods_that_old_nodes_lack_are_done_without() -> None:
    transport, _, _ = scripted(error(-32601, "no method"), error(-32601, "no method"))
    client = L1Client(transport)
    assert (client.priority_fee(), client.blob_base_fee()) == (None, 0)
