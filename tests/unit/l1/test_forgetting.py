"""A docket lets go of claims that are over for good, and of nothing that an account may still need."""

from dataclasses import replace
from typing import Any

import pytest

from anh_rollup.encoding.checks import UINT64_MOST
from anh_rollup.l1.contracts.claims import (
    Answered,
    Committed,
    Demand,
    Demanded,
    FeeReturned,
    Finalized,
    Refuted,
    Released,
    Revealed,
)
from anh_rollup.l1.contracts.game import Closed, GameOutcome, NodesRevealed, Opened
from anh_rollup.l1.docket import Docket
from anh_rollup.l1.forgetting import SECONDS_OF_REORGS, Forgetting
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.evidence import NO_OPENING
from anh_rollup.protocol.game import Phase, Position, TensorPath
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property

ME, LIAR, OTHER = ("0x" + 20 * digits for digits in ("11", "22", "33"))
ZERO, ROOT = bytes(32), b"\1" * 32
CLAIM = Claim(LIAR, 1, ROOT, 0, ROOT, ROOT, ROOT, (Scores(1, 5, ROOT),), "")
DEADLINE = 5000
JOB = Job(JobKind.TRAINING, ROOT, NO_ROOT, (Property(ROOT, ROOT, 5),), DEADLINE, "")
POSITION = Position(
    ROOT, LIAR, OTHER, 0, Phase.SCORES, 0, 0, ZERO, ZERO, 0, ZERO, 0, 0, 0, 0, ZERO, ZERO, 0, 0, ZERO
)  # fmt: skip
PATH = TensorPath(1, ROOT, (ROOT,), ())
MANY = 500


def name(number: int) -> bytes:
    return number.to_bytes(32, "big")


def revealed(number: int, order: int = 0, deadline: int = DEADLINE) -> Revealed:
    job = replace(JOB, deadline=deadline)
    claim = replace(CLAIM, transaction=name(order))
    return Revealed(name(order), name(number), LIAR, 0, claim, job, ())


def opened(number: int, challenger: str = OTHER) -> Opened:
    at = replace(POSITION, claim=name(number), challenger=challenger)
    return Opened(name(number), name(number), challenger, at)


def asked(number: int, by: str = OTHER) -> tuple[Demanded, Answered]:
    demand = Demand(name(number), 0, 0, 0, 1)
    return (
        Demanded(name(number), name(number), by, 77, demand),
        Answered(name(number), name(number), demand, PATH, NO_OPENING),
    )


def refuted(number: int, by: str = OTHER) -> Refuted:
    return Refuted(name(0), name(number), by, 5)


def docket_of(*events: Any) -> Docket:
    docket = Docket()
    for event in events:
        docket.apply(event)
    return docket


def kept(docket: Docket, *times: int) -> set[int]:
    """The claims that are left after looks at some times."""
    forgetting = Forgetting(ME)
    for now in times:
        forgetting.tidy(docket, now)
    return {int.from_bytes(each, "big") for each in docket.claims}


LATE = DEADLINE + 1
LATER = LATE + SECONDS_OF_REORGS


def test_of_many_claims_only_those_that_stand_are_left() -> None:
    docket = Docket()
    for number in range(MANY):
        end = Finalized(name(number), LIAR, name(number), ROOT) if number % 2 else refuted(number)
        events = [revealed(number, order=number), opened(number), *asked(number), end]
        for event in [*events, NodesRevealed(name(number), POSITION, (ROOT,))][: 4 if number == 7 else None]:
            docket.apply(event)

    assert kept(docket, LATE, LATER) == {7}
    assert (set(docket.games), set(docket.demands)) == ({name(7)}, {name(7)})
    assert [each.claim_id for each in docket.answers] == [name(7)]


def test_a_role_that_runs_for_long_holds_only_what_is_young() -> None:
    docket, forgetting = Docket(), Forgetting(ME)
    step = SECONDS_OF_REORGS // 10
    for number in range(MANY):
        now = number * step
        for event in (revealed(number, order=number, deadline=now), opened(number), *asked(number)):
            docket.apply(event)
        docket.apply(Released(name(number), name(number)))
        forgetting.tidy(docket, now)
        assert max(len(docket.claims), len(docket.games), len(docket.demands), len(docket.answers)) <= 12
    assert len(forgetting._over_since) <= 12


@pytest.mark.parametrize("times", [(LATER,), (LATE, LATER - 1), (DEADLINE, LATER - 1)])
def test_a_claim_is_kept_until_no_reorg_reaches_its_end(times: tuple[int, ...]) -> None:
    assert kept(docket_of(revealed(1), refuted(1)), *times) == {1}


def test_a_claim_that_stands_again_after_a_reorg_begins_anew() -> None:
    forgetting = Forgetting(ME)
    forgetting.tidy(docket_of(revealed(1), refuted(1)), LATE)
    docket = docket_of(revealed(1))
    forgetting.tidy(docket, LATER)
    docket.apply(refuted(1))
    forgetting.tidy(docket, LATER)

    assert docket.knows(name(1))


def test_claims_before_one_that_stands_are_kept() -> None:
    docket = docket_of(revealed(1), refuted(1), revealed(2), revealed(3, order=9), refuted(3))
    assert kept(docket, LATE, LATER) == {1, 2}


def test_open_games_of_the_account_keep_their_claim_and_those_of_others_do_not() -> None:
    both = [revealed(1), opened(1, ME), refuted(1), revealed(2), opened(2), refuted(2)]
    assert kept(docket_of(*both), LATE, LATER) == {1}
    assert kept(docket_of(*both, Closed(name(1), name(1), GameOutcome.VOID)), LATE, LATER) == set()


def test_open_demands_of_the_account_keep_their_claim_and_those_of_others_do_not() -> None:
    both = [revealed(1), asked(1, ME)[0], refuted(1), revealed(2), asked(2)[0], refuted(2)]
    assert kept(docket_of(*both), LATE, LATER) == {1}
    assert kept(docket_of(*both, FeeReturned(name(1), name(1))), LATE, LATER) == set()


def test_lost_fees_of_the_account_are_remembered_and_won_ones_are_not() -> None:
    lost = [revealed(1), *asked(1, ME), refuted(1)]
    won = [revealed(2), *asked(2, ME), refuted(2, ME)]
    returned = [revealed(3), asked(3, ME)[0], refuted(3), FeeReturned(name(3), name(3))]
    docket = docket_of(*lost, *won, *returned, *[revealed(4), *asked(4), refuted(4)])
    kept(docket, LATE, LATER)
    docket.forget(set(), ME)

    assert (set(docket.claims), set(docket.demands), docket.answers) == (set(), {name(1)}, [])


def test_commitments_stay_until_their_role_forgets_them() -> None:
    docket = docket_of(revealed(1), refuted(1), Committed(ME, ROOT, 5))
    kept(docket, LATE, LATER)
    assert docket == Docket(commitments={(ME, ROOT): 5})


def test_a_called_job_is_over_once_a_claim_about_it_is_final() -> None:
    def called(number: int) -> Revealed:
        event = revealed(number, deadline=UINT64_MOST)
        return replace(event, claim=replace(event.claim, batch=0))

    end = Finalized(name(0), LIAR, name(1), ROOT)
    looks = (DEADLINE, DEADLINE + SECONDS_OF_REORGS)
    assert kept(docket_of(called(1), refuted(1)), *looks) == {1}
    assert kept(docket_of(called(1), end), *looks) == set()
    assert kept(docket_of(called(1), end), looks[0]) == {1}
    assert kept(docket_of(called(1), end, called(2)), *looks) == {1, 2}
    assert kept(docket_of(revealed(1, deadline=UINT64_MOST), end), *looks) == {1}
