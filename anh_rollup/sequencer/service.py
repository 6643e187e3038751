"""The sequencer's loops: following L1, sealing, posting; and what its JSON-RPC server asks of it."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coincurve import PrivateKey
from eth_account.signers.local import LocalAccount

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.l1.inclusion import PostedBlocks
from anh_rollup.l1.order_archive import OrderArchive
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.posted_batch import PostedBatch
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.side_process import SideProcess
from anh_rollup.primitives import BlockNumber, Digest
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.protocol.derivation import Placement
from anh_rollup.protocol.soft_confirmation import PARITY_OFFSET, confirmation_digest
from anh_rollup.sequencer.backlog import most_unposted
from anh_rollup.sequencer.chain import FORCED_DEPTH, SequencerChain, Setting
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.known_records import KnownRecords
from anh_rollup.sequencer.lapses import Lapser
from anh_rollup.sequencer.packing import Packer
from anh_rollup.sequencer.pool import PoolLimits
from anh_rollup.sequencer.poster import Poster, most_batch_bytes
from anh_rollup.sequencer.sender_rates import SenderLimits

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a sequencer is made of.

    Attributes:
        deployment: Where the contracts are.
        sender: The sequencer's L1 account.
        account: Its key, which also signs soft confirmations.
        journal: Its memory.
        forced_depth: See `Setting`.
        most_unposted: See `Setting`; None stands for what `backlog` allows.
        post_interval: Seconds between two rounds of posting.
        force_calldata: Post calldata even where the chain has blobs.
        new_journal: See `Setting`.
        refunds: Give rewards back that nobody has earned, where they are worth the gas.
        beacon_url: See `BatchDataReader`.
        pool: See `Setting`.
        senders: See `Setting`.
        blobs: See `BatchDataReader`'s `store`.
        archive: See `OrderReader`.
        side: See `Packer`.
        clock: Seconds since 1970.
    """

    deployment: Deployment
    sender: TransactionSender
    account: LocalAccount
    journal: Journal
    forced_depth: int = FORCED_DEPTH
    most_unposted: int | None = None
    post_interval: float = 0.0
    force_calldata: bool = False
    new_journal: bool = False
    refunds: bool = True
    beacon_url: str | None = None
    blobs: BlobStore | None = None
    archive: OrderArchive | None = None
    side: SideProcess | None = None
    pool: PoolLimits = field(default_factory=PoolLimits)
    senders: SenderLimits = field(default_factory=SenderLimits)
    clock: Callable[[], float] = time.time


class Sequencer:
    """A sequencer at work.

    Args:
        parts: What it is made of.

    Raises:
        L1Error: L1 cannot be read at the start.
        WrongJournalError: The journal is of another chain.
        JournalMissingError: The journal is empty and the L2 is not.
    """

    def __init__(self, parts: Parts) -> None:
        self.deployment = parts.deployment
        client = parts.sender.client
        data = BatchDataReader(client, parts.beacon_url, parts.blobs)
        known = KnownRecords()
        archive = fitting(parts.archive, parts.journal)
        self.reader = OrderReader(parts.deployment, client, data, known.decode, archive)
        self.reader.refresh()
        blobs = not parts.force_calldata and client.supports_blobs()
        most = most_batch_bytes(blobs=blobs)
        self.chain = SequencerChain(self.reader, parts.journal, _setting(parts, most), known)
        self._posted = PostedBlocks(self.reader, self.chain.block)
        self._client = client
        contracts = bind(parts.deployment, client)
        inbox, rules = contracts.inbox, parts.deployment.rules
        self._inbox = inbox.address
        self._lapser = (
            Lapser(self.reader, contracts.claims, parts.sender, rules.settlement) if parts.refunds else None
        )
        self._key = PrivateKey(bytes(parts.account.key))
        self._journal = parts.journal
        self._poster = Poster(
            self.chain,
            self.reader,
            inbox,
            parts.sender,
            blobs=blobs,
            packer=Packer(parts.side),
        )

    def order(self) -> None:
        """One round of ordering: take in L1, seal."""
        self.follow()
        self.seal()

    def follow(self) -> None:
        """One round of taking in L1. While it is away nothing is taken in, and the rest goes on."""
        try:
            self.chain.follow()
            self.reader.archive_deep()
            self._posted.read_finality(self._client)
            if self._lapser is not None:
                self._lapser.look()
        except TransientL1Error as error:
            LOG.warning("L1 cannot be followed: %s; next: %s", error.message, error.remedy)

    def seal(self) -> None:
        """One round of sealing; asks nobody, so that an L1 that is away or slow delays no block."""
        block = self.chain.seal()
        if block is not None:
            LOG.info("block %d: %d transactions", block.number, len(block.transactions))

    def post(self) -> None:
        """One round of posting, else of refunds."""
        if self._poster.step() is None and self._lapser is not None:
            self._lapser.step()

    def submit(self, raws: Sequence[bytes]) -> list[SignedTransaction | RejectedError]:
        """Admits signed transactions; see `SequencerChain.submit`."""
        return self.chain.submit(raws)

    def confirm(self, number: BlockNumber, block_hash: Digest) -> bytes | None:
        """The soft confirmation of a sealed block: r, s, v (deterministic).

        None for a block that L1 put in the place of one that was sealed here: two signatures for one height
        would cost the stake.
        """
        if not self.chain.signs(number, block_hash):
            return None
        digest = confirmation_digest(self.deployment.l2_chain_id, self._inbox, number, block_hash)
        signature = self._key.sign_recoverable(digest, hasher=None)
        return bytes(signature[:64]) + bytes([signature[64] + PARITY_OFFSET])

    @property
    def finalized_number(self) -> BlockNumber:
        """Height of the last block whose batch is in an L1 block that is final."""
        return self._posted.finalized_number

    def batch_of(self, block: BlockNumber) -> PostedBatch | None:
        """The batch on L1 that holds a block, or None."""
        return self._posted.batch_of(block)

    def inclusion(self, placement: Placement) -> tuple[PostedBatch, int, list[bytes]] | None:
        """A transaction's batch, place and Merkle proof; see `PostedBlocks.inclusion`."""
        return self._posted.inclusion(placement)

    def close(self) -> None:
        """Closes the journal and the archive."""
        self._journal.close()
        self.reader.close()


def fitting(archive: OrderArchive | None, journal: Journal) -> OrderArchive | None:
    """An archive of what the journal begins with; an empty one in the place of any other."""
    if archive is None or not archive.blocks:
        return archive
    last = archive.end.header
    return archive if journal.block_hash(last.number) == last.hash else archive.renewed()


def _setting(parts: Parts, most_batch: int) -> Setting:
    """What the chain is told."""
    allowed = parts.most_unposted
    if allowed is None:
        delay = parts.deployment.rules.force_delay
        allowed = most_unposted(delay, parts.forced_depth, parts.post_interval, most_batch)
    return Setting(
        chain_id=parts.deployment.l2_chain_id,
        clock=parts.clock,
        most_batch_bytes=most_batch,
        forced_depth=parts.forced_depth,
        most_unposted=allowed,
        new_journal=parts.new_journal,
        pool=parts.pool,
        senders=parts.senders,
    )
