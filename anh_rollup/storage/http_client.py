"""A bounded GET at addresses that were checked: one deadline for all of it, no redirects, no proxies."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from anh_rollup.storage.errors import ArtifactTooLargeError, StoreUnreachableError

#: Statuses by which a server says that it has no such artifact.
ABSENT: Final = (404, 410)


@dataclass(frozen=True, slots=True)
class Download:
    """What to get, and how much of it.

    Attributes:
        url: The URL.
        addresses: IP addresses of its host; nothing else is connected to, whatever the name means by then.
        most_bytes: The longest body.
        timeout: Seconds for all of it: connecting, headers, and the body.
    """

    url: URL
    addresses: Sequence[str]
    most_bytes: int
    timeout: float

    @property
    def place(self) -> str:
        """The server as messages name it: with its port, without user and path."""
        return str(self.url.origin())


def download(wanted: Download) -> bytes | None:
    """The body, or None where the server says that there is none.

    Raises:
        ArtifactTooLargeError: It has more bytes than allowed.
        StoreUnreachableError: No whole answer in time.
    """
    try:
        return asyncio.run(_get(wanted))
    except TimeoutError as error:
        raise StoreUnreachableError(wanted.place, "the answer takes too long") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise StoreUnreachableError(wanted.place, type(error).__name__) from error


class _Pinned(AbstractResolver):
    """Gives the addresses that were checked; asking again could give others (DNS rebinding)."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses, of whichever family."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
            if family in (socket.AF_UNSPEC, socket.AF_INET6 if ":" in address else socket.AF_INET)
        ]

    async def close(self) -> None:
        """Holds nothing."""


async def _get(wanted: Download) -> bytes | None:
    connector = aiohttp.TCPConnector(resolver=_Pinned(wanted.addresses), force_close=True)
    async with (
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=wanted.timeout),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity"},
        ) as session,
        session.get(wanted.url, allow_redirects=False) as answer,
    ):
        if answer.status in ABSENT:
            return None
        if answer.status != 200:
            raise StoreUnreachableError(wanted.place, f"HTTP status {answer.status}")
        return await _body(answer, wanted)


async def _body(answer: aiohttp.ClientResponse, wanted: Download) -> bytes:
    """The body as it comes, no further than the limit."""
    content = bytearray()
    async for part in answer.content.iter_any():
        content += part
        if len(content) > wanted.most_bytes:
            raise ArtifactTooLargeError(wanted.place, wanted.most_bytes)
    return bytes(content)
