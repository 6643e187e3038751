"""What it took on L1: every transaction with its gas, every move of every game."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.moves import Call, moves_of
from anh_rollup.client.wording import short
from anh_rollup.primitives import ETHER


def calls_table(calls: Sequence[Call], names: Mapping[str, str]) -> Table:
    """Every L1 transaction, one a row, with sums: whole in 80 columns."""
    table = Table(title=f"{len(calls)} L1 transactions", show_footer=True, collapse_padding=True)
    table.add_column("block", justify="right")
    table.add_column("sender", overflow="fold")
    table.add_column("function", overflow="fold")
    table.add_column("gas", justify="right", footer=f"{sum(each.gas for each in calls):,}")
    table.add_column("blob gas", justify="right", footer=f"{sum(each.blob_gas for each in calls):,}")
    table.add_column("ETH", justify="right", footer=f"{sum(each.cost for each in calls) / ETHER:.6f}")
    for each in calls:
        function = each.function if each.succeeded else f"{each.function} (reverted)"
        blob_gas = f"{each.blob_gas:,}" if each.blob_gas else ""
        sender = short_name(names.get(each.sender, each.sender[:10]))
        table.add_row(
            str(each.block), sender, function, f"{each.gas:,}", blob_gas, f"{each.cost / ETHER:.6f}"
        )
    return table


def short_name(name: str) -> str:
    """A player's name as one word: honest, dishonest, baseless, challenger."""
    return name.split(" ", maxsplit=1)[0]


def games_table(view: L1View) -> Table:
    """Every move of every game, one a row."""
    table = Table(title="games, move by move")
    for heading in ("game", "block", "side", "move"):
        table.add_column(heading, overflow="fold")
    table.add_column("gas", justify="right")
    for identifier in view.docket.games:
        moves = moves_of(view, identifier)
        for place, move in enumerate(moves.moves):
            name = short(identifier) if place == 0 else ""
            table.add_row(name, str(move.block), move.side, move.function, f"{move.gas:,}")
        sums = ", ".join(f"{side} {gas:,}" for side, gas in moves.gas_by_side().items())
        table.add_row("", "", "", f"in all: {sums}", "", end_section=True)
    return table
