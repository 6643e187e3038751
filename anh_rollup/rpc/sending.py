"""Transactions without a block: waiting for receipts (EIP-7966 too), and what this node knows of them."""

from collections.abc import Mapping, Sequence
from functools import partial
from threading import BoundedSemaphore
from typing import Any, Final

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.rpc.errors import Code, DataError, RpcError, invalid_params
from anh_rollup.rpc.ethereum import sent
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.receipts import receipt
from anh_rollup.rpc.rollup import waits_for_nonce
from anh_rollup.rpc.service import Reader, WorldService
from anh_rollup.rpc.wire import (
    address,
    quantity,
    read_address,
    read_data,
    read_digest,
    read_quantity,
    transaction_object,
)

INTERVAL: Final = 0.05
"""Seconds between two looks for a transaction's block (choice)."""


class Waiting:
    """What waits for the block of a transaction that was accepted: bounded in number and time.

    Clients that look for a receipt look again with the next block, and on a quiet chain there is none: so the
    first look is answered when the transaction's own block is there.

    Args:
        most: How many wait at the same time.
    """

    def __init__(self, most: int) -> None:
        self._room = BoundedSemaphore(most)

    def methods(self) -> Mapping[str, Reader]:
        """The methods that clients use it with."""
        return {"eth_getTransactionReceipt": self.receipt, "eth_sendRawTransactionSync": self.send}

    def receipt(self, service: WorldService, parameters: Sequence[Any]) -> dict[str, Any] | None:
        """eth_getTransactionReceipt: null where it is not there within a moment."""
        (digest,) = exactly(parameters, 1)
        placed = service.backend.chain.placement(read_digest(digest, "the transaction hash"))
        waits = placed is not None and placed.block is None
        if waits and self._room.acquire(blocking=False):
            try:
                _await_block(service, digest, service.limits.receipt_seconds)
            finally:
                self._room.release()
        return service.execution.run(partial(receipt, service, [digest]))

    def send(self, service: WorldService, parameters: Sequence[Any]) -> dict[str, Any]:
        """eth_sendRawTransactionSync: the receipt, if it is there within the given time (milliseconds).

        Raises:
            RpcError: It was rejected, or is not there yet: then the error's data is its hash.
        """
        text, wanted = exactly(parameters, 1, 2)
        raw, seconds = read_data(text, "the transaction"), _seconds(service, wanted)
        if not self._room.acquire(blocking=False):
            raise RpcError(
                Code.LIMIT, "limit exceeded: too many wait for receipts", remedy="Use eth_sendRawTransaction."
            )
        try:
            (result,) = service.backend.submit([raw])
            return _await_receipt(service, sent(result), seconds)
        finally:
            self._room.release()


def pool_status(service: WorldService, parameters: Sequence[Any]) -> dict[str, str]:
    """txpool_status: what was accepted and has no block; `queued` is behind a gap of nonces."""
    exactly(parameters, 0)
    pending, queued = _split(service)
    return {"pending": quantity(len(pending)), "queued": quantity(len(queued))}


def pool_content(service: WorldService, parameters: Sequence[Any]) -> dict[str, Any]:
    """txpool_content: the same by sender and nonce."""
    exactly(parameters, 0)
    pending, queued = _split(service)
    return {"pending": _by_sender(pending), "queued": _by_sender(queued)}


def pool_content_from(service: WorldService, parameters: Sequence[Any]) -> dict[str, Any]:
    """txpool_contentFrom: the same of one sender."""
    (text,) = exactly(parameters, 1)
    owner = read_address(text, "the address")
    own = [[each for each in some if each.sender == owner] for some in _split(service)]
    return {"pending": _by_nonce(own[0]), "queued": _by_nonce(own[1])}


def _split(service: WorldService) -> tuple[list[SignedTransaction], list[SignedTransaction]]:
    """What is in line for the next block, and what waits for those with lower nonces."""
    waiting = service.backend.pending()
    queued = [each for each in waiting if waits_for_nonce(service.backend, each)]
    behind = {each.hash for each in queued}
    return [each for each in waiting if each.hash not in behind], queued


def _by_sender(transactions: Sequence[SignedTransaction]) -> dict[str, dict[str, Any]]:
    senders: dict[str, dict[str, Any]] = {}
    for each in transactions:
        senders.setdefault(address(each.sender), {}).update(_by_nonce([each]))
    return senders


def _by_nonce(transactions: Sequence[SignedTransaction]) -> dict[str, Any]:
    return {str(each.nonce): transaction_object(each, None, 0) for each in transactions}


def _seconds(service: WorldService, wanted: Any) -> float:
    """How long to wait; a client gives milliseconds, as a number or in hexadecimal."""
    usual, most = service.limits.sync_seconds
    if wanted is None:
        return usual
    plain = isinstance(wanted, int) and not isinstance(wanted, bool)
    milliseconds = wanted if plain else read_quantity(wanted, "the timeout")
    if milliseconds < 1:
        raise invalid_params("the timeout is at least 1 millisecond")
    return min(milliseconds / 1000, most)


def _await_receipt(service: WorldService, digest: str, seconds: float) -> dict[str, Any]:
    """The receipt of an accepted transaction.

    Raises:
        DataError: It is not there in time.
    """
    until = service.limits.clock() + seconds
    while _await_block(service, digest, until - service.limits.clock()):
        found = service.execution.run(partial(receipt, service, [digest]))
        if found is not None:
            return found
        service.limits.sleep(INTERVAL)
    raise DataError(
        Code.TIMEOUT,
        f"the transaction was accepted, but its receipt was not there within {seconds:g} seconds",
        bytes.fromhex(digest[2:]),
    )


def _await_block(service: WorldService, digest: str, seconds: float) -> bool:
    """Waits until a transaction has a block; whether it has one in time."""
    limits = service.limits
    until = limits.clock() + seconds
    while limits.clock() < until:
        placed = service.backend.chain.placement(read_digest(digest, "the transaction hash"))
        if placed is not None and placed.block is not None:
            return True
        limits.sleep(INTERVAL)
    return False


METHODS: Final[Mapping[str, Reader]] = {
    "txpool_status": pool_status,
    "txpool_content": pool_content,
    "txpool_contentFrom": pool_content_from,
}
"""What is known of transactions without a block."""
