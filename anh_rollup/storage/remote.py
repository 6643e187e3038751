"""Artifacts at URIs that somebody else wrote: what may be opened, how long, how much."""

import ipaddress
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import requests
from urllib3.exceptions import HTTPError

from anh_rollup.storage.errors import ArtifactTooLargeError, StoreUnreachableError, UriRefusedError
from anh_rollup.storage.files import FileStore

#: The longest URI that is looked at (memo: at most 512 bytes in jobs and claims).
LONGEST_URI: Final = 512

#: Most bytes taken from the network at a time.
PART: Final = 1 << 16

#: Seconds without a byte after which a server counts as gone.
LONGEST_SILENCE: Final = 30.0


@dataclass(frozen=True, slots=True)
class RemotePolicy:
    """What a stranger's URI may make this machine do.

    Attributes:
        schemes: Schemes that are opened over the network.
        file_roots: Folders below which `file://` is opened; none by default.
        private_hosts: Whether hosts of private networks and this machine may be asked (a devnet needs it).
        most_bytes: The most that is read of one artifact.
        timeout: Seconds for one artifact, from the first to the last byte.
    """

    schemes: frozenset[str] = frozenset({"http", "https", "s3", "ipfs"})
    file_roots: tuple[Path, ...] = ()
    private_hosts: bool = False
    most_bytes: int = 1 << 28
    timeout: float = 120.0


def fetch(
    base: str, name: str, policy: RemotePolicy, clock: Callable[[], float] = time.monotonic
) -> bytes | None:
    """The bytes of `<base>/<name>`, unverified; None where the place says that it has none.

    Raises:
        UriRefusedError: The policy does not allow the URI.
        ArtifactTooLargeError: There are more bytes than allowed.
        StoreUnreachableError: No whole answer in time.
    """
    if len(base.encode(errors="replace")) > LONGEST_URI:
        raise UriRefusedError(base, f"it is longer than {LONGEST_URI} bytes")
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
    if scheme in ("http", "https"):
        _require_public(base, policy)
        return _fetch_http(f"{base.rstrip('/')}/{name}", policy, clock)
    if "::" in base:
        raise UriRefusedError(base, "it chains file systems")
    return FileStore(base, policy.timeout).read(name, policy.most_bytes)


def _allowed_folder(uri: str, policy: RemotePolicy) -> str:
    """The folder of a `file://` URI, with links followed, below one of the allowed ones."""
    parts = urlsplit(uri)
    folder = Path(unquote(parts.path))
    try:
        resolved = folder.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise UriRefusedError(uri, "it names no folder") from error
    allowed = any(resolved.is_relative_to(root.resolve()) for root in policy.file_roots)
    if parts.netloc not in ("", "localhost") or not allowed:
        raise UriRefusedError(uri, "it is not below an allowed folder")
    return str(resolved)


def _require_public(uri: str, policy: RemotePolicy) -> None:
    """Keeps a stranger from reaching services of this machine and its network."""
    try:
        host, port = urlsplit(uri).hostname, urlsplit(uri).port
    except ValueError as error:
        raise UriRefusedError(uri, "it is malformed") from error
    if not host:
        raise UriRefusedError(uri, "it names no host")
    if policy.private_hosts:
        return
    try:
        found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise StoreUnreachableError(host, "its name is not known") from error
    if not all(ipaddress.ip_address(entry[4][0]).is_global for entry in found):
        raise UriRefusedError(uri, "its host is not on the public network")


def _fetch_http(url: str, policy: RemotePolicy, clock: Callable[[], float]) -> bytes | None:
    """A bounded GET; redirects are not followed, as they would escape the policy."""
    deadline = clock() + policy.timeout
    place = f"{urlsplit(url).scheme}://{urlsplit(url).hostname}"
    try:
        with requests.get(
            url, stream=True, timeout=min(policy.timeout, 30.0), allow_redirects=False
        ) as answer:
            if answer.status_code in (requests.codes.not_found, requests.codes.gone):
                return None
            if answer.status_code != requests.codes.ok:
                raise StoreUnreachableError(place, f"HTTP status {answer.status_code}")
            return _read_body(answer, policy.most_bytes, lambda: clock() < deadline)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise StoreUnreachableError(place, type(error).__name__) from error


def _read_body(answer: requests.Response, limit: int, has_time: Callable[[], bool]) -> bytes:
    """The body as it comes, in parts of any length, so that a dripping server cannot hold us."""
    place = urlsplit(answer.url).hostname or "the server"
    content = bytearray()
    while part := answer.raw.read1(PART):
        content += part
        if len(content) > limit:
            raise ArtifactTooLargeError(place, limit)
        if not has_time():
            raise StoreUnreachableError(place, "the answer takes too long")
    promised = answer.headers.get("Content-Length", "")
    if promised.isdecimal() and int(promised) != len(content):
        raise StoreUnreachableError(place, "the answer is not whole")
    return bytes(content)
