"""What is told of L1's events."""

import pytest

from anh_rollup.cli.narration import Narrator, next_move
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.l1.contracts.bonds import Withdrawn
from anh_rollup.l1.contracts.claims import Committed, FeeReturned, Finalized, Lapsed, Refuted
from anh_rollup.l1.contracts.game import Closed, ElementsRevealed, GameOutcome, Opened
from anh_rollup.l1.contracts.inbox import Deposited, Posted
from anh_rollup.protocol.game import Phase, Position

USER, LIAR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
NARRATOR = Narrator({USER: "user"})
ID = bytes.fromhex("abcdef01") + bytes(28)
ZERO = bytes(32)


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
            "batch 2 is on L1: 3 transaction(s) in 1 blob(s)",
        ),
        (
            Posted(2, ZERO, BatchHeader(2, ZERO, ZERO, 3, ZERO, 0), (), b"12345"),
            "batch 2 is on L1: 3 transaction(s) in 5 bytes of calldata",
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
    ],
)
def test_an_event_is_told_in_a_line(event: object, line: str) -> None:
    assert NARRATOR.line(event) == line


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
