"""`anh withdraw`: has L1 pay what left the L2, with a proof made from L1 alone."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import sleep, time
from typing import Any, Final

import click
from rich.console import Console

from anh_rollup.cli.connecting import open_rollup
from anh_rollup.cli.ledger_player import LEDGER_DEPTH
from anh_rollup.cli.options import (
    beacon_option,
    count_option,
    deployment_option,
    key_option,
    l1_option,
    parse_address,
    read_account,
    short,
    show_ether,
)
from anh_rollup.cli.withdrawing import (
    Await,
    Finalize,
    NotClaimedError,
    NotFinalError,
    NothingToWithdrawError,
    Step,
    TooFreshError,
    Unclaimed,
    Withdraw,
    next_step,
)
from anh_rollup.errors import AnhError
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.contracts.bonds import Bonds
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.disputes import Freshness
from anh_rollup.l1.errors import L1RevertedError, L1UnreachableError, TransientL1Error
from anh_rollup.l1.inbox_reader import InboxReader
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.ledger_player.service import LedgerPlayer
from anh_rollup.ledger_player.strategy import Policy
from anh_rollup.primitives import BatchNumber, Wei

#: Seconds between two looks while something is waited for.
LOOK_SECONDS: Final = 1.0

#: How often L1 may refuse to make claims final before that is an error (choice): an estimate is about the
#: next block, what is known about the last one, so that who is slower is refused until the next is there.
MOST_REFUSALS: Final = 30

Report = Callable[[str], object]


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


def run_and_draw(cashier: "Cashier", wish: "WithdrawalWish", bonds: Bonds) -> None:
    """Runs a cashier, and draws the payer's credit: to have some is reason enough for a withdrawal.

    Raises:
        NothingToWithdrawError: There is neither an exit that was not paid nor a credit.
        AnhError: See `Cashier.run`.
    """
    try:
        cashier.run(wish)
    except NothingToWithdrawError:
        if not draw_credit(bonds, cashier.sender, cashier.report):
            raise
    else:
        draw_credit(bonds, cashier.sender, cashier.report)


def draw_credit(bonds: Bonds, sender: TransactionSender, report: Report) -> Wei:
    """Has `Bonds` pay an account all that it is credited; how much that was."""
    credit = bonds.credit_of(sender.address)
    if credit:
        receipt = sender.send(bonds.withdraw(sender.address))
        drawn = f"{show_ether(credit, 6)} of bonds and prizes were paid to {sender.address}"
        report(f"{drawn} by L1 transaction 0x{receipt.transaction.hex()}")
    return credit


def _defend(player: LedgerPlayer, report: Report, seconds: float) -> None:
    """Spends some time answering for true claims, so that an own one needs nobody."""
    try:
        player.play()
    except TransientL1Error as error:
        report(error.message)
    sleep(seconds)


@dataclass(frozen=True, slots=True)
class WithdrawalWish:
    """How far a withdrawal is to be driven.

    Attributes:
        wait: Whether to wait for what takes time.
        claim: Whether to claim the ledger where nobody has.
        depth: L1 blocks above the batch of an own claim.
    """

    wait: bool = False
    claim: bool = False
    depth: int = LEDGER_DEPTH


@dataclass(slots=True)
class Cashier:
    """Takes the steps to a withdrawal.

    Attributes:
        view: L1.
        sender: Who pays the gas, and the bond of an own claim.
        account: Whose withdrawal; checksummed.
        report: Told each step in a line.
        pause: How to wait between two looks.
    """

    view: LedgerView
    sender: TransactionSender
    account: str
    report: Report
    pause: Callable[[float], None] = sleep
    _told: str = field(default="", init=False)
    _refusals: int = field(default=0, init=False)

    def run(self, wish: WithdrawalWish) -> Wei:
        """Takes step after step; the wei that the account was paid, or 0 after an own claim without `wait`.

        Raises:
            NothingToWithdrawError: Nothing left the L2 that was not paid.
            NotFinalError: A claim is not final yet, and it is not to be waited for.
            NotClaimedError: Nobody has claimed, and neither is to be.
            TooFreshError: The batch of an own claim is too fresh.
            AnhError: L1 refuses, or cannot be read.
        """
        made = False
        while True:
            step = self._look(wish)
            if isinstance(step, Withdraw):
                return self._withdraw(step)
            ripe = self._ripe(wish.depth) if wish.claim and isinstance(step, Unclaimed) else None
            if isinstance(step, Finalize):
                self._finalize(step)
            elif ripe is not None:
                self._claim(ripe)
                made = True
            else:
                missing = step if isinstance(step, AnhError) else self._missing(step, wish)
                if not wish.wait and not made:
                    raise missing
                self._tell(missing.message)
                if not wish.wait:
                    return Wei(0)
                self.pause(LOOK_SECONDS)

    def _look(self, wish: WithdrawalWish) -> Step | L1UnreachableError:
        """What is to be done next; where L1 is away, and it is waited for, that it is."""
        try:
            self.view.refresh()
            return next_step(self.view, self.account, self.view.client.head().time)
        except L1UnreachableError as error:
            if not wish.wait:
                raise
            return error

    def _ripe(self, depth: int) -> BatchNumber | None:
        """The last batch with enough L1 blocks above it, if it has the exit."""
        view, deepest = self.view, self.view.client.head().number - depth
        ripe = [each.header.number for each in view.held.batches if each.l1_block <= deepest]
        if ripe and view.account(self.account, ripe[-1]).withdrawn > view.paid(self.account):
            return ripe[-1]
        return None

    def _claim(self, batch: BatchNumber) -> None:
        bond = self.view.claims.rules().claim_bond
        self.sender.send(self.view.claim(self.sender.address, batch, bond))
        comes_back = f"the bond of {show_ether(bond)} comes back when the claim is final"
        self._tell(f"claimed the ledger after batch {batch}; {comes_back}")

    def _finalize(self, step: Finalize) -> None:
        try:
            self.sender.send(self.view.claims.finalize(step.record.claim))
        except L1RevertedError:
            # Its claimant may have been faster, even in a block that is not there yet: look again.
            self._refusals += 1
            if self._refusals > MOST_REFUSALS:
                raise
            self.pause(LOOK_SECONDS)
            return
        self._tell(f"ledger claim {short(step.record.identifier)} is final now")

    def _withdraw(self, step: Withdraw) -> Wei:
        receipt = self.sender.send(self.view.withdrawal(step.record, self.account))
        paid = f"{show_ether(step.amount, 6)} were paid to {self.account}"
        self._tell(f"{paid} by L1 transaction 0x{receipt.transaction.hex()}")
        return step.amount

    def _missing(self, step: Await | Unclaimed, wish: WithdrawalWish) -> AnhError:
        """What is missing where a step cannot be taken now."""
        if isinstance(step, Await):
            return NotFinalError(step.record.identifier, step.ends_at, step.games)
        batch = self.view.latest
        return TooFreshError(batch, wish.depth) if wish.claim else NotClaimedError(self.account, batch)

    def _tell(self, line: str) -> None:
        """Reports a line, unless it is what was reported last."""
        if line != self._told:
            self.report(line)
        self._told = line
