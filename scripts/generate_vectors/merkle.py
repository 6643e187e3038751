"""Merkle trees: proofs, multiproofs and reveals."""

from anh_rollup.encoding.merkle import DEEPEST, MerkleTree, revealed_level, zero_hash
from scripts.generate_vectors.cases import Row, Vectors, packed_uint32s, some_bytes, table

_COUNTS = (1, 2, 3, 4, 5, 8, 9, 31, 64, 65, 100)


def vectors() -> Vectors:
    """Tables `proofs`, `multiproofs`, `nodes` and `padding`, and such as must be refused.

    proof, leaves and nodes are 32 bytes each, indices 4.
    """
    trees = [_tree(count) for count in _COUNTS]
    return {
        "padding": table([{"level": level, "hash": zero_hash(level)} for level in range(DEEPEST + 1)]),
        "proofs": table([row for tree in trees for row in _proofs(tree)]),
        "multiproofs": table([row for tree in trees for row in _multiproofs(tree)]),
        "nodes": table([row for tree in trees for row in _nodes(tree)]),
        "bad_proofs": table(_bad_proofs(_tree(9))),
        "bad_multiproofs": table(_bad_multiproofs(_tree(9))),
    }


def _tree(count: int) -> MerkleTree:
    return MerkleTree(some_bytes(f"merkle {count}", 32 * count))


def _proofs(tree: MerkleTree) -> list[Row]:
    indices = sorted({0, tree.count // 2, tree.count - 1})
    levels = sorted({0, tree.depth // 2, tree.depth})
    return [
        {
            "node": tree.node(level, index >> level),
            "index": index >> level,
            "height": tree.depth - level,
            "proof": b"".join(tree.proof(index >> level, level)),
            "root": tree.root,
        }
        for level in levels
        for index in indices
    ]


def _multiproof(tree: MerkleTree, indices: list[int]) -> Row:
    return {
        "indices": packed_uint32s(indices),
        "leaves": b"".join([tree.node(0, index) for index in indices]),
        "height": tree.depth,
        "proof": b"".join(tree.multiproof(indices)),
        "root": tree.root,
    }


def _multiproofs(tree: MerkleTree) -> list[Row]:
    count = tree.count
    choices = [[0], [count - 1], [0, count - 1], list(range(min(count, 10))), list(range(0, count, 7))]
    unique = sorted({tuple(sorted(set(choice))) for choice in choices})
    return [_multiproof(tree, list(indices)) for indices in unique]


def _nodes(tree: MerkleTree) -> list[Row]:
    reveals = [(level, revealed_level(level)) for level in range(tree.depth + 1)]
    return [
        {
            "nodes": b"".join(tree.children(top, (tree.count - 1) >> top, level)),
            "level": level,
            "top": top,
            "root": tree.node(top, (tree.count - 1) >> top),
        }
        for top, level in reveals
    ]


def _bad_proofs(tree: MerkleTree) -> list[Row]:
    leaf, proof = tree.node(0, 8), tree.proof(8)
    good: Row = {"node": leaf, "index": 8, "height": tree.depth, "proof": b"".join(proof)}
    return [
        {**good, "proof": b"".join(proof[:-1]), "why": "too short"},
        {**good, "proof": b"".join([*proof, leaf]), "why": "too long"},
        {**good, "index": 16, "why": "index outside"},
        {**good, "index": 24, "why": "index outside, same low bits"},
    ]


def _bad_multiproofs(tree: MerkleTree) -> list[Row]:
    good = _multiproof(tree, [2, 5, 8])
    del good["root"]
    proof, leaves = tree.multiproof([2, 5, 8]), [tree.node(0, index) for index in (2, 5, 8)]
    return [
        {**good, "proof": b"".join(proof[:-1]), "why": "too short"},
        {**good, "proof": b"".join([*proof, leaves[0]]), "why": "too long"},
        {**good, "indices": packed_uint32s([2, 5, 16]), "why": "index outside"},
        {**good, "indices": packed_uint32s([5, 2, 8]), "why": "not ascending"},
        {**good, "indices": packed_uint32s([2, 2, 8]), "why": "twice the same"},
        {**good, "indices": b"", "leaves": b"", "why": "no index"},
        {**good, "leaves": b"".join(leaves[:-1]), "why": "a leaf is missing"},
    ]
