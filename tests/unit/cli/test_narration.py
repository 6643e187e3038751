"""What is told of L1's events."""

from dataclasses import replace

import pytest

from anh_rollup.cli.narration import Narrator, next_move, show_score
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.l1.contracts import ledger_claims as ledger
from anh_rollup.l1.contracts.bonds import Withdrawn
from anh_rollup.l1.contracts.claims import Committed, FeeReturned, Finalized, Lapsed, Refuted
from anh_rollup.l1.contracts.game import Closed, ElementsRevealed, GameOutcome, Opened
from anh_rollup.l1.contracts.inbox import Deposited, Posted
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.claims import Scores
from anh_rollup.protocol.game import Clock, Phase, Position, Side
from anh_rollup.protocol.machine.witnesses import NO_MACHINE
from tests.doubles.ledger_games import first_position
from tests.doubles.ledger_snapshot import claim_record

USER, LIAR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
NARRATOR = Narrator({USER: "user"})
ID = bytes.fromhex("abcdef01") + bytes(28)
ZERO = bytes(32)
LEDGER_CLAIM = claim_record(replace(NO_MACHINE, batch=BatchNumber(1)), ledger.LedgerClaimState.STANDING)
LEDGER_POSITION = first_position(LEDGER_CLAIM.claim, USER)
CLOCK = Clock(5, 5, 0, Side.ACCOUNTANT)


def position(phase: Phase) -> Position:
    return Position(
        ID, LIAR, USER, 0, phase, 5, 1, ZERO, ZERO, 18, ZERO, 0, 0, 18, 3, ZERO, ZERO, 1024, 7, ZERO
    )


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Deposited(USER, 10**18), "user has deposited 1.0000 ETH for the L2"),
        (
            Posted(2, ZERO, BatchHeader(2, ZERO, ZERO, 3, ZERO, 0), (ZERO,), b""),
            "batch 2 is on L1: 3 transactions in 1 blob",
        ),
        (
            Posted(2, ZERO, BatchHeader(2, ZERO, ZERO, 3, ZERO, 0), (), b"12345"),
            "batch 2 is on L1: 3 transactions in 5 bytes of calldata",
        ),
        (Committed(LIAR, ID, 0), "0x15d34AAf bonds a hidden claim 0xabcdef01"),
        (
            Refuted(ZERO, ID, USER, 5 * 10**17),
            "claim 0xabcdef01 is REFUTED; user is credited 0.5000 ETH",
        ),
        (Finalized(ZERO, USER, ID, ZERO), "claim 0xabcdef01 of user is FINAL"),
        (Lapsed(ID, USER), "the time of job 0xabcdef01 is over: what nobody earned goes back"),
        (
            Opened(ID, ZERO, USER, position(Phase.TRACE)),
            "game 0xabcdef01: user disputes property 0, sample 5 with score 1",
        ),
        (Opened(ID, ZERO, USER, position(Phase.SCORES)), "game 0xabcdef01: user disputes property 0"),
        (
            ElementsRevealed(ID, position(Phase.PROVE), bytes(128)),
            "game 0xabcdef01: accountant shows 32 elements; next the proof of an element of value 3",
        ),
        (
            Closed(ID, ZERO, GameOutcome.REFUTED),
            "game 0xabcdef01: L1 computed the element: the claim is wrong",
        ),
        (Withdrawn(USER, USER, 10**17), "user withdraws 0.1000 ETH"),
        (
            ledger.Claimed(ID, USER, 4, LEDGER_CLAIM.claim, LEDGER_CLAIM.machine),
            "user makes ledger claim 0xabcdef01, up to batch 4",
        ),
        (
            ledger.Refuted(ID, USER, 5 * 10**17),
            "ledger claim 0xabcdef01 is REFUTED; user is credited 0.5000 ETH",
        ),
        (
            ledger.Orphaned(ID, ZERO),
            "ledger claim 0xabcdef01 falls with 0x00000000, on which it was built",
        ),
        (ledger.Finalized(ID, LIAR, 4, ZERO), "ledger claim 0xabcdef01 of 0x15d34AAf is FINAL"),
        (
            ledger.Withdrawn(ID, USER, 5 * 10**17, 10**18),
            "L1 pays 0.5000 ETH, which left the L2, to user",
        ),
        (
            ledger.Opened(ID, ID, USER, LEDGER_POSITION, CLOCK),
            "game 0xabcdef01: user disputes ledger claim 0xabcdef01",
        ),
        (ledger.Revealed(ID, LEDGER_POSITION, CLOCK, ()), None),
        (
            ledger.Closed(ID, ID, ledger.LedgerOutcome.REFUTED),
            "game 0xabcdef01: L1 took the step itself: the claim is wrong",
        ),
    ],
)
def test_an_event_is_told_in_a_line(event: object, line: str | None) -> None:
    assert NARRATOR.line(event) == line


@pytest.mark.parametrize(
    ("total", "told"),
    [
        (0, "0 of 45"),
        (45, "45 of 45"),
        (46, "a score of 46 over 45 samples"),
        (-1, "a score of -1 over 45 samples"),
    ],
)
def test_a_score_is_told_as_a_share_only_where_it_can_be_one(total: int, told: str) -> None:
    assert show_score(Scores(45, total, ZERO)) == told


def test_events_that_say_nothing_by_themselves_are_passed_over() -> None:
    assert NARRATOR.line(FeeReturned(ID, ID)) is None


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.NONE])
def test_every_phase_has_a_next_move(phase: Phase) -> None:
    assert next_move(position(phase)) != phase.name.lower()


@pytest.mark.parametrize("outcome", GameOutcome)
def test_every_end_of_a_game_is_told(outcome: GameOutcome) -> None:
    told = NARRATOR.line(Closed(ID, ZERO, outcome))
    assert told is not None
    assert told.startswith("game 0xabcdef01: ")
