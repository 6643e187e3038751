"""Lists that a contract knows by one root, with proofs that OpenZeppelin's MerkleProof reads.

A leaf is keccak-256 of keccak-256 of the entry's ABI encoding; a node hashes its children in ascending order.
"""

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import encode

from anh_rollup.encoding.hashing import keccak256


class MerkleList:
    """A list of entries.

    Args:
        types: The ABI types of an entry's members.
        entries: The entries, at least one.
    """

    def __init__(self, types: Sequence[str], entries: Sequence[Sequence[Any]]) -> None:
        level = [keccak256(keccak256(encode(types, entry))) for entry in entries]
        self._levels = [level]
        while len(level) > 1:
            pairs = [level[place : place + 2] for place in range(0, len(level), 2)]
            level = [keccak256(b"".join(sorted(pair))) if len(pair) == 2 else pair[0] for pair in pairs]
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """What the contract is given."""
        return self._levels[-1][0]

    def proof(self, place: int) -> list[bytes]:
        """The siblings of an entry, from the bottom; none where a level ends before it."""
        siblings: list[bytes] = []
        for level in self._levels[:-1]:
            sibling = place ^ 1
            if sibling < len(level):
                siblings.append(level[sibling])
            place //= 2
        return siblings
