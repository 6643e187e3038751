"""A job whose order was forced past the sequencer: it is claimed and paid like any other."""

import pytest
from eth_utils.crypto import keccak

from anh_rollup.accountant.conduct import HONEST
from anh_rollup.accountant.drills import DRILLS
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob
from tests.scenarios.world import ETHER, RULES, World

pytestmark = pytest.mark.anvil


@pytest.fixture
def world():
    """A world whose only job stands behind a forced transaction that is no order."""
    made = World()
    inbox, first = made.contracts.inbox, made.order.posted
    job = made.order.jobs()[0].job
    forced = (b"no transaction at all", made.order_record(job, 2))
    for record in forced:
        made.deployer.send(inbox.request("force", record, value=RULES.force_fee))
    header = BatchHeader(2, inbox.commitment(1), bytes(32), 0, keccak(b"empty"), len(forced))
    made.deployer.send(inbox.post_calldata(header, b"empty"))
    made.order.posted = OrderedBatch(header, (), forced, first.header)
    made.order.ordered = (OrderedJob(2, inbox.commitment(2), 1, keccak(forced[1]), job, ETHER),)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("conduct", "state"), [(HONEST, ClaimState.FINAL), (DRILLS["unordered-job"], ClaimState.REFUTED)]
)
def test_a_forced_order_is_claimed_at_its_place_and_nowhere_else(world, conduct, state):
    accountant, challenger = world.accountant(conduct=conduct), world.challenger()

    def is_over():
        return [each.state for each in challenger.chain.docket.claims.values()] == [state]

    world.play(
        [accountant.defend, accountant.work, accountant.defend, challenger.play, challenger.examine],
        is_over,
    )
