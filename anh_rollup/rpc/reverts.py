"""How a call failed, in the words and codes of Ethereum's clients."""

from typing import Final

from anh_rollup.l1.reverts import decode_revert
from anh_rollup.rpc.errors import Code, DataError, RpcError

PANICS: Final = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}
"""What Solidity's panic codes mean, in geth's words (Solidity documentation, "Panic via assert")."""


def reverted(output: bytes) -> DataError:
    """The error of a call that reverts; its reason is in the message where Solidity gave one.

    Args:
        output: What it reverts with.
    """
    said = _reason(output)
    message = "execution reverted" if said is None else f"execution reverted: {said}"
    return DataError(Code.REVERT, message, output)


def halted(reason: str) -> RpcError:
    """The error of a call that stops without a revert.

    Args:
        reason: Why, in the field's words.
    """
    return RpcError(Code.SERVER, reason, remedy="Mend the call, or give it more gas.")


def uncovered(have: int, want: int) -> RpcError:
    """The error of a call whose sender cannot pay what it names; both in wei."""
    return RpcError(
        Code.SERVER,
        f"insufficient funds for gas * price + value: have {have} want {want}",
        remedy="Name a sender with more money, or less value, gas or price.",
    )


def _reason(output: bytes) -> str | None:
    error = decode_revert(output)
    known = error.reason in ("Error", "Panic") and len(error.arguments) == 1
    said = error.arguments[0] if known else None
    if isinstance(said, str):
        return said
    return PANICS.get(said, f"unknown panic code: {said:#x}") if isinstance(said, int) else None
