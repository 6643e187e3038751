"""Challengers without a case: every kind of move against a true claim, in time or at the last moment."""

import random
from dataclasses import dataclass, field

from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree, revealed_level
from anh_rollup.encoding.scores import revealed_score_level
from anh_rollup.errors import AnhError
from anh_rollup.evaluation import reference
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.l1.contracts.claims import ClaimState, Demand
from anh_rollup.l1.disputes import DisputeChain
from anh_rollup.protocol.attack import score_siblings
from anh_rollup.protocol.checks import Subject, _opened
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.evidence import open_inputs
from anh_rollup.protocol.game import Output, Phase, Side, TensorPath, game_id
from anh_rollup.protocol.moves import (
    AskSums,
    ChooseNode,
    ChooseScore,
    ChooseValue,
    Prove,
    ProveBlock,
    ProveSource,
    Timeout,
)
from anh_rollup.protocol.orders import OrderedBatch
from anh_rollup.protocol.overlay import proof_between
from anh_rollup.protocol.refutations import (
    RefuteCount,
    RefuteIndex,
    RefutePlace,
    RefuteRange,
    RefuteRecord,
    RefuteResult,
    RefuteShape,
    RefuteThreshold,
)
from anh_rollup.tensor.opcodes import FOLDABLE
from anh_rollup.tensor.program import Kind
from tests.scenarios.world import ETHER

#: A late challenger moves when so few seconds of its clock are left.
LATE = 60

#: What each plan tries before it stalls: how far down its game goes, or what else it does.
PLANS = (
    "stall", "scores", "value", "tensor", "prove", "sums", "block", "source", "demand", "hurry", "arbiter",
)  # fmt: skip


@dataclass
class Hostile:
    """One baseless challenge."""

    chain: DisputeChain
    held: Artifacts
    evaluated: EvaluatedProperty
    batch: OrderedBatch
    plan: str
    late: bool
    chance: random.Random = field(default_factory=random.Random)
    game: bytes | None = None
    refused: set[tuple[str, str]] = field(default_factory=set)
    left: list[int] = field(default_factory=list)
    done: bool = False

    def play(self):
        head = self.chain.refresh()
        for record in list(self.chain.docket.claims.values()):
            if record.state is ClaimState.STANDING and self.game is None and not self.done:
                self.open(record)
        for game in self.chain.docket.open_games():
            if game.identifier == self.game and self.plan == "hurry":
                self.move(self.chain.view(game, head.time))
            elif game.identifier == self.game:
                view = self.chain.view(game, head.time)
                in_time = view.clock.turn is Side.CHALLENGER and not view.clock.has_run_out(view.now)
                if in_time and (not self.late or view.clock.end - view.now <= LATE):
                    self.move(view)

    def open(self, record):
        if self.plan == "arbiter":
            self.accuse(record)
            return
        claim, contract, bond = record.claim, self.chain.contracts.game, self.chain.rules.challenge_bond
        salt = self.chance.randbytes(32)
        head = (claim, record.job, 0, salt)
        if self.plan == "demand":
            leaf, field, first = (
                self.chance.randrange(6),
                self.chance.randrange(2),
                self.chance.choice([0, 5, 900]),
            )
            asked = Demand(record.identifier, leaf, field, first, 32)
            self.chain.send("demand", self.chain.contracts.claims.demand(asked, self.chain.rules.demand_fee))
            self.done = True
            return
        if self.plan == "scores":
            self.chain.send("openScores", contract.request("openScores", *head, value=bond))
        else:
            scores = self.evaluated.scores
            sample = self.chance.randrange(scores.count)
            opened = (sample, int(scores.scores[sample]), tuple(scores.proof(sample)))
            self.chain.send("open", contract.request("open", *head, *opened, value=bond))
        self.game = game_id(record.identifier, self.chain.address, salt)

    def accuse(self, record):
        """Announces every refutation of one call in one round, and makes it in another."""
        arbiter = self.chain.contracts.claim_arbiter
        tried = {function for function, _ in self.refused}
        calls = [each for each in self.accusations(record) if each.function not in tried]
        self.done = not calls
        for call in calls:
            try:
                self.chain.send_sealed(call.function, arbiter.request_for(call))
            except AnhError as error:
                self.refused.add((call.function, getattr(error, "reason", error.message)))

    def accusations(self, record):
        """Every call of the ClaimArbiter, each with true evidence."""
        claim, job, head = record.claim, record.job, (record.claim, record.job, 0)
        held, batch = self.held, self.batch
        leaves = [keccak256(each) for each in batch.records]
        subject = Subject(*head, held.program, held.dataset, held.model, None)
        kinds = [value.kind for value in held.program.values]
        field, parameter = kinds.index(Kind.FIELD), kinds.index(Kind.PARAMETER)
        model = TensorPath(held.model.tree.count, held.model.tree.root, (), ())
        weights, _, shape = _opened(subject, parameter, 0)
        rows, tensor, path = _opened(subject, field, 3)
        return [
            RefuteIndex(claim, batch.header, batch.header),
            RefutePlace(claim, batch.header, leaves[0], tuple(MerkleTree(leaves).proof(0))),
            RefuteRecord(claim, batch.records[0]),
            RefuteThreshold(claim, job, 0),
            RefuteCount(*head, held.dataset.count, held.dataset.tree.root),
            RefuteResult(*head, held.program.header, 0, model),
            RefuteShape(*head, weights, 0, shape),
            RefuteRange(*head, rows, 3, path, 17, tensor.opening([0])),
        ]

    def move(self, view):
        move = self.choose(view)
        if move is None or move.function in {function for function, _ in self.refused}:
            return
        self.left.append(view.clock.end - view.now)
        try:
            self.chain.play(view, move)
        except AnhError as error:
            self.refused.add((move.function, getattr(error, "reason", error.message)))

    def choose(self, view):
        at, trace = view.position, None
        if self.plan == "stall":
            return None
        if self.plan == "hurry":
            return Timeout()
        if at.phase is Phase.CHOOSE_SCORE:
            lower = revealed_score_level(at.level)
            nodes = view.reveals[-1].scores
            offset = self.chance.randrange(len(nodes))
            start = at.index << (at.level - lower)
            proof = score_siblings(nodes, offset, lower, at.level)
            return ChooseScore(start + offset, nodes[offset], proof)
        trace = self.evaluated.trace_of(at.sample)
        if at.phase is Phase.CHOOSE_VALUE:
            return self.at_value(at, trace)
        if at.phase is Phase.CHOOSE_CHUNK and self.plan != "value":
            return self.into(at, trace.tensors[at.value].tree)
        if at.phase is Phase.PROVE and self.plan in ("prove", "block"):
            return self.prove(trace, at.value)
        if at.phase is Phase.CHOOSE_BLOCK and self.plan == "block":
            return self.prove_block(view, trace)
        return None

    def at_value(self, at, trace):
        program = self.evaluated.program
        sums = [each for each, value in enumerate(program.values) if value.opcode in FOLDABLE]
        if self.plan in ("sums", "block"):
            value = self.chance.choice(sums)
            return AskSums(self.output(trace, value), self.evaluated.record(value))
        steps = [each for each, value in enumerate(program.values) if value.opcode is not None]
        if self.plan == "source":
            return self.prove_source(at, trace)
        value = self.chance.choice(steps)
        proof = proof_between(trace.tree, 0, value, at.level)
        return ChooseValue(value, trace.tensors[value].root, proof, self.evaluated.record(value))

    def into(self, at, tree):
        lower = revealed_level(at.level)
        start = at.index << (at.level - lower)
        index = start + self.chance.randrange(len(tree.children(at.level, at.index, lower)))
        return ChooseNode(index, tree.node(lower, index), proof_between(tree, lower, index, at.level))

    def output(self, trace, value):
        element = self.chance.randrange(trace.tensors[value].elements.size)
        proof = proof_between(trace.tree, 0, value, trace.tree.depth)
        return Output(value, element, trace.tensors[value].opening([element // 32]), proof)

    def prove(self, trace, value):
        program, output = self.evaluated.program, self.output(trace, value)
        needed = reference.element_dependencies(program, value, output.element, trace=trace.elements)
        inputs = open_inputs(trace, trace.tree, program.values[value].inputs, needed)
        return Prove(output, self.evaluated.record(value), inputs)

    def prove_source(self, at, trace):
        program, record = self.evaluated.program, self.chain.docket.claims[at.claim]
        sources = [each for each, value in enumerate(program.values) if value.opcode is None]
        value = self.chance.choice(sources)
        proof = proof_between(trace.tree, 0, value, trace.tree.depth)
        shown = (value, trace.tensors[value].root, proof, self.evaluated.record(value))
        path = self.evaluated.path_of(value, at.sample)
        return ProveSource(record.claim, record.job, *shown, path)

    def prove_block(self, view, trace):
        at, program, sums = view.position, self.evaluated.program, view.reveals[-1].sums
        needed = reference.element_dependencies(program, at.value, at.element, 0, trace=trace.elements)
        inputs = open_inputs(trace, trace.tree, program.values[at.value].inputs, needed)
        return ProveBlock(self.evaluated.record(at.value), sums, 0, inputs)


def make_hostiles(world, count):
    """`count` hostile challengers: each plan in turn, the first time at once, the second time late."""
    program, dataset = (
        world.user_store.get_program(world.roots[0]),
        world.user_store.get_dataset(world.roots[1]),
    )
    held = Artifacts(program, dataset, None, Model(world.parameters))
    evaluated = evaluate_property(held, reference.ReferenceEvaluator())
    return [
        Hostile(
            world.disputes(world.chain.account(f"hostile {number}", 10)), held, evaluated, world.order.posted,
            PLANS[number % len(PLANS)], late=number >= len(PLANS), chance=random.Random(number),
        )
        for number in range(count)
    ]  # fmt: skip


__all__ = ["ETHER", "Hostile", "make_hostiles"]
