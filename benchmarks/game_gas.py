"""Gas of a claim and of every move of three games on anvil: `python -m benchmarks.game_gas`.

The sequencer and the challenger are processes; the liar is an accountant in this one, with a random network.
Two games are about the demo's network of handwritten digits, with a wrong element in its largest tensor; in
the first the score list is hidden, so that the game goes down that tree too (and comes first, for afterwards
the challenger knows the list). The third is the deepest that there is: a trace and a tensor of more nodes
than one move shows, and a sum of 4,096 terms, made up by wrong partial sums.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from anh_rollup.accountant.conduct import Conduct
from anh_rollup.accountant.drafts import Drafts
from anh_rollup.accountant.drills import find_drill
from anh_rollup.accountant.service import Accountant
from anh_rollup.accountant.strategy import Conditions
from anh_rollup.accountant.work import Worker
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.moves import Call, calls_between
from anh_rollup.cli.training import make_answerer, make_evaluator
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.deployment import Deployment
from anh_rollup.l1.disputes import DisputeChain, Freshness
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import ETHER, Seconds, Wei
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.program import Program
from benchmarks.local import MOST_CHECK_GAS, MOST_MOVE_GAS, local_network
from benchmarks.report import Figure, show
from scripts import digits
from scripts.chains import connect_rollup
from scripts.submit_training_job import TIME_TO_CLAIM, order

MOST_CLAIM_GAS, MOST_SIDE_GAS, MOST_MOVES = 250_000, 1_500_000, 8
REWARD = Wei(ETHER // 10)
CHALLENGER = "challenger"

#: Seconds for a game on a busy machine, and between two of the liar's rounds.
PATIENCE, ROUND_SECONDS = 300.0, 0.3

#: Moves that make L1 compute something.
CHECKS = ("prove", "proveBlock", "proveSource")

#: Samples and steps of the deep program: score and trace trees that one move does not show.
DEEP_SAMPLES, DEEP_STEPS = 65, 64


@dataclass(frozen=True, slots=True, eq=False)
class Lie:
    """What is lied about, and how.

    Attributes:
        name: Of the game, in the table.
        accountant: The liar's account in the local network.
        reward: Of the job, in wei; each liar takes no job for less.
        program: The score program.
        samples: The property's data set.
        conduct: How it lies, whatever the network is worth.
        most_gas: Wanted of each side's gas; None where nothing is.
        most_moves: Wanted of each side's moves; None where nothing is.
    """

    name: str
    accountant: str
    reward: Wei
    program: Program
    samples: Dataset
    conduct: Conduct
    most_gas: int | None = None
    most_moves: int | None = None

    @property
    def parameters(self) -> tuple[Elements, ...]:
        """A network that nobody has trained."""
        rng = np.random.default_rng(0)
        return tuple(
            rng.integers(max(each.low, -(2**11)), min(each.high, 2**11), each.shape, dtype=np.int32)
            for each in self.program.parameters
        )


def deep_program() -> Program:
    """Scores 1 where a shifted mean of a convolution over 4,096 terms is positive, of 2,312 elements."""
    b = ProgramBuilder()
    x = b.field((24, 24, 64), scale=4, low=-128, high=127)
    w = b.parameter((8, 8, 8, 64), scale=8, low=-(2**15), high=2**15 - 1)
    y = b.sum(b.conv2d(x, w, scale=4, low=-(2**20), high=2**20), axes=(0, 1, 2), scale=2)
    for _ in range(DEEP_STEPS):
        y = b.add(y, 1)
    return b.build(y > 0)


def deep_samples() -> Dataset:
    """Random fields of the deep program."""
    field = np.random.default_rng(1).integers(-128, 128, (DEEP_SAMPLES, 24, 24, 64), dtype=np.int32)
    return Dataset((field,))


def make_lies() -> list[Lie]:
    """The three games, the rewards growing."""
    element = replace(find_drill("wrong-element"), checks=False)
    sums = replace(find_drill("wrong-partials"), checks=False, lists=False)
    demo = (digits.score_program(), digits.load().test)
    limits = (MOST_SIDE_GAS, MOST_MOVES)
    hidden = replace(element, lists=False)
    return [
        Lie("demo's network, hidden scores", "dishonest accountant", REWARD, *demo, hidden, *limits),
        Lie("demo's network", "honest accountant", Wei(2 * REWARD), *demo, element, *limits),
        Lie("deep network", "baseless challenger", Wei(3 * REWARD), deep_program(), deep_samples(), sums),
    ]


@dataclass(frozen=True, slots=True)
class Table:
    """Where the games are played: sequencer and challenger run."""

    network: LocalNetwork
    deployment: Deployment

    def play(self, lie: Lie) -> list[Call]:
        """Orders the job, lies about it, and waits for the refutation; every transaction since then.

        Raises:
            SystemExit: The lie is not refuted in time.
        """
        client = self.network.l1()
        first = client.head().number + 1
        self.order(lie)
        liar = self.liar(lie)
        view, end = L1View(client, self.deployment), time.monotonic() + PATIENCE
        while time.monotonic() < end:
            liar.defend()
            liar.work()
            view.refresh()
            states = [
                each.state
                for each in view.docket.claims.values()
                if each.claim.claimant == liar.chain.address
            ]
            if ClaimState.REFUTED in states:
                return calls_between(client, self.deployment, first, client.head().number)
            time.sleep(ROUND_SECONDS)
        raise SystemExit(f"{lie.name}: the lie was not refuted in {PATIENCE:g} s")

    def order(self, lie: Lie) -> None:
        """Orders a training for the lie's property, by JSON-RPC."""
        network = self.network
        store = ArtifactStore(network.user_folder)
        program = store.put_program(lie.program)
        job = Job(
            kind=JobKind.TRAINING,
            architecture=program,
            model=NO_ROOT,
            properties=(Property(program, store.put_dataset(lie.samples), 0),),
            deadline=Seconds(network.l1().head().time + TIME_TO_CLAIM),
            uri=network.user_folder.as_uri(),
        )
        files = (network.l1_url, network.l2_url, network.deployment_file)
        order(connect_rollup(*files, network.accounts["user"]), job, lie.reward, lambda _line: None)

    def liar(self, lie: Lie) -> Accountant:
        """An accountant that trains nothing and lies once; its artifacts are where the challenger reads."""
        network, client, account = self.network, self.network.l1(), self.network.accounts[lie.accountant]
        sender = TransactionSender(client, account)
        folder = network.user_folder / lie.accountant.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        jobs = ArtifactStore(network.user_folder)
        store = ArtifactStore(folder)
        store.put_program(lie.program)
        store.put_dataset(jobs.get_dataset(lie.samples.root))
        return Accountant(
            chain=DisputeChain(self.deployment, sender, Freshness(None, time.time)),
            account=account,
            order=OrderReader(self.deployment, client, BatchDataReader(client)),
            worker=Worker(
                store, make_evaluator(), lambda _task: lie.parameters, make_answerer("auto", store)
            ),
            drafts=Drafts(folder),
            conditions=Conditions(least_reward=lie.reward),
            uri=folder.as_uri(),
            conduct=lie.conduct,
        )


def figures_of(network: LocalNetwork, lie: Lie, calls: Sequence[Call]) -> list[Figure]:
    """Each kind of move at its dearest, and both sides' sums."""
    liar, challenger = (str(network.accounts[each].address) for each in (lie.accountant, CHALLENGER))
    claim = [each for each in calls if each.function in ("Claims.commit", "Claims.reveal")]
    figures = [
        Figure(f"{lie.name}: claim (commit, reveal)", "gas", sum(each.gas for each in claim), MOST_CLAIM_GAS)
    ]
    played = [each for each in calls if each.function.startswith("Game.") or each.function == "Claims.seal"]
    dearest: dict[str, int] = {}
    for each in played:
        name = each.function.partition(".")[2]
        dearest[name] = max(each.gas, dearest.get(name, 0))
    for name, gas in dearest.items():
        target = MOST_CHECK_GAS if name in CHECKS else MOST_MOVE_GAS
        figures.append(Figure(f"{lie.name}: move {name}", "gas", gas, target))
    for side, address in (("challenger", challenger), ("accountant", liar)):
        own = [each.gas for each in played if each.sender == address]
        figures.append(Figure(f"{lie.name}: {side}'s side", "gas", sum(own), lie.most_gas))
        figures.append(Figure(f"{lie.name}: {side}'s transactions", "moves", len(own), lie.most_moves))
    return figures


def main() -> None:
    """Plays the games and prints what they cost."""
    figures: list[Figure] = []
    logging.basicConfig(level=logging.ERROR)
    with local_network() as (network, deployment):
        network.start_challenger()
        network.start_sequencer()
        for lie in make_lies():
            figures += figures_of(network, lie, Table(network, deployment).play(lie))
    show(figures)


if __name__ == "__main__":
    main()
