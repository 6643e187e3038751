"""Partial sums that a liar forges end in what it claims, whatever is folded."""

import numpy as np
import pytest

from anh_rollup.evaluation.reference import ReferenceEvaluator, finish, partials
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.builder import ProgramBuilder
from benchmarks.planted_lies import Lie, forged_sums

TERMS = 1_100


@pytest.mark.parametrize("way", ["sum", "max", "argmax"])
@pytest.mark.parametrize("off", [-1, 1])
def test_forged_sums_end_in_the_claimed_element(way: str, off: int) -> None:
    b = ProgramBuilder()
    x = b.field((3, TERMS), low=-9_000, high=9_000)
    folds = {"sum": b.sum, "max": b.max, "argmax": b.argmax}
    program = b.build(folds[way](x, 1))
    fields = (np.random.default_rng(5).integers(-9_000, 9_000, (1, 3, TERMS), dtype=np.int32),)
    trace = ReferenceEvaluator().trace(program, Sources(fields), 0)
    true = tuple(int(each) for each in partials(program, trace, 1, 2))
    claimed = int(trace[1][2]) + off

    forged = forged_sums(true, claimed, lambda sums: finish(program, trace, 1, 2, sums))

    assert forged != true
    assert finish(program, trace, 1, 2, forged) == claimed


def test_no_sums_end_in_what_is_out_of_bounds() -> None:
    assert forged_sums((3, 4), 10**9, lambda sums: min(sum(sums), 7)) == (3, 4)


def test_a_wrong_element_is_off_by_one_within_the_bounds() -> None:
    b = ProgramBuilder()
    program = b.build(b.add(b.field((4,), low=0, high=9), 0, low=0, high=9))
    lie = Lie(0, len(program.values) - 1, 0)
    assert [lie.wrong(program, right) for right in (0, 8, 9)] == [1, 9, 8]
