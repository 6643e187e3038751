"""What a program costs to evaluate, in work and in memory: known before anything is computed.

Strangers write programs. A few hundred bytes can ask for years of work, or for more memory than there is, so
whoever evaluates looks first, and leaves what is too much.

The gas of inferences in contracts follows from these counts, too (docs/world.md): whoever changes one of
them, or a bound on memory, makes another chain.
"""

from math import prod
from typing import Final

from anh_rollup.evaluation.errors import ProgramTooLargeError, WorkTooLargeError
from anh_rollup.evaluation.exact_sums import LINEAR, has_long_sums
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program
from anh_rollup.tensor.shapes import Window, window

#: What an element counts as at least, in multiply-adds. Measured on 2 cores: the slowest products (int64) run
#: at 8e8 a second, the slowest other elements (a quotient, a root, a gather, a sum of one product) at 12e6.
ONE_ELEMENT: Final = 64

#: What a product counts of a sum that float64 may not hold. Measured on 2 cores: products of one row of
#: weights (22 bits each) run at 5.5e7 to 7.3e7 a second, a twelfth of the rate that `ONE_ELEMENT` names.
LONG_PRODUCT: Final = 16

#: What one call of numpy or torch counts as at least, in multiply-adds. Measured: 44 microseconds go by for
#: an instruction with one element.
ONE_CALL: Final = 1 << 15

#: A padded image of more elements than this is written down only if it is no more than so many times larger
#: than input and output together (choice).
LEAST_PADDED: Final = 1 << 21
MOST_MARGIN: Final = 16

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

    Sums of products count each product, `LONG_PRODUCT` times where float64 may not hold them, and no less
    than `ONE_ELEMENT` for each sum. Every other instruction counts `ONE_ELEMENT` for each term of each
    element. None counts less than `ONE_CALL` for each of the calls that it takes. What no sample changes is
    computed once.
    """
    once = each_time = 0
    lasting = lasting_values(program)
    for value in range(len(program.values)):
        if value in lasting:
            once += _work(program, value)
        else:
            each_time += _work(program, value)
    return once + samples * each_time


def trace_work(program: Program) -> int:
    """The work of a sample's trace, in multiply-adds: large ones compute anew what no sample changes."""
    lasting = lasting_values(program)
    return sum(
        _work(program, place)
        for place, value in enumerate(program.values)
        if value.opcode is not None or place not in lasting
    )


def _work(program: Program, value: int) -> int:
    """Multiply-adds of one value for one sample."""
    instruction, products = program.values[value], program.terms(value) * program.values[value].size
    if instruction.opcode is None:
        return products * ONE_ELEMENT
    elements = (instruction.size if instruction.opcode in LINEAR else products) * ONE_ELEMENT
    if has_long_sums(program, value):
        products *= LONG_PRODUCT
    return max(products, elements, _calls(program, value) * ONE_CALL)


def _calls(program: Program, value: int) -> int:
    """Calls that an instruction takes for one sample, where each could do little.

    A CONV takes one for each tap where its margins are wide or each output reads one channel, else one for
    each row of the kernel and each group.
    """
    if program.values[value].opcode is not Opcode.CONV:
        return 1
    g = geometry(program, value)
    by_tap = g.group_channels == 1 or has_wide_margins(program, value)
    return g.kernel_h * (g.kernel_w if by_tap else g.groups)


def geometry(program: Program, value: int) -> Window:
    """The geometry of a CONV."""
    x, w = program.input_shapes(value)[:2]
    return window(x, w, program.values[value].attributes)


def padded_size(program: Program, value: int) -> int:
    """Elements of a CONV's input with its margins."""
    g, (top, left, bottom, right) = geometry(program, value), program.values[value].attributes[5:9]
    return (g.height + top + bottom) * (g.width + left + right) * g.channels


def has_wide_margins(program: Program, value: int) -> bool:
    """Whether a CONV's input is never written down with its margins, which few taps read or none.

    Strangers choose strides and margins.
    """
    largest = MOST_MARGIN * (prod(program.input_shapes(value)[0]) + program.values[value].size)
    return padded_size(program, value) > max(LEAST_PADDED, largest)


def working_elements(program: Program, value: int) -> int:
    """Elements that an evaluator holds for one sample while it computes an instruction, beside its values."""
    if program.values[value].opcode is not Opcode.CONV:
        return 0
    if not has_wide_margins(program, value):
        return padded_size(program, value)
    g = geometry(program, value)
    # What one tap reads, and its product.
    return g.out_h * g.out_w * (g.channels + g.outputs)


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


def held_elements(program: Program) -> int:
    """Elements that a trace holds, together with what its largest instruction takes beside them."""
    return traced_elements(program) + max(
        working_elements(program, value) for value in range(len(program.values))
    )


def check_memory(program: Program) -> None:
    """Checks that a sample can be evaluated and traced in `MOST_MEMORY`.

    Raises:
        ProgramTooLargeError: It cannot.
    """
    taken = held_elements(program)
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
