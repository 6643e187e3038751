from dataclasses import replace

import pytest

from anh_rollup.challenger.actions import (
    Ask,
    Attack,
    Examine,
    Expire,
    Leave,
    Open,
    Reclaim,
    Refute,
    RefuteUnanswered,
    Withdraw,
    subject,
)
from anh_rollup.challenger.examine import Verdict
from anh_rollup.challenger.strategy import Budget, ChallengerView, decide
from anh_rollup.l1.contracts.claims import Answered, ClaimRules, ClaimState, ClaimStatus, Demand
from anh_rollup.l1.contracts.game import GameOutcome
from anh_rollup.l1.docket import ClaimRecord, DemandRecord, Docket, GameRecord
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.game import Phase, Position
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.protocol.refutations import OpenGame, RefuteThreshold

ME, LIAR = "0x" + "11" * 20, "0x" + "22" * 20
ID = b"\x01" * 32
ROOT = b"\x02" * 32
RULES = ClaimRules(
    window=1000, clock=500, reveal_window=100, settlement=9000, claim_bond=100, challenge_bond=10,
    demand_fee=1, prize_share_bps=5000,
)  # fmt: skip
JOB = Job(JobKind.TRAINING, ROOT, bytes(32), (Property(ROOT, ROOT, 5),), 5000, "")
CLAIM = ClaimRecord(ID, Claim(LIAR, 1, ROOT, 0, ROOT, ROOT, ROOT, (Scores(1, 5, ROOT),), ""), JOB, 0)
STATUS = ClaimStatus(LIAR, 100, 0, ROOT, 5000, 0, 0, ClaimState.STANDING)
BUDGET = Budget(most_bonds=100, gas_reserve=50, most_attempts=2, least_credit=1)
WRONG = OpenGame(0, None)


def position(challenger=ME):
    zero = bytes(32)
    return Position(
        ID, LIAR, challenger, 0, Phase.TRACE, 0, 0, zero, zero, 0, zero, 0, 0, 0, 0, zero, zero, 0, 0, zero
    )


def game(outcome=None, challenger=ME, number=0):
    return GameRecord(bytes([number]) * 32, position(challenger), (), outcome)


def view(verdict=None, games=(), demands=(), commitments=None, **changes):
    claim = changes.pop("claim", CLAIM)
    docket = Docket(
        claims={ID: claim},
        games={each.identifier: each for each in games},
        demands={each.identifier: each for each in demands},
        commitments=commitments or {},
    )
    made = ChallengerView(
        now=200, address=ME, docket=docket,
        statuses={ID: STATUS} if claim.state == ClaimState.STANDING else {},
        verdicts={} if verdict is None else {ID: verdict}, rules=RULES, balance=1000, credit=0,
    )  # fmt: skip
    return replace(made, **changes)


def test_a_claim_without_a_verdict_is_examined():
    assert decide(view(), BUDGET) == [Examine(CLAIM)]


def test_a_good_claim_is_left_alone():
    assert decide(view(Verdict()), BUDGET) == []


def test_an_own_claim_is_not_examined():
    assert decide(view(address=LIAR), BUDGET) == []


def test_a_claim_that_one_call_refutes_is_refuted_by_it():
    call = RefuteThreshold(CLAIM.claim, JOB, 0)

    assert decide(view(Verdict(call)), BUDGET) == [Refute(CLAIM, call)]


def test_a_wrong_claim_gets_one_game():
    assert decide(view(Verdict(WRONG)), BUDGET) == [Open(CLAIM, WRONG, 0)]
    assert decide(view(Verdict(WRONG), [game()]), BUDGET) == [Attack(game())]


def test_games_of_others_do_not_count():
    others = game(challenger=LIAR)

    assert decide(view(Verdict(WRONG), [others]), BUDGET) == [Open(CLAIM, WRONG, 0)]


def test_a_game_lost_on_time_is_tried_again_but_not_for_ever():
    late = [game(GameOutcome.CHALLENGER_LATE, number=number) for number in range(2)]

    assert decide(view(Verdict(WRONG), late[:1]), BUDGET) == [Open(CLAIM, WRONG, 1)]
    assert decide(view(Verdict(WRONG), late), BUDGET) == []


@pytest.mark.parametrize(("now", "opens"), [(1099, True), (1100, False)])
def test_games_are_opened_before_the_window_ends(now, opens):
    assert bool(decide(view(Verdict(WRONG), now=now), BUDGET)) is opens


@pytest.mark.parametrize(("balance", "opens"), [(60, True), (59, False)])
def test_a_game_is_opened_only_with_gas_left_to_finish_it(balance, opens):
    assert bool(decide(view(Verdict(WRONG), balance=balance), BUDGET)) is opens


def test_a_spent_budget_opens_nothing():
    assert decide(view(Verdict(WRONG)), replace(BUDGET, most_bonds=9)) == []


def test_missing_data_is_demanded_once():
    pieces = (Demand(ID, 0, 0, 0, 32), Demand(ID, 1, 0, 0, 32))
    asked = DemandRecord(b"\x07" * 32, pieces[0], LIAR, 900)

    assert decide(view(Verdict(missing=pieces)), BUDGET) == [Ask(pieces[0]), Ask(pieces[1])]
    assert decide(view(Verdict(missing=pieces), demands=[asked]), BUDGET) == [Ask(pieces[1])]


def pieces(count):
    return tuple(Demand(ID, leaf, 0, 0, 32) for leaf in range(count))


def asked(piece, demander=ME, number=0):
    return DemandRecord(bytes([number]) * 32, piece, demander, 900)


def test_the_prize_is_the_most_that_goes_into_fees():
    """A claim bond of 100, half of which is the prize, and a fee of 1."""
    assert decide(view(Verdict(missing=pieces(50))), BUDGET) == [Ask(each) for each in pieces(50)]
    assert decide(view(Verdict(missing=pieces(51))), BUDGET) == [Ask(pieces(51)[0]), Leave(CLAIM, 51, 50)]


@pytest.mark.parametrize(
    ("most", "decided"),
    [
        (3, [Ask(each) for each in pieces(3)]),
        (2, [Ask(pieces(3)[0]), Leave(CLAIM, 3, 2)]),
        (0, [Leave(CLAIM, 3, 0)]),
    ],
)
def test_another_limit_on_the_fees_can_be_set(most, decided):
    budget = replace(BUDGET, most_demand_fees=most)

    assert decide(view(Verdict(missing=pieces(3))), budget) == decided


def test_what_was_spent_already_counts_against_the_limit():
    budget, own = replace(BUDGET, most_demand_fees=3), [asked(pieces(1)[0])]
    rest = [Ask(each) for each in pieces(3)[1:]]

    assert decide(view(Verdict(missing=pieces(3)), demands=own), budget) == rest
    assert decide(view(Verdict(missing=pieces(4)), demands=own), budget) == [Leave(CLAIM, 4, 3)]


def test_what_others_ask_for_costs_nothing():
    budget, theirs = replace(BUDGET, most_demand_fees=3), [asked(pieces(1)[0], LIAR)]
    rest = [Ask(each) for each in pieces(4)[1:]]

    assert decide(view(Verdict(missing=pieces(4)), demands=theirs), budget) == rest


def test_demands_for_one_claim_leave_the_limit_of_another_alone():
    elsewhere = DemandRecord(b"\x07" * 32, Demand(ROOT, 0, 0, 0, 32), ME, 900)
    budget = replace(BUDGET, most_demand_fees=3)
    wanted = [Ask(each) for each in pieces(3)]

    assert decide(view(Verdict(missing=pieces(3)), demands=[elsewhere]), budget) == wanted


# --- fees that never come back

EARLIER = b"\x09" * 32


def bought(count, state=ClaimState.FINAL, refuter=""):
    """A view with own demands about an earlier claim, all of them answered, and a withheld result of two."""
    seen = view(Verdict(missing=pieces(2)))
    seen.docket.claims[EARLIER] = replace(CLAIM, identifier=EARLIER, state=state, refuter=refuter)
    for number in range(count):
        identifier, demand = b"\x08" + bytes([number]) * 31, Demand(EARLIER, number, 0, 0, 32)
        seen.docket.demands[identifier] = DemandRecord(identifier, demand, ME, 900, False, True)
    return seen


@pytest.mark.parametrize(
    ("lost", "decided"),
    [
        (198, [Ask(each) for each in pieces(2)]),
        (199, [Ask(pieces(2)[0]), Leave(CLAIM, 2, 1)]),
        (200, [Leave(CLAIM, 2, 0)]),
    ],
)
def test_sellers_of_true_results_earn_four_prizes_at_most(lost, decided):
    """Each prize is 50, and so are 50 fees; no claim for itself costs that much."""
    assert decide(bought(lost), BUDGET) == decided


def test_another_limit_on_what_is_lost_can_be_set():
    budget = replace(BUDGET, most_lost_fees=7)

    assert decide(bought(5), budget) == [Ask(each) for each in pieces(2)]
    assert decide(bought(7), budget) == [Leave(CLAIM, 2, 0)]


def test_fees_for_a_claim_whose_bond_was_won_are_not_lost():
    budget = replace(BUDGET, most_lost_fees=7)

    assert decide(bought(7, ClaimState.REFUTED, ME), budget) == [Ask(each) for each in pieces(2)]
    assert decide(bought(7, ClaimState.REFUTED, LIAR), budget) == [Leave(CLAIM, 2, 0)]


def test_demands_that_may_yet_be_answered_count_and_returned_fees_do_not():
    budget, seen = replace(BUDGET, most_lost_fees=7), bought(7)
    returned = {key: replace(each, is_answered=False) for key, each in seen.docket.demands.items()}
    seen.docket.demands = returned
    assert decide(seen, budget) == [Ask(each) for each in pieces(2)]

    seen.docket.demands = {key: replace(each, is_open=True) for key, each in returned.items()}
    assert Leave(CLAIM, 2, 0) in decide(seen, budget)


def test_two_claims_in_one_round_share_what_may_be_lost():
    other = replace(CLAIM, identifier=EARLIER)
    seen = view(Verdict(missing=pieces(2)))
    seen.docket.claims[EARLIER] = other
    wanted = tuple(replace(each, claim=EARLIER) for each in pieces(2))
    both = {ID: Verdict(missing=pieces(2)), EARLIER: Verdict(missing=wanted)}
    seen = replace(seen, statuses={ID: STATUS, EARLIER: STATUS}, verdicts=both)

    assert decide(seen, replace(BUDGET, most_lost_fees=3)) == [
        *(Ask(each) for each in pieces(2)), Ask(wanted[0]), Leave(other, 2, 1),
    ]  # fmt: skip


def test_a_claim_that_is_begun_is_gone_on_with():
    own = [asked(pieces(3)[0])]
    assert decide(view(Verdict(missing=pieces(3)), demands=own), replace(BUDGET, most_lost_fees=3)) == [
        Ask(each) for each in pieces(3)[1:]
    ]


def answer(number):
    return Answered(ID, bytes([number]) * 32, pieces(9)[number], None, None)


def test_each_new_answer_is_looked_at():
    verdict = Verdict(missing=pieces(2), answers=1)
    quiet, told = view(verdict, now=900), view(verdict, now=900)
    quiet.docket.answers.append(answer(0))
    told.docket.answers.extend([answer(0), answer(1)])

    assert (decide(quiet, BUDGET), decide(told, BUDGET)) == ([], [Examine(CLAIM)])


def test_answers_to_strangers_are_no_reason_to_examine_a_judged_claim_again():
    seen = view(Verdict())
    seen.docket.answers.append(answer(0))

    assert decide(seen, BUDGET) == []


def test_a_claim_that_is_examined_now_is_not_examined_twice():
    assert decide(view(examining=frozenset({ID})), BUDGET) == []


def test_what_an_action_is_about_tells_it_from_others():
    actions = [
        Examine(CLAIM), Open(CLAIM, WRONG, 0), Attack(game(number=1)), Attack(game(number=2)),
        Ask(pieces(2)[0]), Ask(pieces(2)[1]), Expire(LIAR, ROOT), Expire(ME, ROOT), Withdraw(),
        Refute(CLAIM, RefuteThreshold(CLAIM.claim, JOB, 0)), Leave(CLAIM, 1, 2), Reclaim(asked(pieces(1)[0])),
        RefuteUnanswered(asked(pieces(1)[0])),
    ]  # fmt: skip
    keys, names = zip(*map(subject, actions), strict=True)

    assert len(set(keys)) == len(actions)
    assert names[2] == f"Attack in game 0x{'01' * 32}, claim 0x{'01' * 32}"
    assert names[4] == f"Ask, claim 0x{'01' * 32}"


def test_nothing_is_demanded_in_the_second_half_of_the_window():
    assert decide(view(Verdict(missing=(Demand(ID, 0, 0, 0, 32),)), now=600), BUDGET) == []


def test_an_unanswered_demand_of_anybody_refutes_the_claim_once_it_is_due():
    demands = [DemandRecord(bytes([n]) * 32, Demand(ID, n, 0, 0, 1), LIAR, 300) for n in (1, 2)]

    assert decide(view(Verdict(), demands=demands, now=299), BUDGET) == []
    assert decide(view(Verdict(), demands=demands, now=300), BUDGET) == [RefuteUnanswered(demands[0])]


def test_the_fee_of_an_own_demand_over_a_refuted_claim_is_taken_back():
    demand = DemandRecord(b"\x07" * 32, Demand(ID, 0, 0, 0, 1), ME, 300)
    refuted = replace(CLAIM, state=ClaimState.REFUTED)

    assert decide(view(Verdict(), demands=[demand], claim=refuted), BUDGET) == [Reclaim(demand)]


def test_forfeit_commitments_of_others_are_ended():
    commitments = {(LIAR, ROOT): 199, (ME, ROOT): 199, (LIAR, ID): 200}

    assert decide(view(Verdict(), commitments=commitments), BUDGET) == [Expire(LIAR, ROOT)]


def test_credit_is_withdrawn():
    assert decide(view(Verdict(), credit=1), BUDGET) == [Withdraw()]
