from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ZERO_DIGEST, Digest
from anh_rollup.protocol.machine.tree import (
    RELEASED,
    Fields,
    Found,
    LedgerTree,
    Proof,
    account_key,
    escrow_key,
    leaf_hash,
    value_of,
)
from tests.doubles.ledger_proofs import proven_root, updated_root

# Keys that share long beginnings, as a hash's would not.
KEYS = st.builds(
    lambda head, tail: Digest((head << 250 | tail).to_bytes(32, "big")), st.integers(0, 7), st.integers(0, 7)
)
FIELDS = st.one_of(st.just(RELEASED), st.tuples(st.integers(0, 9), st.integers(0, 9)))
WRITES = st.lists(st.tuples(KEYS, FIELDS), max_size=24)


def naive_root(leaves: dict[Digest, Fields], depth: int = 0) -> Digest:
    """The root as docs/ledger-claims.md defines it, computed from all leaves."""
    if not leaves:
        return ZERO_DIGEST
    if len(leaves) == 1:
        ((key, fields),) = leaves.items()
        return leaf_hash(key, value_of(fields))
    sides: tuple[dict[Digest, Fields], dict[Digest, Fields]] = ({}, {})
    for key, fields in leaves.items():
        sides[int.from_bytes(key, "big") >> (255 - depth) & 1][key] = fields
    return keccak256(naive_root(sides[0], depth + 1) + naive_root(sides[1], depth + 1))


def tree_of(writes: list[tuple[Digest, Fields]]) -> LedgerTree:
    tree = LedgerTree()
    for key, fields in writes:
        tree = tree.update(key, fields)
    return tree


def test_keys_and_values_are_the_documented_hashes() -> None:
    word = bytes(31)
    assert account_key(b"\x07" * 20) == keccak256(b"\0" + b"\x07" * 20)
    assert escrow_key(b"\x07" * 32) == keccak256(b"\1" + b"\x07" * 32)
    assert value_of((1, 2, 3)) == keccak256(word + b"\1" + word + b"\2" + word + b"\3")
    assert value_of(RELEASED) == ZERO_DIGEST
    assert leaf_hash(b"\2" * 32, b"\3" * 32) == keccak256(b"\1" + b"\2" * 32 + b"\3" * 32)


def test_the_empty_tree_has_the_zero_root() -> None:
    assert LedgerTree().root == ZERO_DIGEST
    assert LedgerTree().get(b"\1" * 32) is None


@given(WRITES)
def test_the_tree_is_the_naive_one(writes: list[tuple[Digest, Fields]]) -> None:
    tree = tree_of(writes)
    assert tree.root == naive_root(dict(writes))
    assert [tree.get(key) for key in dict(writes)] == list(dict(writes).values())


@given(WRITES, KEYS, FIELDS)
def test_a_proof_leads_to_the_root_before_and_after_an_update(
    writes: list[tuple[Digest, Fields]], key: Digest, fields: Fields
) -> None:
    tree = tree_of(writes)
    before, proof = tree.root, tree.prove(key)
    assert (proof.found is Found.ITSELF) == (key in dict(writes))
    assert proven_root(key, proof) == before
    assert updated_root(key, proof, fields) == tree.update(key, fields).root
    assert tree.root == before


@given(WRITES, KEYS, st.data())
def test_a_proof_that_says_something_else_leads_elsewhere(
    writes: list[tuple[Digest, Fields]], key: Digest, data: st.DataObject
) -> None:
    tree = tree_of(writes)
    proof = tree.prove(key)
    lies = [Proof(Found.ITSELF, ZERO_DIGEST, ZERO_DIGEST, (77, 77), proof.siblings)]
    if proof.found is not Found.NOTHING:
        lies.append(Proof(Found.NOTHING, ZERO_DIGEST, ZERO_DIGEST, RELEASED, proof.siblings))
    if proof.siblings:
        at = data.draw(st.integers(0, len(proof.siblings) - 1))
        siblings = (*proof.siblings[:at], Digest(b"\x07" * 32), *proof.siblings[at + 1 :])
        lies.append(replace(proof, siblings=siblings))
    for lie in lies:
        assert proven_root(key, lie) != tree.root


def test_leaves_may_differ_in_the_last_bit_alone() -> None:
    one, two = Digest(bytes(32)), Digest(bytes(31) + b"\1")
    tree = LedgerTree().update(one, (1,)).update(two, (2,))
    assert len(tree.prove(one).siblings) == 256
    assert tree.root == naive_root({one: (1,), two: (2,)})
