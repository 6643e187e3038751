"""Parts are done once each, at the same time, by threads that all evaluations share."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.evaluation.row_threads import in_parts


@given(threads=st.integers(1, 5), count=st.integers(1, 20), most=st.integers(0, 9))
def test_parts_are_as_many_as_may_be_and_cover_everything_once(threads: int, count: int, most: int) -> None:
    done: list[tuple[int, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "get_num_threads", lambda: threads)
        in_parts(lambda start, stop: done.append((start, stop)), count, most)
    assert len(done) == max(1, min(threads, count, most))
    assert [place for start, stop in sorted(done) for place in range(start, stop)] == list(range(count))


def test_parts_run_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    meeting = threading.Barrier(3, timeout=30)
    in_parts(lambda _start, _stop: meeting.wait() and None, 3, 3)
    assert not meeting.broken


def test_many_evaluations_share_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    names: set[str] = set()
    with ThreadPoolExecutor(8, thread_name_prefix="evaluation") as evaluations:
        for _ in range(100):
            evaluations.submit(in_parts, lambda *_: names.add(threading.current_thread().name), 9, 9)
    assert len([name for name in names if name.startswith("depthwise")]) == 2


def test_nothing_writes_any_more_when_the_own_part_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    failed, done = threading.Event(), []

    def work(start: int, stop: int) -> None:
        if start == 0:
            failed.set()
            raise KeyboardInterrupt
        failed.wait(30)
        done.append((start, stop))

    with pytest.raises(KeyboardInterrupt):
        in_parts(work, 2, 2)
    assert done == [(1, 2)]


def test_a_forked_process_starts_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    done: list[int] = []
    in_parts(lambda start, _: done.append(start), 2, 2)
    child = os.fork()
    if child == 0:
        threading.Timer(30, os._exit, (1,)).start()
        in_parts(lambda start, _: done.append(start), 2, 2)
        os._exit(0 if sorted(done) == [0, 0, 1, 1] else 2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
