"""Ledger claims: identifiers as Solidity computes them, and what a claim may be."""

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.l1.abi import load_artifact, type_names
from anh_rollup.protocol.ledger_claims import (
    GENESIS_BASE,
    LEDGER_CLAIM_TYPE,
    LEDGER_POSITION_TYPE,
    MOST_STEPS,
    LedgerClaim,
    LedgerClaimMalformedError,
    LedgerPhase,
    LedgerPosition,
    ledger_claim_id,
    ledger_position_hash,
)
from tests.doubles.ledger_games import first_position

CLAIMANT = to_checksum_address("0x" + "ab" * 20)
CHALLENGER = to_checksum_address("0x" + "cd" * 20)
D = [bytes([number]) * 32 for number in range(6)]
CLAIM = LedgerClaim(CLAIMANT, D[1], 7, D[2], 99, D[3], D[4], D[5])

addresses = st.binary(min_size=20, max_size=20).map(to_checksum_address)
digests = st.binary(min_size=32, max_size=32)
claims = st.builds(
    LedgerClaim, addresses, digests, st.integers(1, 2**64 - 1), digests,
    st.integers(1, MOST_STEPS), digests, digests, digests,
)  # fmt: skip


def test_the_types_are_the_contracts() -> None:
    entry = load_artifact("LedgerClaims").entry("function", "reveal")
    assert type_names(entry["inputs"])[1] == LEDGER_POSITION_TYPE
    assert (
        type_names(load_artifact("LedgerClaims").entry("function", "claim")["inputs"])[0] == LEDGER_CLAIM_TYPE
    )


def test_the_id_is_the_hash_of_the_abi_encoding() -> None:
    fields = (CLAIMANT, D[1], 7, D[2], 99, D[3], D[4], D[5])
    assert ledger_claim_id(CLAIM) == keccak(encode([LEDGER_CLAIM_TYPE], [fields]))


@given(claims, claims)
def test_different_claims_have_different_ids(one: LedgerClaim, other: LedgerClaim) -> None:
    assert (ledger_claim_id(one) == ledger_claim_id(other)) == (one == other)


def test_a_game_begins_at_the_root_of_the_trace() -> None:
    assert first_position(CLAIM, CHALLENGER) == LedgerPosition(
        ledger_claim_id(CLAIM), CLAIMANT, CHALLENGER, 7, D[3], 100, LedgerPhase.REVEAL, D[3], 7, 0
    )


@pytest.mark.parametrize(("steps", "level"), [(1, 1), (2, 2), (63, 6), (64, 7), (MOST_STEPS, 32)])
def test_the_level_of_the_root_is_the_depth_of_the_tree(steps: int, level: int) -> None:
    assert first_position(replace(CLAIM, steps=steps), CHALLENGER).level == level


def test_a_position_is_hashed_as_solidity_does() -> None:
    position = replace(
        first_position(CLAIM, CHALLENGER), phase=LedgerPhase.PROVE, node=D[0], level=0, index=9
    )
    fields = (ledger_claim_id(CLAIM), CLAIMANT, CHALLENGER, 7, D[3], 100, 3, D[0], 0, 9)
    assert ledger_position_hash(position) == keccak(encode([LEDGER_POSITION_TYPE], [fields]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"claimant": CLAIMANT.lower()}, f"the claimant {CLAIMANT.lower()} is not a checksummed address"),
        ({"batch": 0}, f"batch 0 is not 1 to {2**64 - 1}"),
        ({"batch": 2**64}, f"batch {2**64} is not 1 to {2**64 - 1}"),
        ({"steps": 0}, f"it has 0 steps, not 1 to {MOST_STEPS}"),
        ({"steps": 2**32 - 1}, f"it has {2**32 - 1} steps, not 1 to {MOST_STEPS}"),
        ({"base": b""}, "base has not 32 bytes"),
        ({"batch_commitment": b"x"}, "batch_commitment has not 32 bytes"),
        ({"trace": bytes(33)}, "trace has not 32 bytes"),
        ({"start": bytes(31)}, "start has not 32 bytes"),
        ({"end": b""}, "end has not 32 bytes"),
    ],
)
def test_a_claim_that_breaks_a_rule_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(LedgerClaimMalformedError) as caught:
        replace(CLAIM, **changes)
    assert caught.value.reason == reason
    assert str(caught.value) == f"not a ledger claim: {reason}"


def test_the_genesis_base_is_no_claim() -> None:
    assert bytes(32) == GENESIS_BASE
