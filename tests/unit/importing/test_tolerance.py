"""A tolerance in an output's own units is so many steps of its number format, rounded."""

import pytest

from anh_rollup.importing.tolerance import Tolerance
from anh_rollup.tensor.properties import Answers


@pytest.mark.parametrize(
    ("most", "scale", "steps"),
    [(0.25, 2, 1), (0.125, 2, 0), (0.126, 2, 1), (3, 2, 12), (8, -2, 2), (0, 40, 0)],
)
def test_steps_are_rounded(most: float, scale: int, steps: int) -> None:
    one = Tolerance(most, scale)
    assert (one.steps, one.step) == (steps, 0.5**scale)


def test_equality_is_asked_of_outputs_alone() -> None:
    tolerances = [Tolerance(most, 4, answers) for answers in Answers for most in (0, 1)]
    assert [each.asks_equality for each in tolerances] == [True, False, False, False]
