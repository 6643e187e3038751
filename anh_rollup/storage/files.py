"""Bytes by name in a folder, a bucket or whatever else fsspec reaches: bounded reads, atomic writes."""

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from anh_rollup.storage.errors import (
    ArtifactError,
    ArtifactTooLargeError,
    FileSystemMissingError,
    StoreUnreachableError,
)

T = TypeVar("T")

#: Bytes read at a time.
PART: Final = 1 << 20

#: Packages with the file systems of schemes that fsspec does not bring itself; none comes with this program.
PACKAGES: Final = {"s3": "s3fs", "ipfs": "ipfsspec"}


class FileStore:
    """Named byte strings below a base URL.

    Args:
        base_url: A folder, or a URL that fsspec knows: `memory://`, or with their `PACKAGES` `s3://`, `ipfs://`.
        timeout: Seconds for one operation; a local folder has none.

    Raises:
        FileSystemMissingError: The URL's file system comes in a package that is not installed.
        StoreUnreachableError: The URL is none that fsspec takes.
    """

    def __init__(self, base_url: str, timeout: float = 60.0) -> None:
        self.base_url = base_url
        self._timeout = timeout
        try:
            filesystem, base = fsspec.core.url_to_fs(base_url)
        # Each file system has its own words for a URL that lacks what it needs.
        except (ImportError, ValueError, OSError, TypeError, AttributeError, KeyError) as error:
            package = PACKAGES.get(base_url.partition("://")[0])
            if package is not None and find_spec(package) is None:
                raise FileSystemMissingError(base_url, package) from error
            raise StoreUnreachableError(base_url, str(error)) from error
        self._files: Any = filesystem
        self._base = str(base).rstrip("/")

    @property
    def folder(self) -> Path | None:
        """The folder on this machine, or None for other places."""
        return Path(self._base) if isinstance(self._files, LocalFileSystem) else None

    def place(self, name: str) -> str:
        """How a name is shown in messages."""
        return f"{self.base_url.rstrip('/')}/{name}"

    def read(self, name: str, limit: int) -> bytes | None:
        """The bytes of a name, or None where there are none.

        Raises:
            ArtifactTooLargeError: There are more than `limit`.
            StoreUnreachableError: The place cannot be read in time.
        """
        content = self._bounded(name, lambda: self._read(name, limit))
        if content is not None and len(content) > limit:
            raise ArtifactTooLargeError(self.place(name), limit)
        return content

    def write(self, name: str, content: bytes) -> None:
        """Puts bytes under a name: after a crash it holds all of them or what it held before.

        Raises:
            StoreUnreachableError: The place cannot be written.
        """
        self._bounded(name, lambda: self._write(name, content))

    def remove(self, name: str) -> None:
        """Lets go of what a name holds; nothing happens where it holds nothing.

        Raises:
            StoreUnreachableError: The place cannot be written.
        """
        self._bounded(name, lambda: self._remove(name))

    def exists(self, name: str) -> bool:
        """Whether a name holds something."""
        return bool(self._bounded(name, lambda: self._files.exists(self._path(name))))

    def names(self, folder: str) -> list[str]:
        """The names in a folder, without it, sorted; none where there is no such folder."""
        found = (path.rsplit("/", 1)[-1] for path in self._bounded(folder, lambda: self._list(folder)))
        return sorted(name for name in found if not name.startswith("."))

    def _path(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _read(self, name: str, limit: int) -> bytes | None:
        try:
            with self._files.open(self._path(name), "rb") as file:
                if self.folder is not None and os.fstat(file.fileno()).st_size > limit:
                    raise ArtifactTooLargeError(self.place(name), limit)
                content = bytearray()
                while len(content) <= limit:
                    part = file.read(min(PART, limit + 1 - len(content)))
                    if not part:
                        break
                    content += part
        except FileNotFoundError:
            return None
        return bytes(content)

    def _list(self, folder: str) -> list[str]:
        try:
            return [str(path) for path in self._files.ls(self._path(folder), detail=False, refresh=True)]
        except FileNotFoundError:
            return []

    def _write(self, name: str, content: bytes) -> None:
        if self.folder is not None:
            write_atomically(Path(self._path(name)), content)
            return
        path = self._path(name)
        self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        self._files.pipe_file(path, content)

    def _remove(self, name: str) -> None:
        try:
            self._files.rm_file(self._path(name))
        except FileNotFoundError:
            return

    def _bounded(self, name: str, operation: Callable[[], T]) -> T:
        """Runs an operation in the time that it has, foreign errors as ours."""
        try:
            if self.folder is not None:
                return operation()
            return in_time(operation, self._timeout)
        except FutureTimeoutError as error:
            raise StoreUnreachableError(
                self.place(name), f"no answer in {self._timeout:g} seconds"
            ) from error
        except ArtifactError:
            raise
        # Each file system behind fsspec fails in its own words.
        except Exception as error:
            raise StoreUnreachableError(self.place(name), str(error) or type(error).__name__) from error


def in_time(operation: Callable[[], T], timeout: float) -> T:
    """Runs an operation that has no time limit of its own; a late one is left behind.

    Raises:
        concurrent.futures.TimeoutError: It is not done in time.
    """
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return pool.submit(operation).result(timeout)
    finally:
        pool.shutdown(wait=False)


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file by way of a temporary one; on the disk when it returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
