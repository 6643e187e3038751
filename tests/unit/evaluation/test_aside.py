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


def test_it_may_lack_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    failed, threads, begun = list[object](), list[threading.Thread](), threading.Event()

    def work() -> None:
        threads.append(threading.current_thread())
        begun.set()
        raise MemoryError

    monkeypatch.setattr(threading, "excepthook", failed.append)
    do_aside(work)
    assert begun.wait(30)
    threads[0].join()
    assert failed == []


def test_it_may_lack_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def no_thread(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    do_aside(lambda: done.append(1))
    assert done == []
