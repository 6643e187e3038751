"""Options that several commands share, and how their words become values."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_address, to_checksum_address
from eth_utils.exceptions import ValidationError

from anh_rollup.errors import AnhError

#: A digest as people write it: 64 hexadecimal digits, 0x or not.
DIGEST: Final = re.compile(r"(0x)?([0-9a-fA-F]{64})")

#: Wei of one ether.
ETHER: Final = 10**18

_AMOUNT: Final = re.compile(r"\d{1,12}(\.\d{1,18})?")


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


class DigestOptionError(AnhError):
    """A word that should be a root, a hash or an id.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no root, hash or id", remedy="Give all of its 64 hexadecimal digits."
        )
        self.word = word


class AddressOptionError(AnhError):
    """A word that should be an address.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no address", remedy="Give 40 hexadecimal digits; check the letters' case."
        )
        self.word = word


class AmountOptionError(AnhError):
    """A word that should be an amount of ether.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no amount of ether", remedy="Give ether as a decimal number, such as 0.25."
        )
        self.word = word


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


def parse_address(word: str) -> str:
    """A checksummed address.

    Raises:
        AddressOptionError: The word is something else.
    """
    if not is_address(word):
        raise AddressOptionError(word)
    return to_checksum_address(word)


def read_account(path: Path) -> LocalAccount:
    """The account of a key file.

    Raises:
        KeyFileError: The file cannot be read, or holds no private key.
    """
    try:
        words = path.read_text().split()
    except OSError as error:
        raise KeyFileError(path, error.strerror or "it cannot be read") from error
    except UnicodeDecodeError as error:
        raise KeyFileError(path, "it is no text") from error
    if len(words) != 1 or not DIGEST.fullmatch(words[0]):
        raise KeyFileError(path, f"it holds {len(words)} words, or no 64 hexadecimal digits")
    try:
        account: LocalAccount = Account.from_key(words[0])
    except (ValueError, ValidationError) as error:
        raise KeyFileError(path, "the number in it is no key of the curve") from error
    return account


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def l1_option() -> Decorator:
    """`--l1 URL`."""
    return click.option(
        "--l1", "l1_url", envvar="ANH_L1", required=True, help="URL of the L1 node's JSON-RPC."
    )


def l2_option() -> Decorator:
    """`--l2 URL`."""
    return click.option("--l2", "l2_url", envvar="ANH_L2", required=True, help="URL of the L2's JSON-RPC.")


def deployment_option() -> Decorator:
    """`--deployment FILE`."""
    return click.option(
        "--deployment",
        "deployment_path",
        type=click.Path(dir_okay=False, path_type=Path),
        envvar="ANH_DEPLOYMENT",
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


def show_ether(wei: int, digits: int = 4) -> str:
    """Wei as ether for people: rounded to some digits, with its sign."""
    return f"{wei / ETHER:,.{digits}f} ETH"


def short(digest: bytes) -> str:
    """The first digits of a digest, enough to tell it from others on one screen."""
    return f"0x{digest[:4].hex()}"
