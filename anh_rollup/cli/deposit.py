"""`anh deposit`: brings ether from L1 to the L2."""

from functools import partial
from pathlib import Path

import click
from rich.console import Console

from anh_rollup.cli.connecting import open_l2, open_rollup
from anh_rollup.cli.options import (
    deployment_option,
    key_option,
    l1_option,
    l2_option,
    parse_payment,
    read_account,
)
from anh_rollup.client.depositing import make_deposit
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import Wei


@click.command(name="deposit")
@click.argument("amount", metavar="AMOUNT")
@l1_option()
@l2_option(required=False)
@deployment_option()
@key_option("the user's")
def deposit_command(
    amount: str, l1_url: str, l2_url: str | None, deployment_path: Path, key_file: Path
) -> None:
    """Bring ether from L1 to the key's account on the L2. AMOUNT is in ether.

    With --l2 this waits until the L2 has it: cleared money, which can pay for everything at once.

    \b
    Example:
      anh deposit 1 --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 --key-file user.key
    """
    wei = Wei(parse_payment(amount))
    account = read_account(key_file)
    client, deployment = open_rollup(l1_url, deployment_path)
    l2 = None if l2_url is None else open_l2(l2_url, deployment)
    say = partial(Console().print, soft_wrap=True, highlight=False)
    make_deposit(TransactionSender(client, account), bind(deployment, client).inbox, l2, wei, say)
