import pytest

from anh_rollup.rpc import faults
from anh_rollup.rpc.errors import Code, RpcError, failure
from anh_rollup.rpc.faults import BURST_SECONDS, MOST_DELAY, Faults

REFUSED = failure(1, RpcError(Code.SERVER, "nonce too low", remedy="x"))
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
