import pytest

from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.contracts.game import GameOutcome
from tests.scenarios.hostile import LATE, PLANS, make_hostiles
from tests.scenarios.world import RULES, World

pytestmark = pytest.mark.anvil

HOSTILES = 20

#: What L1 answers to accusations that are false.
REFUSED = {
    **dict.fromkeys(("prove", "proveBlock", "proveSource"), "NothingWrong"),
    **dict.fromkeys(("refuteIndex", "refutePlace", "refuteRecord", "refuteThreshold"), "NothingWrong"),
    **dict.fromkeys(("refuteCount", "refuteResult", "refuteShape", "refuteRange"), "NothingWrong"),
    "timeout": "ClockStillRuns",
}


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


def wealth(world, chain):
    """Wei of an account, with its credit and without what its gas has cost."""
    credit = world.contracts.bonds.credit_of(chain.address)
    return world.client.balance(chain.address) + credit + chain.spending.cost


def test_twenty_hostile_challengers_make_an_honest_accountant_richer(world):
    accountant = world.accountant()
    hostiles = make_hostiles(world, HOSTILES)
    everybody = [accountant.chain, *(each.chain for each in hostiles)]
    before = [wealth(world, chain) for chain in everybody]
    held_before = world.held()

    def is_final():
        return {each.state for each in accountant.chain.docket.claims.values()} == {ClaimState.FINAL}

    rounds = [accountant.defend, accountant.work, *(each.play for each in hostiles), accountant.defend]
    world.play(rounds, is_final, most_rounds=400, step=50)

    games = accountant.chain.docket.games.values()
    demands = accountant.chain.docket.demands.values()
    gains = [wealth(world, chain) - start for chain, start in zip(everybody, before, strict=True)]
    held = world.held() - held_before
    owed = sum(world.contracts.bonds.credit_of(chain.address) for chain in everybody)

    refused = {refusal for each in hostiles for refusal in each.refused}
    late = [seconds for each in hostiles for seconds in each.left if each.late]

    assert {each.plan for each in hostiles} == set(PLANS)
    assert refused == set(REFUSED.items())
    assert 0 <= min(late) <= max(late) <= LATE
    assert {game.outcome for game in games} == {GameOutcome.CHALLENGER_LATE}
    assert len(games) + len(demands) == sum(each.plan != "arbiter" for each in hostiles)
    assert gains[0] == len(games) * RULES.challenge_bond + len(demands) * RULES.demand_fee
    assert sum(gains) == 0
    assert held == owed
