"""Claims that are hard to read, or that stand on a batch that nobody can open. They fall like any other."""

from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from anh_rollup.accountant.drills import DRILLS
from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.claims import CLAIM_TYPE
from anh_rollup.protocol.jobs import JOB_TYPE
from anh_rollup.protocol.orders import OrderedBatch
from tests.scenarios.world import RULES, World

pytestmark = pytest.mark.anvil

ROOT = b"\x07" * 32


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


def reveal_malformed(world, batch=1, place=0, transaction=None):
    """Reveals a false claim for somebody's order, about a job without programs, at a URI that is no UTF-8."""
    sender = TransactionSender(world.client, world.chain.account("nuisance"))
    zero = bytes(32)
    job = (1, ROOT, zero, [(zero, zero, 0)], world.client.head().time + 3_000, "")
    claim = (
        sender.address, batch, world.contracts.inbox.commitment(batch), place,
        transaction or world.order.jobs()[0].transaction, keccak(encode([JOB_TYPE], [job])), ROOT,
        [(1, 0, zero)], "\udcff\udcfe",
    )  # fmt: skip
    identifier = keccak(encode([CLAIM_TYPE], [claim]))
    claims = world.contracts.claims
    sender.send(claims.commit(keccak(identifier + ROOT), RULES.claim_bond))
    sender.send(claims.request("reveal", claim, job, ROOT))
    return identifier


def post_void_batch(world):
    """The sequencer posts a batch whose bytes say nothing of what its header says."""
    header = BatchHeader(2, world.contracts.inbox.commitment(1), ROOT, 3, keccak(b"junk"), 0)
    world.deployer.send(world.contracts.inbox.post_calldata(header, b"junk"))
    batches = {1: world.order.posted, 2: OrderedBatch(header, (), (), world.order.posted.header)}
    world.order.batch = batches.get


def all_refuted(challenger, count):
    def is_refuted():
        states = [each.state for each in challenger.chain.docket.claims.values()]
        return states == [ClaimState.REFUTED] * count

    return is_refuted


def test_a_malformed_claim_does_not_blind_the_challenger(world):
    liar, challenger = world.accountant("liar", DRILLS["flipped-score"]), world.challenger()
    reveal_malformed(world)

    world.play([liar.defend, liar.work, challenger.play, challenger.examine], all_refuted(challenger, 2))


@pytest.mark.parametrize("error", [IndexError, MemoryError, RecursionError])
def test_a_claim_that_breaks_the_challenger_does_not_save_another(world, error):
    liar, challenger = world.accountant("liar", DRILLS["flipped-score"]), world.challenger()
    world.play([liar.defend, liar.work], lambda: liar.chain.docket.claims)
    broken = reveal_malformed(world)
    honest = challenger.examiner

    class Breaking(type(honest)):
        __slots__ = ()

        def examine(self, record, answers=()):
            if record.identifier == broken:
                raise error
            return super().examine(record, answers)

    challenger.examiner = Breaking(honest.store, honest.evaluator, honest.order, honest.chain_id)

    def is_over():
        claims = challenger.chain.docket.claims
        return {each.state for name, each in claims.items() if name != broken} == {ClaimState.REFUTED}

    world.play([liar.defend, liar.work, challenger.play, challenger.examine], is_over)
    assert world.state(broken) is ClaimState.STANDING


def test_a_reward_cannot_be_taken_by_way_of_a_void_batch(world):
    """Whoever claims another job for it names a place that nobody can open; the order's record is known."""
    challenger = world.challenger()
    post_void_batch(world)
    reveal_malformed(world, 2, 1)

    world.play([challenger.play, challenger.examine], all_refuted(challenger, 1))
    assert {"seal": 1, "refuteRecord": 1}.items() <= challenger.chain.spending.calls.items()


def test_a_place_behind_a_void_batch_is_refuted_by_its_header(world):
    challenger = world.challenger()
    post_void_batch(world)
    reveal_malformed(world, 2, 3)

    world.play([challenger.play, challenger.examine], all_refuted(challenger, 1))
    assert {"seal": 1, "refuteIndex": 1}.items() <= challenger.chain.spending.calls.items()


def test_a_true_claim_that_names_a_void_batch_is_left_alone(world):
    """Its work is done and its job is the ordered one: what it is paid for is what was ordered."""
    post_void_batch(world)
    commitment = world.contracts.inbox.commitment(2)
    (job,) = world.order.ordered
    world.order.ordered = (replace(job, batch=2, batch_commitment=commitment, index=1),)
    accountant, challenger = world.accountant(), world.challenger()

    def is_final():
        states = [each.state for each in challenger.chain.docket.claims.values()]
        return states == [ClaimState.FINAL]

    world.play([accountant.defend, accountant.work, challenger.play, challenger.examine], is_final)
    assert challenger.chain.spending.calls == {}
