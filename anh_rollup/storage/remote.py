"""Artifacts at URIs that somebody else wrote: what may be opened, how long, how much."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from yarl import URL

from anh_rollup.protocol.jobs import MOST_URI_BYTES
from anh_rollup.storage.addresses import require_public, resolve
from anh_rollup.storage.errors import (
    ArtifactError,
    FolderRefusedError,
    OtherHostRefusedError,
    StoreUnreachableError,
    UriRefusedError,
)
from anh_rollup.storage.files import FileStore
from anh_rollup.storage.http_client import Download, download


@dataclass(frozen=True, slots=True)
class RemotePolicy:
    """What a stranger's URI may make this machine do.

    Attributes:
        schemes: Schemes that are opened over the network; s3 and ipfs need the packages of `FileStore`.
        file_roots: Folders below which `file://` is opened; none by default.
        private_hosts: Whether hosts of private networks and this machine may be asked (a devnet needs it).
        most_bytes: The most that is read of one artifact.
        timeout: Seconds for one artifact, from the look-up of its host's name to its last byte.
        deadline: Reading of the monotonic clock after which nothing is fetched.
    """

    schemes: frozenset[str] = frozenset({"http", "https", "s3", "ipfs"})
    file_roots: tuple[Path, ...] = ()
    private_hosts: bool = False
    most_bytes: int = 1 << 28
    timeout: float = 120.0
    deadline: float = math.inf


def fetch(
    base: str, name: str, policy: RemotePolicy, clock: Callable[[], float] = time.monotonic
) -> bytes | None:
    """The bytes of `<base>/<name>`, unverified; None where the place says that it has none.

    Raises:
        UriRefusedError: The policy does not allow the URI.
        ArtifactTooLargeError: There are more bytes than allowed.
        StoreUnreachableError: No whole answer in time, or anything else that a stranger's place can lead to.
    """
    try:
        return _fetch(base, name, policy, clock)
    except ArtifactError:
        raise
    # A stranger chose the place, and each library behind it fails in its own words.
    except Exception as error:
        raise StoreUnreachableError(base, f"{type(error).__name__}: {error}") from error


def _fetch(base: str, name: str, policy: RemotePolicy, clock: Callable[[], float]) -> bytes | None:
    if len(base.encode(errors="replace")) > MOST_URI_BYTES:
        raise UriRefusedError(base, f"it is longer than {MOST_URI_BYTES} bytes")
    if not base.isascii() or not base.isprintable():
        raise UriRefusedError(ascii(base), "a URI is printable ASCII")
    try:
        scheme = urlsplit(base).scheme.lower()
    except ValueError as error:
        raise UriRefusedError(base, "it is malformed") from error
    if scheme == "file":
        return FileStore(_allowed_folder(base, policy)).read(name, policy.most_bytes)
    if scheme not in policy.schemes:
        raise UriRefusedError(base, f"the scheme {scheme!r} is not allowed")
    deadline = min(clock() + policy.timeout, policy.deadline)
    if scheme in ("http", "https"):
        return _fetch_http(base, name, policy, lambda: _left(base, deadline, clock))
    if "::" in base:
        raise UriRefusedError(base, "it chains file systems")
    return FileStore(base, _left(base, deadline, clock)).read(name, policy.most_bytes)


def _left(uri: str, deadline: float, clock: Callable[[], float]) -> float:
    """Seconds to a deadline, more than none."""
    left = deadline - clock()
    if left <= 0:
        raise StoreUnreachableError(uri, "the time for it is over")
    return left


def _allowed_folder(uri: str, policy: RemotePolicy) -> str:
    """The folder of a `file://` URI, with links followed, below one of the allowed ones."""
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise OtherHostRefusedError(uri)
    folder = Path(unquote(parts.path))
    try:
        resolved = folder.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise UriRefusedError(uri, "it names no folder") from error
    if not any(resolved.is_relative_to(root.resolve()) for root in policy.file_roots):
        raise FolderRefusedError(uri, policy.file_roots)
    return str(resolved)


def _fetch_http(base: str, name: str, policy: RemotePolicy, left: Callable[[], float]) -> bytes | None:
    """A GET at an address that was checked; the time for finding the address counts, too."""
    url, host, port = _parse(f"{base.rstrip('/')}/{name}", base)
    addresses = resolve(host, port, left())
    if not policy.private_hosts:
        require_public(base, addresses)
    return download(Download(url, addresses, policy.most_bytes, left()))


def _parse(url: str, base: str) -> tuple[URL, str, int]:
    """A URL with its host and port: one parser for the check and for the request, as two would differ."""
    try:
        parsed = URL(url)
        host, port = parsed.host, parsed.port  # decoded here, and some hosts cannot be
    except ValueError as error:
        raise UriRefusedError(base, "it is malformed") from error
    if not host or port is None:
        raise UriRefusedError(base, "it names no host")
    return parsed, host, port
