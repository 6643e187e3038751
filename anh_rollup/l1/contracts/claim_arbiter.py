"""The ClaimArbiter: refutations in one sealed transaction, which the challenger's checks name and fill."""

from anh_rollup.l1.contracts.base import Contract


class ClaimArbiter(Contract):
    """Wrapper of contracts/arbiters/ClaimArbiter.sol; seal each request's data first."""

    NAME = "ClaimArbiter"
