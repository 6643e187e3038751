"""What is told of a tolerance: how many native answers keep it, and what to know before a job asks for it."""

import numpy as np
import pytest

from anh_rollup.cli.tolerance_words import (
    EqualityWarning,
    FarAnswersWarning,
    tolerance_rows,
    tolerance_warnings,
)
from anh_rollup.importing.comparison import Comparison, compare
from anh_rollup.importing.network import import_network
from anh_rollup.importing.tolerance import Tolerance
from anh_rollup.tensor.properties import Answers
from tests.unit.importing.graphs import model_of, node

SAMPLES = np.array([[0.5, 0.25], [-0.5, 0.25], [-0.25, -1.0], [1.0, 0.5]], np.float32)


@pytest.fixture(scope="module")
def found() -> tuple[Comparison, int]:
    """Abs beside onnxruntime's identity, with the output's fraction bits.

    Negative numbers become 0, the least of the output: it is off by 0, 0.5, 1 and 0, and decides for scores
    0, 0.25, 0.75 and 0 below the largest.
    """
    network = import_network(model_of([node("Abs", "x")], {"x": (1, 2)}), samples={"x": SAMPLES})
    other = model_of([node("Identity", "x")], {"x": (1, 2)})
    return compare(other, network, {"x": SAMPLES}), network.program.output.scale


@pytest.mark.parametrize(
    ("answers", "most", "row"),
    [
        (Answers.OUTPUT, 1, ("onnxruntime's answers within 1", "100.00% of 4")),
        (Answers.OUTPUT, 0.75, ("onnxruntime's answers within 0.75", "75.00% of 4")),
        (Answers.OUTPUT, 0, ("onnxruntime's answers within 0", "50.00% of 4")),
        (Answers.DECISIONS, 0.75, ("onnxruntime's decisions within 0.75", "100.00% of 4")),
        (Answers.DECISIONS, 0.1, ("onnxruntime's decisions within 0.1", "50.00% of 4")),
    ],
)
def test_native_answers_within_a_tolerance_are_counted(
    found: tuple[Comparison, int], answers: Answers, most: float, row: tuple[str, str]
) -> None:
    comparison, scale = found
    assert tolerance_rows(Tolerance(most, scale, answers), comparison) == [row]


@pytest.mark.parametrize(
    ("answers", "most", "far"),
    [
        (Answers.OUTPUT, 1, 0),
        (Answers.OUTPUT, 0.5, 1),
        (Answers.DECISIONS, 0.75, 0),
        (Answers.DECISIONS, 0, 2),
    ],
)
def test_native_answers_beyond_a_tolerance_are_warned_of(
    found: tuple[Comparison, int], answers: Answers, most: float, far: int
) -> None:
    comparison, scale = found
    told = list(tolerance_warnings(Tolerance(most, scale, answers), comparison))
    assert told == ([FarAnswersWarning(far, 4)] if far else [])


def test_a_tolerance_of_no_step_is_warned_of_unless_answers_are_decisions(
    found: tuple[Comparison, int],
) -> None:
    comparison, scale = found
    step = 2.0**-scale
    without, with_samples = (
        list(tolerance_warnings(Tolerance(step / 2, scale), each)) for each in (None, comparison)
    )
    assert without == [EqualityWarning(step / 2, step)]
    assert with_samples == [EqualityWarning(step / 2, step), FarAnswersWarning(2, 4)]
    assert list(tolerance_warnings(Tolerance(0, scale, Answers.DECISIONS), None)) == []


@pytest.mark.parametrize(("scale", "warns"), [(1, True), (0, False), (-2, False)])
def test_equal_whole_numbers_are_nothing_to_warn_of(scale: int, warns: bool) -> None:
    expected = [EqualityWarning(0, 0.5)] if warns else []
    assert list(tolerance_warnings(Tolerance(0, scale), None)) == expected


def test_warnings_say_what_follows() -> None:
    assert str(EqualityWarning(0.1, 0.25)) == (
        "the tolerance 0.1 is no more than half a step of the output's format, 0.125: answers have to equal "
        "the exact evaluation's, which native ones seldom do"
    )
    assert str(FarAnswersWarning(1_500, 2_000)) == (
        "onnxruntime's answers to 1,500 of 2,000 samples held back are further off than the tolerance: "
        "accountants then evaluate all questions exactly, which takes longer, and one with "
        "--unchecked-answers may lose its bond"
    )
