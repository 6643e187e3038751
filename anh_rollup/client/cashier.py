"""Drives a withdrawal: has L1 pay step by step what left the L2, and draws the payer's credit of `Bonds`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import sleep
from typing import Final

from anh_rollup.client.ordering import Report
from anh_rollup.client.withdrawing import (
    Await,
    Finalize,
    NotClaimedError,
    NotFinalError,
    NothingToWithdrawError,
    NotOrderedYetError,
    Queued,
    Step,
    TooFreshError,
    Unclaimed,
    Withdraw,
    next_step,
)
from anh_rollup.client.wording import short, show_ether
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.bonds import Bonds
from anh_rollup.l1.errors import L1RevertedError, L1UnreachableError
from anh_rollup.l1.ledger_view import LEDGER_DEPTH, LedgerView
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import BatchNumber, Wei

#: Seconds between two looks while something is waited for.
LOOK_SECONDS: Final = 1.0

#: How often L1 may refuse to make claims final before that is an error (choice): an estimate is about the
#: next block, what is known about the last one, so that who is slower is refused until the next is there.
MOST_REFUSALS: Final = 30


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
            NotOrderedYetError: The exit is forced, no batch has it, and it is not to be waited for.
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

    def _missing(self, step: Await | Unclaimed | Queued, wish: WithdrawalWish) -> AnhError:
        """What is missing where a step cannot be taken now."""
        if isinstance(step, Queued):
            return NotOrderedYetError(self.account, step.free_at)
        if isinstance(step, Await):
            return NotFinalError(step.record.identifier, step.ends_at, step.games)
        batch = self.view.latest
        return TooFreshError(batch, wish.depth) if wish.claim else NotClaimedError(self.account, batch)

    def _tell(self, line: str) -> None:
        """Reports a line, unless it is what was reported last."""
        if line != self._told:
            self.report(line)
        self._told = line


def run_and_draw(cashier: Cashier, wish: WithdrawalWish, bonds: Bonds) -> None:
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
