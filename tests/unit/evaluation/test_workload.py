"""What an evaluation costs is known before it starts, and what costs too much is left."""

import numpy as np
import pytest

from anh_rollup.encoding.tensors import TensorTree
from anh_rollup.evaluation import torch_products, workload
from anh_rollup.evaluation.errors import ProgramTooLargeError, WorkTooLargeError
from anh_rollup.evaluation.exact_sums import FLOAT64_EXACT, has_long_sums
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.workload import (
    LONG_PRODUCT,
    MOST_TRACED,
    MOST_WORK,
    ONE_CALL,
    ONE_ELEMENT,
    check_work,
    held_elements,
    lasting_values,
    multiply_adds,
    traced_elements,
)
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import LinearFlags, Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from tests.doubles.small_program import ACTIVE, BIAS, KERNEL, TABLE, WEIGHTS, WIDE, small_program


def multiplied(rows: int, terms: int, columns: int) -> Program:
    """A matrix from a field times one of parameters, and the sum of the first row."""
    b = ProgramBuilder()
    product = b.matmul(b.field((rows, terms), low=-9, high=9), b.parameter((terms, columns), low=-9, high=9))
    return b.build(product)


def chained(size: int, steps: int) -> Program:
    """Products of a square matrix, all of the same constant, so that no sample changes anything."""
    one, square = np.array(1, dtype=np.int32), (size, size)
    root = TensorTree(one).root

    def instruction(opcode: Opcode, inputs: tuple[int, ...], attributes: tuple[int, ...]) -> Value:
        return Value(Kind.INSTRUCTION, square, -9, 9, opcode=opcode, inputs=inputs, attributes=attributes)

    values = (
        Value(Kind.FIELD, (), 0, 1, index=0),
        Value(Kind.CONSTANT, (), 1, 1, constant=root),
        instruction(Opcode.VIEW, (1,), (0, 2, size, size, 0, 0)),
        *(instruction(Opcode.MATMUL, (2 + step, 2), (8, 0, 0)) for step in range(steps)),
    )
    return Program(values, {root: one})


def test_products_of_a_sum_count_one_each_for_each_sample() -> None:
    rows, terms, columns = 128, 96, 64
    smaller, larger = multiplied(rows, terms, columns), multiplied(2 * rows, terms, columns)
    products = rows * terms * columns
    read = rows * terms * ONE_ELEMENT

    assert multiply_adds(larger, 5) - multiply_adds(smaller, 5) == 5 * (products + read)
    assert multiply_adds(smaller, 9) - multiply_adds(smaller, 5) == 4 * (products + read)


def test_a_small_instruction_counts_what_it_costs_to_begin_one() -> None:
    tiny = multiplied(1, 1, 1)
    instructions = sum(value.opcode is not None for value in tiny.values)

    assert multiply_adds(tiny, 1_000) >= 1_000 * ONE_CALL * (instructions - 1)


def convolved(
    size: int, channels: int, kernel: int, groups: int, margin: int = 0, stride: int = 1
) -> Program:
    b = ProgramBuilder()
    x = b.field((size, size, channels), low=-9, high=9)
    w = b.parameter((channels, kernel, kernel, channels // groups), low=-9, high=9)
    return b.build(b.conv2d(x, w, padding=margin, stride=stride, groups=groups, low=-9, high=9))


@pytest.mark.parametrize(
    ("program", "calls"),
    [
        (convolved(4, 64, 3, groups=16), 16 * 3),
        (convolved(4, 64, 3, groups=64), 3 * 3),
        (convolved(1, 1, 64, groups=1, margin=1_000, stride=3_000), 64 * 64),
        (convolved(4, 8, 2, groups=1), 2),
    ],
    ids=["groups", "channel by channel", "wide margins", "rows"],
)
def test_a_convolution_counts_the_calls_that_it_takes(program: Program, calls: int) -> None:
    assert multiply_adds(program, 2) - multiply_adds(program, 1) >= calls * ONE_CALL


def test_sums_of_one_product_count_as_elements() -> None:
    assert multiply_adds(multiplied(1_000, 1, 1_000), 1) >= 1_000_000 * ONE_ELEMENT


WEIGHT, TERMS, SUMS = 1 << 22, 1 << 6, 1 << 16
#: The most that an input may be for float64 to hold its sums of products with weights of `WEIGHT`.
MOST_INPUT = FLOAT64_EXACT // (WEIGHT * TERMS)


def summed(opcode: Opcode, most: int, *, own: bool = False) -> Program:
    """`SUMS` sums of `TERMS` products of a field up to `most` with weights up to `WEIGHT`.

    The weights are the model's own, or computed from a constant.
    """
    b = ProgramBuilder()
    x = b.field((1,), low=0, high=most)
    is_conv = opcode is Opcode.CONV
    shape = (1, 1, TERMS, 1) if is_conv else (1, TERMS)
    seed = b.constant(np.array([WEIGHT], dtype=np.int32))
    repeated = b.view(seed, shape, strides=(0,) * len(shape))
    weights = b.parameter(shape, low=0, high=WEIGHT) if own else repeated
    read = (1, SUMS + TERMS - 1, 1) if is_conv else (SUMS, TERMS)
    attributes = (31, 0, 0, *((1, 1, 0, 0, 0, 0, 1, 1, 1) if is_conv else ()))
    return b.build(b.emit(opcode, (b.view(x, read, strides=(0,) * len(read)), weights), attributes, scale=0))


@pytest.mark.parametrize("opcode", [Opcode.CONV, Opcode.MATMUL])
def test_a_product_counts_more_where_float64_may_not_hold_the_sum(opcode: Opcode) -> None:
    held, long = (multiply_adds(summed(opcode, most), 1) for most in (MOST_INPUT, MOST_INPUT + 1))
    assert long - held == (LONG_PRODUCT - 1) * SUMS * TERMS


@pytest.mark.parametrize("opcode", [Opcode.CONV, Opcode.MATMUL])
@pytest.mark.parametrize("most", [MOST_INPUT, MOST_INPUT + 1])
def test_what_counts_more_is_what_is_put_together_from_limbs(
    opcode: Opcode, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []

    def counted(*given: object) -> object:
        taken.append(len(given))
        return product_of_limbs(*given)  # type: ignore[arg-type]

    product_of_limbs = torch_products.product_of_limbs
    monkeypatch.setattr(torch_products, "product_of_limbs", counted)
    program = summed(opcode, most)
    result = FastEvaluator().evaluate(program, Sources((np.full((1, 1), most, dtype=np.int32),)))

    assert bool(taken) == has_long_sums(program, len(program.values) - 1) == (most > MOST_INPUT)
    assert int(result.max()) == (most * WEIGHT * TERMS + (1 << 30)) >> 31


@pytest.mark.parametrize("opcode", [Opcode.CONV, Opcode.MATMUL])
def test_the_models_own_weights_count_as_kernels_take_them(opcode: Opcode) -> None:
    """Kernels look at their elements: the bounds of imported networks' weights often allow larger sums."""
    held, long = (multiply_adds(summed(opcode, most, own=True), 1) for most in (MOST_INPUT, 2 * MOST_INPUT))
    assert long == held


def test_own_weights_that_no_kernel_takes_count_as_others_do() -> None:
    """Those of several matrices, and those with a bias that each sample changes."""
    b = ProgramBuilder()
    x = b.field((2, 1, TERMS), low=0, high=2 * MOST_INPUT)
    several, one = (b.parameter(shape, low=0, high=WEIGHT) for shape in ((2, 3, TERMS), (3, TERMS)))
    batch = b.emit(Opcode.MATMUL, (x, several), (31, 0, 0), scale=0)
    bias = b.view(x, (3,), strides=(0,))
    biased = b.emit(Opcode.MATMUL, (b.reshape(x, (2, TERMS)), one, bias), (31, 0, LinearFlags.BIAS), scale=0)
    program = b.build(b.add(b.reshape(batch, (2, 3)), biased))
    places = [each for each, value in enumerate(program.values) if value.opcode is Opcode.MATMUL]
    assert [has_long_sums(program, each) for each in places] == [True, True]


def test_the_margins_of_a_convolution_count_as_memory() -> None:
    narrow, wide = convolved(64, 8, 3, groups=1, margin=1), convolved(64, 8, 3, groups=1, margin=20)
    assert held_elements(narrow) == traced_elements(narrow) + 66 * 66 * 8
    assert held_elements(wide) == traced_elements(wide) + 104 * 104 * 8


def test_what_no_sample_changes_counts_once() -> None:
    program = chained(256, 10)

    assert multiply_adds(program, 1) >= 10 * 256**3
    assert multiply_adds(program, 1_001) - multiply_adds(program, 1) == 1_000 * ONE_ELEMENT


def test_a_trace_counts_what_no_sample_changes_but_for_what_is_given() -> None:
    b = ProgramBuilder()
    x = b.field((), low=0, high=9)
    long = b.view(b.constant([3, 5]), (1 << 12,), strides=(0,))
    program = b.build(x + b.sum(long, high=9))
    given = sum(each.size * workload.ONE_ELEMENT for each in program.values if each.opcode is None)
    once = 2 * multiply_adds(program, 1) - multiply_adds(program, 2)
    assert workload.trace_work(program) == multiply_adds(program, 1) - (given - workload.ONE_ELEMENT)
    assert workload.trace_work(program) > once - given > (1 << 12)


def test_what_depends_on_no_field_and_no_answer_lasts() -> None:
    assert lasting_values(small_program()) == {KERNEL, BIAS, TABLE, WEIGHTS}
    assert {ACTIVE, WIDE}.isdisjoint(lasting_values(small_program()))


def test_a_trace_holds_every_value() -> None:
    program = small_program()
    assert traced_elements(program) == sum(int(np.prod(value.shape)) for value in program.values)


def test_so_many_samples_that_they_take_days_are_refused() -> None:
    heavy = multiplied(128, 96, 64)
    a_sample = multiply_adds(heavy, 1) - multiply_adds(heavy, 0)
    samples = (MOST_WORK - multiply_adds(heavy, 0)) // a_sample
    check_work(heavy, samples)

    with pytest.raises(WorkTooLargeError) as refused:
        check_work(heavy, samples + 1)
    assert (refused.value.work, refused.value.most) == (multiply_adds(heavy, samples + 1), MOST_WORK)


def test_a_program_of_few_bytes_with_thousands_of_products_is_refused() -> None:
    """A trace would hold all of them, each a matrix of 1,024 rows."""
    with pytest.raises(ProgramTooLargeError):
        check_work(chained(1_024, 4_000), 1)


def test_the_most_work_is_still_done() -> None:
    program = small_program()
    work = multiply_adds(program, 3)

    assert check_work(program, 3, work) == work
    with pytest.raises(WorkTooLargeError) as refused:
        check_work(program, 3, work - 1)
    assert refused.value.message == f"the evaluation takes {work} multiply-adds, {work - 1} are the most"


def test_too_much_memory_is_refused_whatever_work_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    program = small_program()
    monkeypatch.setattr(workload, "MOST_TRACED", held_elements(program))
    check_work(program, 1, MOST_TRACED)
    monkeypatch.setattr(workload, "MOST_TRACED", held_elements(program) - 1)

    with pytest.raises(ProgramTooLargeError):
        check_work(program, 1, 10**30)
