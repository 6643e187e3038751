"""A tolerance in an output's own units is so many steps of its number format, rounded."""

import pytest

from anh_rollup.importing.tolerance import Tolerance, ToleranceTooLargeError
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


@pytest.mark.parametrize(
    ("most", "scale", "shown"),
    [(1e8, 27, "15.9999"), (16, 27, "15.9999"), (2.0**31 - 1, 0, "2.14748e+09"), (1e300, -2, "8.58993e+09")],
)
def test_a_tolerance_of_too_many_steps_is_refused_in_the_outputs_units(
    most: float, scale: int, shown: str
) -> None:
    with pytest.raises(ToleranceTooLargeError) as caught:
        Tolerance(most, scale)
    assert str(caught.value) == (
        f"the tolerance {most:.6g} is too large: at most {shown} in the output's own units"
    )
    assert Tolerance(caught.value.most, scale).steps < 2**31 - 1
