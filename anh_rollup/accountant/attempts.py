"""Attempts at jobs that never ended: a job that kills this process must not be begun for ever."""

import logging
import re
from typing import Final

from anh_rollup.storage.files import FileStore

LOG = logging.getLogger(__name__)

#: Attempts at a job (choice): a machine may lose its power a few times for another reason.
MOST_ATTEMPTS: Final = 5

#: Bytes of a file that are read, whatever somebody put there (choice).
MOST_BYTES: Final = 1 << 20

#: The folder of the attempts, and the name of a job's file there. It holds one byte for each attempt.
FOLDER: Final = "attempts"
NAME: Final = re.compile("job-([0-9a-f]{64})")


class Attempts:
    """How often each job was begun and did not end, below a base URL.

    Args:
        files: Where they are kept.
    """

    def __init__(self, files: FileStore) -> None:
        self._files = files

    def begin(self, transaction: bytes) -> None:
        """Counts an attempt at a job before it is begun.

        Raises:
            StoreUnreachableError: The place cannot be written.
        """
        self._files.write(_path(transaction), bytes(self._count(transaction) + 1))

    def end(self, transaction: bytes) -> None:
        """Forgets the attempts at a job: it ended, in whatever way.

        Raises:
            StoreUnreachableError: The place cannot be written.
        """
        self._files.remove(_path(transaction))

    def given_up(self) -> frozenset[bytes]:
        """The jobs that were begun `MOST_ATTEMPTS` times and never ended.

        Raises:
            StoreUnreachableError: The place cannot be read.
        """
        found = (NAME.fullmatch(name) for name in self._files.names(FOLDER))
        jobs = (bytes.fromhex(each[1]) for each in found if each is not None)
        return frozenset(job for job in jobs if self._count(job) >= MOST_ATTEMPTS)

    def tell(self) -> None:
        """Says which jobs are given up, and how they can be begun again."""
        for job in sorted(self.given_up()):
            LOG.warning(
                "job 0x%s was begun %d times and never ended; next: it is left; remove %s to begin it again",
                job.hex(), MOST_ATTEMPTS, self._files.place(_path(job)),
            )  # fmt: skip

    def _count(self, transaction: bytes) -> int:
        return len(self._files.read(_path(transaction), MOST_BYTES) or b"")


def _path(transaction: bytes) -> str:
    return f"{FOLDER}/job-{transaction.hex()}"
