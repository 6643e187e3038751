"""Tensor instructions: one element of each case, and the partials of sums that games open in blocks."""

from functools import partial
from math import prod

import numpy as np

from anh_rollup.evaluation.reference import partials
from anh_rollup.tensor.errors import ShapeRefusedError
from anh_rollup.tensor.opcodes import FOLDABLE, Opcode
from anh_rollup.tensor.shapes import block_count, infer_shape, term_count
from scripts.generate_vectors.cases import Row, Vectors, table
from scripts.generate_vectors.random_cases import Case, Draft, random_case

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
    rows = []
    for place in range(_CASES):
        wanted = partial(_is_long, opcode) if place < long else _is_small
        case = random_case(opcode, rng, wanted)
        rows.append(_row(case, int(rng.integers(case.program.output.size))))
    return rows


def _is_long(opcode: Opcode, draft: Draft) -> bool:
    try:
        infer_shape(opcode, draft.shapes, draft.attributes, draft.output)
    except ShapeRefusedError:
        return False
    blocks = block_count(term_count(opcode, draft.shapes, draft.attributes))
    return blocks > 1 and _size(draft) <= _MOST_ELEMENTS_OF_LONG


def _is_small(draft: Draft) -> bool:
    return _size(draft) <= _MOST_ELEMENTS


def _size(draft: Draft) -> int:
    return sum(prod(shape) for shape in draft.shapes)


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
