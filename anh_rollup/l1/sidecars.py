"""Sidecars that a process beside the sequencer's makes.

The proofs of a full batch take a second, and ckzg holds the interpreter's lock all the while.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.blobs import Sidecar, check_blobs, make_sidecar
from anh_rollup.l1.side_process import SideProcess


@dataclass(frozen=True, slots=True)
class SidecarMaker:
    """Makes sidecars.

    Attributes:
        side: Where.
        store: Where the blobs are kept, so that whoever reads them back asks nobody.
    """

    side: SideProcess
    store: BlobStore

    def make(self, blobs: Sequence[bytes]) -> Sidecar:
        """What `make_sidecar` makes.

        Raises:
            BlobMalformedError: There are none or too many, or one has another size.
            SideProcessError: The process failed.
        """
        check_blobs(blobs)
        sidecar = self.side.run(make_sidecar, blobs)
        for digest, blob in zip(sidecar.hashes, blobs, strict=True):
            self.store.keep(digest, blob)
        return sidecar
