"""How an accountant answers: in every position of a game over a true claim it has exactly one honest move."""

from collections.abc import Callable, Mapping
from typing import Final

from anh_rollup.encoding.merkle import MerkleTree, revealed_level
from anh_rollup.encoding.scores import revealed_score_level
from anh_rollup.encoding.tensors import encode_shape
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.evidence import open_inputs
from anh_rollup.protocol.game import GameView, Phase, Position, Side
from anh_rollup.protocol.moves import (
    Move,
    RevealChunk,
    RevealElements,
    RevealNodes,
    RevealScores,
    RevealSums,
    RevealTensor,
    RevealTrace,
    Timeout,
    VoidGame,
)
from anh_rollup.protocol.overlay import proof_between

#: A tensor of at most this many chunks is revealed by its elements (IGame.revealElements).
SMALL_CHUNKS: Final = 8


def decide_accountant(view: GameView, evaluated: EvaluatedProperty) -> Move | None:
    """The accountant's next call in a game, or None where there is nothing to do.

    Args:
        view: The game.
        evaluated: The disputed property as the accountant evaluated it.
    """
    if not view.stands:
        return VoidGame()
    if view.clock.turn is Side.CHALLENGER:
        return Timeout() if view.clock.has_run_out(view.now) else None
    answer = _ANSWERS.get(view.position.phase)
    if answer is None or view.clock.has_run_out(view.now):
        return None
    return answer(view.position, evaluated)


def _scores(position: Position, evaluated: EvaluatedProperty) -> Move:
    lower = revealed_score_level(position.level)
    return RevealScores(tuple(evaluated.scores.children(position.level, position.index, lower)))


def _trace(position: Position, evaluated: EvaluatedProperty) -> Move:
    tree = evaluated.trace_of(position.sample).tree
    lower = revealed_level(tree.depth)
    proof = proof_between(tree, 0, tree.count - 1, lower)
    return RevealTrace(evaluated.header, tuple(tree.nodes(lower)), proof)


def _trace_nodes(position: Position, evaluated: EvaluatedProperty) -> Move:
    return _nodes(position, evaluated.trace_of(position.sample).tree)


def _tensor_nodes(position: Position, evaluated: EvaluatedProperty) -> Move:
    return _nodes(position, evaluated.trace_of(position.sample).tensors[position.value].tree)


def _nodes(position: Position, tree: MerkleTree) -> Move:
    lower = revealed_level(position.level)
    return RevealNodes(tuple(tree.children(position.level, position.index, lower)))


def _tensor(position: Position, evaluated: EvaluatedProperty) -> Move:
    tensor = evaluated.trace_of(position.sample).tensors[position.value]
    shape = encode_shape(tensor.shape)
    if tensor.chunk_count <= SMALL_CHUNKS:
        return RevealElements(shape, tensor.elements.astype(">i4").tobytes())
    return RevealTensor(shape, tuple(tensor.tree.nodes(revealed_level(tensor.tree.depth))))


def _chunk(position: Position, evaluated: EvaluatedProperty) -> Move:
    tensor = evaluated.trace_of(position.sample).tensors[position.value]
    return RevealChunk(tensor.chunk(position.index))


def _sums(position: Position, evaluated: EvaluatedProperty) -> Move:
    trace = evaluated.trace_of(position.sample)
    program, value, element = evaluated.program, position.value, position.element
    partials = evaluated.rules.partials(program, trace.elements, value, element)
    needed = evaluated.rules.finish_dependencies(program, value, element)
    inputs = open_inputs(trace, trace.tree, program.values[value].inputs, needed)
    return RevealSums(evaluated.record(value), tuple(int(each) for each in partials), inputs)


_ANSWERS: Final[Mapping[Phase, Callable[[Position, EvaluatedProperty], Move]]] = {
    Phase.SCORES: _scores,
    Phase.TRACE: _trace,
    Phase.TRACE_NODES: _trace_nodes,
    Phase.TENSOR: _tensor,
    Phase.TENSOR_NODES: _tensor_nodes,
    Phase.CHUNK: _chunk,
    Phase.SUMS: _sums,
}
