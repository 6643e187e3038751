"""An L1 node that fails at any request, and loses answers: a lie still falls, and nothing is paid twice."""

import random
from contextlib import suppress
from dataclasses import dataclass

import pytest
import requests

from anh_rollup.accountant.conduct import HONEST
from anh_rollup.accountant.drills import DRILLS
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.l1.transport import Patience
from tests.scenarios.world import ETHER, World

pytestmark = pytest.mark.anvil


@dataclass
class Faults:
    """Lets requests fail before the node has them, and loses its answers to transactions.

    Attributes:
        share: How many of a hundred fail; ten times as many answers are lost.
    """

    world: World
    chance: random.Random
    share: int = 3
    before: int = 0
    after: int = 0

    def __post_init__(self):
        transport = self.world.client.transport
        transport.patience = Patience(timeout=10.0, attempts=1)
        self.ask, transport._ask = transport._ask, self.fail

    def fail(self, method, parameters):
        if self.chance.randrange(100) < self.share:
            self.before += 1
            raise requests.ConnectionError
        answer = self.ask(method, parameters)
        if method == "eth_sendRawTransaction" and self.chance.randrange(100) < 10 * self.share:
            self.after += 1
            raise requests.ConnectionError
        return answer

    def end(self):
        self.world.client.transport._ask = self.ask


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


def in_spite(work):
    """A round as a role's loop makes it: what L1 causes ends the round, and no more."""

    def round_():
        with suppress(TransientL1Error):
            work()

    return round_


@pytest.mark.parametrize(
    ("conduct", "state"), [(DRILLS["wrong-partials"], ClaimState.REFUTED), (HONEST, ClaimState.FINAL)]
)
def test_a_claim_ends_as_it_has_to_whatever_requests_fail(world, conduct, state):
    accountant, challenger = world.accountant(conduct=conduct), world.challenger()
    watcher = world.challenger("watcher").chain
    faults = Faults(world, random.Random(7))
    roles = [accountant.defend, accountant.work, challenger.play, challenger.examine]

    def is_over():
        with suppress(TransientL1Error):
            watcher.refresh()
        return [each.state for each in watcher.docket.claims.values()] == [state]

    def round_():
        for role in roles:
            in_spite(role)()

    for _ in range(300):
        round_()
        if is_over():
            break
        with suppress(TransientL1Error):
            world.chain.pass_time(20)
    faults.end()
    bonds = world.contracts.bonds
    assert [each.state for each in watcher.docket.claims.values()] == [state]
    assert len(watcher.docket.commitments) == 1
    assert bonds.read("locked", world.contracts.game.address) == (0,)
    assert faults.before > 0
    assert faults.after > 0
    accountant.defend()
    gained = world.client.balance(accountant.chain.address) + bonds.credit_of(accountant.chain.address)
    assert (gained > 99 * ETHER + ETHER // 2) is (state is ClaimState.FINAL)
