"""Reading back what a transaction put on L1: its blobs, verified, or its calldata."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
import requests

from anh_rollup.encoding.blobs import BLOB_SIZE
from anh_rollup.l1 import wire
from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.blobs import BlobMalformedError, versioned_hash
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.endpoint import host_of
from anh_rollup.l1.errors import BlobsUnavailableError, L1AnswerError, L1RejectedError, L1UnreachableError
from anh_rollup.l1.transport import RETRIED_STATUSES
from anh_rollup.l1.types import Transaction
from anh_rollup.primitives import BlockNumber

#: Most bytes of a beacon answer: 64 blobs in hexadecimal (choice: three times what a block holds after the
#: second fork of EIP-7892, which is 21).
LARGEST_ANSWER: Final = 64 * 2 * BLOB_SIZE


class BatchDataReader:
    """Reads blobs from a beacon endpoint, or from anvil's own method, and calldata from the L1 node.

    Args:
        client: The L1 node.
        beacon_url: A beacon node's base URL; None asks the L1 endpoint itself, which anvil answers.
        store: Where blobs are kept once they were read; it is asked before anybody else.

    Raises:
        EndpointUrlError: The beacon's URL can be no endpoint's.
    """

    def __init__(
        self,
        client: L1Client,
        beacon_url: str | None = None,
        store: BlobStore | None = None,
    ) -> None:
        self._client = client
        self._store = store
        if beacon_url:
            host_of(beacon_url)
        self._beacon = (beacon_url or client.transport.url).rstrip("/")

    def transaction(self, digest: bytes) -> Transaction:
        """A mined transaction.

        Raises:
            L1AnswerError: The node does not have it (any more).
        """
        found = self._client.transaction(digest)
        if found is None or found.block is None:
            raise L1AnswerError(f"transaction 0x{digest.hex()}, which an event names", None)
        return found

    def calldata(self, digest: bytes) -> bytes:
        """A mined transaction's calldata."""
        return self.transaction(digest).data

    def blobs(self, digest: bytes) -> tuple[bytes, ...]:
        """The blobs of a mined transaction in its order, each checked against its versioned hash.

        Raises:
            BlobsUnavailableError: They cannot be had now; nobody may skip them.
        """
        transaction = self.transaction(digest)
        found = self._known(transaction.blob_hashes)
        missing = [item for item in transaction.blob_hashes if item not in found]
        if missing:
            found |= self._fetch(digest, transaction.block or BlockNumber(0), missing)
        return tuple(found[item] for item in transaction.blob_hashes)

    def _known(self, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Those of these blobs that nobody has to be asked for."""
        if self._store is None:
            return {}
        kept = {item: self._store.get(item) for item in hashes}
        return {item: blob for item, blob in kept.items() if blob is not None}

    def _fetch(self, digest: bytes, block: BlockNumber, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Blobs that others have, each checked, and kept for the next time."""
        found = self._from_beacon(block, hashes)
        missing = [item for item in hashes if item not in found]
        if missing:
            found |= self._from_anvil(digest)
        if any(item not in found for item in hashes):
            raise BlobsUnavailableError(block, f"the beacon endpoint lacks blob 0x{missing[0].hex()}")
        if self._store is not None:
            for item in hashes:
                self._store.keep(item, found[item])
        return found

    def _from_beacon(self, block: BlockNumber, hashes: Sequence[bytes]) -> dict[bytes, bytes]:
        """Blobs of a block by hash; an endpoint that has none gives an empty answer."""
        url = f"{self._beacon}/eth/v1/beacon/blobs/{self._beacon_block(block)}"
        query = {"versioned_hashes": ["0x" + item.hex() for item in hashes]}
        try:
            answer = self._client.transport.repeat(lambda: self._get(url, query))
        except L1UnreachableError as error:
            raise BlobsUnavailableError(block, error.message) from error
        if answer is None:
            return {}
        listed = wire.items("a beacon answer", wire.members("a beacon answer", answer).get("data"))
        return _by_hash([wire.data("a blob", item) for item in listed])

    def _from_anvil(self, digest: bytes) -> dict[bytes, bytes]:
        try:
            answer = self._client.transport.request("anvil_getBlobsByTransactionHash", "0x" + digest.hex())
        except L1RejectedError:
            return {}
        return _by_hash([wire.data("a blob", item) for item in wire.items("blobs", answer or [])])

    def _beacon_block(self, block: BlockNumber) -> str:
        """How the beacon endpoint names an L1 block: by the root in its child, or by number on anvil."""
        child = self._client.block(block + 1)
        root = None if child is None else child.beacon_root
        return "0x" + root.hex() if root is not None and any(root) else str(block)

    def _get(self, url: str, query: dict[str, list[str]]) -> Any:
        """One bounded read; None where the endpoint has nothing there."""
        timeout = self._client.transport.patience.timeout
        with requests.get(url, params=query, timeout=timeout, stream=True) as response:
            if response.status_code in RETRIED_STATUSES:
                response.raise_for_status()
            if response.status_code != requests.codes.ok:
                return None
            content = bytearray()
            for part in response.iter_content(1 << 16):
                content += part
                if len(content) > LARGEST_ANSWER:
                    return None
        return orjson.loads(content)


def _by_hash(blobs: Sequence[bytes]) -> dict[bytes, bytes]:
    """Blobs by their versioned hash; what is no blob is left out."""
    found: dict[bytes, bytes] = {}
    for blob in blobs:
        try:
            found[versioned_hash(blob)] = blob
        except BlobMalformedError:
            continue
    return found
