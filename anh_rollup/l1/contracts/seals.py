"""Seals: announcements that keep others from taking a call out of the pool and making it first."""

from anh_rollup.l1.contracts.base import Contract
from anh_rollup.l1.types import BlockId, TransactionRequest
from anh_rollup.primitives import BlockNumber


class Sealing(Contract):
    """Wrapper of a contract that is a contracts/Seals.sol."""

    def seal(self, digest: bytes) -> TransactionRequest:
        """Announces a sealed call (`protocol.claims.seal`)."""
        return self.request("seal", digest)

    def sealed_at(self, digest: bytes, at: BlockId = "latest") -> BlockNumber:
        """The block of a seal; 0 where there is none."""
        return BlockNumber(self.read("sealedAt", digest, at=at)[0])
