"""How far a role is: lines of log where there is no terminal, bars where there is one."""

import io
import logging
from collections.abc import Iterator
from itertools import count
from queue import Queue

import numpy as np
import pytest
from rich.console import Console

from anh_rollup.cli.display import REPORT_SECONDS, Display, progress
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from tests.doubles.small_program import random_fields, random_parameters, small_program


def ticking(seconds: float) -> Iterator[float]:
    """A clock that goes on by so many seconds with every look."""
    return (place * seconds for place in count())


def test_the_log_is_told_every_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = ticking(REPORT_SECONDS / 2)
    display = Display(Console(file=io.StringIO()), clock=lambda: next(clock))
    assert list(display(range(5), "answering")) == [0, 1, 2, 3, 4]
    assert caplog.messages == ["answering: 1 of 5 parts", "answering: 3 of 5 parts"]


class Looks:
    """When a line is told: each `look` returns once there is one."""

    def __init__(self, told: io.StringIO) -> None:
        self.told = told
        self._asked: Queue[bool] = Queue()
        self._paused: Queue[float] = Queue()

    def pause(self, seconds: float) -> bool:
        self._paused.put(seconds)
        return self._asked.get(timeout=60)

    def look(self) -> str:
        before = len(self.told.getvalue())
        assert self._paused.get(timeout=60) == REPORT_SECONDS
        self._asked.put(False)
        self._paused.put(self._paused.get(timeout=60))
        return self.told.getvalue()[before:]

    def end(self) -> None:
        self._asked.put(True)


def test_a_command_without_a_terminal_tells_lines_about_what_is_at_work() -> None:
    told = io.StringIO()
    looks = Looks(told)
    with progress(Console(file=told), looks.pause) as shown:
        assert looks.look() == "10 s: at work\n"
        lines = [looks.look() for _ in shown.track("ab", description="running [onnxruntime]")]
        assert lines == [f"{20 + 10 * done} s: running [onnxruntime], {done} of 2\n" for done in (0, 1)]
        assert looks.look() == "40 s: at work\n"
        shown.add_task("reading L1", total=None)
        task = shown.add_task("taking in blocks", total=3)
        shown.advance(task)
        assert looks.look() == "50 s: reading L1; taking in blocks, 1 of 3\n"
        looks.end()
    assert len(told.getvalue().splitlines()) == 5


def test_short_work_without_a_terminal_tells_nothing() -> None:
    told = io.StringIO()
    with progress(Console(file=told)) as shown:
        assert list(shown.track(range(3), description="running")) == [0, 1, 2]
    assert told.getvalue() == ""


def test_on_a_terminal_a_command_shows_bars_and_no_lines() -> None:
    told = io.StringIO()
    with progress(Console(file=told, force_terminal=True, width=100), pytest.fail) as shown:
        assert list(shown.track("ab", description="running")) == ["a", "b"]
    assert "running" in told.getvalue()


def test_a_terminal_shows_a_bar_for_each_work_until_it_is_done() -> None:
    shown = io.StringIO()
    display = Display(Console(file=shown, force_terminal=True, width=100))
    inner = [list(display("ab", f"evaluating {each}")) for each in display(range(2), "answering")]
    assert inner == [["a", "b"]] * 2
    for words in ("answering", "evaluating 0", "evaluating 1"):
        assert words in shown.getvalue()
    assert display._bars is None


def test_bars_go_when_the_work_fails() -> None:
    display = Display(Console(file=io.StringIO(), force_terminal=True))

    def divide() -> list[int]:
        return [1 // each for each in display([1, 0], "dividing")]

    with pytest.raises(ZeroDivisionError):
        divide()
    assert display._bars is None


def test_one_part_is_not_shown() -> None:
    parts = [1]
    assert Display(Console(file=io.StringIO(), force_terminal=True))(parts, "answering") is parts


def test_the_exact_evaluator_shows_its_groups_and_never_other_bytes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock = ticking(REPORT_SECONDS)
    display = Display(Console(file=io.StringIO()), clock=lambda: next(clock))
    program = small_program()
    sources = Sources(random_fields(program, 7, 1), (), random_parameters(program, 2))
    found = FastEvaluator(memory=1, watch=display).evaluate(program, sources)
    assert np.array_equal(found, FastEvaluator().evaluate(program, sources))
    assert caplog.messages == [f"evaluating: {done} of 7 parts" for done in range(7)]
