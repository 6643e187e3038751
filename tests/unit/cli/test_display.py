"""How far a role is: lines of log where there is no terminal, bars where there is one."""

import io
import logging
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from rich.console import Console

from anh_rollup.cli.display import REPORT_SECONDS, Display
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
