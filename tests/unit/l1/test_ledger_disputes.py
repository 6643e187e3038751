"""How a move in a game about the ledger is brought onto L1: announcement, the call itself."""

from typing import Any

import pytest

from anh_rollup.l1.contracts.ledger_claims import LedgerClaims
from anh_rollup.l1.disputes import Freshness, LaggingNodeError
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol import moves
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.ledger_claims import LedgerClaim
from anh_rollup.protocol.ledger_moves import Prove, Reveal
from anh_rollup.protocol.machine.drafts import NO_DRAFT
from anh_rollup.protocol.machine.witnesses import (
    NO_BATCH,
    NO_MACHINE,
    NO_NOTICE,
    FieldElement,
    Payload,
    Witness,
)
from tests.doubles.ledger_games import first_position
from tests.doubles.memory_l1 import ADDRESSES, DEPLOYMENT, OWNER, MemoryL1

GAME, BLOBS = b"\5" * 32, (b"\1" + b"\6" * 31, b"\1" + b"\7" * 31)
POSITION = first_position(
    LedgerClaim(OWNER, bytes(32), BatchNumber(1), b"\1" * 32, 9, b"\2" * 32, b"\3" * 32, b"\4" * 32), OWNER
)
CONTRACT = LedgerClaims(None, ADDRESSES["ledger_claims"])  # type: ignore[arg-type]


class Sender:
    """An account on an L1 in memory."""

    address = OWNER

    def __init__(self, l1: MemoryL1) -> None:
        self.client = l1


class Head(MemoryL1):
    def head(self) -> Any:
        return self.block()


def disputes(l1: MemoryL1 | None = None, most_seconds: int | None = None) -> LedgerDisputes:
    fresh = Freshness(most_seconds, lambda: 2_000.0)
    return LedgerDisputes(DEPLOYMENT, Sender(l1 or Head()), fresh)  # type: ignore[arg-type]


def proof() -> Prove:
    elements = (FieldElement(5, b"\0" * 32, b"\1" * 48, b"\2" * 48),)
    payload = Payload(blobs=BLOBS, elements=elements)
    witness = Witness(NO_BATCH, NO_MACHINE, payload, NO_NOTICE, b"", NO_DRAFT, b"", (), (), (), ())
    return Prove(NO_MACHINE, (), witness)


def announced(played: LedgerDisputes, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    monkeypatch.setattr(type(played.contract), "sealed_at", lambda _self, _digest: at)


def test_a_plain_move_is_one_call() -> None:
    for move in (Reveal((b"\1" * 32,)), moves.Timeout(), moves.VoidGame()):
        expected = move.function, CONTRACT.request_for(move, GAME, POSITION)
        assert disputes().move(GAME, POSITION, move) == [expected]


def test_a_proof_is_announced_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    played, move = disputes(), proof()
    request = CONTRACT.request_for(move, GAME, POSITION)
    announced(played, monkeypatch, 0)
    assert played.move(GAME, POSITION, move) == [("seal", CONTRACT.seal(seal(OWNER, request.data)))]
    announced(played, monkeypatch, 7)
    assert played.move(GAME, POSITION, move) == [("prove", request)]


def test_an_old_head_and_one_that_goes_back_are_refused() -> None:
    l1 = Head()
    l1.mine(5)
    with pytest.raises(LaggingNodeError, match="its head is 940 s old, and 900 s are allowed"):
        disputes(l1, 900).refresh()
    played = disputes(l1)
    assert played.refresh().number == 5
    l1.height = 4
    with pytest.raises(LaggingNodeError, match="its head 4 is below block 5, seen before"):
        played.refresh()
