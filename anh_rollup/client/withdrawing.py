"""What there is to do so that L1 pays an account's exits: decided from L1 alone, one step at a time."""

from dataclasses import dataclass

from eth_utils.address import to_canonical_address

from anh_rollup.client.wording import counted, show_ether, show_time
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState
from anh_rollup.l1.ledger_docket import LedgerClaimRecord
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.primitives import Address, BatchNumber, Seconds, Wei
from anh_rollup.protocol.ledger import Effect, decode_or_none, effect_of


class NothingToWithdrawError(AnhError):
    """An account that was paid all that left the L2 by batches on L1.

    Attributes:
        account: The account.
        withdrawn: Wei that ever left.
        paid: Wei that L1 has paid.
    """

    def __init__(self, account: str, withdrawn: Wei, paid: Wei) -> None:
        super().__init__(
            f"{account} has nothing to withdraw: {show_ether(withdrawn, 6)} left the L2 by batches on L1, "
            f"and {show_ether(paid, 6)} were paid",
            remedy="Send an exit first (`anh exit`), or wait until its batch is on L1.",
        )
        self.account, self.withdrawn, self.paid = account, withdrawn, paid


class NotOrderedYetError(AnhError):
    """An account's exit waits in L1's queue of forced transactions: it leaves the L2 with a batch.

    Attributes:
        account: Whose exit.
        free_at: L1 time from which on anybody may put the queue into the order.
    """

    def __init__(self, account: str, free_at: Seconds) -> None:
        super().__init__(
            f"an exit of {account} waits in the queue on L1: the sequencer has to order it, and from "
            f"{show_time(free_at)} on anybody may",
            remedy="Wait for it with --wait, or put it into the order then: `anh ledger post-forced`.",
        )
        self.account, self.free_at = account, free_at


class NotClaimedError(AnhError):
    """Nobody has claimed a ledger in which an exit is, so that L1 cannot know of it.

    Attributes:
        account: Whose exit.
        batch: The latest batch on L1.
    """

    def __init__(self, account: str, batch: BatchNumber) -> None:
        super().__init__(
            f"no claim that stands or is final has what {account} took out of the L2 up to batch {batch}",
            remedy="Wait for one with --wait, or make your own with --claim; its bond comes back.",
        )
        self.account, self.batch = account, batch


class NotFinalError(AnhError):
    """A claim that has an account's exit, and is not final yet.

    Attributes:
        claim: Its id, or that of the claim below it that is first.
        ends_at: L1 time at which its window ends.
        games: Open games over it.
    """

    def __init__(self, claim: bytes, ends_at: Seconds, games: int) -> None:
        disputed = f", and {counted(games, 'open game')} over it" if games else ""
        super().__init__(
            f"ledger claim 0x{claim.hex()} can be disputed until {show_time(ends_at)}{disputed}",
            remedy="Run this again when it is over, or wait for it with --wait.",
        )
        self.claim, self.ends_at, self.games = claim, ends_at, games


class TooFreshError(AnhError):
    """A batch that a claim should not be about yet: L1 could still replace it, and the bond would be stuck.

    Attributes:
        batch: The batch.
        depth: L1 blocks that have to be above it.
    """

    def __init__(self, batch: BatchNumber, depth: int) -> None:
        super().__init__(
            f"fewer than {depth} L1 blocks are above batch {batch}, which the claim would be about",
            remedy="Run this again in a while, wait with --wait, or ask for fewer with --depth.",
        )
        self.batch, self.depth = batch, depth


@dataclass(frozen=True, slots=True)
class Withdraw:
    """A final claim has something for the account.

    Attributes:
        record: The claim.
        amount: Wei that will be paid.
    """

    record: LedgerClaimRecord
    amount: Wei


@dataclass(frozen=True, slots=True)
class Finalize:
    """A claim can be made final: the one with the exit, or one that it builds on."""

    record: LedgerClaimRecord


@dataclass(frozen=True, slots=True)
class Await:
    """A claim is not final yet.

    Attributes:
        record: The claim.
        ends_at: L1 time at which its window ends.
        games: Open games over it.
    """

    record: LedgerClaimRecord
    ends_at: Seconds
    games: int


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """No true claim has the exit."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The account's exit is forced, and no batch has it yet.

    Attributes:
        free_at: L1 time from which on anybody may put the queue into the order.
    """

    free_at: Seconds


Step = Withdraw | Finalize | Await | Unclaimed | Queued


def next_step(view: LedgerView, account: str, now: Seconds) -> Step:
    """What is to be done next for an account.

    Args:
        view: L1, read up to now.
        account: Checksummed address.
        now: L1 time.

    Raises:
        NothingToWithdrawError: It was paid everything, or nothing left or is about to.
        BlobsUnavailableError: Nobody has the blobs of a batch any more.
        TransientL1Error: L1 cannot be read.
    """
    paid, latest = view.paid(account), view.latest
    withdrawn = view.account(account, latest).withdrawn
    if withdrawn <= paid:
        if (queued := _queued(view, account)) is not None:
            return queued
        raise NothingToWithdrawError(account, withdrawn, paid)
    final = view.final()
    if final is not None and (amount := view.account(account, final.claim.batch).withdrawn - paid) > 0:
        return Withdraw(final, Wei(amount))
    waits = [_wait(view, line, now) for line in _lines_with(view, account, paid)]
    if not waits:
        return Unclaimed()
    return min(waits, key=lambda each: each[0])[1]


def _queued(view: LedgerView, account: str) -> Queued | None:
    """That an exit of an account waits in the queue; None where none does."""
    waiting, owner = view.held.waiting(), Address(to_canonical_address(account))
    decoded = [decode_or_none(each.record, view.deployment.l2_chain_id) for each in waiting]
    if any(each is not None and each.sender == owner and effect_of(each) is Effect.EXIT for each in decoded):
        return Queued(Seconds(waiting[0].time + view.deployment.rules.force_timeout))
    return None


def _lines_with(view: LedgerView, account: str, paid: Wei) -> list[list[LedgerClaimRecord]]:
    """The true claims that stand and have something for an account, each with those that it builds on."""
    standing = view.docket.in_state(LedgerClaimState.STANDING)
    posted = [each for each in standing if each.claim.batch <= view.latest]
    useful = [each for each in posted if view.account(account, each.claim.batch).withdrawn > paid]
    return [line for each in useful if (line := view.line(each)) is not None]


def _wait(view: LedgerView, line: list[LedgerClaimRecord], now: Seconds) -> tuple[Seconds, Finalize | Await]:
    """When a claim can be final at the earliest, and what the lowest one that is not needs."""
    window = view.deployment.rules.window
    standing = [each for each in line if each.state is LedgerClaimState.STANDING]
    states = [view.claims.status(each.identifier) for each in standing]
    ends = [Seconds(each.claimed_at + window) for each in states]
    lowest, ends_at, games = standing[-1], ends[-1], states[-1].games
    step = Finalize(lowest) if now >= ends_at and not games else Await(lowest, ends_at, games)
    return max(ends), step
