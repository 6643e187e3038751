"""`anh withdraw`: has L1 pay what left the L2, with a proof made from L1 alone."""

from contextlib import closing
from functools import partial
from pathlib import Path
from time import sleep, time
from typing import Any

import click
from rich.console import Console

from anh_rollup.cli.connecting import open_rollup
from anh_rollup.cli.options import (
    beacon_option,
    count_option,
    deployment_option,
    key_option,
    l1_option,
    parse_address,
    read_account,
)
from anh_rollup.client.cashier import Cashier, WithdrawalWish, run_and_draw
from anh_rollup.client.ordering import Report
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.disputes import Freshness
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.l1.inbox_reader import InboxReader
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.l1.ledger_view import LEDGER_DEPTH, LedgerView
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.ledger_player.service import LedgerPlayer
from anh_rollup.ledger_player.strategy import Policy


@click.command(name="withdraw")
@click.argument("account", type=parse_address, required=False)
@l1_option()
@deployment_option()
@key_option("the payer's")
@beacon_option()
@click.option("--wait", is_flag=True, help="Wait until it is paid, however long that takes.")
@click.option("--claim", is_flag=True, help="Claim the ledger where nobody has; the bond comes back.")
@count_option("--depth", LEDGER_DEPTH, "L1 blocks above the batch that --claim is about.")
def withdraw_command(
    account: str | None,
    l1_url: str,
    deployment_path: Path,
    key_file: Path,
    beacon_url: str | None,
    **wish: Any,
) -> None:
    """Pay out on L1 what left the L2 by exits. ACCOUNT is whose; the key's own where it is not given.

    Everything is read from L1: no sequencer and no follower is asked. Anybody may withdraw for anybody; L1
    pays the account itself. What `Bonds` has for the key's account, as the bond of an own claim that is
    final, is drawn, too.

    \b
    Example:
      anh withdraw --l1 http://127.0.0.1:8545 --deployment deployment.json --key-file user.key --wait
    """
    payer = read_account(key_file)
    client, deployment = open_rollup(l1_url, deployment_path)
    data = BatchDataReader(client, beacon_url)
    report = partial(Console().print, soft_wrap=True, highlight=False)
    sender = TransactionSender(client, payer)
    player = LedgerPlayer(
        LedgerDisputes(deployment, sender, Freshness(None, time)),
        InboxReader(deployment, client, data),
        Policy(),
    )
    view = LedgerView(deployment, client, data)
    with closing(player):
        cashier = Cashier(view, sender, account or sender.address, report, partial(_defend, player, report))
        run_and_draw(cashier, WithdrawalWish(**wish), bind(deployment, client).bonds)


def _defend(player: LedgerPlayer, report: Report, seconds: float) -> None:
    """Spends some time answering for true claims, so that an own one needs nobody."""
    try:
        player.play()
    except TransientL1Error as error:
        report(error.message)
    sleep(seconds)
