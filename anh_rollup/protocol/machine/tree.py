"""The ledger's tree: accounts and escrows under hashed keys, each of which one short proof shows to L1.

docs/ledger-claims.md draws it. Trees share what they have in common: an update costs one path, and the tree
before it stays as it was. The Solidity twin is contracts/libraries/LedgerTree.sol.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import DIGEST_SIZE, ZERO_DIGEST, Address, Digest

Fields = tuple[int, ...]
"""What a leaf's value is the hash of: nonce, cleared, withdrawn; or payer, reward; nothing once released."""

RELEASED: Final[Fields] = ()
"""Of an escrow that is over; its leaf stays, with a value of zero."""

KEY_BITS: Final = 8 * DIGEST_SIZE
"""Length of the longest path."""

_ACCOUNT_TAG, _ESCROW_TAG, _LEAF_TAG = b"\x00", b"\x01", b"\x01"


class Found(IntEnum):
    """What stands at the end of a key's path."""

    NOTHING = 0
    ITSELF = 1
    ANOTHER = 2


@dataclass(frozen=True, slots=True)
class Proof:
    """What one key's path says about the key.

    Attributes:
        found: What stands at its end.
        key: Of another leaf; zero otherwise.
        value: Of another leaf; zero otherwise.
        fields: Of the leaf itself; nothing otherwise.
        siblings: Hashes beside the path, from the bottom up.
    """

    found: Found
    key: Digest
    value: Digest
    fields: Fields
    siblings: tuple[Digest, ...]


@dataclass(slots=True, eq=False)
class _Leaf:
    hash: Digest
    key: Digest
    value: Digest
    fields: Fields


@dataclass(slots=True, eq=False)
class _Branch:
    hash: Digest
    left: "_Node"
    right: "_Node"


_Node = _Leaf | _Branch

_NOTHING: Final = _Leaf(ZERO_DIGEST, ZERO_DIGEST, ZERO_DIGEST, RELEASED)
"""What stands where no leaf is."""


class LedgerTree:
    """One version of the tree; `update` makes the next one. Two are equal if their roots are."""

    __slots__ = ("_top",)

    def __init__(self, top: _Node = _NOTHING) -> None:
        """The tree below a node of this module; without one the empty tree."""
        self._top = top

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LedgerTree) and self.root == other.root

    def __hash__(self) -> int:
        return hash(self.root)

    @property
    def root(self) -> Digest:
        """The root's hash; zero for the empty tree."""
        return self._top.hash

    def get(self, key: Digest) -> Fields | None:
        """The fields of a leaf, or None where there is none."""
        end, _ = self._descend(int.from_bytes(key, "big"))
        return end.fields if end.key == key and end is not _NOTHING else None

    def prove(self, key: Digest) -> Proof:
        """The proof of what the tree says about a key."""
        bits = int.from_bytes(key, "big")
        end, path = self._descend(bits)
        beside = [branch.left if _goes_right(bits, at) else branch.right for at, branch in enumerate(path)]
        siblings = tuple([node.hash for node in reversed(beside)])
        if end is _NOTHING:
            return Proof(Found.NOTHING, ZERO_DIGEST, ZERO_DIGEST, RELEASED, siblings)
        if end.key == key:
            return Proof(Found.ITSELF, ZERO_DIGEST, ZERO_DIGEST, end.fields, siblings)
        return Proof(Found.ANOTHER, end.key, end.value, RELEASED, siblings)

    def update(self, key: Digest, fields: Fields) -> "LedgerTree":
        """The tree in which a leaf has these fields."""
        bits = int.from_bytes(key, "big")
        end, path = self._descend(bits)
        value = value_of(fields)
        leaf = _Leaf(leaf_hash(key, value), key, value, fields)
        node: _Node = leaf if end is _NOTHING or end.key == key else _parted(leaf, end, len(path))
        bits >>= KEY_BITS - len(path)
        for branch in reversed(path):
            if bits & 1:
                left, right = branch.left, node
            else:
                left, right = node, branch.right
            node = _Branch(keccak256(left.hash + right.hash), left, right)
            bits >>= 1
        return LedgerTree(node)

    def _descend(self, bits: int) -> tuple[_Leaf, list[_Branch]]:
        """What stands at the end of a key's path, and the branches on it from the top."""
        node, path, bit = self._top, list[_Branch](), 1 << KEY_BITS - 1
        while isinstance(node, _Branch):
            path.append(node)
            node = node.right if bits & bit else node.left
            bit >>= 1
        return node, path


def account_key(address: Address) -> Digest:
    """Where an account stands."""
    return keccak256(_ACCOUNT_TAG + address)


def escrow_key(transaction: Digest) -> Digest:
    """Where the escrow of a job stands, by keccak of its record."""
    return keccak256(_ESCROW_TAG + transaction)


def value_of(fields: Fields) -> Digest:
    """The value of a leaf: keccak of its fields as words; zero for a released escrow."""
    if not fields:
        return ZERO_DIGEST
    return keccak256(b"".join([field.to_bytes(DIGEST_SIZE, "big") for field in fields]))


def leaf_hash(key: Digest, value: Digest) -> Digest:
    """The hash of a leaf, which no branch can have."""
    return keccak256(_LEAF_TAG + key + value)


def _parted(leaf: _Leaf, other: _Leaf, depth: int) -> _Node:
    """Two leaves at one place, moved down to the first bit in which their keys differ."""
    bits, split = int.from_bytes(leaf.key, "big"), _shared_bits(leaf.key, other.key)
    node: _Node = _branch(other, leaf) if _goes_right(bits, split) else _branch(leaf, other)
    for at in range(split - 1, depth - 1, -1):
        node = _branch(_NOTHING, node) if _goes_right(bits, at) else _branch(node, _NOTHING)
    return node


def _shared_bits(one: Digest, other: Digest) -> int:
    """Bits before the first in which two keys differ."""
    return KEY_BITS - (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_length()


def _goes_right(bits: int, depth: int) -> bool:
    return bool(bits >> (KEY_BITS - 1 - depth) & 1)


def _branch(left: _Node, right: _Node) -> _Branch:
    return _Branch(keccak256(left.hash + right.hash), left, right)
