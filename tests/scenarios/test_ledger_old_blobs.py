"""L1's nodes have forgotten the older blobs; then L1 replaces a block, or the players are started anew."""

from dataclasses import replace

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState
from anh_rollup.l1.errors import BlobsUnavailableError
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.ledger_player.strategy import latest_own
from anh_rollup.primitives import Address, BatchNumber
from anh_rollup.protocol.ledger_claims import LedgerClaim, ledger_claim_id
from anh_rollup.protocol.machine.tree import LedgerTree, account_key
from tests.scenarios.ledger_world import ALICE, BOB, CHECKING, CLAIMING, LedgerWorld
from tests.scenarios.world import RULES

pytestmark = pytest.mark.anvil


class Pruning(BatchDataReader):
    """Reads from nodes that have the blobs from one L1 block on."""

    oldest = 0

    def _from_beacon(self, block, hashes):
        if block < self.oldest:
            raise BlobsUnavailableError(block, "forgotten")
        return super()._from_beacon(block, hashes)


@pytest.fixture
def world():
    made = LedgerWorld()
    try:
        for wallet in (ALICE, BOB):
            made.deposit(wallet)
        made.chain.pass_time(1)
        yield made
        made.check_ether()
    finally:
        made.chain.close()


def begin(world, store):
    """A final claim about four batches in blobs, and two batches behind it; only theirs are still on L1."""
    world.data = Pruning(world.client, None, store)
    players = [world.player("claiming", CLAIMING), world.player("checking", CHECKING)]
    for nonce in range(4):
        world.post([ALICE.transfer(nonce, BOB.address, 5)], blobs=True)
    world.play(players, lambda: own(players[0]) and own(players[0]).state is LedgerClaimState.FINAL)
    for nonce in (4, 5):
        world.post([ALICE.transfer(nonce, BOB.address, 5)], blobs=True)
    return players


def forget(world, players):
    """Lets L1's nodes forget all blobs but those of the last two batches."""
    world.chain.pass_time(1)
    for each in players:
        each.play()
    world.data.oldest = players[0].reader.held.batches[4].l1_block


def own(player):
    player.chain.refresh()
    return latest_own(player.chain.docket, player.chain.address)


def lie(world, base):
    """A claim on a true one by who knows nothing of the order: all the ether is the thief's."""
    thief = TransactionSender(world.client, world.chain.account("thief"))
    key = account_key(Address(bytes.fromhex(thief.address[2:])))
    world.order.refresh()
    last = world.order.batches[-1]
    end = replace(
        base.machine,
        batch=BatchNumber(last.header.number),
        ledger=LedgerTree().update(key, (0, 0, world.deposited)).root,
    )
    hashes = [base.claim.end, keccak256(b"made"), keccak256(b"up"), end.hash]
    tree = MerkleTree(hashes)
    claim = LedgerClaim(
        thief.address, base.identifier, end.batch, last.commitment, 3, tree.root, hashes[0], hashes[3]
    )
    proofs = tuple(tree.proof(0)), tuple(tree.proof(3))
    thief.send(world.contracts.ledger_claims.claim(claim, end, *proofs, RULES.claim_bond))
    return ledger_claim_id(claim)


def is_refuted(world, identifier):
    return world.contracts.ledger_claims.status(identifier).state is LedgerClaimState.REFUTED


def test_after_a_reorg_a_lie_about_new_batches_is_refuted_without_the_old_ones(world):
    players = begin(world, None)
    base = own(players[0])
    forget(world, players)
    world.client.transport.request("anvil_reorg", 1, [])
    false = lie(world, base)
    world.play(players[1:], lambda: is_refuted(world, false))


@pytest.mark.slow
def test_after_a_restart_a_lie_is_refuted_by_whoever_has_kept_the_old_blobs(world, tmp_path):
    players = begin(world, BlobStore(tmp_path))
    base = own(players[0])
    forget(world, players)
    for each in players:
        each.close()
    anew = world.player("checking", CHECKING)
    false = lie(world, base)
    world.play([anew], lambda: is_refuted(world, false))


@pytest.mark.slow
def test_after_a_reorg_a_true_claim_is_defended_without_the_old_blobs(world):
    players = begin(world, None)
    before = own(players[0]).identifier
    world.play(players, lambda: own(players[0]).identifier != before)
    forget(world, players)
    true = own(players[0])
    world.client.transport.request("anvil_reorg", 1, [])
    hostile = TransactionSender(world.client, world.chain.account("hostile"))
    hostile.send(world.contracts.ledger_claims.open(true.claim, bytes(32), RULES.challenge_bond))
    world.play(players, lambda: own(players[0]).state is LedgerClaimState.FINAL)
    assert world.contracts.bonds.credit_of(hostile.address) == 0
