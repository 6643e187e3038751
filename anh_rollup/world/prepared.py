"""What the gas of an inference needs of a program, counted once where that is read (docs/world.md)."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from anh_rollup.encoding.tensors import tensor_size
from anh_rollup.evaluation.errors import ProgramTooLargeError, WorkTooLargeError
from anh_rollup.evaluation.workload import check_work
from anh_rollup.primitives import Gas
from anh_rollup.protocol.publications import COUNT_BYTES
from anh_rollup.tensor.program import Program

WORK_PER_GAS: Final = 32
"""Multiply-adds of an evaluation for one gas: 25 million gas a second on two slow cores (`ONE_ELEMENT`)."""

INPUT_GAS: Final = 100
"""What each input of a program's instructions takes besides. Measured: to decode it takes 4 microseconds."""

MOST_CALL_WORK: Final = 1 << 31
"""Multiply-adds of one call of `infer` at most: three seconds there, 67 million gas."""


@dataclass(frozen=True, slots=True)
class PreparedProgram:
    """A program with what was counted of it.

    Attributes:
        program: The program.
        work: Multiply-adds of one sample; None where no call may ask it: it takes too much of them, or of
            memory, or takes answers, too.
        gas: What one evaluation takes, beside what reading it and its model does; 0 without work.
        inputs: Elements of its fields together.
        model_size: Bytes of every model that fits it: what has others is not read.
    """

    program: Program
    work: int | None
    gas: Gas
    inputs: int
    model_size: int


def prepare(program: Program) -> PreparedProgram:
    """Counts what the gas of inferences on a program needs."""
    work = _work(program)
    inputs = sum(each.size for each in program.fields)
    model_size = COUNT_BYTES + sum(tensor_size(each.shape) for each in program.parameters)
    gas = Gas(0) if work is None else _gas(program, work)
    return PreparedProgram(program, work, gas, inputs, model_size)


def _work(program: Program) -> int | None:
    if program.answers:
        return None
    try:
        return check_work(program, 1, MOST_CALL_WORK)
    except (ProgramTooLargeError, WorkTooLargeError):
        return None


def _gas(program: Program, work: int) -> Gas:
    inputs = sum(len(each.inputs) for each in program.values)
    return Gas(INPUT_GAS * inputs + ceil(work / WORK_PER_GAS))
