import pytest

from anh_rollup.accountant.drills import DRILLS
from tests.scenarios.lies import play_lie
from tests.scenarios.world import ETHER

pytestmark = pytest.mark.anvil


@pytest.mark.parametrize("name", DRILLS)
def test_a_lie_costs_the_liar_its_bond_and_pays_the_challenger(name, record_property):
    outcome = play_lie(name)
    record_property("table", str(outcome))

    assert outcome.refuted_by
    assert 0.9 * ETHER < outcome.liar_loss <= ETHER
    assert 0.4 * ETHER < outcome.challenger_gain <= 0.5 * ETHER
