"""How a program's traces lie in memory: the same for every sample."""

from math import prod
from typing import Final

from anh_rollup.encoding.tensors import Shape, chunk_count_of
from anh_rollup.evaluation.tensor_forest import Packing
from anh_rollup.evaluation.workload import lasting_values
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program

#: Sources that are the same for all samples.
SHARED: Final = (Kind.PARAMETER, Kind.CONSTANT)

#: Bytes of a sample's values up to which the work for traces stays noted with its memory (choice).
MOST_NOTED: Final = 1 << 27


def packing_of(program: Program) -> Packing:
    """Where every value lies that is not shared by all samples; what only renames a value lies with it."""
    return Packing(*packed_values(program))


def packed_values(program: Program) -> tuple[dict[int, Shape], dict[int, int]]:
    """The shapes of all values that no two samples share; and for those that rename another one, which."""
    shapes = {each: value.shape for each, value in enumerate(program.values) if value.kind not in SHARED}
    same: dict[int, int] = {}
    for each in shapes:
        source = _renamed(program, each)
        if source is not None and source in shapes:
            same[each] = same.get(source, source)
    return shapes, same


def packed_chunks(program: Program) -> list[int]:
    """How many chunks each value takes that has elements of its own for a sample."""
    shapes, same = packed_values(program)
    return [chunk_count_of(program.values[each].size) for each in shapes if each not in same]


def lasting_bytes(program: Program) -> int:
    """Bytes of what instructions give that no sample changes: noted work keeps it, as float64."""
    values = [program.values[each] for each in lasting_values(program)]
    return sum(8 * value.size for value in values if value.opcode is not None)


def _renamed(program: Program, each: int) -> int | None:
    """The value to which a VIEW gives another shape, and nothing else; None where it does more."""
    value = program.values[each]
    if value.opcode is not Opcode.VIEW:
        return None
    source, (offset, count) = value.inputs[0], value.attributes[:2]
    dims, strides = value.attributes[2 : 2 + count], value.attributes[2 + count :]
    in_order = all(
        size == 1 or stride == prod(dims[place + 1 :])
        for place, (size, stride) in enumerate(zip(dims, strides, strict=True))
    )
    given = program.intervals[source]
    whole = offset == 0 and value.size == program.values[source].size
    return source if whole and in_order and value.low <= given.low and given.high <= value.high else None
