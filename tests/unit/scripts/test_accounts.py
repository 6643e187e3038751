"""The demo's balances are readable in an ordinary terminal."""

from io import StringIO

from rich.console import Console

from anh_rollup.primitives import ETHER
from scripts.story.accounts import Wealth, told_missing, wealth_table


def test_balances_are_whole_in_80_columns() -> None:
    console = Console(width=80, record=True, file=StringIO())
    before = {"dishonest accountant": Wealth(10**22, 0, 0), "user": Wealth(10**22, 0, 0)}
    after = {
        "dishonest accountant": Wealth(10**22 - 10**18, 0, 0),
        "user": Wealth(10**22, 5 * 10**17, 10**18),
    }
    console.print(wealth_table(before, after))
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in console.export_text().splitlines()
        if line.startswith("│")
    ]
    assert rows == [
        ["dishonest accountant", "L1", "10,000.0000", "9,999.0000", "-1.0000"],
        ["", "L2", "0.0000", "0.0000", "+0.0000"],
        ["user", "L1", "10,000.0000", "10,000.5000", "+0.5000"],
        ["", "L2", "0.0000", "1.0000", "+1.0000"],
    ]


def test_what_nobody_has_any_more_is_explained() -> None:
    before = {"user": Wealth(5 * ETHER, 0, 0), "challenger": Wealth(5 * ETHER, 0, 0)}
    after = {"user": Wealth(2 * ETHER, 0, ETHER), "challenger": Wealth(5 * ETHER, ETHER // 2, 0)}
    told = told_missing(before, after, ETHER, ETHER // 100)
    assert told == (
        "The players have 1.5000 ETH less in all: 1.0000 ETH in bonds of claims that still stand, which come "
        "back, 0.0100 ETH for L1's gas, and 0.4900 ETH burnt of lost bonds, and for fees of the L2."
    )
