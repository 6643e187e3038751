"""What a node means when it refuses a transaction: clients word it differently; only this file knows."""

from enum import Enum
from typing import Final

from anh_rollup.l1.errors import L1RejectedError


class Refusal(Enum):
    """Why a node did not take a transaction."""

    KNOWN = "the node has it already"
    NONCE_TOO_LOW = "the nonce is used"
    UNDERPRICED = "the offer is too low for now, or for a replacement"
    FUNDS = "the account cannot pay"
    RESERVED = "the account has transactions of another kind in the pool"
    OTHER = "something else"


#: Words of geth, anvil, Nethermind, Besu, Erigon and Ganache, lower case; the first match counts.
WORDS: Final[tuple[tuple[str, Refusal], ...]] = (
    ("already known", Refusal.KNOWN),
    ("already imported", Refusal.KNOWN),
    ("alreadyknown", Refusal.KNOWN),
    ("known transaction", Refusal.KNOWN),
    ("nonce too low", Refusal.NONCE_TOO_LOW),
    ("nonce is too low", Refusal.NONCE_TOO_LOW),
    ("nonce has already been used", Refusal.NONCE_TOO_LOW),
    ("oldnonce", Refusal.NONCE_TOO_LOW),
    ("correct nonce", Refusal.NONCE_TOO_LOW),
    ("already reserved", Refusal.RESERVED),
    ("insufficient funds", Refusal.FUNDS),
    ("enough funds", Refusal.FUNDS),
    ("insufficientfunds", Refusal.FUNDS),
    ("underpriced", Refusal.UNDERPRICED),
    ("less than block base fee", Refusal.UNDERPRICED),
    ("fee too low", Refusal.UNDERPRICED),
    ("feetoolow", Refusal.UNDERPRICED),
    ("replacement", Refusal.UNDERPRICED),
)


def classify(error: L1RejectedError) -> Refusal:
    """The meaning of a node's words."""
    words = error.reason.lower()
    return next((meaning for part, meaning in WORDS if part in words), Refusal.OTHER)
