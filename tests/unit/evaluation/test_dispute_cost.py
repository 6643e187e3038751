import math

import numpy as np
import pytest

from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, TensorTree
from anh_rollup.evaluation.dispute_cost import Side, cost_at, dispute_cost
from anh_rollup.evaluation.reference import element_dependencies
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode, Reduction
from anh_rollup.tensor.program import Kind, Program
from tests.differential.arbiter import Arbiter


def summed(size: int, *, steps: int = 0) -> Program:
    """A score that is a sum over so many elements, after so many additions of one."""
    b = ProgramBuilder()
    x = b.field((size,), low=-9, high=9)
    for _ in range(steps):
        x = b.add(x, 1)
    return b.build(b.sum(x, low=-(2**20), high=2**20))


def moves(program: Program, **named: object) -> tuple[int, int]:
    cost = dispute_cost(program, **named)  # type: ignore[arg-type]
    return cost.accountant.moves, cost.challenger.moves


def test_the_shortest_dispute_is_an_opening_a_trace_a_seal_and_a_proof() -> None:
    # trace; open, seal, prove: there is no value but the field before the score.
    assert moves(summed(4)) == (1, 3)


def test_a_small_tensor_is_shown_at_once_and_a_large_one_by_six_levels_of_its_tree() -> None:
    assert moves(summed(256, steps=1)) == (2, 4)
    assert moves(summed(257, steps=1)) == (3, 5)
    assert moves(summed(32 << 6, steps=1)) == (3, 5)
    assert moves(summed((32 << 6) + 1, steps=1)) == (4, 6)
    assert moves(summed((32 << 12) + 1, steps=1)) == (5, 7)


def test_a_long_sum_takes_one_move_more_of_each_side() -> None:
    long, short = summed(513), summed(512)
    assert np.subtract(moves(long), moves(short)).tolist() == [1, 1]


def test_a_trace_of_more_than_64_values_takes_one_more_move_of_each_side() -> None:
    longer, shorter = (summed(4, steps=steps) for steps in (32, 31))
    assert (len(longer.values), len(shorter.values)) == (66, 64)
    assert np.subtract(moves(longer), moves(shorter)).tolist() == [1, 1]


@pytest.mark.parametrize(("samples", "rounds"), [(1, 1), (32, 1), (33, 2), (1 << 20, 4)])
def test_scores_that_nobody_published_are_searched_five_levels_at_a_time(samples: int, rounds: int) -> None:
    program = summed(300, steps=1)
    searched, named = (moves(program, samples=samples, listed=listed) for listed in (False, True))
    assert np.subtract(searched, named).tolist() == [rounds, rounds]


def test_a_dispute_takes_as_much_as_the_dearest_value() -> None:
    program = summed(1_000, steps=3)
    costs = [cost_at(program, each, samples=100) for each in range(len(program.values))]
    cost = dispute_cost(program, samples=100)
    for side in ("accountant", "challenger"):
        sides = [getattr(each, side) for each in costs]
        assert getattr(cost, side) == Side(max(s.moves for s in sides), max(s.gas for s in sides))


def test_a_wrong_source_needs_no_answer_but_the_trace() -> None:
    program = summed(1_000, steps=3)
    for value, item in enumerate(program.values):
        if item.kind is not Kind.INSTRUCTION:
            cost = cost_at(program, value, samples=100)
            assert (cost.accountant.moves, cost.challenger.moves) == (1, 3)


def test_terms_that_lie_far_from_each_other_cost_the_challenger_more() -> None:
    def reduced(*, rows: int, columns: int) -> int:
        b = ProgramBuilder()
        x = b.field((rows, columns), low=-9, high=9)
        y = b.sum(x, axes=(0,), low=-(2**20), high=2**20)
        return dispute_cost(b.build(b.max(y))).challenger.gas

    assert reduced(rows=256, columns=64) > 2 * reduced(rows=256, columns=1)


def folded(kind: Reduction) -> Program:
    """A score that folds 24 x 8,210 elements into one number."""
    b = ProgramBuilder()
    x = b.field((24, 8_210), low=0, high=2**18)
    return b.build(b.emit(Opcode.REDUCE, [x], (kind, 0, 0, 2), low=0, high=2**31 - 1))


def partial_gas(kind: Reduction) -> int:
    """What L1's arbiter takes for a block of terms where each is larger than those before it."""
    program, arbiter = folded(kind), Arbiter()
    shape = program.fields[0].shape
    (read,) = element_dependencies(program, 1, 0, 0)
    chunks = np.unique(read // CHUNK_ELEMENTS).tolist()
    opening = TensorTree(np.arange(math.prod(shape), dtype=np.int32).reshape(shape)).opening(chunks)
    arbiter.partial_sum(program.records[1], 0, 0, [opening])
    return arbiter.gas


@pytest.mark.parametrize("kind", [Reduction.MAX, Reduction.ARGMAX])
def test_a_maximum_of_many_terms_is_foretold_to_cost_as_much_more_than_a_sum_as_the_arbiter_takes(
    kind: Reduction,
) -> None:
    most, total = (dispute_cost(folded(each)).challenger.gas for each in (kind, Reduction.SUM))
    further = partial_gas(kind) - partial_gas(Reduction.SUM)
    assert 0 < further <= most - total <= 1.1 * further
