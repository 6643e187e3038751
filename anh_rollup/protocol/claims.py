"""Claims: "the result of this job has these properties", with identifiers that Solidity computes alike."""

from dataclasses import dataclass
from typing import Any, Final

from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.address import is_checksum_address, to_checksum_address

from anh_rollup.encoding.abi import decode, encode, text_size
from anh_rollup.encoding.checks import INT64_LEAST, INT64_MOST, UINT32_MOST, UINT64_MOST
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.errors import AnhError
from anh_rollup.primitives import DIGEST_SIZE, BatchNumber
from anh_rollup.protocol.jobs import MOST_PROPERTIES, MOST_URI_BYTES

SCORES_TYPE: Final = "(uint32,int64,bytes32)"
CLAIM_TYPE: Final = f"(address,uint64,bytes32,uint32,bytes32,bytes32,bytes32,{SCORES_TYPE}[],string)"


class ClaimMalformedError(AnhError):
    """A claim that breaks a rule, or bytes that are not the canonical encoding of one.

    Attributes:
        reason: What is wrong, as a phrase.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a claim: {reason}", remedy="Check its fields against docs/protocol.md.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Scores:
    """The head of a score list: what a claim says about one property.

    Attributes:
        count: Number of samples, uint32.
        sum: Exact sum of the scores, int64.
        top: Hash at the top of the Merkle-sum tree (32 bytes).
    """

    count: int
    sum: int
    top: bytes

    def __post_init__(self) -> None:
        """Raises `ClaimMalformedError` where a field is out of range."""
        if not 0 <= self.count <= UINT32_MOST or not INT64_LEAST <= self.sum <= INT64_MOST:
            raise ClaimMalformedError(f"count {self.count} is no uint32 or sum {self.sum} no int64")
        _require_digest("top", self.top)


@dataclass(frozen=True, slots=True)
class Claim:
    """What an accountant puts its bond on.

    Attributes:
        claimant: Checksummed address of the accountant on L1.
        batch: Number of the Inbox batch that holds the job's transaction, uint64.
        batch_commitment: The Inbox's commitment of that batch.
        index: The transaction's place in the batch, uint32: its own transactions first, then the forced ones.
        transaction: keccak of the transaction's record.
        terms: keccak of the job's canonical encoding.
        result: Root of the trained model, or of the answers.
        scores: One head for each property of the job, in its order.
        uri: Where the result's bytes are; only a hint, every artifact is verified.
    """

    claimant: str
    batch: BatchNumber
    batch_commitment: bytes
    index: int
    transaction: bytes
    terms: bytes
    result: bytes
    scores: tuple[Scores, ...]
    uri: str

    def __post_init__(self) -> None:
        """Raises `ClaimMalformedError` where a field breaks a rule."""
        if not is_checksum_address(self.claimant):
            raise ClaimMalformedError(f"the claimant {self.claimant} is not a checksummed address")
        if not 0 <= self.batch <= UINT64_MOST or not 0 <= self.index <= UINT32_MOST:
            raise ClaimMalformedError(f"batch {self.batch} is no uint64 or index {self.index} no uint32")
        for name in ("batch_commitment", "transaction", "terms", "result"):
            _require_digest(name, getattr(self, name))
        if not 1 <= len(self.scores) <= MOST_PROPERTIES:
            raise ClaimMalformedError(f"it has {len(self.scores)} score heads, not 1 to {MOST_PROPERTIES}")
        if text_size(self.uri) > MOST_URI_BYTES:
            raise ClaimMalformedError(f"its URI has more than {MOST_URI_BYTES} bytes")


def encode_claim(claim: Claim) -> bytes:
    """`abi.encode(claim)`.

    Raises:
        ClaimMalformedError: The URI is not text that UTF-8 can carry.
    """
    scores = [(head.count, head.sum, head.top) for head in claim.scores]
    place = (claim.batch, claim.batch_commitment, claim.index)
    roots = (claim.transaction, claim.terms, claim.result)
    try:
        return encode([CLAIM_TYPE], [(claim.claimant, *place, *roots, scores, claim.uri)])
    except (EncodingError, UnicodeEncodeError) as error:
        raise ClaimMalformedError(f"it cannot be encoded ({error})") from error


def decode_claim(encoded: bytes) -> Claim:
    """The claim that was encoded.

    Raises:
        ClaimMalformedError: The bytes are not the canonical encoding of a claim.
    """
    try:
        (fields,) = decode([CLAIM_TYPE], encoded)
    except (DecodingError, UnicodeDecodeError, OverflowError) as error:
        raise ClaimMalformedError(f"it cannot be decoded ({error})") from error
    claim = _claim_of(fields)
    if encode_claim(claim) != encoded:
        raise ClaimMalformedError("the encoding is not the canonical one")
    return claim


def claim_id(claim: Claim) -> bytes:
    """The name of a claim everywhere on L1: keccak(abi.encode(claim))."""
    return keccak256(encode_claim(claim))


def commitment(identifier: bytes, salt: bytes) -> bytes:
    """What is committed before a claim is shown: keccak(abi.encode(claimId, salt)), both of 32 bytes."""
    _require_digest("claim id", identifier)
    _require_digest("salt", salt)
    return keccak256(identifier + salt)


def seal(sender: str, calldata: bytes) -> bytes:
    """What announces a sealed call in an earlier block: keccak(abi.encode(sender, keccak(calldata)))."""
    return keccak256(encode(["address", "bytes32"], [sender, keccak256(calldata)]))


def _claim_of(fields: tuple[Any, ...]) -> Claim:
    claimant, batch, batch_commitment, index, transaction, terms, result, scores, uri = fields
    return Claim(
        claimant=to_checksum_address(claimant),
        batch=batch,
        batch_commitment=batch_commitment,
        index=index,
        transaction=transaction,
        terms=terms,
        result=result,
        scores=tuple(Scores(count, total, top) for count, total, top in scores),
        uri=uri,
    )


def _require_digest(name: str, digest: bytes) -> None:
    if len(digest) != DIGEST_SIZE:
        raise ClaimMalformedError(f"{name} has {len(digest)} bytes instead of {DIGEST_SIZE}")
