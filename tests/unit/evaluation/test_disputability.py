import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, TensorTree
from anh_rollup.evaluation.dependencies import element_dependencies
from anh_rollup.evaluation.disputability import MOST_EVIDENCE, check_disputable, evidence_size
from anh_rollup.evaluation.errors import UndisputableError
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.errors import ShapeRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.shapes import LEAST_BLOCK, block_count, window

CALLDATA_WORD = 32


def summed(rows: int, columns: int, *, turned: bool = False) -> Program:
    """Sums each column of a matrix."""
    b = ProgramBuilder()
    x = b.field((rows, columns), low=-9, high=9)
    sums = b.sum(b.transpose(x), axes=(1,)) if turned else b.sum(x, axes=(0,))
    return b.build(b.max(sums))


def reduction(program: Program) -> int:
    return next(at for at, value in enumerate(program.values) if value.opcode is Opcode.REDUCE)


def opened(program: Program, value: int, element: int, block: int | None) -> int:
    """Bytes in a call of the chunks and hashes that an element's inputs take."""
    needed, taken = element_dependencies(program, value, element, block), 0
    for indices, shape in zip(needed, program.input_shapes(value), strict=True):
        if len(indices):
            # Elements that are all different, since openings share the chunks of the canonical zeros.
            tree = TensorTree(np.arange(1, 1 + int(np.prod(shape)), dtype=np.int32).reshape(shape))
            opening = tree.opening(sorted(set((indices // CHUNK_ELEMENTS).tolist())))
            taken += CALLDATA_WORD * (len(opening.chunks) + len(opening.proof)) + len(opening.data)
    return taken


def check_some_elements(program: Program, value: int, seed: int) -> None:
    """Asserts that no element's inputs take more than is said."""
    terms, size = program.terms(value), program.values[value].size
    blocks = [None] if terms <= LEAST_BLOCK else list(range(block_count(terms)))
    rng = np.random.default_rng(seed)
    elements = {0, size // 2, size - 1, *rng.integers(0, size, 6).tolist()}
    sizes = [opened(program, value, each, block) for each in elements for block in blocks]
    assert max(sizes) <= evidence_size(program, value)


@given(rows=st.integers(1, 1_500), columns=st.integers(1, 70), seed=st.integers(0, 2**32 - 1))
def test_no_sum_over_rows_takes_more_than_is_said(rows: int, columns: int, seed: int) -> None:
    program = summed(rows, columns)
    check_some_elements(program, reduction(program), seed)


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    kernel=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    channels=st.sampled_from([1, 2, 5, 32]),
    groups=st.sampled_from([1, 2, 4]),
    stride=st.integers(1, 3),
    margins=st.tuples(*[st.integers(0, 40)] * 4),
    dilation=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_element_of_a_convolution_takes_more_than_is_said(
    size: tuple[int, int],
    kernel: tuple[int, int],
    channels: int,
    groups: int,
    stride: int,
    margins: tuple[int, int, int, int],
    dilation: int,
    seed: int,
) -> None:
    x, w = (*size, channels * groups), (groups, *kernel, channels)
    attributes = (6, 0, 0, stride, stride, *margins, dilation, dilation, groups)
    try:
        g = window(x, w, attributes)
    except ShapeRefusedError:
        assume(False)
    values = (
        Value(Kind.FIELD, x, -9, 9, index=0),
        Value(Kind.PARAMETER, w, -9, 9, index=0),
        Value(
            Kind.INSTRUCTION,
            (g.out_h, g.out_w, groups),
            opcode=Opcode.CONV,
            inputs=(0, 1),
            attributes=attributes,
        ),
    )
    check_some_elements(Program(values), 2, seed)


def test_a_convolution_whose_first_middle_and_last_elements_see_margins_only_is_refused() -> None:
    """It opens 150,000 bytes for an element in row 140, which nodes do not relay."""
    b, channels, kernel = ProgramBuilder(), 512, 32
    x = b.expand(b.field((256, 1, channels), low=-9, high=9), (256, 32, channels))
    w = b.parameter((channels, kernel, kernel, 1), low=-1, high=1)
    program = b.build(b.conv2d(x, w, padding=(39, 0, 1_800, 0), groups=channels, low=-9, high=9))
    value = next(at for at, each in enumerate(program.values) if each.opcode is Opcode.CONV)
    assert opened(program, value, 140 * channels + 7, 0) > MOST_EVIDENCE
    with pytest.raises(UndisputableError):
        check_disputable(program)


def test_what_networks_are_made_of_can_be_disputed() -> None:
    b = ProgramBuilder()
    y = b.field((28, 28, 64), low=-9, high=9)
    y = b.conv2d(y, b.parameter((128, 3, 3, 64), low=-9, high=9), padding=1, low=0, high=9)
    y = b.conv2d(y, b.parameter((128, 7, 7, 1), low=-9, high=9), padding=3, groups=128, low=0, high=9)
    y = b.sum(b.sum(y, axes=(1,), low=-99, high=99), axes=(0,), low=-9, high=9)
    check_disputable(b.build(b.linear(y, b.parameter((1_000, 128), low=-9, high=9), low=-9, high=9)))


def test_terms_that_lie_far_from_each_other_are_refused() -> None:
    with pytest.raises(UndisputableError) as refused:
        check_disputable(summed(784, 512))
    assert refused.value.value == 1
    assert refused.value.taken > 131_072
    assert "Transpose the input" in refused.value.remedy


def test_the_same_terms_side_by_side_are_not() -> None:
    check_disputable(summed(784, 512, turned=True))


def test_few_terms_may_lie_anywhere() -> None:
    check_disputable(summed(49, 2_048))
