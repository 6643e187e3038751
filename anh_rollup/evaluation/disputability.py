"""Whether the inputs of every element fit one L1 transaction: only then can a wrong element be proved wrong.

L1 computes an element from opened inputs. Terms that lie side by side share chunks and proofs; terms that lie
far from each other take a chunk each, and a block of 512 of them can be more than nodes relay.
"""

from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, CHUNK_SIZE, chunk_count_of
from anh_rollup.evaluation.dependencies import element_dependencies, terms_of
from anh_rollup.evaluation.errors import UndisputableError
from anh_rollup.primitives import DIGEST_SIZE
from anh_rollup.tensor.opcodes import FOLDABLE
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.shapes import LEAST_BLOCK, block_count

#: Bytes that the opened inputs of a last move take at most: nodes relay transactions of 131,072 bytes, and
#: the rest of the move (records, partial sums, paths) stays below 20,000.
MOST_EVIDENCE: Final = 110_000

#: A word of the ABI, in bytes: the number of a chunk takes one.
_WORD: Final = 32


def check_disputable(program: Program) -> None:
    """Checks that a wrong element of any instruction could be proved wrong on L1.

    Raises:
        UndisputableError: The terms of an element lie too far from each other.
    """
    for value, instruction in enumerate(program.values):
        if instruction.opcode in FOLDABLE:
            taken = evidence_size(program, value)
            if taken > MOST_EVIDENCE:
                raise UndisputableError(value, instruction.name, taken, MOST_EVIDENCE)


def evidence_size(program: Program, value: int) -> int:
    """Bytes of the inputs that a last move about a MATMUL, CONV or REDUCE opens, the most of some elements.

    Its elements have their terms at the same distances; those at a tensor's margins have fewer, and how
    chunks begin differs little. So the first, the middle and the last one stand for all.
    """
    terms, size = terms_of(program, value), program.values[value].size
    blocks = [None] if terms <= LEAST_BLOCK else [0, block_count(terms) // 2]
    counts = [prod(shape) for shape in program.input_shapes(value)]
    return max(
        sum(map(_opening_size, element_dependencies(program, value, element, block), counts))
        for element in {0, size // 2, size - 1}
        for block in blocks
    )


def _opening_size(indices: NDArray[np.int64], count: int) -> int:
    """Bytes in a call of the chunks that hold some of `count` elements, and of their multiproof."""
    nodes = np.unique(indices // CHUNK_ELEMENTS)
    taken = len(nodes) * (_WORD + CHUNK_SIZE)
    for _ in range((chunk_count_of(count) - 1).bit_length()):
        if len(nodes):
            taken += DIGEST_SIZE * int(np.isin(nodes ^ 1, nodes, invert=True).sum())
        nodes = np.unique(nodes >> 1)
    return taken
