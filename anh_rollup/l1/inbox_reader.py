"""What L1 holds of the order, as the ledger's machine asks for it: batches, the queue, notices, blobs.

Nothing is folded here. The bytes of batches are read when they are asked for, and the latest ones kept.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Final

from eth_utils.address import to_canonical_address

from anh_rollup.encoding.batches import BatchHeader, Header
from anh_rollup.encoding.blobs import BLOB_ELEMENTS, unpack
from anh_rollup.encoding.checks import digest
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blobs import open_element
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.base import Emitted
from anh_rollup.l1.contracts.inbox import Forced, Inbox, Noted, Posted
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.l1.events import EventReader
from anh_rollup.l1.types import Cursor
from anh_rollup.primitives import Address, BatchNumber, BlockNumber, Digest
from anh_rollup.protocol.derivation import Posting, genesis
from anh_rollup.protocol.ledger import LedgerRules
from anh_rollup.protocol.machine.view import Notice
from anh_rollup.protocol.machine.witnesses import FieldElement

#: Batches whose bytes are kept (choice): a fold reads one after the other, games about a few.
MOST_PAYLOADS: Final = 4


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """A batch as the Inbox told of it.

    Attributes:
        header: What the Inbox committed to.
        commitment: Its commitment.
        blobs: Versioned hashes; none for calldata, and for a forced batch.
        transaction: Hash of the L1 transaction that posted it.
        l1_block: Number of that transaction's block.
        l1_hash: Hash of that block.
    """

    header: BatchHeader
    commitment: Digest
    blobs: tuple[bytes, ...]
    transaction: bytes
    l1_block: BlockNumber
    l1_hash: bytes


@dataclass(frozen=True, slots=True)
class _Carried:
    """A posting, and the blobs that carry it."""

    posting: Posting
    blobs: tuple[bytes, ...]


class HeldOrder:
    """What L1 holds: the machine's `View`, and the `Blobs` behind its batches.

    It only grows. After a reorg `InboxReader` begins another one, and what this one says does not change;
    `common` says how far they agree.

    Attributes:
        rules: What the fold takes from the deployment.
        first: Header of the genesis block.
        batches: All batches, in order.
        carried: What the latest batches are of that were read, by number.
    """

    def __init__(self, deployment: Deployment, client: L1Client, data: BatchDataReader) -> None:
        sequencer = Address(to_canonical_address(deployment.sequencer))
        self.rules = LedgerRules(deployment.l2_chain_id, sequencer)
        origin = digest(deployment.block_hash, name="the deployment's block")
        self.first: Header = genesis(deployment.l2_chain_id, deployment.block, origin)
        self.batches: list[HeldBatch] = []
        self._inbox = bind(deployment, client).inbox
        self._client, self._data = client, data
        self._queue: list[Forced] = []
        self._notices: list[Notice] = []
        self.carried: OrderedDict[int, _Carried] = OrderedDict()

    def posting(self, number: BatchNumber) -> Posting:
        """A batch with its bytes.

        Raises:
            BlobsUnavailableError: Nobody has its blobs any more.
            TransientL1Error: L1 cannot be read, or has another batch there by now.
        """
        return self._read(number).posting

    def entry(self, index: int) -> bytes:
        """The record of an entry of the queue."""
        return self._queue[index].record

    def waiting(self) -> list[Forced]:
        """The queue's entries that no batch has, the oldest first."""
        return self._queue[self.batches[-1].header.forced_end if self.batches else 0 :]

    def notice(self, index: int) -> Notice | None:
        """An entry of the log, from 0; None where there is none yet."""
        return self._notices[index] if index < len(self._notices) else None

    def hashes(self, number: BatchNumber) -> tuple[bytes, ...]:
        """The versioned hashes of a batch's blobs."""
        return self.batches[number - 1].blobs

    def open(self, number: BatchNumber, index: int) -> FieldElement:
        """A field element of a batch's blobs in a row, opened; raises as `posting` does."""
        blob, within = divmod(index, BLOB_ELEMENTS)
        return FieldElement(index, *open_element(self._read(number).blobs[blob], within))

    def common(self, other: "HeldOrder") -> BatchNumber:
        """The last batch up to which another order of this deployment says the same.

        The L1 block of a batch is the same one in both, and with it everything that came before.
        """
        pairs = zip(self.batches, other.batches, strict=False)
        return BatchNumber(sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)))

    def take_over(self, other: "HeldOrder") -> None:
        """Takes over the bytes of batches that another order has and that are the same here."""
        common = self.common(other)
        self.carried.update(
            (number, read) for number, read in list(other.carried.items()) if number <= common
        )

    def take(self, item: Emitted[Any]) -> None:
        """Takes in the next event of the Inbox."""
        event = item.event
        if isinstance(event, Posted):
            commitment = digest(event.commitment, name="a commitment")
            at = item.log.transaction, item.log.block, item.log.block_hash
            self.batches.append(HeldBatch(event.batch, commitment, event.blobs, *at))
        elif isinstance(event, Forced):
            self._queue.append(event)
        elif isinstance(event, Noted):
            self._notices.append(event.notice)

    def _read(self, number: BatchNumber) -> _Carried:
        """A posting with its blobs, kept for a while."""
        known = self.carried.get(number)
        if known is None:
            known = self.carried[number] = self._fetch(self.batches[number - 1])
            while len(self.carried) > MOST_PAYLOADS:
                self.carried.popitem(last=False)
        return known

    def _fetch(self, batch: HeldBatch) -> _Carried:
        block = self._client.block(batch.l1_block)
        if block is None or block.hash != batch.l1_hash:
            raise L1AnswerError(f"block {batch.l1_block}, which has a batch", None)
        payload: bytes | None = self._calldata(batch) or None
        blobs = self._data.blobs(batch.transaction) if batch.blobs else ()
        if blobs:
            try:
                payload = unpack(blobs)
            except EncodingError:
                payload = None
        return _Carried(Posting(batch.header, payload, batch.l1_block, block.time), blobs)

    def _calldata(self, batch: HeldBatch) -> bytes:
        """The bytes that a batch's event has; none of one in blobs, and of a forced one.

        They are read again instead of kept: those of all batches are much.
        """
        if batch.blobs:
            return b""
        logs = self._client.logs([self._inbox.address], batch.l1_block, batch.l1_block)
        for found in map(self._inbox.decode, logs):
            if found is not None and isinstance(found.event, Posted):
                event = found.event
                if event.commitment == batch.commitment:
                    return bytes(event.data)
        raise L1AnswerError(f"batch {batch.header.number}, which an event names", None)


@dataclass(slots=True)
class InboxReader:
    """Reads the Inbox's events; `refresh` takes in what is new on L1.

    Args:
        deployment: Where the contracts are.
        client: The L1 node.
        data: Where blobs are read.

    Attributes:
        held: What L1 holds, as of the last `refresh`; another object after a reorg.
        cursor: The L1 block up to which everything is read.
    """

    deployment: Deployment
    client: L1Client
    data: BatchDataReader
    held: HeldOrder = field(init=False)
    cursor: Cursor = field(init=False)
    _inbox: Inbox = field(init=False)
    _reader: EventReader = field(init=False)

    def __post_init__(self) -> None:
        """Begins at the deployment."""
        self._inbox = bind(self.deployment, self.client).inbox
        self._reader = EventReader(self.client, [self._inbox.address], self.deployment.start)
        self.held, self.cursor = self._begin(), self.deployment.start

    def refresh(self) -> bool:
        """Reads what is new; whether there was anything.

        Raises:
            TransientL1Error: L1 cannot be read; nothing changed, call again.
        """
        before = self.cursor
        page, reorg = self._reader.read_on(before)
        found = [each for log in page.logs if (each := self._inbox.decode(log)) is not None]
        held = self.held if reorg is None else self._begin()
        for each in found:
            held.take(each)
        if held is not self.held:
            held.take_over(self.held)
        self.held = held
        self.cursor = page.cursor
        return self.cursor != before

    def _begin(self) -> HeldOrder:
        return HeldOrder(self.deployment, self.client, self.data)
