"""The order with called jobs: what a follower says that contracts wait for."""

import logging
from dataclasses import replace

import pytest

from anh_rollup.accountant.called import CalledJobs
from anh_rollup.client.called_jobs import called_jobs, read_called_jobs
from anh_rollup.client.l2 import L2AnswerError, L2UnreachableError
from anh_rollup.primitives import Seconds, Wei
from anh_rollup.protocol.called import TrainingRequest, called_job, placeless
from anh_rollup.protocol.jobs import JobKind, Property, encode_job, terms

ROOT = b"\1" * 32
CALLED = called_job(ROOT, [Property(ROOT, ROOT, 5)], Seconds(50), "\udcff")
INFERENCE = replace(CALLED, kind=JobKind.INFERENCE, model=ROOT)
ORDERED = placeless(TrainingRequest(CALLED, Wei(7)))
ANSWER = {"kind": "training", "reward": "0x7", "encodedJob": "0x" + encode_job(CALLED).hex()}


class NoOrder:
    """An order with one job."""

    def __init__(self):
        self.refreshed = 0

    def refresh(self):
        self.refreshed += 1
        return True

    def jobs(self):
        return ["ordered"]

    def batch(self, number):
        return f"batch {number}"

    def record(self, transaction):
        return b"record of " + transaction


class Asked:
    """A follower that says one thing, or is away."""

    def __init__(self):
        self.says = (ORDERED,)

    def __call__(self):
        if self.says is None:
            raise L2UnreachableError("127.0.0.1:1", "gone")
        return self.says


def test_called_jobs_come_behind_those_that_are_ordered():
    jobs = CalledJobs(NoOrder(), Asked())
    assert jobs.jobs() == ["ordered"]
    jobs.poll()
    assert jobs.jobs() == ["ordered", ORDERED]


def test_a_follower_that_is_away_is_told_once_and_what_it_said_last_holds(caplog):
    asked = Asked()
    jobs = CalledJobs(NoOrder(), asked)
    jobs.poll()
    asked.says = None
    with caplog.at_level(logging.WARNING):
        jobs.poll()
        jobs.poll()
    assert len(caplog.records) == 1
    assert jobs.jobs() == ["ordered", ORDERED]
    asked.says = ()
    jobs.poll()
    assert jobs.jobs() == ["ordered"]


def test_everything_else_is_the_orders():
    order = NoOrder()
    jobs = CalledJobs(order, Asked())
    assert jobs.refresh()
    assert (order.refreshed, jobs.batch(3), jobs.record(b"x")) == (1, "batch 3", b"record of x")


def test_a_followers_answer_is_read():
    artifact = {"kind": "model", "root": "0x", "uris": []}
    assert read_called_jobs([artifact, {**ANSWER, "terms": "0x" + terms(CALLED).hex()}]) == [ORDERED]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [5],
        [{"kind": "training"}],
        [{**ANSWER, "reward": 7}],
        [{**ANSWER, "encodedJob": ANSWER["encodedJob"][:-2]}],
        [{**ANSWER, "encodedJob": "0x" + encode_job(INFERENCE).hex()}],
    ],
)
def test_any_other_answer_is_refused(answer):
    with pytest.raises(L2AnswerError):
        read_called_jobs(answer)


def test_they_are_asked_for_by_their_method():
    class Client:
        def request(self, method):
            assert method == "anh_getWaiting"
            return [ANSWER]

    assert called_jobs(Client()) == [ORDERED]
