"""What nobody waits for is done after everything else, or not at all."""

import os
import sys
import threading

import pytest

from anh_rollup.evaluation.aside import LEAST_PRIORITY, do_aside


def test_others_go_first() -> None:
    done: list[tuple[str, int]] = []
    finished = threading.Event()

    def work() -> None:
        priority = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        done.append((threading.current_thread().name, priority))
        finished.set()

    do_aside(work)
    assert finished.wait(30)
    least = LEAST_PRIORITY if sys.platform == "linux" else os.getpriority(os.PRIO_PROCESS, 0)
    assert done == [("aside", least)]


@pytest.mark.parametrize(
    ("error", "logged"),
    [(MemoryError(), []), (ValueError("broken"), ["work aside has failed, and nothing waits for it"])],
    ids=repr,
)
def test_it_may_lack_memory_and_other_errors_are_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, logged: list[str]
) -> None:
    failed, threads, begun = list[object](), list[threading.Thread](), threading.Event()

    def work() -> None:
        threads.append(threading.current_thread())
        begun.set()
        raise error

    monkeypatch.setattr(threading, "excepthook", failed.append)
    do_aside(work)
    assert begun.wait(30)
    threads[0].join()
    assert (failed, caplog.messages) == ([], logged)
    assert all(each.exc_info is not None and each.exc_info[1] is error for each in caplog.records)


def test_the_process_ends_after_it() -> None:
    threads, over = list[threading.Thread](), threading.Event()

    def work() -> None:
        threads.append(threading.current_thread())
        over.set()

    do_aside(work)
    assert over.wait(30)
    assert [each.daemon for each in threads] == [False]


def test_it_may_lack_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    do_aside(lambda: done.append(1))
    assert done == []
