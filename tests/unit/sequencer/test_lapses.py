from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.errors import InsufficientFundsError, L1RevertedError, L1UnreachableError
from anh_rollup.l1.job_ender import RETRY_BLOCKS
from anh_rollup.l1.types import Cursor, TransactionRequest
from anh_rollup.primitives import Digest
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob
from anh_rollup.sequencer.lapses import MOST_LAPSES, Lapser
from tests.doubles.ordering import JOB

SETTLEMENT = 1_000
END = JOB.deadline + SETTLEMENT
GAS, PRICE = 60_000, 10
COST = GAS * PRICE
CLAIMS = Claims(None, "0x" + "00" * 19 + "02")  # type: ignore[arg-type]


def job(place: int, reward: int = 100 * COST) -> OrderedJob:
    return OrderedJob(1, bytes(32), place, keccak256(b"record %d" % place), JOB, reward)


@dataclass
class FakeReader:
    """An order of one batch with some jobs; `settled` are those of which L1 has said so."""

    known: list[OrderedJob]
    now: int = END
    number: int = 5_000
    settled: set[bytes] = field(default_factory=set)
    times_asked: int = 0

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.number, bytes(32))

    def time(self, number: int) -> int:
        assert number == self.number
        self.times_asked += 1
        return self.now

    def jobs(self) -> list[OrderedJob]:
        return self.known

    def unsettled_jobs(self) -> list[OrderedJob]:
        return [each for each in self.known if each.transaction not in self.settled]

    def batch(self, number: int) -> OrderedBatch:
        assert number == 1
        header: Any = type("Header", (), {"count": len(self.known)})()
        return OrderedBatch(header, tuple(b"record %d" % place for place in range(len(self.known))))


@dataclass
class FakeSender:
    """Takes what is sent; its L1 asks the same gas for everything, or refuses it."""

    refusal: Exception | None = None
    outcome: Any = "receipt"
    groups: list[list[TransactionRequest]] = field(default_factory=list)
    estimated: int = 0
    address: str = "0x" + "aa" * 20

    @property
    def client(self) -> "FakeSender":
        return self

    def price(self) -> int:
        return PRICE

    def estimate_gas(self, _request: TransactionRequest, _sender: str) -> int:
        self.estimated += 1
        if self.refusal is not None:
            raise self.refusal
        return GAS

    def send_all(self, requests: Sequence[TransactionRequest]) -> list[Any]:
        self.groups.append(list(requests))
        return [self.outcome] * len(requests)


def lapser(reader: FakeReader, sender: FakeSender) -> Lapser:
    return Lapser(reader, CLAIMS, sender, SETTLEMENT)  # type: ignore[arg-type]


def round_of(made: Lapser) -> list[OrderedJob]:
    made.look()
    return made.step()


def test_a_job_is_ended_by_the_record_of_its_order() -> None:
    reader, sender = FakeReader([job(0), job(1)]), FakeSender()
    assert round_of(lapser(reader, sender)) == reader.known
    requests = [CLAIMS.lapse(b"record %d" % place, JOB) for place in (0, 1)]
    assert sender.groups == [requests]


def test_nothing_is_ended_before_its_time() -> None:
    reader, sender = FakeReader([job(0)], now=END - 1), FakeSender()
    made = lapser(reader, sender)
    assert round_of(made) == []
    reader.now, reader.number = END, reader.number + 1
    assert round_of(made) == [job(0)]


@pytest.mark.parametrize(("reward", "ended"), [(2 * COST, False), (2 * COST + 1, True), (0, False)])
def test_a_reward_is_given_back_where_it_is_more_than_twice_the_gas(reward: int, ended: bool) -> None:
    sender = FakeSender()
    assert bool(round_of(lapser(FakeReader([job(0, reward)]), sender))) is ended
    assert bool(sender.groups) is ended


def test_what_l1_has_settled_is_left_alone() -> None:
    paid = Digest(job(0).transaction)
    reader, sender = FakeReader([job(0)], settled={paid}), FakeSender()
    assert round_of(lapser(reader, sender)) == []
    assert sender.estimated == 0


def test_a_round_ends_a_few_and_the_next_ones_the_others() -> None:
    reader, sender = FakeReader([job(place) for place in range(2 * MOST_LAPSES + 1)]), FakeSender()
    made = lapser(reader, sender)
    made.look()
    assert [len(made.step()) for _ in range(4)] == [MOST_LAPSES, MOST_LAPSES, 1, 0]
    assert len({request.data for group in sender.groups for request in group}) == len(reader.known)


def test_what_was_tried_is_tried_again_only_after_a_while() -> None:
    reader, sender = FakeReader([job(0)]), FakeSender(refusal=L1RevertedError("WrongOrder", ()))
    made = lapser(reader, sender)
    for _ in range(RETRY_BLOCKS):
        assert round_of(made) == []
        reader.number += 1
    assert sender.estimated == 1
    sender.refusal = None
    assert round_of(made) == [job(0)]
    assert sender.estimated == 2


def test_l1_is_looked_at_once_a_block() -> None:
    reader = FakeReader([job(0)])
    made = lapser(reader, FakeSender())
    for _ in range(3):
        made.look()
    reader.number += 1
    made.look()
    assert reader.times_asked == 2


def test_a_transaction_that_fails_is_told_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    sender = FakeSender(outcome=InsufficientFundsError("0x" + "aa" * 20, 1, 2))
    assert round_of(lapser(FakeReader([job(0)]), sender)) == []
    assert caplog.messages == [f"job 0x{job(0).transaction.hex()} is not ended: {sender.outcome.message}"]


def test_an_l1_that_is_away_is_told_and_asked_again() -> None:
    sender = FakeSender(refusal=L1UnreachableError("l1", 1, "it is away"))
    made = lapser(FakeReader([job(0)]), sender)
    with pytest.raises(L1UnreachableError):
        round_of(made)
    sender.refusal = None
    assert round_of(made) == [job(0)]
