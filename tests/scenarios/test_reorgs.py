"""L1 puts a job into another batch after its claim was drafted: no bond may be lost over it."""

from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

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
