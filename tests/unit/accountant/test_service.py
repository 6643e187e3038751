"""An accountant defends all other claims and does all other jobs, whatever one of them does to it."""

import struct
import threading
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest

from anh_rollup.accountant import service
from anh_rollup.accountant.actions import (
    Advance,
    Answer,
    Commit,
    Defend,
    Finalize,
    Reveal,
    Withdraw,
    Work,
    subject,
)
from anh_rollup.accountant.answers import answer_from_model
from anh_rollup.accountant.conduct import HONEST
from anh_rollup.accountant.drafts import Draft, DraftCorruptError
from anh_rollup.accountant.service import Accountant
from anh_rollup.accountant.work import ClaimRefutableError, ThresholdMissedError, Worker
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.turns import TurnLostError
from anh_rollup.l1.contracts.claims import Demand
from anh_rollup.l1.docket import ClaimRecord, DemandRecord, Docket, GameRecord
from anh_rollup.l1.errors import L1UnreachableError, TransientL1Error
from anh_rollup.l1.sender import MOST_IN_FLIGHT
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.game import Phase, Position
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.protocol.orders import OrderedJob
from anh_rollup.storage.errors import ArtifactMissingError
from anh_rollup.training.errors import TrainingError
from tests.doubles.claimed import training_case

ROOT = b"\x01" * 32
ME = "0x" + "22" * 20
JOB = Job(JobKind.TRAINING, ROOT, bytes(32), (Property(ROOT, ROOT, 5),), 5000, "")
CLAIM = Claim(ME, 1, ROOT, 0, ROOT, ROOT, ROOT, (Scores(1, 5, ROOT),), "")
RECORD = ClaimRecord(ROOT, CLAIM, JOB, 0)
FIRST, SECOND = (OrderedJob(1, ROOT, n, bytes([n]) * 32, JOB, 9) for n in (1, 2))
BREAKING = [IndexError, MemoryError, RecursionError, ValueError, struct.error, KeyError, AssertionError]


def game(number):
    zero = bytes(32)
    at = Position(ROOT, ME, ME, 0, Phase.TRACE, 0, 0, zero, zero, 0, zero, 0, 0, 0, 0, zero, zero, 0, 0, zero)
    return GameRecord(bytes([number]) * 32, at)


def demand(number):
    return DemandRecord(bytes([number]) * 32, Demand(ROOT, number, 0, 0, 32), ME, 900)


STEPS = [
    Defend(game(1)), Defend(game(2)), Answer(demand(1)), Answer(demand(2)), Finalize(RECORD), Withdraw(),
    Commit(Draft(CLAIM, JOB, ROOT, 9)),
]  # fmt: skip


class RateLimitedError(TransientL1Error):
    def __init__(self):
        super().__init__("429", remedy="Wait.")


class NoDrafts:
    """Drafts of an accountant that keeps none; a test may say what else loading does."""

    def __init__(self, load=lambda _transaction: None):
        self.load, self.attempts = (
            load,
            SimpleNamespace(
                begin=lambda _transaction: None, end=lambda _transaction: None, tell=lambda: None
            ),
        )


def accountant(monkeypatch, decided, drafts=None):
    """An accountant that decides what a test says."""
    view = SimpleNamespace(jobs=(FIRST, SECOND))
    monkeypatch.setattr(Accountant, "look", lambda _self: view)
    monkeypatch.setattr(service, "decide", lambda _view, _conditions: decided)
    monkeypatch.setattr(Accountant, "_begin", begin_known)
    return Accountant(None, None, None, None, drafts or NoDrafts())


def begin_known(one, action):
    """Prepares a call for which nothing has to be evaluated."""
    work = partial(one._preparations.keep, action, 0, partial(one.call, action))
    one._preparations.begin(action, subject(action)[1], work)


def acting(monkeypatch, name, fails, error):
    """Makes one piece of work fail; what was done of the others."""
    done = []

    def act(_self, item):
        if item == fails:
            raise error
        done.append(item)

    monkeypatch.setattr(Accountant, name, act)
    return done


@pytest.mark.parametrize("error", [RateLimitedError, *BREAKING])
@pytest.mark.parametrize("fails", STEPS, ids=lambda action: type(action).__name__)
def test_an_action_that_fails_stops_no_other(monkeypatch, fails, error):
    one = accountant(monkeypatch, STEPS)
    done = acting(monkeypatch, "call", fails, error())

    assert one.defend() == STEPS
    assert sorted(done, key=repr) == sorted((each for each in STEPS if each != fails), key=repr)


def test_what_is_on_l1_is_logged(monkeypatch, caplog):
    one = accountant(monkeypatch, [Withdraw()])
    one.chain = SimpleNamespace(send_all=lambda calls: [None] * len(calls))
    monkeypatch.setattr(Accountant, "call", lambda _self, action: ("call", action))
    with caplog.at_level("INFO"):
        one.defend()

    assert caplog.messages == ["Withdraw: on L1"]


def test_what_heals_is_tried_in_the_next_round_and_what_breaks_later(monkeypatch, caplog):
    both = [Finalize(RECORD), Withdraw()]
    one = accountant(monkeypatch, both)
    acting(monkeypatch, "call", both[0], RateLimitedError())

    assert (one.defend(), one.defend()) == (both, both)
    acting(monkeypatch, "call", both[0], IndexError("9"))
    assert [one.defend() for _ in range(3)] == [both, both[1:], both]
    assert caplog.messages[2] == (
        f"Finalize, claim 0x{'01' * 32}: unexpected IndexError (9); next: report it with this trace, the "
        "others go on. It is tried again in 2 rounds."
    )


def test_a_move_that_cannot_be_prepared_is_tried_again_like_any_other_action(monkeypatch, caplog):
    one = accountant(monkeypatch, STEPS[:1])
    tried = []

    def call(_self, action):
        tried.append(action)
        raise RateLimitedError if len(tried) == 1 else IndexError("9")

    monkeypatch.setattr(Accountant, "call", call)
    for _ in range(4):
        one.defend()

    name = f"Defend in game 0x{'01' * 32}, claim 0x{'01' * 32}"
    assert tried == STEPS[:1] * 3
    assert caplog.messages[0] == f"{name}: 429; next: Wait. It is tried again in the next round."
    assert caplog.messages[1:] == [
        f"{name}: unexpected IndexError (9); next: report it with this trace, the others go on. "
        f"It is tried again in {rounds} rounds."
        for rounds in (2, 4)
    ]


def test_an_error_that_no_time_heals_is_tried_ever_more_rarely(monkeypatch):
    one = accountant(monkeypatch, [Withdraw()])
    acting(monkeypatch, "call", Withdraw(), ArtifactMissingError("model", ROOT, "here"))

    assert [len(one.defend()) for _ in range(7)] == [1, 0, 1, 0, 0, 0, 1]


def held_up(monkeypatch, decided):
    """An accountant whose preparations wait until a test lets them go."""
    released = threading.Event()
    one = accountant(monkeypatch, decided)
    one.chain, one.patience = GroupChain(), 0.05

    def call(_self, action):
        if isinstance(action, service.PREPARED):
            released.wait(10)
        return "call", action

    monkeypatch.setattr(Accountant, "call", call)
    return one, released


def test_hidden_claims_are_announced_before_anything_is_computed(monkeypatch):
    reveal, defend, withdraw = Reveal(Draft(CLAIM, JOB, ROOT, 9)), Defend(game(1)), Withdraw()
    one, released = held_up(monkeypatch, [defend, withdraw, reveal])

    assert one.defend() == [defend, withdraw, reveal]
    sent = [[action for _, action in group] for group in one.chain.groups]
    assert sent == [[reveal], [withdraw]]
    released.set()


def test_a_move_is_sent_once_it_is_ready_and_no_round_waits_for_it(monkeypatch):
    defend = Defend(game(1))
    one, released = held_up(monkeypatch, [defend])
    one.defend()
    assert one.chain.groups == []
    released.set()
    one._preparations.wait(10)
    one.defend()

    assert one.chain.groups == [[("call", defend)]]


def test_moves_about_one_sample_are_prepared_one_after_the_other(monkeypatch):
    """A trace that is too large to stay beside another one serves all of them."""
    about = [replace(game(n), position=replace(game(n).position, sample=n % 2)) for n in range(4)]
    begun = []
    one = accountant(monkeypatch, [Defend(each) for each in about])
    monkeypatch.setattr(Accountant, "_begin", lambda _self, action: begun.append(action.game))
    one.defend()

    assert begun == [about[0], about[2], about[1], about[3]]


def test_a_move_for_a_position_that_is_left_is_not_sent(monkeypatch):
    first, second = Defend(game(1)), Defend(replace(game(1), position=replace(game(1).position, sample=7)))
    decided = [first]
    one, released = held_up(monkeypatch, decided)
    one.defend()
    decided[:] = [second]
    released.set()
    one._preparations.wait(10)
    one.defend()

    assert one.chain.groups == [[("call", second)]]


def test_a_chain_that_is_gone_ends_the_round(monkeypatch):
    def look(_self):
        raise L1UnreachableError("l1", 3, "refused")

    monkeypatch.setattr(Accountant, "look", look)

    with pytest.raises(L1UnreachableError):
        Accountant(None, None, None, None, NoDrafts()).defend()


@pytest.mark.parametrize(
    "error",
    [
        ThresholdMissedError(JobKind.TRAINING, 0, 4, 5),
        TrainingError("the deadline came after epoch 4"),
        *[each() for each in BREAKING],
    ],
    ids=repr,
)
def test_a_job_that_fails_is_given_up_and_the_next_one_done(monkeypatch, error):
    one = accountant(monkeypatch, [Work(FIRST), Work(SECOND)])
    done = acting(monkeypatch, "perform", FIRST, error)
    one.defend()

    assert [one.work() for _ in range(3)] == [True, True, True]
    assert done == [SECOND, SECOND]
    assert one._working.ended == {FIRST.transaction}


def test_a_given_up_job_is_forgotten_once_its_reward_waits_no_more(monkeypatch):
    one = accountant(monkeypatch, [Work(FIRST)])
    acting(monkeypatch, "perform", FIRST, ValueError())
    one.defend()
    one.work()
    one._view.jobs = (SECOND,)
    monkeypatch.setattr(service, "decide", lambda _view, _conditions: [])

    assert (one._working.ended, one.work(), one._working.ended) == ({FIRST.transaction}, False, frozenset())


@pytest.mark.parametrize(
    "error",
    [ArtifactMissingError("program", ROOT, "here"), TurnLostError(9)],
    ids=lambda each: type(each).__name__,
)
def test_a_job_that_waits_for_artifacts_or_a_turn_is_tried_again_later(monkeypatch, error):
    one = accountant(monkeypatch, [Work(FIRST)])
    acting(monkeypatch, "perform", FIRST, error)
    one.defend()

    assert [one.work() for _ in range(4)] == [True, False, True, False]
    assert one._working.ended == frozenset()


def test_a_job_with_a_draft_is_not_done_again_and_holds_up_no_other(monkeypatch):
    drafts = NoDrafts(lambda transaction: "a draft" if transaction == FIRST.transaction else None)
    one = accountant(monkeypatch, [Work(FIRST), Work(SECOND)], drafts)
    done = acting(monkeypatch, "perform", None, None)
    one.defend()
    one.work()

    assert done == [SECOND]


def test_a_corrupt_draft_is_not_buried_under_a_new_one(monkeypatch):
    def load(transaction):
        raise DraftCorruptError(transaction, "no JSON")

    one = accountant(monkeypatch, [Work(FIRST)], NoDrafts(load))
    done = acting(monkeypatch, "perform", None, None)
    one.defend()

    assert not one.work()
    assert done == []


def test_nothing_is_worked_on_before_the_first_look(monkeypatch):
    assert not accountant(monkeypatch, [Work(FIRST)]).work()


class StubChain:
    """A chain on which one claim stands."""

    def __init__(self, record):
        self.docket = Docket(claims={record.identifier: record})
        claims = SimpleNamespace(request=lambda name, *given: (name, given))
        self.contracts = SimpleNamespace(claims=claims)


@pytest.fixture
def defending(tmp_path):
    """An accountant whose claim somebody demands data of."""
    case = training_case(tmp_path)
    case.ours.put_model(case.model)
    record = ClaimRecord(ROOT, case.claim, case.job, 0)
    worker = Worker(case.ours, ReferenceEvaluator(), None, None)
    return case, Accountant(StubChain(record), None, None, worker, NoDrafts())


@pytest.mark.parametrize("leaf", [0, 1, 900])
def test_every_demand_is_answered_with_what_the_result_has(defending, leaf):
    case, one = defending
    asked = Demand(ROOT, leaf, 0, 0, 32)

    assert one.call(Answer(DemandRecord(ROOT, asked, ME, 900))) == (
        "answer", ("answer", (case.claim, case.job, asked, *answer_from_model(asked, case.model))),
    )  # fmt: skip


def test_earlier_claims_are_passed_by_the_job_of_the_own_one(defending):
    case, one = defending
    one.chain.contracts.claims.advance = lambda transaction: ("advance", transaction)
    called = one.call(Advance(one.chain.docket.claims[ROOT], 0))

    assert called == ("advance", ("advance", case.claim.transaction))


def test_a_drill_that_answers_nothing_sends_nothing(defending):
    _, one = defending
    one.conduct = replace(HONEST, answers=False)

    assert one.call(Answer(demand(1))) is None


def test_a_claim_is_examined_as_by_a_challenger_before_it_is_bonded(defending):
    case, one = defending
    one.order, one.chain.l2_chain_id = case.order, L2_CHAIN_ID
    case.ours.put_dataset(case.dataset)

    one.require_defensible(case.claim, case.job)
    with pytest.raises(ClaimRefutableError, match="refutePlace"):
        one.require_defensible(replace(case.claim, index=1), case.job)
    short = replace(case.claim.scores[0], count=1)
    with pytest.raises(ClaimRefutableError, match="refuteCount"):
        one.require_defensible(replace(case.claim, scores=(short,)), case.job)


def test_games_wait_in_a_thread_for_the_evaluation_that_all_of_them_need(defending, monkeypatch):
    """After a restart nothing is evaluated; doing that in a round would hold up the other games."""
    case, one = defending
    case.ours.put_dataset(case.dataset)
    threads, asked, seen = [], [], []
    one.chain.client = SimpleNamespace(head=lambda: SimpleNamespace(time=0))
    one.chain.view = lambda game, _now: game
    evaluate = Worker.evaluated

    def evaluated(self, *given, **how):
        threads.append(threading.current_thread() is threading.main_thread())
        asked.append(how)
        return evaluate(self, *given, **how)

    monkeypatch.setattr(Worker, "evaluated", evaluated)
    monkeypatch.setattr(service, "decide_accountant", lambda game, found: seen.append((game, found)))
    games = [Defend(game(1)), Defend(game(2))]
    for _ in range(2):
        one._prepare_all(games)
        one._preparations.wait(10)

    assert {each.identifier for each, _ in seen} == {each.game.identifier for each in games}
    assert {found.scores.root for _, found in seen} == {case.evaluated.scores.root}
    assert (set(threads), all(how == {"urgent": True} for how in asked)) == ({False}, True)


class GroupChain:
    """A chain that keeps the groups of calls that are sent, and gives the same outcome to all of each."""

    def __init__(self, outcome=None):
        self.groups, self.outcome = [], outcome

    def send_all(self, calls):
        self.groups.append(calls)
        if isinstance(self.outcome, L1UnreachableError):
            raise self.outcome
        return [self.outcome] * len(calls)


GAMES = [Defend(game(number)) for number in range(MOST_IN_FLIGHT + 2)]


def flooded(monkeypatch, outcome=None):
    """An accountant with more games than a group has moves, on a chain with this outcome."""
    one = accountant(monkeypatch, GAMES)
    monkeypatch.setattr(Accountant, "call", lambda _self, action: ("move", action))
    one.chain = GroupChain(outcome)
    return one


def test_moves_are_sent_in_groups(monkeypatch):
    one = flooded(monkeypatch)

    assert one.defend() == GAMES
    assert [[move for _, move in group] for group in one.chain.groups] == [
        GAMES[:MOST_IN_FLIGHT], GAMES[MOST_IN_FLIGHT:],
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", [RateLimitedError(), L1UnreachableError("l1", 3, "refused")], ids=repr)
def test_moves_that_did_not_land_are_told_and_made_again(monkeypatch, caplog, outcome):
    one = flooded(monkeypatch, outcome)

    assert (one.defend(), one.defend()) == (GAMES, GAMES)
    assert len(caplog.messages) == 2 * len(GAMES)
    assert caplog.messages[0] == (
        f"Defend in game 0x{'00' * 32}, claim 0x{'01' * 32}: {outcome.message}; next: {outcome.remedy} "
        "It is tried again in the next round."
    )
