"""Turns for evaluations: what is cheap never waits for all that is dear."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from anh_rollup.evaluation.turns import TurnLostError, Turns


class Queue:
    """Threads that wait for turns, begun in an order that the test chooses."""

    def __init__(self, turns, threads=8):
        self.turns, self.pool, self.began = turns, ThreadPoolExecutor(threads), []
        self.released = threading.Event()

    def take(self, cost, *, urgent=False):
        """A thread that takes a turn and keeps it until all are released; it waits, or works, from now on."""
        before = self._seen(cost)
        future = self.pool.submit(self._work, cost, urgent)
        while not future.done() and self._seen(cost) == before:
            threading.Event().wait(0.001)
        return future

    def _seen(self, cost):
        return (*self.turns.waiting, *self.began).count(cost)

    def _work(self, cost, urgent):
        with self.turns.take(cost, urgent=urgent):
            self.began.append(cost)
            self.released.wait(10)
        return cost

    def end(self, *futures):
        self.released.set()
        return [each.result(10) for each in futures]


def test_so_many_at_once_as_there_are_turns():
    queue = Queue(Turns(2, 4))
    taken = [queue.take(cost) for cost in (9, 8, 7)]

    assert queue.began == [9, 8]
    assert queue.turns.waiting == (7,)
    assert queue.end(*taken) == [9, 8, 7]


def test_of_those_that_wait_the_cheapest_is_next_and_then_the_oldest():
    queue = Queue(Turns(1, 4))
    taken = [queue.take(cost) for cost in (100, 50, 7, 60, 7)]

    assert queue.turns.waiting == (7, 7, 50, 60)
    queue.end(*taken)
    assert queue.began == [100, 7, 7, 50, 60]


def test_the_dearest_waits_no_longer_where_too_many_wait():
    queue = Queue(Turns(1, 2))
    busy, first, second = (queue.take(cost) for cost in (100, 50, 60))
    cheap = queue.take(7)

    with pytest.raises(TurnLostError) as raised:
        second.result(10)
    assert raised.value.message == "no turn for an evaluation of 60 multiply-adds: enough cheaper ones wait"
    assert queue.end(busy, first, cheap) == [100, 50, 7]
    assert queue.began == [100, 7, 50]


def test_one_that_would_be_the_dearest_does_not_begin_to_wait():
    queue = Queue(Turns(1, 2))
    taken = [queue.take(cost) for cost in (100, 5, 6)]

    with pytest.raises(TurnLostError), queue.turns.take(7):
        raise AssertionError
    assert queue.end(*taken) == [100, 5, 6]


def test_a_turn_is_given_back_whatever_its_work_ends_in():
    turns = Turns(1, 1)
    for _ in range(2):
        with pytest.raises(IndexError), turns.take(1):
            raise IndexError
    with turns.take(1):
        assert turns.waiting == ()


def test_what_is_urgent_goes_before_all_that_is_cheaper():
    queue = Queue(Turns(1, 4))
    taken = [queue.take(100), queue.take(5), queue.take(90, urgent=True), queue.take(80, urgent=True)]

    queue.end(*taken)
    assert queue.began == [100, 80, 90, 5]
