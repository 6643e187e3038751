import pytest

from tests.scenarios.lies import LIES, play_lie
from tests.scenarios.world import ETHER

pytestmark = pytest.mark.anvil


@pytest.mark.parametrize("name", LIES)
def test_a_lie_costs_the_liar_its_bond_and_pays_the_challenger(name):
    outcome = play_lie(name)

    assert outcome.refuted_by
    assert -ETHER <= outcome.liar.gain < -0.9 * ETHER
    assert 0.4 * ETHER < outcome.challenger.gain <= 0.5 * ETHER
