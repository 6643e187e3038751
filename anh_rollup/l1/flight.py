"""A transaction under way: one nonce, and the signed versions that compete for it."""

from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount

from anh_rollup.l1.blobs import Sidecar, wrap
from anh_rollup.l1.fees import Offer
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import ChainId, Gas, Wei


@dataclass(slots=True)
class Flight:
    """An intent under way.

    Attributes:
        request: The intent.
        nonce: The one nonce of all versions.
        gas: Gas limit.
        offer: What the latest version offers.
        sidecar: Its blobs, or None.
        offered: When the latest version was made, by the sender's clock.
        raw: The latest version, as it is sent.
        versions: Hashes of all versions, oldest first.
        accepted: Whether a node has, or may have, one of them.
        used: How often in a row its nonce was seen used, without a receipt.
        gaps: How often in a row a nonce below it was seen free.
        replaces: Whether it is of no use beside a transaction of another kind.
    """

    request: TransactionRequest
    nonce: int
    gas: Gas
    offer: Offer
    sidecar: Sidecar | None
    offered: float
    raw: bytes = b""
    versions: list[bytes] = field(default_factory=list)
    accepted: bool = False
    used: int = 0
    gaps: int = 0
    replaces: bool = False

    def cost(self, offer: Offer) -> Wei:
        """The most wei that it costs with an offer, value included."""
        return Wei(self.request.value + offer.cost(self.gas, len(self.request.blobs)))

    def sign(self, account: LocalAccount, chain: ChainId, offer: Offer, now: float) -> None:
        """Adds a version with this offer; the same offer gives the same version."""
        signed = account.sign_transaction(_fields(self, chain, offer))
        raw = bytes(signed.raw_transaction)
        self.offer = offer
        self.offered = now
        self.raw = wrap(raw, self.sidecar) if self.sidecar else raw
        if bytes(signed.hash) not in self.versions:
            self.versions.append(bytes(signed.hash))


def _fields(flight: Flight, chain: ChainId, offer: Offer) -> dict[str, Any]:
    """The transaction as eth-account signs it."""
    request = flight.request
    fields: dict[str, Any] = {
        "chainId": chain,
        "nonce": flight.nonce,
        "gas": flight.gas,
        "value": request.value,
        "data": request.data,
    }
    if request.to is not None:
        fields["to"] = request.to
    if offer.tip is None:
        return fields | {"gasPrice": offer.max_fee}
    fields |= {"type": 2, "maxFeePerGas": offer.max_fee, "maxPriorityFeePerGas": offer.tip}
    if flight.sidecar is None:
        return fields
    hashes = list(flight.sidecar.hashes)
    return fields | {"type": 3, "maxFeePerBlobGas": offer.max_blob_fee, "blobVersionedHashes": hashes}
