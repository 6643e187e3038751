"""The way out of the L2 on a real chain: a deposit, an exit in a blob, claims, games, a withdrawal."""

from dataclasses import replace
from typing import Any

import pytest

from anh_rollup.encoding.batches import BatchHeader, encode_batch, genesis_commitment, transactions_root
from anh_rollup.encoding.blobs import BLOB_ELEMENTS, pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree, revealed_level
from anh_rollup.l1.blobs import open_element, versioned_hash
from anh_rollup.l1.contracts.ledger_claims import LedgerClaims, LedgerClaimState
from anh_rollup.l1.deployment import Contracts, Deployment, Rules, bind
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.l1.types import Receipt, TransactionRequest
from anh_rollup.primitives import ETHER, L2_CHAIN_ID, ZERO_DIGEST, Address, BatchNumber
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.derivation import Head, Posting, batch_of, build_block, genesis
from anh_rollup.protocol.ledger import EXIT, LedgerRules
from anh_rollup.protocol.ledger_claims import (
    GENESIS_BASE,
    LedgerClaim,
    LedgerPhase,
    LedgerPosition,
    ledger_claim_id,
    ledger_position_hash,
)
from anh_rollup.protocol.ledger_moves import Choose, Prove, Reveal
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.state import first_state
from anh_rollup.protocol.machine.trace import Trace
from anh_rollup.protocol.machine.tree import Found, LedgerTree, account_key
from anh_rollup.protocol.machine.view import Notice, NoticeKind
from anh_rollup.protocol.machine.witnesses import FieldElement, Leaf
from tests.doubles.ordering import Wallet, pair
from tests.integration.conftest import Chain

pytestmark = pytest.mark.anvil

RULES = Rules(window=6_000, clock=3_000, reveal_window=60, settlement=12_060)
SEQUENCER, CLAIMANT, CHALLENGER, LIAR, DEPOSITOR = range(1, 6)
USER = Wallet(b"somebody who leaves")

#: A move of a game and an announcement may not cost more than what any block has room for.
MOST_GAS = 2_000_000


class Held:
    """What L1 holds of a rollup with one batch in a blob: what the machine and its witnesses ask for."""

    def __init__(self, chain: Chain, deployment: Deployment) -> None:
        self.contracts = bind(deployment, chain.client)
        self.rules = LedgerRules(L2_CHAIN_ID, Address(bytes.fromhex(deployment.sequencer[2:])))
        self.first = genesis(L2_CHAIN_ID, deployment.block, deployment.block_hash)
        self._notice = self._deposit(chain, 3 * ETHER)
        chain.mine()
        self._post(chain)

    def posting(self, number: BatchNumber) -> Posting:
        return self._posting

    def entry(self, index: int) -> bytes:
        raise AssertionError("nothing was forced")

    def notice(self, index: int) -> Notice | None:
        return self._notice if index == 0 else None

    def hashes(self, number: BatchNumber) -> tuple[bytes, ...]:
        return tuple(versioned_hash(blob) for blob in self._blobs)

    def open(self, number: BatchNumber, index: int) -> FieldElement:
        blob, within = divmod(index, BLOB_ELEMENTS)
        return FieldElement(index, *open_element(self._blobs[blob], within))

    def _deposit(self, chain: Chain, amount: int) -> Notice:
        to = "0x" + USER.address.hex()
        receipt = chain.sender(DEPOSITOR).send(self.contracts.inbox.deposit(to, amount))
        return Notice(NoticeKind.DEPOSIT, USER.address, amount, ZERO_DIGEST, receipt.block)

    def _post(self, chain: Chain) -> None:
        origin = chain.client.head()
        exit_ = pair(USER.sign(to="0x" + EXIT.hex(), value=ETHER))
        block = build_block(Head(self.first), (origin.time, origin.number, origin.hash), (), [exit_])
        batch = batch_of([block])
        payload = encode_batch(batch)
        self._blobs = tuple(pack(payload))
        header = BatchHeader(
            number=BatchNumber(1),
            previous=genesis_commitment(L2_CHAIN_ID),
            transactions_root=transactions_root(batch.records),
            count=1,
            data=keccak256(b"".join(self.hashes(BatchNumber(1)))),
            forced_end=0,
        )
        receipt = chain.sender(SEQUENCER).send(self.contracts.inbox.post(header, self._blobs))
        block_time = chain.client.block(receipt.block).time
        self._posting = Posting(header, payload, receipt.block, block_time)


@pytest.fixture
def held(anvil: Chain) -> Held:
    return Held(anvil, anvil.deploy(RULES))


def trace_of(held: Held) -> Trace:
    return Trace(first_state(held.first), BatchNumber(1), held)


def claim_of(chain: Chain, who: int, held: Held, hashes: list[bytes]) -> tuple[LedgerClaim, MerkleTree]:
    tree = MerkleTree(hashes)
    commitment = held.contracts.inbox.commitment(BatchNumber(1))
    address = chain.accounts[who].address
    steps = len(hashes) - 1
    claim = LedgerClaim(
        address, GENESIS_BASE, BatchNumber(1), commitment, steps, tree.root, hashes[0], hashes[-1]
    )
    return claim, tree


def stand(
    chain: Chain, who: int, held: Held, hashes: list[bytes], end: Machine
) -> tuple[LedgerClaim, MerkleTree]:
    claim, tree = claim_of(chain, who, held, hashes)
    proofs = tuple(tree.proof(0)), tuple(tree.proof(claim.steps))
    ledger = held.contracts.ledger_claims
    receipt = chain.sender(who).send(ledger.claim(claim, end, *proofs, RULES.claim_bond))
    (claimed,) = events(ledger, receipt)
    assert (claimed.claim, claimed.machine) == (claim, end)
    assert claimed.claim_id == ledger_claim_id(claim)
    return claim, tree


def events(ledger: LedgerClaims, receipt: Receipt) -> list[Any]:
    return [emitted.event for emitted in map(ledger.decode, receipt.logs) if emitted is not None]


def hashes_of(trace: Trace) -> list[bytes]:
    return [trace.hash(index) for index in range(trace.steps + 1)]


def stolen(trace: Trace, at: int) -> tuple[list[bytes], Machine]:
    """A trace whose liar has withdrawn all deposits; from machine `at` on nothing is true."""
    thief = LedgerTree().update(account_key(Address(b"\x66" * 20)), (1, 0, 3 * ETHER))
    end = replace(trace.end.machine, ledger=thief.root)
    lies = [keccak256(b"a lie" + bytes([index])) for index in range(at, trace.steps)]
    return [*hashes_of(trace)[:at], *lies, end.hash], end


class Game:
    """A game, seen through its events."""

    def __init__(self, chain: Chain, held: Held, claim: LedgerClaim) -> None:
        self.chain, self.ledger = chain, held.contracts.ledger_claims
        request = self.ledger.open(claim, bytes(32), RULES.challenge_bond)
        (opened,) = events(self.ledger, chain.sender(CHALLENGER).send(request))
        self.id, self.position = opened.game, opened.position

    def move(self, who: int, move: Reveal | Choose) -> None:
        request = self.ledger.request_for(move, self.id, self.position)
        receipt = self.chain.sender(who).send(request)
        (event,) = events(self.ledger, receipt)
        self.position = event.position
        assert ledger_position_hash(self.position) == self.ledger.position_hash(self.id)
        assert event.clock == self.ledger.clocks(self.id)
        assert receipt.gas_used < MOST_GAS

    def reveal(self, tree: MerkleTree) -> None:
        at: LedgerPosition = self.position
        self.move(LIAR, Reveal(tuple(tree.children(at.level, at.index, revealed_level(at.level)))))

    def choose(self, tree: MerkleTree, machine: int) -> None:
        level = revealed_level(self.position.level)
        proof = tree.proof(machine, level)[: self.position.level - level]
        self.move(CHALLENGER, Choose(machine >> level, tree.node(level, machine >> level), tuple(proof)))

    def evidence(self, trace: Trace, tree: MerkleTree, held: Held) -> TransactionRequest:
        before = self.position.index - 1
        witness = trace.witness(before, held)
        move = Prove(trace.machine(before), tuple(tree.proof(before)), witness)
        return self.ledger.request_for(move, self.id, self.position)

    def sealed(self, who: int, request: TransactionRequest) -> Receipt:
        address = self.chain.accounts[who].address
        self.chain.sender(who).send(self.ledger.seal(seal(address, request.data)))
        return self.chain.sender(who).send(request)


def later(chain: Chain, seconds: int) -> None:
    chain.request("evm_increaseTime", hex(seconds))
    chain.mine()


#: Of the seven steps: the fifth reads the exit out of the blob.
ONE, OTHERS = (5,), (1, 2, 3, 4, 6, 7)


@pytest.mark.parametrize("steps", [ONE, pytest.param(OTHERS, marks=pytest.mark.slow)])
def test_a_theft_at_any_step_is_refuted(anvil: Chain, held: Held, steps: tuple[int, ...]) -> None:
    trace = trace_of(held)
    assert sorted([*ONE, *OTHERS]) == list(range(1, trace.steps + 1))
    for wrong in steps:
        hashes, end = stolen(trace, wrong)
        claim, tree = stand(anvil, LIAR, held, hashes, end)
        game = Game(anvil, held, claim)
        game.reveal(tree)
        game.choose(tree, wrong)
        assert game.position.phase is LedgerPhase.PROVE
        receipt = game.sealed(CHALLENGER, game.evidence(trace, tree, held))
        assert receipt.gas_used < MOST_GAS
        status = held.contracts.ledger_claims.status(ledger_claim_id(claim))
        assert (status.state, status.games) == (LedgerClaimState.REFUTED, 0)
    won = len(steps) * (RULES.challenge_bond + RULES.claim_bond * RULES.prize_share_bps // 10_000)
    assert held.contracts.bonds.credit_of(anvil.accounts[CHALLENGER].address) == won


def test_a_true_claim_pays_the_exit_out(anvil: Chain, held: Held) -> None:
    trace, ledger = trace_of(held), held.contracts.ledger_claims
    claim, tree = stand(anvil, CLAIMANT, held, hashes_of(trace), trace.end.machine)
    game = Game(anvil, held, claim)
    game.reveal(tree)
    game.choose(tree, 5)
    request = game.evidence(trace, tree, held)
    with pytest.raises(L1RevertedError) as caught:
        game.sealed(CHALLENGER, request)
    assert caught.value.reason == "NothingWrong"
    later(anvil, RULES.window)
    anvil.sender(0).send(ledger.request("timeout", game.id, game.position))
    anvil.sender(0).send(ledger.finalize(claim))
    pay(anvil, held.contracts, claim, trace)
    assert ledger.status(ledger_claim_id(claim)).state is LedgerClaimState.FINAL


def pay(chain: Chain, contracts: Contracts, claim: LedgerClaim, trace: Trace) -> None:
    """Withdraws for the user, twice: the second time nothing is left."""
    account = "0x" + USER.address.hex()
    proof = trace.end.tree.prove(account_key(USER.address))
    nonce, _, withdrawn = proof.fields
    assert (proof.found, nonce, withdrawn) == (Found.ITSELF, 1, ETHER)
    leaf = Leaf(proof.found, proof.key, proof.value, proof.siblings, proof.fields)
    request = contracts.ledger_claims.withdraw(claim, trace.end.machine, account, leaf)
    chain.sender(0).send(request)
    assert chain.client.balance(account) == ETHER
    assert chain.client.balance(contracts.inbox.address) == 2 * ETHER
    with pytest.raises(L1RevertedError) as caught:
        chain.sender(0).send(request)
    assert caught.value.reason == "NothingToWithdraw"
