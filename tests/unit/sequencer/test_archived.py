"""A sequencer that goes on from an archive is one that has read all of L1."""

from pathlib import Path
from typing import Any

import pytest

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.l1 import order_archive
from anh_rollup.primitives import BlockNumber
from anh_rollup.protocol.admission import RejectReason
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.service import fitting
from tests.doubles.archived import ArchivedSequencer, archive_in
from tests.doubles.ordering import ALICE, BOB, decoded, record_of, rejected

DEPTH = 3
RAWS = [ALICE.transfer(nonce, BOB.address, 5) for nonce in range(9)]


@pytest.fixture(autouse=True)
def _shallow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_archive, "DEPTH", DEPTH)


@pytest.fixture
def node(tmp_path: Path) -> ArchivedSequencer:
    """Six posted blocks, of which four are archived, and one that is sealed only."""
    made = ArchivedSequencer(tmp_path)
    made.l1.deposit(ALICE)
    for at in range(6):
        made.seal(RAWS[at])
        made.post()
        if at == 3:
            made.l1.mine(DEPTH)
    made.seal(RAWS[6])
    return made


def known(node: ArchivedSequencer) -> Any:
    """All that the chain answers."""
    chain, last = node.chain, node.chain.head.header.number
    blocks = [chain.block(BlockNumber(number)) for number in range(last + 2)]
    places = [chain.placement(decoded(raw).hash) for raw in RAWS]
    numbers = [chain.number_of(each.hash) for each in blocks if each is not None]
    accounts = [chain.account(each.address, pending=True) for each in (ALICE, BOB)]
    outcomes = [chain.outcomes(BlockNumber(number)) for number in range(1, last + 1)]
    fees = chain.fee_history(BlockNumber(0), last)
    room = chain._next.room
    return (
        chain.genesis,
        chain.head,
        chain.safe_number,
        blocks,
        places,
        numbers,
        accounts,
        outcomes,
        fees,
        room,
    )


def archived(node: ArchivedSequencer) -> int:
    return node.reader.new_order().archived


def whole(node: ArchivedSequencer) -> ArchivedSequencer:
    """The same sequencer without its archive."""
    return ArchivedSequencer(node.folder, node.l1, archived=False)


def test_a_start_from_an_archive_knows_what_one_without_knows(node: ArchivedSequencer) -> None:
    before = known(node)
    node.start()
    assert archived(node) == 4
    assert known(node) == before == known(whole(node))


def test_what_is_archived_is_known_and_not_ordered_twice(node: ArchivedSequencer) -> None:
    node.start()
    assert rejected(node.chain, RAWS[0]) == RejectReason.ALREADY_KNOWN.value
    (accepted,) = node.chain.submit([RAWS[7]])
    assert isinstance(accepted, SignedTransaction)


def test_a_new_transaction_asks_the_archive_nothing(
    node: ArchivedSequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.start()
    asked: list[Any] = []
    monkeypatch.setattr(order_archive.OrderArchive, "place_of", lambda _self, digest: asked.append(digest))
    node.chain.submit([RAWS[7], RAWS[8]])
    node.chain.seal()
    assert asked == []


def test_it_goes_on_posting_behind_its_archive(node: ArchivedSequencer) -> None:
    node.start()
    node.post()
    node.seal(RAWS[7])
    node.post()
    assert node.chain.safe_number == 8
    node.l1.mine(DEPTH)
    node.follow()
    node.start()
    assert archived(node) == 8
    assert known(node) == known(whole(node))


@pytest.mark.parametrize(("depth", "kept"), [(1, 4), (3, 4), (8, 1), (9, 0)])
def test_after_a_reorg_it_knows_what_one_without_an_archive_knows(
    node: ArchivedSequencer, depth: int, kept: int
) -> None:
    node.start()
    other = whole(node)
    node.l1.reorg(depth)
    node.l1.mine(depth)
    for each in (node, other):
        each.follow()
    assert archived(node) == kept
    assert known(node) == known(other)
    node.start()
    assert known(node) == known(whole(node))


def test_l1s_order_replaces_the_sealed_one_behind_the_archive(node: ArchivedSequencer) -> None:
    node.start()
    other = whole(node)
    ours = node.chain.block(BlockNumber(7))
    node.l1.force(record_of(BOB.transfer(0, ALICE.address, 1)))
    node.l1.mine()
    node.l1.append(b"", bytes(32), 0, 1)
    node.chain.follow()
    theirs = node.chain.block(BlockNumber(7))
    assert theirs != ours
    assert [record for record, _ in theirs.transactions] == [record_of(BOB.transfer(0, ALICE.address, 1))]
    other.start()
    assert known(node) == known(other)


def test_an_archive_of_blocks_that_the_journal_does_not_have_is_replaced(
    node: ArchivedSequencer, tmp_path: Path
) -> None:
    before = known(node)
    journal = node.chain._journal
    of_another = Journal(tmp_path / "another.sqlite3")
    archive = archive_in(node.folder)
    assert fitting(archive, journal) is archive
    found = fitting(archive, of_another)
    assert found is not None
    assert (archive.blocks, found.blocks) == (4, 0)
    node.start()
    assert archived(node) == 0
    assert known(node) == before
