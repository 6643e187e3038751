"""Hostile accountants for drills: the honest one with exactly one corruption each, by name.

They exist to show that a lie is refuted and what that costs: `anh accountant --drill NAME`, the scenarios and
the demo use them. None of them helps against an honest challenger.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from anh_rollup.accountant.conduct import Conduct
from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.encoding.tensors import Elements
from anh_rollup.errors import AnhError
from anh_rollup.l1.docket import Docket
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.evaluated import EvaluatedProperty, Trace
from anh_rollup.protocol.moves import Move, RevealScores, RevealSums
from anh_rollup.protocol.orders import OrderedJob
from anh_rollup.tensor.opcodes import FOLDABLE, Opcode
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.records import decode_value

#: What a boasting accountant claims, in hundredths of the best sum (0.99, above what the demo asks for).
BOASTED_PERCENT: Final = 99

TraceChange = Callable[[EvaluatedProperty, Trace, int], Trace]


class UnknownDrillError(AnhError):
    """There is no drill of this name.

    Attributes:
        name: The name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no drill {name!r}", remedy=f"Choose one of: {', '.join(DRILLS)}.")
        self.name = name


class UndrillableError(AnhError):
    """The job's programs have nothing that this drill could corrupt.

    Attributes:
        needed: What is missing.
    """

    def __init__(self, needed: str) -> None:
        super().__init__(f"the score program has {needed}", remedy="Use another drill or another job.")
        self.needed = needed


def find_drill(name: str) -> Conduct:
    """The conduct of a drill.

    Raises:
        UnknownDrillError: There is none of this name.
    """
    if name not in DRILLS:
        raise UnknownDrillError(name)
    return DRILLS[name]


def lie_about_sample(evaluated: EvaluatedProperty, change: TraceChange) -> EvaluatedProperty:
    """Claims a better score for the middle sample, and shows a changed trace for it."""
    scores = evaluated.scores.scores.copy()
    scores[len(scores) // 2] += 1
    return _with_scores(evaluated, scores, change)


def boast(evaluated: EvaluatedProperty) -> EvaluatedProperty:
    """Claims the best score for samples that lack it, until 99 % of all that can be had is reached."""
    scores, best = evaluated.scores.scores.copy(), evaluated.program.output.high
    wanted = -(-len(scores) * best * BOASTED_PERCENT // 100)
    for sample in np.flatnonzero(scores < best):
        if int(scores.sum(dtype=np.int64)) >= wanted:
            break
        scores[sample] = best
    return _with_scores(evaluated, scores, _wrong_element)


def _with_scores(evaluated: EvaluatedProperty, scores: Elements, change: TraceChange) -> EvaluatedProperty:
    """Other scores, with changed traces where they are lies."""
    lies = {int(sample) for sample in np.flatnonzero(scores != evaluated.scores.scores)}

    def trace_of(asked: int) -> Trace:
        trace = evaluated.trace_of(asked)
        return change(evaluated, trace, int(scores[asked])) if asked in lies else trace

    return replace(evaluated, scores=ScoreTree(scores), trace_of=trace_of)


def _in_first_property(
    change: Callable[[EvaluatedProperty], EvaluatedProperty],
) -> Callable[[int, EvaluatedProperty], EvaluatedProperty]:
    def corrupt(index: int, evaluated: EvaluatedProperty) -> EvaluatedProperty:
        return evaluated if index else change(evaluated)

    return corrupt


def _score_only(_evaluated: EvaluatedProperty, trace: Trace, score: int) -> Trace:
    return trace.changed({len(trace.tensors) - 1: np.array(score, dtype=np.int32)})


def _wrong_root(evaluated: EvaluatedProperty, trace: Trace, score: int) -> Trace:
    """The tensor root of an early instruction is no tensor's at all."""
    honest = _score_only(evaluated, trace, score)
    leaves = [tensor.root for tensor in honest.tensors]
    leaves[_first_instruction(evaluated.program)] = keccak256(b"no tensor has this root")
    return Trace(honest.tensors, MerkleTree(leaves))


def _wrong_element(evaluated: EvaluatedProperty, trace: Trace, score: int) -> Trace:
    """One element of the largest tensor is off by one."""
    value = max(_instructions(evaluated.program), key=lambda each: evaluated.program.values[each].size)
    return _off_by_one(_score_only(evaluated, trace, score), value)


def _wrong_sum(evaluated: EvaluatedProperty, trace: Trace, score: int) -> Trace:
    """One element of the longest sum is off by one."""
    return _off_by_one(_score_only(evaluated, trace, score), longest_sum(evaluated.program))


def _off_by_one(trace: Trace, value: int) -> Trace:
    elements = trace.tensors[value].elements.copy()
    flat = elements.reshape(-1)
    place = len(flat) * 2 // 3
    flat[place] += -1 if flat[place] == np.iinfo(np.int32).max else 1
    return trace.changed({value: elements})


def _instructions(program: Program) -> list[int]:
    """The instructions before the score itself."""
    return [each for each, value in enumerate(program.values[:-1]) if value.opcode is not None]


def _first_instruction(program: Program) -> int:
    found = _instructions(program)
    if not found:
        raise UndrillableError("only one instruction")
    return found[0]


def longest_sum(program: Program) -> int:
    """The instruction before the score that has the most terms."""
    sums = [each for each in _instructions(program) if program.values[each].opcode in FOLDABLE]
    if not sums:
        raise UndrillableError("no sum")
    return max(sums, key=program.terms)


def _forge_sums(move: Move) -> Move | None:
    """Partial sums that make up the wrong element: the first one is off by what rounds to one."""
    if not isinstance(move, RevealSums):
        return move
    instruction, _ = decode_value(move.record.record)
    shift = instruction.attributes[1 if instruction.opcode is Opcode.REDUCE else 0]
    return replace(move, partials=(move.partials[0] + (1 << shift), *move.partials[1:]))


def _bad_children(move: Move) -> Move | None:
    """Score nodes that do not add up to the node above."""
    if not isinstance(move, RevealScores):
        return move
    first, *rest = move.nodes
    return replace(move, nodes=(replace(first, sum=first.sum + 1), *rest))


def _nothing(_move: Move) -> Move | None:
    return None


def _inflated(claim: Claim) -> Claim:
    """A larger sum over the same tree."""
    first = claim.scores[0]
    return replace(claim, scores=(replace(first, sum=first.sum + 1), *claim.scores[1:]))


def _behind_batch(ordered: OrderedJob) -> OrderedJob:
    """A place in the batch at which nothing was ordered."""
    return replace(ordered, index=ordered.index + 1_000)


def _shorten(evaluated: EvaluatedProperty) -> EvaluatedProperty:
    """A score list that leaves the last sample out."""
    return replace(evaluated, scores=ScoreTree(evaluated.scores.scores[:-1]))


def _other_shape(model: Model) -> Model:
    """The same numbers, with the first tensor stretched out flat."""
    first, *rest = model.parameters
    return Model((first.reshape(1, -1), *rest))


def _copied(docket: Docket, _commitment: bytes, claimant: str) -> bytes | None:
    """The first commitment that somebody else made; waits until there is one."""
    others = (each for who, each in docket.commitments if who != claimant)
    mine = {each for who, each in docket.commitments if who == claimant}
    return next((each for each in others if each not in mine), None)


_boasted = _in_first_property(boast)
_shorter_list = _in_first_property(_shorten)
_flip = _in_first_property(lambda each: lie_about_sample(each, _score_only))
_root = _in_first_property(lambda each: lie_about_sample(each, _wrong_root))
_element = _in_first_property(lambda each: lie_about_sample(each, _wrong_element))
_sum = _in_first_property(lambda each: lie_about_sample(each, _wrong_sum))

#: Every drill by its name.
DRILLS: Final[Mapping[str, Conduct]] = {
    each.name: each
    for each in (
        Conduct("inflated-total", claim=_inflated),
        Conduct("flipped-score", evaluated=_flip),
        Conduct("wrong-output-root", evaluated=_root),
        Conduct("wrong-element", evaluated=_element),
        Conduct(
            "wrong-partials",
            evaluated=_sum,
            move=_forge_sums,
        ),
        Conduct(
            "bad-children",
            evaluated=_flip,
            move=_bad_children,
            lists=False,
        ),
        Conduct("wrong-model-shape", substitute=_other_shape),
        Conduct("withheld-model", answers=False, publishes=False),
        Conduct("drip-fed-model", evaluated=_flip, publishes=False),
        Conduct("silent", evaluated=_flip, move=_nothing),
        Conduct("copied-commitment", commitment=_copied),
        Conduct(
            "unordered-job",
            place=_behind_batch,
            examines=False,
        ),
        Conduct("below-threshold", checks=False),
        Conduct(
            "boasted-accuracy",
            evaluated=_boasted,
            checks=False,
        ),
        Conduct("wrong-dataset-size", evaluated=_shorter_list),
    )
}
