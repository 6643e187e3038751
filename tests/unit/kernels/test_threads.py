"""Parts are done once each, at the same time, by threads that all work shares."""

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.kernels import threads as module
from anh_rollup.kernels.threads import PARTS, in_parts, own_processor, processors


@given(threads=st.integers(1, 5), count=st.integers(1, 50), most=st.integers(0, 30))
def test_parts_are_as_many_as_may_be_and_cover_everything_once(threads: int, count: int, most: int) -> None:
    done: list[tuple[int, int]] = []
    in_parts(lambda start, stop: done.append((start, stop)), count, most, threads)
    assert len(done) == (1 if threads == 1 else max(1, min(PARTS * threads, count, most)))
    assert [place for start, stop in sorted(done) for place in range(start, stop)] == list(range(count))


def test_parts_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=30)
    in_parts(lambda _start, _stop: meeting.wait() and None, 3, 3, 3)
    assert not meeting.broken


def test_nobody_waits_for_threads_that_are_busy_elsewhere() -> None:
    begun, over = threading.Semaphore(0), threading.Event()

    def slow(_start: int, _stop: int) -> None:
        begun.release()
        assert over.wait(30)

    with ThreadPoolExecutor(1) as other:
        busy = other.submit(in_parts, slow, 2, 2, 2)
        assert begun.acquire(timeout=30)
        assert begun.acquire(timeout=30)
        done: list[int] = []
        in_parts(lambda start, _: done.append(start), 2, 2, 2)
        assert (done, busy.done()) == ([0, 1], False)
        over.set()
        busy.result()


def test_many_callers_share_the_threads() -> None:
    seen: set[threading.Thread] = set()

    def work(_start: int, _stop: int) -> None:
        meeting.wait()
        seen.add(threading.current_thread())

    for caller in ("first", "second"):
        meeting = threading.Barrier(3, timeout=30)
        with ThreadPoolExecutor(1, thread_name_prefix=caller) as evaluation:
            evaluation.submit(in_parts, work, 3, 3, 3).result()
    assert sorted(each.name for each in seen) == ["first_0", "kernel_0", "kernel_1", "second_0"]


def test_nothing_writes_any_more_when_the_own_part_has_failed() -> None:
    caller, meeting, failed = threading.current_thread(), threading.Barrier(2, timeout=30), threading.Event()
    done: list[int] = []

    def work(start: int, _stop: int) -> None:
        meeting.wait()
        if threading.current_thread() is caller:
            failed.set()
            raise KeyboardInterrupt
        assert failed.wait(30)
        time.sleep(0.1)
        done.append(start)

    with pytest.raises(KeyboardInterrupt):
        in_parts(work, 8, 8, 2)
    # The part that had begun, and none of those that had not.
    assert len(done) == 1


def test_whoever_came_is_waited_for_when_the_system_has_no_more_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, started, begun, done = (
        threading.Thread.start,
        list[threading.Thread](),
        threading.Event(),
        set[int](),
    )

    def only_one(thread: threading.Thread) -> None:
        started.append(thread)
        if len(started) > 1:
            raise RuntimeError("can't start new thread")
        start(thread)

    def work(part: int, _stop: int) -> None:
        if threading.current_thread() in started:
            begun.set()
            time.sleep(0.1)
        else:
            assert begun.wait(30)
        done.add(part)

    module._threads.cache_clear()
    monkeypatch.setattr(threading.Thread, "start", only_one)
    in_parts(work, 12, 12, 3)
    module._threads.cache_clear()
    assert (len(started), done) == (2, {*range(12)})


def places_of_helpers(threads: int) -> list[set[int]]:
    """The processors that each helper may run on, which does one part as the caller does."""
    meeting, caller, found = (
        threading.Barrier(threads, timeout=30),
        threading.current_thread(),
        list[set[int]](),
    )

    def work(_start: int, _stop: int) -> None:
        meeting.wait()
        if threading.current_thread() is not caller:
            found.append(os.sched_getaffinity(0))

    in_parts(work, threads, threads, threads)
    return found


@pytest.mark.skipif(sys.platform != "linux" or processors() < 2, reason="no thread can make way")
def test_a_single_helper_leaves_the_processor_of_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    own = os.sched_getaffinity(0)
    for each in (*own, *own):
        monkeypatch.setattr(module, "own_processor", lambda each=each: each)
        assert places_of_helpers(2) == [own - {each}]
    assert os.sched_getaffinity(0) == own


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no processors of their own")
def test_a_new_helper_leaves_it_too_and_several_stay_where_they_are() -> None:
    own = os.sched_getaffinity(0)
    assert own_processor() in own
    module._threads.cache_clear()
    (place,) = places_of_helpers(2)
    assert len(own) == 1 or len(place) == len(own) - 1
    assert places_of_helpers(3) == [own, own]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no processors of their own")
@pytest.mark.parametrize(("own", "tried"), [(0, [{1}]), (None, [])])
def test_parts_are_done_where_no_thread_can_be_moved(
    monkeypatch: pytest.MonkeyPatch, own: int | None, tried: list[set[int]]
) -> None:
    refusals, done, meeting = list[set[int]](), list[int](), threading.Barrier(2, timeout=30)

    def refused(_thread: int, places: set[int]) -> None:
        refusals.append(places)
        raise OSError

    def work(start: int, _stop: int) -> None:
        meeting.wait()
        done.append(start)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _thread: {0, 1})
    monkeypatch.setattr(os, "sched_setaffinity", refused)
    monkeypatch.setattr(module, "own_processor", lambda: own)
    module._threads.cache_clear()
    in_parts(work, 2, 2, 2)
    module._threads.cache_clear()
    assert (refusals, sorted(done)) == (tried, [0, 1])


def test_a_forked_process_starts_threads_of_its_own() -> None:
    done: list[int] = []
    in_parts(lambda start, _: done.append(start), 2, 2, 2)
    child = os.fork()
    if child == 0:
        threading.Timer(30, os._exit, (1,)).start()
        in_parts(lambda start, _: done.append(start), 2, 2, 2)
        os._exit(0 if sorted(done) == [0, 0, 1, 1] else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
