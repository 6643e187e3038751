"""Whole games over ledger claims without L1: a referee of a few lines checks every proof."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree, depth_of, revealed_level, root_from_proof
from anh_rollup.primitives import BatchNumber, Digest
from anh_rollup.protocol.ledger_claims import LedgerPhase, LedgerPosition
from anh_rollup.protocol.ledger_play import ContinuedTree, Shown, choose, prove, reveal, seen
from anh_rollup.protocol.machine.state import first_state
from anh_rollup.protocol.machine.steps import step
from anh_rollup.protocol.machine.trace import Trace
from scripts.generate_vectors.ledger_cases import ordinary

HISTORY = ordinary(blobs=True)
TRACE = Trace(first_state(HISTORY.first), BatchNumber(3), HISTORY)
OURS = [TRACE.hash(index) for index in range(TRACE.steps + 1)]


def lie(at: int) -> Digest:
    return keccak256(b"a lie at %d" % at)


def position_of(leaves: list[Digest], **given: Any) -> LedgerPosition:
    root = MerkleTree(leaves).root
    level = depth_of(len(leaves))
    at = LedgerPosition(b"", "", "", BatchNumber(3), root, len(leaves), LedgerPhase.REVEAL, root, level, 0)
    return replace(at, **given)


def descended(leaves: list[Digest]) -> tuple[LedgerPosition, list[Shown]]:
    """Plays a game over a false claim until a machine is chosen."""
    theirs, tree = MerkleTree(leaves), ContinuedTree(TRACE.tree, len(leaves))
    position, shown = position_of(leaves), list[Shown]()
    while position.phase is LedgerPhase.REVEAL:
        lower = revealed_level(position.level)
        position = replace(position, phase=LedgerPhase.CHOOSE)
        shown.append(Shown(position, tuple(theirs.children(position.level, position.index, lower))))
        move = choose(position, tree, shown)
        assert move is not None
        within = move.index - (position.index << (position.level - lower))
        assert move.node == shown[-1].nodes[within]
        assert root_from_proof(move.node, within, move.proof, position.level - lower) == position.node
        phase = LedgerPhase.REVEAL if lower else LedgerPhase.PROVE
        position = replace(position, phase=phase, node=move.node, level=lower, index=move.index)
    return position, shown


@given(st.data())
def test_the_descent_ends_behind_the_last_machine_on_which_both_agree(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, len(OURS) + 80))
    true = [*OURS, *[OURS[-1]] * 80][:count]
    wrong = data.draw(st.sets(st.integers(1, count - 1), min_size=1))
    leaves = [lie(at) if at in wrong else each for at, each in enumerate(true)]

    position, shown = descended(leaves)
    before = position.index - 1
    move = prove(position, ContinuedTree(TRACE.tree, count), shown, TRACE, HISTORY)

    assert position.index == min(wrong)
    assert move.before.hash == true[before]
    assert root_from_proof(true[before], before, move.proof, depth_of(count)) == position.trace
    expected, _ = step(TRACE.state(min(before, TRACE.steps)), BatchNumber(3), HISTORY)
    assert expected.machine.hash == true[before + 1]
    assert move.witness == TRACE.witness(min(before, TRACE.steps), HISTORY)


@pytest.mark.parametrize("count", [2, 3, len(OURS) - 1, len(OURS), len(OURS) + 1, 3 * len(OURS), 4 * 64])
def test_a_claim_of_another_length_has_its_last_machine_repeated_or_is_cut(count: int) -> None:
    leaves = [*OURS, *[OURS[-1]] * 400][:count]
    tree, whole = ContinuedTree(TRACE.tree, count), MerkleTree(leaves)

    assert (tree.root, tree.depth) == (whole.root, whole.depth)
    for level in range(whole.depth + 1):
        nodes = whole.nodes(level)
        assert [tree.node(level, index) for index in range(len(nodes))] == nodes
        for index in range(len(nodes)):
            lower = revealed_level(level)
            assert tree.children(level, index) == tuple(whole.children(level, index, lower))


def test_the_longest_claim_is_not_written_out() -> None:
    tree = ContinuedTree(TRACE.tree, 2**32 - 1)

    assert tree.node(0, 2**32 - 2) == OURS[-1]
    assert len(tree.children(tree.depth, 0)) == 64
    assert root_from_proof(OURS[0], 0, [tree.node(level, 1) for level in range(32)], 32) == tree.root


def test_over_a_true_claim_there_is_nothing_to_choose() -> None:
    tree = ContinuedTree(TRACE.tree, len(OURS))
    position = position_of(OURS, phase=LedgerPhase.CHOOSE)
    shown = Shown(position, reveal(position, tree).nodes)

    assert choose(position, tree, [shown]) is None
    assert seen(tree, [shown]).node(position.level, 0) == position.trace
