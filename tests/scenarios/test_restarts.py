"""Roles that forget everything between two rounds, as if each had been killed."""

import pytest

from anh_rollup.accountant.conduct import HONEST
from anh_rollup.accountant.drills import DRILLS
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.disputes import Freshness, LaggingNodeError
from tests.scenarios.world import World

pytestmark = pytest.mark.anvil


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


def forgetful_accountant(world, conduct=HONEST):
    """One round of an accountant that was just started."""

    def round_():
        accountant = world.accountant("forgetful", conduct)
        accountant.defend()
        accountant.work()

    return round_


def forgetful_challenger(world):
    def round_():
        challenger = world.challenger("amnesiac")
        challenger.play()
        challenger.examine()
        challenger.play()

    return round_


def states(world):
    watcher = world.challenger("watcher").chain
    watcher.refresh()
    return [record.state for record in watcher.docket.claims.values()]


def test_an_accountant_that_is_killed_after_every_round_finalizes_one_claim(world):
    world.play([forgetful_accountant(world)], lambda: states(world) == [ClaimState.FINAL])


def test_a_challenger_that_is_killed_after_every_round_still_wins_its_game(world):
    rounds = [forgetful_accountant(world, DRILLS["wrong-partials"]), forgetful_challenger(world)]

    world.play(rounds, lambda: states(world) == [ClaimState.REFUTED])


def test_two_honest_challengers_do_not_hurt_each_other(world):
    liar = world.accountant("liar", DRILLS["wrong-element"])
    first, second = world.challenger("first"), world.challenger("second")
    rounds = [
        liar.defend,
        liar.work,
        *(step for each in (first, second) for step in (each.play, each.examine)),
    ]

    def is_over():
        return states(world) == [ClaimState.REFUTED] and not first.chain.docket.open_games()

    world.play(rounds, is_over)
    outcomes = sorted(game.outcome.name for game in first.chain.docket.games.values())
    gains = [
        world.contracts.bonds.credit_of(each.chain.address) + world.client.balance(each.chain.address)
        + each.chain.spending.cost - 100 * 10**18
        for each in (first, second)
    ]  # fmt: skip

    assert outcomes == ["REFUTED", "VOID"]
    assert sorted(gains) == [0, 5 * 10**17]


def test_a_lagging_node_stops_the_challenger_before_it_moves(world):
    challenger = world.challenger()
    head = world.client.head().time
    challenger.chain._freshness = Freshness(30, lambda: head + 31)

    with pytest.raises(LaggingNodeError) as raised:
        challenger.play()

    assert raised.value.message == "the L1 node lags: its head is 31 s old, and 30 s are allowed"
