"""Blobs on the disk, and a reader that asks there before it asks L1."""

import hashlib
import logging
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anh_rollup.encoding.blobs import BLOB_SIZE, pack
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blob_store import BlobStore, open_store
from anh_rollup.l1.blobs import versioned_hash
from anh_rollup.l1.errors import BlobsUnavailableError
from anh_rollup.primitives import BlockNumber

BLOBS = tuple(pack(bytes(range(256)) * 900))
HASHES = tuple(versioned_hash(blob) for blob in BLOBS)
DIGEST = b"\x05" * 32


def seal(digest: bytes, blob: bytes) -> bytes:
    return hashlib.sha256(digest + blob).digest()


class Node:
    """An L1 node that knows one transaction, and nothing of blobs."""

    transport = SimpleNamespace(url="http://127.0.0.1:1")

    def transaction(self, _digest: bytes) -> Any:
        return SimpleNamespace(block=BlockNumber(7), blob_hashes=HASHES)


class Reader(BatchDataReader):
    """Reads from a beacon endpoint that has `served`; `asked` is what it was asked for."""

    def __init__(self, store: BlobStore | None) -> None:
        super().__init__(Node(), None, store)  # type: ignore[arg-type]
        self.served = dict(zip(HASHES, BLOBS, strict=True))
        self.asked: list[tuple[bytes, ...]] = []

    def _from_beacon(self, _block: BlockNumber, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        self.asked.append(tuple(hashes))
        return {item: self.served[item] for item in hashes if item in self.served}

    def _from_anvil(self, _digest: bytes) -> dict[bytes, bytes]:
        return {}


def test_what_was_read_once_needs_nobody_any_more(tmp_path: Path) -> None:
    store = BlobStore(tmp_path / "blobs")
    first = Reader(store)
    assert first.blobs(DIGEST) == BLOBS
    later = Reader(BlobStore(tmp_path / "blobs"))
    later.served.clear()
    assert later.blobs(DIGEST) == BLOBS
    assert (first.asked, later.asked) == ([HASHES], [])


def test_without_a_store_everything_is_read_again(tmp_path: Path) -> None:
    assert open_store(None) is None
    reader = Reader(None)
    assert reader.blobs(DIGEST) == reader.blobs(DIGEST) == BLOBS
    reader.served.clear()
    with pytest.raises(BlobsUnavailableError, match="lacks blob"):
        reader.blobs(DIGEST)
    assert reader.asked == [HASHES] * 3
    assert list(tmp_path.iterdir()) == []


def test_only_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    store.keep(HASHES[1], BLOBS[1])
    reader = Reader(store)
    assert len(BLOBS) == 2
    assert reader.blobs(DIGEST) == BLOBS
    assert reader.asked == [HASHES[:1]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing that was compressed, and longer than the hash before it",
        seal(HASHES[0], BLOBS[0]) + zlib.compress(BLOBS[0])[:-200],
        seal(HASHES[0], BLOBS[0]) + zlib.compress(BLOBS[1]),
        seal(HASHES[1], BLOBS[1]) + zlib.compress(BLOBS[1]),
        seal(HASHES[0], bytes(50 * BLOB_SIZE)) + zlib.compress(bytes(50 * BLOB_SIZE)),
    ],
    ids=["empty", "no zlib", "cut off", "another blob", "another file", "a bomb"],
)
def test_a_damaged_file_is_told_and_written_anew(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = BlobStore(tmp_path)
    path = tmp_path / f"{HASHES[0].hex()}.blob"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert store.get(HASHES[0]) is None
    assert f"{path} is damaged" in caplog.text
    assert Reader(store).blobs(DIGEST) == BLOBS
    assert store.get(HASHES[0]) == BLOBS[0]


def test_a_disk_that_cannot_be_written_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "blobs").write_bytes(b"a file where a folder should be")
    reader = Reader(BlobStore(tmp_path / "blobs"))
    with caplog.at_level(logging.WARNING):
        assert reader.blobs(DIGEST) == BLOBS
    assert caplog.text.count("cannot be written") == len(BLOBS)


def test_a_blob_takes_little_more_than_what_it_holds(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    (almost_empty,) = pack(b"a short batch")
    store.keep(versioned_hash(almost_empty), almost_empty)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size < BLOB_SIZE // 100
