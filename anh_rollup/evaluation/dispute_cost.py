"""What a dispute takes at most, known from the program alone: transactions and gas of either side.

The game goes down three trees to one element (docs/game.md). Their depths give the moves; nodes, proofs and
opened chunks give the bytes and hashes of each move, and these its gas.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Final

import numpy as np

from anh_rollup.encoding.merkle import REVEAL_LEVELS, depth_of
from anh_rollup.encoding.scores import REVEAL_SCORE_LEVELS
from anh_rollup.encoding.tensors import CHUNK_SIZE, chunk_count_of
from anh_rollup.evaluation.disputability import evidence_size, opening_size
from anh_rollup.primitives import DIGEST_SIZE, Gas
from anh_rollup.protocol.defence import SMALL_CHUNKS
from anh_rollup.tensor.opcodes import FOLDABLE, Opcode, Reduction
from anh_rollup.tensor.program import Kind, Program
from anh_rollup.tensor.shapes import LEAST_BLOCK, block_count, block_size

#: Samples of a data set where nobody says how many (choice): a score tree of 20 levels.
MANY_SAMPLES: Final = 1 << 20

#: Gas of a byte of calldata that is not zero, the least for it (EIP-2028, EIP-7623), and of one of an event.
_BYTE: Final = 16
_FLOOR_BYTE: Final = 40
_EVENT_BYTE: Final = 8

#: Gas of each kind of move, without what the program, the data set or the model make longer: of a job with
#: one property and URIs of 100 bytes. All measured on anvil with the shipped contracts and rounded up; tests
#: hold the sums against games that are played. The last move is dearest where a bond is burnt the first time.
_OPEN: Final = 140_000
_REVEAL: Final = 57_000
_CHOOSE: Final = 55_000
_SEAL: Final = 46_100
_ASK: Final = 124_000
_SUMS: Final = 104_000
_PROVE: Final = 222_000
_PROVE_SOURCE: Final = 240_000

#: Gas beside calldata: of a hash on a proof, a node that is shown, an input, what one that is not read takes
#: further (its empty opening), what two of them do, a term of a product, one of REDUCE beside its neighbours
#: where each is larger than those before it, one that REDUCE looks up by itself, and a partial sum; measured
#: like that.
_HASH: Final = 300
_NODE: Final = 350
_INPUT: Final = 5_000
_UNREAD: Final = 4_900
_UNREAD_PAIR: Final = 36
_TERM: Final = 120
_NEAR_TERM: Final = {Reduction.SUM: 210, Reduction.MAX: 268, Reduction.ARGMAX: 308}
_FAR_TERM: Final = 1_200
_PARTIAL_SUM: Final = 1_000

#: Bytes of a score's node in a call: two words of the ABI.
_SUM_NODE: Final = 2 * DIGEST_SIZE


@dataclass(frozen=True, slots=True)
class Side:
    """What one side of a dispute sends.

    Attributes:
        moves: Transactions, seals among them.
        gas: Gas of all.
    """

    moves: int
    gas: Gas

    def __add__(self, other: "Side") -> "Side":
        return Side(self.moves + other.moves, Gas(self.gas + other.gas))


@dataclass(frozen=True, slots=True)
class DisputeCost:
    """What a dispute takes at most, from the opening of the game to the refutation of the claim.

    Attributes:
        accountant: Who reveals.
        challenger: Who opens, chooses and proves.
    """

    accountant: Side
    challenger: Side

    def __add__(self, other: "DisputeCost") -> "DisputeCost":
        return DisputeCost(self.accountant + other.accountant, self.challenger + other.challenger)


def dispute_cost(program: Program, *, samples: int = MANY_SAMPLES, listed: bool = True) -> DisputeCost:
    """What a dispute about one score of a program takes at most, wherever the lie is.

    Args:
        program: A score program.
        samples: Samples of the data set.
        listed: Whether the scores are published; else the game looks for the sample, too.
    """
    costs = [cost_at(program, value, samples=samples, listed=listed) for value in range(len(program.values))]
    return DisputeCost(
        _worst([each.accountant for each in costs]), _worst([each.challenger for each in costs])
    )


def cost_at(program: Program, value: int, *, samples: int, listed: bool = True) -> DisputeCost:
    """What a dispute takes at most where this value is the first wrong one; see `dispute_cost`."""
    start = _opened(samples) if listed else _searched(samples)
    start += _traced(program)
    if program.values[value].kind is not Kind.INSTRUCTION:
        return start + DisputeCost(_NOTHING, _SEALED + _source(program, value, samples))
    return start + _found(program, value) + _proved(program, value)


def _worst(sides: Sequence[Side]) -> Side:
    return Side(max(each.moves for each in sides), Gas(max(each.gas for each in sides)))


def _move(base: int, data: int = 0, hashes: int = 0, further: int = 0) -> Side:
    """One transaction.

    Args:
        base: Gas of its kind.
        data: Bytes that are longer than in the shortest one.
        hashes: Hashes of proofs that L1 computes.
        further: Other gas.
    """
    return Side(1, Gas(max(base + _BYTE * data + _HASH * hashes + further, base + _FLOOR_BYTE * data)))


def _reveal(data: int, hashes: int) -> Side:
    """A move that shows bytes, which an event repeats."""
    return _move(_REVEAL, data, hashes, _EVENT_BYTE * data + _NODE * hashes)


_NOTHING: Final = Side(0, Gas(0))
_SEALED: Final = Side(1, Gas(_SEAL))


def _opened(samples: int) -> DisputeCost:
    depth = depth_of(samples)
    return DisputeCost(_NOTHING, _move(_OPEN, depth * _SUM_NODE, depth))


def _searched(samples: int) -> DisputeCost:
    """The opening, and the way down a score tree that nobody has published."""
    levels, cost = depth_of(samples), DisputeCost(_NOTHING, _move(_OPEN))
    for _ in range(max(1, ceil(levels / REVEAL_SCORE_LEVELS))):
        below = min(levels, REVEAL_SCORE_LEVELS)
        cost += DisputeCost(_reveal(_SUM_NODE << below, 1 << below), _move(_CHOOSE, below * _SUM_NODE, below))
    return cost


def _shown(levels: int) -> Side:
    """A reveal of the nodes some levels below one at this level."""
    count = 1 << min(levels, REVEAL_LEVELS)
    return _reveal(count * DIGEST_SIZE, count)


def _chosen(data: int = 0, hashes: int = REVEAL_LEVELS) -> Side:
    """A choice of one of the nodes that were shown."""
    return _move(_CHOOSE, data + hashes * DIGEST_SIZE, hashes)


def _traced(program: Program) -> DisputeCost:
    """The top of the trace with the way to the score, and the way down to the roots of tensors."""
    levels = program.tree.depth
    way = max(0, levels - REVEAL_LEVELS)
    top = _shown(levels) + Side(0, Gas(way * (_BYTE * DIGEST_SIZE + _HASH)))
    return DisputeCost(top, _NOTHING) + _descended(way)


def _descended(levels: int) -> DisputeCost:
    """Choices of nodes, and reveals below them, down so many levels."""
    cost = DisputeCost(_NOTHING, _NOTHING)
    for left in range(levels, 0, -REVEAL_LEVELS):
        cost += DisputeCost(_shown(left), _chosen())
    return cost


def _record(program: Program, value: int) -> tuple[int, int]:
    """Bytes and hashes of a record with its proof."""
    return len(program.records[value]) + program.tree.depth * DIGEST_SIZE, program.tree.depth


def _source(program: Program, value: int, samples: int) -> Side:
    """The proof that a source is not what claim and job say."""
    data, hashes = _record(program, value)
    roots = {Kind.FIELD: len(program.fields), Kind.ANSWER: len(program.answers)}
    proofs = program.tree.depth + depth_of(max(len(program.parameters), samples))
    return _move(
        _PROVE_SOURCE,
        data + (roots.get(program.values[value].kind, 1) + proofs) * DIGEST_SIZE,
        hashes + proofs,
    )


def _found(program: Program, value: int) -> DisputeCost:
    """The choice of a value, and the way down its tensor to one chunk."""
    if value == len(program.values) - 1:
        return DisputeCost(_NOTHING, _NOTHING)  # the score is claimed already
    data, hashes = _record(program, value)
    chosen = DisputeCost(_NOTHING, _chosen(data, hashes + min(program.tree.depth, REVEAL_LEVELS)))
    chunks = chunk_count_of(program.values[value].size)
    if chunks <= SMALL_CHUNKS:
        return chosen + DisputeCost(_reveal(chunks * CHUNK_SIZE, 2 * chunks), _NOTHING)
    levels = depth_of(chunks)
    top, last = DisputeCost(_shown(levels), _NOTHING), DisputeCost(_reveal(CHUNK_SIZE, 1), _chosen())
    return chosen + top + _descended(max(0, levels - REVEAL_LEVELS)) + last


def _proved(program: Program, value: int) -> DisputeCost:
    """The last move, with the partial sums before it where there are many terms."""
    instruction, terms, depth = program.values[value], program.terms(value), program.tree.depth
    data, hashes = _record(program, value)
    shown = _one_chunk(instruction.size) + depth * DIGEST_SIZE
    up = depth_of(chunk_count_of(instruction.size)) + depth
    inputs = 1 if instruction.opcode is Opcode.CONCAT else len(instruction.inputs)
    evidence = _evidence(program, value) + inputs * depth * DIGEST_SIZE
    read = evidence // DIGEST_SIZE
    if terms <= LEAST_BLOCK:
        unread = len(instruction.inputs) - inputs
        further = terms * _term(program, value) + len(instruction.inputs) * _INPUT
        further += unread * _UNREAD + unread * (unread - 1) // 2 * _UNREAD_PAIR
        whole = _move(_PROVE, data + shown + evidence, hashes + up + read, further)
        return DisputeCost(_NOTHING, _SEALED + whole)
    partials = block_count(terms) * DIGEST_SIZE
    further = block_count(terms) * _PARTIAL_SUM + inputs * _INPUT
    extras = sum(_one_chunk(prod(shape)) + depth * DIGEST_SIZE for shape in program.input_shapes(value)[2:])
    asked = _move(_ASK, data + shown, hashes + up)
    sums = _move(_SUMS, data + partials + extras, hashes + extras // DIGEST_SIZE, further)
    block = _move(
        _PROVE, data + partials + evidence, hashes + read, block_size(terms) * _term(program, value) + further
    )
    return DisputeCost(sums, asked + _SEALED + block)


def _term(program: Program, value: int) -> int:
    """Gas of a term: those of a reduction that do not lie side by side are looked up one by one."""
    instruction = program.values[value]
    if instruction.opcode is not Opcode.REDUCE:
        return _TERM
    kind, _, first, count = instruction.attributes
    is_near = prod(program.input_shapes(value)[0][first + count :]) == 1
    return _NEAR_TERM[Reduction(kind)] if is_near else _FAR_TERM


def _one_chunk(size: int) -> int:
    """Bytes of a chunk of a tensor of so many elements, with its proof."""
    return opening_size(np.zeros(1, dtype=np.int64), size)


def _evidence(program: Program, value: int) -> int:
    """Bytes of the chunks that one element is computed from, and of their proofs, at most."""
    instruction, sizes = program.values[value], [prod(shape) for shape in program.input_shapes(value)]
    if instruction.opcode in FOLDABLE:
        return evidence_size(program, value)
    if instruction.opcode is Opcode.CONCAT:
        return max(map(_one_chunk, sizes))
    if instruction.opcode is Opcode.TABLE:
        # The element lies between two entries.
        return _one_chunk(sizes[0]) + opening_size(np.arange(2, dtype=np.int64), sizes[1])
    return sum(map(_one_chunk, sizes))
