"""Lists have the roots and proofs that OpenZeppelin's MerkleProof asks for."""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.hashing import keccak256
from scripts.merkle_list import MerkleList

TYPES = ("uint256", "bytes")


def leaf(entry: tuple[int, bytes]) -> bytes:
    return keccak256(keccak256(encode(TYPES, entry)))


def processed(proof: list[bytes], start: bytes) -> bytes:
    """As `MerkleProof.processProof`: each pair is hashed in ascending order."""
    for sibling in proof:
        start = keccak256(min(start, sibling) + max(start, sibling))
    return start


@given(st.lists(st.tuples(st.integers(0, 2**256 - 1), st.binary()), min_size=1, max_size=20))
def test_each_entry_is_proved(entries: list[tuple[int, bytes]]) -> None:
    listed = MerkleList(TYPES, entries)
    for place, entry in enumerate(entries):
        assert processed(listed.proof(place), leaf(entry)) == listed.root


def test_three_entries_make_this_tree() -> None:
    entries = [(1, b"a"), (2, b"b"), (3, b"c")]
    first, second, third = (leaf(entry) for entry in entries)
    pair = processed([second], first)
    listed = MerkleList(TYPES, entries)
    assert listed.root == processed([third], pair)
    assert [listed.proof(place) for place in range(3)] == [[second, third], [first, third], [pair]]


def test_a_list_without_entries_has_no_root() -> None:
    with pytest.raises(IndexError):
        _ = MerkleList(TYPES, []).root
