"""Arrays and numbers of another kind given to the library: a typed error, or the same result as ever."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.scores import ScoreTree, encode_scores
from anh_rollup.encoding.tensors import TensorTree, check_shape, encode_tensor
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources, check_score_program
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.errors import ProgramError
from anh_rollup.training.errors import TrainingError
from anh_rollup.training.hints import TrainingHints
from anh_rollup.training.trainer import train
from tests.doubles.small_program import random_fields, random_parameters, small_program

PROGRAM = small_program()
FIELDS = tuple(random_fields(PROGRAM, 3, 1))
PARAMETERS = tuple(random_parameters(PROGRAM, 2))
GOOD = FIELDS[0]

#: The elements of a field in forms that are not int32 arrays.
OTHER_TYPES: dict[str, Any] = {
    "NaN": np.full(GOOD.shape, np.nan),
    "floats": GOOD.astype(np.float32),
    "int64": GOOD.astype(np.int64),
    "uint64 beyond int32": np.full(GOOD.shape, 2**63, np.uint64),
    "booleans": GOOD.astype(bool),
    "objects": GOOD.astype(object),
    "structured": GOOD.astype([("a", np.int32)]),
    "masked": np.ma.masked_array(GOOD, GOOD > 0),
    "a list": GOOD.tolist(),
    "a torch tensor": torch.tensor(GOOD),
    "a text": "0123",
    "None": None,
}
#: Forms that are int32 arrays, only of another shape.
OTHER_SHAPES: dict[str, Any] = {
    "no axes": np.array(3, np.int32),
    "a number": np.int32(3),
    "an axis less": GOOD[0],
    "an axis more": GOOD[None],
    "no samples": GOOD[:0],
    "fewer samples": GOOD[:2],
    "no elements": GOOD[:, :0],
}
#: The same elements, laid out otherwise in memory.
OTHER_ORDERS: dict[str, Any] = {
    "column by column": np.asfortranarray(GOOD),
    "backwards": np.ascontiguousarray(GOOD[::-1])[::-1],
    "every second of twice": np.repeat(GOOD, 2, axis=0)[::2],
    "transposed twice": np.ascontiguousarray(GOOD.T).T,
    "read-only": np.frombuffer(GOOD.tobytes(), np.int32).reshape(GOOD.shape),
}

MAKERS: dict[str, Callable[[Any], Any]] = {
    "a tensor": TensorTree,
    "a tensor's bytes": encode_tensor,
    "a model": lambda array: Model([array]),
    "a data set": lambda array: Dataset([array, FIELDS[1]]),
    "scores": ScoreTree,
    "scores' bytes": encode_scores,
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("form", OTHER_TYPES)
def test_artifacts_are_made_of_int32_only(maker: str, form: str) -> None:
    with pytest.raises(EncodingError, match="elements are int32, not "):
        MAKERS[maker](OTHER_TYPES[form])


@pytest.mark.parametrize("form", ["no axes", "a number", "no samples", "fewer samples", "no elements"])
def test_a_data_set_has_samples_with_elements(form: str) -> None:
    with pytest.raises(EncodingError):
        Dataset([OTHER_SHAPES[form], FIELDS[1]])


@pytest.mark.parametrize("form", OTHER_ORDERS)
def test_the_order_in_memory_changes_no_root(form: str) -> None:
    array = OTHER_ORDERS[form]
    assert np.array_equal(array, GOOD)
    assert TensorTree(array).root == TensorTree(GOOD).root
    assert Model([array]).root == Model([GOOD]).root
    assert Dataset([array]).root == Dataset([GOOD]).root


@pytest.mark.parametrize(
    "shape", [(2.5,), ("3",), (None,), (np.nan,), (0,), (-1,), (2**32,), (1,) * 9, (2**16,) * 2]
)
def test_a_shape_is_of_few_numbers_above_zero(shape: Any) -> None:
    with pytest.raises(EncodingError):
        check_shape(shape)
    with pytest.raises(ProgramError):
        ProgramBuilder().field(shape)


# --- evaluating ---


@pytest.mark.parametrize("evaluator", [ReferenceEvaluator(), FastEvaluator()], ids=["reference", "torch"])
@pytest.mark.parametrize("form", [*OTHER_TYPES, *OTHER_SHAPES])
@pytest.mark.parametrize("place", ["field", "parameter"])
def test_sources_of_another_form_are_refused(evaluator: Any, form: str, place: str) -> None:
    other = {**OTHER_TYPES, **OTHER_SHAPES}[form]
    fields = (other, FIELDS[1]) if place == "field" else FIELDS
    parameters = (other, *PARAMETERS[1:]) if place == "parameter" else PARAMETERS
    sources = Sources(fields, (), parameters)
    for ask in (lambda: evaluator.evaluate(PROGRAM, sources), lambda: evaluator.trace(PROGRAM, sources, 0)):
        with pytest.raises(SourcesRefusedError):
            ask()


@pytest.mark.parametrize("evaluator", [ReferenceEvaluator(), FastEvaluator()], ids=["reference", "torch"])
@pytest.mark.parametrize("form", OTHER_ORDERS)
def test_the_order_in_memory_changes_no_score(evaluator: Any, form: str) -> None:
    expected = ReferenceEvaluator().evaluate(PROGRAM, Sources(FIELDS, (), PARAMETERS))
    found = evaluator.evaluate(PROGRAM, Sources((OTHER_ORDERS[form], FIELDS[1]), (), PARAMETERS))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("evaluator", [ReferenceEvaluator(), FastEvaluator()], ids=["reference", "torch"])
@pytest.mark.parametrize("sample", [-1, 3, 2**70, 1.5, None, "0"])
def test_a_sample_that_is_none_is_refused(evaluator: Any, sample: Any) -> None:
    with pytest.raises(SourcesRefusedError, match="3 samples are given"):
        evaluator.trace(PROGRAM, Sources(FIELDS, (), PARAMETERS), sample)


def test_elements_outside_their_declared_range_are_refused() -> None:
    with pytest.raises(SourcesRefusedError, match="elements in"):
        FastEvaluator().evaluate(PROGRAM, Sources((GOOD + np.int32(1_000), FIELDS[1]), (), PARAMETERS))


def test_a_score_program_gives_one_number_for_each_sample_of_its_data_set() -> None:
    check_score_program(PROGRAM, [*FIELDS, GOOD])
    b = ProgramBuilder()
    vector = b.build(b.abs(b.field((6, 6, 2), low=-128, high=127)))
    for program, fields in ((vector, FIELDS), (PROGRAM, FIELDS[:1]), (PROGRAM, FIELDS[::-1]), (PROGRAM, ())):
        with pytest.raises(SourcesRefusedError):
            check_score_program(program, fields)


# --- building and training ---


@pytest.mark.parametrize(
    ("elements", "scale"),
    [
        (np.nan, 0),
        (np.inf, 0),
        ([1.0, np.nan], 8),
        ([[1], [1, 2]], 0),
        ([], 0),
        (np.zeros((0, 3), np.int32), 0),
        ("text", 0),
        (None, 0),
        ([object()], 0),
        (1j, 0),
        (2**70, 0),
        (np.array([2**63], np.uint64), 0),
        (1e300, 0),
        (1.5, 5_000),
        (1, 128),
        (torch.ones(3, requires_grad=True), 0),
    ],
)
def test_a_constant_of_another_kind_is_refused(elements: Any, scale: int) -> None:
    with pytest.raises(ProgramError) as refused:
        ProgramBuilder().constant(elements, scale=scale)
    assert len(refused.value.message) < 300


@pytest.mark.parametrize("operand", [None, "x", np.nan, np.inf, 2**2_000, 1e300, [1, 2]])
@pytest.mark.parametrize("operation", [lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x < y])
def test_an_operand_that_is_no_number_is_refused(operation: Callable[[Any, Any], Any], operand: Any) -> None:
    x = ProgramBuilder().field((3,), scale=4)
    with pytest.raises(ProgramError):
        operation(x, operand)


HINTS = TrainingHints(training_data="0x" + "11" * 32, epochs=1)
INPUTS = np.arange(40, dtype=np.int32).reshape(10, 4)
CLASSES = (np.arange(10) % 3).astype(np.int32)


def linear_network() -> Any:
    b = ProgramBuilder()
    x = b.field((4,), scale=4, low=-100, high=100)
    return b.build(b.linear(x, b.parameter((3, 4), scale=8), b.parameter((3,), scale=8)))


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ([INPUTS], {}),
        ([INPUTS[:, :3], CLASSES], {}),
        ([INPUTS, CLASSES + np.int32(3)], {}),
        ([INPUTS, CLASSES - np.int32(9)], {}),
        ([INPUTS, INPUTS], {}),
        ([INPUTS, CLASSES], {"loss": "squared_error"}),
        ([INPUTS, CLASSES], {"target_field": 9}),
        ([INPUTS, CLASSES], {"target_field": 0}),
    ],
)
def test_data_that_does_not_fit_is_not_trained_on(fields: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(TrainingError):
        train(linear_network(), Dataset(fields), HINTS.model_copy(update=changes), lambda _: True)


def test_data_in_another_order_in_memory_is_trained_on() -> None:
    backwards = Dataset([INPUTS[::-1], CLASSES[::-1]])
    assert train(linear_network(), backwards, HINTS, lambda _: True, seed=1).epochs == 1
