"""What a process that is killed at any statement finds in its journal: all of a step, or nothing of it."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.primitives import Digest
from anh_rollup.sequencer.journal import Journal, JournalledBlock
from anh_rollup.storage.database import Database
from tests.doubles.ordering import ALICE, BOB, ETHER, FakeL1, chain_on, decoded

ONE, TWO, THREE = (Digest(bytes([each]) * 32) for each in (1, 2, 3))

Step = Callable[[Journal], None]


def block(number: int, digest: Digest) -> JournalledBlock:
    return JournalledBlock(number, digest, 5, 6, TWO, 0, (b"record",))


def prepared(journal: Journal) -> None:
    """A block, and two transactions that wait."""
    journal.begin(ONE)
    journal.seal(block(1, ONE), [])
    journal.write([b"one", b"two"], {ONE: b"pooled one", TWO: b"pooled two"})


def content(journal: Journal) -> Any:
    signed = [journal.first_sealed(number) for number in (1, 2)]
    return journal.genesis(), journal.waiting(), journal.blocks(), signed, journal.pooled()


@pytest.fixture
def photographed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """Copies the folder `live` as it is on the disk before every statement and commit; gives the copies."""
    taken: list[Path] = []

    def shoot() -> None:
        taken.append(tmp_path / f"photo {len(taken)}")
        shutil.copytree(tmp_path / "live", taken[-1])

    def before(name: str) -> None:
        real = getattr(Database, name)

        def watched(self: Database, *arguments: Any) -> Any:
            shoot()
            return real(self, *arguments)

        monkeypatch.setattr(Database, name, watched)

    def begin() -> list[Path]:
        for name in ("execute", "execute_many", "_commit"):
            before(name)
        return taken

    return begin


STEPS: Sequence[tuple[str, Step]] = [
    ("accept", lambda journal: journal.accept([b"three", b"four"])),
    ("write", lambda journal: journal.write([b"three"], {TWO: None, THREE: b"waits"})),
    ("seal", lambda journal: journal.seal(block(2, TWO), [b"two"], {TWO: None, THREE: b"waits"})),
    ("keep", lambda journal: journal.keep([b"two"])),
    ("replace", lambda journal: journal.replace_from(1, [block(1, TWO), block(2, ONE)], [b"three"])),
]


@pytest.mark.parametrize("step", [step for _, step in STEPS], ids=[name for name, _ in STEPS])
def test_a_kill_at_any_statement_leaves_all_of_a_step_or_nothing(
    step: Step, tmp_path: Path, photographed: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / "live" / "journal.sqlite3")
    prepared(journal)
    before = content(journal)
    with monkeypatch.context():
        photos = photographed()
        step(journal)
        taken = list(photos)
    monkeypatch.undo()
    after = content(journal)
    shutil.copytree(tmp_path / "live", tmp_path / "last")
    found = [content(Journal(each / "journal.sqlite3")) for each in taken]
    assert len(found) >= 3
    assert after != before
    assert found == [before] * len(found)
    assert content(Journal(tmp_path / "last" / "journal.sqlite3")) == after


def test_a_kill_at_any_statement_of_a_life_keeps_what_was_acknowledged_and_signed(
    tmp_path: Path, photographed: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    l1 = FakeL1()
    l1.deposit(ALICE.address, ETHER)
    chain = chain_on(l1, tmp_path / "live")
    photos = photographed()
    promised: list[tuple[int, list[bytes], list[tuple[int, Digest]]]] = []
    acknowledged: list[bytes] = []
    signed: list[tuple[int, Digest]] = []
    for nonce in range(3):
        raw = ALICE.transfer(nonce, BOB.address, 1)
        chain.submit([raw])
        acknowledged.append(raw)
        promised.append((len(photos), list(acknowledged), list(signed)))
        sealed = chain.seal()
        assert sealed is not None
        signed.append((sealed.number, sealed.hash))
        promised.append((len(photos), list(acknowledged), list(signed)))
    monkeypatch.undo()
    assert len(photos) > len(promised)
    for since, known, confirmed in promised:
        for photo in photos[since:]:
            survivor = Journal(photo / "journal.sqlite3")
            placed = [pair for each in survivor.blocks() for pair in each.records] + survivor.waiting()
            assert [survivor.first_sealed(number) for number, _ in confirmed] == [at for _, at in confirmed]
            survivor.close()
            again = chain_on(l1, photo)
            assert [again.placement(decoded(raw).hash) is not None for raw in known] == [True] * len(known)
            assert len(placed) == len(set(placed))
            again._journal.close()


def test_a_torn_end_of_the_log_loses_nothing_that_was_kept_before(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    journal = Journal(folder / "journal.sqlite3")
    prepared(journal)
    log = folder / "journal.sqlite3-wal"
    whole = log.stat().st_size
    before = content(journal)
    journal.accept([b"three"])
    grown = log.stat().st_size
    assert grown > whole
    for place, size in enumerate(range(whole, grown, 509)):
        torn = tmp_path / f"torn {place}"
        shutil.copytree(folder, torn)
        (torn / "journal.sqlite3-shm").unlink()
        with (torn / "journal.sqlite3-wal").open("r+b") as file:
            file.truncate(size)
        assert content(Journal(torn / "journal.sqlite3")) == before
