"""The demo's balances are readable in an ordinary terminal."""

from io import StringIO

from rich.console import Console

from scripts.story.accounts import Wealth, wealth_table


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
