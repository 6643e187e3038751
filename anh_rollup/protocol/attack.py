"""How a challenger wins: down to the first value, chunk, element and block in which the accountant is wrong.

A challenger that evaluated the property itself finds a difference at every step of a game over a false claim.
Where it finds none, the claim is true as far as this game goes, and it makes no move: that costs it the bond.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from anh_rollup.encoding.merkle import MerkleTree, revealed_level
from anh_rollup.encoding.scores import SumNode, revealed_score_level, sum_node, zero_node
from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, Opening, TensorTree
from anh_rollup.primitives import Digest
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.defence import SMALL_CHUNKS
from anh_rollup.protocol.evaluated import EvaluatedProperty, Trace
from anh_rollup.protocol.evidence import open_inputs, open_shown
from anh_rollup.protocol.game import GameView, Output, Phase, Position, Reveal, Side
from anh_rollup.protocol.jobs import Job
from anh_rollup.protocol.moves import (
    AskSums,
    ChooseNode,
    ChooseScore,
    ChooseValue,
    Move,
    Prove,
    ProveBlock,
    ProveSource,
    Timeout,
    VoidGame,
)
from anh_rollup.protocol.overlay import OverlayTree, first_difference, proof_between
from anh_rollup.tensor.program import Kind, Tensor
from anh_rollup.tensor.shapes import LEAST_BLOCK


def decide_challenger(
    view: GameView, evaluated: EvaluatedProperty | None, claim: Claim, job: Job
) -> Move | None:
    """The challenger's next call in its own game, or None where there is nothing to do.

    Args:
        view: The game.
        evaluated: The disputed property as the challenger evaluated it; None while it has not yet.
        claim: The disputed claim.
        job: Its job.
    """
    if not view.stands:
        return VoidGame()
    if view.clock.turn is Side.ACCOUNTANT:
        return Timeout() if view.clock.has_run_out(view.now) else None
    if view.clock.has_run_out(view.now) or evaluated is None:
        return None
    return _Attack(view, evaluated, claim, job).move()


@dataclass(frozen=True, slots=True)
class _Attack:
    """One decision on the challenger's turn."""

    view: GameView
    evaluated: EvaluatedProperty
    claim: Claim
    job: Job

    def move(self) -> Move | None:
        """The move of the phase; None where the accountant is right."""
        choices: dict[Phase, Callable[[], Move | None]] = {
            Phase.CHOOSE_SCORE: self._choose_score,
            Phase.CHOOSE_VALUE: self._choose_value,
            Phase.CHOOSE_CHUNK: self._choose_chunk,
            Phase.PROVE: self._prove_shown,
            Phase.CHOOSE_BLOCK: self._prove_block,
        }
        return choices[self.position.phase]()

    @property
    def position(self) -> Position:
        """Where the game stands."""
        return self.view.position

    @property
    def trace(self) -> Trace:
        """The sample's values as they should be."""
        return self.evaluated.trace_of(self.position.sample)

    def trace_tree(self) -> OverlayTree:
        """The accountant's trace tree, as far as it was revealed."""
        return overlay(self.trace.tree, self.view.reveals, Phase.CHOOSE_VALUE)

    def _choose_score(self) -> Move | None:
        shown = self.view.reveals[-1].scores
        lower = revealed_score_level(self.position.level)
        start = self.position.index << (self.position.level - lower)
        ours = self.evaluated.scores.children(self.position.level, self.position.index, lower)
        for offset, (theirs, node) in enumerate(zip(shown, ours, strict=True)):
            if theirs != node:
                proof = score_siblings(shown, offset, lower, self.position.level)
                return ChooseScore(start + offset, theirs, proof)
        return None

    def _choose_value(self) -> Move | None:
        tree = self.trace_tree()
        lower = revealed_level(self.position.level)
        index = _first_difference(self.position, self.view.reveals[-1], self.trace.tree)
        if index is None:
            return None
        proof = proof_between(tree, lower, index, self.position.level)
        if lower > 0:
            return ChooseNode(index, tree.node(lower, index), proof)
        if self.evaluated.program.values[index].kind is not Kind.INSTRUCTION:
            return self._prove_source(tree, index)
        if index == self.trace.tree.count - 1:
            return self._prove_score(tree)
        return ChooseValue(index, tree.node(0, index), proof, self.evaluated.record(index))

    def _prove_source(self, tree: OverlayTree, value: int) -> Move:
        path = self.evaluated.path_of(value, self.position.sample)
        proof = proof_between(tree, 0, value, tree.depth)
        tensor, record = tree.node(0, value), self.evaluated.record(value)
        return ProveSource(self.claim, self.job, value, tensor, proof, record, path)

    def _prove_score(self, tree: OverlayTree) -> Move:
        """All inputs of the score are right: the claimed score itself is the wrong element."""
        score = TensorTree(np.array(self.position.score, dtype=np.int32))
        return self._contradict(tree.count - 1, 0, score.opening([0]), tree)

    def _choose_chunk(self) -> Move | None:
        ours = self.trace.tensors[self.position.value].tree
        index = _first_difference(self.position, self.view.reveals[-1], ours)
        if index is None:
            return None
        tree = overlay(ours, self.view.reveals, Phase.CHOOSE_CHUNK)
        lower = revealed_level(self.position.level)
        proof = proof_between(tree, lower, index, self.position.level)
        return ChooseNode(index, tree.node(lower, index), proof)

    def _prove_shown(self) -> Move | None:
        value, shown = self.position.value, self.view.reveals[-1].elements
        ours = self.trace.tensors[value]
        first = 0 if _is_whole(shown, ours) else self.position.index * CHUNK_ELEMENTS
        theirs = np.frombuffer(shown, ">i4").astype(np.int32)[: ours.elements.size - first]
        wrong = np.flatnonzero(theirs != ours.elements.reshape(-1)[first : first + len(theirs)])
        if len(wrong) == 0:
            return None
        element = first + int(wrong[0])
        return self._contradict(value, element, self._open_shown(theirs, ours, element), self.trace_tree())

    def _open_shown(self, theirs: Tensor, ours: TensorTree, element: int) -> Opening:
        """The accountant's chunk that holds an element of the chosen value."""
        if len(theirs) == ours.elements.size:
            return TensorTree(theirs.reshape(ours.shape)).opening([element // CHUNK_ELEMENTS])
        tree = overlay(ours.tree, self.view.reveals, Phase.CHOOSE_CHUNK)
        return open_shown(self.view.reveals[-1].elements, self.position.index, tree)

    def _contradict(self, value: int, element: int, opening: Opening, tree: OverlayTree) -> Move:
        """Proves an element wrong at once, or asks for its partial sums where it has too many terms."""
        program = self.evaluated.program
        output = Output(value, element, opening, proof_between(tree, 0, value, tree.depth))
        record = self.evaluated.record(value)
        if program.terms(value) > LEAST_BLOCK:
            return AskSums(output, record)
        trace = self.trace
        needed = self.evaluated.rules.element_dependencies(program, value, element, trace=trace.elements)
        inputs = open_inputs(trace, tree, program.values[value].inputs, needed)
        return Prove(output, record, inputs)

    def _prove_block(self) -> Move | None:
        program, rules, trace = self.evaluated.program, self.evaluated.rules, self.trace
        value, element, shown = self.position.value, self.position.element, self.view.reveals[-1].sums
        ours = rules.partials(program, trace.elements, value, element)
        wrong = [block for block, partial in enumerate(shown) if partial != int(ours[block])]
        if not wrong:
            return None
        needed = rules.element_dependencies(program, value, element, wrong[0], trace=trace.elements)
        inputs = open_inputs(trace, self.trace_tree(), program.values[value].inputs, needed)
        return ProveBlock(self.evaluated.record(value), shown, wrong[0], inputs)


def overlay(ours: MerkleTree, reveals: Sequence[Reveal], phase: Phase) -> OverlayTree:
    """The accountant's tree: ours, and what the reveals that led to a phase showed of it."""
    known: dict[tuple[int, int], Digest] = {}
    for reveal in reveals:
        if reveal.position.phase is phase:
            lower = revealed_level(reveal.position.level)
            start = reveal.position.index << (reveal.position.level - lower)
            known.update({(lower, start + offset): Digest(node) for offset, node in enumerate(reveal.nodes)})
    return OverlayTree(ours, known)


def score_siblings(nodes: Sequence[SumNode], offset: int, lower: int, level: int) -> tuple[SumNode, ...]:
    """Siblings of one of the revealed score nodes up to the node at `level`."""
    row, siblings = list(nodes), []
    for at in range(lower, level):
        row += [zero_node(at)] * (len(row) % 2)
        siblings.append(row[offset ^ 1])
        row = [sum_node(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        offset >>= 1
    return tuple(siblings)


def _first_difference(position: Position, reveal: Reveal, ours: MerkleTree) -> int | None:
    lower = revealed_level(position.level)
    start = position.index << (position.level - lower)
    return first_difference(ours, lower, start, reveal.nodes)


def _is_whole(shown: bytes, tensor: TensorTree) -> bool:
    return tensor.chunk_count <= SMALL_CHUNKS and len(shown) == 4 * tensor.elements.size
