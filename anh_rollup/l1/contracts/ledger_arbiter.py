"""The LedgerArbiter: steps of the ledger's machine, and a register of blobs' field elements."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from anh_rollup.l1.contracts.base import Contract
from anh_rollup.l1.types import BlockId, TransactionRequest
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.witnesses import BlobOpening, FieldElement, Witness


@dataclass(frozen=True, slots=True)
class ElementProved:
    """A field element of a blob is registered; `index` counts within the blob."""

    blob: bytes
    index: int
    value: bytes


@dataclass(frozen=True, slots=True)
class BlobProved:
    """A whole blob is registered."""

    blob: bytes


class LedgerArbiter(Contract):
    """Wrapper of contracts/arbiters/LedgerArbiter.sol."""

    NAME = "LedgerArbiter"
    EVENTS: ClassVar[Mapping[str, type]] = {"ElementProved": ElementProved, "BlobProved": BlobProved}

    def prove_elements(self, blob: bytes, elements: tuple[FieldElement, ...]) -> TransactionRequest:
        """Registers field elements of one blob, so that a long record's step fits one transaction.

        Args:
            blob: Its versioned hash.
            elements: With indices within it.
        """
        return self.request("proveElements", blob, elements)

    def prove_blob(self, opening: BlobOpening) -> TransactionRequest:
        """Registers a whole blob, so that steps are given chunks of it."""
        return self.request("proveBlob", opening.blob, opening.contents, opening.commitment, opening.proof)

    def step(self, before: Machine, last: BatchNumber, witness: Witness, at: BlockId = "latest") -> Machine:
        """The machine after a step, as L1 computes it.

        Raises:
            L1RevertedError: The witness is wrong, or lacks something.
        """
        return self.read_record(Machine, "step", before, last, witness, at=at)
