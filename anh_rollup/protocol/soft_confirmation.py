"""Soft confirmations: what the sequencer signs when it has fixed a block.

Two signatures for one height are proof of equivocation and cost its stake (`Inbox.slash`).
"""

from typing import Final

from eth_utils.address import to_canonical_address

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.recovery import recover
from anh_rollup.primitives import DIGEST_SIZE, Address, BlockNumber, ChainId, Digest

PREFIX: Final = b"ANH soft confirmation"
"""Keeps the signed bytes apart from everything else that a key signs; `Inbox.confirmation` has the same."""

PARITY_OFFSET: Final = 27
"""What a signature's last byte holds beside the parity of the point (yellow paper, appendix F)."""

SIGNATURE_SIZE: Final = 65
"""Bytes of a signature: r, s, v."""


def confirmation_digest(chain_id: ChainId, inbox: str, number: BlockNumber, block_hash: Digest) -> Digest:
    """What is signed for a block.

    Args:
        chain_id: The L2's.
        inbox: Address of the Inbox.
        number: The block's height.
        block_hash: Its hash.
    """
    place = chain_id.to_bytes(DIGEST_SIZE, "big") + to_canonical_address(inbox) + number.to_bytes(8, "big")
    return keccak256(PREFIX + place + block_hash)


def confirmation_signer(confirmed: Digest, signature: bytes) -> Address | None:
    """Who signed a block; None where the signature is none that L1 would take.

    Args:
        confirmed: What `confirmation_digest` gives for the block.
        signature: r, s, v.
    """
    if len(signature) != SIGNATURE_SIZE:
        return None
    r, s = (int.from_bytes(part, "big") for part in (signature[:DIGEST_SIZE], signature[DIGEST_SIZE:-1]))
    try:
        return recover(confirmed, (signature[-1] - PARITY_OFFSET, r, s))
    except EncodingError:
        return None
