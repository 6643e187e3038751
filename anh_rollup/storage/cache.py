"""Which artifacts in a folder were fetched from others, and how many bytes of the disk they may take."""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from anh_rollup.storage.errors import StoreUnreachableError

MOST_CACHE: Final = 20 << 30
"""Bytes of fetched artifacts that are kept, unless set (choice: 80 of the largest that are fetched)."""

MARKS: Final = "fetched"
"""The folder of the marks: an empty file for each fetched artifact, touched when it is used."""


class FetchedArtifacts:
    """The fetched artifacts of one folder; usable from several threads of one process.

    An artifact without a mark is one's own, and never removed. A mark is set before its artifact is written,
    and taken away before an own one is written over it, so a crash makes no own artifact a fetched one.
    Another process can take one away with `unmark`: the marks on the disk count, not what is remembered.

    Args:
        folder: The artifact store's folder.
        most_bytes: How many bytes they may have together.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._needed: frozenset[str] = frozenset()
        self._sizes: OrderedDict[str, int] = OrderedDict()  # the least recently used first
        marks = [path for path in (folder / MARKS).glob("*/*") if path.is_file()]
        for mark in sorted(marks, key=lambda path: path.stat().st_mtime_ns):
            name = f"{mark.parent.name}/{mark.name}"
            artifact = folder / name
            self._sizes[name] = artifact.stat().st_size if artifact.is_file() else 0

    def need_only(self, names: Iterable[str]) -> None:
        """Says which artifacts stay, whatever their number; all others may be removed again."""
        with self._lock:
            self._needed = frozenset(names)

    def make_room(self, name: str, size: int) -> bool:
        """Marks an artifact that is about to be written, and removes what was not used for longest.

        Returns:
            Whether it may be written: it fits, or it is needed, and it did not become one's own meanwhile.

        Raises:
            StoreUnreachableError: The folder cannot be written.
        """
        with self._changing():
            self._forget_unmarked()
            if (self._folder / name).exists() and not self._mark(name).exists():
                return False
            used = sum(self._sizes.values()) - self._sizes.get(name, 0)
            removable = [each for each in self._sizes if each not in self._needed and each != name]
            least = used - sum(self._sizes[each] for each in removable)
            if name not in self._needed and least + size > self._most_bytes:
                return False
            for each in removable:
                if used + size <= self._most_bytes:
                    break
                used -= self._sizes[each]
                self._remove(each)
            self._mark(name).parent.mkdir(parents=True, exist_ok=True)
            self._mark(name).touch()
            self._sizes[name] = size
            self._sizes.move_to_end(name)
            return True

    def use(self, name: str) -> None:
        """Notes that an artifact is used now; nothing happens where it was not fetched."""
        with self._changing():
            if name in self._sizes and self._mark(name).exists():
                self._sizes.move_to_end(name)
                os.utime(self._mark(name))

    def own(self, name: str) -> None:
        """Makes an artifact one's own: it is not removed any more."""
        with self._changing():
            self._sizes.pop(name, None)
            self._mark(name).unlink(missing_ok=True)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One thread at a time; the disk's faults as the store's."""
        try:
            with self._lock:
                yield
        except OSError as error:
            raise StoreUnreachableError(str(self._folder), str(error)) from error

    def _mark(self, name: str) -> Path:
        return self._folder / MARKS / name

    def _forget_unmarked(self) -> None:
        """Lets go of what became one's own through another process."""
        for name in [each for each in self._sizes if not self._mark(each).exists()]:
            del self._sizes[name]

    def _remove(self, name: str) -> None:
        """Removes an artifact before its mark: what a crash leaves is still known as fetched."""
        (self._folder / name).unlink(missing_ok=True)
        self._mark(name).unlink(missing_ok=True)
        del self._sizes[name]


def unmark(folder: Path, name: str) -> None:
    """Makes an artifact in a folder one's own, whichever process fetched it.

    Raises:
        StoreUnreachableError: The folder cannot be written.
    """
    try:
        (folder / MARKS / name).unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise StoreUnreachableError(str(folder), str(error)) from error
