"""Following a job: only what concerns it is told, in sentences."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from web3.datastructures import AttributeDict

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.deployment import Rules
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.jobs import JobMalformedError
from scripts import watch
from scripts.watch import NotDoneError, Watch, order_of
from tests.doubles.ordering import ALICE, BOB, JOB, record_of

RECORD, OTHER, CLAIM, GAME = b"\1" * 32, b"\2" * 32, b"\3" * 32, b"\4" * 32
NOBODY = "0x" + "00" * 20
DEADLINE = 2_000
RETURNED = DEADLINE + Rules().settlement


def event(place: int, name: str, **arguments: Any) -> dict[str, Any]:
    return {"event": name, "args": AttributeDict(arguments), "blockNumber": 7, "logIndex": place}


def revealed(place: int, transaction: bytes, claim: bytes = CLAIM) -> dict[str, Any]:
    said = AttributeDict({"scores": [AttributeDict({"sum": 350, "count": 360})]})
    return event(place, "Revealed", transaction=transaction, claimId=claim, claimant=NOBODY, claim=said)


@dataclass
class Chain:
    """An L1 with a list of events."""

    events: list[dict[str, Any]]
    block_number: int = 9
    time: int = 1_000
    asked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def eth(self) -> "Chain":
        return self

    def get_block(self, number: int) -> dict[str, int]:
        assert number == self.block_number
        return {"timestamp": self.time}


@dataclass
class Deployment:
    block: int = 5
    rules: Rules = field(default_factory=Rules)


def watching(monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]]) -> tuple[Watch, Chain]:
    chain = Chain(events)

    def decoded(_l1: Chain, name: str, first: int, last: int) -> list[dict[str, Any]]:
        chain.asked.append((first, last))
        return chain.events if name == "Claims" else []

    monkeypatch.setattr(watch, "decoded", decoded)
    monkeypatch.setattr(Watch, "_contract", lambda _self, name: name)
    return Watch(chain, Deployment(), RECORD, DEADLINE), chain  # type: ignore[arg-type]


def test_it_tells_the_claims_about_the_job_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, _ = watching(monkeypatch, [revealed(1, OTHER, b"\5" * 32), revealed(0, RECORD)])
    assert list(seen.lines()) == [f"L1 block 7: claim 0x{CLAIM.hex()} of {NOBODY}: 350 of 360"]
    assert seen.final is None


def test_it_tells_games_over_these_claims_and_their_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    position = AttributeDict({"phase": 10})
    events = [
        revealed(0, RECORD),
        event(1, "Opened", game=GAME, claim=CLAIM, challenger=NOBODY, position=position),
        event(2, "Chosen", game=GAME, position=position),
        event(3, "Chosen", game=OTHER, position=position),
        event(4, "Closed", game=GAME, claim=CLAIM, outcome=0),
        event(5, "Refuted", transaction=RECORD, claimId=CLAIM, challenger=NOBODY, prize=10**18),
    ]
    seen, _ = watching(monkeypatch, events)
    assert [line.removeprefix("L1 block 7: ") for line in seen.lines()][1:] == [
        f"game 0x{GAME.hex()}: {NOBODY} disputes claim 0x03030303",
        "game 0x04040404: Chosen; next: prove",
        "game 0x04040404 over claim 0x03030303 is over: L1 computed the element: the claim is wrong",
        f"claim 0x03030303 is REFUTED: 1.0000 ETH for {NOBODY}",
    ]


def test_it_ends_with_the_final_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    final = event(1, "Finalized", transaction=RECORD, claimId=CLAIM, claimant=NOBODY, result=OTHER)
    seen, _ = watching(monkeypatch, [revealed(0, RECORD), final])
    assert list(seen.lines())[-1] == f"L1 block 7: claim 0x03030303 is FINAL: {NOBODY} is paid"
    assert seen.final == CLAIM


def test_no_block_is_read_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, chain = watching(monkeypatch, [])
    assert (list(seen.lines()), list(seen.lines())) == ([], [])
    chain.block_number = 12
    assert list(seen.lines()) == []
    assert chain.asked == [(6, 9), (6, 9), (10, 12), (10, 12)]


def final_claim(model: bytes) -> AttributeDict[str, Any]:
    job = AttributeDict({"model": model, "architecture": RECORD})
    return AttributeDict(
        {"job": job, "claim": AttributeDict({"result": OTHER, "uri": "http://10.0.0.1:8650/$(x)"})}
    )


def test_the_end_of_a_training_names_the_model_and_how_to_look_at_it() -> None:
    assert list(watch.told_end(final_claim(bytes(32)))) == [
        f"final: result 0x{OTHER.hex()}, artifacts at http://10.0.0.1:8650/$(x)",
        f"look at it with: anh model show 0x{OTHER.hex()} --from 'http://10.0.0.1:8650/$(x)'",
    ]


def test_the_end_of_an_inference_names_the_answers_and_how_to_look_at_them() -> None:
    shown = f"anh answers show 0x{OTHER.hex()} --from 'http://10.0.0.1:8650/$(x)'"
    assert list(watch.told_end(final_claim(CLAIM))) == [
        f"final: result 0x{OTHER.hex()}, artifacts at http://10.0.0.1:8650/$(x)",
        f"look at it with: {shown} --architecture 0x{RECORD.hex()}",
    ]


def refuted(place: int) -> dict[str, Any]:
    return event(place, "Refuted", transaction=RECORD, claimId=CLAIM, challenger=NOBODY, prize=10**18)


@pytest.mark.parametrize(
    ("events", "last"),
    [([], DEADLINE), ([revealed(0, RECORD), refuted(1)], DEADLINE), ([revealed(0, RECORD)], RETURNED - 1)],
    ids=["no claim", "a refuted claim", "a claim that stands"],
)
def test_it_ends_in_words_once_no_claim_can_become_final(
    monkeypatch: pytest.MonkeyPatch, events: list[dict[str, Any]], last: int
) -> None:
    seen, chain = watching(monkeypatch, events)
    chain.time = last
    assert len(list(seen.lines())) == len(events)
    seen.require_hope()
    chain.events, chain.block_number, chain.time = [], 10, last + 1
    assert list(seen.lines()) == []
    with pytest.raises(NotDoneError) as ended:
        seen.require_hope()
    assert ended.value.message == (
        "nobody has done the job: no claim is final, and its deadline was 1970-01-01 00:33:20 UTC"
    )
    assert ended.value.remedy == (
        "Take the reward back with `anh job refund` from 1970-01-08 00:33:20 UTC on. "
        "See that an accountant runs, then order again with a later deadline or a larger reward."
    )


def test_a_job_that_is_paid_is_done_however_late_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    final = event(1, "Finalized", transaction=RECORD, claimId=CLAIM, claimant=NOBODY, result=OTHER)
    seen, chain = watching(monkeypatch, [revealed(0, RECORD), final])
    chain.time = RETURNED + 1
    assert len(list(seen.lines())) == 2
    seen.require_hope()
    assert seen.final == CLAIM


@dataclass
class L2:
    """An L2 that knows one transaction."""

    chain_id: int = L2_CHAIN_ID

    @property
    def eth(self) -> "L2":
        return self


def test_the_deadline_is_read_from_the_orders_own_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = ALICE.order(0, 7)
    monkeypatch.setattr(watch, "ask", lambda *_: "0x" + raw.hex())
    assert order_of(L2(), keccak256(raw)) == (keccak256(record_of(raw)), JOB)  # type: ignore[arg-type]


def test_a_transaction_that_orders_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = ALICE.transfer(0, BOB.address, 5)
    monkeypatch.setattr(watch, "ask", lambda *_: "0x" + raw.hex())
    with pytest.raises(JobMalformedError):
        order_of(L2(), keccak256(raw))  # type: ignore[arg-type]
