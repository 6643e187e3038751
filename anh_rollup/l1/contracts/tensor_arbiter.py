"""The TensorArbiter: computes one element of one tensor; anyone may ask it without a transaction."""

from typing import Any

from anh_rollup.l1.contracts.base import Contract


class TensorArbiter(Contract):
    """Wrapper of contracts/arbiters/TensorArbiter.sol, which holds no state and emits nothing."""

    NAME = "TensorArbiter"

    def compute(self, function: str, *arguments: Any) -> tuple[Any, ...]:
        """Runs one of its pure functions (named as in contracts/interfaces) on the L1 node.

        Raises:
            L1RevertedError: The arbiter refuses the evidence.
        """
        return self.read(function, *arguments)
