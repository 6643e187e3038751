"""What fuses with a sum of products, and what stays as it is: whole records before and after."""

from dataclasses import astuple
from typing import Any

import numpy as np
import pytest

from anh_rollup.importing.fusion import fused
from anh_rollup.importing.real_evaluation import evaluate
from anh_rollup.importing.record import UNBOUNDED, Field, Operation, RealNode, Record

KERNEL = np.array([[1.0, 2.0], [3.0, 5.0], [-1.0, 4.0]])
ROW = np.array([2.0, -1.0, 0.5])
SAMPLE = np.array([0.25, -0.75])


def constant(array: np.ndarray) -> RealNode:
    return RealNode(Operation.CONSTANT, array.shape, array=array)


def record(*after: RealNode) -> Record:
    """A MATMUL (place 2) of two inputs by `KERNEL`, `ROW` (place 3), and what follows."""
    nodes = (
        RealNode(Operation.FIELD, (2,), attributes=(0,)),
        constant(KERNEL),
        RealNode(Operation.MATMUL, (3,), (0, 1)),
        constant(ROW),
        *after,
    )
    return Record(nodes, (Field("x", (1, 2), is_whole=False),), "y")


def linear(kernel: np.ndarray, bias: np.ndarray | None, bounds: tuple[float, float] = UNBOUNDED) -> Record:
    """One MATMUL, as fusion leaves it."""
    known = [constant(kernel)] + ([] if bias is None else [constant(bias)])
    field = RealNode(Operation.FIELD, (2,), attributes=(0,))
    places = tuple(range(1, len(known) + 1))
    product = RealNode(Operation.MATMUL, (3,), (0, *places), bounds=bounds)
    return Record((field, *known, product), (Field("x", (1, 2), is_whole=False),), "y")


def words(made: Record) -> Any:
    """Everything that a record says, as comparable values."""
    nodes = [
        [each.tolist() if isinstance(each, np.ndarray) else each for each in astuple(node)]
        for node in made.nodes
    ]
    return nodes, [astuple(each) for each in made.fields], made.output_name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([RealNode(Operation.MUL, (3,), (2, 3))], linear(KERNEL * ROW[:, None], None)),
        ([RealNode(Operation.ADD, (3,), (3, 2))], linear(KERNEL, ROW)),
        ([RealNode(Operation.SUB, (3,), (2, 3))], linear(KERNEL, -ROW)),
        ([RealNode(Operation.CLAMP, (3,), (2,), bounds=(0.0, 6.0))], linear(KERNEL, None, (0.0, 6.0))),
        (
            [RealNode(Operation.ADD, (3,), (2, 3)), RealNode(Operation.MUL, (3,), (4, 3), bounds=(0.0, 1.0))],
            linear(KERNEL * ROW[:, None], ROW * ROW, (0.0, 1.0)),
        ),
        (
            [RealNode(Operation.ADD, (3,), (3, 3)), RealNode(Operation.ADD, (3,), (2, 4))],
            linear(KERNEL, ROW + ROW),
        ),
    ],
    ids=["factor", "addend", "subtrahend", "clamp", "addend, factor and bounds", "known sum"],
)
def test_what_follows_becomes_part_of_the_product(before: list[RealNode], after: Record) -> None:
    made = fused(record(*before))
    assert words(made) == words(after)
    assert np.allclose(evaluate(made, [SAMPLE]), evaluate(record(*before), [SAMPLE]))


@pytest.mark.parametrize(
    "after",
    [
        [RealNode(Operation.SUB, (3,), (3, 2))],
        [RealNode(Operation.DIV, (3,), (2, 3))],
        [RealNode(Operation.ADD, (3,), (2, 3), is_whole=True)],
        [RealNode(Operation.ADD, (3,), (2, 3)), RealNode(Operation.MAX, (3,), (2, 4))],
        [
            RealNode(Operation.CLAMP, (3,), (2,), bounds=(0.0, 6.0)),
            RealNode(Operation.ABS, (3,), (2,)),
            RealNode(Operation.CONCAT, (9,), (3, 4, 5), (0,)),
        ],
    ],
    ids=["turned", "quotient", "integers", "read twice", "clamp read twice"],
)
def test_what_others_read_or_products_cannot_do_stays(after: list[RealNode]) -> None:
    before = record(*after)
    assert words(fused(before)) == words(before)


def test_a_quotient_that_is_rounded_down_is_one_instruction() -> None:
    quotient = RealNode(Operation.DIV, (3,), (2, 3))
    before = record(quotient, RealNode(Operation.FLOOR, (3,), (4,), is_whole=True))
    after = record(RealNode(Operation.DIV, (3,), (2, 3), is_whole=True))
    assert words(fused(before)) == words(after)
    assert np.array_equal(evaluate(after, [SAMPLE]), evaluate(before, [SAMPLE]))
