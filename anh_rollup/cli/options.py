"""Options that several commands share, and how their words become values."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_address, to_checksum_address
from eth_utils.exceptions import ValidationError
from rich.text import Text

from anh_rollup.encoding.checks import UINT16_MOST
from anh_rollup.errors import AnhError, escaped
from anh_rollup.l1.endpoint import EndpointUrlError, host_of
from anh_rollup.primitives import ETHER

#: A digest as people write it: 64 hexadecimal digits, 0x or not.
DIGEST: Final = re.compile(r"(0x)?([0-9a-fA-F]{64})")

_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,18})?")
_PORT: Final = re.compile("[0-9]{1,5}")

#: Most characters between two dots of a host's name (RFC 1035).
MOST_LABEL: Final = 63

#: Most bytes of a key file: a key and some white space.
MOST_KEY_BYTES: Final = 4_096

#: Most characters of a stranger's text on the screen.
MOST_SHOWN: Final = 1_000

#: Seconds between two rounds of a service, up to a day.
INTERVAL: Final = (0.01, 86_400.0)

#: Seconds between two rounds of accountants and challengers (choice: a sixth of an L1 block's time).
ROUND_INTERVAL: Final = 2.0


class KeyFileError(AnhError):
    """A key file that cannot be used. The message never shows what is in it.

    Attributes:
        path: The file.
        reason: What is wrong with it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the key file {path} cannot be used: {reason}",
            remedy="Put one private key into it: 64 hexadecimal digits, with or without 0x.",
        )
        self.path = path
        self.reason = reason


class UsageError(AnhError):
    """Words on the command line that make no sense: whatever the chains say, the command could do nothing."""


class DigestOptionError(UsageError):
    """A word that should be a root, a hash or an id.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no root, hash or id", remedy="Give all of its 64 hexadecimal digits."
        )
        self.word = word


class AddressOptionError(UsageError):
    """A word that should be an address.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no address", remedy="Give 40 hexadecimal digits; check the letters' case."
        )
        self.word = word


class AmountOptionError(UsageError):
    """A word that should be an amount of ether.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no amount of ether", remedy="Give ether as a decimal number, such as 0.25."
        )
        self.word = word


class ListenOptionError(UsageError):
    """A word that should say where to listen.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no place to listen", remedy="Give host:port, such as 127.0.0.1:8560."
        )
        self.word = word


class FreePortError(UsageError):
    """A free port for what others reach under the address that they are told."""

    def __init__(self) -> None:
        super().__init__(
            "with port 0 nobody is told where the store is, and no result could be fetched",
            remedy="Give --listen a port, or --public-url the URL at which others reach it.",
        )


class EndpointOptionError(UsageError):
    """A word that should be the URL of an endpoint. The message does not show it: it may hold a key.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, refused: EndpointUrlError) -> None:
        super().__init__(refused.message, remedy=refused.remedy)
        self.reason = refused.reason


class FiniteRange(click.FloatRange):
    """A range of numbers without NaN, which lies in every range of click's."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number of a word."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


def parse_listen(word: str) -> tuple[str, int]:
    """Host and port from host:port.

    Raises:
        ListenOptionError: The word is something else.
    """
    host, _, port = word.rpartition(":")
    if not (host.isascii() and host.isprintable() and _PORT.fullmatch(port) and int(port) <= UINT16_MOST):
        raise ListenOptionError(word)
    if not all(0 < len(label) <= MOST_LABEL for label in host.removesuffix(".").split(".")):
        raise ListenOptionError(word)
    return host, int(port)


def listen_word(word: str) -> str:
    """`word`, where `parse_listen` can read it: the type of `--listen`."""
    parse_listen(word)
    return word


def parse_endpoint(word: str) -> str:
    """`word`, where it is the URL of an HTTP endpoint.

    Raises:
        EndpointOptionError: It is something else.
    """
    try:
        host_of(word)
    except EndpointUrlError as error:
        raise EndpointOptionError(error) from error
    return word


def visible(text: str) -> Text:
    """A stranger's text for the screen: cut, not read as markup, and escaped where it is not printable."""
    return printable(text[:MOST_SHOWN])


def printable(text: str) -> Text:
    """A text for the screen as `visible` gives it, but whole."""
    return Text(escaped(text))


def parse_digest(word: str) -> bytes:
    """32 bytes from hexadecimal digits.

    Raises:
        DigestOptionError: The word is something else.
    """
    matched = DIGEST.fullmatch(word.strip())
    if matched is None:
        raise DigestOptionError(word)
    return bytes.fromhex(matched[2])


def parse_ether(word: str) -> int:
    """Wei from a decimal number of ether.

    Raises:
        AmountOptionError: The word is something else.
    """
    if not _AMOUNT.fullmatch(word):
        raise AmountOptionError(word)
    whole, _, fraction = word.partition(".")
    return int(whole) * ETHER + int(fraction.ljust(18, "0"))


def parse_payment(word: str) -> int:
    """Wei from a decimal number of ether above zero.

    Raises:
        AmountOptionError: The word is something else.
    """
    wei = parse_ether(word)
    if not wei:
        raise AmountOptionError(word)
    return wei


def parse_address(word: str) -> str:
    """A checksummed address; the letters of the word are in the checksum's case (EIP-55), or all in one.

    Raises:
        AddressOptionError: The word is something else, or its checksum is wrong.
    """
    if not is_address(word):
        raise AddressOptionError(word)
    address, digits = to_checksum_address(word), word[-40:]
    if digits not in (address[2:], digits.lower(), digits.upper()):
        raise AddressOptionError(word)
    return address


def read_account(path: Path) -> LocalAccount:
    """The account of a key file.

    Raises:
        KeyFileError: The file cannot be read, or holds no private key.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_KEY_BYTES + 1)
        words = content.decode().split()
    except OSError as error:
        raise KeyFileError(path, error.strerror or "it cannot be read") from error
    except ValueError as error:
        raise KeyFileError(path, "it is no text") from error
    if len(content) > MOST_KEY_BYTES:
        raise KeyFileError(path, f"it has more than {MOST_KEY_BYTES} bytes")
    if len(words) != 1 or not DIGEST.fullmatch(words[0]):
        raise KeyFileError(path, f"it holds {len(words)} words, or no 64 hexadecimal digits")
    try:
        account: LocalAccount = Account.from_key(words[0])
    except (ValueError, ValidationError) as error:
        raise KeyFileError(path, "the number in it is no key of the curve") from error
    return account


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def decorated(*options: Decorator) -> Decorator:
    """Several options as one decorator, in the order in which `--help` shows them."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def l1_option() -> Decorator:
    """`--l1 URL`."""
    return _url_option("--l1", "ANH_L1", "URL of the L1 node's JSON-RPC.")


def l2_option(required: bool = True) -> Decorator:
    """`--l2 URL`."""
    return _url_option("--l2", "ANH_L2", "URL of the L2's JSON-RPC.", required)


def _url_option(name: str, variable: str, what: str, required: bool = True) -> Decorator:
    parameter = f"{name.removeprefix('--')}_url"
    return click.option(
        name,
        parameter,
        type=parse_endpoint,
        metavar="URL",
        envvar=variable,
        show_envvar=True,
        required=required,
        help=what,
    )


def beacon_option() -> Decorator:
    """`--beacon URL`."""
    what = "URL of a beacon node, for batches in blobs; without it the L1 node is asked, as anvil allows."
    return click.option("--beacon", "beacon_url", type=parse_endpoint, metavar="URL", default=None, help=what)


def blob_store_option() -> Decorator:
    """`--no-blob-store`."""
    what = "Keep no blobs: once L1's nodes have forgotten them, --beacon has to be an archive."
    return click.option("--no-blob-store", is_flag=True, help=what)


def deployment_option() -> Decorator:
    """`--deployment FILE`."""
    return click.option(
        "--deployment",
        "deployment_path",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="ANH_DEPLOYMENT",
        show_envvar=True,
        default=Path("deployment.json"),
        show_default=True,
        help="File that `anh deploy` wrote.",
    )


def key_option(whose: str) -> Decorator:
    """`--key-file FILE`."""
    return click.option(
        "--key-file",
        type=click.Path(dir_okay=False, path_type=Path),
        required=True,
        help=f"File with {whose} private key in hexadecimal.",
    )


def store_option(required: bool = True) -> Decorator:
    """`--store URL`."""
    return click.option(
        "--store",
        "store_url",
        required=required,
        help="Artifact store: a folder, or a URL that fsspec knows.",
    )


def listen_option(port: int, what: str = "Where to serve the JSON-RPC.") -> Decorator:
    """`--listen HOST:PORT`, on this machine where nothing is given."""
    place = f"127.0.0.1:{port}"
    return click.option(
        "--listen", type=listen_word, metavar="HOST:PORT", default=place, show_default=True, help=what
    )


def interval_option(name: str, seconds: float, what: str) -> Decorator:
    """Seconds between two rounds of a service."""
    return click.option(name, type=FiniteRange(*INTERVAL), default=seconds, show_default=True, help=what)


def count_option(name: str, default: int | None, what: str, least: int = 0) -> Decorator:
    """A number from `least` on."""
    shown = default is not None
    return click.option(name, type=click.IntRange(min=least), default=default, show_default=shown, help=what)


def port_option(name: str, default: int, what: str) -> Decorator:
    """A port."""
    kind = click.IntRange(0, UINT16_MOST)
    return click.option(name, type=kind, default=default, show_default=True, help=what)
