"""The client against a real chain, and against everything that can be wrong with a connection."""

import socket
import time
from collections.abc import Iterator

import pytest

from anh_rollup.l1.client import L1Client
from anh_rollup.l1.errors import L1RejectedError, L1UnreachableError
from anh_rollup.l1.transport import Patience, Transport
from anh_rollup.l1.types import TransactionRequest
from tests.integration.conftest import Chain, Proxy

pytestmark = pytest.mark.anvil

FAST = Patience(timeout=5.0, attempts=4, backoff=0.01)


@pytest.fixture
def black_hole() -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/secret-key"


def test_reads_blocks_accounts_and_the_chain_id(anvil: Chain) -> None:
    client = anvil.client
    head = client.head()
    assert (client.chain_id(), head.number) == (31337, 0)
    assert head.base_fee is not None
    assert client.supports_blobs()
    assert client.block(0) == head == client.block_by_hash(head.hash)
    assert client.block(999) is None
    assert client.balance(anvil.accounts[0].address) == 10_000 * 10**18
    assert client.nonce(anvil.accounts[0].address) == 0
    assert client.code(anvil.accounts[0].address) == b""
    assert client.transaction(bytes(32)) is None
    assert client.receipt(bytes(32)) is None


@pytest.mark.parametrize("faults", [["429", "429"], ["half"], ["garbage", "503"], ["close", "half", "500"]])
def test_survives_faults_of_the_connection(proxy: Proxy, faults: list[str]) -> None:
    client = L1Client(Transport(proxy.url, FAST))
    proxy.faults.extend(faults)
    assert client.chain_id() == 31337
    assert proxy.seen == len(faults) + 1


def test_gives_up_after_all_attempts(proxy: Proxy) -> None:
    client = L1Client(Transport(proxy.url, FAST))
    proxy.faults.extend(["429"] * 9)
    with pytest.raises(L1UnreachableError) as caught:
        client.head()
    assert caught.value.message.endswith("gave no whole answer in 4 attempts; the last one: HTTP status 429")
    assert proxy.seen == 4


def test_a_silent_endpoint_times_out_and_its_key_stays_secret(black_hole: str) -> None:
    client = L1Client(Transport(black_hole, Patience(timeout=0.2, attempts=2, backoff=0.01)))
    begin = time.monotonic()
    with pytest.raises(L1UnreachableError) as caught:
        client.head()
    assert time.monotonic() - begin < 5
    assert "secret" not in caught.value.message
    assert caught.value.cause == "ReadTimeout"


def test_nobody_listening_is_reported_as_unreachable() -> None:
    client = L1Client(Transport("http://127.0.0.1:9", Patience(timeout=1.0, attempts=2, backoff=0.01)))
    with pytest.raises(L1UnreachableError):
        client.head()


def test_a_refused_method_is_not_repeated(proxy: Proxy) -> None:
    transport = Transport(proxy.url, FAST)
    with pytest.raises(L1RejectedError, match="Method not found"):
        transport.request("eth_noSuchMethod")
    assert proxy.seen == 1


def test_a_call_to_nothing_returns_nothing(anvil: Chain) -> None:
    assert anvil.client.call(TransactionRequest(anvil.accounts[3].address)) == b""
