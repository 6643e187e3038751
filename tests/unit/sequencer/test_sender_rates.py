from contextlib import suppress

import pytest

from anh_rollup.protocol.admission import RejectedError
from anh_rollup.sequencer import sender_rates
from anh_rollup.sequencer.sender_rates import SenderLimits, SenderRates
from tests.doubles.ordering import ALICE, BOB, MALLORY

LIMITS = SenderLimits(transactions=2, size=1_000)


def taken(rates: SenderRates, times: int, now: float, size: int = 1) -> int:
    """How many of Alice's transactions pass."""
    passed = 0
    for _ in range(times):
        with suppress(RejectedError):
            rates.take(ALICE.address, size, now)
            passed += 1
    return passed


def test_who_is_too_fast_is_told_the_rate() -> None:
    rates = SenderRates(LIMITS)
    assert taken(rates, 20, 0.0) == 20
    with pytest.raises(RejectedError) as refused:
        rates.take(ALICE.address, 1, 0.0)
    message = "too many transactions of one sender: 2 transactions and 1000 bytes a second"
    assert refused.value.message == message


def test_a_burst_passes_then_the_rate() -> None:
    rates = SenderRates(LIMITS)
    assert taken(rates, 30, 100.0) == 20
    assert taken(rates, 30, 101.0) == 2
    assert taken(rates, 30, 1_000.0) == 20
    rates.take(BOB.address, 1, 1_000.0)


def test_bytes_count_where_they_are_more() -> None:
    assert taken(SenderRates(LIMITS), 30, 0.0, size=2_000) == 5


def test_a_clock_that_is_put_back_silences_nobody() -> None:
    rates = SenderRates(LIMITS)
    assert taken(rates, 30, 1_000.0) == 20
    assert taken(rates, 1, 0.0) == 1


def test_who_was_silent_for_longest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_rates, "MOST_SENDERS", 2)
    rates = SenderRates(LIMITS)
    for each in (ALICE, BOB, ALICE, MALLORY):
        rates.take(each.address, 1, 0.0)
    assert list(rates._full_at) == [ALICE.address, MALLORY.address]
