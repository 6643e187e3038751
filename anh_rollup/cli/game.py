"""`anh game`: a dispute, move by move."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from anh_rollup.cli.claim import open_view
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.moves import Moves, moves_of
from anh_rollup.cli.narration import ENDINGS, next_move
from anh_rollup.cli.options import deployment_option, l1_option, parse_digest
from anh_rollup.client.wording import show_time
from anh_rollup.l1.docket import GameRecord
from anh_rollup.protocol.game import Side


@click.group(name="game")
def game_group() -> None:
    """Look at games.

    \b
    Example:
      anh game show 0x77aa.. --l1 http://127.0.0.1:8545 --deployment deployment.json
    """


@game_group.command(name="show")
@click.argument("game", type=parse_digest)
@l1_option()
@deployment_option()
def show_command(game: bytes, l1_url: str, deployment_path: Path) -> None:
    """Show a game: where it stands, whose clock runs, every move with its gas. GAME is its id.

    \b
    Example:
      anh game show 0x77aa.. --l1 http://127.0.0.1:8545 --deployment deployment.json
    """
    view = open_view(l1_url, deployment_path)
    record = view.game(game)
    console = Console()
    console.print(f"game 0x{record.identifier.hex()}", soft_wrap=True, highlight=False)
    console.print(f"claim 0x{record.position.claim.hex()}", soft_wrap=True, highlight=False)
    console.print(position_table(record, view))
    console.print(moves_table(moves_of(view, game)))


def position_table(record: GameRecord, view: L1View) -> Table:
    """Where a game stands, one field a row."""
    at = record.position
    table = Table(show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    table.add_row("accountant", at.accountant)
    table.add_row("challenger", at.challenger)
    table.add_row(
        "about", f"property {at.property}, sample {at.sample}, value {at.value}, element {at.element}"
    )
    if record.outcome is not None:
        table.add_row("ended", ENDINGS[record.outcome])
        return table
    clocks = view.contracts.game.clocks(record.identifier)
    table.add_row("next", next_move(at))
    table.add_row("turn", "accountant" if clocks.turn is Side.ACCOUNTANT else "challenger")
    table.add_row("clocks", f"accountant {clocks.accountant} s, challenger {clocks.challenger} s")
    table.add_row("turn began", show_time(clocks.since))
    return table


def moves_table(moves: Moves) -> Table:
    """The moves of a game, one a row, with each side's sum."""
    table = Table(title="moves", show_footer=True)
    sums = ", ".join(f"{side} {gas:,}" for side, gas in moves.gas_by_side().items())
    table.add_column("block", justify="right")
    table.add_column("side")
    table.add_column("move", footer=sums)
    table.add_column("gas", justify="right")
    for move in moves.moves:
        table.add_row(str(move.block), move.side, move.function, f"{move.gas:,}")
    return table
