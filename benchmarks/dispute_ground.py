"""A chain, an order of many equal jobs, and both sides of disputes: a liar for each lie, and one challenger.

Contracts, challenger and accountant are the real ones, in this process. What they have evaluated stays in
memory, so that many lies about one network take one evaluation of either side.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from anh_rollup.accountant.actions import Action as Answering
from anh_rollup.accountant.actions import Defend
from anh_rollup.accountant.drafts import Drafts
from anh_rollup.accountant.service import Accountant
from anh_rollup.accountant.work import TrainingTask, Worker
from anh_rollup.challenger.actions import Attack
from anh_rollup.challenger.examine import Examiner
from anh_rollup.challenger.service import Challenger
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.moves import Call as Mined
from anh_rollup.cli.moves import calls_between
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.tensors import Elements
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.evaluation.dispute_cost import Side
from anh_rollup.evaluation.evaluations import Evaluations, Key
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.disputes import Call, DisputeChain, Freshness
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import ETHER, HOUR, L2_CHAIN_ID, BatchNumber, Digest, Gas, Seconds, Wei
from anh_rollup.protocol.game import GameView
from anh_rollup.protocol.jobs import DNN_ADDRESS, Job, JobKind, Property, order_calldata
from anh_rollup.protocol.moves import Move
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.program import Program
from benchmarks.planted_lies import Liar, Lie

#: Rounds of both sides after which a lie counts as not refuted (choice: three times a game's moves).
MOST_ROUNDS = 60


class KeptStore(ArtifactStore):
    """A store that decodes a program, a model or a data set once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.get_program = cache(super().get_program)  # type: ignore[method-assign]
        self.get_model = cache(super().get_model)  # type: ignore[method-assign]
        self.get_dataset = cache(super().get_dataset)  # type: ignore[method-assign]


class Kept(Evaluations):
    """Evaluated properties that stay in memory when the claims about them are over."""

    def forget(self, keys: Collection[Key]) -> None:
        """Lets nothing go."""


@dataclass(slots=True)
class Times:
    """Seconds that each answer of one side took."""

    seconds: list[float] = field(default_factory=list)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measures one answer."""
        start = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - start)


@dataclass(slots=True)
class TimedAccountant(Accountant):
    """An accountant whose moves are timed: from the position to the call that answers it."""

    times: Times = field(default_factory=Times)

    def call(self, action: Answering) -> Call | None:
        """The call on L1 that carries an action out."""
        if not isinstance(action, Defend):
            return Accountant.call(self, action)
        with self.times.measured():
            return Accountant.call(self, action)


@dataclass(slots=True)
class TimedChallenger(Challenger):
    """A challenger whose moves are timed: from the position to the move that answers it."""

    times: Times = field(default_factory=Times)

    def answer(self, action: Attack) -> tuple[GameView, Move] | None:
        """The move that an attack takes now, with the state of the game that it answers."""
        with self.times.measured():
            return Challenger.answer(self, action)


@dataclass(slots=True)
class PostedOrder:
    """An order of one batch, posted to the Inbox. Implements `OrderFollower`."""

    posted: OrderedBatch
    ordered: Sequence[OrderedJob]

    def refresh(self) -> bool:
        """Nothing is new."""
        return False

    def jobs(self) -> Sequence[OrderedJob]:
        """The jobs."""
        return self.ordered

    def batch(self, number: BatchNumber) -> OrderedBatch | None:
        """The batch."""
        return self.posted if number == self.posted.header.number else None

    def record(self, transaction: bytes) -> bytes | None:
        """A record by its hash."""
        return next((each for each in self.posted.records if keccak256(each) == transaction), None)


@dataclass(frozen=True, slots=True)
class Inference:
    """A job whose answers are wrong: every sample's true score is 0.

    Attributes:
        architecture: The network.
        score: The score program of its property.
        model: The network's parameters.
        samples: What it is asked about.
        answers: Wrong ones.
    """

    architecture: Program
    score: Program
    model: Model
    samples: Dataset
    answers: Elements


@dataclass(slots=True)
class Ground:
    """Where lies about one inference are told and refuted, one after the other.

    Args:
        network: A local network whose L1 runs; its user orders the jobs.
        inference: What they ask for.
        jobs: How many lies there will be.
    """

    network: LocalNetwork
    inference: Inference
    jobs: int
    challenger: TimedChallenger = field(init=False)
    _worker: Worker = field(init=False)
    _order: PostedOrder = field(init=False)
    _told: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        inference, store = self.inference, KeptStore(self.network.user_folder)
        self.network.user_folder.mkdir(exist_ok=True)
        self._order = self._posted(self._job(store))
        answers = (inference.answers,)
        self._worker = Worker(store, FastEvaluator(), _untrained, lambda *_: answers, evaluations=Kept())
        examiner = Examiner(store, FastEvaluator(), self._order, L2_CHAIN_ID, evaluations=Kept())
        self.challenger = TimedChallenger(self._chain("challenger"), examiner)

    def _job(self, store: ArtifactStore) -> Job:
        """The job, with its artifacts in the store."""
        inference = self.inference
        wanted = Property(store.put_program(inference.score), store.put_dataset(inference.samples), 0)
        architecture, model = store.put_program(inference.architecture), store.put_model(inference.model)
        deadline = Seconds(self.network.l1().head().time + HOUR)
        return Job(JobKind.INFERENCE, architecture, model, (wanted,), deadline, "")

    def _posted(self, job: Job) -> PostedOrder:
        """Orders the job many times, in one batch."""
        client, deployment = self.network.l1(), self.network.deployment
        inbox = bind(deployment, client).inbox
        records = tuple(_record(self.network.accounts["user"], job, nonce) for nonce in range(self.jobs))
        leaves = [keccak256(each) for each in records]
        data = b"".join(records)
        batch = BatchHeader(
            BatchNumber(1),
            Digest(inbox.commitment(BatchNumber(0))),
            MerkleTree(leaves).root,
            len(records),
            keccak256(data),
            0,
        )
        sender = TransactionSender(client, self.network.accounts["sequencer"])
        sender.send(inbox.post_calldata(batch, data))
        commitment = inbox.commitment(BatchNumber(1))
        ordered = [
            OrderedJob(BatchNumber(1), commitment, place, leaf, job, Wei(ETHER))
            for place, leaf in enumerate(leaves)
        ]
        return PostedOrder(OrderedBatch(batch, records), ordered)

    def _chain(self, name: str) -> DisputeChain:
        """A role's access to disputes, from now on: what is over is not read again."""
        client = self.network.l1()
        head = client.head()
        deployment = replace(self.network.deployment, block=head.number, block_hash=head.hash)
        sender = TransactionSender(client, self.network.accounts[name])
        return DisputeChain(deployment, sender, Freshness(None, time.time))

    def refute(self, lie: Lie, times: Times) -> list[Mined]:
        """Tells a lie in a claim about the next job, and has the challenger refute it; all transactions.

        Raises:
            SystemExit: It is not refuted.
        """
        client, first = self.network.l1(), self.network.l1().head().number + 1
        liar = self._liar(lie, times)
        for _ in range(MOST_ROUNDS):
            for act in (liar.defend, liar.work, liar.defend):
                act()
            for attack in (self.challenger.play, self.challenger.examine, self.challenger.play):
                attack()
            states = [each.state for each in self.challenger.chain.docket.claims.values()]
            if len(states) == self._told and set(states) == {ClaimState.REFUTED}:
                liar.close()
                return calls_between(client, self.network.deployment, first, client.head().number)
        raise SystemExit(f"{lie} was not refuted")

    def _liar(self, lie: Lie, times: Times) -> TimedAccountant:
        """A fresh accountant for the next job, with what the others have evaluated."""
        name = "dishonest accountant"
        account, order = self.network.accounts[name], self._order
        drafts = Drafts(self.network.folder / f"drafts-{self._told}")
        one = PostedOrder(order.posted, order.ordered[self._told : self._told + 1])
        self._told += 1
        return TimedAccountant(
            self._chain(name), account, one, self._worker, drafts, uri=self.network.user_folder.as_uri(),
            conduct=Liar(lie).conduct, times=times,
        )  # fmt: skip


def _untrained(_task: TrainingTask) -> Sequence[Elements]:
    """Nobody asks for a training here."""
    return ()


def _record(user: LocalAccount, job: Job, nonce: int) -> bytes:
    """The record of an order."""
    transaction: dict[str, Any] = {
        "chainId": L2_CHAIN_ID, "nonce": nonce, "to": to_checksum_address(DNN_ADDRESS), "value": ETHER,
        "gas": 200_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 0, "type": 2,
        "data": order_calldata(job),
    }  # fmt: skip
    return encode_record(
        decode_signed(bytes(user.sign_transaction(transaction).raw_transaction), L2_CHAIN_ID)
    )


def played(calls: Sequence[Mined], side: str) -> Side:
    """What an account sent in games, seals among them."""
    own = [each for each in calls if each.sender == side and is_move(each)]
    return Side(len(own), Gas(sum(each.gas for each in own)))


def is_move(call: Mined) -> bool:
    """Whether a transaction belongs to a game."""
    return call.function.startswith("Game.") or call.function == "Claims.seal"
