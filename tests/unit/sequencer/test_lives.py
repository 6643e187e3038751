"""Any sequence of users, crashes, reorgs and other posters leaves the promises of the sequencer whole."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from anh_rollup.primitives import Address, Digest
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.protocol.ledger import Charged
from anh_rollup.sequencer.chain import SequencerChain
from anh_rollup.sequencer.poster import MOST_IDLE_ORIGINS, decide
from tests.doubles.ordering import (
    ALICE,
    BATCH_BYTES,
    BOB,
    ETHER,
    FakeL1,
    Wallet,
    chain_on,
    decoded,
    record_of,
)

WALLETS = st.sampled_from([ALICE, BOB])


class Lives(RuleBasedStateMachine):
    """A sequencer, an L1 and their enemies."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.l1 = FakeL1()
        self.acknowledged: list[bytes] = []
        self.signed: dict[int, Digest] = {}
        self.amount = 0
        self.rivals: Counter[tuple[Address, int]] = Counter()

    @initialize()
    def begin(self) -> None:
        self.l1.mine(5)
        self.l1.deposit(ALICE.address, ETHER)
        self.chain: SequencerChain = chain_on(self.l1, Path(self.folder.name))

    def teardown(self) -> None:
        self.chain._journal.close()
        self.folder.cleanup()

    # --- users ---

    def transfer(self, sender: Wallet, skew: int = 0) -> bytes:
        self.amount += 1
        nonce = self.chain.account(sender.address, pending=True).nonce + skew
        self.rivals[sender.address, nonce] += 1
        return sender.transfer(nonce, BOB.address, self.amount)

    @rule(wallet=WALLETS)
    def deposit(self, wallet: Wallet) -> None:
        self.l1.deposit(wallet.address, ETHER)

    @rule(wallet=WALLETS)
    def send(self, wallet: Wallet) -> None:
        raw = self.transfer(wallet)
        (result,) = self.chain.submit([raw])
        if not isinstance(result, RejectedError):
            self.acknowledged.append(raw)

    @rule(wallet=WALLETS, skew=st.integers(1, 3))
    def send_ahead(self, wallet: Wallet, skew: int) -> None:
        raw = self.transfer(wallet, skew)
        (result,) = self.chain.submit([raw])
        if not isinstance(result, RejectedError):
            self.acknowledged.append(raw)

    @rule(wallet=WALLETS, skew=st.integers(-1, 1))
    def force(self, wallet: Wallet, skew: int) -> None:
        if self.chain.account(wallet.address, pending=True).nonce + skew >= 0:
            self.l1.force(record_of(self.transfer(wallet, skew)))

    # --- time ---

    @rule(blocks=st.integers(1, 4))
    def mine(self, blocks: int) -> None:
        self.l1.mine(blocks)

    @rule()
    def seal(self) -> None:
        block = self.chain.seal()
        if block is not None and self.chain.signs(block.number, block.hash):
            assert self.signed.setdefault(block.number, block.hash) == block.hash

    @rule()
    def follow(self) -> None:
        self.chain.follow()

    @rule()
    def post(self) -> None:
        self.l1.refresh()
        post = decide(self.l1, self.chain, BATCH_BYTES)
        if post is not None and post.batch.forced_end <= len(self.l1.queue):
            self.l1.post(list(post.blocks))

    # --- enemies ---

    @rule()
    def crash(self) -> None:
        self.chain._journal.close()
        self.chain = chain_on(self.l1, Path(self.folder.name))

    @precondition(lambda self: self.l1.number > 5)
    @rule(depth=st.integers(1, 4))
    def reorg(self, depth: int) -> None:
        self.l1.reorg(min(depth, self.l1.number - 5))

    @rule()
    def post_queue(self) -> None:
        if len(self.l1.queue) > self.l1._consumed():
            self.l1.post_forced()

    # --- promises ---

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        """Save where its sender signed another one of the same nonce, which may win."""
        for raw in self.acknowledged:
            transaction = decoded(raw)
            placed = self.chain.placement(transaction.hash)
            rivals = self.rivals[transaction.sender, transaction.nonce]
            assert placed is not None or rivals > 1

    @invariant()
    def deposits_are_all_accounted_for(self) -> None:
        ledger = self.chain._sealed.order.ledger
        assert ledger.held == ledger.deposited

    @invariant()
    def what_was_signed_stays_the_only_one(self) -> None:
        for number, digest in self.signed.items():
            assert self.chain.signs(number, digest)

    @rule()
    def in_the_end_everybody_agrees(self) -> None:
        """L1 calms down, the sequencer works on, and a follower has the same order and ledger."""
        for _ in range(8):
            self.l1.mine(5)
            self.chain.follow()
            self.seal()
            self.post()
        self.l1.mine(MOST_IDLE_ORIGINS)  # what holds no transactions waits for so long
        self.chain.follow()
        self.post()
        self.chain.follow()
        ours, theirs = self.chain.head, self.l1.order.head
        assert (ours.header, ours.forced_end) == (theirs.header, theirs.forced_end)
        assert theirs.forced_end == len(self.l1.queue)
        for wallet in (ALICE, BOB):
            expected = self.chain.account(wallet.address, pending=False)
            assert self.l1.order.ledger.account(wallet.address) == expected
        effects = [
            transaction.hash
            for block, outcomes in zip(self.l1.order.blocks, self.l1.order.outcomes, strict=True)
            for (_, transaction), outcome in zip(block.transactions, outcomes, strict=True)
            if transaction is not None and isinstance(outcome, Charged)
        ]
        assert len(effects) == len(set(effects))


Lives.TestCase.settings = settings(stateful_step_count=30)
TestLives = Lives.TestCase
