"""Who has how much: L1 ether, L1 credit and cleared L2 ether of every player."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.table import Table

from anh_rollup.cli.local_network import ACCOUNTS, LocalNetwork
from anh_rollup.client.wording import show_ether
from anh_rollup.l1.deployment import bind
from anh_rollup.primitives import ETHER


@dataclass(frozen=True, slots=True)
class Wealth:
    """What an account has, in wei.

    Attributes:
        l1: On L1.
        credit: In Bonds, to be withdrawn.
        l2: Cleared on the L2.
    """

    l1: int
    credit: int
    l2: int


def read_wealth(network: LocalNetwork) -> dict[str, Wealth]:
    """What everybody has now.

    Raises:
        AnhError: One of the chains cannot be read.
    """
    customer = network.customer()
    bonds = bind(customer.deployment, customer.l1).bonds
    found = {}
    for name in ACCOUNTS[1:]:
        address = str(network.accounts[name].address)
        balance, credit = customer.l1.balance(address), bonds.credit_of(address)
        found[name] = Wealth(balance, credit, customer.l2.cleared(address))
    return found


def wealth_table(before: Mapping[str, Wealth], after: Mapping[str, Wealth]) -> Table:
    """Balances before and after, in ether: a row for each player and chain, whole in 80 columns."""
    table = Table(title="balances in ETH (L1 with credit; L2 cleared)")
    table.add_column("who", overflow="fold")
    table.add_column("on")
    for heading in ("before", "after", "change"):
        table.add_column(heading, justify="right", overflow="fold")
    for name, start in before.items():
        end = after[name]
        first, last = start.l1 + start.credit, end.l1 + end.credit
        table.add_row(name, "L1", *_amounts(first, last))
        table.add_row("", "L2", *_amounts(start.l2, end.l2), end_section=True)
    return table


def told_missing(before: Mapping[str, Wealth], after: Mapping[str, Wealth], staked: int, gas: int) -> str:
    """Why the changes do not add up to nothing.

    Args:
        before: What the players had.
        after: What they have.
        staked: Wei in bonds of claims that are not final yet.
        gas: Wei that the players have paid for L1's gas.
    """
    missing = sum(map(_total, before.values())) - sum(map(_total, after.values()))
    return (
        f"The players have {show_ether(missing)} less in all: {show_ether(staked)} in bonds of claims that "
        f"still stand, which come back, {show_ether(gas)} for L1's gas, and "
        f"{show_ether(missing - staked - gas)} burnt of lost bonds, and for fees of the L2."
    )


def _total(wealth: Wealth) -> int:
    return wealth.l1 + wealth.credit + wealth.l2


def _amounts(before: int, after: int) -> tuple[str, str, str]:
    change = (after - before) / ETHER
    return f"{before / ETHER:,.4f}", f"{after / ETHER:,.4f}", f"{change:+.4f}"
