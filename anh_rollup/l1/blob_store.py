"""Blobs on the disk of a role: L1's nodes forget them after about 18 days, and a new fold needs all."""

import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from anh_rollup.encoding.blobs import BLOB_SIZE
from anh_rollup.l1.blobs import BlobMalformedError, versioned_hash
from anh_rollup.storage.files import write_atomically

LOG = logging.getLogger(__name__)

_LEVEL: Final = 1
"""Of zlib (choice): what batches hold is packed already, and most of the rest is zeros."""


@dataclass(frozen=True, slots=True)
class BlobStore:
    """Blobs by versioned hash, compressed; usable from several threads and processes at a time.

    Attributes:
        folder: Where they are; made when the first one is kept.
    """

    folder: Path

    def get(self, digest: bytes) -> bytes | None:
        """The blob of a versioned hash, checked against it; None where it is not here, or is damaged."""
        path = self._path(digest)
        try:
            blob = zlib.decompressobj().decompress(path.read_bytes(), BLOB_SIZE + 1)
            if versioned_hash(blob) == digest:
                return blob
            cause = "it is another blob"
        except FileNotFoundError:
            return None
        except (OSError, zlib.error, BlobMalformedError) as error:
            cause = str(error)
        LOG.warning(
            "%s is damaged (%s); next: L1 is asked for the blob, and the file written anew", path, cause
        )
        return None

    def keep(self, digest: bytes, blob: bytes) -> None:
        """Keeps a blob that was checked; a disk that cannot be written is told, and that is all."""
        path = self._path(digest)
        try:
            write_atomically(path, zlib.compress(blob, _LEVEL))
        except OSError as error:
            LOG.warning(
                "%s cannot be written (%s); next: make room, or this role needs an archive as `--beacon` "
                "once L1's nodes have forgotten the blob",
                path, error,
            )  # fmt: skip

    def _path(self, digest: bytes) -> Path:
        return self.folder / f"{digest.hex()}.zlib"


def open_store(folder: Path | None) -> BlobStore | None:
    """The blobs in a folder; None where none are to be kept."""
    return None if folder is None else BlobStore(folder)
