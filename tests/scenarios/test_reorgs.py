"""Reorgs of L1 under claims and games: no bond may be lost over them, and a lie still falls."""

import random
from dataclasses import dataclass, field, replace

import pytest
from eth_utils.crypto import keccak

from anh_rollup.accountant.drills import DRILLS
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.orders import OrderedBatch
from tests.scenarios.world import ETHER, ClaimState, World

pytestmark = pytest.mark.anvil


class ReorgedWorld(World):
    """A world that can go back to before its batch was posted."""

    def _post_job(self):
        self.before = self.client.transport.request("evm_snapshot")
        super()._post_job()

    def post_anew(self):
        """The batch is lost, and the sequencer posts its transactions in another order."""
        ask, inbox = self.client.transport.request, self.contracts.inbox
        ask("evm_revert", self.before)
        ask("evm_mine")
        for account in self.chain.accounts[2:]:
            ask("anvil_setBalance", account, hex(100 * ETHER))
        records = self.order.posted.records[::-1]
        root, data = MerkleTree([keccak(each) for each in records]).root, b"".join(records)
        batch = BatchHeader(1, inbox.commitment(0), root, len(records), keccak(data), 0)
        TransactionSender(self.client, self.chain.account("deployer")).send(inbox.post_calldata(batch, data))
        self.order.posted = OrderedBatch(batch, records)
        moved = replace(self.order.ordered[0], batch_commitment=inbox.commitment(1), index=1)
        self.order.ordered = (moved,)


@pytest.fixture
def world():
    made = ReorgedWorld()
    yield made
    made.close()


@pytest.mark.parametrize("rounds", [1, 2], ids=["drafted", "bonded"])
def test_a_claim_follows_its_job_into_another_batch(world, rounds):
    accountant = world.accountant()
    for _ in range(rounds):
        accountant.defend()
        accountant.work()
    world.post_anew()
    accountant.worker.train = None  # the result is there already

    world.play(
        [accountant.defend, accountant.work],
        lambda: any(each.state is ClaimState.FINAL for each in accountant.chain.docket.claims.values()),
    )
    (claim,) = [each.claim for each in accountant.chain.docket.claims.values()]
    assert (claim.batch_commitment, claim.index) == (world.contracts.inbox.commitment(1), 1)
    assert world.contracts.bonds.credit_of(accountant.chain.address) == world.deployment.rules.claim_bond


@dataclass
class Reorgs:
    """Takes back the last blocks of L1 every now and then while games are open, with all that is in them.

    Attributes:
        lost: Transactions that each reorg took back.
    """

    world: World
    challenger: object
    most: int
    chance: random.Random
    lost: list[int] = field(default_factory=list)

    def step(self):
        if (
            len(self.lost) == self.most
            or not self.challenger.chain.docket.games
            or self.chance.random() < 0.3
        ):
            return
        client, depth = self.world.client, self.chance.randint(1, 4)
        ask, head = client.transport.request, client.head().number
        taken = [ask("eth_getBlockByNumber", hex(head - each), False) for each in range(depth)]
        ask("anvil_reorg", depth, [])
        self.lost.append(sum(len(each["transactions"]) for each in taken))


@pytest.mark.parametrize(
    ("drill", "seed"),
    [
        ("wrong-element", 1),
        *(
            pytest.param(drill, seed, marks=pytest.mark.slow)
            for drill in ("wrong-partials", "silent")
            for seed in (2, 3)
        ),
    ],
)
def test_a_lie_falls_whatever_moves_reorgs_take_back(drill, seed):
    world = World()
    try:
        liar, challenger = world.accountant("liar", DRILLS[drill]), world.challenger()
        reorgs = Reorgs(world, challenger, 6, random.Random(seed))
        roles = [liar.defend, liar.work, challenger.play, challenger.examine]

        def is_over():
            claims = challenger.chain.docket.claims.values()
            return [each.state for each in claims] == [ClaimState.REFUTED] and len(reorgs.lost) == reorgs.most

        world.play([step for role in roles for step in (role, reorgs.step)], is_over)
        challenger.play()
        held = world.contracts.bonds.credit_of(challenger.chain.address)
        assert sum(reorgs.lost) > 0
        assert world.contracts.bonds.read("locked", world.contracts.game.address) == (0,)
        assert held + world.client.balance(challenger.chain.address) > 100 * ETHER
    finally:
        world.close()
