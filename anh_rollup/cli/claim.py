"""`anh claim`: what somebody has put a bond on."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from anh_rollup.cli.connecting import open_rollup
from anh_rollup.cli.follow_up import look_closer
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.narration import ENDINGS, next_move
from anh_rollup.cli.options import deployment_option, l1_option, parse_digest, visible
from anh_rollup.client.wording import short, show_time
from anh_rollup.l1.contracts.claims import ClaimStatus
from anh_rollup.l1.docket import ClaimRecord, GameRecord
from anh_rollup.protocol.called import is_called


@click.group(name="claim")
def claim_group() -> None:
    """Look at claims.

    \b
    Example:
      anh claim show 0x1f3c.. --l1 http://127.0.0.1:8545 --deployment deployment.json
    """


@claim_group.command(name="show")
@click.argument("claim", type=parse_digest)
@l1_option()
@deployment_option()
def show_command(claim: bytes, l1_url: str, deployment_path: Path) -> None:
    """Show a claim, its bond's fate and the games over it. CLAIM is its id.

    \b
    Example:
      anh claim show 0x1f3c.. --l1 http://127.0.0.1:8545 --deployment deployment.json
    """
    view = open_view(l1_url, deployment_path)
    record = view.claim(claim)
    console = Console()
    for line in claim_names(record):
        console.print(line, soft_wrap=True, highlight=False)
    console.print(claim_table(record, view.contracts.claims.status(claim), view))
    games = view.games_over(claim)
    if games:
        console.print(games_table(games))
        look_closer(console, ("game", "show"), [each.identifier for each in games])


def open_view(l1_url: str, deployment_path: Path) -> L1View:
    """The disputes of a rollup, read up to now.

    Raises:
        AnhError: L1 cannot be read, or the deployment file is not of this chain.
    """
    view = L1View(*open_rollup(l1_url, deployment_path))
    view.refresh()
    return view


def claim_names(record: ClaimRecord) -> list[Text]:
    """What is copied from a claim, each whole on a line of its own: too long for a table of 80 columns."""
    claim = record.claim
    told = {
        "claim": f"0x{record.identifier.hex()}",
        "job terms" if is_called(claim) else "job record": f"0x{claim.transaction.hex()}",
        "result": f"0x{claim.result.hex()}",
        "artifacts": claim.uri or "(not published)",
    }
    return [Text(f"{name} ") + visible(value) for name, value in told.items()]


def claim_table(record: ClaimRecord, status: ClaimStatus, view: L1View) -> Table:
    """A claim, one field a row."""
    claim, rules = record.claim, view.deployment.rules
    table = Table(show_header=False)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    table.add_row("state", status.state.name.lower())
    table.add_row("claimant", claim.claimant)
    table.add_row("job", record.job.kind.name.lower())
    where = "called by a contract" if is_called(claim) else f"batch {claim.batch}, transaction {claim.index}"
    table.add_row("place", f"{where}, claim {record.place}")
    for wanted, scores in zip(record.job.properties, claim.scores, strict=False):
        table.add_row("scores", f"{scores.sum} over {scores.count} samples; {wanted.threshold} asked")
    table.add_row("revealed", show_time(status.revealed_at))
    table.add_row("window ends", show_time(status.revealed_at + rules.window))
    table.add_row("open games, demands", f"{status.games}, {status.demands}")
    if record.refuter:
        table.add_row("refuted by", record.refuter)
    return table


def games_table(games: list[GameRecord]) -> Table:
    """Games, one a row."""
    table = Table(title="games")
    for heading in ("game", "challenger", "sample", "reveals", "state"):
        table.add_column(heading, overflow="fold")
    for each in games:
        state = ENDINGS[each.outcome] if each.outcome is not None else f"next {next_move(each.position)}"
        table.add_row(
            short(each.identifier),
            each.position.challenger[:10],
            str(each.position.sample),
            str(len(each.reveals)),
            state,
        )
    return table
