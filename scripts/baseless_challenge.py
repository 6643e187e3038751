"""A challenger without a case: it disputes a true claim, plays on as far as L1 lets it, and loses its bond.

    python -m scripts.baseless_challenge --l1 http://127.0.0.1:8545 --deployment deployment.json \
        --key-file hostile.key --against 0xACCOUNTANT --store ./hostile --allow-folder ./user

The demo runs it as a process of its own. It exists to show that an honest accountant has nothing to fear, and
how a game is played with web3.py: positions come from events, and go back with every move.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractLogicError

from anh_rollup.cli.options import parse_address, read_account
from anh_rollup.encoding.merkle import revealed_level
from anh_rollup.evaluation import reference
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.deployment import Deployment, read_deployment
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.evaluated import EvaluatedProperty, Trace
from anh_rollup.protocol.evidence import open_inputs
from anh_rollup.protocol.game import Output, Phase, Side, game_id, turn
from anh_rollup.protocol.overlay import proof_between
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.remote import RemotePolicy
from anh_rollup.tensor.opcodes import FOLDABLE
from scripts.chains import (
    connect_l1,
    contract_at,
    decoded,
    deployment_option,
    example_parser,
    explain,
    key_option,
    l1_option,
    run,
    send,
)

#: Seconds between two rounds.
ROUND_SECONDS: Final = 0.5

#: What makes its game differ from others over the claim.
SALT: Final = b"no case, but a game".ljust(32, b"\0")

#: IGame.Outcome.
OUTCOMES: Final = ("REFUTED", "ACCOUNTANT_LATE", "CHALLENGER_LATE", "VOID")

EXAMPLE = """python -m scripts.baseless_challenge --l1 http://127.0.0.1:8545 --deployment deployment.json \\
    --key-file hostile.key --against 0x90F79bf6EB2c4f870365E785982E1f101E93b906 \\
    --store ./hostile --allow-folder ./user"""

#: A move: the function of the Game contract, and what follows the game's id and position.
Move = tuple[str, Sequence[Any]]


@dataclass
class BaselessChallenger:
    """Disputes the first standing claim of one accountant about a training.

    Attributes:
        l1: The L1.
        account: Who is about to lose a bond.
        deployment: Where the contracts are.
        store: Where artifacts are read.
        against: Whose claim.
    """

    l1: Web3
    account: LocalAccount
    deployment: Deployment
    store: ArtifactStore
    against: str
    _game: bytes = b""
    _evaluated: EvaluatedProperty | None = field(default=None)
    _refused: bool = False

    def play(self) -> str | None:
        """One round; how the game ended, once it has.

        Raises:
            AnhError: An artifact cannot be read.
        """
        if self._evaluated is None:
            self._open()
            return None
        moves = [event for event in self._events("Game") if event["args"].game == self._game]
        if moves and moves[-1]["event"] == "Closed":
            return OUTCOMES[moves[-1]["args"].outcome]
        position = moves[-1]["args"].position if moves else None
        if position and turn(Phase(position.phase)) is Side.CHALLENGER and not self._refused:
            self._continue(position)
        return None

    def _contract(self, name: str) -> Contract:
        return contract_at(self.l1, name, self.deployment.addresses[name.lower()])

    def _events(self, name: str) -> list[Any]:
        first, last = self.deployment.block + 1, self.l1.eth.block_number
        return list(decoded(self.l1, self._contract(name), first, last))

    def _open(self) -> None:
        """Opens a game over a sample in the middle, once there is a claim to dispute."""
        claims = self._contract("Claims").functions
        revealed = [each["args"] for each in self._events("Claims") if each["event"] == "Revealed"]
        theirs = (each for each in revealed if each.claimant == self.against and not any(each.job.model))
        standing = (each for each in theirs if claims.status(each.claimId).call()[-1] == ClaimState.STANDING)
        found = next(standing, None)
        if found is None:
            return
        evaluated = self._evaluated = self._evaluate(found.claim, found.job)
        scores = evaluated.scores
        sample = scores.count // 2
        score = int(scores.scores[sample])
        proof = [astuple(each) for each in scores.proof(sample)]
        self._game = game_id(found.claimId, self.account.address, SALT)
        game = self._contract("Game").functions
        call = game.open(found.claim, found.job, 0, SALT, sample, score, proof)
        send(self.l1, self.account, call, game.challengeBond().call())
        print(f"disputes sample {sample}, whose score of {score} is right", flush=True)

    def _evaluate(self, claim: Any, job: Any) -> EvaluatedProperty:
        wanted = job.properties[0]
        held = Artifacts(
            self.store.get_program(wanted.program, job.uri),
            self.store.get_dataset(wanted.dataset, job.uri),
            None,
            self.store.get_model(claim.result, claim.uri),
        )
        return evaluate_property(held, reference.ReferenceEvaluator())

    def _continue(self, position: Any) -> None:
        if self._evaluated is None:
            return
        function, arguments = choose(position, self._evaluated)
        game, words = self._contract("Game"), [self._game, position, *arguments]
        try:
            if function == "prove":
                self._announce(
                    seal(self.account.address, bytes.fromhex(game.encode_abi(function, words)[2:]))
                )
            send(self.l1, self.account, game.functions[function](*words))
        except ContractLogicError as error:
            self._refused = True
            told = explain(error).message
            print(f"{function}: {told}; nothing is left but to lose on the clock", flush=True)

    def _announce(self, digest: bytes) -> None:
        """A call that wins a prize is announced in an earlier block, so that nobody can copy it."""
        receipt = send(self.l1, self.account, self._contract("Claims").functions.seal(digest))
        while self.l1.eth.block_number <= receipt["blockNumber"]:
            time.sleep(ROUND_SECONDS)


def choose(position: Any, evaluated: EvaluatedProperty) -> Move:
    """Down to an element of the longest sum, then a "proof" that it is wrong."""
    trace = evaluated.trace_of(position.sample)
    values = evaluated.program.values
    value = next(each for each, item in enumerate(values) if item.opcode in FOLDABLE)
    phase, lower = Phase(position.phase), revealed_level(position.level)
    if phase is Phase.CHOOSE_VALUE and lower == 0:
        proof = proof_between(trace.tree, 0, value, position.level)
        return "chooseValue", (value, trace.tensors[value].root, proof, astuple(evaluated.record(value)))
    if phase in (Phase.CHOOSE_VALUE, Phase.CHOOSE_CHUNK):
        tree = trace.tree if phase is Phase.CHOOSE_VALUE else trace.tensors[position.value].tree
        first = position.index << (position.level - lower)
        index = value >> lower if phase is Phase.CHOOSE_VALUE else first
        return "chooseNode", (
            index,
            tree.node(lower, index),
            proof_between(tree, lower, index, position.level),
        )
    return accuse(trace, position.value or value, evaluated)


def accuse(trace: Trace, value: int, evaluated: EvaluatedProperty) -> Move:
    """Shows L1 a right element as if it were wrong."""
    program = evaluated.program
    proof = proof_between(trace.tree, 0, value, trace.tree.depth)
    output = Output(value, 0, trace.tensors[value].opening([0]), proof)
    needed = reference.element_dependencies(program, value, 0, trace=trace.elements)
    inputs = open_inputs(trace, trace.tree, program.values[value].inputs, needed)
    return "prove", (astuple(output), astuple(evaluated.record(value)), astuple(inputs))


def main() -> None:
    """Plays until the game is over."""
    parser = example_parser("Dispute a true claim and lose.", EXAMPLE)
    l1_option(parser)
    deployment_option(parser)
    key_option(parser)
    parser.add_argument(
        "--against", type=parse_address, required=True, metavar="ADDRESS", help="the accountant"
    )
    parser.add_argument("--store", type=Path, required=True, metavar="FOLDER", help="for fetched artifacts")
    parser.add_argument(
        "--allow-folder", type=Path, required=True, metavar="FOLDER", help="read file:// URIs below it"
    )
    arguments = parser.parse_args()
    deployment = read_deployment(arguments.deployment)
    policy = RemotePolicy(file_roots=(arguments.allow_folder,), private_hosts=True)
    arguments.store.mkdir(parents=True, exist_ok=True)
    hostile = BaselessChallenger(
        connect_l1(arguments.l1, deployment),
        read_account(arguments.key_file),
        deployment,
        ArtifactStore(arguments.store, policy),
        arguments.against,
    )
    while (outcome := hostile.play()) is None:
        time.sleep(ROUND_SECONDS)
    print(f"the game is over: {outcome}")


if __name__ == "__main__":
    sys.exit(run(main))
