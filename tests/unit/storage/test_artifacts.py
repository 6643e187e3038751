"""The artifact store gives back what was put, verifies everything, and says what is wrong."""

import os
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.storage import artifacts
from anh_rollup.storage.artifacts import ArtifactKind, ArtifactStore, name_of
from anh_rollup.storage.errors import (
    ArtifactCorruptError,
    ArtifactMissingError,
    ArtifactTooLargeError,
    StoreFolderMissingError,
    StoreUnreachableError,
    UriRefusedError,
)
from anh_rollup.storage.files import FileStore, write_atomically
from anh_rollup.storage.remote import RemotePolicy

SCORES = np.array([1, 0, -5], dtype=np.int32)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "store")


def path_of(store: ArtifactStore, kind: ArtifactKind, root: bytes) -> Path:
    assert store.folder is not None
    return store.folder / name_of(kind, root)


def test_scores_come_back(store: ArtifactStore) -> None:
    root = store.put_scores(SCORES)
    assert store.get_scores(root).tolist() == [1, 0, -5]
    assert store.has(ArtifactKind.SCORES, root)
    assert not store.has(ArtifactKind.MODEL, root)


def test_models_come_back(store: ArtifactStore) -> None:
    model = Model([np.arange(6, dtype=np.int32).reshape(2, 3), np.array(7, dtype=np.int32)])
    read = store.get_model(store.put_model(model))
    assert read.root == model.root
    assert [item.tolist() for item in read.parameters] == [[[0, 1, 2], [3, 4, 5]], 7]


def test_datasets_come_back(store: ArtifactStore) -> None:
    dataset = Dataset([np.arange(8, dtype=np.int32).reshape(4, 2), np.arange(4, dtype=np.int32)])
    read = store.get_dataset(store.put_dataset(dataset))
    assert [item.tolist() for item in read.fields] == [item.tolist() for item in dataset.fields]


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=40))
def test_any_scores_come_back_from_memory(numbers: list[int]) -> None:
    store = ArtifactStore("memory://artifact-test")
    root = store.put_scores(np.array(numbers, dtype=np.int32))
    assert ArtifactStore("memory://artifact-test").get_scores(root).tolist() == numbers


def test_names_are_kind_and_root(store: ArtifactStore) -> None:
    root = store.put_scores(SCORES)
    assert store.folder is not None
    files = [path.relative_to(store.folder).as_posix() for path in store.folder.rglob("*") if path.is_file()]
    assert files == [f"scores/{root.hex()}"]


def test_a_folder_that_does_not_exist_is_told(store: ArtifactStore) -> None:
    with pytest.raises(StoreFolderMissingError) as caught:
        store.get_model(bytes(32))
    assert caught.value.message == f"there is no model 0x{'00' * 32} in {store.folder}: no such folder"


def test_a_missing_artifact_says_what_and_where(store: ArtifactStore) -> None:
    store.put_scores(SCORES)
    with pytest.raises(ArtifactMissingError) as caught:
        store.get_model(bytes(32))
    assert (caught.value.kind, caught.value.root) == ("model", bytes(32))
    assert caught.value.message == f"there is no model 0x{'00' * 32} in {store.folder}"


@pytest.mark.parametrize(
    "damage", [lambda old: old[:-1], lambda old: old + b"x", lambda _: b"", lambda old: old[:-1] + b"?"]
)
def test_any_damage_is_noticed(store: ArtifactStore, damage: "object") -> None:
    root = store.put_scores(SCORES)
    path = path_of(store, ArtifactKind.SCORES, root)
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ArtifactCorruptError) as caught:
        store.get_scores(root)
    assert (caught.value.kind, caught.value.root) == ("scores", root)


def test_a_program_that_is_none_is_corrupt(store: ArtifactStore) -> None:
    path = path_of(store, ArtifactKind.PROGRAM, bytes(32))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff" * 40)
    with pytest.raises(ArtifactCorruptError):
        store.get_program(bytes(32))


def test_too_large_an_artifact_is_neither_kept_nor_read(tmp_path: Path) -> None:
    big = ArtifactStore(tmp_path).put_scores(np.zeros(100, dtype=np.int32))
    small = ArtifactStore(tmp_path, most_bytes=100)
    with pytest.raises(ArtifactTooLargeError):
        small.put_scores(np.zeros(100, dtype=np.int32))
    with pytest.raises(ArtifactTooLargeError):
        small.get_scores(big)


def test_a_crash_while_writing_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kind" / "name"
    write_atomically(path, b"old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new content")
    assert path.read_bytes() == b"old"
    assert [item.name for item in path.parent.iterdir()] == ["name"]


def test_a_full_disk_is_a_typed_error(store: ArtifactStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreUnreachableError, match="No space left on device"):
        store.put_scores(SCORES)


@pytest.mark.parametrize("place", ["{folder}/files", "memory://removing"])
def test_what_is_removed_is_gone_and_removing_nothing_is_nothing(tmp_path: Path, place: str) -> None:
    files = FileStore(place.format(folder=tmp_path))
    files.write("a/b", b"content")
    files.remove("a/b")
    files.remove("a/b")
    assert (files.read("a/b", 10), files.names("a"), files.names("nothing")) == (None, [], [])


def test_what_is_found_at_an_allowed_uri_is_verified_and_kept(tmp_path: Path) -> None:
    theirs = ArtifactStore(tmp_path / "theirs")
    root = theirs.put_scores(SCORES)
    ours = ArtifactStore(tmp_path / "ours", RemotePolicy(file_roots=(tmp_path / "theirs",)))
    uri = (tmp_path / "theirs").as_uri()
    assert ours.get_scores(root, uri).tolist() == [1, 0, -5]
    path_of(theirs, ArtifactKind.SCORES, root).unlink()
    assert ours.get_scores(root, uri).tolist() == [1, 0, -5]


@pytest.mark.parametrize(
    "error", [IndexError, KeyError, MemoryError, RecursionError, ValueError, struct.error]
)
def test_bytes_that_break_a_decoder_are_no_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Decoders raise errors of their own; should one miss a fault, its author must not stop the reader."""

    def broken(_content: bytes, _root: bytes) -> None:
        raise error

    theirs = ArtifactStore(tmp_path / "theirs")
    root = theirs.put_scores(SCORES)
    monkeypatch.setattr(artifacts, "decode_scores", broken)
    with pytest.raises(ArtifactCorruptError) as caught:
        theirs.get_scores(root)
    assert caught.value.reason == f"reading them ends in {error.__name__}"


@pytest.mark.parametrize(("most", "expected"), [(0, 1), (1 << 20, 2)])
def test_large_artifacts_are_read_one_at_a_time_and_light_ones_side_by_side(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch, most: int, expected: int
) -> None:
    """With its trees a large one takes many times its bytes: sixteen at once could take all memory."""
    root = store.put_scores(np.arange(5, dtype=np.int32))
    reading, most_reading, both = [0], [0], threading.Event()
    decode = artifacts.decode_scores

    def counted(content: bytes, wanted: bytes) -> object:
        reading[0] += 1
        most_reading[0] = max(most_reading[0], reading[0])
        if reading[0] == 2:
            both.set()
        both.wait(0.2)
        reading[0] -= 1
        return decode(content, wanted)

    monkeypatch.setattr(artifacts, "decode_scores", counted)
    monkeypatch.setattr(artifacts, "MOST_LIGHT_BYTES", most)
    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(one.get_scores, root) for one in (store, store.within(60.0))]:
            assert each.result(10).tolist() == [0, 1, 2, 3, 4]
    assert most_reading == [expected]


def test_a_store_with_a_time_limit_is_the_same_store(tmp_path: Path) -> None:
    ours = ArtifactStore(tmp_path / "ours", RemotePolicy(private_hosts=True), most_bytes=1_000)
    root = ours.put_scores(SCORES)
    assert ours.within(60.0).get_scores(root).tolist() == [1, 0, -5]
    with pytest.raises(ArtifactTooLargeError):
        ours.within(60.0).put_scores(np.zeros(1_000, dtype=np.int32))
    assert ours.within(0.0).get_scores(root).tolist() == [1, 0, -5]
    with pytest.raises(StoreUnreachableError, match="the time for it is over"):
        ours.within(0.0).get_scores(bytes(32), "http://127.0.0.1:9")


def test_what_is_corrupt_at_a_uri_is_not_kept(tmp_path: Path) -> None:
    theirs = ArtifactStore(tmp_path / "theirs")
    root = theirs.put_scores(SCORES)
    path_of(theirs, ArtifactKind.SCORES, root).write_bytes(b"?")
    ours = ArtifactStore(tmp_path / "ours", RemotePolicy(file_roots=(tmp_path,)))
    with pytest.raises(ArtifactCorruptError):
        ours.get_scores(root, (tmp_path / "theirs").as_uri())
    assert not ours.has(ArtifactKind.SCORES, root)


def test_a_folder_of_a_stranger_is_refused(tmp_path: Path, store: ArtifactStore) -> None:
    with pytest.raises(UriRefusedError, match="not below an allowed folder"):
        store.get_scores(bytes(32), tmp_path.as_uri())


def test_a_store_that_no_library_knows_is_a_typed_error() -> None:
    with pytest.raises(StoreUnreachableError):
        ArtifactStore("nosuchscheme://bucket")


def test_other_places_have_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    files = FileStore("memory://slow", timeout=0.05)
    monkeypatch.setattr(files._files, "exists", lambda path: __import__("time").sleep(0.4))
    with pytest.raises(StoreUnreachableError, match=r"no answer in 0\.05 seconds"):
        files.exists("a")
