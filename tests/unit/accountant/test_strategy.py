from dataclasses import replace

import pytest

from anh_rollup.accountant.actions import (
    Advance,
    Answer,
    Commit,
    Defend,
    Finalize,
    Release,
    Renew,
    Retract,
    Reveal,
    Withdraw,
    Work,
    subject,
)
from anh_rollup.accountant.drafts import Draft
from anh_rollup.accountant.strategy import DEFENCE_GAS, AccountantView, Conditions, decide, is_over
from anh_rollup.l1.contracts.claims import ClaimRules, ClaimState, ClaimStatus, Demand
from anh_rollup.l1.docket import ClaimRecord, DemandRecord, Docket, GameRecord
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.game import Phase, Position
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.protocol.orders import OrderedJob

ME, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
ROOT, ORDER = b"\x02" * 32, b"\x03" * 32
RULES = ClaimRules(
    window=1000, clock=500, reveal_window=100, settlement=9000, claim_bond=100, challenge_bond=10,
    demand_fee=1, prize_share_bps=5000,
)  # fmt: skip
JOB = Job(JobKind.TRAINING, ROOT, bytes(32), (Property(ROOT, ROOT, 5),), 5000, "")
ORDERED = OrderedJob(1, ROOT, 0, ORDER, JOB, 7)
CLAIM = Claim(ME, 1, ROOT, 0, ORDER, ROOT, ROOT, (Scores(1, 5, ROOT),), "")
DRAFT = Draft(CLAIM, JOB, b"\x09" * 32, 7)
ID = DRAFT.identifier
RECORD = ClaimRecord(ID, CLAIM, JOB, 0)
STATUS = ClaimStatus(ME, 100, 0, ORDER, 5000, 0, 0, ClaimState.STANDING)
CONDITIONS = Conditions(least_reward=5, least_time=60, least_credit=3, reserved_games=2)
ZERO = bytes(32)
AT = Position(ID, ME, OTHER, 0, Phase.TRACE, 0, 0, ZERO, ZERO, 0, ZERO, 0, 0, 0, 0, ZERO, ZERO, 0, 0, ZERO)


def view(claims=(), games=(), demands=(), committed=None, **changes):
    docket = Docket(
        claims={each.identifier: each for each in claims},
        games={each.identifier: each for each in games},
        demands={each.identifier: each for each in demands},
        commitments={} if committed is None else {(ME, DRAFT.commitment): committed},
    )
    made = AccountantView(
        now=200,
        address=ME,
        jobs=(),
        drafts=(),
        docket=docket,
        statuses={},
        rules=RULES,
        balance=1000,
        credit=0,
        price=0,
    )
    return replace(made, **changes)


def other_claim(state=ClaimState.STANDING, place=0):
    return ClaimRecord(bytes([place + 1]) * 32, replace(CLAIM, claimant=OTHER), JOB, place, state)


LATE = JOB.deadline + 1
FINAL, REFUTED = (replace(RECORD, state=state) for state in (ClaimState.FINAL, ClaimState.REFUTED))


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        (False, view()),
        (False, view(now=JOB.deadline)),
        (True, view(now=LATE)),
        (False, view(now=LATE, committed=LATE + 1)),
        (True, view(now=LATE, committed=LATE)),
        (False, view(claims=[RECORD], now=LATE)),
        (True, view(claims=[FINAL])),
        (True, view(claims=[FINAL], committed=LATE)),
        (False, view(claims=[REFUTED])),
        (True, view(claims=[REFUTED], now=LATE)),
        (True, view(claims=[other_claim(ClaimState.FINAL)])),
        (False, view(claims=[other_claim(ClaimState.FINAL)], committed=201)),
        (False, view(claims=[other_claim(ClaimState.FINAL), RECORD])),
        (False, view(claims=[other_claim()])),
    ],
)
def test_a_draft_is_over_when_no_bond_is_in_and_none_will_be_put_in(expected, seen):
    assert is_over(seen, DRAFT) is expected
    if expected:
        about = (Commit, Reveal, Retract, Finalize, Release, Work)
        decided = decide(replace(seen, drafts=(DRAFT,)), CONDITIONS)
        assert [each for each in decided if isinstance(each, about)] == []


def test_a_job_that_pays_is_done():
    assert decide(view(jobs=(ORDERED,)), CONDITIONS) == [Work(ORDERED)]


@pytest.mark.parametrize(
    "changes",
    [
        {"jobs": (replace(ORDERED, reward=4),)},
        {"jobs": (ORDERED,), "now": 4941},
        {"jobs": (ORDERED,), "given_up": frozenset({ORDER})},
        {"jobs": (ORDERED,), "claims": (other_claim(),)},
    ],
    ids=["too cheap", "too late", "given up", "claimed by another"],
)
def test_a_job_is_left(changes):
    assert decide(view(**changes), CONDITIONS) == []


def test_a_job_whose_claims_were_all_refuted_is_done_again():
    refuted = other_claim(ClaimState.REFUTED)

    assert decide(view(claims=(refuted,), jobs=(ORDERED,)), CONDITIONS) == [Work(ORDERED)]


def test_the_best_paid_job_comes_first():
    better = replace(ORDERED, transaction=ROOT, reward=9)

    assert decide(view(jobs=(ORDERED, better)), CONDITIONS) == [Work(better), Work(ORDERED)]


def needed(games):
    """A claim's bond, and gas for the defence in so many games at 3 wei."""
    return RULES.claim_bond + games * DEFENCE_GAS * 3


def poorest(seen, games):
    """What is bonded with all that `games` games ask for, and with a wei less."""
    rich = replace(seen, balance=needed(games), price=3)
    found = [decide(each, CONDITIONS) for each in (rich, replace(rich, balance=needed(games) - 1))]
    return [[each for each in actions if isinstance(each, Commit)] for actions in found]


def test_a_draft_is_bonded_while_gas_is_left_for_its_defence():
    seen = view(drafts=(DRAFT,), jobs=(ORDERED,))

    assert poorest(seen, games=2) == [[Commit(DRAFT)], []]


@pytest.mark.parametrize(("games", "reserved"), [(0, 2), (2, 2), (3, 3)])
def test_gas_is_kept_for_every_claim_and_every_game_that_goes_on(games, reserved):
    other = replace(DRAFT, claim=replace(CLAIM, transaction=ROOT))
    record = replace(RECORD, identifier=other.identifier, claim=other.claim)
    going = [GameRecord(bytes([each]) * 32, replace(AT, claim=record.identifier)) for each in range(games)]
    seen = view(
        claims=(record,), games=going, statuses={record.identifier: STATUS}, drafts=(DRAFT,), jobs=(ORDERED,)
    )

    assert poorest(seen, games=2 + reserved) == [[Commit(DRAFT)], []]


def test_gas_is_kept_for_a_claim_that_is_bonded_and_hidden():
    other = replace(DRAFT, claim=replace(CLAIM, transaction=ROOT))
    jobs = (ORDERED, replace(ORDERED, transaction=ROOT))
    seen = view(drafts=(DRAFT, other), jobs=jobs, committed=300)

    assert poorest(seen, games=4) == [[Commit(other)], []]


def test_a_committed_draft_is_revealed_and_not_bonded_again():
    assert decide(view(drafts=(DRAFT,), jobs=(ORDERED,), committed=300), CONDITIONS) == [Reveal(DRAFT)]


MOVED = replace(ORDERED, batch_commitment=b"\x04" * 32, index=3)
RENEWED = replace(DRAFT, claim=replace(CLAIM, batch_commitment=b"\x04" * 32, index=3))


@pytest.mark.parametrize("changes", [{"index": 1}, {"batch": 2}])
def test_a_draft_is_renewed_where_only_its_place_changed(changes):
    """A reorg can swap forced records: their batch's commitment says nothing of L1's queue."""
    moved = replace(ORDERED, **changes)

    assert decide(view(drafts=(DRAFT,), jobs=(moved,)), CONDITIONS) == [Renew(DRAFT, moved)]


def test_a_draft_for_a_place_that_its_job_has_left_is_made_anew_and_never_bonded():
    assert decide(view(drafts=(DRAFT,), jobs=(MOVED,)), CONDITIONS) == [Renew(DRAFT, MOVED)]
    assert decide(view(drafts=(DRAFT,), jobs=()), CONDITIONS) == []


def test_a_bond_behind_a_place_that_its_job_has_left_is_taken_back():
    bonded = view(drafts=(DRAFT,), committed=300)

    assert decide(replace(bonded, jobs=(MOVED,)), CONDITIONS) == [Retract(DRAFT), Renew(DRAFT, MOVED)]
    assert decide(bonded, CONDITIONS) == [Retract(DRAFT)]
    both = replace(bonded, jobs=(MOVED,), drafts=(RENEWED, DRAFT))
    assert decide(both, CONDITIONS) == [Retract(DRAFT), Commit(RENEWED)]


def test_a_claim_that_was_revealed_is_not_made_anew():
    seen = view(claims=(RECORD,), drafts=(DRAFT,), jobs=(MOVED,), statuses={ID: STATUS})

    assert decide(seen, CONDITIONS) == []


def test_a_commitment_for_a_settled_or_late_job_is_taken_back():
    settled = view(claims=(other_claim(ClaimState.FINAL),), drafts=(DRAFT,), committed=300)
    late = view(drafts=(DRAFT,), committed=6000, now=5001)

    assert (decide(settled, CONDITIONS), decide(late, CONDITIONS)) == ([Retract(DRAFT)], [Retract(DRAFT)])


def test_an_unopened_commitment_that_expired_is_given_up():
    assert decide(view(drafts=(DRAFT,), committed=200), CONDITIONS) == []


@pytest.mark.parametrize(("now", "final"), [(1099, False), (1100, True)])
def test_a_claim_is_finalized_once_its_window_is_over(now, final):
    seen = view(claims=(RECORD,), statuses={ID: STATUS}, drafts=(DRAFT,), now=now)

    assert decide(seen, CONDITIONS) == ([Finalize(RECORD)] if final else [])


@pytest.mark.parametrize("contested", [{"games": 1}, {"demands": 1}])
def test_a_contested_claim_is_not_finalized(contested):
    status = replace(STATUS, **contested)

    assert decide(view(claims=(RECORD,), statuses={ID: status}, now=1100), CONDITIONS) == []


def test_a_claim_waits_for_earlier_ones_and_is_released_behind_a_final_one():
    second = replace(RECORD, place=1)
    behind = view(claims=(other_claim(), second), statuses={ID: STATUS}, now=1100)
    beaten = view(claims=(other_claim(ClaimState.FINAL), second), statuses={ID: STATUS}, now=1100)

    assert (decide(behind, CONDITIONS), decide(beaten, CONDITIONS)) == ([], [Release(second)])


@pytest.mark.parametrize(
    ("place", "advanced", "missing"),
    [(255, 0, []), (256, 0, [0]), (256, 1, []), (767, 1, [1]), (768, 0, [0, 1, 2]), (768, 3, [])],
)
def test_words_of_passed_claims_are_counted_before_a_claim_is_finalized(place, advanced, missing):
    record, refuted = replace(RECORD, place=place), other_claim(ClaimState.REFUTED)
    seen = view(claims=(refuted, record), statuses={ID: STATUS}, now=1100)
    seen.docket.words[ORDER] = advanced

    steps = [Advance(record, word) for word in missing]
    assert decide(seen, CONDITIONS) == (steps or [Finalize(record)])


def test_a_claim_does_not_wait_for_earlier_ones_that_were_released():
    record, released = replace(RECORD, place=1), other_claim(ClaimState.RELEASED)
    seen = view(claims=(released, record), statuses={ID: STATUS}, now=1100)

    assert decide(seen, CONDITIONS) == [Finalize(record)]


def test_a_claim_that_can_no_longer_become_final_is_released():
    assert decide(view(claims=(RECORD,), statuses={ID: STATUS}, now=14_000), CONDITIONS) == [Release(RECORD)]


def test_games_and_demands_come_before_everything_else():
    game, demand = GameRecord(ROOT, AT), DemandRecord(ROOT, Demand(ID, 0, 0, 0, 1), OTHER, 201)
    seen = view(
        claims=(RECORD,),
        games=(game,),
        demands=(demand,),
        jobs=(replace(ORDERED, transaction=ROOT),),
        credit=3,
    )

    assert decide(seen, CONDITIONS) == [
        Defend(game), Answer(demand), Withdraw(), Work(replace(ORDERED, transaction=ROOT)),
    ]  # fmt: skip


def test_a_hidden_claim_is_revealed_before_any_game_is_played():
    other = replace(DRAFT, claim=replace(CLAIM, transaction=ROOT))
    jobs = (ORDERED, replace(ORDERED, transaction=ROOT))
    record = replace(RECORD, identifier=other.identifier, claim=other.claim)
    game = GameRecord(ROOT, replace(AT, claim=record.identifier))
    seen = view(claims=(record,), games=(game,), drafts=(other, DRAFT), jobs=jobs, committed=300)

    assert decide(seen, CONDITIONS) == [Reveal(DRAFT), Defend(game)]


def test_a_demand_that_is_overdue_is_not_answered():
    demand = DemandRecord(ROOT, Demand(ID, 0, 0, 0, 1), OTHER, 200)

    assert decide(view(claims=(RECORD,), demands=(demand,)), CONDITIONS) == []


def test_a_demand_is_answered_whatever_its_fee_and_however_little_is_left():
    """An answer may cost more gas than the fee brings; silence would cost the bond."""
    demand = DemandRecord(ROOT, Demand(ID, 0, 0, 0, 1), OTHER, 201)
    poor = view(claims=(RECORD,), demands=(demand,), balance=1, rules=replace(RULES, demand_fee=0))

    assert decide(poor, CONDITIONS) == [Answer(demand)]


@pytest.mark.parametrize(("least", "kept"), [(60, 30), (61, 30), (0, 0)])
def test_half_of_the_time_with_which_a_job_is_begun_at_least_is_kept_for_its_claim(least, kept):
    assert Conditions(least_time=least).claim_time == kept


def test_what_an_action_is_about_tells_it_from_others():
    demands = [DemandRecord(bytes([n]) * 32, Demand(ID, n, 0, 0, 1), OTHER, 201) for n in (1, 2)]
    actions = [
        Work(ORDERED), Renew(DRAFT, ORDERED), Commit(DRAFT), Reveal(DRAFT), Retract(DRAFT),
        *map(Answer, demands), Finalize(RECORD), Advance(RECORD, 0), Advance(RECORD, 1),
        Release(RECORD), Withdraw(),
    ]  # fmt: skip
    keys, names = zip(*map(subject, actions), strict=True)

    assert len(set(keys)) == len(actions)
    assert (names[0], names[5]) == (f"job 0x{'03' * 32}", f"Answer, claim 0x{ID.hex()}")
