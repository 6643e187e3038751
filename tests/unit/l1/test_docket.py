"""The docket as a fold over events: what each kind changes, and what it leaves alone."""

from dataclasses import replace
from typing import Any

import pytest

from anh_rollup.encoding.scores import SumNode
from anh_rollup.l1.contracts.bonds import Withdrawn
from anh_rollup.l1.contracts.claims import (
    Advanced,
    Answered,
    ClaimState,
    Committed,
    Demand,
    Demanded,
    Expired,
    FeeReturned,
    Finalized,
    Refuted,
    Released,
    Retracted,
    Revealed,
)
from anh_rollup.l1.contracts.game import (
    Chosen,
    Closed,
    ElementsRevealed,
    GameOutcome,
    NodesRevealed,
    Opened,
    ScoresRevealed,
    SumsRevealed,
)
from anh_rollup.l1.docket import ClaimRecord, DemandRecord, Docket, GameRecord
from anh_rollup.primitives import Digest
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.evidence import NO_OPENING
from anh_rollup.protocol.game import Phase, Position, Reveal, TensorPath
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property

ME, OTHER, FAR = ("0x" + 20 * digits for digits in ("11", "22", "33"))
ZERO = bytes(32)
ROOT, ORDER, FIRST, SECOND, GAME, ASKED = (bytes([number]) * 32 for number in range(1, 7))
CLAIM = Claim(ME, 1, ROOT, 0, ORDER, ROOT, ROOT, (Scores(1, 5, ROOT),), "")
JOB = Job(JobKind.TRAINING, ROOT, NO_ROOT, (Property(ROOT, ROOT, 5),), 5000, "")
POSITION = Position(
    FIRST, ME, OTHER, 0, Phase.SCORES, 0, 0, ZERO, ZERO, 0, ZERO, 0, 0, 0, 0, ZERO, ZERO, 0, 0, ZERO
)  # fmt: skip
NEXT = replace(POSITION, phase=Phase.CHOOSE_SCORE)
DEMAND = Demand(FIRST, 0, 0, 0, 1)
PATH = TensorPath(1, ROOT, (ROOT,), ())

REVEALED = Revealed(ORDER, FIRST, ME, 0, CLAIM, JOB, ())
LATER = Revealed(ORDER, SECOND, ME, 1, CLAIM, JOB, ())
DEMANDED = Demanded(FIRST, ASKED, OTHER, 77, DEMAND)
ANSWERED = Answered(FIRST, ASKED, DEMAND, PATH, NO_OPENING)
OPENED = Opened(GAME, FIRST, OTHER, POSITION)


def docket_of(*events: Any) -> Docket:
    docket = Docket()
    for event in events:
        docket.apply(event)
    return docket


@pytest.mark.parametrize(
    "end", [(), (Retracted(ME, ROOT),), (Expired(ME, ROOT, OTHER, 5),)], ids=["open", "retracted", "expired"]
)
def test_a_commitment_is_open_until_it_is_taken_back_or_forfeit(end: tuple[Any, ...]) -> None:
    docket = docket_of(Committed(ME, ROOT, 9), Committed(OTHER, ROOT, 10), *end)
    assert docket == Docket(commitments={(OTHER, ROOT): 10} | ({} if end else {(ME, ROOT): 9}))


def test_an_end_of_a_commitment_that_was_never_read_changes_nothing() -> None:
    assert docket_of(Retracted(ME, ROOT)) == Docket()


@pytest.mark.parametrize(
    ("event", "state", "refuter"),
    [
        (Refuted(ORDER, FIRST, OTHER, 5), ClaimState.REFUTED, OTHER),
        (Finalized(ORDER, ME, FIRST, ROOT), ClaimState.FINAL, ""),
        (Released(ORDER, FIRST), ClaimState.RELEASED, ""),
    ],
)
def test_a_claim_stands_until_it_has_come_to_something(event: Any, state: ClaimState, refuter: str) -> None:
    standing = ClaimRecord(FIRST, CLAIM, JOB, 0)
    assert docket_of(REVEALED) == Docket(claims={FIRST: standing})
    assert docket_of(REVEALED, event) == Docket(
        claims={FIRST: ClaimRecord(FIRST, CLAIM, JOB, 0, state, refuter)}
    )
    assert docket_of(event) == Docket()


def test_the_claims_of_a_job_come_in_the_order_of_their_places() -> None:
    docket = docket_of(LATER, REVEALED)
    assert [record.identifier for record in docket.claims_of(ORDER)] == [FIRST, SECOND]
    assert docket.claims_of(ROOT) == []


@pytest.mark.parametrize(
    ("end", "answers"),
    [(ANSWERED, [ANSWERED]), (FeeReturned(FIRST, ASKED), [])],
    ids=["answered", "returned"],
)
def test_a_demand_waits_until_it_is_answered_or_its_fee_goes_back(end: Any, answers: list[Answered]) -> None:
    waiting = DemandRecord(ASKED, DEMAND, OTHER, 77)
    before, after = docket_of(REVEALED, DEMANDED), docket_of(REVEALED, DEMANDED, end)
    assert before.open_demands() == before.open_demands(FIRST) == [waiting]
    assert before.open_demands(SECOND) == after.open_demands() == []
    closed = replace(waiting, is_open=False, is_answered=bool(answers))
    assert (after.demands, after.answers) == ({ASKED: closed}, answers)


def test_what_is_about_an_unreadable_claim_is_not_open() -> None:
    docket = docket_of(OPENED, DEMANDED)
    assert (docket.open_games(), docket.open_demands()) == ([], [])
    assert not docket.knows(FIRST)


@pytest.mark.parametrize(
    ("event", "reveal"),
    [
        (ScoresRevealed(GAME, NEXT, (SumNode(Digest(ROOT), 3),)), {"scores": (SumNode(Digest(ROOT), 3),)}),
        (NodesRevealed(GAME, NEXT, (ROOT,)), {"nodes": (ROOT,)}),
        (ElementsRevealed(GAME, NEXT, b"\0\0\0\1"), {"elements": b"\0\0\0\1"}),
        (SumsRevealed(GAME, NEXT, (1, -2)), {"sums": (1, -2)}),
    ],
)
def test_a_reveal_moves_its_game_and_is_kept(event: Any, reveal: dict[str, Any]) -> None:
    moved = GameRecord(GAME, NEXT, (Reveal(NEXT, **reveal),))
    assert docket_of(OPENED, event).games == {GAME: moved}


def test_a_choice_moves_its_game_and_keeps_what_was_revealed() -> None:
    shown = NodesRevealed(GAME, POSITION, (ROOT,))
    moved = GameRecord(GAME, NEXT, (Reveal(POSITION, nodes=(ROOT,)),))
    assert docket_of(OPENED, shown, Chosen(GAME, NEXT)).games == {GAME: moved}


def test_a_closed_game_is_open_no_more() -> None:
    before, after = (
        docket_of(REVEALED, OPENED),
        docket_of(REVEALED, OPENED, Closed(GAME, FIRST, GameOutcome.VOID)),
    )
    assert before.open_games() == before.open_games(FIRST) == [GameRecord(GAME, POSITION)]
    assert before.open_games(SECOND) == after.open_games() == []
    assert after.games == {GAME: GameRecord(GAME, POSITION, (), GameOutcome.VOID)}


def test_commitments_are_closed_and_forgotten_by_name_and_by_time() -> None:
    docket = docket_of(*(Committed(who, ROOT, time) for who, time in ((ME, 8), (OTHER, 8), (FAR, 9))))
    docket.forget_commitments(9, [(ME, ROOT)])
    assert docket.commitments == {(ME, ROOT): 8, (FAR, ROOT): 9}
    docket.close_commitment(ME, ROOT)
    docket.close_commitment(OTHER, ROOT)
    assert docket.commitments == {(FAR, ROOT): 9}


@pytest.mark.parametrize(
    "event",
    [
        Chosen(GAME, NEXT),
        NodesRevealed(GAME, NEXT, (ROOT,)),
        Closed(GAME, FIRST, GameOutcome.VOID),
        FeeReturned(FIRST, ASKED),
        Refuted(ORDER, FIRST, OTHER, 5),
    ],
    ids=lambda event: type(event).__name__,
)
def test_late_news_of_what_is_forgotten_changes_nothing(event: Any) -> None:
    docket = docket_of(REVEALED, OPENED, DEMANDED)
    docket.forget({FIRST}, ME)
    docket.apply(event)
    assert docket == Docket()


def test_other_events_are_passed_over() -> None:
    assert docket_of(Withdrawn(ME, ME, 5)) == Docket()


def test_the_words_of_claims_that_are_passed_are_counted_by_job() -> None:
    assert docket_of(Advanced(ORDER, 1), Advanced(ROOT, 1), Advanced(ORDER, 2)).words == {ORDER: 2, ROOT: 1}
