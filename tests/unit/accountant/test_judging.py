"""How a training is judged by the exact properties of its job."""

import logging
from collections.abc import Mapping

import numpy as np
import pytest

from anh_rollup.accountant.judging import TrainingJudge
from anh_rollup.encoding.artifacts import Model
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property

FIRST, SECOND = Property(b"\1" * 32, b"\2" * 32, 5), Property(b"\3" * 32, b"\2" * 32, 7)
PARAMETERS = [np.arange(3, dtype=np.int32)]


def judge(sums: Mapping[Property, list[int]]) -> TrainingJudge:
    """A judge of a job with two properties, whose models reach these sums one after the other."""

    def score(wanted: Property, model: Model) -> int:
        assert model.root == Model(tuple(PARAMETERS)).root
        return sums[wanted].pop(0)

    return TrainingJudge(Job(JobKind.TRAINING, b"\4" * 32, NO_ROOT, (FIRST, SECOND), 0, ""), score)


def test_parameters_are_good_that_reach_every_threshold(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = judge({FIRST: [5], SECOND: [8]})
    assert one(PARAMETERS)
    assert one.best == {0: 5, 1: 8}
    assert caplog.messages == ["property 0: 5 of 5, at best 5", "property 1: 8 of 7, at best 8"]


def test_parameters_are_scored_up_to_the_first_property_that_they_miss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    left = {FIRST: [4], SECOND: [8]}
    one = judge(left)
    assert not one(PARAMETERS)
    assert (one.best, left) == ({0: 4}, {FIRST: [], SECOND: [8]})
    assert caplog.messages == ["property 0: 4 of 5, at best 4"]


def test_the_best_of_each_property_is_kept_whatever_comes_later(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = judge({FIRST: [6, 5, 3], SECOND: [2, 6]})
    assert [one(PARAMETERS) for _ in range(3)] == [False, False, False]
    assert one.best == {0: 6, 1: 6}
    assert caplog.messages == [
        "property 0: 6 of 5, at best 6",
        "property 1: 2 of 7, at best 2",
        "property 0: 5 of 5, at best 6",
        "property 1: 6 of 7, at best 6",
        "property 0: 3 of 5, at best 6",
    ]
