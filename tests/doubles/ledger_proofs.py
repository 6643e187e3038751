"""What contracts/libraries/LedgerTree.sol makes of a proof: the root before an update, and behind it.

The fold makes such proofs; judging them is the contract's.
"""

from collections.abc import Sequence

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ZERO_DIGEST, Digest
from anh_rollup.protocol.machine.tree import KEY_BITS, Fields, Found, Proof, leaf_hash, value_of


def proven_root(key: Digest, proof: Proof) -> Digest:
    """The root of the tree in which the proof is one."""
    _check(key, proof)
    if proof.found is Found.NOTHING:
        return _climb(ZERO_DIGEST, key, proof.siblings)
    if proof.found is Found.ANOTHER:
        return _climb(leaf_hash(proof.key, proof.value), key, proof.siblings)
    return _climb(leaf_hash(key, value_of(proof.fields)), key, proof.siblings)


def updated_root(key: Digest, proof: Proof, fields: Fields) -> Digest:
    """The root of that tree once the key's leaf has these fields."""
    _check(key, proof)
    node = leaf_hash(key, value_of(fields))
    if proof.found is not Found.ANOTHER:
        return _climb(node, key, proof.siblings)
    split, other = _shared_bits(key, proof.key), leaf_hash(proof.key, proof.value)
    shared = (ZERO_DIGEST,) * (split - len(proof.siblings))
    node = keccak256(other + node if _goes_right(key, split) else node + other)
    return _climb(node, key, (*shared, *proof.siblings))


def _check(key: Digest, proof: Proof) -> None:
    assert len(proof.siblings) <= KEY_BITS, "more siblings than a key has bits"
    on_path = len(proof.siblings) <= _shared_bits(key, proof.key) < KEY_BITS
    assert on_path or proof.found is not Found.ANOTHER, "the other leaf does not stand on the key's path"


def _climb(node: Digest, key: Digest, siblings: Sequence[Digest]) -> Digest:
    for above, sibling in enumerate(siblings, 1):
        right = _goes_right(key, len(siblings) - above)
        node = keccak256(sibling + node if right else node + sibling)
    return node


def _shared_bits(one: Digest, other: Digest) -> int:
    return KEY_BITS - (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_length()


def _goes_right(key: Digest, depth: int) -> bool:
    return bool(int.from_bytes(key, "big") >> (KEY_BITS - 1 - depth) & 1)
