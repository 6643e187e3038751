"""Who claims the truth about the ledger keeps the bond, whoever challenges it and whatever fails."""

from functools import partial

import pytest

from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState
from anh_rollup.ledger_player.strategy import Policy, latest_own
from anh_rollup.protocol.machine.trace import Trace
from tests.scenarios.ledger_lies import LIES
from tests.scenarios.ledger_world import ALICE, BOB, CHECKING, CLAIMING, LedgerWorld
from tests.scenarios.world import ETHER, RULES

pytestmark = pytest.mark.anvil

HOSTILE = 10


@pytest.fixture
def world():
    made = LedgerWorld()
    try:
        made.deposit(ALICE)
        made.chain.pass_time(1)
        made.post([ALICE.transfer(nonce, BOB.address, 5) for nonce in range(40)])
        yield made
        made.check_ether()
    finally:
        made.chain.close()


def state_of(world, player):
    player.chain.refresh()
    claim = latest_own(player.chain.docket, player.chain.address)
    return None if claim is None else claim.state


def test_ten_hostile_challengers_at_once_lose_their_bonds_to_a_true_claim(world):
    honest = world.player("honest", CLAIMING)
    honest.play()
    # A hostile challenger is an honest one that computes one step wrongly.
    make = LIES["ledger-amount"]
    hostile = [world.player(f"hostile {number}", CHECKING, make) for number in range(HOSTILE)]
    before = [world.held(each) for each in (honest, *hostile)]
    world.play([honest, *hostile], lambda: state_of(world, honest) is LedgerClaimState.FINAL, step=300)

    won = RULES.claim_bond + HOSTILE * RULES.challenge_bond
    assert world.held(honest) + honest.chain.spending.cost - before[0] >= won
    games = honest.chain.docket.games.values()
    assert {each.position.challenger for each in games} == {each.chain.address for each in hostile}
    assert all(world.held(each) < start for each, start in zip(hostile, before[1:], strict=True))


def test_a_true_claim_whose_claimant_is_gone_is_defended_and_made_final_by_others(world):
    gone = world.player("gone", CLAIMING)
    gone.play()
    gone.close()
    hostile = world.player("hostile", CHECKING, LIES["ledger-amount"])
    others = [world.player("checking", CHECKING), world.player("claiming", CLAIMING)]
    world.play([hostile, *others], lambda: state_of(world, gone) is LedgerClaimState.FINAL)

    assert sum(each.chain.spending.calls.get("reveal", 0) for each in others) >= 1
    assert world.contracts.bonds.credit_of(gone.chain.address) >= RULES.claim_bond + RULES.challenge_bond


def test_a_claim_on_a_false_one_falls_with_it_and_its_bond_comes_back(world):
    liar = world.player("liar", CLAIMING, LIES["ledger-amount"])
    liar.play()
    world.post([ALICE.transfer(40, BOB.address, 5)])
    # Somebody who believes the liar: the same lie, told again where it was told.
    believer = world.player("believer", CLAIMING, believing)
    world.play([believer], lambda: state_of(world, believer) is LedgerClaimState.STANDING)
    believer.policy = Policy()
    challenger = world.player("challenger", CHECKING)
    before = world.held(challenger)
    world.play([challenger], lambda: state_of(world, believer) is LedgerClaimState.REFUTED)

    assert world.contracts.bonds.credit_of(believer.chain.address) == RULES.claim_bond
    assert world.contracts.bonds.credit_of(liar.chain.address) == 0
    assert world.held(challenger) + challenger.chain.spending.cost - before == ETHER // 2


def believing(base, last, view):
    """The liar's trace of the first batch, and an honest one from there on."""
    return Trace(base, last, view) if base.machine.batch else LIES["ledger-amount"](base, last, view)


class Forgetful:
    """A player that is started anew all the time: three rounds see a claim, compute, and move."""

    def __init__(self, make):
        self.make, self.current = make, make()

    def play(self):
        self.current.close()
        self.current = self.make()
        for _ in range(3):
            self.current.play()


def test_whoever_is_started_again_in_the_middle_of_a_game_goes_on_with_it(world):
    liar = Forgetful(partial(world.player, "liar", Policy(claim_every=10**9), LIES["ledger-amount"]))
    checking = Forgetful(partial(world.player, "checking", CHECKING))
    world.play([liar, checking], lambda: state_of(world, liar.current) is LedgerClaimState.REFUTED)

    assert len(checking.current.chain.docket.games) == 1
    assert (
        world.contracts.bonds.credit_of(checking.current.chain.address) == ETHER // 2 + RULES.challenge_bond
    )
