import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, TensorTree
from anh_rollup.evaluation.dependencies import element_dependencies
from anh_rollup.evaluation.disputability import check_disputable, evidence_size
from anh_rollup.evaluation.errors import UndisputableError
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Program

CALLDATA_WORD = 32


def summed(rows: int, columns: int, *, turned: bool = False) -> Program:
    """Sums each column of a matrix."""
    b = ProgramBuilder()
    x = b.field((rows, columns), low=-9, high=9)
    sums = b.sum(b.transpose(x), axes=(1,)) if turned else b.sum(x, axes=(0,))
    return b.build(b.max(sums))


def reduction(program: Program) -> int:
    return next(at for at, value in enumerate(program.values) if value.opcode is Opcode.REDUCE)


@given(rows=st.integers(1, 200), columns=st.integers(1, 70), seed=st.integers(0, 2**32 - 1))
def test_the_size_is_that_of_the_opening(rows: int, columns: int, seed: int) -> None:
    program = summed(rows, columns)
    elements = np.random.default_rng(seed).integers(-(2**31), 2**31, (rows, columns)).astype(np.int32)
    elements.reshape(-1)[:: CHUNK_ELEMENTS // 2] = -(2**31)
    tree, value, sizes = TensorTree(elements), reduction(program), []
    for element in {0, columns // 2, columns - 1}:
        (indices,) = element_dependencies(program, value, element)
        opening = tree.opening(sorted(set((indices // CHUNK_ELEMENTS).tolist())))
        sizes.append(CALLDATA_WORD * (len(opening.chunks) + len(opening.proof)) + len(opening.data))
    assert evidence_size(program, value) == max(sizes)


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
