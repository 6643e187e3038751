"""The reference evaluator against a second definition, element by element."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.operations import integer_root, round_shift
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Tensor, Value
from scripts.generate_vectors.random_cases import Case, random_case
from tests.unit.evaluation import elementwise_definition as definition

SEEDS = st.integers(0, 2**32 - 1)


def defined(case: Case, trace: list[Tensor]) -> list[int]:
    """All elements of a case's instruction by the second definition."""
    value = case.program.output
    assert value.opcode is not None
    shapes = case.program.input_shapes(case.value)
    inputs = [trace[each].ravel().tolist() for each in value.inputs]
    bounds = (value.low, value.high)
    return [
        definition.element(value.opcode, value.attributes, bounds, shapes, inputs, value.shape, index)
        for index in range(min(value.size, 12))
    ]


def one(opcode: Opcode, attributes: tuple[int, ...], *inputs: list[int], **result: int) -> list[int]:
    """An instruction on flat fields of any int32."""
    fields = [Value(Kind.FIELD, (len(each),), index=index) for index, each in enumerate(inputs)]
    ids = tuple(range(len(inputs)))
    shape = (len(inputs[0]),)
    instruction = Value(Kind.INSTRUCTION, shape, opcode=opcode, inputs=ids, attributes=attributes, **result)
    program = Program((*fields, instruction))
    sources = Sources(fields=tuple(np.array([each], dtype=np.int32) for each in inputs))
    flat: list[int] = ReferenceEvaluator().evaluate(program, sources)[0].tolist()
    return flat


@pytest.mark.parametrize("opcode", Opcode)
@given(seed=SEEDS)
def test_every_instruction_equals_the_second_definition(opcode: Opcode, seed: int) -> None:
    case = random_case(opcode, np.random.default_rng(seed))
    trace = case.trace()
    assert trace[-1].ravel().tolist()[:12] == defined(case, trace)


@pytest.mark.parametrize("opcode", Opcode)
@given(seed=SEEDS)
def test_every_result_lies_where_the_range_analysis_says(opcode: Opcode, seed: int) -> None:
    case = random_case(opcode, np.random.default_rng(seed))
    result, interval = case.trace()[-1], case.program.intervals[-1]
    assert interval.low <= result.min()
    assert result.max() <= interval.high


def test_a_half_is_rounded_up_on_both_sides_of_zero() -> None:
    assert one(Opcode.SHIFT, (1,), [-3, -2, -1, 0, 1, 2, 3]) == [-1, -1, 0, 0, 1, 1, 2]


def test_a_negative_shift_multiplies_and_saturates() -> None:
    assert one(Opcode.SHIFT, (-31,), [INT32_LEAST, -1, 0, 1, INT32_MOST]) == [
        INT32_LEAST,
        INT32_LEAST,
        0,
        INT32_MOST,
        INT32_MOST,
    ]


def test_the_largest_shift_leaves_the_sign_of_nothing() -> None:
    assert one(Opcode.SHIFT, (62,), [INT32_LEAST, -1, INT32_MOST]) == [0, 0, 0]


def test_the_least_int32_has_no_magnitude_and_saturates() -> None:
    assert one(Opcode.ABS, (), [INT32_LEAST, -7, 7]) == [INT32_MOST, 7, 7]


def test_a_product_of_extremes_is_exact_before_the_shift() -> None:
    assert one(Opcode.MUL, (32,), [INT32_LEAST, INT32_LEAST], [INT32_LEAST, INT32_MOST]) == [
        2**30,
        -(2**30) + 1,
    ]


def test_a_zero_divisor_gives_the_bound_on_the_dividends_side() -> None:
    assert one(Opcode.DIV, (4,), [5, -5, 0], [0, 0, 0], low=-9, high=8) == [8, -9, 0]


def test_division_rounds_toward_minus_infinity() -> None:
    assert one(Opcode.DIV, (0,), [7, -7, 7, -7], [2, 2, -2, -2]) == [3, -4, -4, 3]


def test_the_least_int32_divided_by_minus_one_saturates() -> None:
    assert one(Opcode.DIV, (31,), [INT32_LEAST], [-1]) == [INT32_MOST]


def test_a_table_is_flat_outside_and_straight_between_its_entries() -> None:
    places = [INT32_LEAST, -1, 0, 1, 2, 3, 4, 6, 8, 9, INT32_MOST]
    table = [10, 20, -20] + [0] * (len(places) - 3)
    program = Program(
        (
            Value(Kind.FIELD, (len(places),)),
            Value(Kind.FIELD, (3,), index=1),
            Value(Kind.INSTRUCTION, (len(places),), opcode=Opcode.TABLE, inputs=(0, 1), attributes=(0, 2)),
        )
    )
    sources = Sources(fields=(np.array([places], dtype=np.int32), np.array([table[:3]], dtype=np.int32)))
    found = ReferenceEvaluator().evaluate(program, sources)[0].tolist()
    assert found == [10, 10, 10, 13, 15, 18, 20, 0, -20, -20, -20]


@given(st.integers(0, 2**62))
def test_the_integer_root_is_exact(number: int) -> None:
    root = int(integer_root(np.array([number], dtype=np.int64))[0])
    assert root * root <= number < (root + 1) * (root + 1)


@pytest.mark.parametrize("root", [1, 2**15, 46_341, 2**26, 94_906_267, 2**31 - 1])
def test_the_integer_root_is_exact_around_squares(root: int) -> None:
    numbers = np.array([root * root - 1, root * root, root * root + 1], dtype=np.int64)
    assert integer_root(numbers).tolist() == [root - 1, root, root]


@given(st.integers(-(2**60), 2**60), st.integers(-2, 61))
def test_the_rounding_shift_equals_its_formula(number: int, shift: int) -> None:
    assert int(round_shift(np.array([number], dtype=np.int64), shift)[0]) == definition.rs(number, shift)


def network() -> tuple[Program, Sources]:
    """A convolution, a linear layer and a sum, with seven samples, answers and parameters."""
    b = ProgramBuilder()
    x = b.field((4, 4, 2), scale=4, low=-100, high=100)
    y = b.conv2d(x, b.parameter((3, 3, 3, 2), scale=6), padding=1, low=0)
    logits = b.linear(b.reshape(y, (-1,)), b.parameter((5, 48), scale=6))
    program = b.build(b.sum(logits + b.answer((5,), scale=4, low=-9, high=9)))
    rng = np.random.default_rng(3)
    sources = Sources(
        fields=(rng.integers(-100, 101, (7, 4, 4, 2)).astype(np.int32),),
        answers=(rng.integers(-9, 10, (7, 5)).astype(np.int32),),
        parameters=tuple(rng.integers(-80, 81, value.shape).astype(np.int32) for value in program.parameters),
    )
    return program, sources


def test_the_batch_size_never_changes_a_result() -> None:
    program, sources = network()
    whole = ReferenceEvaluator().evaluate(program, sources)
    assert [ReferenceEvaluator(batch=size).evaluate(program, sources).tolist() for size in (1, 2, 7)] == [
        whole.tolist()
    ] * 3


def test_a_trace_ends_in_what_evaluation_gives_and_holds_every_value() -> None:
    program, sources = network()
    trace = ReferenceEvaluator().trace(program, sources, 5)
    assert trace[-1] == ReferenceEvaluator().evaluate(program, sources)[5]
    assert [each.shape for each in trace] == [value.shape for value in program.values]
    assert {each.dtype for each in trace} == {np.dtype(np.int32)}
    assert {type(each) for each in trace} == {np.ndarray}
    assert (trace[0] == sources.fields[0][5]).all()


def test_a_value_that_is_the_same_for_all_samples_is_given_for_each() -> None:
    b = ProgramBuilder()
    b.field((1,))
    program = b.build(b.parameter((2,)) + 1)
    sources = Sources(fields=(np.zeros((3, 1), np.int32),), parameters=(np.array([4, 5], np.int32),))
    assert ReferenceEvaluator().evaluate(program, sources).tolist() == [[5, 6]] * 3


def test_a_program_without_fields_and_answers_has_one_sample() -> None:
    b = ProgramBuilder()
    program = b.build(b.parameter((2,)) * 3)
    sources = Sources(parameters=(np.array([4, 5], np.int32),))
    assert ReferenceEvaluator().evaluate(program, sources).tolist() == [[12, 15]]


def test_no_samples_give_no_scores() -> None:
    program, sources = network()
    assert ReferenceEvaluator().evaluate(program, sources.samples(0, 0)).shape == (0,)


def test_there_is_no_trace_of_a_missing_sample() -> None:
    program, sources = network()
    with pytest.raises(SourcesRefusedError, match=r"^sample 7: 7 samples are given$"):
        ReferenceEvaluator().trace(program, sources, 7)


@pytest.mark.parametrize("opcode", [Opcode.GATHER, Opcode.TABLE, Opcode.CONCAT, Opcode.MATMUL, Opcode.CONV])
@given(seed=SEEDS)
def test_samples_do_not_see_each_other(opcode: Opcode, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = random_case(opcode, rng)
    turned = tuple(each[:, ..., ::-1] if each.ndim > 1 else each for each in first.sources.fields)
    both = Sources(
        fields=tuple(np.concatenate(pair) for pair in zip(first.sources.fields, turned, strict=True))
    )
    alone = [
        ReferenceEvaluator().evaluate(first.program, Sources(fields=each))[0].tolist()
        for each in (first.sources.fields, turned)
    ]
    assert ReferenceEvaluator().evaluate(first.program, both).tolist() == alone
