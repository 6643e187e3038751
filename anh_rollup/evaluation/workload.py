"""What a program costs to evaluate, in work and in memory: known before anything is computed.

Strangers write programs. A few hundred bytes can ask for years of work, or for more memory than there is, so
whoever evaluates looks first, and leaves what is too much.
"""

from typing import Final

from anh_rollup.evaluation.errors import ProgramTooLargeError, WorkTooLargeError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program

#: What an element of any other instruction counts as, in multiply-adds. Measured on 2 cores: the slowest
#: products (int64) run at 8e8 a second, the slowest of the others (a quotient, a root, a gather) at 12e6.
OTHER_ELEMENT: Final = 64

#: What an instruction counts as at least, in multiply-adds. Measured: 44 microseconds go by for one element.
LEAST_INSTRUCTION: Final = 1 << 15

#: Multiply-adds of one property by default (choice): 3.5 hours at the slowest rate, a seventh of the default
#: window (deployment.Rules.window); two evaluations at once share the cores, and stay near a quarter of it.
MOST_WORK: Final = 10**13

#: Bytes that a trace may take, roughly (choice).
MOST_MEMORY: Final = 1 << 32

#: Bytes of an element in a trace: as float64, as int32, and in its tree.
_ELEMENT_BYTES: Final = 16

#: Elements of all values of a program together. A trace holds them all; an evaluation never holds more of a
#: sample, and what could be evaluated but not traced could not be disputed.
MOST_TRACED: Final = MOST_MEMORY // _ELEMENT_BYTES


def multiply_adds(program: Program, samples: int) -> int:
    """The work of evaluating a program on so many samples, in multiply-adds.

    Sums of products count each product. Every other instruction counts `OTHER_ELEMENT` for each term of each
    element, and none counts less than `LEAST_INSTRUCTION`. What no sample changes is computed once.
    """
    once = each_time = 0
    lasting = lasting_values(program)
    for value in range(len(program.values)):
        if value in lasting:
            once += _work(program, value)
        else:
            each_time += _work(program, value)
    return once + samples * each_time


def _work(program: Program, value: int) -> int:
    """Multiply-adds of one value for one sample."""
    opcode, products = program.values[value].opcode, program.terms(value) * program.values[value].size
    if opcode is None:
        return products * OTHER_ELEMENT
    is_sum = opcode in (Opcode.MATMUL, Opcode.CONV)
    return max(products if is_sum else products * OTHER_ELEMENT, LEAST_INSTRUCTION)


def lasting_values(program: Program) -> frozenset[int]:
    """The ids of the values that do not depend on the sample."""
    lasting: set[int] = set()
    for place, value in enumerate(program.values):
        derived = value.opcode is not None and lasting.issuperset(value.inputs)
        if derived or value.kind in (Kind.CONSTANT, Kind.PARAMETER):
            lasting.add(place)
    return frozenset(lasting)


def traced_elements(program: Program) -> int:
    """Elements of all values of a program for one sample: what a trace holds."""
    return sum(value.size for value in program.values)


def check_memory(program: Program) -> None:
    """Checks that a sample can be evaluated and traced in `MOST_MEMORY`.

    Raises:
        ProgramTooLargeError: It cannot.
    """
    taken = traced_elements(program)
    if taken > MOST_TRACED:
        raise ProgramTooLargeError(taken, MOST_TRACED)


def check_work(program: Program, samples: int, most: int = MOST_WORK) -> int:
    """The work of evaluating a program on so many samples, in multiply-adds, where it may be done.

    Args:
        program: The program.
        samples: How many.
        most: The most multiply-adds.

    Raises:
        ProgramTooLargeError: It takes too much memory.
        WorkTooLargeError: It takes too much work.
    """
    check_memory(program)
    work = multiply_adds(program, samples)
    if work > most:
        raise WorkTooLargeError(work, most)
    return work
