"""What is known of ledger claims from L1's events."""

from dataclasses import replace

from anh_rollup.l1.contracts.ledger_claims import (
    Chosen,
    Claimed,
    Closed,
    Finalized,
    LedgerClaimState,
    LedgerOutcome,
    Opened,
    Orphaned,
    Refuted,
    Revealed,
    Withdrawn,
)
from anh_rollup.l1.ledger_docket import LedgerDocket
from anh_rollup.primitives import BatchNumber, Seconds, Wei
from anh_rollup.protocol.game import Clock, Side
from anh_rollup.protocol.ledger_claims import GENESIS_BASE, LedgerClaim, LedgerPhase
from anh_rollup.protocol.ledger_play import Shown
from anh_rollup.protocol.machine.witnesses import NO_MACHINE
from tests.doubles.ledger_games import first_position
from tests.doubles.memory_l1 import OWNER

CLAIM = LedgerClaim(
    OWNER, GENESIS_BASE, BatchNumber(3), b"\1" * 32, 9, b"\2" * 32, b"\3" * 32, NO_MACHINE.hash
)
CLOCK = Clock(Seconds(5), Seconds(5), Seconds(0), Side.ACCOUNTANT)


def claimed(identifier: bytes, batch: int) -> Claimed:
    number = BatchNumber(batch)
    return Claimed(identifier, OWNER, number, replace(CLAIM, batch=number), NO_MACHINE)


def docket(*events: object) -> LedgerDocket:
    made = LedgerDocket()
    for event in events:
        made.apply(event)
    return made


def test_a_claim_stands_until_an_event_ends_it() -> None:
    known = docket(
        claimed(b"a", 1), claimed(b"b", 2), claimed(b"c", 3), claimed(b"d", 4),
        Finalized(b"a", OWNER, BatchNumber(1), b""), Refuted(b"b", "them", Wei(5)), Orphaned(b"c", b"b"),
    )  # fmt: skip
    final, refuted, standing = (
        LedgerClaimState.FINAL,
        LedgerClaimState.REFUTED,
        LedgerClaimState.STANDING,
    )
    assert [each.state for each in known.claims.values()] == [final, refuted, refuted, standing]
    assert [each.refuter for each in known.claims.values()] == ["", "them", "", ""]


def test_a_game_is_known_by_its_position_and_the_latest_nodes() -> None:
    start = first_position(CLAIM, "them")
    moved = replace(start, phase=LedgerPhase.CHOOSE)
    events = [Opened(b"g", start.claim, "them", start, CLOCK), Revealed(b"g", moved, CLOCK, (b"x", b"y"))]
    (game,) = docket(*events).games_over(start.claim)
    assert (game.position, game.clock, game.outcome) == (moved, CLOCK, None)
    assert game.shown == (Shown(moved, (b"x", b"y")),)
    chosen = replace(moved, phase=LedgerPhase.PROVE)
    over = [Chosen(b"g", chosen, CLOCK), Closed(b"g", start.claim, LedgerOutcome.REFUTED)]
    (game,) = docket(*events, *over).games_over(start.claim)
    assert (game.position, game.outcome) == (chosen, LedgerOutcome.REFUTED)
    assert docket(*events).games_over(b"another") == []


def test_what_accounts_were_paid_is_the_total_of_the_last_payment() -> None:
    paid = docket(Withdrawn(b"a", OWNER, Wei(5), Wei(5)), Withdrawn(b"b", OWNER, Wei(2), Wei(7))).paid
    assert paid == {OWNER: 7}
