"""The loop that keeps a docket at what L1 says: pages, reorgs, failures, events that cannot be read."""

import logging

import pytest

from anh_rollup.l1.contracts.claims import Committed
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.docket_reader import DocketReader
from anh_rollup.l1.errors import L1UnreachableError
from anh_rollup.l1.types import Cursor
from tests.doubles.memory_l1 import ADDRESSES, DEPLOYMENT, OWNER, MemoryL1, topic


def commit(l1: MemoryL1, number: int) -> None:
    """A commitment in a new block."""
    l1.mine()
    l1.emit("Claims", "Committed", claimant=OWNER, commitment=digest(number), expiresAt=number)


def digest(number: int) -> bytes:
    return number.to_bytes(32, "big")


def expected(*numbers: int) -> dict[tuple[str, bytes], int]:
    return {(OWNER, digest(number)): number for number in numbers}


def reader_of(l1: MemoryL1) -> DocketReader:
    contracts = bind(DEPLOYMENT, l1)  # type: ignore[arg-type]
    return DocketReader(l1, [contracts.claims, contracts.game], DEPLOYMENT.start)  # type: ignore[arg-type]


def test_every_event_is_read_once() -> None:
    l1 = MemoryL1()
    reader = reader_of(l1)
    commit(l1, 1)
    assert [each.event for each in reader.refresh().emitted] == [Committed(OWNER, digest(1), 1)]
    commit(l1, 2)
    assert [each.event for each in reader.refresh().emitted] == [Committed(OWNER, digest(2), 2)]
    assert reader.refresh().emitted == ()
    assert reader.docket.commitments == expected(1, 2)
    assert reader.cursor == Cursor(2, l1.hash_of(2))


def test_after_a_reorg_the_docket_is_made_anew() -> None:
    l1 = MemoryL1()
    reader = reader_of(l1)
    for number in (1, 2, 3):
        commit(l1, number)
    reader.refresh()
    l1.reorg(2)
    commit(l1, 4)
    l1.mine()
    reading = reader.refresh()
    assert [each.event.expires_at for each in reading.emitted] == [1, 4]
    assert reading.reorg is not None
    assert reading.reorg.to == DEPLOYMENT.start
    assert reader.docket.commitments == expected(1, 4)


def test_a_node_that_fails_at_any_question_leaves_no_trace() -> None:
    l1 = MemoryL1()
    reader = reader_of(l1)
    for number in (1, 2):
        commit(l1, number)
    reader.refresh()
    l1.reorg(1)
    commit(l1, 3)
    failed = 0
    for healthy in range(100):
        l1.answers_left = healthy
        try:
            reader.refresh()
        except L1UnreachableError:
            failed += 1
            assert reader.docket.commitments == expected(1, 2)
            continue
        break
    assert failed > 3
    assert reader.docket.commitments == expected(1, 3)


def test_an_event_that_cannot_be_read_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    l1 = MemoryL1()
    l1.mine()
    l1.write("Claims", [topic("Claims", "Revealed"), bytes(32), bytes(32), bytes(32)], b"\xff" * 100)
    commit(l1, 1)
    reader = reader_of(l1)
    with caplog.at_level(logging.WARNING):
        assert len(reader.refresh().emitted) == 1
    assert reader.docket.commitments == expected(1)
    assert "event 0 of L1 block 1 is passed over" in caplog.text


def test_events_of_other_contracts_are_not_read() -> None:
    l1 = MemoryL1()
    l1.mine()
    l1.emit("Inbox", "Deposited", to=ADDRESSES["game"], amount=5)
    assert reader_of(l1).refresh().emitted == ()
