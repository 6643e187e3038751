"""Sidecars that a process of its own makes: `SidecarProcess` starts this module.

The proofs of a full batch take a second, and ckzg holds the interpreter's lock all the while: in the
sequencer's own process nobody would get an answer.
"""

import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import BinaryIO, Final

from anh_rollup.encoding.blobs import BLOB_SIZE
from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.blobs import Sidecar, check_blobs, make_sidecar, versioned
from anh_rollup.l1.errors import TransientL1Error

#: Before the blobs that are sent to the process: how many they are.
_COUNT: Final = struct.Struct(">B")

#: Bytes of a commitment, and of a proof (EIP-4844, EIP-7594), and the proofs of a blob.
_POINT, _CELLS = 48, 128


class SidecarProcessError(TransientL1Error):
    """The process that computes proofs ended, or cannot be started; the next attempt starts another one.

    Attributes:
        cause: What happened.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"the process that computes blob proofs failed: {cause}",
            remedy="Look above for its last words, and check that there is memory left.",
        )
        self.cause = cause


class SidecarProcess:
    """Makes sidecars; usable from several threads, which take turns.

    The process starts with the first sidecar and ends when its owner does, in whatever way.

    Args:
        store: Where the blobs are kept, so that whoever reads them back asks nobody.
    """

    def __init__(self, store: BlobStore | None = None) -> None:
        self._store = store
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def make(self, blobs: Sequence[bytes]) -> Sidecar:
        """What `make_sidecar` makes.

        Raises:
            BlobMalformedError: There are none or too many, or one has another size.
            SidecarProcessError: The process failed.
        """
        check_blobs(blobs)
        with self._turn:
            try:
                points = self._ask(b"".join([_COUNT.pack(len(blobs)), *blobs]), len(blobs))
            except OSError as error:
                self._end()
                raise SidecarProcessError(str(error)) from error
        commitments, proofs = points[: len(blobs)], points[len(blobs) :]
        hashes = tuple([versioned(item) for item in commitments])
        if self._store is not None:
            for digest, blob in zip(hashes, blobs, strict=True):
                self._store.keep(digest, blob)
        return Sidecar(tuple(blobs), tuple(commitments), tuple(proofs), hashes)

    def close(self) -> None:
        """Ends the process; a later `make` starts another one."""
        with self._turn:
            self._end()

    def _ask(self, request: bytes, blobs: int) -> list[bytes]:
        """The commitments of blobs and their proofs.

        Raises:
            OSError: The process ended.
        """
        process = self._process = self._process or _start()
        size = blobs * (1 + _CELLS) * _POINT
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError("it has no pipes")
        process.stdin.write(request)
        process.stdin.flush()
        answer = process.stdout.read(size)
        if len(answer) != size:
            raise BrokenPipeError(f"it ended with code {process.wait()}")
        return [answer[at : at + _POINT] for at in range(0, size, _POINT)]

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _start() -> "subprocess.Popen[bytes]":
    """The process, in a session of its own: Ctrl-C is its owner's."""
    command = [sys.executable, "-m", __spec__.name]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)  # noqa: S603


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Answers until nobody asks any more: to the blobs of a batch with their commitments and proofs."""
    while head := asked.read(_COUNT.size):
        blobs = [asked.read(BLOB_SIZE) for _ in range(*_COUNT.unpack(head))]
        if not blobs or len(blobs[-1]) != BLOB_SIZE:
            return
        sidecar = make_sidecar(blobs)
        answers.write(b"".join([*sidecar.commitments, *sidecar.cell_proofs]))
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
