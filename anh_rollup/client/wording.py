"""Amounts, times and digests as people read them: in errors, and on the screen."""

from datetime import UTC, datetime

from anh_rollup.primitives import ETHER


def show_ether(wei: int, digits: int = 4) -> str:
    """Wei as ether for people: rounded to some digits, with its sign."""
    return f"{wei / ETHER:,.{digits}f} ETH"


def show_time(seconds: int) -> str:
    """An L1 time for people, in UTC; beyond the year 9999 as the number that it is."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"second {seconds}"


def counted(count: int, thing: str) -> str:
    """Some of a thing, whose plural ends with an s."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def short(digest: bytes) -> str:
    """The first digits of a digest, enough to tell it from others on one screen."""
    return f"0x{digest[:4].hex()}"
