"""A challenger without a case: it disputes a true claim, plays on as far as L1 lets it, and loses its bond.

    python -m scripts.baseless_challenge --l1 http://127.0.0.1:8545 --deployment deployment.json \
        --key-file hostile.key --against 0xACCOUNTANT --store ./hostile --allow-folder ./user

The demo runs it as a process of its own. It exists to show that an honest accountant has nothing to fear.
"""

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from anh_rollup.cli.options import parse_address, read_account
from anh_rollup.encoding.merkle import revealed_level
from anh_rollup.errors import AnhError
from anh_rollup.evaluation import reference
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.contracts.game import Outcome
from anh_rollup.l1.deployment import load_deployment
from anh_rollup.l1.disputes import DisputeChain, Freshness
from anh_rollup.l1.docket import ClaimRecord, GameRecord
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.evaluated import EvaluatedProperty, Trace
from anh_rollup.protocol.evidence import open_inputs
from anh_rollup.protocol.game import GameView, Move, Output, Phase, Side, game_id
from anh_rollup.protocol.overlay import proof_between
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.remote import RemotePolicy
from anh_rollup.tensor.opcodes import FOLDABLE

#: Seconds between two rounds.
ROUND_SECONDS = 0.5

#: What makes its game differ from others over the claim.
SALT = b"no case, but a game".ljust(32, b"\0")


@dataclass
class BaselessChallenger:
    """Disputes the first standing claim of one accountant.

    Attributes:
        chain: The disputes, and the account that is about to lose a bond.
        store: Where artifacts are read.
        against: Whose claim.
    """

    chain: DisputeChain
    store: ArtifactStore
    against: str
    _evaluated: EvaluatedProperty | None = field(default=None)
    _game: bytes = b""
    _refused: bool = False

    def play(self) -> Outcome | None:
        """One round; how the game ended, once it has.

        Raises:
            AnhError: L1 or an artifact cannot be read.
        """
        head = self.chain.refresh()
        if self._game not in self.chain.docket.games:
            self._open()
            return None
        record = self.chain.docket.games[self._game]
        if record.outcome is None:
            self._continue(record, head.time)
        return record.outcome

    def _open(self) -> None:
        standing = (
            each
            for each in self.chain.docket.claims.values()
            if each.claim.claimant == self.against and each.state is ClaimState.STANDING
        )
        record = next(standing, None)
        if record is None:
            return
        scores = self._evaluate(record).scores
        sample = scores.count // 2
        opened = (sample, int(scores.scores[sample]), tuple(scores.proof(sample)))
        game = self.chain.contracts.game
        bond = self.chain.rules.challenge_bond
        self._game = game_id(record.identifier, self.chain.address, SALT)
        self.chain.send("open", game.request("open", record.claim, record.job, 0, SALT, *opened, value=bond))
        print(f"disputes sample {sample}, whose score of {opened[1]} is right")

    def _evaluate(self, record: ClaimRecord) -> EvaluatedProperty:
        if self._evaluated is None:
            claim, job = record.claim, record.job
            wanted = job.properties[0]
            held = Artifacts(
                self.store.get_program(wanted.program, job.uri),
                self.store.get_dataset(wanted.dataset, job.uri),
                None,
                self.store.get_model(claim.result, claim.uri),
            )
            self._evaluated = evaluate_property(held, reference.ReferenceEvaluator())
        return self._evaluated

    def _continue(self, record: GameRecord, now: int) -> None:
        view = self.chain.view(record, now)
        if view.clock.turn is not Side.CHALLENGER or self._refused:
            return
        move = self._choose(view)
        try:
            self.chain.play(view, move)
        except L1RevertedError as error:
            self._refused = True
            print(f"L1 refuses {move.function}: {error.reason}; nothing is left but to lose on the clock")

    def _choose(self, view: GameView) -> Move:
        """Down to an element of the longest sum, then a "proof" that it is wrong."""
        at, evaluated = view.position, self._evaluated
        if evaluated is None:
            raise GameLostTrackError
        trace = evaluated.trace_of(at.sample)
        values = evaluated.program.values
        value = next(each for each, item in enumerate(values) if item.opcode in FOLDABLE)
        lower = revealed_level(at.level)
        if at.phase is Phase.CHOOSE_VALUE and lower == 0:
            proof = proof_between(trace.tree, 0, value, at.level)
            chosen = (value, trace.tensors[value].root, proof, evaluated.record(value))
            return Move("chooseValue", chosen)
        if at.phase in (Phase.CHOOSE_VALUE, Phase.CHOOSE_CHUNK):
            tree = trace.tree if at.phase is Phase.CHOOSE_VALUE else trace.tensors[at.value].tree
            index = value >> lower if at.phase is Phase.CHOOSE_VALUE else at.index << (at.level - lower)
            chosen_node = (index, tree.node(lower, index), proof_between(tree, lower, index, at.level))
            return Move("chooseNode", chosen_node)
        return self._accuse(trace, at.value or value, evaluated)

    def _accuse(self, trace: Trace, value: int, evaluated: EvaluatedProperty) -> Move:
        """Shows L1 a right element as if it were wrong."""
        program = evaluated.program
        proof = proof_between(trace.tree, 0, value, trace.tree.depth)
        output = Output(value, 0, trace.tensors[value].opening([0]), proof)
        needed = reference.element_dependencies(program, value, 0, trace=trace.elements)
        inputs = open_inputs(trace, trace.tree, program.values[value].inputs, needed)
        return Move("prove", (output, evaluated.record(value), inputs), sealed=True)


class GameLostTrackError(AnhError):
    """A game of ours stands on L1 that this process did not open."""

    def __init__(self) -> None:
        super().__init__("the game was opened by another process", remedy="Start with a fresh account.")


def main() -> int:
    """Plays until the game is over; returns the exit code."""
    parser = argparse.ArgumentParser(description="Dispute a true claim and lose.")
    parser.add_argument("--l1", required=True, help="URL of the L1 node's JSON-RPC")
    parser.add_argument("--deployment", type=Path, required=True, help="the deployment file")
    parser.add_argument("--key-file", type=Path, required=True, help="file with a private key")
    parser.add_argument("--against", required=True, help="the accountant's address")
    parser.add_argument("--store", type=Path, required=True, help="folder for fetched artifacts")
    parser.add_argument("--allow-folder", type=Path, required=True, help="read file:// URIs below it")
    arguments = parser.parse_args()
    try:
        client = L1Client.connect(arguments.l1)
        deployment = load_deployment(arguments.deployment, client)
        sender = TransactionSender(client, read_account(arguments.key_file))
        policy = RemotePolicy(file_roots=(arguments.allow_folder,), private_hosts=True)
        arguments.store.mkdir(parents=True, exist_ok=True)
        chain = DisputeChain(deployment, sender, Freshness(None, time.time))
        hostile = BaselessChallenger(
            chain, ArtifactStore(arguments.store, policy), parse_address(arguments.against)
        )
        while (outcome := hostile.play()) is None:
            time.sleep(ROUND_SECONDS)
    except AnhError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    print(f"the game is over: {outcome.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
