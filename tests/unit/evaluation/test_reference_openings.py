"""What games open: the elements that an element is made of, the partials of its terms, and how they end."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.checks import INT32_LEAST
from anh_rollup.evaluation.errors import ElementRefusedError
from anh_rollup.evaluation.reference import (
    block_count,
    block_size,
    element_dependencies,
    finish,
    finish_dependencies,
    partials,
    terms,
)
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import FOLDABLE, Opcode
from scripts.generate_vectors.random_cases import Case, random_case
from tests.unit.evaluation import elementwise_definition as definition

SEEDS = st.integers(0, 2**32 - 1)


def disturbed(case: Case, kept: tuple[np.ndarray, ...], rng: np.random.Generator) -> list[list[int]]:
    """The inputs' elements, shuffled wherever they are not among the kept ones."""
    flat = [tensor.ravel().tolist() for tensor in case.trace()[:-1]]
    changed = [rng.permutation(each).tolist() for each in flat]
    for own, original, indices in zip(changed, flat, kept, strict=True):
        for index in indices:
            own[index] = original[index]
    return changed


@pytest.mark.parametrize("opcode", Opcode)
@pytest.mark.parametrize("with_trace", [True, False])
@given(seed=SEEDS)
def test_an_element_needs_nothing_but_its_dependencies(opcode: Opcode, with_trace: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(opcode, rng)
    value, trace = case.program.output, case.trace()
    element = int(rng.integers(value.size))
    needed = element_dependencies(case.program, case.value, element, trace=trace if with_trace else None)
    shapes = case.program.input_shapes(case.value)
    inputs = disturbed(case, needed, rng)
    again = definition.element(
        opcode, value.attributes, (value.low, value.high), shapes, inputs, value.shape, element
    )
    assert again == trace[-1].flat[element]


@pytest.mark.parametrize("opcode", Opcode)
@given(seed=SEEDS)
def test_dependencies_are_ascending_and_inside_their_inputs(opcode: Opcode, seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(opcode, rng)
    element = int(rng.integers(case.program.output.size))
    needed = element_dependencies(case.program, case.value, element, trace=case.trace())
    for indices, source in zip(needed, case.program.fields, strict=True):
        assert (np.diff(indices) > 0).all()
        assert all(0 <= index < source.size for index in indices)


@pytest.mark.parametrize("opcode", sorted(FOLDABLE))
@given(seed=SEEDS)
def test_partials_are_the_blocks_of_the_terms_and_end_in_the_element(opcode: Opcode, seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(opcode, rng)
    value, trace = case.program.output, case.trace()
    element = int(rng.integers(value.size))
    inputs = [tensor.ravel().tolist() for tensor in trace[:-1]]
    shapes = case.program.input_shapes(case.value)
    folded = definition.terms(opcode, value.attributes, shapes, inputs, value.shape, element)
    found = partials(case.program, trace, case.value, element)
    assert found.dtype == np.int64
    assert found.tolist() == definition.blocks(opcode, value.attributes, folded)
    assert finish(case.program, trace, case.value, element, found) == trace[-1].flat[element]


@pytest.mark.parametrize("opcode", sorted(FOLDABLE))
@given(seed=SEEDS)
def test_the_blocks_and_the_finish_read_together_what_the_element_reads(opcode: Opcode, seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(opcode, rng)
    program, value = case.program, case.value
    element = int(rng.integers(program.output.size))
    blocks = block_count(terms(program, value))
    parts = [element_dependencies(program, value, element, block) for block in range(blocks)]
    parts.append(finish_dependencies(program, value, element))
    together = [np.concatenate(each).tolist() for each in zip(*parts, strict=True)]
    assert together == [each.tolist() for each in element_dependencies(program, value, element)]


def long_sum(count: int) -> Case:
    b = ProgramBuilder()
    program = b.build(b.argmax(b.field((count,))))
    elements = np.full((1, count), INT32_LEAST, dtype=np.int32)
    elements[0, 700] = elements[0, 600] = 5
    return Case(program, Sources(fields=(elements,)))


def test_an_argmax_key_orders_by_element_and_then_by_the_lowest_place() -> None:
    case = long_sum(1025)
    keys = partials(case.program, case.trace(), case.value, 0).tolist()
    assert keys == [
        INT32_LEAST * 2**32 + 2**32 - 1,
        5 * 2**32 + 2**32 - 1 - 600,
        INT32_LEAST * 2**32 + 2**32 - 1 - 1024,
    ]
    assert finish(case.program, case.trace(), case.value, 0, keys) == 600


@pytest.mark.parametrize(
    ("count", "size", "blocks"),
    [(1, 512, 1), (512, 512, 1), (513, 512, 2), (32_768, 512, 64), (32_769, 544, 61), (262_144, 4096, 64)],
)
def test_blocks_are_whole_chunks_and_at_most_64(count: int, size: int, blocks: int) -> None:
    assert (block_size(count), block_count(count)) == (size, blocks)


@given(st.integers(1, 262_144))
def test_blocks_always_cover_all_terms(count: int) -> None:
    assert block_size(count) % 32 == 0
    assert (block_count(count) - 1) * block_size(count) < count <= block_count(count) * block_size(count)
    assert block_count(count) <= 64


def test_a_block_of_a_sum_is_not_more_than_there_are() -> None:
    case = long_sum(1025)
    with pytest.raises(ElementRefusedError, match=r"^value 1: block 3 of 3$"):
        element_dependencies(case.program, case.value, 0, 3)


def test_only_sums_and_extremes_have_blocks() -> None:
    b = ProgramBuilder()
    program = b.build(b.field((3,)) + 1)
    with pytest.raises(ElementRefusedError, match=r"^value 2: ADD has no blocks of terms$"):
        element_dependencies(program, 2, 0, 0)
    with pytest.raises(ElementRefusedError, match=r"^value 2: ADD does not fold terms$"):
        terms(program, 2)
    with pytest.raises(ElementRefusedError, match=r"^value 2: ADD does not fold terms$"):
        finish_dependencies(program, 2, 0)


def test_a_source_depends_on_nothing_in_the_program() -> None:
    case = long_sum(3 + 1000)
    with pytest.raises(ElementRefusedError, match=r"^value 0: no instruction of this program$"):
        element_dependencies(case.program, 0, 0)


def test_there_is_no_element_behind_the_last() -> None:
    case = long_sum(1025)
    with pytest.raises(ElementRefusedError, match=r"^value 1: element 1 of 1$"):
        partials(case.program, case.trace(), 1, 1)


def test_taps_outside_the_image_are_not_read() -> None:
    b = ProgramBuilder()
    x, w = b.field((3, 3, 1), low=-9, high=9), b.parameter((1, 3, 3, 1))
    program = b.build(b.conv2d(x, w, padding=1))
    pixels, weights = element_dependencies(program, 2, 0)
    assert pixels.tolist() == [0, 1, 3, 4]
    assert weights.tolist() == list(range(9))
