"""A claim that is hard to read: no programs, a URI that is no text. It is refuted like any other."""

import pytest
from eth_utils.crypto import keccak

from anh_rollup.accountant.drills import DRILLS
from anh_rollup.encoding.abi import encode
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.claims import CLAIM_TYPE
from anh_rollup.protocol.jobs import JOB_TYPE
from tests.scenarios.world import RULES, World

pytestmark = pytest.mark.anvil


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


def reveal_malformed(world):
    """Reveals a false claim for somebody's order, about a job without programs, at a URI that is no UTF-8."""
    sender = TransactionSender(world.client, world.chain.account("nuisance"))
    zero, root = bytes(32), b"\x07" * 32
    job = (1, root, zero, [(zero, zero, 0)], world.client.head().time + 3_000, "")
    batch = world.contracts.inbox.commitment(1)
    terms = keccak(encode([JOB_TYPE], [job]))
    claim = (
        sender.address,
        1,
        batch,
        0,
        world.order.jobs()[0].transaction,
        terms,
        root,
        [(1, 0, zero)],
        "\udcff\udcfe",
    )
    commitment = keccak(keccak(encode([CLAIM_TYPE], [claim])) + root)
    claims = world.contracts.claims
    sender.send(claims.commit(commitment, RULES.claim_bond))
    sender.send(claims.request("reveal", claim, job, root))


def test_a_malformed_claim_does_not_blind_the_challenger(world):
    liar, challenger = world.accountant("liar", DRILLS["flipped-score"]), world.challenger()
    reveal_malformed(world)

    def is_refuted():
        states = [each.state for each in challenger.chain.docket.claims.values()]
        return states == [ClaimState.REFUTED, ClaimState.REFUTED]

    world.play([liar.defend, liar.work, challenger.play, challenger.examine], is_refuted)
