"""Several pieces of work at a time, one for each key."""

import threading

import pytest

from anh_rollup.background import MOST_AT_ONCE, Background


@pytest.fixture
def background():
    made = Background()
    yield made
    made.close()


def test_work_that_goes_on_is_not_begun_twice_and_can_be_again_later(background):
    released, done = threading.Event(), []

    def work():
        released.wait(10)
        done.append(1)

    assert background.begin("a", "claim 0xaa", work)
    assert not background.begin("a", "claim 0xaa", work)
    assert background.running == {"a"}
    released.set()
    background.wait(10)
    background.begin_round()
    assert background.running == frozenset()
    assert background.begin("a", "claim 0xaa", work)
    background.wait(10)
    assert done == [1, 1]


def test_as_many_as_there_are_threads_go_on_at_once(background):
    """Each waits for all the others: fewer threads would never end."""
    meeting = threading.Barrier(MOST_AT_ONCE)
    for key in range(MOST_AT_ONCE):
        background.begin(key, "claim", lambda: meeting.wait(10))
    background.wait(10)

    assert background.running == frozenset()
    assert not meeting.broken


def test_what_fails_is_left_for_some_rounds(background):
    def work():
        raise IndexError

    begun = []
    for _ in range(4):
        background.begin_round()
        begun.append(background.begin("a", "claim 0xaa", work))
        background.wait(10)

    assert begun == [True, False, True, False]


def test_waiting_has_an_end(background):
    released = threading.Event()
    background.begin("a", "claim 0xaa", lambda: released.wait(10))
    background.wait(0.01)

    assert background.running == {"a"}
    released.set()


def test_nothing_is_begun_after_the_end(background):
    released, done = threading.Event(), []
    for key in range(MOST_AT_ONCE):
        background.begin(key, "claim", lambda: released.wait(10))
    background.begin("late", "claim", lambda: done.append(1))
    background.close()
    released.set()
    background.wait(0.2)

    assert done == []
