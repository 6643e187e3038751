"""The follower's loops: following L1, following the sequencer; and what its JSON-RPC server asks of it."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.transactions import SignedTransaction, decode_signed
from anh_rollup.errors import AnhError
from anh_rollup.follower.chain import FollowerChain, Progress, World
from anh_rollup.follower.errors import NoSequencerError, SequencerError
from anh_rollup.follower.memory import FollowerMemory
from anh_rollup.follower.sequencer_client import SequencerClient
from anh_rollup.follower.signed_blocks import Signatures, SignedBlock
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment
from anh_rollup.l1.inclusion import PostedBlocks
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.posted_batch import PostedBatch
from anh_rollup.primitives import BlockNumber, Digest
from anh_rollup.protocol.admission import RejectedError, rejection_of
from anh_rollup.protocol.derivation import Placement

LOG = logging.getLogger(__name__)


W = TypeVar("W", bound=World)


@dataclass(frozen=True, slots=True)
class Parts(Generic[W]):
    """What a follower is made of.

    Attributes:
        deployment: Where the contracts are.
        client: The L1 node.
        reader: The order that L1 holds.
        world: The L2's state.
        memory: What earlier runs noted.
        sequencer: Whom to ask for newer blocks, and to hand transactions to; None follows L1 alone.
        clock: Seconds that only grow.
    """

    deployment: Deployment
    client: L1Client
    reader: OrderReader
    world: W
    memory: FollowerMemory
    sequencer: SequencerClient | None = None
    clock: Callable[[], float] = time.monotonic


class Follower(Generic[W]):
    """A follower at work.

    Args:
        parts: What it is made of.
        progress: Told how many blocks of how many are taken in at the start.

    Raises:
        L1Error: L1 cannot be read at the start.
        WrongDataError: The data folder is of another chain.
    """

    def __init__(self, parts: Parts[W], progress: Progress = lambda _done, _all: None) -> None:
        self.deployment = parts.deployment
        self.reader = parts.reader
        self.world = parts.world
        self._client = parts.client
        self._memory = parts.memory
        self._sequencer = parts.sequencer
        self._writing = threading.Lock()
        self._told = ""
        self._finalized = 0
        self.reader.refresh()
        self.chain = FollowerChain(
            self.reader, parts.world, parts.memory, Signatures(parts.deployment), parts.clock
        )
        self._posted = PostedBlocks(self.reader, self.chain.block)
        self.chain.align(progress)

    def follow_l1(self) -> None:
        """One round of following L1.

        Raises:
            TransientL1Error: L1 cannot be read; the next round goes on.
        """
        self.reader.refresh()  # signed blocks are taken meanwhile, however long L1 takes to answer
        with self._writing:
            self.chain.align()
        self.reader.archive_deep()
        self._posted.read_finality(self._client)
        finalized = min(self._posted.finalized_number, self.chain.head.header.number)
        if finalized > self._finalized:
            self.chain.finalize(finalized)
            self._finalized = finalized

    def follow_sequencer(self) -> None:
        """One round of following the sequencer. One that is away or lies costs a line of log, and no more.

        Raises:
            TransientL1Error: L1 cannot be read; the next round goes on.
        """
        if self._sequencer is None:
            return
        try:
            for signed in self._sequencer.signed_blocks(self.chain.wanted):
                if not self._take(signed):
                    break
        except SequencerError as error:
            self._tell(error)
        else:
            self._told = ""

    def submit(self, raws: Sequence[bytes]) -> list[SignedTransaction | RejectedError]:
        """Hands signed transactions to the sequencer; they are on its disk when this returns.

        Raises:
            NoSequencerError: This follower knows none.
            SequencerError: It cannot be reached, or fails.
        """
        if self._sequencer is None:
            raise NoSequencerError
        decoded = [self._decode(raw) for raw in raws]
        sound = [raw for raw, each in zip(raws, decoded, strict=True) if not isinstance(each, RejectedError)]
        answers = iter(self._sequencer.submit(sound) if sound else [])
        results: list[SignedTransaction | RejectedError] = []
        for each in decoded:
            answer = each if isinstance(each, RejectedError) else next(answers)
            if not isinstance(each, RejectedError) and not isinstance(answer, RejectedError):
                self.chain.accepted(each)
            results.append(answer if isinstance(answer, RejectedError) else each)
        return results

    def confirm(self, number: BlockNumber, block_hash: Digest) -> bytes | None:
        """The sequencer's signature of a block: r, s, v; None where the follower has not seen it."""
        return self.chain.confirmation(number, block_hash)

    @property
    def finalized_number(self) -> BlockNumber:
        """Height of the last block whose batch is in an L1 block that is final."""
        return min(self._posted.finalized_number, self.chain.head.header.number)

    def batch_of(self, block: BlockNumber) -> PostedBatch | None:
        """The batch on L1 that holds a block, or None."""
        return self._posted.batch_of(block)

    def inclusion(self, placement: Placement) -> tuple[PostedBatch, int, list[bytes]] | None:
        """A transaction's batch, place and Merkle proof; see `PostedBlocks.inclusion`."""
        return self._posted.inclusion(placement)

    @property
    def syncing(self) -> tuple[int, int, int] | None:
        """See `FollowerChain.syncing`."""
        return self.chain.syncing

    def pending(self) -> list[SignedTransaction]:
        """What the sequencer accepted through this follower and no block holds, oldest first."""
        return [placed.transaction for placed in self.chain.pending]

    def close(self) -> None:
        """Closes what it keeps on the disk."""
        self._memory.close()
        self.world.close()
        self.reader.close()

    def _take(self, signed: SignedBlock) -> bool:
        with self._writing:
            return self.chain.take(signed)

    def _decode(self, raw: bytes) -> SignedTransaction | RejectedError:
        try:
            return decode_signed(raw, self.deployment.l2_chain_id)
        except EncodingError as error:
            return rejection_of(error)

    def _tell(self, error: AnhError) -> None:
        """Logs a trouble with the sequencer once, not each round."""
        if error.message != self._told:
            LOG.warning("%s; next: %s", error.message, error.remedy)
        self._told = error.message
