"""Sums too long for one transaction: their terms, the exact partial of each block, and how they end."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from anh_rollup.evaluation.dependencies import check_element, linear_terms, reduced_terms, terms_of
from anh_rollup.evaluation.operations import Wide, finish_linear
from anh_rollup.tensor.opcodes import Opcode, Reduction
from anh_rollup.tensor.program import Program, Tensor, Value
from anh_rollup.tensor.ranges import round_shift
from anh_rollup.tensor.shapes import block_size

#: An argmax key is x * 2^32 + (2^32 - 1 - r): the largest key is the largest x, and of those the lowest r.
_KEY: Final = 2**32


def partials(program: Program, trace: Sequence[Tensor], value: int, element: int) -> Wide:
    """The exact partial of every block of one element: int64 array of ceil(K / B(K)) entries.

    Args:
        program: The program.
        trace: Every value's elements for one sample, as `Evaluator.trace` gives them.
        value: Id of a MATMUL, CONV or REDUCE.
        element: Flat index of the element.

    Raises:
        ElementRefusedError: Where there is no such foldable value or element.
    """
    count = terms_of(program, value)
    check_element(program, value, element)
    folded = _folded_terms(program, trace, value, element)
    starts = np.arange(0, count, block_size(count))
    combine = np.add if _adds(program.values[value]) else np.maximum
    return combine.reduceat(folded, starts)


def finish(
    program: Program, trace: Sequence[Tensor], value: int, element: int, sums: Sequence[int] | Wide
) -> int:
    """The element that these partials end in: combined, with bias, rounding shift and clamp.

    Only bias and shifts are read from the trace.
    """
    check_element(program, value, element)
    instruction = program.values[value]
    numbers = [int(each) for each in sums]
    combined = sum(numbers) if _adds(instruction) else max(numbers)
    if instruction.opcode is not Opcode.REDUCE:
        channel = element % instruction.shape[-1]
        extras = [trace[source][channel].reshape(1, 1).astype(np.int64) for source in instruction.inputs[2:]]
        combined = int(finish_linear(instruction, np.array([[combined]], dtype=np.int64), extras)[0, 0])
    elif instruction.attributes[0] == Reduction.SUM:
        combined = round_shift(combined, instruction.attributes[1])
    elif instruction.attributes[0] == Reduction.ARGMAX:
        combined = _KEY - 1 - combined % _KEY
    return min(max(combined, instruction.low), instruction.high)


def _adds(instruction: Value) -> bool:
    return instruction.opcode is not Opcode.REDUCE or instruction.attributes[0] == Reduction.SUM


def _folded_terms(program: Program, trace: Sequence[Tensor], value: int, element: int) -> Wide:
    instruction = program.values[value]
    elements = [trace[source].reshape(-1) for source in instruction.inputs[:2]]
    if instruction.opcode is Opcode.REDUCE:
        x = elements[0][reduced_terms(program, value, element)].astype(np.int64)
        ranks = np.arange(len(x), dtype=np.int64)
        return x * _KEY + (_KEY - 1 - ranks) if instruction.attributes[0] == Reduction.ARGMAX else x
    x_terms, w_terms = linear_terms(program, value, element)
    x = elements[0][np.maximum(x_terms, 0)].astype(np.int64) * (x_terms >= 0)
    return x * elements[1][w_terms]
