"""An evaluation that lasts longer than a hidden claim may stay hidden, while a game waits for it."""

import pytest
from eth_utils.crypto import keccak

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob
from tests.scenarios.world import ETHER, RULES, ClaimState, World

pytestmark = pytest.mark.anvil


class TwoJobs(World):
    """A world with a second job, which is only ordered once a test says so."""

    def _post_job(self):
        program, dataset = self.roots
        wanted, deadline = Property(program, dataset, self.reached), self.client.head().time + 3_000
        jobs = [
            Job(JobKind.TRAINING, program, bytes(32), (wanted,), deadline + n, self.uri("user"))
            for n in (0, 1)
        ]
        records = [self.order_record(job, nonce) for nonce, job in enumerate(jobs)]
        leaves, posted = [keccak(each) for each in records], b"".join(records)
        root, previous = MerkleTree(leaves).root, self.contracts.inbox.commitment(0)
        batch = BatchHeader(1, previous, root, len(records), keccak(posted), 0)
        self.deployer.send(self.contracts.inbox.post_calldata(batch, posted))
        self.order.posted = OrderedBatch(batch, tuple(records))
        commitment = self.contracts.inbox.commitment(1)
        self.both = tuple(OrderedJob(1, commitment, n, leaves[n], jobs[n], ETHER) for n in (0, 1))
        self.order.ordered = self.both[:1]


class SlowEvaluator:
    """Takes longer than a claim may stay hidden."""

    def __init__(self, world):
        self.world, self.evaluations = world, 0

    def load(self, *given):
        loaded, slow = ReferenceEvaluator().load(*given), self

        class Loaded:
            trace = staticmethod(loaded.trace)
            prepare_traces = staticmethod(loaded.prepare_traces)

            def evaluate(self, *samples):
                slow.evaluations += 1
                slow.world.chain.pass_time(RULES.reveal_window + 1)
                return loaded.evaluate(*samples)

        return Loaded()


@pytest.fixture
def world():
    made = TwoJobs()
    yield made
    made.close()


def test_a_game_after_a_restart_does_not_make_a_hidden_claim_expire(world):
    """Whoever ends an expired commitment gets a part of its bond."""
    before = world.accountant()
    for each in (before.defend, before.work, before.defend, before.defend, before.defend):
        each()
    (record,) = before.chain.docket.claims.values()
    world.order.ordered = world.both
    for each in (before.defend, before.work, before.defend):
        each()
    thief = world.challenger("thief")
    game = (record.claim, record.job, 0, bytes(32))
    thief.chain.send(
        "openScores", world.contracts.game.request("openScores", *game, value=RULES.challenge_bond)
    )
    after = world.accountant()
    after.worker.evaluator = slow = SlowEvaluator(world)
    after.defend()
    after._preparations.wait(30)
    after.defend()

    assert slow.evaluations == 1
    assert [each.state for each in after.chain.docket.claims.values()] == [ClaimState.STANDING] * 2
    after.chain.refresh()
    assert [len(each.reveals) for each in after.chain.docket.open_games()] == [1]
