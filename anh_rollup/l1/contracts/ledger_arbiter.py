"""The LedgerArbiter: steps of the ledger's machine."""

from anh_rollup.l1.contracts.base import Contract
from anh_rollup.l1.types import BlockId
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.witnesses import Witness


class LedgerArbiter(Contract):
    """Wrapper of contracts/arbiters/LedgerArbiter.sol."""

    NAME = "LedgerArbiter"

    def step(self, before: Machine, last: BatchNumber, witness: Witness, at: BlockId = "latest") -> Machine:
        """The machine after a step, as L1 computes it.

        Raises:
            L1RevertedError: The witness is wrong, or lacks something.
        """
        return self.read_record(Machine, "step", before, last, witness, at=at)
