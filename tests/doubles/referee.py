"""contracts/Game.sol in Python: the same checks without an EVM. Raises where that reverts."""

from dataclasses import fields, replace

import numpy as np

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import depth_of, revealed_level, root_from_proof
from anh_rollup.encoding.scores import SumNode, revealed_score_level
from anh_rollup.encoding.tensors import TensorTree, encode_shape
from anh_rollup.evaluation import reference
from anh_rollup.protocol.game import Clock, GameView, Phase, Position, Reveal, Side, turn
from anh_rollup.protocol.moves import Timeout, VoidGame
from anh_rollup.tensor.records import decode_value
from anh_rollup.tensor.shapes import block_count, term_count
from tests.doubles.proofs import opening_root, root_from_nodes, top_from_nodes, top_from_proof

ZERO = bytes(32)
ACCOUNTANT, CHALLENGER = "0x" + "aa" * 20, "0x" + "cc" * 20


class RevertError(Exception):
    pass


def require(condition, reason):
    if not condition:
        raise RevertError(reason)


class Referee:
    """One game. `truth`, the honest EvaluatedProperty, stands for the arbiter and for committed sources."""

    def __init__(self, truth, program_root, header, clock=1000):
        self.truth, self.root, self.header = truth, program_root, header
        self.position = None
        self.reveals = []
        self.clock = Clock(clock, clock, 0, Side.ACCOUNTANT)
        self.now = 0
        self.refuted = False
        self.moves = []

    def begin(self, sample=None, score=0, proof=()):
        empty = Position(
            ZERO, ACCOUNTANT, CHALLENGER, 0, Phase.SCORES, 0, self.header.sum, self.root, ZERO, 0,
            self.header.top, depth_of(self.header.count), 0, self.header.count, 0, ZERO, ZERO, 0, 0, ZERO,
        )  # fmt: skip
        self.position = empty
        if sample is not None:
            top = top_from_proof(SumNode(ZERO, score), sample, proof, empty.level)
            require((top.hash, top.sum) == (self.header.top, self.header.sum), "WrongProof")
            self.position = replace(
                empty, sample=sample, score=score, phase=Phase.TRACE, node=ZERO, level=0, index=sample
            )

    @property
    def view(self):
        return GameView(ZERO, self.position, self.clock, tuple(self.reveals), self.now, not self.refuted)

    def play(self, move, side):
        """Carries a move out."""
        require(turn(self.position.phase) is side or isinstance(move, Timeout | VoidGame), "NotYourTurn")
        self.moves.append(move.function)
        getattr(self, move.function)(*(getattr(move, each.name) for each in fields(move)))
        self.clock = replace(self.clock, turn=turn(self.position.phase))

    def timeout(self):
        require(self.clock.has_run_out(self.now), "ClockStillRuns")
        self.refuted = self.clock.turn is Side.ACCOUNTANT

    def _goto(self, reveal=None, **changes):
        self.position = replace(self.position, **changes)
        if reveal is not None:
            self.reveals.append(Reveal(self.position, **reveal))

    def _children(self):
        at = self.position
        scored = at.phase in (Phase.SCORES, Phase.CHOOSE_SCORE)
        lower = revealed_score_level(at.level) if scored else revealed_level(at.level)
        first = at.index << (at.level - lower)
        return lower, first, min(first + (1 << (at.level - lower)), -(-at.leaves >> lower))

    # --- scores

    def revealScores(self, nodes):  # noqa: N802
        lower, first, end = self._children()
        require(len(nodes) == end - first, "WrongCount")
        top = top_from_nodes(nodes, lower, self.position.level)
        require((top.hash, top.sum) == (self.position.node, self.position.score), "WrongProof")
        self._goto({"scores": tuple(nodes)}, phase=Phase.CHOOSE_SCORE)

    def chooseScore(self, index, child, proof):  # noqa: N802
        lower, first, end = self._children()
        require(first <= index < end, "OutOfRange")
        top = top_from_proof(child, index - first, proof, self.position.level - lower)
        require((top.hash, top.sum) == (self.position.node, self.position.score), "WrongProof")
        phase = Phase.SCORES if lower else Phase.TRACE
        self._goto(
            node=child.hash,
            score=child.sum,
            level=lower,
            index=index,
            phase=phase,
            sample=index * (not lower),
        )

    # --- trace

    def revealTrace(self, header, nodes, proof):  # noqa: N802
        require(header == self.truth.header, "WrongProgram")
        count, depth = header.value_count, depth_of(header.value_count)
        lower = revealed_level(depth)
        self._goto(level=depth, index=0, leaves=count)
        require(len(nodes) == -(-count >> lower), "WrongCount")
        leaf = TensorTree(np.array(self.position.score, dtype=np.int32)).root
        require(
            root_from_proof(leaf, (count - 1) & ((1 << lower) - 1), proof, lower) == nodes[-1], "WrongProof"
        )
        root = root_from_nodes(nodes, lower, depth)
        self._goto(
            {"nodes": tuple(nodes)}, node=root, trace_root=root, value_count=count,
            program=header.tree_root, phase=Phase.CHOOSE_VALUE,
        )  # fmt: skip

    def _choose(self, index, child, proof):
        lower, first, end = self._children()
        require(first <= index < end, "OutOfRange")
        root = root_from_proof(child, index - first, proof, self.position.level - lower)
        require(root == self.position.node, "WrongProof")
        self._goto(node=child, level=lower, index=index)

    def chooseNode(self, index, child, proof):  # noqa: N802
        chunks = self.position.phase is Phase.CHOOSE_CHUNK
        self._choose(index, child, proof)
        require(chunks or self.position.level, "OutOfRange")
        leaf = Phase.TENSOR_NODES if self.position.level else Phase.CHUNK
        self._goto(phase=leaf if chunks else Phase.TRACE_NODES)

    def revealNodes(self, nodes):  # noqa: N802
        lower, first, end = self._children()
        require(len(nodes) == end - first, "WrongCount")
        require(root_from_nodes(nodes, lower, self.position.level) == self.position.node, "WrongProof")
        chunks = self.position.phase is Phase.TENSOR_NODES
        self._goto({"nodes": tuple(nodes)}, phase=Phase.CHOOSE_CHUNK if chunks else Phase.CHOOSE_VALUE)

    def chooseValue(self, index, tensor, proof, record):  # noqa: N802
        self._choose(index, tensor, proof)
        value = self._record(index, record)
        require(value.opcode is not None, "WrongKind")
        self._goto(
            value=index, tensor=tensor, shape=keccak256(encode_shape(value.shape)), elements=value.size,
            phase=Phase.TENSOR,
        )  # fmt: skip

    def _record(self, index, record):
        depth = depth_of(self.position.value_count)
        root = root_from_proof(keccak256(record.record), index, record.proof, depth)
        require(root == self.position.program, "WrongProof")
        return decode_value(record.record)[0]

    # --- tensor

    def revealTensor(self, shape, nodes):  # noqa: N802
        chunks = -(-self.position.elements // 32)
        require(chunks > 8 and keccak256(shape) == self.position.shape, "WrongShape")
        depth = depth_of(chunks)
        lower = revealed_level(depth)
        require(len(nodes) == -(-chunks >> lower), "WrongCount")
        root = root_from_nodes(nodes, lower, depth)
        require(keccak256(b"\x01" + shape + root) == self.position.tensor, "WrongProof")
        self._goto(
            {"nodes": tuple(nodes)}, node=root, level=depth, index=0, leaves=chunks, phase=Phase.CHOOSE_CHUNK
        )

    def revealElements(self, shape, elements):  # noqa: N802
        require(keccak256(shape) == self.position.shape, "WrongShape")
        require(len(elements) == 4 * self.position.elements <= 1024, "WrongCount")
        tree = TensorTree(np.frombuffer(elements, ">i4").astype(np.int32))
        require(keccak256(b"\x01" + shape + tree.tree_root) == self.position.tensor, "WrongProof")
        self._goto(
            {"elements": elements}, node=tree.tree_root, level=tree.tree.depth, index=0,
            leaves=tree.chunk_count, phase=Phase.PROVE,
        )  # fmt: skip

    def revealChunk(self, chunk):  # noqa: N802
        require(len(chunk) == 128 and keccak256(chunk) == self.position.node, "WrongProof")
        rest = max(0, min(32, self.position.elements - 32 * self.position.index))
        require(not any(chunk[4 * rest :]), "DirtyPadding")
        self._goto({"elements": chunk}, phase=Phase.PROVE)

    # --- end

    def _traced(self, index, tensor, proof):
        root = root_from_proof(tensor, index, proof, depth_of(self.position.value_count))
        require(root == self.position.trace_root, "WrongProof")

    def _output(self, output, value):
        require(output.opening.chunks == (output.element // 32,), "WrongCount")
        self._traced(output.value, opening_root(value.shape, output.opening), output.proof)
        return int(output.opening.elements()[0, output.element % 32])

    def _inputs(self, value, shapes, inputs, needed):
        """The opened tensors with everything else poisoned, so that only what is opened can be read."""
        tensors = {}
        for source, shape, opening, proof, indices in zip(
            value.inputs, shapes, inputs.openings, inputs.proofs, needed, strict=True
        ):
            chunks = tuple(np.unique(np.asarray(indices, dtype=np.int64) // 32).tolist())
            require(opening.chunks == chunks, "WrongCount")
            if not chunks:
                require(not proof and not opening.data, "WrongProof")
                continue
            self._traced(source, opening_root(shape, opening), proof)
            size = int(np.prod(shape, dtype=np.int64))
            padded = np.full(-(-size // 32) * 32, 2**31 - 1, dtype=np.int32).reshape(-1, 32)
            padded[list(chunks)] = opening.elements()
            tensors[source] = padded.reshape(-1)[:size].reshape(shape)
        return tensors

    def prove(self, output, record, inputs):
        value = self._record(output.value, record)
        claimed = self._output(output, value)
        honest = self.truth.trace_of(self.position.sample)
        program, elements = self.truth.program, honest.elements
        needed = reference.element_dependencies(program, output.value, output.element, trace=elements)
        self._require_agreed(value, program, inputs, needed, elements)
        require(int(elements[output.value].reshape(-1)[output.element]) != claimed, "NothingWrong")
        self.refuted = True

    def _require_agreed(self, value, program, inputs, needed, elements):
        opened = self._inputs(value, [program.values[each].shape for each in value.inputs], inputs, needed)
        for source, indices in zip(value.inputs, needed, strict=True):
            if len(indices):
                seen, truth = opened[source].reshape(-1)[indices], elements[source].reshape(-1)[indices]
                require(np.array_equal(seen, truth), "inputs are not the agreed ones")

    def askSums(self, output, record):  # noqa: N802
        value = self._record(output.value, record)
        score = self._output(output, value)
        self._goto(score=score, value=output.value, element=output.element, phase=Phase.SUMS)

    def revealSums(self, record, partials, inputs):  # noqa: N802
        program, at = self.truth.program, self.position
        value = self._record(at.value, record)
        shapes = [program.values[each].shape for each in value.inputs]
        terms = term_count(value.opcode, shapes, value.attributes)
        require(len(partials) == block_count(terms), "WrongCount")
        needed = reference.finish_dependencies(program, at.value, at.element)
        opened = self._inputs(value, shapes, inputs, needed)
        trace = [opened.get(each) for each in range(at.value)]
        finished = reference.finish(program, trace, at.value, at.element, partials)
        require(finished == at.score, "SumsDisagree")
        self._goto({"sums": tuple(partials)}, phase=Phase.CHOOSE_BLOCK, partials=keccak256(b"sums"))

    def proveBlock(self, record, partials, block, inputs):  # noqa: N802
        program, at = self.truth.program, self.position
        value = self._record(at.value, record)
        elements = self.truth.trace_of(at.sample).elements
        require(tuple(partials) == self.reveals[-1].sums, "WrongProof")
        needed = reference.element_dependencies(program, at.value, at.element, block, trace=elements)
        self._require_agreed(value, program, inputs, needed, elements)
        ours = reference.partials(program, elements, at.value, at.element)
        require(int(ours[block]) != partials[block], "NothingWrong")
        self.refuted = True

    def proveSource(self, claim, job, value, tensor, proof, record, path):  # noqa: N802
        require(self._record(value, record).opcode is None, "WrongKind")
        self._traced(value, tensor, proof)
        require(tensor != self.truth.trace_of(self.position.sample).tensors[value].root, "NothingWrong")
        self.refuted = True


__all__ = ["ACCOUNTANT", "CHALLENGER", "Referee", "RevertError"]
