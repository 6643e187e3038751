"""How a move in a game about the ledger is brought onto L1: elements, announcement, the call itself."""

from dataclasses import replace
from typing import Any

import pytest

from anh_rollup.encoding.blobs import BLOB_ELEMENTS
from anh_rollup.l1.contracts.ledger_arbiter import BlobProved, ElementProved, LedgerArbiter
from anh_rollup.l1.contracts.ledger_claims import LedgerClaims
from anh_rollup.l1.disputes import Freshness, LaggingNodeError
from anh_rollup.l1.ledger_disputes import (
    ELEMENTS_PER_CHUNK,
    MOST_GIVEN,
    MOST_REGISTERED,
    LedgerDisputes,
)
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol import moves
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.ledger_claims import LedgerClaim
from anh_rollup.protocol.ledger_moves import Prove, Reveal
from anh_rollup.protocol.machine.witnesses import (
    NO_BATCH,
    NO_MACHINE,
    NO_NOTICE,
    BlobChunk,
    BlobOpening,
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
ARBITER = LedgerArbiter(None, ADDRESSES["ledger_arbiter"])  # type: ignore[arg-type]


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


def proof(count: int, first: int = 0) -> Prove:
    elements = [FieldElement(first + at, b"\0" * 32, b"\1" * 48, b"\2" * 48) for at in range(count)]
    payload = Payload(blobs=BLOBS, elements=tuple(elements))
    witness = Witness(NO_BATCH, NO_MACHINE, payload, NO_NOTICE, b"", (), (), ())
    return Prove(NO_MACHINE, (), witness)


def with_chunks(count: int, elements: int = 0) -> Prove:
    """A proof with a chunk of each of so many blobs."""
    chunks = tuple(BlobChunk(128 * at, b"\5" * 992, (b"\6" * 32,) * 7) for at in range(count))
    openings = tuple(BlobOpening(BLOBS[at], b"\7", b"\1" * 48, b"\2" * 48) for at in range(count))
    move = proof(elements)
    payload = replace(move.witness.payload, chunks=chunks)
    return replace(move, witness=replace(move.witness, payload=payload), openings=openings)


def announced(played: LedgerDisputes, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    monkeypatch.setattr(type(played.contract), "sealed_at", lambda _self, _digest: at)


def test_a_plain_move_is_one_call() -> None:
    for move in (Reveal((b"\1" * 32,)), moves.Timeout(), moves.VoidGame()):
        expected = move.function, CONTRACT.request_for(move, GAME, POSITION)
        assert disputes().move(GAME, POSITION, move) == [expected]


def test_a_proof_is_announced_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    played, move = disputes(), proof(MOST_GIVEN)
    request = CONTRACT.request_for(move, GAME, POSITION)
    announced(played, monkeypatch, 0)
    assert played.move(GAME, POSITION, move) == [("seal", CONTRACT.seal(seal(OWNER, request.data)))]
    announced(played, monkeypatch, 7)
    assert played.move(GAME, POSITION, move) == [("prove", request)]


def test_elements_that_are_too_many_for_a_proof_are_registered_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count, first = MOST_GIVEN + 2, BLOB_ELEMENTS - MOST_REGISTERED - 1
    played, move = disputes(), proof(count, first)
    announced(played, monkeypatch, 7)
    given = [replace(each, index=each.index % BLOB_ELEMENTS) for each in move.witness.payload.elements]
    cut = MOST_REGISTERED, MOST_REGISTERED + 1
    parts = (BLOBS[0], given[: cut[0]]), (BLOBS[0], given[cut[0] : cut[1]]), (BLOBS[1], given[cut[1] :])
    expected = [("proveElements", ARBITER.prove_elements(blob, tuple(part))) for blob, part in parts]
    assert played.move(GAME, POSITION, move) == expected

    for blob, part in parts[::2]:
        for each in part:
            played.docket.apply(ElementProved(blob, each.index, each.value))
    assert played.move(GAME, POSITION, move) == expected[1:2]

    played.docket.apply(ElementProved(BLOBS[0], given[cut[0]].index, bytes(32)))
    payload = replace(move.witness.payload, elements=())
    short = replace(move, witness=replace(move.witness, payload=payload))
    assert played.move(GAME, POSITION, short) == played.move(GAME, POSITION, move)


def test_blobs_are_registered_before_a_proof_that_is_given_chunks_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    played, move = disputes(), with_chunks(2)
    announced(played, monkeypatch, 7)
    expected = [("proveBlob", ARBITER.prove_blob(each)) for each in move.openings]
    assert played.move(GAME, POSITION, move) == expected
    played.docket.apply(BlobProved(BLOBS[0]))
    assert played.move(GAME, POSITION, move) == expected[1:]
    played.docket.apply(BlobProved(BLOBS[1]))
    assert played.move(GAME, POSITION, move) == [("prove", CONTRACT.request_for(move, GAME, POSITION))]


def test_beside_chunks_fewer_elements_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    played = disputes()
    announced(played, monkeypatch, 7)
    for blob in BLOBS:
        played.docket.apply(BlobProved(blob))
    count = MOST_GIVEN - 2 * ELEMENTS_PER_CHUNK
    assert [name for name, _ in played.move(GAME, POSITION, with_chunks(2, count))] == ["prove"]
    assert [name for name, _ in played.move(GAME, POSITION, with_chunks(2, count + 1))] == ["proveElements"]


def test_registered_blobs_are_read_from_l1() -> None:
    l1 = Head()
    l1.mine()
    l1.emit("LedgerArbiter", "BlobProved", blob=BLOBS[0])
    played = disputes(l1)
    played.refresh()
    assert played.docket.blobs == {BLOBS[0]}


def test_registered_elements_are_read_from_l1() -> None:
    l1 = Head()
    l1.mine()
    l1.emit("LedgerArbiter", "ElementProved", blob=BLOBS[0], index=5, value=bytes(32))
    played = disputes(l1)
    played.refresh()
    assert played.docket.elements == {BLOBS[0]: {5}}


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
