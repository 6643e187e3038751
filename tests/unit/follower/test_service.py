"""The rounds of a follower, what it forwards, and how little a bad sequencer costs it."""

import logging
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.follower.errors import NoSequencerError, SequencerAnswerError, SequencerUnreachableError
from anh_rollup.l1.errors import L1UnreachableError
from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.protocol.ledger import Charged
from tests.doubles.follower import Following
from tests.doubles.ordering import ALICE, BOB, ETHER, decoded


@pytest.fixture
def following(tmp_path: Path) -> Following:
    made = Following(tmp_path)
    made.l1.deposit(ALICE.address, ETHER)
    made.node.chain.follow()
    made.follower.follow_l1()
    return made


def pay(nonce: int, **fields: Any) -> bytes:
    return ALICE.transfer(nonce, BOB.address, 5, **fields)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_a_sequencer_that_is_away_is_told_once_and_again_after_it_was_back(
    following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    for away in (True, True, False, True):
        following.client.away = away
        following.follower.follow_sequencer()
    told = "the sequencer at sequencer:8560 does not answer: ClientConnectorError; next: Wait for it, or "
    told += "put the transaction into the Inbox's queue on L1 (Inbox.force)."
    assert warnings(caplog) == [told, told]


LIES: list[Any] = [
    None,
    [],
    "words",
    {"jsonrpc": "2.0", "id": 0, "error": {"code": -32601, "message": "the method does not exist"}},
    {"jsonrpc": "2.0", "id": 0, "result": None},
    {"jsonrpc": "2.0", "id": 0, "result": [None]},
    {"jsonrpc": "2.0", "id": 0, "result": [{"payload": "0x01", "signature": None}]},
    {"jsonrpc": "2.0", "id": 0, "result": [{"payload": 5, "signature": None}]},
    {"jsonrpc": "2.0", "id": 0, "result": [{}] * 1_001},
]


@pytest.mark.parametrize("lie", LIES, ids=[str(each)[:60] for each in LIES])
def test_a_lie_costs_a_line_and_the_truth_is_taken_afterwards(
    following: Following, caplog: pytest.LogCaptureFixture, lie: Any
) -> None:
    following.seal(pay(0))
    following.client.instead += [lie, lie]
    following.follower.follow_sequencer()
    following.follower.follow_sequencer()
    assert len(warnings(caplog)) == 1
    assert following.follower.chain.head.header.number == 0
    following.follower.follow_sequencer()
    assert following.follower.chain.head == following.node.chain.head


def test_a_wrong_signature_is_ignored_and_l1_followed_on(
    following: Following, caplog: pytest.LogCaptureFixture
) -> None:
    block = following.seal(pay(0))
    good = following.client.signed_blocks(1)[0]
    wrong = {"payload": "0x" + good.payload.hex(), "signature": "0x" + "11" * 64 + "1b"}
    following.client.instead.append({"jsonrpc": "2.0", "id": 0, "result": [wrong]})
    following.follower.follow_sequencer()
    (told,) = warnings(caplog)
    assert told.startswith(
        "block 1 of the sequencer is not taken: it is not signed by the sequencer, or L1 holds"
    )
    following.post()
    following.follower.follow_l1()
    assert following.world.blocks == [block]


def test_an_unsigned_block_waits_for_l1(following: Following) -> None:
    following.seal(pay(0))
    good = following.client.signed_blocks(1)[0]
    unsigned = {"payload": "0x" + good.payload.hex(), "signature": None}
    following.client.instead.append({"jsonrpc": "2.0", "id": 0, "result": [unsigned]})
    following.follower.follow_sequencer()
    assert following.follower.chain.head.header.number == 0


def test_l1_that_is_away_is_the_loops_business(following: Following) -> None:
    block = following.seal(pay(0))
    following.l1.away = True
    with pytest.raises(L1UnreachableError):
        following.follower.follow_l1()
    following.follower.follow_sequencer()
    assert following.world.blocks == [block]


def test_what_is_final_on_l1_is_final_in_the_world(following: Following) -> None:
    following.seal(pay(0))
    following.post()
    following.seal(pay(1))
    following.follower.follow_l1()
    following.follower.follow_sequencer()
    assert (following.follower.finalized_number, following.world.final) == (0, 0)
    following.finality.final = following.l1.number
    following.follower.follow_l1()
    assert (following.follower.finalized_number, following.world.final) == (1, 1)
    known = following.follower._memory.confirmations_after(0)
    assert [(each.number, each.payload is None) for each in known] == [(1, True), (2, False)]


def test_what_is_sent_is_the_sequencers_and_pending_here(following: Following) -> None:
    results = following.follower.submit([pay(0), pay(1)])
    assert results == [decoded(pay(0)), decoded(pay(1))]
    chain = following.follower.chain
    assert (chain.waiting, following.node.chain.waiting) == (2, 2)
    assert following.follower.pending() == results
    assert [chain.account(ALICE.address, pending=each).nonce for each in (False, True)] == [0, 2]
    assert chain.placement(decoded(pay(0)).hash).block is None  # type: ignore[union-attr]
    following.seal()
    following.follower.follow_sequencer()
    assert (chain.waiting, chain.account(ALICE.address, pending=True).nonce) == (0, 2)
    assert isinstance(chain.placement(decoded(pay(0)).hash).outcome, Charged)  # type: ignore[union-attr]


def test_rejections_come_back_in_their_places_with_their_words(following: Following) -> None:
    raws = [b"\1", pay(17), pay(0), pay(0)]
    answers = following.follower.submit(raws)
    assert answers[2] == decoded(pay(0))
    malformed, too_high, _, known = answers
    assert isinstance(malformed, RejectedError)
    assert isinstance(too_high, RejectedError)
    assert isinstance(known, RejectedError)
    assert malformed.message == following.node.submit([b"\1"])[0].message  # type: ignore[union-attr]
    assert (too_high.reason, too_high.detail) == (RejectReason.NONCE_TOO_HIGH, "next nonce 0, tx nonce 17")
    assert known.reason is RejectReason.ALREADY_KNOWN
    assert following.follower.chain.waiting == 1


def test_nothing_is_asked_where_nothing_is_sound(following: Following) -> None:
    following.client.away = True
    (answer,) = following.follower.submit([b"\1"])
    assert isinstance(answer, RejectedError)


def test_a_sequencer_that_is_away_takes_nothing(following: Following) -> None:
    following.client.away = True
    with pytest.raises(SequencerUnreachableError):
        following.follower.submit([pay(0)])
    assert following.follower.chain.waiting == 0


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        [5],
        [{"id": 0}],
        [{"id": 0, "result": "0x" + "11" * 32}],
        [{"id": 0, "error": {"code": -32603, "message": "the disk is full"}}],
        [{"id": 0, "error": 7}],
    ],
)
def test_a_sequencer_that_answers_nonsense_has_accepted_nothing(following: Following, answer: Any) -> None:
    following.client.instead.append(answer)
    with pytest.raises(SequencerAnswerError):
        following.follower.submit([pay(0)])
    assert following.follower.chain.waiting == 0


def test_without_a_sequencer_it_follows_l1_and_forwards_nothing(following: Following) -> None:
    following.follower._sequencer = None
    following.follower.follow_sequencer()
    with pytest.raises(NoSequencerError):
        following.follower.submit([pay(0)])


def test_places_on_l1_are_those_of_the_sequencer(following: Following) -> None:
    following.seal(pay(0))
    following.post()
    following.follower.follow_l1()
    placed = following.follower.chain.placement(decoded(pay(0)).hash)
    assert placed is not None
    assert following.follower.batch_of(1) == following.node.batch_of(1)
    assert following.follower.inclusion(placed) == following.node.inclusion(placed)


def test_closing_closes_the_world(following: Following) -> None:
    following.follower.close()
    assert following.world.closed
