"""Why a transaction is not taken into the order."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.errors import AnhError
from anh_rollup.protocol.ledger import SkipReason


class RejectReason(StrEnum):
    """Why a transaction is not accepted; the words are those of Ethereum's clients."""

    MALFORMED = "invalid transaction"
    UNSUPPORTED = "transaction type not supported"
    WRONG_CHAIN = "invalid chain id for signer"
    BAD_SIGNATURE = "invalid sender"
    TOO_LARGE = "oversized data"
    ALREADY_KNOWN = "already known"
    NONCE_TOO_LOW = "nonce too low"
    NONCE_TOO_HIGH = "nonce too high"
    INTRINSIC_GAS = "intrinsic gas too low"
    BLOCK_GAS = "exceeds block gas limit"
    BASE_FEE = "max fee per gas less than block base fee"
    FUNDS = "insufficient funds for gas * price + value"
    BLOCK_FULL = "the block under construction is full"
    BACKLOG_FULL = "too many transactions wait for L1"
    POOL_FULL = "txpool is full"
    REPLACEMENT = "replacement transaction underpriced"
    SENDER_RATE = "too many transactions of one sender"


REMEDIES: Final = {
    RejectReason.MALFORMED: "Sign a transaction of type 0, 1 or 2 for this chain id.",
    RejectReason.UNSUPPORTED: "Sign a transaction of type 0, 1 or 2.",
    RejectReason.WRONG_CHAIN: "Sign for the chain id that eth_chainId gives, a legacy one by EIP-155.",
    RejectReason.BAD_SIGNATURE: "Sign it again, with an s in the lower half (EIP-2).",
    RejectReason.TOO_LARGE: "Split it: a signed transaction has at most 128 KiB, 64 KiB as a record.",
    RejectReason.ALREADY_KNOWN: "Wait for it: ask for its position with anh_getPosition.",
    RejectReason.NONCE_TOO_LOW: "Use the nonce that eth_getTransactionCount gives for `pending`.",
    RejectReason.NONCE_TOO_HIGH: "Send those with the lower nonces first; a few can wait for them.",
    RejectReason.INTRINSIC_GAS: "Raise the gas limit.",
    RejectReason.BLOCK_GAS: "Lower the gas limit below the block's.",
    RejectReason.BASE_FEE: "Raise maxFeePerGas to at least the latest block's baseFeePerGas.",
    RejectReason.FUNDS: "Deposit more ether on L1 with Inbox.deposit, or lower gas limit, price or value.",
    RejectReason.BLOCK_FULL: "Try again in a moment.",
    RejectReason.BACKLOG_FULL: "Try again in a minute, when more of them are on L1.",
    RejectReason.POOL_FULL: "Send the transactions with the lower nonces first, or raise maxFeePerGas.",
    RejectReason.REPLACEMENT: "Raise maxFeePerGas and maxPriorityFeePerGas, both.",
    RejectReason.SENDER_RATE: "Send more slowly, or try again in a second.",
}

#: What is rejected as the ledger would skip it.
REJECTED: Final[Mapping[SkipReason, RejectReason]] = {
    SkipReason.UNDECODABLE: RejectReason.MALFORMED,
    SkipReason.NONCE_TOO_LOW: RejectReason.NONCE_TOO_LOW,
    SkipReason.NONCE_TOO_HIGH: RejectReason.NONCE_TOO_HIGH,
    SkipReason.INTRINSIC_GAS: RejectReason.INTRINSIC_GAS,
    SkipReason.BLOCK_GAS: RejectReason.BLOCK_GAS,
    SkipReason.BASE_FEE: RejectReason.BASE_FEE,
    SkipReason.FUNDS: RejectReason.FUNDS,
}


class RejectedError(AnhError):
    """A transaction that the sequencer does not take into the order.

    Attributes:
        reason: Why.
        detail: The values that matter.
    """

    def __init__(self, reason: RejectReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason), remedy=REMEDIES[reason])
        self.reason = reason
        self.detail = detail


#: What encodings call a fault, in the words of Ethereum's clients; any other is MALFORMED.
_REASONS: Final = {
    EncodingReason.UNSUPPORTED: RejectReason.UNSUPPORTED,
    EncodingReason.WRONG_CHAIN: RejectReason.WRONG_CHAIN,
    EncodingReason.BAD_SIGNATURE: RejectReason.BAD_SIGNATURE,
    EncodingReason.TOO_LARGE: RejectReason.TOO_LARGE,
}


def rejection_of(error: EncodingError) -> RejectedError:
    """The rejection of bytes that are no sound transaction."""
    return RejectedError(_REASONS.get(error.reason, RejectReason.MALFORMED), error.message)
