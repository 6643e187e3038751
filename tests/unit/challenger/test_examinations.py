"""Several examinations at a time, one for each key."""

import threading

import pytest

from anh_rollup.challenger.examinations import MOST_AT_ONCE, Examinations


@pytest.fixture
def examinations():
    made = Examinations()
    yield made
    made.close()


def test_work_that_goes_on_is_not_begun_twice_and_can_be_again_later(examinations):
    released, done = threading.Event(), []

    def work():
        released.wait(10)
        done.append(1)

    assert examinations.begin("a", "claim 0xaa", work)
    assert not examinations.begin("a", "claim 0xaa", work)
    assert examinations.running == {"a"}
    released.set()
    examinations.wait(10)
    examinations.begin_round()
    assert examinations.running == frozenset()
    assert examinations.begin("a", "claim 0xaa", work)
    examinations.wait(10)
    assert done == [1, 1]


def test_as_many_as_there_are_threads_go_on_at_once(examinations):
    """Each waits for all the others: fewer threads would never end."""
    meeting = threading.Barrier(MOST_AT_ONCE)
    for key in range(MOST_AT_ONCE):
        examinations.begin(key, "claim", lambda: meeting.wait(10))
    examinations.wait(10)

    assert examinations.running == frozenset()
    assert not meeting.broken


def test_what_fails_is_left_for_some_rounds(examinations):
    def work():
        raise IndexError

    begun = []
    for _ in range(4):
        examinations.begin_round()
        begun.append(examinations.begin("a", "claim 0xaa", work))
        examinations.wait(10)

    assert begun == [True, False, True, False]


def test_waiting_has_an_end(examinations):
    released = threading.Event()
    examinations.begin("a", "claim 0xaa", lambda: released.wait(10))
    examinations.wait(0.01)

    assert examinations.running == {"a"}
    released.set()


def test_nothing_is_begun_after_the_end(examinations):
    released, done = threading.Event(), []
    for key in range(MOST_AT_ONCE):
        examinations.begin(key, "claim", lambda: released.wait(10))
    examinations.begin("late", "claim", lambda: done.append(1))
    examinations.close()
    released.set()
    examinations.wait(0.2)

    assert done == []
