"""Which addresses a stranger's URI may lead to: what everybody can reach, and nothing behind our door."""

import ipaddress
import socket
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final

from anh_rollup.storage.errors import StoreUnreachableError, UriRefusedError
from anh_rollup.storage.files import in_time

#: The only part of IPv6 that is given to hosts on the public network (RFC 4291, IANA). Outside of it lie, for
#: instance, IPv4-mapped addresses (::ffff:0:0/96) and NAT64 (64:ff9b::/96), which lead to any IPv4 address.
GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")

#: Tunnels, which lead to any IPv4 address: 6to4 (RFC 3056) and Teredo (RFC 4380).
TUNNELS: Final = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))


def is_public(address: str) -> bool:
    """Whether an IP address in text form belongs to one host on the public network.

    Raises:
        ValueError: It is no IP address.
    """
    found = ipaddress.ip_address(address)
    if not found.is_global or found.is_multicast or found.is_reserved:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return True
    return found in GLOBAL_UNICAST and not any(found in tunnel for tunnel in TUNNELS)


def resolve(host: str, port: int, timeout: float) -> tuple[str, ...]:
    """The IP addresses of a host, each once, in the order of preference.

    Raises:
        StoreUnreachableError: The name is not known, or not in time.
    """
    try:
        found = in_time(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), timeout)
    except FutureTimeoutError as error:
        raise StoreUnreachableError(host, "its name is not resolved in time") from error
    except (OSError, UnicodeError) as error:
        raise StoreUnreachableError(host, "its name is not known") from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def require_public(uri: str, addresses: tuple[str, ...]) -> None:
    """Keeps a stranger from reaching services of this machine and its network.

    Raises:
        UriRefusedError: One of the addresses that its host has is not public.
    """
    if not all(is_public(address) for address in addresses):
        raise UriRefusedError(uri, "its host is not on the public network")
