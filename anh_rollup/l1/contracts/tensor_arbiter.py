"""The TensorArbiter: computes one element of one tensor; anyone may ask it without a transaction."""

from anh_rollup.l1.contracts.base import Contract


class TensorArbiter(Contract):
    """Wrapper of contracts/arbiters/TensorArbiter.sol, which holds no state and emits nothing."""

    NAME = "TensorArbiter"
