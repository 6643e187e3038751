"""What a player of ledger claims does, by what it sees alone."""

from dataclasses import replace
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.l1.contracts.ledger_claims import (
    LedgerClaimState,
    LedgerClaimStatus,
    LedgerOutcome,
    LedgerRules,
)
from anh_rollup.l1.inbox_reader import HeldBatch
from anh_rollup.l1.ledger_docket import LedgerClaimRecord, LedgerDocket, LedgerGameRecord
from anh_rollup.ledger_player.actions import (
    Action,
    Check,
    Finalize,
    MakeClaim,
    Open,
    Play,
    RefuteBase,
    Timeout,
    VoidGame,
    subject,
)
from anh_rollup.ledger_player.strategy import (
    DEFENCE_GAS,
    PlayerView,
    Policy,
    Verdict,
    beyond_purse,
    decide,
)
from anh_rollup.primitives import ETHER, ZERO_DIGEST, BatchNumber, BlockNumber, Seconds, Wei
from anh_rollup.protocol.game import Clock, Side
from anh_rollup.protocol.ledger_claims import GENESIS_BASE, LedgerClaim, LedgerPhase
from anh_rollup.protocol.machine.witnesses import NO_MACHINE
from tests.doubles.ledger_games import first_position
from tests.doubles.memory_l1 import OWNER

ME, OTHER = OWNER, "0x52908400098527886E0F7030069857D2E4169EE7"
RULES = LedgerRules(Seconds(1_000), Seconds(400), Wei(ETHER), Wei(ETHER // 10), 5_000)
NOW, PRICE = Seconds(50_000), Wei(10**9)
CLAIMING, CHALLENGING = Policy(claim_every=Seconds(600)), Policy(challenges=True)
STANDING, REFUTED, FINAL = LedgerClaimState.STANDING, LedgerClaimState.REFUTED, LedgerClaimState.FINAL


def claim(name: bytes, claimant: str = OTHER, batch: int = 1, **given: Any) -> LedgerClaimRecord:
    base = given.pop("base", GENESIS_BASE)
    made = LedgerClaim(
        claimant, base, BatchNumber(batch), b"\2" * 32, 9, b"\3" * 32, b"\4" * 32, NO_MACHINE.hash
    )
    return LedgerClaimRecord(name * 32, made, NO_MACHINE, **given)


def game(record: LedgerClaimRecord, challenger: str = ME, **given: Any) -> LedgerGameRecord:
    """A game whose claimant has to move, with 100 of 400 seconds gone."""
    phase = given.pop("phase", LedgerPhase.REVEAL)
    turn = Side.ACCOUNTANT if phase is LedgerPhase.REVEAL else Side.CHALLENGER
    clock = given.pop("clock", Clock(Seconds(400), Seconds(400), Seconds(NOW - 100), turn))
    start = replace(first_position(record.claim, challenger), phase=phase, claim=record.identifier)
    return LedgerGameRecord(given.pop("name", b"g") * 32, start, clock, **given)


def batch(number: int, l1_block: int) -> HeldBatch:
    header = BatchHeader(BatchNumber(number), ZERO_DIGEST, ZERO_DIGEST, 0, ZERO_DIGEST, 0)
    return HeldBatch(header, ZERO_DIGEST, (), b"", BlockNumber(l1_block), b"")


def seen(
    *records: LedgerClaimRecord,
    games: tuple[LedgerGameRecord, ...] = (),
    verdicts: dict[bytes, Verdict] | None = None,
    claimed_at: int = NOW - 500,
    **given: Any,
) -> PlayerView:
    """A view of these claims; each one was found to be true where nothing else is said."""
    docket = LedgerDocket(
        {each.identifier: each for each in records}, {each.identifier: each for each in games}
    )
    counts = {each.identifier: len(docket.open_games(each.identifier)) for each in records}
    found = {each.identifier: Verdict.TRUE for each in records} if verdicts is None else verdicts
    fields: dict[str, Any] = {
        "now": NOW,
        "height": BlockNumber(100),
        "address": ME,
        "docket": docket,
        "statuses": {
            each.identifier: LedgerClaimStatus(
                Seconds(claimed_at), each.claim.batch, counts[each.identifier], each.state, b""
            )
            for each in records
        },
        "verdicts": found,
        "ends": {},
        "seen": {each.identifier: Seconds(NOW - 10) for each in records},
        "batches": [],
        "rules": RULES,
        "balance": Wei(10 * ETHER),
        "price": PRICE,
    }
    return PlayerView(**{**fields, **given})


TRUE, OWN = claim(b"a"), claim(b"a", ME)
FALSE = {TRUE.identifier: Verdict.FALSE}


# --- games ---


def test_an_own_true_claim_is_defended_at_once() -> None:
    attacked = game(OWN, OTHER)
    assert decide(seen(OWN, games=(attacked,)), CLAIMING) == [Play(attacked)]


def test_another_one_is_defended_when_half_of_its_claimants_clock_is_gone() -> None:
    attacked = game(TRUE, OTHER)
    late = replace(attacked, clock=replace(attacked.clock, since=Seconds(NOW - 200)))
    assert decide(seen(TRUE, games=(attacked,)), CHALLENGING) == []
    assert decide(seen(TRUE, games=(late,)), CHALLENGING) == [Play(late)]
    assert decide(seen(TRUE, games=(late,), verdicts=FALSE), CLAIMING) == []


def test_an_own_game_over_a_false_claim_is_played() -> None:
    for phase in (LedgerPhase.CHOOSE, LedgerPhase.PROVE):
        playing = game(TRUE, phase=phase)
        assert decide(seen(TRUE, games=(playing,), verdicts=FALSE), CHALLENGING) == [Play(playing)]
        assert decide(seen(TRUE, games=(playing,)), CHALLENGING) == []
        others = game(TRUE, OTHER, phase=phase)
        view = seen(TRUE, games=(others,), verdicts=FALSE)
        assert decide(view, replace(CHALLENGING, challenges=False)) == []


def test_who_is_late_loses_and_a_true_claim_needs_nobody_in_particular() -> None:
    def late(record: LedgerClaimRecord, challenger: str, phase: LedgerPhase, since: int) -> LedgerGameRecord:
        made = game(record, challenger, phase=phase)
        return replace(made, clock=replace(made.clock, since=Seconds(NOW - since)))

    lost = late(TRUE, ME, LedgerPhase.REVEAL, 400)
    assert decide(seen(TRUE, games=(lost,), verdicts=FALSE), CHALLENGING) == [Timeout(lost)]
    won = late(OWN, OTHER, LedgerPhase.CHOOSE, 400)
    assert decide(seen(OWN, games=(won,)), CLAIMING) == [Timeout(won)]
    soon, later = (late(TRUE, OTHER, LedgerPhase.PROVE, since) for since in (599, 600))
    assert decide(seen(TRUE, games=(soon,)), CLAIMING) == []
    assert decide(seen(TRUE, games=(later,)), CLAIMING) == [Timeout(later)]
    strangers = late(TRUE, OTHER, LedgerPhase.REVEAL, 400)
    assert decide(seen(TRUE, games=(strangers,)), CHALLENGING) == []


def test_the_bond_of_a_game_comes_back_whose_claim_another_one_refuted() -> None:
    fallen = replace(TRUE, state=REFUTED)
    own, others = game(fallen), game(fallen, OTHER, name=b"h")
    assert decide(seen(fallen, games=(own, others)), CHALLENGING) == [VoidGame(own)]
    closed = replace(own, outcome=LedgerOutcome.VOID)
    assert decide(seen(fallen, games=(closed,)), CHALLENGING) == []


# --- challenges ---


def test_a_false_claim_of_somebody_else_is_challenged_by_who_is_there_for_it() -> None:
    view = seen(TRUE, verdicts=FALSE)
    assert decide(view, CHALLENGING) == [Open(TRUE, 0)]
    assert decide(view, CLAIMING) == []
    assert decide(seen(OWN, verdicts=FALSE), CHALLENGING) == []
    assert decide(seen(TRUE), CHALLENGING) == []
    assert decide(seen(TRUE, verdicts={TRUE.identifier: Verdict.UNFOUNDED}), CHALLENGING) == []


def test_no_game_is_opened_when_the_window_is_over() -> None:
    assert decide(seen(TRUE, verdicts=FALSE, claimed_at=NOW - 1_000), CHALLENGING) == []
    assert decide(seen(TRUE, verdicts=FALSE, claimed_at=NOW - 999), CHALLENGING) == [Open(TRUE, 0)]


def test_a_game_that_was_lost_on_time_is_begun_again_a_few_times() -> None:
    lost = [game(TRUE, name=bytes([at]), outcome=LedgerOutcome.CHALLENGER_LATE) for at in range(3)]
    for count, expected in ((1, [Open(TRUE, 1)]), (2, [Open(TRUE, 2)]), (3, [])):
        assert decide(seen(TRUE, games=tuple(lost[:count]), verdicts=FALSE), CHALLENGING) == expected
    going_on = game(TRUE)
    assert decide(seen(TRUE, games=(going_on,), verdicts=FALSE), CHALLENGING) == []


@pytest.mark.parametrize(
    ("balance", "most_bonds", "opened"),
    [
        (ETHER // 10 + 10**15, 10 * ETHER, 1),
        (ETHER // 10 + 10**15 - 1, 10 * ETHER, 0),
        (2 * ETHER // 10 + 2 * 10**15, 10 * ETHER, 2),
        (10 * ETHER, ETHER // 10, 1),
        (10 * ETHER, ETHER // 10 - 1, 0),
    ],
)
def test_games_are_opened_as_far_as_money_and_budget_go(balance: int, most_bonds: int, opened: int) -> None:
    others = [claim(name) for name in (b"a", b"b", b"c")]
    verdicts = {each.identifier: Verdict.FALSE for each in others}
    policy = replace(CHALLENGING, most_bonds=Wei(most_bonds), gas_reserve=Wei(10**15))
    decided = decide(seen(*others, verdicts=verdicts, balance=Wei(balance)), policy)
    assert [type(each) for each in decided] == [Open] * opened
    assert len({subject(each)[0] for each in decided}) == opened
    beyond = beyond_purse(seen(*others, verdicts=verdicts, balance=Wei(balance)), policy)
    challenged = [each.claim.identifier for each in decided if isinstance(each, Open)]
    assert sorted([*beyond, *challenged]) == sorted(verdicts)


def rounds_of(purses: dict[str, int], lies: list[LedgerClaimRecord], *sham: LedgerGameRecord) -> set[bytes]:
    """The lies over which honest challengers open games, who look one after the other; nobody moves."""
    games, verdicts = list(sham), {each.identifier: Verdict.FALSE for each in lies}
    left, opened = dict(purses), set[bytes]()
    for _ in range(2):
        for address in purses:
            view = seen(*lies, games=tuple(games), verdicts=verdicts, address=address, balance=left[address])
            for action in decide(view, CHALLENGING):
                assert isinstance(action, Open)
                name = len(games).to_bytes(32, "big")
                games.append(replace(game(action.claim, address), identifier=name))
                opened.add(action.claim.identifier)
                left[address] -= RULES.challenge_bond
    return opened


LIES = [replace(TRUE, identifier=number.to_bytes(32, "big")) for number in range(20)]
CHALLENGERS = [to_checksum_address(bytes([number]) * 20) for number in range(1, 9)]


def test_challengers_do_not_all_spend_what_they_have_on_the_same_lies() -> None:
    everything = {each.identifier for each in LIES}
    assert len(rounds_of({CHALLENGERS[0]: 2 * ETHER}, LIES)) == 18
    assert rounds_of(dict.fromkeys(CHALLENGERS, 2 * ETHER), LIES) == everything
    assert len(rounds_of({CHALLENGERS[0]: 12 * ETHER // 10}, LIES)) == 10
    assert len(rounds_of(dict.fromkeys(CHALLENGERS[:2], 12 * ETHER // 10), LIES)) > 15


def test_a_liar_does_not_keep_challengers_away_by_games_over_his_own_lie() -> None:
    sham = [replace(game(LIES[7], OTHER), identifier=bytes([0xFF, number] * 16)) for number in range(9)]
    purses = dict.fromkeys(CHALLENGERS, 2 * ETHER)
    assert LIES[7].identifier in rounds_of(purses, LIES, *sham)


def test_the_false_claims_that_no_money_is_there_for_are_known() -> None:
    verdicts = {each.identifier: Verdict.FALSE for each in LIES}
    poor = seen(*LIES, verdicts=verdicts, balance=Wei(2 * ETHER))
    assert len(beyond_purse(poor, CHALLENGING)) == 2
    assert beyond_purse(replace(poor, balance=Wei(3 * ETHER)), CHALLENGING) == []
    assert beyond_purse(poor, CLAIMING) == []


# --- ends ---


def test_an_own_claim_becomes_final_when_its_window_is_over() -> None:
    assert decide(seen(OWN, claimed_at=NOW - 1_000), CLAIMING) == [Finalize(OWN)]
    assert decide(seen(OWN, claimed_at=NOW - 999), CLAIMING) == []
    waiting = game(OWN, OTHER, phase=LedgerPhase.CHOOSE)
    assert decide(seen(OWN, games=(waiting,), claimed_at=NOW - 1_000), CLAIMING) == []


def test_a_claim_waits_until_its_base_is_final() -> None:
    on_top = claim(b"b", ME, 2, base=TRUE.identifier)
    assert decide(seen(TRUE, on_top, claimed_at=NOW - 1_100), CLAIMING) == []
    base = replace(TRUE, state=FINAL)
    assert decide(seen(base, on_top, claimed_at=NOW - 1_100), CLAIMING) == [Finalize(on_top)]


def test_another_ones_true_claim_is_made_final_half_a_clock_later_by_who_claims() -> None:
    assert decide(seen(TRUE, claimed_at=NOW - 1_199), CLAIMING) == []
    assert decide(seen(TRUE, claimed_at=NOW - 1_200), CLAIMING) == [Finalize(TRUE)]
    assert decide(seen(TRUE, claimed_at=NOW - 1_200), CHALLENGING) == []
    assert decide(seen(TRUE, claimed_at=NOW - 1_200, verdicts=FALSE), CLAIMING) == []


def test_a_claim_on_a_refuted_one_is_ended_by_its_claimant_or_by_challengers() -> None:
    base, on_top = replace(TRUE, state=REFUTED), claim(b"b", OTHER, 2, base=TRUE.identifier)
    own = replace(on_top, claim=replace(on_top.claim, claimant=ME))
    verdicts = {on_top.identifier: Verdict.UNFOUNDED}
    assert decide(seen(base, on_top, verdicts=verdicts), CHALLENGING) == [RefuteBase(on_top)]
    assert decide(seen(base, on_top, verdicts=verdicts), CLAIMING) == []
    assert decide(seen(base, own, verdicts=verdicts), CLAIMING) == [RefuteBase(own)]
    contested = seen(base, on_top, games=(game(on_top, OTHER),), verdicts=verdicts)
    assert decide(contested, CHALLENGING) == []


# --- claims ---


def test_the_latest_batch_is_claimed_on_the_furthest_true_claim() -> None:
    batches = [batch(1, 10), batch(2, 20), batch(3, 30)]
    assert decide(seen(batches=batches), CLAIMING) == [MakeClaim(None, BatchNumber(3))]
    base = claim(b"b", OTHER, 2, state=FINAL)
    view = seen(
        TRUE, base, batches=batches, verdicts={each.identifier: Verdict.TRUE for each in (TRUE, base)}
    )
    assert decide(view, CLAIMING) == [MakeClaim(base, BatchNumber(3))]
    wrong = {TRUE.identifier: Verdict.TRUE, base.identifier: Verdict.FALSE}
    assert decide(replace(view, verdicts=wrong), CLAIMING) == [MakeClaim(TRUE, BatchNumber(3))]
    assert decide(replace(view, batches=batches[:2]), CLAIMING) == []
    assert decide(view, CHALLENGING) == []


def test_a_batch_is_claimed_only_when_it_is_deep_enough() -> None:
    view = seen(batches=[batch(1, 10), batch(2, 90)])
    assert decide(view, replace(CLAIMING, depth=10)) == [MakeClaim(None, BatchNumber(2))]
    assert decide(view, replace(CLAIMING, depth=11)) == [MakeClaim(None, BatchNumber(1))]
    assert decide(view, replace(CLAIMING, depth=91)) == []


def test_own_claims_keep_their_distance() -> None:
    view = seen(OWN, batches=[batch(1, 10), batch(2, 20)], claimed_at=NOW - 599)
    assert decide(view, CLAIMING) == []
    assert decide(replace(view, now=Seconds(NOW + 1)), CLAIMING) == [MakeClaim(OWN, BatchNumber(2))]


def test_without_the_bond_and_the_gas_of_its_defence_nothing_is_claimed() -> None:
    needed = Wei(RULES.claim_bond + 4 * DEFENCE_GAS * PRICE)
    view = seen(batches=[batch(1, 10)], balance=needed)
    assert decide(view, CLAIMING) == [MakeClaim(None, BatchNumber(1))]
    assert decide(replace(view, balance=Wei(needed - 1)), CLAIMING) == []


def test_a_claim_that_is_being_checked_is_waited_for_but_not_for_ever() -> None:
    view = seen(TRUE, verdicts={}, batches=[batch(1, 10), batch(2, 20)])
    view = replace(view, seen={TRUE.identifier: Seconds(NOW - 599)})
    assert decide(view, CLAIMING) == [Check(TRUE)]
    later = replace(view, now=Seconds(NOW + 1))
    assert decide(later, CLAIMING) == [MakeClaim(None, BatchNumber(2)), Check(TRUE)]


# --- checks ---


def test_what_stands_is_checked_and_of_the_final_ones_the_newest_that_may_be_true() -> None:
    old, new = (claim(name, batch=at, state=FINAL) for name, at in ((b"b", 2), (b"c", 3)))
    view = seen(old, TRUE, new, verdicts={}, statuses=seen(TRUE).statuses)
    assert decide(view, CHALLENGING) == [Check(TRUE), Check(new)]
    assert decide(replace(view, verdicts={new.identifier: Verdict.FALSE}), CHALLENGING) == [
        Check(TRUE),
        Check(old),
    ]
    assert decide(replace(view, verdicts={new.identifier: Verdict.TRUE}), CHALLENGING) == [Check(TRUE)]
    assert decide(seen(replace(TRUE, state=REFUTED), verdicts={}), CHALLENGING) == []


def test_what_ends_where_the_ledger_never_was_is_checked_first() -> None:
    records = [claim(name, batch=at) for name, at in ((b"a", 1), (b"b", 2), (b"c", 3))]
    right, unknown, wrong = records
    ends = {right.identifier: True, wrong.identifier: False}
    checks = decide(seen(*records, verdicts={}, ends=ends), CHALLENGING)
    assert checks == [Check(wrong), Check(unknown), Check(right)]


def test_a_final_claim_that_is_not_checked_yet_is_waited_for() -> None:
    final = replace(TRUE, state=FINAL)
    view = seen(final, verdicts={}, batches=[batch(1, 10), batch(2, 20)], seen={final.identifier: 0})
    assert decide(view, CLAIMING) == [Check(final)]


def test_actions_about_different_things_have_different_subjects() -> None:
    playing = game(TRUE)
    moved = replace(playing, position=replace(playing.position, phase=LedgerPhase.CHOOSE))
    actions: list[Action] = [
        Check(TRUE), Check(claim(b"b")), Play(playing), Play(moved), Timeout(playing), VoidGame(playing),
        Open(TRUE, 0), RefuteBase(TRUE), Finalize(TRUE), MakeClaim(None, BatchNumber(1)),
    ]  # fmt: skip
    keys, names = zip(*map(subject, actions), strict=True)
    assert len(set(keys)) == len(actions)
    assert subject(MakeClaim(TRUE, BatchNumber(2)))[0] == subject(MakeClaim(None, BatchNumber(1)))[0]
    assert names[0] == "Check, ledger claim 0x" + "61" * 32
    assert names[2] == f"Play in game 0x{'67' * 32}, ledger claim 0x{'61' * 32}"
    assert names[-1] == "MakeClaim of the ledger after batch 1"
