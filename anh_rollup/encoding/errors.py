"""The one error of this package, with a reason that a program can branch on."""

from enum import StrEnum
from typing import Final

from anh_rollup.errors import AnhError


class EncodingReason(StrEnum):
    """Why bytes, a proof or a value were refused."""

    TRUNCATED = "truncated"
    TRAILING = "trailing bytes"
    TOO_LARGE = "too large"
    WRONG_LENGTH = "wrong length"
    WRONG_TYPE = "wrong type"
    WRONG_SHAPE = "wrong shape"
    WRONG_ROOT = "wrong root"
    WRONG_CHAIN = "wrong chain"
    OUT_OF_RANGE = "out of range"
    NOT_ASCENDING = "not ascending"
    NOT_CANONICAL = "not canonical"
    BAD_PROOF = "bad proof"
    BAD_SIGNATURE = "bad signature"
    UNSUPPORTED = "unsupported"


_REMEDIES: Final = {
    EncodingReason.TRUNCATED: "Fetch the bytes again; if they stay short, their source is faulty.",
    EncodingReason.TRAILING: "Fetch the bytes again; if they stay long, their source is faulty.",
    EncodingReason.TOO_LARGE: "Use fewer or smaller parts; docs/encoding.md lists every limit.",
    EncodingReason.WRONG_LENGTH: "Give exactly the length that docs/encoding.md states.",
    EncodingReason.WRONG_TYPE: "Round or convert to int32 first; nothing is converted silently.",
    EncodingReason.WRONG_SHAPE: "Give the shape that the program or the header declares.",
    EncodingReason.WRONG_ROOT: "Fetch the artifact elsewhere; this copy is not the one committed to.",
    EncodingReason.WRONG_CHAIN: "Sign the transaction for this chain's id.",
    EncodingReason.OUT_OF_RANGE: "Give a value inside the range that the message names.",
    EncodingReason.NOT_ASCENDING: "Sort the indices and name each once.",
    EncodingReason.NOT_CANONICAL: "Encode the value again; there is exactly one accepted form.",
    EncodingReason.BAD_PROOF: "Make the proof again from the whole tree.",
    EncodingReason.BAD_SIGNATURE: "Sign the transaction again.",
    EncodingReason.UNSUPPORTED: "Use a type or version that docs/encoding.md lists.",
}


class EncodingError(AnhError):
    """Bytes, a proof or a value have no place in an encoding of this package.

    Attributes:
        reason: Why, for programs.
    """

    def __init__(self, reason: EncodingReason, message: str) -> None:
        super().__init__(message, remedy=_REMEDIES[reason])
        self.reason = reason
