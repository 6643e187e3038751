"""Blobs on the disk of a role: L1's nodes forget them after about 18 days, and a new fold needs all."""

import hashlib
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anh_rollup.encoding.blobs import BLOB_SIZE
from anh_rollup.storage.files import write_atomically

LOG = logging.getLogger(__name__)

_LEVEL: Final = 1
"""Of zlib (choice): what batches hold is packed already, and most of the rest is zeros."""

_SEAL_SIZE: Final = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class BlobStore:
    """Blobs by versioned hash, compressed; usable from several threads and processes at a time.

    Before each stands a hash of it and its name. Who keeps a blob has checked it against the versioned hash,
    so that to read it takes none of the curve's arithmetic.

    Attributes:
        folder: Where they are; made when the first one is kept.
    """

    folder: Path

    def get(self, digest: bytes) -> bytes | None:
        """The blob that was kept under a versioned hash; None where it is not here, or is damaged."""
        path = self._path(digest)
        try:
            content = path.read_bytes()
            blob = zlib.decompressobj().decompress(content[_SEAL_SIZE:], BLOB_SIZE)
            if content[:_SEAL_SIZE] == _seal(digest, blob):
                return blob
            cause = "it is not what was written"
        except FileNotFoundError:
            return None
        except (OSError, zlib.error) as error:
            cause = str(error)
        LOG.warning(
            "%s is damaged (%s); next: L1 is asked for the blob, and the file written anew", path, cause
        )
        return None

    def keep(self, digest: bytes, blob: bytes) -> None:
        """Keeps a blob that was checked; a disk that cannot be written is told, and that is all."""
        path = self._path(digest)
        try:
            write_atomically(path, _seal(digest, blob) + zlib.compress(blob, _LEVEL))
        except OSError as error:
            LOG.warning(
                "%s cannot be written (%s); next: make room, or this role needs an archive as `--beacon` "
                "once L1's nodes have forgotten the blob",
                path, error,
            )  # fmt: skip

    def _path(self, digest: bytes) -> Path:
        return self.folder / f"{digest.hex()}.blob"


def _seal(digest: bytes, blob: bytes) -> bytes:
    """What shows that a file is whole, and has its own name."""
    return hashlib.sha256(digest + blob).digest()


def open_store(folder: Path | None) -> BlobStore | None:
    """The blobs in a folder; None where none are to be kept."""
    return None if folder is None else BlobStore(folder)
