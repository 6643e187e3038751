"""The sequencer's signed blocks as it hands them out, and what makes one the next of the order."""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_utils.address import to_canonical_address

from anh_rollup.encoding.batches import Batch, decode_batch
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.follower.errors import RefusalReason, RefusedBlockError
from anh_rollup.l1.deployment import Deployment
from anh_rollup.primitives import Address, BlockNumber, Digest
from anh_rollup.protocol.derivation import Head, L2Block, OrderedTransaction, build_block
from anh_rollup.protocol.ledger import decode_or_none
from anh_rollup.protocol.soft_confirmation import confirmation_digest, confirmation_signer


@dataclass(frozen=True, slots=True)
class SignedBlock:
    """A block that L1 does not have yet, as the sequencer hands it out.

    Attributes:
        number: Its height.
        batch: The block as the only one of a batch.
        payload: The same as bytes.
        signature: r, s, v of its soft confirmation; None where another block of the height was signed.
    """

    number: BlockNumber
    batch: Batch
    payload: bytes
    signature: bytes | None

    @classmethod
    def read(cls, number: BlockNumber, payload: bytes, signature: bytes | None) -> "SignedBlock":
        """A block from its bytes.

        Args:
            number: The height that was asked for.
            payload: The bytes.
            signature: Its signature.

        Raises:
            RefusedBlockError: They are no block (MALFORMED), or one of another height (GAP).
        """
        try:
            batch = decode_batch(payload)
        except EncodingError as error:
            raise RefusedBlockError(number, RefusalReason.MALFORMED) from error
        if len(batch.blocks) != 1:
            raise RefusedBlockError(number, RefusalReason.MALFORMED)
        if batch.first_number != number:
            raise RefusedBlockError(number, RefusalReason.GAP)
        return cls(number, batch, payload, signature)

    @property
    def origin_number(self) -> int:
        """The L1 block that it has seen."""
        return self.batch.blocks[0].origin_number

    @property
    def forced(self) -> int:
        """How many entries of the Inbox's queue it takes in."""
        return self.batch.blocks[0].forced


@dataclass(frozen=True, slots=True)
class Signatures:
    """The sequencer's signatures for the blocks of a deployment.

    Attributes:
        deployment: It names the sequencer.
    """

    deployment: Deployment

    def is_signed(self, number: BlockNumber, block_hash: Digest, signature: bytes) -> bool:
        """Whether a signature is the sequencer's for a block."""
        at = self.deployment
        confirmed = confirmation_digest(at.l2_chain_id, at.addresses["inbox"], number, block_hash)
        return confirmation_signer(confirmed, signature) == Address(to_canonical_address(at.sequencer))

    def next_block(self, head: Head, signed: SignedBlock, forced: Sequence[bytes]) -> L2Block:
        """The block after `head` that the sequencer signed.

        Args:
            head: The end of the order.
            signed: What the sequencer gave.
            forced: The records of the queue that it takes in.

        Raises:
            RefusedBlockError: It does not continue the order (GAP, PARENT, BACKWARDS), or is not signed.
        """
        record, before = signed.batch.blocks[0], head.header
        if signed.number != before.number + 1:
            raise RefusedBlockError(before.number + 1, RefusalReason.GAP)
        if signed.batch.parent != before.hash:
            raise RefusedBlockError(signed.number, RefusalReason.PARENT)
        if record.time < before.time or record.origin_number < before.origin_number:
            raise RefusedBlockError(signed.number, RefusalReason.BACKWARDS)
        place = (record.time, record.origin_number, record.origin_hash)
        block = build_block(head, place, self._decoded(forced), self._decoded(record.records))
        if signed.signature is None or not self.is_signed(signed.number, block.hash, signed.signature):
            raise RefusedBlockError(signed.number, RefusalReason.SIGNATURE)
        return block

    def _decoded(self, records: Sequence[bytes]) -> list[OrderedTransaction]:
        chain_id = self.deployment.l2_chain_id
        return [(record, decode_or_none(record, chain_id)) for record in records]
