"""The sequencer's loops: following L1, sealing, posting; and what its JSON-RPC server asks of it."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coincurve import PrivateKey
from eth_account.signers.local import LocalAccount

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.errors import L1Error
from anh_rollup.l1.order_reader import OrderReader, PostedBatch
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import Digest
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.protocol.derivation import Placement
from anh_rollup.protocol.soft_confirmation import confirmation_digest
from anh_rollup.sequencer.chain import SequencerChain, Setting
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.poster import Poster

LOG = logging.getLogger(__name__)

#: What is added to a signature's parity (Ethereum's v).
PARITY_OFFSET = 27


@dataclass(frozen=True, slots=True)
class Parts:
    """What a sequencer is made of.

    Attributes:
        deployment: Where the contracts are.
        sender: The sequencer's L1 account.
        account: Its key, which also signs soft confirmations.
        journal: Its memory.
        forced_depth: See `Setting`.
        force_calldata: See `Poster`.
        clock: Seconds since 1970.
    """

    deployment: Deployment
    sender: TransactionSender
    account: LocalAccount
    journal: Journal
    forced_depth: int = 2
    force_calldata: bool = False
    clock: Callable[[], float] = time.time


class Sequencer:
    """A sequencer at work.

    Args:
        parts: What it is made of.

    Raises:
        L1Error: L1 cannot be read at the start.
        JournalBehindError: The journal is of another chain.
    """

    def __init__(self, parts: Parts) -> None:
        self.deployment = parts.deployment
        client = parts.sender.client
        self.reader = OrderReader(parts.deployment, client, BatchDataReader(client))
        self.reader.refresh()
        chain_id = parts.deployment.l2_chain_id
        self.chain = SequencerChain(
            self.reader, parts.journal, Setting(chain_id, parts.clock, parts.forced_depth)
        )
        inbox = bind(parts.deployment, client).inbox
        self._inbox = inbox.address
        self._key = PrivateKey(bytes(parts.account.key))
        self._journal = parts.journal
        self._poster = Poster(
            self.chain,
            self.reader,
            inbox,
            parts.sender,
            chain_id=chain_id,
            force_calldata=parts.force_calldata,
        )

    def order(self) -> None:
        """One round of ordering: take in L1, seal. Sealing goes on while L1 is away."""
        try:
            self.chain.follow()
        except L1Error as error:
            LOG.warning("L1 cannot be followed: %s; next: %s", error.message, error.remedy)
        block = self.chain.seal()
        if block is not None:
            LOG.info("block %d: %d transactions", block.number, len(block.transactions))

    def post(self) -> None:
        """One round of posting."""
        self._poster.step()

    def submit(self, raws: Sequence[bytes]) -> list[SignedTransaction | RejectedError]:
        """Admits signed transactions; see `SequencerChain.submit`."""
        return self.chain.submit(raws)

    def confirm(self, number: int, block_hash: Digest) -> bytes:
        """The soft confirmation of a sealed block: r, s, v. Deterministic, so it needs no memory."""
        digest = confirmation_digest(self.deployment.l2_chain_id, self._inbox, number, block_hash)
        signature = self._key.sign_recoverable(digest, hasher=None)
        return bytes(signature[:64]) + bytes([signature[64] + PARITY_OFFSET])

    def batch_of(self, block: int) -> PostedBatch | None:
        """The batch on L1 that holds a block, or None."""
        held = (each for each in self.reader.batches if each.first_block <= block < each.end_block)
        return next(held, None)

    def inclusion(self, placement: Placement) -> tuple[PostedBatch, int, list[bytes]] | None:
        """The batch of a transaction, its place among the batch's own transactions, and its Merkle proof.

        Returns:
            None where no batch on L1 holds it, or where it was forced (the queue holds its hash then).
        """
        block = placement.block
        batch = None if block is None else self.batch_of(block.number)
        if block is None or batch is None or placement.index < block.forced:
            return None
        records: list[bytes] = []
        place = 0
        for number in range(batch.first_block, batch.end_block):
            each = self.chain.block(number)
            if each is None:
                return None
            if number == block.number:
                place = len(records) + placement.index - block.forced
            records.extend(each.own_records)
        tree = MerkleTree([keccak256(record) for record in records])
        return batch, place, list(tree.proof(place))

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()
