"""Tensor instructions: one element of each case, and the partials of sums that games open in blocks."""

import numpy as np

from anh_rollup.evaluation.reference import block_count, partials, terms
from anh_rollup.tensor.opcodes import FOLDABLE, Opcode
from scripts.generate_vectors.cases import Row, Vectors, table
from tests.differential.cases import Case, random_case

_CASES = 30
# Of the cases of a foldable instruction, how many have more than one block of terms.
_LONG = 2
_MOST_ELEMENTS = 96
_MOST_ELEMENTS_OF_LONG = 2400


def vectors() -> Vectors:
    """Table `elements`.

    inputs are the elements of all input tensors, one tensor after the other, int32 each; the record holds
    their shapes. partials are int64 each, none where the instruction folds nothing.
    """
    return {"elements": table([row for opcode in Opcode for row in _rows(opcode)])}


def _rows(opcode: Opcode) -> list[Row]:
    rng = np.random.default_rng(opcode)
    long = _LONG if opcode in FOLDABLE else 0
    cases: list[Case] = []
    while len(cases) < _CASES:
        case = random_case(opcode, rng)
        wanted = _is_long(case) if len(cases) < long else _size(case) <= _MOST_ELEMENTS
        if wanted:
            cases.append(case)
    return [_row(case, int(rng.integers(case.program.output.size))) for case in cases]


def _is_long(case: Case) -> bool:
    return block_count(terms(case.program, case.value)) > 1 and _size(case) <= _MOST_ELEMENTS_OF_LONG


def _size(case: Case) -> int:
    return sum(value.size for value in case.program.fields)


def _row(case: Case, element: int) -> Row:
    trace = case.trace()
    foldable = case.program.output.opcode in FOLDABLE
    folded = partials(case.program, trace, case.value, element) if foldable else np.empty(0, np.int64)
    return {
        "opcode": int(case.record[1]),
        "record": case.record,
        "inputs": b"".join([tensor.astype(">i4").tobytes() for tensor in trace[:-1]]),
        "element": element,
        "expected": int(trace[-1].flat[element]),
        "partials": folded.astype(">i8").tobytes(),
    }
