"""What a store, a draft or the journal holds may be anything: only typed errors come of it."""

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.accountant.drafts import Draft, DraftCorruptError, Drafts
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.primitives import Digest
from anh_rollup.sequencer.errors import JournalCorruptError
from anh_rollup.sequencer.journal import Journal, JournalledBlock
from anh_rollup.storage.artifacts import ArtifactKind, ArtifactStore, name_of
from anh_rollup.storage.database import DatabaseError, DatabaseVersionError
from anh_rollup.storage.errors import (
    ArtifactCorruptError,
    ArtifactError,
    ArtifactTooLargeError,
    StoreUnreachableError,
)
from tests.unit.fuzz.decoders import CLAIM, ELEMENTS, JOB, PROGRAM, ROOT
from tests.unit.fuzz.mangling import attempt, bent, mangled

DIGEST = Digest(ROOT)
DRAFT = Draft(CLAIM, JOB, ROOT, 5)


# --- the artifact store ---

VERIFIED = [ArtifactKind.PROGRAM, ArtifactKind.MODEL, ArtifactKind.DATASET, ArtifactKind.SCORES]


def put_all(store: ArtifactStore) -> dict[ArtifactKind, tuple[bytes, Callable[[bytes], Any]]]:
    """One artifact of each kind: its root, and how it is read."""
    return {
        ArtifactKind.PROGRAM: (store.put_program(PROGRAM), store.get_program),
        ArtifactKind.MODEL: (store.put_model(Model([ELEMENTS])), store.get_model),
        ArtifactKind.DATASET: (store.put_dataset(Dataset([ELEMENTS])), store.get_dataset),
        ArtifactKind.SCORES: (store.put_scores(ELEMENTS[0]), store.get_scores),
    }


@pytest.mark.parametrize("kind", VERIFIED)
def test_an_artifact_of_other_bytes_is_corrupt(kind: ArtifactKind, tmp_path: Path) -> None:
    root, read = put_all(ArtifactStore(tmp_path))[kind]
    file = tmp_path / name_of(kind, root)
    good = file.read_bytes()

    @given(mangled(good) | st.binary(max_size=80))
    def check(content: bytes) -> None:
        file.write_bytes(content)
        _, refusal = attempt(lambda: read(root), ArtifactCorruptError)
        assert (refusal is not None) == (content != good)

    check()


@pytest.mark.parametrize("other", VERIFIED)
def test_an_artifact_of_another_kind_or_root_is_corrupt(other: ArtifactKind, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    kept = put_all(store)
    for kind, (_, read) in kept.items():
        file = tmp_path / name_of(kind, ROOT)
        file.write_bytes((tmp_path / name_of(other, kept[other][0])).read_bytes())
        with pytest.raises(ArtifactCorruptError):
            read(ROOT)


def test_an_endless_artifact_is_refused_before_it_is_read(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    file = tmp_path / name_of(ArtifactKind.MODEL, ROOT)
    file.parent.mkdir()
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(ArtifactTooLargeError):
        store.get_model(ROOT)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_told(make: Callable[[Path], Any], tmp_path: Path) -> None:
    file = tmp_path / name_of(ArtifactKind.MODEL, ROOT)
    file.parent.mkdir()
    make(file)
    with pytest.raises(StoreUnreachableError):
        ArtifactStore(tmp_path).get_model(ROOT)


@pytest.mark.parametrize(
    "url",
    [
        "dir://x",
        "github://x",
        "reference://x",
        "zip://x",
        "nothing://x",
        "a\0b",
        "/proc/nothing",
        "x" * 5_000,
    ],
)
def test_a_store_that_cannot_be_is_told(url: str) -> None:
    with pytest.raises(ArtifactError) as refused:
        ArtifactStore(url).put_model(Model([ELEMENTS]))
    assert len(refused.value.message) < 600


# --- drafts ---


def draft_file(folder: Path) -> Path:
    """A store's file with a draft."""
    Drafts(folder).save(DRAFT)
    return folder / "drafts" / f"claim-{CLAIM.transaction.hex()}"


def test_a_draft_comes_back(tmp_path: Path) -> None:
    draft_file(tmp_path)
    assert Drafts(tmp_path).load(CLAIM.transaction) == DRAFT


def test_a_draft_of_other_contents_is_corrupt(tmp_path: Path) -> None:
    file = draft_file(tmp_path)
    good = file.read_bytes()
    drafts = Drafts(tmp_path)

    @given(mangled(good) | bent(orjson.loads(good)).map(orjson.dumps))
    def check(content: bytes) -> None:
        file.write_bytes(content)
        found, refusal = attempt(lambda: drafts.load(CLAIM.transaction), DraftCorruptError)
        assert refusal is not None or found.claim == CLAIM
        assert list(drafts.all()) == ([] if refusal else [found])

    check()


def test_other_files_beside_drafts_are_nobodys(tmp_path: Path) -> None:
    file = draft_file(tmp_path)
    for name in ("claim-", "claim-zz", "claim-" + "1" * 63, "notes.txt"):
        (file.parent / name).write_text("{}")
    assert list(Drafts(tmp_path).all()) == [DRAFT]


# --- the journal ---


def test_a_number_beyond_the_database_is_refused(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    with pytest.raises(DatabaseError, match="a number does not fit 64 bits"):
        journal.seal(JournalledBlock(1, DIGEST, 2**64, 6, DIGEST, 0, ()), [])
    assert journal.blocks() == []


def journal_file(folder: Path) -> Path:
    """A journal with something in every table."""
    path = folder / "journal.sqlite3"
    journal = Journal(path)
    journal.begin(DIGEST)
    journal.accept([b"record" * 20, b"another"])
    journal.seal(JournalledBlock(1, DIGEST, 5, 6, DIGEST, 1, (b"forced", b"record" * 20)), [b"another"])
    journal.close()
    return path


def read_everything(path: Path) -> list[Any]:
    """All that a sequencer reads of its journal at the start."""
    journal = Journal(path)
    try:
        return [journal.genesis(), journal.waiting(), journal.blocks(), journal.first_sealed(1)]
    finally:
        journal.close()


UNREADABLE = (DatabaseError, DatabaseVersionError, JournalCorruptError)


def test_a_damaged_journal_is_read_or_refused(tmp_path: Path) -> None:
    good = journal_file(tmp_path).read_bytes()

    @given(place=st.integers(0, len(good) - 1), change=st.binary(min_size=1, max_size=64))
    def check(place: int, change: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "journal.sqlite3"
            path.write_bytes(good[:place] + change + good[place + len(change) :])
            found, refusal = attempt(lambda: read_everything(path), *UNREADABLE)
        assert refusal is not None or len(found) == 4

    check()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE chain SET genesis = 'text'",
        "UPDATE chain SET genesis = x'00'",
        "UPDATE waiting SET record = 5",
        "UPDATE block SET hash = x''",
        "UPDATE block SET time = 'soon'",
        "UPDATE block SET time = -1",
        "UPDATE block SET origin_number = 1.5",
        "UPDATE block SET records = x'000000ff00'",
        "UPDATE block SET records = 'text'",
        "UPDATE block SET forced = 7",
        "UPDATE first_sealed SET hash = 1",
    ],
)
def test_a_row_that_nobody_wrote_is_refused(statement: str, tmp_path: Path) -> None:
    path = journal_file(tmp_path)
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()
    with pytest.raises(JournalCorruptError) as refused:
        read_everything(path)
    assert refused.value.remedy.startswith("Restore the file from a copy")
