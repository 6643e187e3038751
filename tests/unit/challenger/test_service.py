"""A challenger goes on with all other claims and games, whatever one of them does to it."""

import struct
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from anh_rollup.challenger import service
from anh_rollup.challenger.actions import Ask, Attack, Examine, Leave, Open, Refute, Withdraw
from anh_rollup.challenger.examine import Verdict
from anh_rollup.challenger.service import Challenger
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.l1.contracts.claims import Demand
from anh_rollup.l1.docket import ClaimRecord, Docket, GameRecord
from anh_rollup.l1.errors import L1UnreachableError, TransientL1Error
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.game import Phase, Position
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.protocol.refutations import OpenGame, RefuteThreshold
from tests.doubles.claimed import training_case

ROOT = b"\x01" * 32
JOB = Job(JobKind.TRAINING, ROOT, bytes(32), (Property(ROOT, ROOT, 5),), 5000, "")
CLAIMED = Claim("0x" + "22" * 20, 1, ROOT, 0, ROOT, ROOT, ROOT, (Scores(1, 5, ROOT),), "")
CLAIM = ClaimRecord(ROOT, CLAIMED, JOB, 0)
OTHER = replace(CLAIM, identifier=b"\x02" * 32)
BREAKING = [IndexError, MemoryError, RecursionError, ValueError, struct.error, KeyError, AssertionError]


def game(number):
    zero, me = bytes(32), "0x" + "11" * 20
    at = Position(ROOT, me, me, 0, Phase.TRACE, 0, 0, zero, zero, 0, zero, 0, 0, 0, 0, zero, zero, 0, 0, zero)
    return GameRecord(bytes([number]) * 32, at)


class RateLimitedError(TransientL1Error):
    def __init__(self):
        super().__init__("429", remedy="Wait.")


class StubExaminer:
    """Does for each claim what a test says."""

    def __init__(self, found):
        self.found = found

    def within(self, seconds):
        self.seconds = seconds
        return self

    def examine(self, record, answers):
        return self.found[record.identifier]()


def challenger(monkeypatch, decided, examiner=None):
    """A challenger that sees nothing and decides what a test says."""
    monkeypatch.setattr(Challenger, "look", lambda _self: None)
    monkeypatch.setattr(service, "decide", lambda _view, _budget: decided)
    return Challenger(SimpleNamespace(docket=Docket(), contracts=SimpleNamespace(claims=None)), examiner)


def failing(error):
    def work():
        raise error

    return work


def acting(monkeypatch, fails, error):
    """Makes one action fail; what was done of the others."""
    done = []

    def act(_self, action):
        if action == fails:
            raise error
        done.append(action)

    monkeypatch.setattr(Challenger, "act", act)
    return done


STEPS = [
    Attack(game(1)),
    Refute(CLAIM, RefuteThreshold(CLAIM.claim, CLAIM.job, 0)),
    Open(CLAIM, OpenGame(0, None), 0),
    Ask(Demand(CLAIM.identifier, 0, 0, 0, 32)),
    Leave(CLAIM, 2, 1),
    Attack(game(2)),
    Withdraw(),
]


@pytest.mark.parametrize("error", [RateLimitedError, *BREAKING])
@pytest.mark.parametrize("fails", STEPS, ids=lambda action: type(action).__name__)
def test_an_action_that_fails_stops_no_other(monkeypatch, fails, error):
    one = challenger(monkeypatch, STEPS)
    done = acting(monkeypatch, fails, error())

    assert one.play() == STEPS
    assert done == [each for each in STEPS if each != fails]


def test_what_heals_is_tried_in_the_next_round_and_what_breaks_later(monkeypatch, caplog):
    first, second = STEPS[0], STEPS[5]
    one = challenger(monkeypatch, [first, second])
    acting(monkeypatch, first, RateLimitedError())

    assert (one.play(), one.play()) == ([first, second], [first, second])
    acting(monkeypatch, first, IndexError())
    assert [one.play() for _ in range(3)] == [[first, second], [second], [first, second]]
    assert caplog.messages[0] == (
        f"Attack in game 0x{'01' * 32}, claim 0x{'01' * 32}: 429; next: Wait. It is tried again "
        "in the next round."
    )


def test_an_error_that_no_time_heals_is_tried_ever_more_rarely(monkeypatch):
    one = challenger(monkeypatch, STEPS[:1])
    acting(monkeypatch, STEPS[0], SourcesRefusedError("the program", "too large"))

    assert [len(one.play()) for _ in range(7)] == [1, 0, 1, 0, 0, 0, 1]


def test_a_chain_that_is_gone_ends_the_round(monkeypatch):
    def look(_self):
        raise L1UnreachableError("l1", 3, "refused")

    monkeypatch.setattr(Challenger, "look", look)

    with pytest.raises(L1UnreachableError):
        Challenger(None, None).play()


@pytest.mark.parametrize("error", [RateLimitedError, *BREAKING])
def test_a_claim_that_breaks_its_examination_holds_up_no_other(monkeypatch, caplog, error):
    found = {CLAIM.identifier: failing(error()), OTHER.identifier: lambda: Verdict(OpenGame(0, None))}
    one = challenger(monkeypatch, [Examine(CLAIM), Examine(OTHER)], StubExaminer(found))
    one.play()

    assert one.examine()
    assert one.examiner.seconds == service.MOST_SECONDS_OF_FETCHING
    assert one._verdicts == {OTHER.identifier: Verdict(OpenGame(0, None))}
    assert [each.split(":")[0] for each in caplog.messages] == [f"Examine, claim 0x{'01' * 32}"]


def test_a_claim_that_could_not_be_judged_is_examined_again(monkeypatch):
    found = {CLAIM.identifier: failing(SourcesRefusedError("the program", "too large"))}
    one = challenger(monkeypatch, [Examine(CLAIM)], StubExaminer(found))
    judged = []
    for _ in range(3):
        one.play()
        one.examine()
        judged.append(one._verdicts.get(CLAIM.identifier))
        found[CLAIM.identifier] = Verdict

    assert judged == [None, None, Verdict()]


def test_a_slow_server_holds_up_the_claims_that_name_it_and_no_others(monkeypatch):
    released, begun = threading.Event(), []

    def slow():
        begun.append(1)
        released.wait(10)
        return Verdict()

    found = {CLAIM.identifier: slow, OTHER.identifier: lambda: Verdict(OpenGame(0, None))}
    one = challenger(monkeypatch, [Examine(CLAIM), Examine(OTHER)], StubExaminer(found))
    one.patience = 0.2
    one.play()
    one.examine()

    assert one._verdicts == {OTHER.identifier: Verdict(OpenGame(0, None))}
    one.play()
    one.examine()
    assert len(begun) == 1
    released.set()
    one.patience = 10.0
    one.examine()
    assert one._verdicts[CLAIM.identifier] == Verdict()
    one.close()


def test_a_claim_is_left_with_one_word(monkeypatch, caplog):
    one = challenger(monkeypatch, [Leave(CLAIM, 51, 50)])
    one.play()
    one.play()

    (message,) = caplog.messages
    assert message == (
        f"claim 0x{'01' * 32}: its withheld result costs 51 wei in demands, and 50 are the most; "
        "next: get the result from elsewhere into the store, or raise --most-demand-fees or --most-lost-fees"
    )


class StubChain:
    """A chain on which one claim stands."""

    def __init__(self, record):
        self.docket = Docket(claims={record.identifier: record})
        self.contracts = SimpleNamespace(claims=None)
        self.client = SimpleNamespace(head=lambda: SimpleNamespace(time=0))

    def view(self, game, now):
        return (game, now)


def test_a_game_waits_for_its_evaluation_without_holding_up_the_others(monkeypatch, tmp_path):
    """After a restart nothing is evaluated; doing that between two moves could cost the other games."""
    case, seen = training_case(tmp_path), []
    one = challenger(monkeypatch, [Attack(game(1))], case.examiner())
    one.chain = StubChain(ClaimRecord(ROOT, case.claim, case.job, 0))
    monkeypatch.setattr(
        service, "decide_challenger", lambda _view, evaluated, _claim, _job: seen.append(evaluated)
    )

    one.play()
    assert one.examine()
    one.play()
    assert not one.examine()
    assert seen[0] is None
    assert seen[1].scores.root == case.evaluated.scores.root


def test_an_evaluation_that_a_game_waits_for_goes_before_all_others(monkeypatch):
    asked = []

    class Examiner:
        known = staticmethod(lambda *_: None)

        def evaluated(self, *given, **how):
            asked.append((given, how))

    one = challenger(monkeypatch, [Attack(game(1))], Examiner())
    one.chain = StubChain(CLAIM)
    monkeypatch.setattr(service, "decide_challenger", lambda *_: None)
    one.play()
    one.examine()

    assert asked == [((CLAIMED, JOB, 0), {"urgent": True})]
