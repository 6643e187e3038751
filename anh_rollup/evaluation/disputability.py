"""Whether the inputs of every element fit one L1 transaction: only then can a wrong element be proved wrong.

L1 computes an element from opened inputs. Terms that lie side by side share chunks and proofs; terms that lie
far from each other take a chunk each, and a block of 512 of them can be more than nodes relay.
"""

from collections.abc import Iterator
from math import prod
from typing import Final

import numpy as np

from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, CHUNK_SIZE, chunk_count_of
from anh_rollup.evaluation.dependencies import terms_of
from anh_rollup.evaluation.errors import UndisputableError
from anh_rollup.primitives import DIGEST_SIZE
from anh_rollup.protocol.evaluated import Indices
from anh_rollup.tensor.opcodes import FOLDABLE, Opcode
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.shapes import LEAST_BLOCK, block_count, block_size, window

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
    """Bytes that the inputs of a last move about a MATMUL, CONV or REDUCE take at most, whatever its element.

    The terms of every element lie at the same distances from each other; where the first one lies in its
    chunk, and whether the margins hide some, differs. So distances are looked at, in the worst place.
    """
    terms, shapes = terms_of(program, value), program.input_shapes(value)
    last = block_count(terms) - 1
    blocks = [range(terms)]
    if terms > LEAST_BLOCK:
        size = block_size(terms)
        blocks = [range(each * size, min((each + 1) * size, terms)) for each in {0, last // 2, last}]
    extras = sum(opening_size(np.zeros(1, dtype=np.int64), prod(shape)) for shape in shapes[2:])
    return extras + max(
        sum(map(opening_size, _distances(program, value, block), map(prod, shapes))) for block in blocks
    )


def _distances(program: Program, value: int, block: range) -> Iterator[Indices]:
    """For each input with terms how far a block's elements lie from the first term's, ascending."""
    instruction, shapes = program.values[value], program.input_shapes(value)
    terms = np.arange(block.start, block.stop, dtype=np.int64)
    if instruction.opcode is Opcode.REDUCE:
        first, count = instruction.attributes[2:4]
        yield terms * prod(shapes[0][first + count :])
        return
    if instruction.opcode is Opcode.CONV:
        g = window(shapes[0], shapes[1], instruction.attributes)
        taps, channels = np.divmod(terms, g.group_channels)
        rows, columns = np.divmod(taps, g.kernel_w)
        places = rows * g.dilation[0] * g.width + columns * g.dilation[1]
        yield np.unique(places * g.channels + channels)
    else:
        yield terms
    yield terms


def opening_size(distances: Indices, count: int) -> int:
    """Bytes in a call of the chunks that hold some of `count` elements, and of their multiproof, at most."""
    chunks = chunk_count_of(count)
    whole = chunks * (_WORD + CHUNK_SIZE)
    starts = np.arange(CHUNK_ELEMENTS, dtype=np.int64)[:, np.newaxis]
    placed = (distances + starts) // CHUNK_ELEMENTS
    taken = (1 + int((np.diff(placed) > 0).sum(axis=1).max())) * (_WORD + CHUNK_SIZE)
    gaps, width = np.diff(distances), CHUNK_ELEMENTS
    for _ in range((chunks - 1).bit_length()):
        # Nodes that follow each other lack at most a sibling at either end; one alone lacks one.
        apart = np.flatnonzero(gaps > width)
        lengths = np.diff(np.concatenate(([-1], apart, [len(gaps)])))
        taken += DIGEST_SIZE * int(np.where(lengths > 1, 2, 1).sum())
        width *= 2
    return min(taken, whole)
