import pytest

from anh_rollup.rpc import faults
from anh_rollup.rpc.dispatch import Limits, answer
from anh_rollup.rpc.faults import BURST_SECONDS, ERROR, MOST_DELAY, Faults
from tests.doubles.ordering import NodeDouble

REFUSED = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"nonce too low","data":"x"}}'
ANSWERED = b'{"jsonrpc":"2.0","id":1,"result":"0x1"}'


def test_a_burst_of_errors_passes_then_requests_wait() -> None:
    slow = Faults(rate=10)
    for _ in range(10 * int(BURST_SECONDS)):
        assert slow.delay("a", 5.0) == 0.0
        slow.count("a", REFUSED, 5.0)
    slow.count("a", REFUSED * 3, 5.0)
    assert slow.delay("a", 5.0) == pytest.approx(0.3)
    assert slow.delay("a", 5.2) == pytest.approx(0.1)
    assert (slow.delay("a", 6.0), slow.delay("b", 5.0)) == (0.0, 0.0)


def test_nobody_waits_longer_than_the_longest_wait() -> None:
    slow = Faults(rate=1)
    slow.count("a", REFUSED * 1_000, 0.0)
    assert slow.delay("a", 0.0) == MOST_DELAY
    assert slow.delay("a", MOST_DELAY) == 0.0


def test_answers_without_errors_cost_nothing_and_a_rate_of_0_counts_none() -> None:
    slow, off = Faults(rate=1), Faults()
    slow.count("a", ANSWERED * 1_000, 0.0)
    off.count("a", REFUSED * 1_000, 0.0)
    assert (slow._full_at, off._full_at, off.delay("a", 0.0)) == ({}, {}, 0.0)


def test_the_address_without_an_error_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "MOST_ADDRESSES", 2)
    slow = Faults(rate=1)
    for each in "abac":
        slow.count(each, REFUSED, 0.0)
    assert list(slow._full_at) == ["a", "c"]


def test_an_error_begins_as_it_is_counted_and_no_text_of_a_client_does(node: NodeDouble) -> None:
    bodies = {
        b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}': 1,
        b'[{"jsonrpc":"2.0","id":1,"method":"no"},{"jsonrpc":"2.0","id":2,"method":"eth_chainId"},5]': 2,
        b'{"jsonrpc":"2.0","id":"\\"error\\":{\\"code\\":","method":"eth_chainId"}': 0,
        b"{": 1,
    }
    found = [(answer(node, body, Limits()) or b"").count(ERROR) for body in bodies]
    assert found == list(bodies.values())
