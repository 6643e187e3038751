"""`anh_getSignedBlocks`: what a follower takes from the sequencer before L1 has it."""

from collections.abc import Sequence
from typing import Any, Final

from anh_rollup.encoding.batches import encode_batch
from anh_rollup.primitives import BlockNumber
from anh_rollup.protocol.derivation import batch_of
from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.wire import data, quantity, read_quantity

MOST_BLOCKS: Final = 500
"""Blocks of one answer (choice)."""

MOST_BYTES: Final = 4 << 20
"""Bytes of the blocks of one answer after which no further block is added (choice)."""


def signed_blocks(backend: Backend, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """anh_getSignedBlocks: blocks from a height on, each as a batch of its own, with a signature or null."""
    (number,) = exactly(parameters, 1)
    first, size = read_quantity(number, "the height"), 0
    found: list[dict[str, Any]] = []
    while len(found) < MOST_BLOCKS and size <= MOST_BYTES:
        block = backend.chain.block(BlockNumber(first + len(found)))
        if block is None:
            break
        payload, signature = encode_batch(batch_of([block])), backend.confirm(block.number, block.hash)
        found.append(
            {
                "number": quantity(block.number),
                "hash": data(block.hash),
                "payload": data(payload),
                "signature": None if signature is None else data(signature),
            }
        )
        size += len(payload)
    return found
