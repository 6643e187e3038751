"""`anh ledger`: what is claimed about the ledger on L1, and the queue past the sequencer."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from anh_rollup.cli.connecting import open_rollup
from anh_rollup.cli.narration import LEDGER_ENDINGS
from anh_rollup.cli.options import (
    beacon_option,
    deployment_option,
    key_option,
    l1_option,
    parse_address,
    read_account,
)
from anh_rollup.client.exiting import NothingOverdueError, overdue_since
from anh_rollup.client.wording import counted, short, show_ether, show_time
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.ledger_docket import LedgerClaimRecord, LedgerGameRecord
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.ledger_claims import GENESIS_BASE


@click.group(name="ledger")
def ledger_group() -> None:
    """Look at ledger claims, and move the queue past the sequencer.

    \b
    Example:
      anh ledger show --l1 http://127.0.0.1:8545 --deployment deployment.json
    """


@ledger_group.command(name="show")
@click.argument("account", type=parse_address, required=False)
@l1_option()
@deployment_option()
@beacon_option()
def show_command(account: str | None, l1_url: str, deployment_path: Path, beacon_url: str | None) -> None:
    """Show the claims about the ledger, their games, and what ACCOUNT has there.

    Whether a claim is true is computed here, from L1 alone.

    \b
    Example:
      anh ledger show --l1 http://127.0.0.1:8545 --deployment deployment.json
    """
    client, deployment = open_rollup(l1_url, deployment_path)
    view = LedgerView(deployment, client, BatchDataReader(client, beacon_url))
    view.refresh()
    console = Console()
    latest = view.past.state(view.latest).machine
    console.print(f"batch {latest.batch}: ledger 0x{latest.ledger.hex()}", soft_wrap=True, highlight=False)
    console.print(claims_table(view))
    games = list(view.docket.games.values())
    if games:
        console.print(games_table(games))
    for line in [*map(told_claim, view.docket.claims.values()), *map(told_game, games)]:
        console.print(line, soft_wrap=True, highlight=False)
    if account is not None:
        console.print(account_table(view, account))
        credit = bind(deployment, client).bonds.credit_of(account)
        console.print(f"credit of Bonds: {show_ether(credit, 6)}", soft_wrap=True, highlight=False)


@ledger_group.command(name="post-forced")
@l1_option()
@deployment_option()
@key_option("the payer's")
def post_forced_command(l1_url: str, deployment_path: Path, key_file: Path) -> None:
    """Put the queue of forced transactions into the order, where the sequencer is late; anybody may.

    \b
    Example:
      anh ledger post-forced --l1 http://127.0.0.1:8545 --deployment deployment.json --key-file user.key
    """
    account = read_account(key_file)
    client, deployment = open_rollup(l1_url, deployment_path)
    inbox = bind(deployment, client).inbox
    free_at = overdue_since(inbox)
    if free_at is None or client.head().time < free_at:
        raise NothingOverdueError(free_at)
    entries = inbox.queue_length() - inbox.consumed()
    TransactionSender(client, account).send(inbox.post_forced())
    ordered = counted(entries, "forced transaction")
    Console().print(f"put into the order: {ordered}", soft_wrap=True, highlight=False)


def claims_table(view: LedgerView) -> Table:
    """Ledger claims, one a row, whole in 80 columns; `told_claim` has what is too long for that."""
    table = Table(title="ledger claims")
    for heading in ("claim", "batches", "state", "window ends, UTC", "true"):
        table.add_column(heading, overflow="fold")
    for record in view.docket.claims.values():
        claim = record.claim
        base = "genesis" if claim.base == GENESIS_BASE else short(claim.base)
        table.add_row(short(record.identifier), f"{base} to {claim.batch}", *_fate(view, record))
    return table


def told_claim(record: LedgerClaimRecord) -> str:
    """The id of a ledger claim, who made it, and the ledger's root, whole."""
    ledger = f"ledger 0x{record.machine.ledger.hex()}"
    return f"ledger claim 0x{record.identifier.hex()} of {record.claim.claimant}: {ledger}"


def told_game(record: LedgerGameRecord) -> str:
    """The id of a game about a ledger claim, that of the claim, and who disputes it, whole."""
    who, claim = record.position.challenger, record.position.claim
    return f"game 0x{record.identifier.hex()}: {who} disputes ledger claim 0x{claim.hex()}"


def _fate(view: LedgerView, record: LedgerClaimRecord) -> tuple[str, str, str]:
    """A claim's state, the end of its window, and whether it is true as far as somebody can still ask."""
    status = view.claims.status(record.identifier)
    ends = show_time(status.claimed_at + view.deployment.rules.window).removesuffix(" UTC")
    if record.state is LedgerClaimState.REFUTED:
        return f"refuted by {record.refuter[:10]}" if record.refuter else "its base fell", ends, "-"
    games = f", {counted(status.games, 'game')}" if status.games else ""
    return record.state.name.lower() + games, ends, "no" if view.line(record) is None else "yes"


def games_table(games: list[LedgerGameRecord]) -> Table:
    """Games about ledger claims, one a row; `told_game` has whole ids."""
    table = Table(title="games")
    for heading in ("game", "claim", "challenger", "reveals", "state"):
        table.add_column(heading, overflow="fold")
    for each in games:
        at = each.position
        following = f"next {at.phase.name.lower()}, level {at.level}, node {at.index}"
        state = following if each.outcome is None else LEDGER_ENDINGS[each.outcome]
        reveals = str(len(each.shown))
        table.add_row(short(each.identifier), short(at.claim), at.challenger[:10], reveals, state)
    return table


def account_table(view: LedgerView, account: str) -> Table:
    """An account behind the last batch and behind the newest final claim, and what L1 paid it."""
    table = Table(title=account)
    for heading in ("behind", "nonce", "cleared", "withdrawn"):
        table.add_column(heading, overflow="fold")
    table.add_column("paid", overflow="fold")
    paid, final = view.paid(account), view.final()
    behind = {f"batch {view.latest}": view.latest}
    if final is not None:
        behind[f"final claim {short(final.identifier)}"] = final.claim.batch
    for name, batch in behind.items():
        leaf = view.account(account, batch)
        amounts = [show_ether(wei, 6) for wei in (leaf.cleared, leaf.withdrawn, paid)]
        table.add_row(name, str(leaf.nonce), *amounts)
    return table
