"""`anh exit`: takes ether out of the L2, through the sequencer or past it."""

from functools import partial
from pathlib import Path

import click
from rich.console import Console

from anh_rollup.cli.connecting import open_l2, open_rollup
from anh_rollup.cli.follow_up import as_called
from anh_rollup.cli.options import (
    UsageError,
    beacon_option,
    deployment_option,
    key_option,
    l1_option,
    l2_option,
    parse_payment,
    read_account,
)
from anh_rollup.client.exiting import force_exit, send_exit
from anh_rollup.client.ordering import Customer, batch_on_l1, wait_for
from anh_rollup.client.wording import show_ether, show_time
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.contracts.inbox import Forced, InboxRules
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender

#: Stands for all that the fee leaves.
ALL = "all"


class ExitWayError(UsageError):
    """An exit that is neither to be sent to an L2 nor to be forced."""

    def __init__(self) -> None:
        super().__init__(
            "there is neither an --l2 to send the exit to nor --force",
            remedy="Give --l2, or --force to go through L1 alone.",
        )


def parse_amount(word: str) -> int | None:
    """Wei from ether, or None for `all`.

    Raises:
        AmountOptionError: The word is something else.
    """
    return None if word == ALL else parse_payment(word)


@click.command(name="exit")
@click.argument("amount", metavar="AMOUNT")
@l1_option()
@l2_option(required=False)
@deployment_option()
@key_option("the user's")
@beacon_option()
@click.option("--force", is_flag=True, help="Through L1's queue, without any sequencer.")
def exit_command(
    amount: str,
    l1_url: str,
    l2_url: str | None,
    deployment_path: Path,
    key_file: Path,
    **way: str | bool | None,
) -> None:
    """Take ether out of the L2. AMOUNT is in ether, or `all` of the account's cleared money.

    It leaves the L2 with the block that orders it, and this waits until L1 has its batch. `anh withdraw` has
    L1 pay it, once a ledger claim that has it is final. With --force the exit is queued on L1, which costs a
    fee there; the sequencer has to order it in time, or anybody does (`anh ledger post-forced`).

    \b
    Example:
      anh exit 0.5 --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 --key-file user.key
    """
    wei = parse_amount(amount)
    if l2_url is None and not way["force"]:
        raise ExitWayError
    account = read_account(key_file)
    client, deployment = open_rollup(l1_url, deployment_path)
    say = partial(Console().print, soft_wrap=True, highlight=False)
    if l2_url is not None and not way["force"]:
        customer = Customer(account, client, open_l2(l2_url, deployment), deployment)
        placed = send_exit(customer, wei, say)
        say(f"ordered in L2 block {int(placed.position['blockNumber'], 16)}: {placed.hash}")
        batch = wait_for("the exit's batch on L1", lambda: batch_on_l1(customer, placed))
        say(f"L1 holds it in batch {batch}")
    else:
        beacon = way["beacon_url"]
        data = BatchDataReader(client, beacon if isinstance(beacon, str) else None)
        reader, inbox = OrderReader(deployment, client, data), bind(deployment, client).inbox
        reader.refresh()
        queued = force_exit(account, wei, reader, TransactionSender(client, account), inbox)
        for line in queue_lines(queued, inbox.rules()):
            say(line)
        say("it leaves the L2 with the batch on L1 that has it")
    say(as_called("L1 pays it by `anh withdraw`, once a ledger claim that has it is final"))


def queue_lines(queued: Forced, rules: InboxRules) -> list[str]:
    """What is to be known of a forced transaction that was just queued."""
    due, free = queued.time + rules.force_delay, queued.time + rules.force_timeout
    return [
        f"forced transaction {queued.index} is queued on L1, for a fee of {show_ether(rules.force_fee)}",
        f"every batch of the sequencer's after {show_time(due)} has to order it",
        as_called(f"from {show_time(free)} on anybody may: `anh ledger post-forced`"),
    ]
