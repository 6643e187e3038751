"""Score programs made from an architecture."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.errors import AttributesRefusedError, ShapeRefusedError
from anh_rollup.tensor.opcodes import MOST_TERMS
from anh_rollup.tensor.program import Program, Tensor
from anh_rollup.tensor.properties import (
    accuracy,
    closeness,
    cross_entropy_loss,
    decisions,
    near_largest,
    squared_loss,
)


def identity(shape: tuple[int, ...] = (3,)) -> Program:
    """An architecture that answers its field, times one parameter."""
    b = ProgramBuilder()
    x = b.field(shape, scale=4, low=-1000, high=1000)
    return b.build(b.mul(x, b.parameter((), low=1, high=1), scale=4))


def scores(program: Program, fields: Sequence[object], answers: Sequence[object] = ()) -> list[int]:
    found: list[int] = answers_of(program, fields, answers)
    return found


def answers_of(program: Program, fields: Sequence[object], answers: Sequence[object] = ()) -> Any:
    def tensors(rows: Sequence[object]) -> tuple[Tensor, ...]:
        return tuple(np.array(row, dtype=np.int32) for row in rows)

    sources = Sources(tensors(fields), tensors(answers), (np.array(1, dtype=np.int32),))
    return ReferenceEvaluator().evaluate(program, sources).tolist()


def test_accuracy_scores_1_where_the_argmax_is_the_label() -> None:
    fields: list[list[object]] = [[[1, 5, 2], [7, 5, 2], [3, 3, 1]], [1, 1, 0]]
    assert scores(accuracy(identity()), fields) == [1, 0, 1]


def test_accuracy_counts_the_right_labels_of_a_sequence() -> None:
    fields: list[list[object]] = [[[[1, 5], [9, 2]], [[7, 5], [0, 2]]], [[1, 1], [0, 1]]]
    assert scores(accuracy(identity((2, 2))), fields) == [1, 2]


def test_closeness_scores_1_where_every_element_is_within_the_tolerance() -> None:
    field: list[object] = [[10, 20, 30]] * 4
    answer: list[object] = [[10, 20, 30], [12, 18, 30], [10, 20, 33], [2**31 - 1, -(2**31), 0]]
    assert scores(closeness(identity(), 2), [field], [answer]) == [1, 1, 0, 0]


def test_closeness_of_one_number_needs_no_reduction() -> None:
    assert scores(closeness(identity(()), 0), [[4, 5]], [[4, 4]]) == [1, 0]


def test_decisions_are_the_places_of_the_largest_scores() -> None:
    fields: list[list[object]] = [[[[1, 5], [9, 2]], [[7, 5], [2, 2]]]]
    decided = decisions(identity((2, 2)))
    assert (decided.output.shape, decided.output.scale) == ((2,), 0)
    assert answers_of(decided, fields) == [[1, 0], [0, 0]]


def test_an_answer_is_right_where_its_score_is_near_the_largest() -> None:
    field: list[object] = [[[1, 5, 9], [8, 2, 7]]] * 6
    answer: list[object] = [[2, 0], [2, 2], [1, 0], [1, 2], [0, 0], [2, 1]]
    assert scores(near_largest(identity((2, 3)), 0), [field], [answer]) == [1, 0, 0, 0, 0, 0]
    assert scores(near_largest(identity((2, 3)), 1), [field], [answer]) == [1, 1, 0, 0, 0, 0]
    assert scores(near_largest(identity((2, 3)), 4), [field], [answer]) == [1, 1, 1, 1, 0, 0]


@pytest.mark.parametrize("place", [-1, 3, 4, -(2**31), 2**31 - 1])
def test_a_place_that_there_is_not_is_wrong_whatever_the_tolerance(place: int) -> None:
    rows: list[object] = [[[1000, 1000, 1000], [1000, 1000, 1000]]] * 2
    answer: list[object] = [[1, place], [place, 1]]
    assert scores(near_largest(identity((2, 3)), 2**31 - 2), [rows], [answer]) == [0, 0]


def test_one_row_of_scores_has_one_decision() -> None:
    field: list[object] = [[10, 30, 20]] * 3
    assert scores(near_largest(identity(), 10), [field], [[0, 1, 2]]) == [0, 1, 1]


def test_squared_loss_is_the_negated_sum_of_squares() -> None:
    fields: list[list[object]] = [[[16, 32, 0]], [[0, 0, 8]]]
    assert scores(squared_loss(identity(), scale=8), fields) == [-(16**2 + 32**2 + 8**2)]
    assert squared_loss(identity()).output.scale == 4


def test_cross_entropy_is_the_logarithm_of_the_labels_share() -> None:
    rng = np.random.default_rng(5)
    logits, labels = rng.integers(-150, 150, (50, 3)), rng.integers(0, 3, 50)
    program = cross_entropy_loss(identity())
    found = np.array(scores(program, [logits.tolist(), labels.tolist()])) / 2**16
    real = logits / 16
    expected = real[np.arange(50), labels] - np.log(np.exp(real).sum(1))
    assert np.abs(found - expected).max() < 2e-4


@pytest.mark.parametrize(
    "make",
    [
        accuracy,
        squared_loss,
        cross_entropy_loss,
        lambda each: closeness(each, 1),
        lambda each: near_largest(each, 1),
    ],
)
def test_every_score_program_keeps_the_architecture_in_front(make: object) -> None:
    architecture = identity()
    score = make(architecture)  # type: ignore[operator]
    assert score.output.shape == ()
    assert score.records[: len(architecture.records)] == architecture.records
    assert score.parameters == architecture.parameters


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ShapeRefusedError, match=r"^label: the output has no axis of classes$"):
        accuracy(identity(()))
    with pytest.raises(ShapeRefusedError, match=r"^cross_entropy_loss: output \(2, 2\) is no \(C,\)$"):
        cross_entropy_loss(identity((2, 2)))
    with pytest.raises(AttributesRefusedError, match=r"^closeness: tolerance -1 is not in"):
        closeness(identity(), -1)
    with pytest.raises(AttributesRefusedError, match=r"^near_largest: tolerance 2147483647 is not in"):
        near_largest(identity(), 2**31 - 1)
    with pytest.raises(ShapeRefusedError, match=r"^decisions: the output has no axis of classes$"):
        decisions(identity(()))
    with pytest.raises(ShapeRefusedError, match=r"^near_largest: the output has no axis of classes$"):
        near_largest(identity(()), 0)
    for make in (decisions, lambda each: near_largest(each, 0)):
        with pytest.raises(ShapeRefusedError):
            make(identity((MOST_TERMS + 1,)))


def test_an_output_of_more_elements_than_one_instruction_folds_is_folded_axis_by_axis() -> None:
    rows, columns = MOST_TERMS // 64, 65
    field = np.zeros((2, rows, columns), dtype=np.int32)
    other = field.copy()
    other[1, -1, -1] = 30
    wide = identity((rows, columns))

    assert scores(closeness(wide, 29), [field], [other]) == [1, 0]
    assert scores(squared_loss(wide, scale=8), [field, other]) == [0, -900]
