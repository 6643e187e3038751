"""Lies about the ledger: each costs the liar its bond, and pays who refutes it."""

import pytest

from tests.scenarios.ledger_lies import FEW, LIES, eventful_world, play_lie
from tests.scenarios.world import ETHER

pytestmark = pytest.mark.anvil


def require_refuted(names):
    with eventful_world() as world:
        outcomes = [play_lie(world, name) for name in names]
    assert [each.lie for each in outcomes] == list(names)
    for each in outcomes:
        assert (each.liar.gain, each.challenger.gain) == (-ETHER, ETHER // 2)
        assert each.challenger.moves == each.liar.moves + 2


def test_a_few_lies_about_the_ledger_cost_the_liars_their_bonds():
    require_refuted(FEW)


@pytest.mark.slow
def test_every_lie_about_the_ledger_costs_the_liar_its_bond():
    require_refuted(LIES)
