"""Submissions that come at once share a write, and none is answered before it is on the disk."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.sequencer.chain import SequencerChain
from anh_rollup.sequencer.journal import Journal
from anh_rollup.storage.database import DatabaseError
from tests.doubles.ordering import ALICE, BOB, FakeL1, chain_on, record_of

RAWS = [ALICE.transfer(nonce, BOB.address, 1) for nonce in range(5)]
RECORDS = [record_of(raw) for raw in RAWS]
PATIENCE = 10.0


class SlowDisk:
    """Holds up the writes of a journal until it is told to let them go."""

    def __init__(self, journal: Journal) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.writes: list[list[bytes]] = []
        self._accept = journal.accept

    def accept(self, records: Sequence[bytes]) -> None:
        self.writes.append(list(records))
        self.begun.release()
        assert self.go.acquire(timeout=PATIENCE)
        self._accept(records)

    def await_write(self) -> None:
        assert self.begun.acquire(timeout=PATIENCE)


@pytest.fixture
def disk(chain: SequencerChain, monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    slow = SlowDisk(chain._journal)
    monkeypatch.setattr(chain._journal, "accept", slow.accept)
    return slow


@pytest.fixture
def start(disk: SlowDisk) -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(8) as threads:
        yield threads.submit
        disk.go.release(100)


def admitted(chain: SequencerChain, count: int) -> None:
    """Waits until so many transactions are in the block under construction."""
    done = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if len(chain._next.own) == count:
            return
        done.wait(0.01)
    raise AssertionError(f"{len(chain._next.own)} transactions are admitted, not {count}")


def test_those_who_come_during_a_write_share_the_next_one(
    chain: SequencerChain, disk: SlowDisk, start: Callable[..., Future[Any]], tmp_path: Path
) -> None:
    answers = [start(chain.submit, [RAWS[0]])]
    disk.await_write()
    for count, raw in enumerate(RAWS[1:], start=2):
        answers.append(start(chain.submit, [raw]))
        admitted(chain, count)
    assert [each.done() for each in answers] == [False] * 5
    disk.go.release()
    assert not isinstance(answers[0].result(PATIENCE)[0], RejectedError)
    disk.await_write()
    assert [each.done() for each in answers[1:]] == [False] * 4
    disk.go.release(100)
    assert all(not isinstance(each.result(PATIENCE)[0], RejectedError) for each in answers)
    assert [each for each in disk.writes if each] == [RECORDS[:1], RECORDS[1:]]
    assert Journal(tmp_path / "journal.sqlite3").waiting() == RECORDS


def test_already_known_is_said_when_the_first_copy_is_on_the_disk(
    chain: SequencerChain, disk: SlowDisk, start: Callable[..., Future[Any]]
) -> None:
    first = start(chain.submit, [RAWS[0]])
    disk.await_write()
    second = start(chain.submit, [RAWS[0]])
    with pytest.raises(TimeoutError):
        second.result(0.2)
    disk.go.release(2)
    assert not isinstance(first.result(PATIENCE)[0], RejectedError)
    (known,) = second.result(PATIENCE)
    assert known.reason is RejectReason.ALREADY_KNOWN


def test_a_block_that_is_sealed_during_a_write_leaves_nothing_behind(
    chain: SequencerChain, disk: SlowDisk, start: Callable[..., Future[Any]], tmp_path: Path
) -> None:
    first = start(chain.submit, [RAWS[0]])
    disk.await_write()
    second = start(chain.submit, [RAWS[1]])
    admitted(chain, 2)
    sealed = start(chain.seal)
    disk.go.release(100)
    assert not isinstance(first.result(PATIENCE)[0], RejectedError)
    assert not isinstance(second.result(PATIENCE)[0], RejectedError)
    block = sealed.result(PATIENCE)
    assert [record for record, _ in block.transactions] == RECORDS[:2]
    assert Journal(tmp_path / "journal.sqlite3").waiting() == []


def test_what_a_failed_write_lacks_comes_with_the_next_one(
    chain: SequencerChain, l1: FakeL1, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(_records: Sequence[bytes]) -> None:
        raise DatabaseError(tmp_path, "disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr(chain._journal, "accept", fail)
        with pytest.raises(DatabaseError, match="disk I/O error"):
            chain.submit(RAWS[:1])
    chain.submit(RAWS[1:2])
    chain._journal.close()
    again = chain_on(l1, tmp_path)
    assert [record for record, _ in again._next.own] == RECORDS[:2]
