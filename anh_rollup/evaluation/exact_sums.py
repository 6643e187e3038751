"""How large sums of products get, and which of them float64 does not hold."""

from collections.abc import Sequence
from math import prod
from typing import Final

from anh_rollup.encoding.tensors import Shape
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Interval, Kind, Program
from anh_rollup.tensor.shapes import term_count

#: Integers up to this magnitude are exact in float64.
FLOAT64_EXACT: Final = 1 << 53
#: Instructions that are sums of products.
LINEAR: Final = (Opcode.MATMUL, Opcode.CONV)


def needs_limbs(most: int) -> bool:
    """Whether sums of products up to this magnitude are put together in int64, from parts."""
    return most > FLOAT64_EXACT


def largest_sum(
    opcode: Opcode, attributes: Sequence[int], shapes: Sequence[Shape], intervals: Sequence[Interval]
) -> int:
    """The largest magnitude of a MATMUL's or CONV's sums of products that its inputs allow."""
    return term_count(opcode, shapes, attributes) * prod(each.magnitude for each in intervals[:2])


def has_long_sums(program: Program, place: int) -> bool:
    """Whether float64 may not hold an instruction's sums of products, whatever the model.

    Kernels look at the elements of weights that are parameters, and carry many whose proven bounds allow
    larger sums: imported networks have such weights. A program does not tell those that none carries.
    """
    value = program.values[place]
    if value.opcode not in LINEAR or _has_own_weights(program, place):
        return False
    intervals = [program.intervals[each] for each in value.inputs]
    return needs_limbs(largest_sum(value.opcode, value.attributes, program.input_shapes(place), intervals))


def _has_own_weights(program: Program, place: int) -> bool:
    """Whether weights are a parameter of a form that kernels take, and nothing beside them is computed."""
    value = program.values[place]
    weight, *extras = (program.values[each] for each in value.inputs[1:])
    is_taken = value.opcode is Opcode.CONV or len(weight.shape) == 2
    return (
        is_taken
        and weight.kind is Kind.PARAMETER
        and all(each.kind in (Kind.PARAMETER, Kind.CONSTANT) for each in extras)
    )
