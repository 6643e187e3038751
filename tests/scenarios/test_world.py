"""The books that every scenario ends with."""

import pytest

from tests.scenarios.world import World

pytestmark = pytest.mark.anvil


@pytest.mark.parametrize("change", [-1, 1])
def test_a_scenario_fails_where_a_wei_came_or_went(change):
    world = World()
    address = world.deployer.address
    balance = world.client.balance(address) + change
    world.client.transport.request("anvil_setBalance", address, hex(balance))

    with pytest.raises(AssertionError):
        world.close()
    assert world.chain.process.poll() is not None


def test_a_scenario_fails_where_a_contract_holds_what_it_owes_nobody():
    world = World()
    inbox, bonds = world.contracts.inbox.address, world.contracts.bonds.address
    world.client.transport.request("anvil_setBalance", inbox, hex(world.client.balance(inbox) + 1))
    world.client.transport.request("anvil_setBalance", bonds, hex(world.client.balance(bonds) + 1))
    world.chain.endowed += 2

    with pytest.raises(AssertionError):
        world.close()
