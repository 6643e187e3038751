"""Score lists and their Merkle-sum trees."""

import numpy as np

from anh_rollup.encoding.merkle import revealed_level
from anh_rollup.encoding.scores import ScoreTree, SumNode
from scripts.generate_vectors.cases import Row, Vectors, some_elements, table

_COUNTS = (1, 2, 3, 7, 64, 65, 130)


def vectors() -> Vectors:
    """Tables `lists`, `proofs` and `nodes`; scores are 4 bytes each, nodes 40: hash, then int64 sum.

    Sums are decimal strings.
    """
    trees = [ScoreTree(some_elements(f"scores {count}", (count,))) for count in _COUNTS]
    trees += [ScoreTree(np.full(5, extreme, np.int32)) for extreme in (-(2**31), 2**31 - 1)]
    return {
        "lists": table([_list(tree) for tree in trees]),
        "proofs": table([row for tree in trees for row in _proofs(tree)]),
        "nodes": table([row for tree in trees for row in _nodes(tree)]),
        "overflows": table([_overflow(2**63 - 1, 1), _overflow(-(2**63), -1), _overflow(2**62, 2**62)]),
    }


def _packed(nodes: list[SumNode]) -> bytes:
    return b"".join([bytes(node) for node in nodes])


def _list(tree: ScoreTree) -> Row:
    return {
        "scores": tree.scores.astype(">i4").tobytes(),
        "count": tree.count,
        "sum": str(tree.total),
        "top": tree.top.hash,
        "root": tree.root,
    }


def _proofs(tree: ScoreTree) -> list[Row]:
    return [
        {
            "score": int(tree.scores[index]),
            "index": index,
            "height": tree.depth,
            "proof": _packed(tree.proof(index)),
            "top": tree.top.hash,
            "sum": str(tree.total),
        }
        for index in sorted({0, tree.count // 2, tree.count - 1})
    ]


def _nodes(tree: ScoreTree) -> list[Row]:
    rows: list[Row] = []
    for top in sorted({0, tree.depth // 2, tree.depth}):
        index, level = (tree.count - 1) >> top, revealed_level(top)
        node = tree.nodes(top, index, 1)[0]
        rows.append(
            {
                "nodes": _packed(tree.children(top, index, level)),
                "level": level,
                "top_level": top,
                "top": node.hash,
                "sum": str(node.sum),
            }
        )
    return rows


def _overflow(left: int, right: int) -> Row:
    nodes = [SumNode(ScoreTree(np.zeros(2, np.int32)).top.hash, total) for total in (left, right)]
    return {"nodes": _packed(nodes), "level": 1, "top_level": 2}
