"""What is a mask and becomes a number that formats hold, and what is refused."""

from math import inf

import numpy as np
import pytest

from anh_rollup.importing.errors import FormatRefusedError
from anh_rollup.importing.masks import MASKED, MOST_CONSTANT, bounded_masks
from anh_rollup.importing.record import Field, Operation, RealNode, Record


def record(mask: np.ndarray, *between: RealNode, bounds: tuple[float, float] = (-30.0, 0.0)) -> Record:
    """Scores (2, 3) with a mask (place 1) added (place 2), what follows, and a softmax of the last value."""
    nodes = [
        RealNode(Operation.FIELD, (2, 3), attributes=(0,)),
        RealNode(Operation.CONSTANT, mask.shape, array=mask, is_whole=True, source="the mask"),
        RealNode(Operation.ADD, (2, 3), (0, 1)),
        *between,
    ]
    last = len(nodes) - 1
    nodes += [
        RealNode(Operation.LARGEST, (2,), (last,), attributes=(1, 1)),
        RealNode(Operation.VIEW, (2, 1), (last + 1,), attributes=(0, 1, 2, 1)),
        RealNode(Operation.SUB, (2, 3), (last, last + 2), bounds=bounds),
    ]
    return Record(tuple(nodes), (Field("x", (1, 2, 3), is_whole=False),), "y")


def scaled(factor: float) -> list[RealNode]:
    """What follows a mask where scores are multiplied."""
    known = np.array(factor)
    return [RealNode(Operation.CONSTANT, (), array=known), RealNode(Operation.MUL, (2, 3), (2, 3))]


ROW = [0.0, -inf, 1.0]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ([ROW, ROW], [[0, MASKED, 1]] * 2),
        ([[-inf] * 3, ROW], [[MASKED] * 3, [0, MASKED, 1]]),
        ([[0.0, -65_504.0, -3.4e38]], [[0, MASKED, MASKED]]),
        (-inf, MASKED),
    ],
)
def test_a_mask_becomes_a_number_far_below_all_scores(mask: object, expected: object) -> None:
    (made,) = (bounded_masks(record(np.array(mask))).nodes[1],)
    assert (made.elements.tolist(), made.is_whole) == (np.array(expected, float).tolist(), False)


@pytest.mark.parametrize("factor", [2.0**-4, 1.0, 8.0])
def test_a_mask_may_be_scaled_as_scores_are(factor: float) -> None:
    made = bounded_masks(record(np.array([ROW]), *scaled(factor)))
    assert made.nodes[1].elements.tolist() == [[0, MASKED, 1]]


REFUSED = {
    "is scaled until scores reach it": record(np.array([ROW]), *scaled(2.0**-5)),
    "reaches what is no softmax": record(np.array([ROW]), bounds=(-inf, inf)),
    "is squared": record(np.array([ROW]), RealNode(Operation.ABS, (2, 3), (2,))),
    "has numbers between masks and what they become": record(np.array([[-inf, -20_000.0, 0.0]])),
    "has infinity, too": record(np.array([[-inf, inf, 0.0]])),
}


@pytest.mark.parametrize("given", REFUSED.values(), ids=REFUSED)
def test_a_constant_that_is_no_mask_is_refused(given: Record) -> None:
    with pytest.raises(FormatRefusedError, match=r"^a value of node 'the mask' is a constant in .* no mask$"):
        bounded_masks(given)


def test_a_row_that_finite_numbers_mask_as_a_whole_is_refused() -> None:
    with pytest.raises(FormatRefusedError) as refused:
        bounded_masks(record(np.array([[-1e5, -1e5, -1e5], [0.0, 0.0, 0.0]])))
    assert refused.value.reason == "is a constant that masks a whole row by finite numbers"


@pytest.mark.parametrize("most", [MOST_CONSTANT, -MOST_CONSTANT])
def test_numbers_that_a_format_holds_stay_what_they_are(most: float) -> None:
    given = record(np.array([[most, -20_000.0, 0.0]]))
    assert bounded_masks(given).nodes[1].elements.tolist() == [[most, -20_000, 0]]
