"""Who works for contracts ends the jobs that nobody has done: bounded, and once."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from anh_rollup.accountant.called_lapses import MOST_LAPSES, CalledLapser
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.errors import InsufficientFundsError, L1RevertedError, L1UnreachableError
from anh_rollup.l1.job_ender import RETRY_BLOCKS
from anh_rollup.l1.sender import MOST_IN_FLIGHT
from anh_rollup.primitives import Seconds, Wei
from anh_rollup.protocol.called import TrainingRequest, called_job, placeless
from anh_rollup.protocol.jobs import Property

SETTLEMENT, DEADLINE, ROOT = Seconds(1_000), Seconds(500), b"\1" * 32
END = DEADLINE + SETTLEMENT
CLAIMS = Claims(None, "0x" + "00" * 19 + "02")


def job(number=0, deadline=DEADLINE):
    property_ = Property(ROOT, ROOT, number)
    return placeless(TrainingRequest(called_job(ROOT, [property_], deadline, ""), Wei(7)))


@dataclass
class FakeL1:
    """A chain and its sender; refuses what it is told to refuse."""

    now: int = END
    number: int = 5_000
    refused: set[bytes] = field(default_factory=set)
    failure: Exception | None = None
    outcome: Any = "receipt"
    groups: list[list[bytes]] = field(default_factory=list)
    address: str = "0x" + "aa" * 20

    @property
    def client(self):
        return self

    def head(self):
        return type("Block", (), {"number": self.number, "time": self.now})

    def estimate_gas(self, request, sender):
        assert sender == self.address
        if request.data in self.refused:
            raise L1RevertedError("AlreadySettled", ())
        return 50_000

    def send_all(self, requests):
        if self.failure is not None:
            raise self.failure
        self.groups.append([each.data for each in requests])
        return [self.outcome] * len(requests)


def lapser(l1, *waiting):
    return CalledLapser(lambda: waiting, CLAIMS, l1, SETTLEMENT)


def call_of(ordered):
    return CLAIMS.lapse_called(ordered.job).data


def test_jobs_whose_time_is_over_are_ended_once():
    l1 = FakeL1()
    made = lapser(l1, job(0), job(1, Seconds(DEADLINE + 1)), job(2))
    assert made.step() == [job(0), job(2)]
    assert made.step() == []
    l1.now += 1
    assert made.step() == [job(1, Seconds(DEADLINE + 1))]
    assert l1.groups == [[call_of(job(0)), call_of(job(2))], [call_of(job(1, Seconds(DEADLINE + 1)))]]


def test_nothing_is_ended_before_its_time():
    l1 = FakeL1(now=END - 1)
    assert lapser(l1, job()).step() == []
    assert l1.groups == []


def test_what_l1_refuses_is_left_and_tried_again_after_a_while():
    l1 = FakeL1(refused={call_of(job())})
    made = lapser(l1, job(), job(1))
    assert made.step() == [job(1)]
    l1.refused.clear()
    assert made.step() == []
    l1.number += RETRY_BLOCKS
    assert made.step() == [job(), job(1)]


def test_a_chain_that_is_away_costs_no_time():
    l1 = FakeL1(failure=L1UnreachableError("127.0.0.1:1", 1, "gone"))
    made = lapser(l1, job())
    with pytest.raises(L1UnreachableError):
        made.step()
    l1.failure = None
    assert made.step() == [job()]


def test_one_that_fails_is_told(caplog):
    l1 = FakeL1(outcome=InsufficientFundsError("0x" + "aa" * 20, 1, 2))
    assert lapser(l1, job()).step() == []
    assert "is not ended" in caplog.text


def test_thousands_of_calls_cost_no_more_than_a_bound():
    l1 = FakeL1()
    made = lapser(l1, *(job(number) for number in range(MOST_LAPSES * 2)))
    ended = [each for _ in range(MOST_LAPSES) for each in made.step()]
    assert ended == [job(number) for number in range(MOST_LAPSES)]
    assert max(map(len, l1.groups)) <= MOST_IN_FLIGHT
    l1.number += RETRY_BLOCKS - 1
    assert made.step() == []
    l1.number += 1
    assert len(made.step()) == min(MOST_LAPSES, MOST_IN_FLIGHT)
