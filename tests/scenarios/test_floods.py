"""Many games at once: an accountant answers each in time, however many blocks one transaction takes."""

import threading

import pytest

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.sender import MOST_IN_FLIGHT
from tests.doubles import small_program as small
from tests.scenarios.world import RULES, SAMPLES, World

pytestmark = pytest.mark.anvil

GAMES = 2 * MOST_IN_FLIGHT

#: Seconds between two blocks.
PAUSE = 0.5


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


def standing(world, accountant):
    """The accountant's claim, once it is revealed."""
    world.play(
        [accountant.defend, accountant.work],
        lambda: any(each.state is ClaimState.STANDING for each in accountant.chain.docket.claims.values()),
    )
    return next(iter(accountant.chain.docket.claims.values()))


def open_games(world, record):
    """Opens baseless games, each about another sample."""
    program = world.program()
    fields = small.random_fields(program, SAMPLES, 6)
    held = Artifacts(program, Dataset(fields), None, Model(world.parameters))
    scores = evaluate_property(held, ReferenceEvaluator()).scores
    flooder = world.disputes(world.chain.account("flooder"))
    for sample in range(GAMES):
        opened = (sample, int(scores.scores[sample]), tuple(scores.proof(sample)))
        request = world.contracts.game.request(
            "open",
            record.claim,
            record.job,
            0,
            sample.to_bytes(32, "big"),
            *opened,
            value=RULES.challenge_bond,
        )
        flooder.send("open", request)


def test_a_flood_of_games_is_answered_in_a_few_blocks(world):
    accountant = world.accountant()
    record = standing(world, accountant)
    open_games(world, record)
    ask, over = world.client.transport.request, threading.Event()
    ask("evm_setAutomine", False)

    def mine():
        while not over.wait(PAUSE):
            ask("evm_mine")

    miner = threading.Thread(target=mine)
    miner.start()
    before = world.client.head().number
    try:
        accountant.defend()
    finally:
        over.set()
        miner.join()
        ask("evm_setAutomine", True)
    blocks = world.client.head().number - before
    accountant.chain.refresh()
    games = accountant.chain.docket.open_games(record.identifier)

    assert [len(game.reveals) for game in games] == [1] * GAMES
    assert blocks < GAMES // 2
