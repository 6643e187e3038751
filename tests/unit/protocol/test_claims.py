"""Claims: identifiers as Solidity computes them, and one encoding for each claim."""

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.protocol.claims import (
    CLAIM_TYPE,
    Claim,
    ClaimMalformedError,
    Scores,
    claim_id,
    commitment,
    decode_claim,
    encode_claim,
    seal,
)

DIGEST = bytes([9]) * 32
CLAIMANT = to_checksum_address("0x" + "ab" * 20)
CLAIM = Claim(
    CLAIMANT, 3, DIGEST, 5, DIGEST, DIGEST, DIGEST, (Scores(360, 349, DIGEST),), "https://example.org"
)

digests = st.binary(min_size=32, max_size=32)
scores = st.builds(Scores, st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1), digests)
claims = st.builds(
    Claim,
    st.binary(min_size=20, max_size=20).map(to_checksum_address),
    st.integers(0, 2**64 - 1),
    digests,
    st.integers(0, 2**32 - 1),
    digests,
    digests,
    digests,
    st.lists(scores, min_size=1, max_size=4).map(tuple),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=80),
)


@given(claims)
def test_every_claim_comes_back(claim: Claim) -> None:
    assert decode_claim(encode_claim(claim)) == claim


def test_the_id_is_the_hash_of_the_abi_encoding() -> None:
    fields = (CLAIMANT, 3, DIGEST, 5, DIGEST, DIGEST, DIGEST, [(360, 349, DIGEST)], "https://example.org")
    assert claim_id(CLAIM) == keccak(encode([CLAIM_TYPE], [fields]))


def test_a_commitment_hides_the_claim_behind_a_salt() -> None:
    salt = bytes([1]) * 32
    assert commitment(claim_id(CLAIM), salt) == keccak(
        encode(["bytes32", "bytes32"], [claim_id(CLAIM), salt])
    )
    with pytest.raises(ClaimMalformedError, match="salt has 1 bytes"):
        commitment(claim_id(CLAIM), b"1")


def test_a_seal_binds_a_call_to_its_sender() -> None:
    assert seal(CLAIMANT, b"call") == keccak(encode(["address", "bytes32"], [CLAIMANT, keccak(b"call")]))
    assert seal(CLAIMANT, b"call") != seal(to_checksum_address("0x" + "cd" * 20), b"call")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"claimant": CLAIMANT.lower()}, f"the claimant {CLAIMANT.lower()} is not a checksummed address"),
        ({"batch": 2**64}, f"batch {2**64} is no uint64 or index 5 no uint32"),
        ({"index": -1}, "batch 3 is no uint64 or index -1 no uint32"),
        ({"terms": b""}, "terms has 0 bytes instead of 32"),
        ({"batch_commitment": b"1"}, "batch_commitment has 1 bytes instead of 32"),
        ({"scores": ()}, "it has 0 score heads, not 1 to 4"),
        ({"scores": CLAIM.scores * 5}, "it has 5 score heads, not 1 to 4"),
        ({"uri": "x" * 513}, "its URI has more than 512 bytes"),
    ],
)
def test_a_claim_that_breaks_a_rule_is_refused(change: dict[str, object], reason: str) -> None:
    fields = {name: getattr(CLAIM, name) for name in Claim.__slots__}
    with pytest.raises(ClaimMalformedError) as caught:
        Claim(**{**fields, **change})
    assert caught.value.reason == reason


@pytest.mark.parametrize("arguments", [(2**32, 0, DIGEST), (0, 2**63, DIGEST), (0, 0, b"")])
def test_a_score_head_that_breaks_a_rule_is_refused(arguments: tuple[int, int, bytes]) -> None:
    with pytest.raises(ClaimMalformedError):
        Scores(*arguments)


@pytest.mark.parametrize(
    "encoded", [b"", bytes(64), encode_claim(CLAIM)[:-1], encode_claim(CLAIM) + bytes(32)]
)
def test_bytes_that_are_no_canonical_encoding_are_refused(encoded: bytes) -> None:
    with pytest.raises(ClaimMalformedError):
        decode_claim(encoded)


def test_text_that_utf8_cannot_carry_is_refused() -> None:
    claim = Claim(CLAIMANT, 3, DIGEST, 5, DIGEST, DIGEST, DIGEST, CLAIM.scores, "\ud800")
    with pytest.raises(ClaimMalformedError, match="it cannot be encoded"):
        encode_claim(claim)
